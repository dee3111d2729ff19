"""Named values of a header, as numbers where numbers are needed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from p31mg.errors import ReadError
from p31mg.io.source import Source

__all__ = ["Fields"]


@dataclass(frozen=True)
class Fields:
    """The header of a file; `values` are what it says, as text or as numbers, perhaps with decimal commas."""

    values: Mapping[str, Any]
    source: Source
    decimal_comma: bool = False

    def text(self, key: str) -> str:
        """Return a value as text, empty where there is none."""
        value = self.values.get(key)
        return "" if value is None else str(value).strip()

    def number(self, key: str, unit: float = 1.0) -> float | None:
        """Return a finite number times its unit, or None where the header has none."""
        written = self.text(key)
        if not written:
            return None
        try:
            value = float(written.replace(",", ".") if self.decimal_comma else written)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            msg = f"file {self.source.path} states {key} {written[:40]!r}; it must be a number."
            raise ReadError(msg)
        return value * unit

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a whole number above 0; `default` stands where the header has none."""
        value = self.number(key)
        if value is None and default is not None:
            return default
        if value is None or value < 1 or value != int(value):
            written = self.text(key)[:40] or "nothing"
            msg = f"file {self.source.path} states {key} {written!r}; it must be a whole number above 0."
            raise ReadError(msg)
        return int(value)
