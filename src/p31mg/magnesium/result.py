"""The result of a conversion: arrays of the shape of the shifts, nothing computed on construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from p31mg.arrays import BoolArray, FloatArray
from p31mg.magnesium.calibrations import Calibration

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MagnesiumResult"]


@dataclass(frozen=True, kw_only=True)
class MagnesiumResult:
    """Free Mg2+ of the shape of the shifts, with everything needed to repeat the number.

    Attributes
    ----------
    free_mg_mM
        (...,) concentration; NaN where the shift is NaN or outside the range of the calibration.
    sd_mM
        (...,) from the sd of the shift, propagated linearly; NaN where no sd was given. Calibration not included.
    interval_mM
        (..., 2) lower and upper end at `level`; an end is infinite (or 0) where the shift's interval leaves the
        range of the calibration.
    p_mg
        (...,) -log10 of the concentration in mol/l.
    interval_open
        (...,) True where an end of the interval lies beyond a limit of the calibration.
    in_range
        (...,) True where the shift itself lies within the range of the calibration.
    is_valid
        (...,) `in_range`, not `interval_open`, and valid in the fit that it came from. Near the Mg-bound limit the
        concentration is any large number: only the closed end of the interval says something.
    shift_ppm, sd_shift_ppm
        (...,) the shift that was used, and its sd.
    ph, sd_ph
        (...,) as given, or from Pi of the fit; NaN where neither.
    temperature_c
        (...,) as given; 37 otherwise.
    level
        Of the interval.
    calibration
        The `Calibration`, with constants, source and evidence.
    ph_source
        ``"given"``, the id of the equation, or ``"unknown"``.

    Examples
    --------
    >>> import p31mg
    >>> near_the_limit = p31mg.free_magnesium(8.37, sd_ppm=0.02)
    >>> bool(near_the_limit.interval_open), near_the_limit.interval_mM.round(3).tolist()
    (True, [1.605, inf])
    """

    free_mg_mM: FloatArray
    sd_mM: FloatArray
    interval_mM: FloatArray
    p_mg: FloatArray
    interval_open: BoolArray
    in_range: BoolArray
    is_valid: BoolArray
    shift_ppm: FloatArray
    sd_shift_ppm: FloatArray
    ph: FloatArray
    sd_ph: FloatArray
    temperature_c: FloatArray
    level: float
    calibration: Calibration
    ph_source: str
    index: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per value, with the calibration, its constants, pH, temperature and shift in every row.

        Examples
        --------
        >>> import p31mg
        >>> p31mg.free_magnesium([8.5, 8.6], sd_ppm=0.01).to_dataframe()[["free_mg_mM", "sd_mM"]].round(3)
           free_mg_mM  sd_mM
        0       0.611  0.043
        1       0.351  0.016
        """
        import pandas as pd

        low, high = self.interval_mM[..., 0], self.interval_mM[..., 1]
        columns: dict[str, Any] = dict(self.index)
        columns |= {
            self.calibration.quantity: self.shift_ppm.ravel(),
            f"sd_{self.calibration.quantity}": self.sd_shift_ppm.ravel(),
            "free_mg_mM": self.free_mg_mM.ravel(),
            "sd_mM": self.sd_mM.ravel(),
            "interval_low_mM": low.ravel(),
            "interval_high_mM": high.ravel(),
            "interval_level": self.level,
            "interval_open": self.interval_open.ravel(),
            "p_mg": self.p_mg.ravel(),
            "in_range": self.in_range.ravel(),
            "mg_is_valid": self.is_valid.ravel(),
            "ph": self.ph.ravel(),
            "sd_ph": self.sd_ph.ravel(),
            "ph_source": self.ph_source,
            "temperature_c": self.temperature_c.ravel(),
            "calibration": self.calibration.id,
            "calibration_evidence": self.calibration.evidence,
        }
        columns |= {f"calibration_{name}": value for name, value in self.calibration.constants.items()}
        columns["calibration_source"] = self.calibration.source
        return pd.DataFrame(columns, index=pd.RangeIndex(self.free_mg_mM.size))

    def _repr_html_(self) -> str:
        shown = [
            self.calibration.quantity,
            "free_mg_mM",
            "interval_low_mM",
            "interval_high_mM",
            "mg_is_valid",
            "calibration",
        ]
        return self.to_dataframe()[shown].to_html(index=False, float_format="{:.4g}".format, max_rows=30)

    def __repr__(self) -> str:
        c = self.calibration
        constants = ", ".join(f"{k} {v:g}" for k, v in c.constants.items())
        head = f"<MagnesiumResult {c.id} ({constants}; evidence {c.evidence})"
        if self.free_mg_mM.shape == ():
            low, high = self.interval_mM
            return (
                f"{head}: {float(self.free_mg_mM):.3f} mM, sd {float(self.sd_mM):.3f}, {self.level:.0%} interval "
                f"{low:.3f} to {high:.3f}, from {float(self.shift_ppm):.4f} ppm, pH {float(self.ph):.2f}, "
                f"{float(self.temperature_c):g} C>"
            )
        return f"{head}: {self.free_mg_mM.shape}, {int(self.is_valid.sum())} of {self.is_valid.size} valid>"
