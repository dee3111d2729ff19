"""The result of a conversion: arrays of the shape of the shifts, nothing computed on construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from p31mg.arrays import BoolArray, FloatArray
from p31mg.magnesium.calibrations import Calibration
from p31mg.magnesium.inputs import PI_IS_FAINT
from p31mg.magnesium.uncertainty import Estimate, probability_beyond
from p31mg.notebook import card, number, rows_shown, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MagnesiumResult"]


@dataclass(frozen=True, kw_only=True)
class MagnesiumResult(Estimate):
    """Free Mg2+ of the shape of the shifts, with everything needed to repeat the number.

    Attributes
    ----------
    free_mg_mM
        (...,) concentration; NaN where the shift is NaN or outside the range of the calibration.
    sd_mM
        (...,) from all errors that are known, propagated linearly; NaN where no sd of the shift was given. See `error_includes`.
    sd_measurement_mM, sd_condition_mM, sd_calibration_mM
        (...,) the part of the shift, of pH and temperature, and of the calibration's constants; `sd_mM` is the root of the sum of
        their squares. A part is NaN where its errors are not known, as for the constants of all published calibrations; that
        of the conditions is 0 where Kd is not corrected for them.
    interval_mM
        (..., 2) lower and upper end at `level`, from the same errors but not linearly (see `p31mg.magnesium.uncertainty`); an end
        is infinite (or 0) where it lies beyond a limit of the calibration.
    interval_open
        (...,) True where an end of the interval lies beyond a limit of the calibration.
    in_range
        (...,) True where the shift itself lies within the range of the calibration.
    inputs_ok
        (...,) False where an sd, pH or temperature among many made no sense, or pH could not be read from Pi: there it is NaN.
    is_valid
        (...,) `in_range`, not `interval_open`, valid in the fit that it came from, and everything known that acts on it. Near the
        Mg-bound limit the concentration is any large number: only the closed end of the interval says something.
    shift_ppm, sd_shift_ppm
        (...,) the shift that was used, and its sd.
    ph, sd_ph
        (...,) as given, or from Pi (consistent with Mg2+ where Kd is corrected); NaN where neither.
    temperature_c, sd_temperature_c
        (...,) as given; 37 and not known otherwise.
    kd_corrected
        Whether Kd was corrected to these conditions.
    kd_ratio
        (...,) the factor of Kd by which it was; 1 where it was not.
    ionic_strength_M, potassium_M
        (...,) that it was corrected to, in mol/l; NaN where it was not.
    level
        Of the interval.
    calibration
        The `Calibration`, with constants, source and evidence.
    ph_source
        ``"given"``, the id of the equation, ``"unknown"``, or ``"unknown: SNR of Pi below 5"`` where that holds wherever there
        are shifts; the table says it for each row.
    pi_is_faint
        (...,) True where pH was to be read from Pi and the SNR of Pi is below 5: pH is NaN.
    index
        Columns that say where each value belongs, such as the voxel; from the fit.

    Examples
    --------
    >>> import p31mg
    >>> near_the_limit = p31mg.free_magnesium(8.37, sd_ppm=0.02)
    >>> bool(near_the_limit.interval_open), near_the_limit.interval_mM.round(3).tolist()
    (True, [1.605, inf])
    """

    in_range: BoolArray
    inputs_ok: BoolArray
    is_valid: BoolArray
    shift_ppm: FloatArray
    sd_shift_ppm: FloatArray
    ph: FloatArray
    sd_ph: FloatArray
    temperature_c: FloatArray
    sd_temperature_c: FloatArray
    kd_ratio: FloatArray
    ionic_strength_M: FloatArray
    potassium_M: FloatArray
    kd_corrected: bool
    level: float
    calibration: Calibration
    ph_source: str
    pi_is_faint: BoolArray = field(default_factory=lambda: np.array(False), repr=False)
    index: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def p_mg(self) -> FloatArray:
        """(...,) -log10 of the concentration in mol/l."""
        with np.errstate(divide="ignore"):
            return 3.0 - np.log10(self.free_mg_mM)

    @property
    def probability_beyond(self) -> FloatArray:
        """(..., 2) probability, by the error of shift and limit, of a shift above free ATP (no Mg2+) and below MgATP (any Mg2+).

        Where one of them exceeds (1 - level)/2 that end of the interval is open and `interval_open` is set.

        Examples
        --------
        >>> import p31mg
        >>> p31mg.free_magnesium(8.37, sd_ppm=0.02).probability_beyond.round(3)
        array([0.   , 0.159])
        """
        return probability_beyond(self.shift_ppm, self.sd_shift_ppm, self.calibration)

    @property
    def error_includes(self) -> npt.NDArray[np.object_]:
        """(...,) what `sd_mM` and `interval_mM` contain, in words."""
        text = np.full(self.shift_ppm.shape, "shift", dtype=object)
        parts = [("pH", self.kd_corrected & np.isfinite(self.sd_ph))]
        parts += [("temperature", self.kd_corrected & np.isfinite(self.sd_temperature_c))]
        parts += [(name, np.array(True)) for name in getattr(self.calibration, "sd_constants", {})]
        for name, is_in in parts:
            text = np.where(is_in, text + f", {name}", text)
        return np.where(np.isnan(self.sd_shift_ppm), "nothing", text)

    @property
    def kd_note(self) -> str:
        """What was done to Kd, in words."""
        if not self.kd_corrected:
            what = "Kd" if "kd_uM" in self.calibration.constants else "constants"
            return f"{what} as {'given' if self.calibration.evidence == 'user' else 'published'}"
        known = self.kd_ratio[np.isfinite(self.kd_ratio)]
        if not known.size:
            return "Kd corrected by speciation, nowhere possible"
        low, high = f"{known.min():.3f}", f"{known.max():.3f}"
        return f"Kd corrected by speciation x{low if low == high else f'{low} to {high}'}"

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
        beyond = self.probability_beyond
        columns: dict[str, Any] = dict(self.index)
        columns |= {
            self.calibration.quantity: self.shift_ppm.ravel(),
            f"sd_{self.calibration.quantity}": self.sd_shift_ppm.ravel(),
            "free_mg_mM": self.free_mg_mM.ravel(),
            "sd_mM": self.sd_mM.ravel(),
            "sd_measurement_mM": self.sd_measurement_mM.ravel(),
            "sd_condition_mM": self.sd_condition_mM.ravel(),
            "sd_calibration_mM": self.sd_calibration_mM.ravel(),
            "error_includes": self.error_includes.ravel(),
            "interval_low_mM": low.ravel(),
            "interval_high_mM": high.ravel(),
            "interval_level": self.level,
            "interval_open": self.interval_open.ravel(),
            "probability_beyond_free": beyond[..., 0].ravel(),
            "probability_beyond_bound": beyond[..., 1].ravel(),
            "p_mg": self.p_mg.ravel(),
            "in_range": self.in_range.ravel(),
            "inputs_ok": self.inputs_ok.ravel(),
            "mg_is_valid": self.is_valid.ravel(),
            "ph": self.ph.ravel(),
            "sd_ph": self.sd_ph.ravel(),
            "ph_source": np.where(
                np.broadcast_to(self.pi_is_faint, self.ph.shape), PI_IS_FAINT, self.ph_source
            ).ravel(),
            "temperature_c": self.temperature_c.ravel(),
            "sd_temperature_c": self.sd_temperature_c.ravel(),
            "kd_corrected": self.kd_corrected,
            "kd_ratio": self.kd_ratio.ravel(),
            "ionic_strength_M": self.ionic_strength_M.ravel(),
            "potassium_M": self.potassium_M.ravel(),
            "calibration": self.calibration.id,
            "calibration_evidence": self.calibration.evidence,
        }
        columns |= {f"calibration_{name}": value for name, value in self.calibration.constants.items()}
        columns["calibration_source"] = self.calibration.source
        return pd.DataFrame(columns, index=pd.RangeIndex(self.free_mg_mM.size))

    def _repr_html_(self) -> str:
        n, c = self.free_mg_mM.size, self.calibration
        shown = {
            c.quantity: self.shift_ppm,
            "free_mg_mM": self.free_mg_mM,
            "sd_mM": self.sd_mM,
            "low": self.interval_mM[..., 0],
            "high": self.interval_mM[..., 1],
            "ph": self.ph,
        }
        places = {name: v for name, v in self.index.items() if isinstance(v, np.ndarray) and v.dtype.kind == "i"}
        columns = [*((name, "right") for name in (*places, *shown)), ("is_valid", "left")]
        rows = [
            [
                *(str(values[i]) for values in places.values()),
                *(number(float(np.broadcast_to(values, self.shift_ppm.shape).flat[i]), 4) for values in shown.values()),
                str(self.is_valid.flat[i]),
            ]
            for i in rows_shown(n)
        ]
        title = f"MagnesiumResult {self.free_mg_mM.shape}: {int(self.is_valid.sum())} of {n} valid"
        constants = ", ".join(f"{k} {v:g}" for k, v in c.constants.items())
        known = (
            f"{c.id} ({constants}; evidence {c.evidence}); {self.kd_note}",
            f"low and high: {self.level:.0%} interval, mM; pH {self.ph_source}",
            c.source,
        )
        return card(title, table(columns, rows, n), notes=known)

    def __repr__(self) -> str:
        c = self.calibration
        constants = ", ".join(f"{k} {v:g}" for k, v in c.constants.items())
        head = f"<MagnesiumResult {c.id} ({constants}; evidence {c.evidence}; {self.kd_note})"
        if self.free_mg_mM.shape == ():
            low, high = self.interval_mM
            return (
                f"{head}: {float(self.free_mg_mM):.3f} mM, sd {float(self.sd_mM):.3f}, {self.level:.0%} interval "
                f"{low:.3f} to {high:.3f} (error of {self.error_includes}), from {float(self.shift_ppm):.4f} ppm, "
                f"pH {f'{float(self.ph):.2f}' if np.isfinite(self.ph) else 'not known'}, "
                f"{float(self.temperature_c):g} C>"
            )
        return f"{head}: {self.free_mg_mM.shape}, {int(self.is_valid.sum())} of {self.is_valid.size} valid>"
