"""Text or CSV with two columns, real and imaginary part of one FID, one point per line.

Columns may be separated by blanks, tabs, commas or semicolons. What follows a ``#`` is a comment; one header line
without any number is allowed. Such a file states nothing about the acquisition.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from p31mg.errors import ReadError
from p31mg.io.content import Content
from p31mg.io.header import Stated

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "two-column text"
SUFFIXES = (".txt", ".csv", ".tsv", ".dat", ".asc")


def recognises(head: bytes, path: Path) -> bool:
    """Return whether a file that begins so is text."""
    del path
    if b"\x00" in head:
        return False
    try:
        head[: head.rfind(b"\n") + 1 or len(head)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def parse(path: Path) -> Content:
    """Read the two columns."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"file {path} cannot be read as text: {error}."
        raise ReadError(msg) from error
    points: list[complex] = []
    header_allowed = True
    for number, line in enumerate(lines, 1):
        cells = line.split("#", 1)[0].replace(",", " ").replace(";", " ").split()
        if not cells:
            continue
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            if header_allowed and not any(map(_is_number, cells)):
                header_allowed = False
                continue
            msg = (
                f"file {path}, line {number}: {line.strip()[:60]!r} is not two numbers, real and imaginary part of a point; "
                "convert other formats to NIfTI-MRS first (spec2nii does)."
            )
            raise ReadError(msg) from None
        header_allowed = False
        if len(values) != 2:
            msg = f"file {path}, line {number}: {len(values)} columns; two are needed, real and imaginary part of a point."
            raise ReadError(msg)
        if not all(map(math.isfinite, values)):
            msg = f"file {path}, line {number}: {line.strip()[:60]!r} holds NaN or Inf; export the FID again."
            raise ReadError(msg)
        points.append(complex(*values))
    if not points:
        msg = f"file {path} holds no points; two columns of numbers are needed, real and imaginary part."
        raise ReadError(msg)
    return Content(np.array(points), Stated())


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
