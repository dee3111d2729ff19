"""Siemens twix raw data (``meas_*.dat``), through mapVBVD and spec2nii."""

from __future__ import annotations

import struct

from p31mg.io import vendor
from p31mg.io.content import Content
from p31mg.io.source import Source

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "Siemens twix"
SUFFIXES: tuple[str, ...] = (".dat",)

_FIRST_BUFFERS = (b"Config\x00", b"Dicom\x00", b"Meas\x00", b"MeasYaps\x00", b"Phoenix\x00", b"Spice\x00")
_MOST_MEASUREMENTS = 64
_ALIGNMENT = 512


def recognises(source: Source) -> bool:
    """Return whether a file begins as twix: named header buffers (VB), or a table of measurements (VD, VE, XA)."""
    head = source.head
    if head[8:].startswith(_FIRST_BUFFERS):
        return True
    if len(head) < 32:
        return False
    first, n_measurements = struct.unpack_from("<II", head)
    offset, length = struct.unpack_from("<QQ", head, 16)
    fits = offset > 0 and offset % _ALIGNMENT == 0 and 0 < length <= source.size - offset
    return first < 10_000 and 1 <= n_measurements <= _MOST_MEASUREMENTS and fits


def parse(source: Source) -> Content:
    """Read the FIDs through spec2nii."""
    return vendor.parse_with("twix", source, NAME)
