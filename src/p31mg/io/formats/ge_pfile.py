"""GE P-files (``P*.7``), through spec2nii, which knows PROBE and other proton sequences, and grids; not fidcsi or fidall."""

from __future__ import annotations

from p31mg.io import vendor
from p31mg.io.content import Content
from p31mg.io.source import Source

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "GE P-file"
SUFFIXES: tuple[str, ...] = (".7",)

_LOGOS = (b"GE_MED_NMR", b"INVALIDNMR")
_LOGO_PLACES = (34, 110)
"""Until revision 25, and from 26 on."""


def recognises(source: Source) -> bool:
    """Return whether the header bears the maker's mark."""
    return any(source.head[place:].startswith(_LOGOS) for place in _LOGO_PLACES)


def parse(source: Source) -> Content:
    """Read the FIDs through spec2nii."""
    return vendor.parse_with("ge-pfile", source, NAME)
