"""GE P-files (``P*.7``), through spec2nii."""

from __future__ import annotations

from p31mg.io import vendor
from p31mg.io.content import Content
from p31mg.io.source import Source

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "GE P-file"
SUFFIXES: tuple[str, ...] = (".7",)

_LOGOS = (b"GE_MED_NMR", b"INVALIDNMR")


def recognises(source: Source) -> bool:
    """Return whether the raw header, which comes first in older files, bears the maker's mark."""
    return any(logo in source.head[:512] for logo in _LOGOS)


def parse(source: Source) -> Content:
    """Read the FIDs through spec2nii."""
    return vendor.parse_with("ge-pfile", source, NAME)
