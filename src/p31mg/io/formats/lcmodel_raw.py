"""LCModel ``.RAW`` and ``.H2O``: Fortran namelists (``$SEQPAR``, ``$NMID``, ``... $END``), then pairs of numbers.

**Sign**: the opposite of p31mg's (as other programs write it; a file and its jMRUI twin are conjugates), so it is conjugated.
What a ``$SEQPAR`` states: HZPPPM (MHz), DELTAT or DWELLTIME (s), ECHOT (ms). Most files lack it, so options are needed.

The parser is ours: the format is a page of the LCModel manual, and no library that this package uses reads it.
"""

from __future__ import annotations

import re
from array import array

import numpy as np

from p31mg.errors import ReadError
from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.header import Stated, begin_of_echo_time
from p31mg.io.source import MOST_TEXT_POINTS, Source, require_points

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "LCModel RAW"
SUFFIXES: tuple[str, ...] = (".raw", ".h2o")

_NAMELIST = re.compile(r"\s*[$&]([A-Za-z]\w*)\b(.*?)[$&]END\b", re.IGNORECASE | re.DOTALL | re.MULTILINE)
_ITEM = re.compile(r"\b([A-Za-z]\w*+)\s*+=\s*+('[^']*'|\"[^\"]*\"|[^,'\"=\s]+)")
_QUOTES = "'\" "
_LONGEST_HEADER = 2**16


def recognises(source: Source) -> bool:
    """Return whether a file begins with a namelist that LCModel knows."""
    return re.match(r"\s*[$&](SEQPAR|NMID)\b", source.text_head, re.IGNORECASE) is not None


def parse(source: Source) -> Content:
    """Read header and FID."""
    head = source.read_text()[:_LONGEST_HEADER]
    metadata: dict[str, str] = {}
    end = 0
    while match := _NAMELIST.match(head, end):
        metadata |= {name.upper(): value.strip(_QUOTES) for name, value in _ITEM.findall(match[2])}
        end = match.end()
    if not end:
        msg = f"file {source.path} has no whole header from $NMID to $END, as LCModel RAW needs one; export it again."
        raise ReadError(msg)
    numbers = array("d")
    try:
        for line in source.lines(end):
            numbers.extend(map(float, line.split()))
            require_points(len(numbers) // 2, source, MOST_TEXT_POINTS)
    except ValueError as error:
        msg = f"file {source.path} holds something else than numbers after its header: {error}."
        raise ReadError(msg) from error
    values = np.array(numbers)
    if values.size == 0 or values.size % 2:
        msg = (
            f"file {source.path} holds {values.size} numbers after its header; real and imaginary parts come in pairs."
        )
        raise ReadError(msg)
    header = Fields(metadata, source)
    dwell = header.number("DELTAT") or header.number("DWELLTIME") or header.number("BADELT")
    begin = begin_of_echo_time(header.number("ECHOT", 1e-3), "ECHOT")
    stated = Stated(
        spectrometer_frequency_mhz=header.number("HZPPPM"),
        dwell_time_s=dwell,
        **begin,
    )
    return Content(np.conj(values.view(complex)), stated, (), metadata)
