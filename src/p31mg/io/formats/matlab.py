"""MATLAB ``.mat`` of versions 5 to 7, read by scipy: a complex array and named numbers, as variables or fields of one struct.

**Sign** as it is: the file does not say, so the package's own is assumed; `p31mg info` warns where the spectrum looks
reversed. Version 7.3, which is HDF5, is refused with the line that saves it in version 7.

scipy's parser trusts the file, to the point of a segmentation fault. So the structure is walked first, by the published format
("MAT-File Format", MathWorks): what scipy then gets is unpacked, holds nothing but numbers, text, cells and structs, and every
size in it is true. Variables that hold anything else (objects, functions, sparse matrices) are left out.
"""

from __future__ import annotations

import io
import math
import zlib
from dataclasses import dataclass
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
_ORDERS = {b"IM": "little", b"MI": "big"}


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
    if not content.startswith(_VERSION_5) or len(content) < _HEADER_BYTES:
        msg = f"file {source.path} does not begin as MATLAB 5 or later; save it with: save('file.mat', 'fid', '-v7')."
        raise UnsupportedFormatError(msg)
    content = _verified(content, source)
    with library(source, NAME):
        from scipy.io import loadmat

        variables: dict[str, Any] = loadmat(io.BytesIO(content), simplify_cells=True)  # type: ignore[arg-type]
    arrays = {k: v for k, v in variables.items() if not k.startswith("__")}
    structs = [v for v in arrays.values() if isinstance(v, dict)]
    if len(structs) == 1:
        arrays = {**{k: v for k, v in arrays.items() if not isinstance(v, dict)}, **structs[0]}
    return content_of_arrays({k: _array(v) for k, v in arrays.items()}, source)


def _array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, (int, float, complex)) else value


_MATRIX, _COMPRESSED = 14, 15
_INT8, _INT32, _UINT32 = 1, 5, 6
_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
_TEXT_TYPES = {1, 2, 4, 16, 17, 18}
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)
_COMPLEX_FLAG = 0x0800
_MOST_ELEMENTS = 100_000
_DEEPEST = 16
_LONGEST_NAME = 4096


def _verified(content: bytes, source: Source) -> bytes:
    """Return a file of the variables that scipy can be trusted with, unpacked, after every size in them was checked."""
    order = _ORDERS.get(content[126:128])
    if order is None:
        raise _damaged(source, "its mark of byte order is neither IM nor MI")
    parts, position, unpacked = [content[:_HEADER_BYTES]], _HEADER_BYTES, 0
    while position < len(content):
        element = _Element.at(content, position, len(content), order, source)
        body = content[element.start : element.end]
        if element.kind == _COMPRESSED:
            body = _unpacked(body, LARGEST_FILE_BYTES - unpacked, source)
            unpacked += len(body)
            inner = _Element.at(body, 0, len(body), order, source)
            if inner.kind != _MATRIX:
                raise _damaged(source, f"a compressed element holds data of type {inner.kind}")
            body = body[inner.start : inner.end]
        elif element.kind != _MATRIX:
            raise _damaged(source, f"an element of type {element.kind} stands where a variable is due")
        if _Walk(body, order, source).matrix(0, len(body), 0):
            padding = bytes(-len(body) % 8)
            size = (len(body) + len(padding)).to_bytes(4, order)  # type: ignore[arg-type]
            parts.append(_MATRIX.to_bytes(4, order) + size + body + padding)  # type: ignore[arg-type]
        position = element.end if element.kind == _COMPRESSED else element.following
    return b"".join(parts)


def _damaged(source: Source, how: str) -> ReadError:
    return ReadError(f"file {source.path} is truncated or damaged: {how}.")


def _unpacked(packed: bytes, largest: int, source: Source) -> bytes:
    unpacker: Any = zlib.decompressobj()
    try:
        content: bytes = unpacker.decompress(packed, max(largest, 1))
    except zlib.error as error:
        raise _damaged(source, str(error)) from error
    if unpacker.eof:
        return content
    if unpacker.unconsumed_tail:
        msg = f"file {source.path} unpacks to more than {LARGEST_FILE_BYTES:,} bytes; p31mg does not read so much."
        raise ReadError(msg)
    raise _damaged(source, "a compressed variable ends early")


@dataclass(frozen=True)
class _Element:
    """One data element: its type, where its data are, and where the next element begins."""

    kind: int
    start: int
    end: int
    following: int

    @classmethod
    def at(cls, content: bytes, position: int, limit: int, order: str, source: Source) -> _Element:
        if position + 8 > limit:
            raise _damaged(source, "an element has no room for its tag")
        first = int.from_bytes(content[position : position + 4], order)  # type: ignore[arg-type]
        if first >> 16:  # the small form: size and type share a word, and up to four bytes of data follow
            kind, size, start, following = first & 0xFFFF, first >> 16, position + 4, position + 8
            if size > 4:
                raise _damaged(source, f"a small element states {size} bytes")
        else:
            kind = first
            size = int.from_bytes(content[position + 4 : position + 8], order)  # type: ignore[arg-type]
            start = position + 8
            following = start + size + -size % 8
        if start + size > limit:
            raise _damaged(source, f"an element of {size:,} bytes does not fit into what is there")
        return cls(kind, start, start + size, min(following, limit))


class _Walk:
    """Checks one variable, with all that is nested in it."""

    def __init__(self, content: bytes, order: str, source: Source) -> None:
        self.content, self.order, self.source = content, order, source
        self.n_elements = 0

    def element(self, position: int, limit: int, *kinds: int) -> _Element:
        """Return the element at a position, which must be of one of these types."""
        self.n_elements += 1
        if self.n_elements > _MOST_ELEMENTS:
            raise _damaged(self.source, f"a variable has more than {_MOST_ELEMENTS:,} parts")
        found = _Element.at(self.content, position, limit, self.order, self.source)
        if found.kind not in kinds:
            raise _damaged(self.source, f"data of type {found.kind} stand where {kinds[0]} is due")
        return found

    def matrix(self, position: int, end: int, depth: int) -> bool:
        """Return whether a matrix holds nothing but what is read; raise where its parts do not fit together."""
        if depth > _DEEPEST:
            raise _damaged(self.source, f"structs are nested deeper than {_DEEPEST}")
        if position == end:
            return True  # an empty matrix has no parts
        flags = self.element(position, end, _UINT32)
        word = self.integers(flags)
        if len(word) != 2:
            raise _damaged(self.source, "the flags of a variable are not two words")
        kind, is_complex = word[0] & 0xFF, bool(word[0] & _COMPLEX_FLAG)
        if kind not in (_CELL, _STRUCT, _CHAR, *_NUMERIC):
            return False
        shape = self.element(flags.following, end, _INT32)
        sizes = self.integers(shape)
        if len(sizes) < 2 or min(sizes) < 0:
            raise _damaged(self.source, f"a variable has the dimensions {sizes!r:.60}")
        n = math.prod(sizes)
        require_points(n, self.source)
        name = self.element(shape.following, end, _INT8)
        if name.end - name.start > _LONGEST_NAME:
            raise _damaged(self.source, "a name is too long")
        if kind in _NUMERIC:
            return self.numbers(name.following, end, n, 2 if is_complex else 1)
        if kind == _CHAR:
            text = self.element(name.following, end, *_TEXT_TYPES)
            return text.end - text.start >= n or n == 0
        n_parts, position = n, name.following
        if kind == _STRUCT:
            n_fields, position = self.fields(position, end)
            n_parts = n * n_fields
        return self.parts(position, end, n_parts, depth)

    def numbers(self, position: int, end: int, n: int, n_parts: int) -> bool:
        for _ in range(n_parts):
            part = self.element(position, end, *_ITEM_BYTES)
            if part.end - part.start != n * _ITEM_BYTES[part.kind]:
                raise _damaged(
                    self.source, f"{part.end - part.start:,} bytes of type {part.kind} are not {n:,} numbers"
                )
            position = part.following
        return True

    def fields(self, position: int, end: int) -> tuple[int, int]:
        """Return the number of fields of a struct, and where their values begin."""
        length = self.element(position, end, _INT32)
        width = sum(self.integers(length)) if length.end - length.start == 4 else 0
        names = self.element(length.following, end, _INT8)
        total = names.end - names.start
        if not 1 <= width <= _LONGEST_NAME or total % width:
            raise _damaged(self.source, f"names of {width} letters do not fill {total:,} bytes")
        return total // width, names.following

    def parts(self, position: int, end: int, n_parts: int, depth: int) -> bool:
        is_read = True
        for _ in range(n_parts):
            part = self.element(position, end, _MATRIX)
            is_read = self.matrix(part.start, part.end, depth + 1) and is_read
            position = part.following
        return is_read

    def integers(self, element: _Element) -> list[int]:
        """Return the words of an element; the flags use their two as such, dimensions are signed."""
        order = "<" if self.order == "little" else ">"
        data = self.content[element.start : element.end]
        return np.frombuffer(data[: len(data) // 4 * 4], f"{order}i4").tolist()
