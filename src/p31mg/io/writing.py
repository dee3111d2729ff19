"""Writing files: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.errors import InputError, WriteError
from p31mg.io.formats import nifti_mrs, numpy_arrays, text

__all__ = [
    "TEMPORARY_PREFIX",
    "make_folder",
    "require_known_ending",
    "write",
    "write_bytes",
    "write_text",
    "write_whole",
]

TEMPORARY_PREFIX = ".p31mg-"
"""How the names of files begin that are not yet whole."""


def write(spectra: Spectra, path: str | os.PathLike[str]) -> Path:
    """Write spectra so that reading them back gives the same numbers, to the last digit.

    Parameters
    ----------
    spectra
        One spectrum or a stack.
    path
        Its ending decides: ``.nii`` or ``.nii.gz`` for NIfTI-MRS in double precision (up to three batch axes besides x, y, z;
        the writing is recorded in ``ProcessingApplied``), ``.npz`` for NumPy, ``.csv`` for text with a pair of columns per FID.
        The folder must exist. An existing file is replaced.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    InputError
        The name ends differently, or the format cannot hold the spectra.
    WriteError
        The file cannot be written there; nothing is left half-written.

    Examples
    --------
    >>> import p31mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(p31mg.simulate(0.5, prior="muscle-3t", seed=1), Path(folder) / "a.nii.gz").name
    'a.nii.gz'
    """
    if not isinstance(spectra, Spectra):
        msg = f"spectra is a {type(spectra).__name__}; give p31mg.Spectra(fid, acquisition)."
        raise InputError(msg)
    path = Path(path)
    require_known_ending(path)
    return write_whole(path, _saver(spectra, path))


def require_known_ending(path: Path) -> None:
    """Refuse, with `InputError`, a name whose ending is of no format that is written."""
    if not path.name.endswith(nifti_mrs.SUFFIXES) and path.suffix not in {".npz", ".csv"}:
        msg = f"path is {path}; the name must end in .nii or .nii.gz (NIfTI-MRS), .npz or .csv."
        raise InputError(msg)


def _saver(spectra: Spectra, path: Path) -> Callable[[str], object]:
    if path.name.endswith(nifti_mrs.SUFFIXES):
        return nifti_mrs.image(spectra).to_filename
    if path.suffix == ".npz":
        arrays = numpy_arrays.arrays_of(spectra)
        return lambda name: np.savez(name, **arrays)  # type: ignore[arg-type]  # its allow_pickle is no array
    document = text.document(spectra)
    return lambda name: Path(name).write_text(document, encoding="utf-8")


def write_whole(path: Path, save: Callable[[str], object]) -> Path:
    """Let `save` write a temporary file beside `path` and put it in its place when it is whole and on the disk."""
    suffix = "".join(path.suffixes[-2:])
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=suffix, dir=path.parent)
        os.close(descriptor)
        try:
            save(temporary)
            Path(temporary).chmod(0o666 & ~_umask())
            _flush(Path(temporary))
            Path(temporary).replace(path)
            _flush(path.parent)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise WriteError(msg) from error
    return path


def write_bytes(path: Path, content: bytes) -> Path:
    """Write bytes, whole or not at all."""
    return write_whole(path, lambda name: Path(name).write_bytes(content))


def write_text(path: Path, text: str) -> Path:
    """Write a text as UTF-8, whole or not at all."""
    return write_whole(path, lambda name: Path(name).write_text(text, encoding="utf-8"))


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; where folders cannot be opened they need no waiting."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder for output, made if needed and found to be writable before any work is done."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        msg = f"output folder {path} cannot be written: {error.strerror or error}."
        raise WriteError(msg) from error
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
