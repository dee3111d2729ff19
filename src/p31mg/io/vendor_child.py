"""The child process of `p31mg.io.vendor`: one file through one converter of spec2nii to bytes on the standard output.

Run as ``python -P -m p31mg.io.vendor_child CONVERTER FILE``. The answer is a line of JSON with the sizes of the NIfTI-MRS
images, then the images. A failure ends with exit code 1 and one line on the standard error.
"""

from __future__ import annotations

import contextlib
import io
import json
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["CONVERTERS", "TIME_LIMIT_S", "answer", "limited", "main"]

TIME_LIMIT_S = 3.5
_SECONDS_PER_BYTE = 1e-7
_MEMORY_BYTES = 400 * 2**20
_MEMORY_PER_BYTE = 6
_NAME = "fid"


Converted = tuple[list[Any], list[str]]
"""Images and their names, as the converters of spec2nii give them back."""


def _dicom(path: Path) -> Converted:
    import pydicom

    maker = str(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Manufacturer"]).get("Manufacturer", ""))
    if "philips" in maker.lower():
        from spec2nii.Philips.philips_dcm import multi_file_dicom
    elif "uih" in maker.lower() or "united imaging" in maker.lower():
        from spec2nii.uih import multi_file_dicom
    else:
        from spec2nii.Siemens.dicomfunctions import multi_file_dicom
    images, names = multi_file_dicom([path], _NAME, None, False)
    return images, names


def _twix(path: Path) -> Converted:
    from mapvbvd import mapVBVD
    from spec2nii.Siemens.twixfunctions import process_twix

    measured = mapVBVD(path, quiet=True)
    last = measured[-1] if isinstance(measured, list) else measured  # earlier ones are noise and adjustment scans
    no_overrides = {"dims": (None, None, None), "tags": (None, None, None)}
    images, names = process_twix(last, _NAME, path.name, "image", no_overrides, True, False, remove_os=False)
    return images, names


def _ge_pfile(path: Path) -> Converted:
    from spec2nii.GE.ge_pfile import read_pfile

    images, names = read_pfile(path, _NAME)
    return images, names


CONVERTERS: dict[str, Callable[[Path], Converted]] = {"dicom": _dicom, "twix": _twix, "ge-pfile": _ge_pfile}


def answer(converter: str, path: Path) -> bytes:
    """Return what goes to the standard output for one file."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        made, names = CONVERTERS[converter](path)
        by_name = sorted(zip(names, made, strict=True), key=lambda pair: len(pair[0]))  # reference scans have a suffix
        images = [one.image.nibImage.to_bytes() for _, one in by_name]
    return json.dumps([len(image) for image in images]).encode() + b"\n" + b"".join(images)


@contextlib.contextmanager
def limited(size: int) -> Iterator[None]:
    """Limit time and memory of what follows, on systems that can, by the size of the file."""
    try:
        import resource
    except ImportError:  # not a POSIX system: there the parent's time-out alone holds
        yield
        return
    used = _address_space_bytes()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY_BYTES + _MEMORY_PER_BYTE * size, before[1]))
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT_S + _SECONDS_PER_BYTE * size)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _address_space_bytes() -> int:
    status = Path("/proc/self/statm")
    return int(status.read_text(encoding="ascii").split()[0]) * 4096 if status.exists() else 2**30


def _too_long(number: int, frame: object) -> None:
    del number, frame
    msg = "the conversion takes too long"
    raise TimeoutError(msg)


def main(converter: str, path: Path) -> int:
    """Answer for one file; return the exit code."""
    import nifti_mrs.create_nmrs  # noqa: F401  heavy imports come before the limits
    import spec2nii.Siemens.dicomfunctions  # noqa: F401

    try:
        with limited(path.stat().st_size):
            content = answer(converter, path)
    except Exception as error:  # noqa: BLE001  the other side of p31mg.io.foreign: all of it becomes one line
        sys.stderr.write(f"\n{(str(error).strip() or type(error).__name__).splitlines()[0]}\n")
        return 1
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
