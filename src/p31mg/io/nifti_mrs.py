"""NIfTI-MRS: complex NIfTI with a JSON header extension (Clarke et al. 2022, doi:10.1002/mrm.29418).

**Sign.** The standard follows Levitt 1997 (doi:10.1006/jmre.1997.1161): higher ppm is a more negative frequency, so data are
conjugated on reading and on writing.

**Begin time.** EchoTime is the time from the centre of the excitation to the start of the FID (or to the centre of an echo),
AcquisitionStartTime is relative to it. For pulse-acquire the first point is at their sum. An EchoTime beyond
`LONGEST_DEAD_TIME_S` can only be an echo, around which the phase begins anew: then AcquisitionStartTime alone counts.
"""

from __future__ import annotations

import gzip
import json
import logging
import math
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from p31mg._version import __version__
from p31mg.acquisition import Spectra
from p31mg.errors import InputError, ReadError, UnsupportedFormatError
from p31mg.io.content import Content
from p31mg.io.header import Stated

if TYPE_CHECKING:
    from nibabel.nifti2 import Nifti2Image

__all__ = ["NAME", "SUFFIXES", "image", "parse", "recognises"]

NAME = "NIfTI-MRS"
SUFFIXES = (".nii", ".nii.gz")

LONGEST_DEAD_TIME_S = 5e-3
_EXTENSION_CODE = 44
_GZIP = b"\x1f\x8b"
_VERSION = "mrs_v0_10"
_HEADER_SIZES = {(348).to_bytes(4, order) for order in ("little", "big")} | {
    (540).to_bytes(4, order) for order in ("little", "big")
}
_UNIT_S = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}
_SPATIAL = ("x", "y", "z")
_DIMENSIONS = {
    *("DIM_COIL", "DIM_DYN", "DIM_PHASE_CYCLE", "DIM_EDIT", "DIM_MEAS", "DIM_ISIS", "DIM_METCYCLE"),
    *(f"DIM_{kind}_{i}" for kind in ("INDIRECT", "USER") for i in range(3)),
}


def recognises(head: bytes, path: Path) -> bool:
    """Return whether a file that begins so is NIfTI, compressed or not."""
    if head[:2] == _GZIP:
        try:
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 16)
        except zlib.error:
            head = b""
        if not head:  # too little is left of it to tell, but for the name
            return path.name.endswith(SUFFIXES)
    return head[:4] in _HEADER_SIZES


def parse(path: Path) -> Content:
    """Read the FIDs and the header extension. The file's checksum is verified, which reading it in parts would not do."""
    loaded = _image_of(_uncompressed(path), path)
    dtype = loaded.header.get_data_dtype()
    if not np.issubdtype(dtype, np.complexfloating):
        msg = f"file {path} is a NIfTI image of {dtype}, not spectra; NIfTI-MRS holds complex numbers."
        raise UnsupportedFormatError(msg)
    try:
        data = np.asarray(loaded.dataobj)
    except _BROKEN as error:
        msg = f"file {path} is truncated or damaged: {_reason(error)}."
        raise ReadError(msg) from error
    metadata = _metadata(loaded, path)
    if data.ndim < 4 or 0 in data.shape:
        msg = f"file {path} has the dimensions {data.shape}; NIfTI-MRS has x, y, z and time first, each at least 1."
        raise ReadError(msg)
    fid, axis_names = _time_last(data, metadata)
    return Content(np.conj(fid), _stated(loaded.header, metadata, path), axis_names, metadata)


_BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, OverflowError, MemoryError, zlib.error)
"""What a damaged file makes of the libraries that read it."""


def _uncompressed(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == _GZIP else content
    except _BROKEN as error:
        msg = f"file {path} is truncated or damaged: {_reason(error)}."
        raise ReadError(msg) from error


def _image_of(content: bytes, path: Path) -> Any:
    """Return the NIfTI image in some bytes; what its library has to say about them goes into our message only."""
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    is_first_version = (348).to_bytes(4, "little") == content[:4] or (348).to_bytes(4, "big") == content[:4]
    kind = nibabel.nifti1.Nifti1Image if is_first_version else nibabel.nifti2.Nifti2Image
    try:
        with _silent(logging.getLogger("nibabel.global")):
            image: Any = kind.from_bytes(content)
            image.header.get_xyzt_units()
    except (*_BROKEN, ImageFileError, HeaderDataError, WrapStructError) as error:
        msg = f"file {path} is not a readable NIfTI file, perhaps truncated: {_reason(error)}."
        raise ReadError(msg) from error
    return image


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    was = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = was


def _reason(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _metadata(loaded: Any, path: Path) -> Mapping[str, Any]:
    texts = [e.get_content() for e in loaded.header.extensions if e.get_code() == _EXTENSION_CODE]
    where = f"header extension of file {path}"
    sidecar = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    if not texts and sidecar.is_file():
        texts, where = [sidecar.read_bytes()], f"file {sidecar}"
    if not texts:
        msg = f"file {path} has no NIfTI-MRS header extension and no {sidecar.name} beside it; write it as NIfTI-MRS."
        raise UnsupportedFormatError(msg)
    content = texts[0]
    if isinstance(content, Mapping):
        return content
    try:
        metadata = json.loads(content.decode("utf-8") if isinstance(content, bytes) else content)
    except (ValueError, RecursionError) as error:
        msg = f"{where} is not valid JSON: {_reason(error)}."
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
    names = [*_SPATIAL, *_axis_names(data.ndim, metadata)]
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
        names.append(f"dim_{i}" if name in (*names, *_SPATIAL) else name)
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

    Batch axes named x, y and z become those of the file; up to three others become its dimensions 5 to 7.

    Raises
    ------
    InputError
        More batch axes than NIfTI-MRS can hold.
    """
    import nibabel
    from nibabel.nifti1 import Nifti1Extension

    spatial = spectra.axis_names[:3] == _SPATIAL
    others = spectra.axis_names[3:] if spatial else spectra.axis_names
    if len(others) > 3:
        msg = f"spectra have {len(others)} batch axes besides x, y, z; NIfTI-MRS holds 3."
        raise InputError(msg)
    shape = spectra.batch_shape if spatial else (1, 1, 1, *spectra.batch_shape)
    data = np.moveaxis(np.conj(spectra.fid).reshape(*shape, spectra.n_points), -1, 3)
    a = spectra.acquisition
    metadata: dict[str, Any] = {
        "SpectrometerFrequency": [a.spectrometer_frequency_mhz],
        "ResonantNucleus": [a.resonant_nucleus],
        "SpectralWidth": a.spectral_width_hz,
        "EchoTime": max(a.begin_time_s, 0.0) if a.begin_time_s <= LONGEST_DEAD_TIME_S else 0.0,
        "ConversionMethod": f"p31mg {__version__}",
    }
    metadata["AcquisitionStartTime"] = a.begin_time_s - metadata["EchoTime"]
    for i, name in enumerate(others):
        metadata[f"dim_{5 + i}"] = _dimension_tag(name, i)
        metadata[f"dim_{5 + i}_info"] = name
    out: Any = nibabel.nifti2.Nifti2Image(data, affine=np.eye(4))  # type: ignore[no-untyped-call]
    out.header.set_xyzt_units("mm", "sec")
    out.header["pixdim"][4] = a.dwell_time_s
    out.header["intent_name"] = _VERSION.encode()
    out.header.extensions.append(Nifti1Extension(_EXTENSION_CODE, json.dumps(metadata).encode()))
    return out


def _dimension_tag(name: str, position: int) -> str:
    tag = f"DIM_{name.upper()}"
    return tag if tag in _DIMENSIONS else f"DIM_USER_{position}"
