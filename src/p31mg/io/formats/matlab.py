"""MATLAB ``.mat`` of versions 4 to 7, read by scipy: a complex array and named numbers, as variables or fields of one struct.

**Sign** as it is: the file does not say, so the package's own is assumed; `p31mg info` warns where the spectrum looks
reversed. Version 7.3, which is HDF5, is refused with the line that saves it in version 7.
"""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np

from p31mg.errors import ReadError, UnsupportedFormatError
from p31mg.io.content import Content
from p31mg.io.foreign import library
from p31mg.io.named_arrays import content_of_arrays
from p31mg.io.source import LARGEST_FILE_BYTES, Source, require_points

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "MATLAB"
SUFFIXES: tuple[str, ...] = (".mat",)

_VERSION_5, _VERSION_7_3, _HDF5 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file", b"\x89HDF\r\n\x1a\n"
_HEADER_BYTES = 128
_COMPRESSED = 15


def recognises(source: Source) -> bool:
    """Return whether a file begins as one of MATLAB, version 5 or newer."""
    return source.head.startswith((_VERSION_5, _VERSION_7_3)) or (
        source.head.startswith(_HDF5) and source.lower_name.endswith(".mat")
    )


def parse(source: Source) -> Content:
    """Read the variables, and the fields of the only struct among them."""
    if source.head.startswith((_VERSION_7_3, _HDF5)):
        msg = f"file {source.path} is MATLAB 7.3, which is HDF5; save it with: save('file.mat', '-struct', 'data', '-v7')."
        raise UnsupportedFormatError(msg)
    content = source.read_bytes()
    if content.startswith(_VERSION_5):
        _require_sense(content, source)
    with library(source, NAME):
        from scipy.io import loadmat, whosmat

        for name, shape, _ in whosmat(io.BytesIO(content)):  # type: ignore[arg-type]
            del name
            require_points(int(np.prod([int(n) for n in shape], dtype=object)), source)
        variables: dict[str, Any] = loadmat(io.BytesIO(content), simplify_cells=True)  # type: ignore[arg-type]
    arrays = {k: v for k, v in variables.items() if not k.startswith("__")}
    structs = [v for v in arrays.values() if isinstance(v, dict)]
    if len(structs) == 1:
        arrays = {**{k: v for k, v in arrays.items() if not isinstance(v, dict)}, **structs[0]}
    return content_of_arrays({k: _array(v) for k, v in arrays.items()}, source)


def _array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, (int, float, complex)) else value


def _require_sense(content: bytes, source: Source) -> None:
    """Refuse, before scipy sees it, elements that end behind the file and compressed ones that unpack to too much."""
    order = "big" if content[126:128] == b"MI" else "little"
    position, unpacked = _HEADER_BYTES, 0
    while position + 8 <= len(content):
        kind = int.from_bytes(content[position : position + 4], order)  # type: ignore[arg-type]
        size = int.from_bytes(content[position + 4 : position + 8], order)  # type: ignore[arg-type]
        if position + 8 + size > len(content):
            msg = f"file {source.path} is truncated: an element of {size:,} bytes does not fit into it."
            raise ReadError(msg)
        if kind == _COMPRESSED:
            unpacked += _unpacked_size(
                content[position + 8 : position + 8 + size], LARGEST_FILE_BYTES - unpacked, source
            )
        position += 8 + size


def _unpacked_size(content: bytes, largest: int, source: Source) -> int:
    unpacker: Any = zlib.decompressobj()
    size, rest = 0, content
    try:
        while rest and not unpacker.eof:
            size += len(unpacker.decompress(rest, 2**20))
            rest = unpacker.unconsumed_tail
            if size > largest:
                msg = f"file {source.path} unpacks to more than {LARGEST_FILE_BYTES:,} bytes; p31mg does not read so much."
                raise ReadError(msg)
    except zlib.error as error:
        msg = f"file {source.path} is damaged: {error}."
        raise ReadError(msg) from error
    return size
