"""NumPy ``.npy`` and ``.npz``. Pickles are never loaded.

An ``.npy`` is a complex array (..., n_points), and nothing about its acquisition. An ``.npz`` has that as ``fid`` (or as its
only complex array) and any of ``spectrometer_frequency_mhz``, ``spectral_width_hz`` or ``dwell_time_s``, ``begin_time_s``,
``resonant_nucleus``, ``axis_names``: what `write` puts there. **Sign** as it is: the package's own.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from p31mg.acquisition import Spectra
from p31mg.errors import ReadError, UnsupportedFormatError
from p31mg.io.content import Content
from p31mg.io.foreign import library
from p31mg.io.named_arrays import content_of_arrays
from p31mg.io.source import LARGEST_FILE_BYTES, Source, require_bytes, require_points

__all__ = ["NAME", "SUFFIXES", "arrays_of", "parse", "recognises"]

NAME = "NumPy array"
SUFFIXES: tuple[str, ...] = (".npy", ".npz")

_NPY, _ZIP = b"\x93NUMPY", b"PK\x03\x04"
_MOST_MEMBERS = 64
_LARGEST_HEADER = 4096


def recognises(source: Source) -> bool:
    """Return whether a file is an array, or a zip whose first member is one."""
    return source.head.startswith(_NPY) or (source.head.startswith(_ZIP) and b".npy" in source.head[:512])


def parse(source: Source) -> Content:
    """Read the array, or all of them."""
    content = source.read_bytes()
    with library(source, NAME):
        arrays = (
            {"fid": _array(io.BytesIO(content), len(content), source)}
            if content.startswith(_NPY)
            else _members(content, source)
        )
    return content_of_arrays(arrays, source)


def _members(content: bytes, source: Source) -> dict[str, npt.NDArray[Any]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        msg = f"file {source.path} is truncated or damaged: {error}."
        raise ReadError(msg) from error
    with archive:
        members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
        total = sum(m.file_size for m in members)
        if len(members) > _MOST_MEMBERS or total > LARGEST_FILE_BYTES:
            msg = (
                f"file {source.path} unpacks to {len(members)} arrays, {total:,} bytes; {LARGEST_FILE_BYTES:,} at most."
            )
            raise ReadError(msg)
        arrays = {}
        for member in members:
            try:
                with archive.open(member) as file:
                    arrays[member.filename.removesuffix(".npy")] = _array(file, member.file_size, source)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
                msg = f"file {source.path} is damaged in {member.filename[:40]!r}: {error}."
                raise ReadError(msg) from error
        return arrays


def _array(file: Any, size: int, source: Source) -> npt.NDArray[Any]:
    """Return an array after its header was held against the bytes that follow it."""
    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = reader(file, max_header_size=_LARGEST_HEADER)
    if dtype.hasobject:
        msg = f"file {source.path} holds Python objects, which p31mg never unpickles; save plain arrays."
        raise UnsupportedFormatError(msg)
    if any(n < 0 for n in shape):
        msg = f"file {source.path} states the shape {shape}; it is damaged."
        raise ReadError(msg)
    require_points(math.prod(shape), source)
    require_bytes(
        math.prod(shape) * dtype.itemsize, size - file.tell(), source, f"the shape {shape} of {dtype}", exact=True
    )
    data = file.read(math.prod(shape) * dtype.itemsize)
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran_order else "C")
    while file.read(2**20):  # to the end: a zip verifies its checksum only there
        pass
    return array


def arrays_of(spectra: Spectra) -> dict[str, npt.NDArray[Any]]:
    """Return what an ``.npz`` of spectra holds; `parse` gives the same numbers back."""
    acquisition = spectra.acquisition
    return {
        "fid": spectra.fid,
        "spectrometer_frequency_mhz": np.array(acquisition.spectrometer_frequency_mhz),
        "dwell_time_s": np.array(acquisition.dwell_time_s),
        "begin_time_s": np.array(acquisition.begin_time_s),
        "begin_time_source": np.array(acquisition.begin_time_source),
        "sd_begin_time_s": np.array(acquisition.sd_begin_time_s),
        "resonant_nucleus": np.array(acquisition.resonant_nucleus),
        "axis_names": np.array(spectra.axis_names, dtype=str),
    }
