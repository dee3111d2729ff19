"""What `free_magnesium` is given, put in order: shifts, pH and temperature in one shape, and where a value made no sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from p31mg.arrays import BoolArray, FloatArray
from p31mg.constants import PLAUSIBLE_PH, PLAUSIBLE_TEMPERATURE_C
from p31mg.errors import InputError
from p31mg.magnesium.arguments import broadcast_pair, numbers, own_or_nan, sd_or_nan
from p31mg.magnesium.calibrations import Calibration
from p31mg.magnesium.ph import PhEquation, PhResult, get_ph_equation

__all__ = [
    "LEAST_SNR_OF_PI",
    "PI_IS_FAINT",
    "Acidity",
    "HasShifts",
    "Measured",
    "Surroundings",
    "acidity",
    "measured",
    "of_shape",
]


LEAST_SNR_OF_PI: Final = 5.0
"""Of Pi, below which pH is not read from it. Its window is wide, and the highest noise in it makes a line: without any Pi the fit
finds one of SNR 2 in the median and above 5 in about 1 of 3000 spectra (``make validate-magnesium``)."""

PI_IS_FAINT: Final = f"unknown: SNR of Pi below {LEAST_SNR_OF_PI:g}"
"""What `MagnesiumResult.ph_source` says there."""


@runtime_checkable
class HasShifts(Protocol):
    """The part of a fit that magnesium is computed from: fields of the batch shape."""

    @property
    def shift_alpha_beta_ppm(self) -> FloatArray:
        """delta(alpha) - delta(beta)."""

    @property
    def shift_beta_pcr_ppm(self) -> FloatArray:
        """delta(beta) - delta(PCr)."""

    @property
    def chemical_shift_ppm(self) -> FloatArray:
        """(..., K) shifts from PCr."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K resonances."""

    @property
    def is_valid(self) -> BoolArray:
        """Rows to be trusted."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Shifts of the quantity of the calibration, which rows to trust, where an sd was none, and what names the rows."""

    shift_ppm: FloatArray
    sd_ppm: FloatArray
    trusted: BoolArray
    not_usable: BoolArray
    index: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Acidity:
    """PH with its sd, where it comes from, and where a value was given or read that makes no sense, or Pi was too faint."""

    ph: FloatArray
    sd_ph: FloatArray | None
    source: str
    not_usable: BoolArray
    from_pi: bool
    pi_is_faint: BoolArray


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Temperature with its sd, and where a value was given that makes no sense."""

    temperature_c: FloatArray
    sd_temperature_c: FloatArray | None
    not_usable: BoolArray

    @classmethod
    def of(cls, shape: tuple[int, ...], temperature_c: object, sd_temperature_c: object) -> Surroundings:
        """Return what was given, in the shape of the shifts."""
        hint = "give degrees Celsius between 0 and 60 (37 for a body; a value near 310 is kelvin)"
        values, bad = own_or_nan("temperature_c", temperature_c, PLAUSIBLE_TEMPERATURE_C, hint)
        sd, bad_sd = sd_or_nan("sd_temperature_c", sd_temperature_c)
        return cls(
            temperature_c=of_shape("temperature_c", values, shape),
            sd_temperature_c=None if sd_temperature_c is None else of_shape("sd_temperature_c", sd, shape),
            not_usable=np.broadcast_to(bad | bad_sd, shape),
        )


def measured(shift: HasShifts | npt.ArrayLike, sd_ppm: object, calibration: Calibration) -> Measured:
    """Return the shifts that a calibration needs, from a fit or as they are given."""
    return (
        _of_fit(shift, sd_ppm, calibration) if isinstance(shift, HasShifts) else _of_numbers(shift, sd_ppm, calibration)
    )


def _of_fit(fit: HasShifts, sd_ppm: object, calibration: Calibration) -> Measured:
    if sd_ppm is not None:
        msg = "sd_ppm is given with a fit, which has its own sd; leave it out."
        raise InputError(msg)
    d = np.array(getattr(fit, calibration.quantity), dtype=float)
    return Measured(
        shift_ppm=d,
        sd_ppm=np.array(getattr(fit, f"sd_{calibration.quantity}"), dtype=float),
        trusted=np.asarray(fit.is_valid),
        not_usable=np.broadcast_to(np.array(False), d.shape),
        index=getattr(fit, "row_columns", {}),
    )


def _of_numbers(shift: npt.ArrayLike, sd_ppm: object, calibration: Calibration) -> Measured:
    d = numbers("shift", shift)
    _require_in_range(d, calibration)
    sd, bad = sd_or_nan("sd_ppm", sd_ppm)
    both = broadcast_pair("shift", d, "sd_ppm", sd)
    shape = both[0].shape
    return Measured(
        shift_ppm=np.array(both[0]),
        sd_ppm=np.array(both[1]) if sd.ndim else both[1],
        trusted=np.broadcast_to(~bad, shape),
        not_usable=np.broadcast_to(bad, shape),
    )


def acidity(shift: object, shape: tuple[int, ...], ph: object, sd_ph: object, ph_equation: str) -> Acidity:
    """Return pH as it was given, or from Pi of a fit, or as not known."""
    equation = get_ph_equation(ph_equation)
    sd, bad_sd = sd_or_nan("sd_ph", sd_ph)
    own_sd = None if sd_ph is None else of_shape("sd_ph", sd, shape)
    source, from_pi, known_sd = "unknown", False, None
    values, bad, faint = np.array(np.nan), np.array(False), np.array(False)
    if isinstance(ph, PhResult):
        values, known_sd, bad = ph.ph, ph.sd_ph, ~_is_plausible(ph.ph) & np.isfinite(ph.shift_pi_pcr_ppm)
        source, from_pi = ph.equation.id, True
    elif ph is not None:
        values, bad = own_or_nan("ph", ph, PLAUSIBLE_PH, "a tissue pH is between 5 and 9")
        source = "given"
    elif isinstance(shift, HasShifts) and {"pi", "pcr"} <= set(shift.names):
        values, known_sd, bad, faint = _ph_of_fit(shift, equation)
        source, from_pi = equation.id if np.isfinite(values).any() or not faint.any() else PI_IS_FAINT, True
    elif sd_ph is not None:
        msg = "sd_ph is given without ph; give ph, or leave sd_ph out."
        raise InputError(msg)
    if own_sd is None and known_sd is not None:
        own_sd = of_shape("sd_ph", known_sd, shape)
    return Acidity(
        ph=of_shape("ph", values, shape),
        sd_ph=own_sd,
        source=source,
        not_usable=np.broadcast_to(bad | bad_sd, shape),
        from_pi=from_pi,
        pi_is_faint=np.broadcast_to(faint, shape),
    )


def _ph_of_fit(fit: HasShifts, equation: PhEquation) -> tuple[FloatArray, FloatArray, BoolArray, BoolArray]:
    """Return pH from Pi with its sd, where a fitted spectrum does not give one that makes sense, and where Pi is too faint."""
    pi = fit.names.index("pi")
    fitted = np.isfinite(fit.shift_alpha_beta_ppm)
    d = fit.chemical_shift_ppm[..., pi]
    bounds: FloatArray | None = getattr(fit, "crlb_chemical_shift_ppm", None)
    sd = np.full(d.shape, np.nan) if bounds is None else bounds[..., pi]
    # no error beside shifts that have one: Pi was held on the edge of its window, which is no measurement of it
    held = (sd == 0) & (np.asarray(getattr(fit, "sd_shift_alpha_beta_ppm", 0.0)) > 0)
    snr: FloatArray | None = getattr(fit, "snr_resonance", None)
    faint = np.zeros(d.shape, dtype=bool) if snr is None else fitted & ~(snr[..., pi] >= LEAST_SNR_OF_PI)
    ph = equation.ph(np.where(fitted & ~held & ~faint, d, np.nan))
    return ph, equation.slope_per_ppm(d) * np.where(np.isnan(ph), np.nan, sd), fitted & ~_is_plausible(ph), faint


def of_shape(name: str, values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return values that broadcast to the shape of the shifts in that shape; one number as a view, many as a copy."""
    try:
        view = np.broadcast_to(values, shape)
    except ValueError as error:
        msg = f"{name} has shape {values.shape}; it must be one number or have the shape {shape} of the shifts."
        raise InputError(msg) from error
    return np.array(view) if values.ndim else view


def _require_in_range(d: FloatArray, calibration: Calibration) -> None:
    """Refuse a single number outside the range, and any array whose signs say that it is the other quantity."""
    low, high = calibration.shift_range_ppm
    right_sign = bool(((d > 0) if low > 0 else (d < 0)).any())
    single_outside = d.size == 1 and not low < d.flat[0] < high
    if (right_sign and not single_outside) or np.isnan(d).all():
        return
    meaning = {
        "shift_alpha_beta_ppm": "delta(alpha) - delta(beta), a positive number near 8.5",
        "shift_beta_pcr_ppm": "delta(beta) - delta(PCr), a negative number near -16.1",
    }[calibration.quantity]
    msg = (
        f"shift is {d[~np.isnan(d)][0]:g} ppm; calibration {calibration.id!r} takes {meaning}, "
        f"between {low:g} and {high:g} ppm."
    )
    raise InputError(msg)


def _is_plausible(ph: FloatArray) -> BoolArray:
    return (ph >= PLAUSIBLE_PH[0]) & (ph <= PLAUSIBLE_PH[1])
