"""Siemens RDA: a text header between two marks, then little-endian doubles.

A grid is stored with x running fastest. **Sign**: the opposite of p31mg's, so it is conjugated.
**Begin time**: TE in ms, the time from the centre of the pulse to the first point in Siemens' FID sequences; it is implied
only, and says nothing where it is long enough to be an echo.

The parser is ours: the format needs ten lines, and no library that this package uses without spec2nii reads it.
"""

from __future__ import annotations

import math
import re

import numpy as np

from p31mg.errors import ReadError
from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.header import Stated, begin_of_echo_time
from p31mg.io.source import Source, require_bytes, require_points

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "Siemens RDA"
SUFFIXES: tuple[str, ...] = (".rda",)

_BEGIN, _END = b">>> Begin of header <<<", b">>> End of header <<<"
_LONGEST_HEADER_BYTES = 2**18
_LINE = re.compile(r"^([\w\[\],. -]+?):\s?(.*)$")
_GRID = ("CSIMatrixSize[0]", "CSIMatrixSize[1]", "CSIMatrixSize[2]")


def recognises(source: Source) -> bool:
    """Return whether a file begins with the mark of an RDA header."""
    return source.head.startswith(_BEGIN)


def parse(source: Source) -> Content:
    """Read header and FIDs."""
    content = source.read_bytes()
    end = content.find(_END, 0, _LONGEST_HEADER_BYTES)
    if not content.startswith(_BEGIN) or end < 0:
        msg = f"file {source.path} has no whole RDA header: {_BEGIN.decode()!r} to {_END.decode()!r} is missing; export it again."
        raise ReadError(msg)
    lines = content[len(_BEGIN) : end].decode("latin-1").splitlines()
    fields = {m[1]: m[2].strip() for m in map(_LINE.match, lines) if m}
    header = Fields(fields, source, decimal_comma=True)  # which installations of some countries write
    start = content.find(b"\n", end) + 1
    n_points = header.whole("VectorSize")
    grid = [header.whole(key, default=1) for key in _GRID]
    n_values = 2 * n_points * math.prod(grid)
    require_points(n_values // 2, source)
    require_bytes(
        8 * n_values,
        len(content) - start if start else 0,
        source,
        f"a grid of {grid} with {n_points} points",
        exact=True,
    )
    data = np.frombuffer(content, "<f8", n_values, start).astype(float).view(complex)
    is_grid = math.prod(grid) > 1
    fid = data.reshape(*grid[::-1], n_points).transpose(2, 1, 0, 3) if is_grid else data
    begin = begin_of_echo_time(header.number("TE", 1e-3), "TE")
    dwell = header.number("DwellTime", 1e-6)
    stated = Stated(
        spectrometer_frequency_mhz=header.number("MRFrequency"),
        dwell_time_s=dwell,
        resonant_nucleus=header.text("Nucleus"),
        **begin,
    )
    return Content(np.conj(fid), stated, ("x", "y", "z") if is_grid else (), header.values)
