"""DICOM files of spectroscopy (Siemens IMA and XA, Philips, UIH), through spec2nii."""

from __future__ import annotations

from p31mg.io import vendor
from p31mg.io.content import Content
from p31mg.io.source import Source

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "DICOM"
SUFFIXES: tuple[str, ...] = (".ima", ".dcm", ".dicom")


def recognises(source: Source) -> bool:
    """Return whether a file has the mark of DICOM behind its preamble."""
    return source.head[128:132] == b"DICM"


def parse(source: Source) -> Content:
    """Read the FIDs through spec2nii."""
    return vendor.parse_with("dicom", source, NAME)
