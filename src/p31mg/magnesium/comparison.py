"""The same shifts through several calibrations, side by side: how far published constants disagree is part of the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.magnesium.result import MagnesiumResult
from p31mg.notebook import card, number, rows_shown, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MagnesiumComparison"]


class MagnesiumComparison(Mapping[str, MagnesiumResult]):
    """Results of several calibrations by id, of the same shifts.

    Examples
    --------
    >>> import p31mg
    >>> both = p31mg.free_magnesium([8.50, 8.60], calibration=["gupta-1978", "gupta-1984"], sd_ppm=0.01)
    >>> both["gupta-1984"].free_mg_mM.round(3).tolist()
    [0.644, 0.396]
    >>> both.spread.round(2).tolist()
    [1.06, 1.13]
    """

    def __init__(self, results: Mapping[str, MagnesiumResult]) -> None:
        self._results = dict(results)

    def __getitem__(self, key: str) -> MagnesiumResult:
        return self._results[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    @property
    def spread(self) -> FloatArray:
        """Highest over lowest concentration, of the shape of the shifts; NaN where any calibration has none."""
        values = np.stack([r.free_mg_mM for r in self.values()])
        return values.max(axis=0) / values.min(axis=0)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per value: the shifts used and, for every calibration, concentration, errors, factor of Kd, validity."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for name, result in self.items():
            columns |= dict(result.index)
            columns[result.calibration.quantity] = result.shift_ppm.ravel()
            columns[f"{name}_free_mg_mM"] = result.free_mg_mM.ravel()
            columns[f"{name}_sd_mM"] = result.sd_mM.ravel()
            columns[f"{name}_interval_low_mM"] = result.interval_mM[..., 0].ravel()
            columns[f"{name}_interval_high_mM"] = result.interval_mM[..., 1].ravel()
            columns[f"{name}_kd_ratio"] = result.kd_ratio.ravel()
            columns[f"{name}_is_valid"] = result.is_valid.ravel()
        columns["spread"] = self.spread.ravel()
        return pd.DataFrame(columns, index=pd.RangeIndex(self.spread.size))

    def __repr__(self) -> str:
        return "\n".join(repr(result) for result in self.values())

    def _repr_html_(self) -> str:
        n = self.spread.size
        columns = [*((f"{name} (mM)", "right") for name in self), ("highest / lowest", "right")]
        rows = [
            [
                *(_with_sd(float(r.free_mg_mM.flat[i]), float(r.sd_mM.flat[i])) for r in self.values()),
                number(float(self.spread.flat[i]), 3),
            ]
            for i in rows_shown(n)
        ]
        title = f"MagnesiumComparison {self.spread.shape}"
        return card(title, table(columns, rows, n), notes=("± sd; the choice of calibration is not in it",))


def _with_sd(value: float, sd: float) -> str:
    return number(value) + (f" ± {number(sd, 2)}" if np.isfinite(sd) else "")
