"""JCAMP-DX FIDs (``.dx``, ``.jdx``): NTUPLES with a real and an imaginary page, read by nmrglue.

**Sign**: as in the file of the maker, which is what the pages hold: that of Bruker. Others say ``$REVERSE= yes`` where theirs
is the opposite, and are conjugated. **Digital filter**: Bruker's is undone as for its folders. **Begin time**: JCAMP-DX
states none; where Bruker's parameters are there, as for its folders.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

from p31mg.errors import ReadError
from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.foreign import library
from p31mg.io.formats import bruker
from p31mg.io.source import MOST_POINTS, Source, unsupported

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "JCAMP-DX"
SUFFIXES: tuple[str, ...] = (".dx", ".jdx", ".jcamp")

_LARGEST_BYTES = 4 * 2**20
_LONGEST_GAP = re.compile(r"[ \t,]{200}")
_KEY = re.compile(r"^[ \t]*##([^=\n]{0,80})=", re.MULTILINE)
_DATA_KEYS = {"NTUPLES", "XYDATA", "DATATABLE"}
_REPEATS = re.compile(r"[S-Zs](\d*)")
_ARRAY = re.compile(r"^\(0\.\.\d+\)\s*")


def recognises(source: Source) -> bool:
    """Return whether a file begins as JCAMP-DX, and is not one of Bruker's parameter files."""
    head = source.text_head.lstrip()
    return (
        head.startswith("##TITLE") and re.search(r"##JCAMP-?DX", head) is not None and "##DATA" in head.replace(" ", "")
    )


def parse(source: Source) -> Content:
    """Read header and FID."""
    header, fid = _pages(source)
    delay = bruker.group_delay_points(header) if header.text("DECIM") else 0.0
    stated = replace(
        bruker.stated(header),
        spectrometer_frequency_mhz=header.number(".OBSERVEFREQUENCY") or header.number("SFO1"),
        spectral_width_hz=header.number("SWH") or _width_in_ppm(header) or _width_of_times(header, fid.size),
        resonant_nucleus=header.text(".OBSERVENUCLEUS") or header.text("NUC1"),
    )
    fid = np.conj(fid) if header.text("REVERSE").lower() == "yes" else fid
    return Content(bruker.without_group_delay(fid, delay, source), stated, (), header.values)


def _pages(source: Source) -> tuple[Fields, np.ndarray[Any, np.dtype[np.complex128]]]:
    """Return the header of a file, Bruker's names without their dollar sign, and its two pages as a complex array."""
    text = source.read_text(_LARGEST_BYTES).replace("\r", "\n")  # all of the line ends that nmrglue knows
    if _LONGEST_GAP.search(text):
        msg = f"file {source.path} has a gap of 200 blanks, which no program writes into JCAMP-DX; it is damaged."
        raise ReadError(msg)
    if (repeats := _repeats(text)) > MOST_POINTS:
        msg = f"file {source.path} repeats points {repeats:,} times; p31mg reads up to {MOST_POINTS:,} points."
        raise ReadError(msg)
    with library(source, NAME):
        from nmrglue.fileio import jcampdx

        described, pages = jcampdx.read(str(source.path))
    if not isinstance(pages, list) or len(pages) != 2 or any(page is None for page in pages):
        raise unsupported(
            source, "holds no FID with a real and an imaginary page (a spectrum or real data); export the FID."
        )
    real, imaginary = (np.asarray(page, dtype=float) for page in pages)
    if real.shape != imaginary.shape or real.ndim != 1:
        msg = f"file {source.path} holds {real.size} real and {imaginary.size} imaginary values; it is truncated or damaged."
        raise ReadError(msg)
    values = {k.removeprefix("$"): _value(v) for k, v in described.items() if not k.startswith("_")}
    n_stated = [int(n) for n in re.findall(r"\d+", str(values.get("VARDIM", "")))[:1]]
    if n_stated and n_stated[0] != real.size:
        msg = f"file {source.path} states {n_stated[0]} points and holds {real.size}; it is truncated or damaged."
        raise ReadError(msg)
    return Fields(values, source), real + 1j * imaginary


def _repeats(text: str) -> int:
    """Return how many points the data of a file repeat: nmrglue writes out each of them."""
    keys = ((m.start(), re.sub(r"[\s_/-]", "", m[1]).upper()) for m in _KEY.finditer(text))
    start = next((at for at, key in keys if key in _DATA_KEYS), len(text))
    return sum(int(digits[:9] or 1) for digits in _REPEATS.findall(text, start))


def _value(values: Any) -> Any:
    """Return the first value of a key as text; a Bruker array as a list of numbers."""
    text = str(values[0] if isinstance(values, list) and values else values).strip()
    array = _ARRAY.match(text)
    if not array:
        return text.removeprefix("<").removesuffix(">")
    cells = text[array.end() :].split()
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return cells


def _width_in_ppm(header: Fields) -> float | None:
    width, frequency = header.number("SW"), header.number("BF1")
    return width * frequency if width and frequency else None


def _width_of_times(header: Fields, n_points: int) -> float | None:
    """Return the spectral width from the first and last time of the pages."""
    first, last = (re.split(r"[,\s]+", header.text(key))[0] for key in ("FIRST", "LAST"))
    try:
        span = float(last) - float(first)
    except ValueError:
        return None
    return (n_points - 1) / span if span > 0 else None
