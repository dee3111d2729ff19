"""The rows of a study's table as a reader needs them: named, judged in words, and in the order in which to look at them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p31mg.errors import InputError
from p31mg.fitting import FitStatus
from p31mg.fitting.judge import LARGEST_RESIDUAL, RELIABLE_ATP_SNR, WIDEST_ATP_PPM, WIDEST_PCR_PPM

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FLAGS", "Row", "group_column", "position_columns", "require_table", "rows_of", "status_text"]

_NEEDED = ("file", "status", "reason", "free_mg_mM", "interval_low_mM", "interval_high_mM", "snr", "mg_is_valid")

FLAGS: Mapping[str, tuple[str, bool, str]] = {
    "converged": ("not converged", False, "the last step of the fit was not short enough"),
    "moved": ("did not move", False, "α or β ended where the fit began: nothing drew it"),
    "at_bound": ("at a bound", True, "shift or width of α-ATP, β-ATP or PCr sits on the edge of its window"),
    "snr_ok": (
        "low SNR of ATP",
        False,
        f"α- or β-ATP has an SNR below {RELIABLE_ATP_SNR:g}: the fit may have taken noise for the line",
    ),
    "linewidth_ok": (
        "broad lines",
        False,
        f"PCr is wider than {WIDEST_PCR_PPM:g} ppm: the multiplets merge with their neighbours",
    ),
    "atp_linewidth_ok": (
        "broad ATP",
        False,
        f"a line of α- or β-ATP is wider than {WIDEST_ATP_PPM:g} ppm: a hump, and no multiplet",
    ),
    "shift_in_range": ("shift out of range", False, "the shift lies outside that of Mg-bound to Mg-free ATP"),
    "residual_ok": (
        "residual above noise",
        False,
        f"more than {LARGEST_RESIDUAL:g} times the noise: there is signal that the model lacks: begin time, prior or lineshape",
    ),
    "in_range": ("outside the calibration", False, "the shift lies outside the range of the calibration"),
    "interval_open": ("interval open", True, "an end of the interval lies beyond a limit of the calibration"),
    "inputs_ok": ("pH or temperature not usable", False, "pH could not be read from Pi, or an input made no sense"),
}
"""Column -> what its flag is called, the value that raises it, and what it says."""

_POSITIONS_BEFORE = "status"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One spectrum of the study. Numbers that are not known are NaN.

    `index`: place in the table. `name`: file and, in grids and series, position. `verdict`: ``valid``, ``flagged`` or ``failed``.
    `flags`: raised ones, by column. `place_in_file`: how many rows of the same file come before.
    """

    index: int
    file: str
    name: str
    group: str
    verdict: str
    reason: str
    flags: tuple[str, ...]
    place_in_file: int
    values: Mapping[str, Any]

    def number(self, column: str) -> float:
        """Return a value as a number, NaN where there is none."""
        try:
            return float(self.values.get(column, math.nan))
        except (TypeError, ValueError):
            return math.nan

    @property
    def words(self) -> list[str]:
        """What is wrong with it, in words; empty where valid."""
        flags = [FLAGS[f][0] for f in self.flags]
        return [*flags, self.reason] if self.reason else flags

    @property
    def attention(self) -> tuple[float, ...]:
        """Sorts what needs a look to the front: failed, then flagged (most flags first), then the widest relative error."""
        order = ("failed", "flagged", "valid").index(self.verdict)
        relative = self.number("sd_mM") / self.number("free_mg_mM")
        widest_first = -relative if math.isfinite(relative) else -math.inf
        return (order, -len(self.flags), widest_first, self.index)


def group_column(table: pd.DataFrame) -> str | None:
    """Return the column that groups the spectra, in small letters or capitals: ``"group"`` where the table has it."""
    return next((str(c) for c in table.columns if str(c).casefold() == "group"), None)


def status_text(status: str) -> str:
    """Return a status as prose has it.

    Examples
    --------
    >>> status_text("NOT_READ"), status_text("ATP_NOT_FOUND")
    ('not read', 'ATP not found')
    """
    return status.lower().replace("_", " ").replace("atp", "ATP")


def require_table(table: pd.DataFrame) -> None:
    """Refuse what is no table of `p31mg.batch`."""
    missing = [c for c in _NEEDED if c not in table]
    if missing:
        msg = f"table lacks {', '.join(missing)}; give the table that p31mg.batch returns."
        raise InputError(msg)


def position_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that say where in its grid or series a spectrum is: those between its file and its status."""
    names = [str(c) for c in table.columns]
    if _POSITIONS_BEFORE not in names:
        return []
    between = names[names.index("file") + 1 : names.index(_POSITIONS_BEFORE)]
    return [c for c in between if table[c].dtype.kind in "iu" and c != "run"]


def rows_of(table: pd.DataFrame, group: str | None, folder: str = "") -> list[Row]:
    """Return the rows of a table, in its order. Reasons are told without `folder`, which says nothing to a reader elsewhere."""
    require_table(table)
    above = f"{Path(folder)}{os.sep}" if folder else ""
    positions = position_columns(table)
    seen: dict[str, int] = {}
    rows = []
    records = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    for index, record in enumerate(records):
        values = {str(column): value for column, value in record.items()}
        file = str(values["file"])
        where = [f"{c} {values[c]}" for c in positions if values[c] is not None]
        place = seen.get(file, 0)
        seen[file] = place + 1
        failed = values["status"] != FitStatus.OK.name
        flags = () if failed else _raised(values)
        rows.append(
            Row(
                index=index,
                file=file,
                name=" · ".join([file, *where]),
                group="" if group is None or values[group] is None else _plain(values[group]),
                verdict="failed" if failed else "valid" if values["mg_is_valid"] else "flagged",
                reason=str(values["reason"] or (values["status"] if failed else "")).replace(above, ""),
                flags=flags,
                place_in_file=place,
                values={k: math.nan if v is None else v for k, v in values.items()},
            )
        )
    return rows


def _plain(value: Any) -> str:
    """Return a value as people write it: 1 and not 1.0, where a column has gaps."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _raised(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the flags of a fitted row. pH matters only where Kd is corrected to it."""
    raised = [f for f, (_, bad, _) in FLAGS.items() if values.get(f) is not None and bool(values[f]) is bad]
    if not values.get("kd_corrected"):
        raised = [f for f in raised if f != "inputs_ok"]
    return tuple(raised)
