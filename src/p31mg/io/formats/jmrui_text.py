"""jMRUI text: a header of ``Name: value`` lines and columns of numbers, one block per signal.

Every block has the real and imaginary part of the FID first; programs may write those of its spectrum beside them, which are
not read. **Sign**: as that of p31mg: the reading of jMRUI files by other programs conjugates them to NIfTI-MRS.
**Begin time**: BeginTime, in ms; programs that export to jMRUI leave it at 0, so a 0 is implied only.
**Nucleus**: TypeOfNucleus, by name or by jMRUI's number; where that says nothing, from frequency and field.

The parser is ours: the format is a page long and no library that this package uses reads it strictly.
"""

from __future__ import annotations

import itertools
import math
import re
from array import array
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from p31mg.errors import ReadError
from p31mg.io.content import Content, one_or_stack
from p31mg.io.fields import Fields
from p31mg.io.header import Stated, nucleus_name, nucleus_of_frequency
from p31mg.io.source import MOST_TEXT_POINTS, Source, require_points

__all__ = ["NAME", "SUFFIXES", "jmrui_nucleus", "parse", "recognises"]

NAME = "jMRUI text"
SUFFIXES: tuple[str, ...] = ()

_FIELD = re.compile(r"^([A-Za-z]\w*)\s*:\s*(.*)$")
_BLOCK = re.compile(r"^Signal (?:number: )?(\d{1,9}) out of (\d{1,9}) in file", re.IGNORECASE)
_MOST_HEADER_LINES = 1000
_NUMBERED_NUCLEI = {1: "1H", 2: "31P", 3: "13C", 4: "19F", 5: "23Na"}


def recognises(source: Source) -> bool:
    """Return whether a file begins as a jMRUI data text file."""
    return source.text_head.lstrip().lower().startswith("jmrui data textfile")


def parse(source: Source) -> Content:
    """Read all signals of the file."""
    lines = source.lines()
    before = list(itertools.islice(itertools.takewhile(lambda line: not _BLOCK.match(line), lines), _MOST_HEADER_LINES))
    header = Fields({m[1]: m[2].strip() for m in map(_FIELD.match, before) if m}, source)
    n_points = header.whole("PointsInDataset")
    n_signals = header.whole("DatasetsInFile", default=1)
    require_points(n_points * n_signals, source, MOST_TEXT_POINTS)
    fid = _points(lines, n_points * n_signals, source)
    if fid.size != n_points * n_signals:
        held = "more" if fid.size > n_points * n_signals else f"{fid.size} points in all"
        msg = f"file {source.path} states {n_signals} signals of {n_points} points but holds {held}; it is damaged."
        raise ReadError(msg)
    frequency = header.number("TransmitterFrequency")
    nucleus, doubts = jmrui_nucleus(header.text("TypeOfNucleus"), frequency, header.number("MagneticField"))
    begin = header.number("BeginTime", 1e-3)
    dwell = header.number("SamplingInterval", 1e-3)
    stated = Stated(
        spectrometer_frequency_mhz=None if frequency is None else _in_mhz(frequency),
        dwell_time_s=dwell,
        begin_time_s=begin,
        begin_time_source="BeginTime",
        begin_time_implied=begin == 0,
        resonant_nucleus=nucleus,
    )
    fid, axis_names = one_or_stack(fid.reshape(n_signals, n_points), "signal")
    return Content(fid, stated, axis_names, header.values, doubts)


def jmrui_nucleus(
    written: str, frequency: float | None, field_strength_t: float | None
) -> tuple[str | None, tuple[str, ...]]:
    """Return the nucleus of a jMRUI header (MHz or Hz, T), and the doubt where frequency and field had to tell."""
    try:
        number = float(written)
    except ValueError:
        named = nucleus_name(written)
    else:
        named = _NUMBERED_NUCLEI.get(int(number)) if math.isfinite(number) else None
    if named:
        return named, ()
    found = nucleus_of_frequency(None if frequency is None else _in_mhz(frequency), field_strength_t)
    return found, ("the file does not name the nucleus; frequency and field say 31P",) if found == "31P" else ()


def _in_mhz(frequency: float) -> float:
    """Return a frequency in MHz: jMRUI writes Hz, some programs MHz, and no magnet is between the two."""
    return frequency * 1e-6 if abs(frequency) > 1e5 else frequency


def _points(lines: Iterable[str], most: int, source: Source) -> npt.NDArray[np.complex128]:
    """Return the first two numbers of every line as complex points, one more than `most` where there are more."""
    numbers = array("d")
    for line in lines:
        cells = line.split(maxsplit=2)
        if not cells or _BLOCK.match(line):
            continue
        try:
            numbers.extend((float(cells[0]), float(cells[1])))
        except (ValueError, IndexError) as error:
            msg = f"file {source.path}: {line.strip()[:60]!r} is not a real and an imaginary part; it is damaged."
            raise ReadError(msg) from error
        if len(numbers) > 2 * most:
            break
    return np.array(numbers).view(complex)
