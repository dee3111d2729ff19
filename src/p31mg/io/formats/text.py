"""Text or CSV: one point per line, a pair of columns (real, imaginary) per FID, perhaps a column of time before them.

Columns are separated by blanks, tabs, commas or semicolons; with semicolons a decimal comma is understood. What follows a
``#`` is a comment; one header line without any number is allowed. An odd number of columns means that the first is time, in
seconds, or ms where its header says so: it gives the dwell time, never the begin time. Lines ``# name: value`` before the
numbers state the acquisition by the names of `read` (``# spectrometer_frequency_mhz: 49.9``), as `write` puts them.

**Sign** as it is: the package's own.
"""

from __future__ import annotations

import math
import re
from array import array

import numpy as np
import numpy.typing as npt

from p31mg.acquisition import Spectra
from p31mg.errors import InputError, ReadError
from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.header import Stated
from p31mg.io.source import LARGEST_TEXT_BYTES, LONGEST_LINE, MOST_TEXT_POINTS, Source, require_points

__all__ = ["NAME", "SUFFIXES", "document", "parse", "recognises"]

NAME = "text in columns"
SUFFIXES: tuple[str, ...] = (".txt", ".csv", ".tsv", ".dat", ".asc")

_STATEMENT = re.compile(r"#\s*(\w+)\s*[:=]\s*(.+?)\s*$")
_LONGEST_STATEMENT = 1000
_LETTERS_OF_A_NUMBER = 25
_UNEVEN = 1e-3
"""Relative difference of steps up to which a column counts as an even axis: printed with four digits or more."""


def recognises(source: Source) -> bool:
    """Return whether a file begins as text."""
    if source.is_folder or b"\x00" in source.head:
        return False
    try:
        source.head[: source.head.rfind(b"\n") + 1 or len(source.head)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def parse(source: Source) -> Content:
    """Read the columns."""
    statements, titles, table = _table(source)
    n_columns = table.shape[1]
    if n_columns == 1:
        msg = f"file {source.path}, line 1: 1 columns; two are needed, real and imaginary part of a point. Export both parts."
        raise ReadError(msg)
    dwell = None
    if n_columns % 2:
        dwell = _step_of_time(table[:, 0], titles, source)
        table = table[:, 1:]
    elif _is_axis(table[:, 0]):
        msg = (
            f"file {source.path}: its first column rises or falls in even steps like an axis of ppm or time; give the FID, real "
            "and imaginary part of a point in each line."
        )
        raise ReadError(msg)
    fid = np.ascontiguousarray(table).view(complex).T
    return _content(fid, dwell, Fields(statements, source))


def _table(source: Source) -> tuple[dict[str, str], list[str], npt.NDArray[np.float64]]:
    """Return statements of the comments, titles of the columns, and the numbers (lines, columns)."""
    statements: dict[str, str] = {}
    titles: list[str] = []
    numbers, n_columns = array("d"), 0
    for number, line in enumerate(source.lines(), 1):
        if line.startswith("#") and len(line) < _LONGEST_STATEMENT and (m := _STATEMENT.match(line)):
            statements[m[1].lower()] = m[2]
        cells = _cells(line, number, source)
        if not cells:
            continue
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            if not titles and not n_columns and not any(map(_is_number, cells)):
                titles = cells
                continue
            msg = (
                f"file {source.path}, line {number}: {line.strip()[:60]!r} is not two numbers, real and imaginary part of "
                "a point. Write both as plain numbers in columns of their own, notes behind #, or convert to NIfTI-MRS."
            )
            raise ReadError(msg) from None
        if n_columns and len(values) != n_columns:
            msg = f"file {source.path}, line {number}: {len(values)} columns where the lines before have {n_columns}."
            raise ReadError(msg)
        if not all(map(math.isfinite, values)):
            msg = f"file {source.path}, line {number}: {line.strip()[:60]!r} holds NaN or Inf; export the FID again."
            raise ReadError(msg)
        n_columns = len(values)
        numbers.extend(values)
        require_points(len(numbers) // 2, source, MOST_TEXT_POINTS)
    if not n_columns:
        msg = f"file {source.path} holds no points; two columns of numbers are needed, real and imaginary part."
        raise ReadError(msg)
    return statements, titles, np.array(numbers).reshape(-1, n_columns)


def _cells(line: str, number: int, source: Source) -> list[str]:
    """Return the cells of a line; a comma is a decimal sign only where semicolons stand between the cells."""
    line = line.split("#", 1)[0]
    if ";" in line:
        return line.replace(",", ".").replace(";", " ").split()
    if "," not in line:
        return line.split()
    cells = line.split(",")
    if any(len(cell.split()) > 1 and all(map(_is_number, cell.split())) for cell in cells):
        msg = f"file {source.path}, line {number}: {line.strip()[:60]!r} mixes commas and blanks; separate columns in one way."
        raise ReadError(msg)
    return [word for cell in cells for word in cell.split()]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_axis(column: npt.NDArray[np.floating]) -> bool:
    steps = np.diff(column)
    return steps.size > 2 and bool(steps[0]) and np.ptp(steps) <= _UNEVEN * abs(float(steps.mean()))


def _step_of_time(column: npt.NDArray[np.floating], titles: list[str], source: Source) -> float:
    if not _is_axis(column) or column[-1] < column[0]:
        msg = (
            f"file {source.path} has an odd number of columns; then the first must be the time, rising in even steps, and pairs "
            "of real and imaginary part must follow."
        )
        raise ReadError(msg)
    unit = 1e-3 if re.search(r"(?i)(?:\b|_)ms(?:ec)?\b", " ".join(titles)) else 1.0
    return unit * float(column[-1] - column[0]) / (len(column) - 1)


def _content(fid: npt.NDArray[np.complexfloating], dwell: float | None, header: Fields) -> Content:
    written = header.number("dwell_time_s")
    width = header.number("spectral_width_hz")
    dwell = written if written is not None else dwell if width is None else None
    stated = Stated(
        spectrometer_frequency_mhz=header.number("spectrometer_frequency_mhz"),
        spectral_width_hz=None if dwell else width,
        dwell_time_s=dwell,
        begin_time_s=header.number("begin_time_s"),
        begin_time_source=header.text("begin_time_source") or "begin_time_s",
        sd_begin_time_s=header.number("sd_begin_time_s"),
        resonant_nucleus=header.text("resonant_nucleus") or None,
    )
    names = tuple(header.text("axis_names").split())
    try:
        shape = tuple(int(n) for n in header.text("batch_shape").split()) if names else (len(fid),)
    except ValueError:
        shape = ()
    if names and (math.prod(shape) != len(fid) or len(shape) != len(names)):
        text = header.text("batch_shape")[:40]
        msg = f"file {header.source.path} states the batch shape {text!r} for axes {names} but holds {len(fid)} FIDs."
        raise ReadError(msg)
    if len(fid) == 1 and not names:
        return Content(fid[0], stated, (), header.values)
    return Content(fid.reshape(*shape, fid.shape[-1]), stated, names or ("spectrum",), header.values)


def document(spectra: Spectra) -> str:
    """Return spectra as CSV, a pair of columns per FID, with every digit; `parse` gives the same numbers back.

    Raises
    ------
    InputError
        A point is NaN or Inf, which text does not carry.
    """
    if not np.isfinite(spectra.fid).all():
        msg = "spectra hold NaN or Inf, which a CSV does not carry; write .npz or .nii.gz."
        raise InputError(msg)
    acquisition = spectra.acquisition
    statements: dict[str, str] = {
        "spectrometer_frequency_mhz": repr(float(acquisition.spectrometer_frequency_mhz)),
        "dwell_time_s": repr(float(acquisition.dwell_time_s)),
        "begin_time_s": repr(float(acquisition.begin_time_s)),
        "begin_time_source": acquisition.begin_time_source,
        "sd_begin_time_s": repr(float(acquisition.sd_begin_time_s)),
        "resonant_nucleus": acquisition.resonant_nucleus,
    }
    if spectra.batch_shape:
        statements["axis_names"] = " ".join(spectra.axis_names)
        statements["batch_shape"] = " ".join(map(str, spectra.batch_shape))
    fid = spectra.fid.reshape(-1, spectra.n_points)
    columns = np.ascontiguousarray(fid.T).view(float)
    if (
        columns.size * _LETTERS_OF_A_NUMBER > LARGEST_TEXT_BYTES
        or columns.shape[1] * _LETTERS_OF_A_NUMBER > LONGEST_LINE
    ):
        msg = f"spectra hold {fid.size:,} points, too many for a CSV that can be read again; write .npz or .nii.gz."
        raise InputError(msg)
    head = [f"# {name}: {value}" for name, value in statements.items()]
    titles = ",".join(f"real_{i},imaginary_{i}" for i in range(len(fid)))
    return "\n".join([*head, titles, *(",".join(map(repr, row)) for row in columns.tolist())]) + "\n"
