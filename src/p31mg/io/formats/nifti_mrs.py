"""NIfTI-MRS: complex NIfTI with a JSON header extension (Clarke et al. 2022, doi:10.1002/mrm.29418).

**Sign.** The standard follows Levitt 1997 (doi:10.1006/jmre.1997.1161): higher ppm is a more negative frequency, so data are
conjugated on reading and on writing.

**Begin time.** EchoTime is the time from the centre of the excitation to the start of the FID (or to the centre of an echo),
AcquisitionStartTime is relative to it. For pulse-acquire the first point is at their sum. An EchoTime beyond
`LONGEST_DEAD_TIME_S` can only be an echo, around which the phase begins anew: then AcquisitionStartTime alone counts.
"""

from __future__ import annotations

import json
import logging
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from p31mg._version import __version__
from p31mg.acquisition import ProcessingStep, Spectra
from p31mg.errors import InputError, ReadError, UnsupportedFormatError
from p31mg.io.content import Content
from p31mg.io.documents import jsonable
from p31mg.io.foreign import library, reason_of
from p31mg.io.header import LONGEST_DEAD_TIME_S, Stated, nucleus_name
from p31mg.io.source import LARGEST_PARAMETERS_BYTES, LARGEST_TEXT_BYTES, Source, require_points
from p31mg.preprocess.display import CAUTIONS

if TYPE_CHECKING:
    from nibabel.nifti2 import Nifti2Image

__all__ = ["GRID", "NAME", "SPATIAL", "SUFFIXES", "affine_of", "content_of", "image", "parse", "recognises"]

NAME = "NIfTI-MRS"
SUFFIXES: tuple[str, ...] = (".nii", ".nii.gz")

_SD_BEGIN_TIME = "BeginTimeStandardDeviation"
_EXTENSION_CODE = 44
_HEADER_BYTES = 544
_SLACK_BYTES = 2**16
_ESSENTIAL = ("SpectrometerFrequency", "ResonantNucleus", "SpectralWidth", "EchoTime", "AcquisitionStartTime")
_PERSONAL = {"PatientName", "PatientID", "PatientDoB", "PatientBirthDate", "DeviceSerialNumber", "OriginalFile"}
"""What the standard marks to be taken out for anonymity, and the name that BIDS and DICOM have for the date of birth."""
_BIDS_NUCLEUS = re.compile(r"(?:^|_)nuc-([0-9A-Za-z]+)(?=_)")
_CONVERSION = "Format conversion"
_LONGEST_DETAILS = 2000
_MOST_NUMBERS = 16
_GZIP = b"\x1f\x8b"
_VERSION = "mrs_v0_10"
_HEADER_SIZES = {(348).to_bytes(4, order) for order in ("little", "big")} | {
    (540).to_bytes(4, order) for order in ("little", "big")
}
_UNIT_S = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}
SPATIAL = ("x", "y", "z")
GRID = "grid"
"""Key of the metadata under which the affine stands, which NIfTI keeps outside of the header extension."""
_DIMENSIONS = {
    *("DIM_COIL", "DIM_DYN", "DIM_PHASE_CYCLE", "DIM_EDIT", "DIM_MEAS", "DIM_ISIS", "DIM_METCYCLE"),
    *(f"DIM_{kind}_{i}" for kind in ("INDIRECT", "USER") for i in range(3)),
}


def recognises(source: Source) -> bool:
    """Return whether a file begins as NIfTI, compressed or not."""
    head = source.head
    if head[:2] == _GZIP:
        try:
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 16)
        except zlib.error:
            return False
    return head[:4] in _HEADER_SIZES


def parse(source: Source) -> Content:
    """Read the FIDs and the header extension. The file's checksum is verified, which reading it in parts would not do."""
    content = source.read_bytes()
    if content[:2] != _GZIP and content[:4] not in _HEADER_SIZES:
        msg = f"file {source.path} is named like NIfTI but its content is not; export or convert it again."
        raise UnsupportedFormatError(msg)
    if content[:2] == _GZIP:
        with library(source, NAME):
            content = _uncompressed(content, source)
    return content_of(content, source)


def content_of(content: bytes, source: Source) -> Content:
    """Return what the bytes of an uncompressed NIfTI-MRS file hold; `source` is where they come from."""
    import nibabel

    with library(source, NAME), _silent(logging.getLogger("nibabel.global")):
        kind: Any = nibabel.nifti1.Nifti1Image if _is_first_version(content) else nibabel.nifti2.Nifti2Image
        expected = _require_sense(kind.header_class(content[: kind.header_class.sizeof_hdr], check=False), source)
        if len(content) > expected + _SLACK_BYTES:
            raise _too_long(expected, source)
        loaded = kind.from_bytes(content)
        loaded.header.get_xyzt_units()
    metadata, doubts = _metadata(loaded, source)
    with library(source, NAME):
        data = np.asarray(loaded.dataobj)
    if data.ndim < 4 or 0 in data.shape:
        msg = f"file {source.path} has the dimensions {data.shape}; NIfTI-MRS has x, y, z and time first, each at least 1."
        raise ReadError(msg)
    data = np.conjugate(data, out=data if data.flags.writeable else None)
    fid, axis_names = _time_last(data, metadata)
    stated = _stated(loaded.header, metadata, source.path)
    metadata_and_grid = {**metadata, **_grid(loaded, data.shape[:3])}
    return Content(fid, stated, axis_names, metadata_and_grid, doubts, _history(metadata))


def _grid(loaded: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return where the voxels are, as metadata, if the file says so: the affine, and the shape (x, y, z) it belongs to."""
    is_stated = int(loaded.header["sform_code"]) > 0 or int(loaded.header["qform_code"]) > 0
    affine = np.asarray(loaded.affine, dtype=float)
    if not is_stated or not np.isfinite(affine).all():
        return {}
    return {GRID: {"affine": affine.tolist(), "shape": list(shape)}}


def affine_of(spectra: Spectra) -> npt.NDArray[np.float64] | None:
    """Return the affine of the voxels of spectra, (4, 4) to mm; None where no file said it, or of another part of the grid."""
    grid = spectra.metadata.get(GRID)
    is_spatial = spectra.axis_names[:3] == SPATIAL
    shape = spectra.batch_shape[:3] if is_spatial else (1, 1, 1)
    if not isinstance(grid, Mapping) or tuple(grid["shape"]) != shape:
        return None
    return np.array(grid["affine"], dtype=float)


def _is_first_version(content: bytes) -> bool:
    return 348 in (int.from_bytes(content[:4], "little"), int.from_bytes(content[:4], "big"))


def _require_sense(header: Any, source: Source) -> int:
    """Return the size of the whole file that a header describes, after refusing pictures and absurd dimensions."""
    dtype, shape = header.get_data_dtype(), [int(n) for n in header.get_data_shape()]
    if not np.issubdtype(dtype, np.complexfloating):
        msg = f"file {source.path} is a NIfTI image of {dtype}, not spectra; NIfTI-MRS holds complex numbers."
        raise UnsupportedFormatError(msg)
    if any(n < 0 for n in shape):
        msg = f"file {source.path} has the dimensions {tuple(shape)}; NIfTI-MRS has x, y, z and time first, each at least 1."
        raise ReadError(msg)
    require_points(math.prod(shape), source)
    offset = float(header["vox_offset"])
    if not 0 <= offset <= LARGEST_TEXT_BYTES:
        msg = f"file {source.path} places its data {offset:g} bytes after its start; it is damaged."
        raise ReadError(msg)
    return int(offset) + math.prod(shape) * int(dtype.itemsize)


def _uncompressed(content: bytes, source: Source) -> bytes:
    """Return what a gzip file holds, never more than its own NIfTI header says and a little."""
    import nibabel

    kind: Any = zlib.decompressobj(zlib.MAX_WBITS | 16)
    head = kind.decompress(content, _HEADER_BYTES)
    if head[:4] not in _HEADER_SIZES:
        msg = f"file {source.path} is compressed, and what it holds is not NIfTI; unpack it first."
        raise UnsupportedFormatError(msg)
    header_class: Any = nibabel.nifti1.Nifti1Header if _is_first_version(head) else nibabel.nifti2.Nifti2Header
    expected = _require_sense(header_class(head[: header_class.sizeof_hdr], check=False), source)
    if len(content) > 1.01 * expected + _SLACK_BYTES:
        raise _too_long(expected, source)
    body = kind.decompress(kind.unconsumed_tail, max(expected - len(head), 0) + _SLACK_BYTES)
    if not kind.eof:
        if kind.unconsumed_tail:
            raise _too_long(expected, source)
        msg = f"file {source.path} is truncated or damaged; export or convert it again."
        raise ReadError(msg)
    return head + body  # reaching the end, zlib has verified length and checksum


def _too_long(expected: int, source: Source) -> ReadError:
    return ReadError(
        f"file {source.path} holds more than the {expected:,} bytes of its header; export or convert it again."
    )


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    was = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = was


def _metadata(loaded: Any, source: Source) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return header extension and, for what it lacks, the BIDS sidecar; and where the two disagree."""
    path = source.path
    texts = [e.get_content() for e in loaded.header.extensions if e.get_code() == _EXTENSION_CODE]
    beside = source.beside(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    of_file = _json_object(texts[0], f"header extension of file {path}") if texts else {}
    of_sidecar = {}
    if beside is not None:
        of_sidecar = _json_object(beside.read_text(LARGEST_PARAMETERS_BYTES), f"file {beside.path}")
    if not texts and beside is None:
        name = path.name.removesuffix(".gz").removesuffix(".nii") + ".json"
        msg = f"file {path} has no NIfTI-MRS header extension and no {name} beside it; write it as NIfTI-MRS."
        raise UnsupportedFormatError(msg)
    metadata = {**of_sidecar, **of_file}
    entity = _BIDS_NUCLEUS.search(path.name)
    if "ResonantNucleus" not in metadata and entity:
        metadata["ResonantNucleus"] = [entity[1]]
    disagree = [k for k in _ESSENTIAL if k in of_file and k in of_sidecar and not _agree(of_file[k], of_sidecar[k])]
    doubts = [
        f"{k} is {_first(of_file[k])!r:.40} in the file and {_first(of_sidecar[k])!r:.40} in the sidecar; the file's is used"
        for k in disagree
    ]
    nucleus = _first(metadata.get("ResonantNucleus"))
    if entity and isinstance(nucleus, str) and nucleus_name(nucleus) != nucleus_name(entity[1]):
        doubts.append(f"the name says nucleus {entity[1]} and the header {nucleus:.20}; the header's is used")
    return metadata, tuple(doubts)


def _agree(a: Any, b: Any) -> bool:
    """Return whether two statements are the same, or the same number but for rounding."""
    a, b = _first(a), _first(b)
    numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
    return bool(a == b or (numbers and math.isclose(a, b, rel_tol=1e-3)))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _json_object(content: Any, where: str) -> dict[str, Any]:
    if isinstance(content, Mapping):
        return dict(content)
    try:
        metadata = json.loads(content.decode("utf-8") if isinstance(content, bytes) else content)
    except (ValueError, RecursionError) as error:
        msg = f"{where} is not valid JSON: {reason_of(error)}."
        raise ReadError(msg) from error
    if not isinstance(metadata, dict):
        msg = f"{where} holds {type(metadata).__name__}, not a JSON object."
        raise ReadError(msg)
    return metadata


def _time_last(
    data: npt.NDArray[Any], metadata: Mapping[str, Any]
) -> tuple[npt.NDArray[np.complexfloating[Any, Any]], tuple[str, ...]]:
    """Return data (..., n_points) with one name per batch axis; singleton axes go, but a grid keeps x, y and z."""
    data = np.moveaxis(data, 3, -1)
    names = [*SPATIAL, *_axis_names(data.ndim, metadata)]
    is_grid = math.prod(data.shape[:3]) > 1
    kept = [i for i, size in enumerate(data.shape[:-1]) if size > 1 or (i < 3 and is_grid)]
    shape = [data.shape[i] for i in kept]
    return data.reshape(*shape, data.shape[-1]), tuple(names[i] for i in kept)


def _axis_names(n_dimensions: int, metadata: Mapping[str, Any]) -> list[str]:
    """Return names of dimensions 5 to 7: the standard's tag, or what was written beside it by p31mg; never one twice."""
    names: list[str] = []
    ours = str(metadata.get("ConversionMethod", "")).startswith("p31mg")
    for i in range(5, n_dimensions + 1):
        tag = metadata.get(f"dim_{i}")
        name = tag.removeprefix("DIM_").lower() if tag in _DIMENSIONS else f"dim_{i}"
        info = metadata.get(f"dim_{i}_info")
        if ours and isinstance(info, str) and info.isidentifier():
            name = info
        names.append(f"dim_{i}" if name in (*names, *SPATIAL) else name)
    return names


def _stated(header: Any, metadata: Mapping[str, Any], path: Path) -> Stated:
    unit = header.get_xyzt_units()[1]
    dwell = float(header["pixdim"][4]) * _UNIT_S.get(unit, math.nan)
    if not (math.isfinite(dwell) and dwell > 0):
        msg = f"file {path} states a dwell time of {float(header['pixdim'][4]):g} {unit}; it must be above 0 seconds."
        raise ReadError(msg)
    width = 1.0 / dwell
    named_width = _number(metadata, "SpectralWidth", path)
    if named_width is not None:
        if not abs(named_width - width) <= 1e-2 * width:
            msg = (
                f"file {path} contradicts itself: SpectralWidth is {named_width:g} Hz but the dwell time of the header "
                f"means {width:g} Hz; correct the file."
            )
            raise ReadError(msg)
        if abs(named_width - width) <= 1e-6 * width:
            width = named_width  # the same number in double precision; pixdim of NIfTI-1 has seven digits
    begin, source, implied = _begin_time(metadata, path)
    return Stated(
        dwell_time_s=dwell if header["pixdim"].dtype.itemsize == 8 else 1.0 / width,
        spectrometer_frequency_mhz=_number(metadata, "SpectrometerFrequency", path),
        spectral_width_hz=width,
        begin_time_s=begin,
        begin_time_source=source,
        begin_time_implied=implied,
        sd_begin_time_s=_sd_begin_time_s(metadata, path),
        resonant_nucleus=_nucleus(metadata, path),
    )


def _begin_time(metadata: Mapping[str, Any], path: Path) -> tuple[float | None, str, bool]:
    echo, start = _number(metadata, "EchoTime", path), _number(metadata, "AcquisitionStartTime", path)
    if echo is not None and echo > LONGEST_DEAD_TIME_S:
        return start, "AcquisitionStartTime", False
    if start is None:
        return echo, "EchoTime", True
    if echo is None:
        return start, "AcquisitionStartTime", False
    return echo + start, "EchoTime + AcquisitionStartTime", False


def _sd_begin_time_s(metadata: Mapping[str, Any], path: Path) -> float | None:
    """Return how well the begin time is known, if p31mg wrote the file."""
    own = metadata.get(_SD_BEGIN_TIME)
    return _number(own, "Value", path) if isinstance(own, Mapping) else None


def _nucleus(metadata: Mapping[str, Any], path: Path) -> str:
    nucleus = metadata.get("ResonantNucleus")
    first = nucleus[0] if isinstance(nucleus, list) and nucleus else nucleus
    if not isinstance(first, str):
        msg = f"file {path} states ResonantNucleus {nucleus!r}; NIfTI-MRS needs a name there, such as 31P. Correct the file."
        raise ReadError(msg)
    return first


def _number(metadata: Mapping[str, Any], key: str, path: Path) -> float | None:
    value = metadata.get(key)
    if isinstance(value, list) and value:
        value = value[0]
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        number = float(value) if is_number else math.nan  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        msg = f"file {path} states {key} {value!r:.40}; it must be a number."
        raise ReadError(msg)
    return number


def image(spectra: Spectra) -> Nifti2Image:
    """Return spectra as a NIfTI-MRS image in double precision, conjugated to the sign of the standard.

    Batch axes named x, y and z become those of the file, with the affine of the file they came from; up to three others become
    its dimensions 5 to 7. A header that was NIfTI-MRS already is kept, but for what names a person, a device or the file of a
    scanner. ProcessingApplied tells the history of the spectra.

    Raises
    ------
    InputError
        More batch axes than NIfTI-MRS can hold.
    """
    import nibabel
    from nibabel.nifti1 import Nifti1Extension

    spatial = spectra.axis_names[:3] == SPATIAL
    others = spectra.axis_names[3:] if spatial else spectra.axis_names
    if len(others) > 3:
        msg = f"spectra have {len(others)} batch axes besides x, y, z; NIfTI-MRS holds 3."
        raise InputError(msg)
    shape = spectra.batch_shape if spatial else (1, 1, 1, *spectra.batch_shape)
    data = np.moveaxis(np.conj(spectra.fid).reshape(*shape, spectra.n_points), -1, 3)
    a = spectra.acquisition
    before = spectra.metadata if "SpectrometerFrequency" in spectra.metadata else {}
    metadata: dict[str, Any] = {
        k: jsonable(v)
        for k, v in before.items()
        if k not in {*_PERSONAL, GRID, _SD_BEGIN_TIME} and not k.startswith("dim_")
    }
    metadata |= {
        "SpectrometerFrequency": [a.spectrometer_frequency_mhz],
        "ResonantNucleus": [a.resonant_nucleus],
        "SpectralWidth": a.spectral_width_hz,
        "ConversionMethod": f"p31mg {__version__}",
    }
    echo = _first(before.get("EchoTime"))
    is_echo = isinstance(echo, (int, float)) and echo > LONGEST_DEAD_TIME_S
    if not is_echo:  # where it is one, it says nothing about the first point and stays as it was
        metadata["EchoTime"] = max(a.begin_time_s, 0.0) if a.begin_time_s <= LONGEST_DEAD_TIME_S else 0.0
    metadata["AcquisitionStartTime"] = a.begin_time_s - (0.0 if is_echo else metadata["EchoTime"])
    if a.sd_begin_time_s > 0:  # the standard has no field for it; what is user-defined comes with a description
        words = "standard deviation of EchoTime + AcquisitionStartTime, in s"
        metadata[_SD_BEGIN_TIME] = {"Value": a.sd_begin_time_s, "Description": words}
    metadata["ProcessingApplied"] = [*_steps(before), *map(_record, _since(before, spectra)), _this_step(spectra)]
    for i, name in enumerate(others):
        metadata[f"dim_{5 + i}"] = _dimension_tag(name, i)
        metadata[f"dim_{5 + i}_info"] = name
    affine = affine_of(spectra)
    out: Any = nibabel.nifti2.Nifti2Image(data, affine=np.eye(4) if affine is None else affine)  # type: ignore[no-untyped-call]
    out.header.set_xyzt_units("mm", "sec")
    out.header["pixdim"][4] = a.dwell_time_s
    out.header["intent_name"] = _VERSION.encode()
    out.header.extensions.append(Nifti1Extension(_EXTENSION_CODE, json.dumps(metadata).encode()))
    return out


def _steps(metadata: Mapping[str, Any]) -> list[Any]:
    """Return the processing that a file already records."""
    steps = metadata.get("ProcessingApplied", [])
    return list(steps) if isinstance(steps, list) else [steps]


def _history(metadata: Mapping[str, Any]) -> tuple[ProcessingStep, ...]:
    """Return what a file says was done to its FIDs, with what that means to a fit. A change of format is nothing done."""
    steps = []
    for step in _steps(metadata):
        method = step.get("Method") if isinstance(step, Mapping) else None
        if isinstance(method, str) and method != _CONVERSION:
            said = {str(k): str(v)[:_LONGEST_DETAILS] for k, v in step.items() if k in ("Version", "Details")}
            name = str(step.get("Program", "unknown"))[:_LONGEST_DETAILS]
            steps.append(ProcessingStep(name=name, method=method, parameters=said, caution=CAUTIONS.get(method, "")))
    return tuple(steps)


def _since(metadata: Mapping[str, Any], spectra: Spectra) -> tuple[ProcessingStep, ...]:
    """Return the steps that the header that the spectra came with does not record."""
    recorded = _history(metadata)
    return spectra.history[len(recorded) :] if spectra.history[: len(recorded)] == recorded else spectra.history


def _record(step: ProcessingStep) -> dict[str, str]:
    """Return the record of one step, as the standard wants it."""
    chosen = ", ".join(f"{name}={_short(value)}" for name, value in step.parameters.items())
    found = "; ".join(f"{name} {_short(value)}" for name, value in step.found.items())
    return _entry(
        step.method, f"p31mg.preprocess.{step.name}({chosen}){f': {found}' if found else ''}"[:_LONGEST_DETAILS]
    )


def _short(value: Any) -> str:
    """Return numbers as text: a few of them one by one, of many their range."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.dtype == bool:
        where = f" at {np.flatnonzero(value)[:_MOST_NUMBERS].tolist()}" if 0 < value.sum() < value.size else ""
        return f"{int(value.sum())} of {value.size}{where}"
    if value.size <= _MOST_NUMBERS:
        return "[" + ", ".join(f"{v:.6g}" for v in value.ravel()) + "]"
    sizes = np.abs(value) if np.iscomplexobj(value) else value
    known = sizes[np.isfinite(sizes)]
    return f"{value.size} numbers, {known.min():.6g} to {known.max():.6g}" if known.size else f"{value.size} NaN"


def _this_step(spectra: Spectra) -> dict[str, str]:
    """Return the record of writing."""
    source = Path(spectra.source).name or "arrays"
    begin = f"begin time from {spectra.acquisition.begin_time_source or 'an unnamed source'}"
    return _entry(
        _CONVERSION, f"written from {source}; {begin}; conjugated from the sign of p31mg to that of the standard"
    )


def _entry(method: str, details: str) -> dict[str, str]:
    return {
        "Time": datetime.now(UTC).isoformat(timespec="seconds"),
        "Program": "p31mg",
        "Version": __version__,
        "Method": method,
        "Details": details,
    }


def _dimension_tag(name: str, position: int) -> str:
    tag = f"DIM_{name.upper()}"
    return tag if tag in _DIMENSIONS else f"DIM_USER_{position}"
