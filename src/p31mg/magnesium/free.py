"""`free_magnesium`: shifts with errors in, free Mg2+ with errors out.

The shift's error is close to normal. Mg2+ is a monotone function of the shift, so the ends of its interval are the function
at the ends of the shift's interval: exact, skewed as it should be, and infinite where the shift's interval reaches past
the Mg-bound limit. `sd_mM` is the linear propagation |d[Mg]/d(shift)| sd, for those who need one number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast, overload, runtime_checkable

import numpy as np
import numpy.typing as npt

from p31mg.arrays import BoolArray, FloatArray
from p31mg.constants import BODY_TEMPERATURE_C, PLAUSIBLE_PH, PLAUSIBLE_TEMPERATURE_C
from p31mg.errors import InputError
from p31mg.magnesium.arguments import numbers
from p31mg.magnesium.calibrations import Calibration
from p31mg.magnesium.comparison import MagnesiumComparison
from p31mg.magnesium.ph import DEFAULT_PH_EQUATION, get_ph_equation
from p31mg.magnesium.registry import DEFAULT_CALIBRATION, get_calibration
from p31mg.magnesium.result import MagnesiumResult

__all__ = ["HasShifts", "free_magnesium"]


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


@overload
def free_magnesium(
    shift: HasShifts | npt.ArrayLike,
    *,
    calibration: Calibration | str = ...,
    sd_ppm: npt.ArrayLike | None = ...,
    ph: npt.ArrayLike | None = ...,
    temperature_c: npt.ArrayLike = ...,
    ph_equation: str = ...,
    level: float = ...,
) -> MagnesiumResult: ...
@overload
def free_magnesium(
    shift: HasShifts | npt.ArrayLike,
    *,
    calibration: list[Calibration | str] | list[str],
    sd_ppm: npt.ArrayLike | None = ...,
    ph: npt.ArrayLike | None = ...,
    temperature_c: npt.ArrayLike = ...,
    ph_equation: str = ...,
    level: float = ...,
) -> MagnesiumComparison: ...
def free_magnesium(
    shift: HasShifts | npt.ArrayLike,
    *,
    calibration: Calibration | str | list[Calibration | str] | list[str] = DEFAULT_CALIBRATION,
    sd_ppm: npt.ArrayLike | None = None,
    ph: npt.ArrayLike | None = None,
    temperature_c: npt.ArrayLike = BODY_TEMPERATURE_C,
    ph_equation: str = DEFAULT_PH_EQUATION,
    level: float = 0.95,
) -> MagnesiumResult | MagnesiumComparison:
    """Convert shifts to free intracellular Mg2+ by a published calibration.

    Parameters
    ----------
    shift
        A `FitResult`, or shifts in ppm of any shape: delta(alpha) - delta(beta), near 8.5, for the two-site
        calibrations; delta(beta) - delta(PCr), near -16.1, for ``"iotti-1996"``. NaN in, NaN out.
    calibration
        Name (see `calibrations`) or a calibration of your own. Default ``"gupta-1978"``, the most cited. Published
        calibrations differ by a factor of 1.5 to 2.3 at the same shift; that is not part of `sd_mM`. A list of them gives a
        `MagnesiumComparison`, side by side.
    sd_ppm
        Sd of the shift, in ppm, of a shape that broadcasts; only with plain numbers. Default None: no interval.
    ph
        Intracellular pH for the record, 5 to 9. Default None: from Pi of the fit. None of the calibrations
        changes with it.
    temperature_c
        Temperature for the record, in degrees Celsius. Default 37.
    ph_equation
        How pH is read from Pi: ``"taylor-1983"`` (default, muscle) or ``"petroff-1985"`` (brain).
    level
        Of the interval, between 0 and 1. Default 0.95.

    Raises
    ------
    InputError
        A plain number outside the calibration's range or of the wrong quantity, a negative sd, pH or temperature outside any
        sense. In arrays of more than one value and in fits, shifts outside the range give NaN and a flag instead.
    UnknownNameError
        Unknown calibration or pH equation.

    Examples
    --------
    >>> mg = free_magnesium(8.55, sd_ppm=0.01, calibration="gupta-1978", ph=7.05, temperature_c=37.0)
    >>> round(float(mg.free_mg_mM), 3), round(float(mg.sd_mM), 3), mg.interval_mM.round(3).tolist()
    (0.448, 0.024, [0.405, 0.501])
    """
    if isinstance(calibration, list):
        options = {
            "sd_ppm": sd_ppm,
            "ph": ph,
            "temperature_c": temperature_c,
            "ph_equation": ph_equation,
            "level": level,
        }
        return _compare(shift, calibration, options)
    chosen = get_calibration(calibration)
    if not (isinstance(level, (int, float, np.floating)) and 0 < level < 1):  # type: ignore[redundant-expr]
        msg = f"level is {level!r}; it must lie between 0 and 1 (0.95 for a 95 % interval)."
        raise InputError(msg)
    index: Mapping[str, Any] = {}
    if isinstance(shift, HasShifts):
        if sd_ppm is not None:
            msg = "sd_ppm is given with a fit, which has its own sd; leave it out."
            raise InputError(msg)
        d = np.asarray(getattr(shift, chosen.quantity), dtype=float)
        sd = np.asarray(getattr(shift, f"sd_{chosen.quantity}"), dtype=float)
        trusted = np.asarray(shift.is_valid)
        ph_values, sd_ph, ph_source = _ph_of_fit(shift, ph, ph_equation)
        index = getattr(shift, "row_columns", {})
    else:
        d = numbers("shift", shift)
        _require_in_range(d, chosen)
        sd = numbers("sd_ppm", np.nan if sd_ppm is None else sd_ppm)
        d, sd = _same_shape(d, sd)
        trusted = np.ones(d.shape, dtype=bool)
        get_ph_equation(ph_equation)
        ph_values = np.full(d.shape, np.nan) if ph is None else _of_shape("ph", ph, d.shape)
        sd_ph, ph_source = np.full(d.shape, np.nan), "unknown" if ph is None else "given"
    if (sd < 0).any():
        msg = f"sd_ppm is {sd[sd < 0].flat[0]:g}; a standard deviation cannot be negative."
        raise InputError(msg)
    if ph is not None:
        _require_sensible("ph", ph_values, PLAUSIBLE_PH, "a tissue pH is between 5 and 9")
    temperature = _of_shape("temperature_c", temperature_c, d.shape)
    hint = "give degrees Celsius between 0 and 60 (37 for a body; a value near 310 is kelvin)"
    _require_sensible("temperature_c", temperature, PLAUSIBLE_TEMPERATURE_C, hint)
    return _convert(d, sd, trusted, ph_values, sd_ph, ph_source, temperature, chosen, level, index)


def _compare(
    shift: HasShifts | npt.ArrayLike, calibrations: Sequence[Calibration | str], options: Mapping[str, Any]
) -> MagnesiumComparison:
    """Convert the same shifts by several calibrations; numbers only by such that take the same quantity."""
    chosen = [get_calibration(c) for c in calibrations]
    names = [c.id for c in chosen]
    if not chosen or len(set(names)) != len(names):
        msg = f"calibration is {names}; name at least one, each once."
        raise InputError(msg)
    quantities = {c.quantity for c in chosen}
    if len(quantities) > 1 and not isinstance(shift, HasShifts):
        msg = f"calibrations {', '.join(names)} take {' and '.join(sorted(quantities))}; a number is one of them, so give a fit."
        raise InputError(msg)
    return MagnesiumComparison({c.id: free_magnesium(shift, calibration=c, **options) for c in chosen})


def _convert(
    d: FloatArray,
    sd: FloatArray,
    trusted: BoolArray,
    ph: FloatArray,
    sd_ph: FloatArray,
    ph_source: str,
    temperature_c: FloatArray,
    calibration: Calibration,
    level: float,
    index: Mapping[str, Any],
) -> MagnesiumResult:
    from scipy.special import ndtri

    free_mg = calibration.free_mg_mM(d)
    low_limit, high_limit = calibration.shift_range_ppm
    reach = float(ndtri(0.5 + level / 2)) * sd
    ends = np.stack([d - reach, d + reach], axis=-1)
    at_ends = calibration.free_mg_mM(ends)
    falling = calibration.quantity == "shift_alpha_beta_ppm"
    beyond_low, beyond_high = ends <= low_limit, ends >= high_limit
    at_ends = np.where(beyond_low, np.inf if falling else 0.0, at_ends)
    at_ends = np.where(beyond_high, 0.0 if falling else np.inf, at_ends)
    interval = np.sort(at_ends, axis=-1)
    in_range = np.isfinite(free_mg)
    interval = np.where(in_range[..., None], interval, np.nan)
    interval_open = (beyond_low | beyond_high).any(axis=-1) & in_range
    return MagnesiumResult(
        free_mg_mM=free_mg,
        sd_mM=np.abs(calibration.slope_mM_per_ppm(d)) * sd,
        interval_mM=interval,
        p_mg=3.0 - np.log10(free_mg),
        interval_open=interval_open,
        in_range=in_range,
        is_valid=in_range & trusted & ~interval_open,
        shift_ppm=d,
        sd_shift_ppm=sd,
        ph=np.array(np.broadcast_to(ph, d.shape)),
        sd_ph=np.array(np.broadcast_to(sd_ph, d.shape)),
        temperature_c=np.array(np.broadcast_to(temperature_c, d.shape)),
        level=level,
        calibration=calibration,
        ph_source=ph_source,
        index=index,
    )


def _ph_of_fit(fit: HasShifts, ph: npt.ArrayLike | None, ph_equation: str) -> tuple[FloatArray, FloatArray, str]:
    equation = get_ph_equation(ph_equation)
    shape = np.shape(fit.shift_alpha_beta_ppm)
    if ph is not None:
        return _of_shape("ph", ph, shape), np.full(shape, np.nan), "given"
    if "pi" not in fit.names:
        return np.full(shape, np.nan), np.full(shape, np.nan), "unknown"
    pi = fit.names.index("pi")
    d = np.where(np.isfinite(fit.shift_alpha_beta_ppm), fit.chemical_shift_ppm[..., pi], np.nan)
    sd = cast("FloatArray", getattr(fit, "crlb_chemical_shift_ppm", np.full((*shape, pi + 1), np.nan)))[..., pi]
    return equation.ph(d), equation.slope_per_ppm(d) * sd, equation.id


def _of_shape(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Return values that broadcast to the shape of the shifts in that shape, one number as it is."""
    values = numbers(name, value)
    if not values.ndim:
        return values
    try:
        return np.broadcast_to(values, shape)
    except ValueError as error:
        msg = f"{name} has shape {values.shape}; it must be one number or have the shape {shape} of the shifts."
        raise InputError(msg) from error


def _same_shape(d: FloatArray, sd: FloatArray) -> tuple[FloatArray, FloatArray]:
    try:
        shape = np.broadcast_shapes(d.shape, sd.shape)
    except ValueError as error:
        msg = f"sd_ppm has shape {sd.shape} and shift {d.shape}; give one number or as many as there are shifts."
        raise InputError(msg) from error
    return np.array(np.broadcast_to(d, shape)), np.array(np.broadcast_to(sd, shape))


def _require_in_range(d: FloatArray, calibration: Calibration) -> None:
    """Refuse a single number outside the range, and any array whose signs say that it is the other quantity."""
    low, high = calibration.shift_range_ppm
    known = d[np.isfinite(d)]
    wrong_sign = known.size and bool((np.sign(known) != np.sign(low)).all())
    if not known.size or not (wrong_sign or (d.size == 1 and not low < known.flat[0] < high)):
        return
    meaning = {
        "shift_alpha_beta_ppm": "delta(alpha) - delta(beta), a positive number near 8.5",
        "shift_beta_pcr_ppm": "delta(beta) - delta(PCr), a negative number near -16.1",
    }[calibration.quantity]
    msg = (
        f"shift is {known.flat[0]:g} ppm; calibration {calibration.id!r} takes {meaning}, "
        f"between {low:g} and {high:g} ppm."
    )
    raise InputError(msg)


def _require_sensible(name: str, values: FloatArray, limits: tuple[float, float], hint: str) -> None:
    unknown = np.isnan(values) & (values.ndim > 0)  # a row of a column may be unknown, a number given by hand may not
    bad = values[~unknown & ~((values >= limits[0]) & (values <= limits[1]))]
    if bad.size:
        msg = f"{name} is {bad.flat[0]:g}; {hint}."
        raise InputError(msg)
