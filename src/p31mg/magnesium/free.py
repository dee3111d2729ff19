"""`free_magnesium`: shifts with errors in, free Mg2+ with errors out.

What is uncertain and how it is combined stands in `p31mg.magnesium.uncertainty`, what pH and temperature do in
`p31mg.magnesium.conditions`. Here the arguments are put in order: a single value of the user's own that makes no sense is an
error, among many it is NaN and a flag.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, cast, overload, runtime_checkable

import numpy as np
import numpy.typing as npt

from p31mg.arrays import BoolArray, FloatArray
from p31mg.constants import BODY_TEMPERATURE_C, PLAUSIBLE_PH, PLAUSIBLE_TEMPERATURE_C
from p31mg.errors import InputError
from p31mg.magnesium.arguments import broadcast_pair, numbers, own_or_nan, require_level, sd_or_nan
from p31mg.magnesium.calibrations import Calibration
from p31mg.magnesium.comparison import MagnesiumComparison
from p31mg.magnesium.conditions import consistent_with_magnesium, effect_on_kd, reference_conditions
from p31mg.magnesium.ph import DEFAULT_PH_EQUATION, PhResult, get_ph_equation
from p31mg.magnesium.registry import DEFAULT_CALIBRATION, get_calibration
from p31mg.magnesium.result import MagnesiumResult
from p31mg.magnesium.speciation import Conditions
from p31mg.magnesium.uncertainty import Conditioning, estimate

__all__ = ["HasShifts", "free_magnesium"]

AnyCalibration: TypeAlias = "Calibration | str | os.PathLike[str]"


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
    calibration: AnyCalibration = ...,
    sd_ppm: npt.ArrayLike | None = ...,
    ph: PhResult | npt.ArrayLike | None = ...,
    sd_ph: npt.ArrayLike | None = ...,
    temperature_c: npt.ArrayLike = ...,
    sd_temperature_c: npt.ArrayLike | None = ...,
    correct_kd: bool = ...,
    ionic_strength_M: npt.ArrayLike | None = ...,
    potassium_M: npt.ArrayLike | None = ...,
    ph_equation: str = ...,
    level: float = ...,
) -> MagnesiumResult: ...
@overload
def free_magnesium(
    shift: HasShifts | npt.ArrayLike,
    *,
    calibration: list[Any] | tuple[Any, ...],
    sd_ppm: npt.ArrayLike | None = ...,
    ph: PhResult | npt.ArrayLike | None = ...,
    sd_ph: npt.ArrayLike | None = ...,
    temperature_c: npt.ArrayLike = ...,
    sd_temperature_c: npt.ArrayLike | None = ...,
    correct_kd: bool = ...,
    ionic_strength_M: npt.ArrayLike | None = ...,
    potassium_M: npt.ArrayLike | None = ...,
    ph_equation: str = ...,
    level: float = ...,
) -> MagnesiumComparison: ...
def free_magnesium(
    shift: HasShifts | npt.ArrayLike,
    *,
    calibration: AnyCalibration | list[Any] | tuple[Any, ...] = DEFAULT_CALIBRATION,
    sd_ppm: npt.ArrayLike | None = None,
    ph: PhResult | npt.ArrayLike | None = None,
    sd_ph: npt.ArrayLike | None = None,
    temperature_c: npt.ArrayLike = BODY_TEMPERATURE_C,
    sd_temperature_c: npt.ArrayLike | None = None,
    correct_kd: bool = False,
    ionic_strength_M: npt.ArrayLike | None = None,
    potassium_M: npt.ArrayLike | None = None,
    ph_equation: str = DEFAULT_PH_EQUATION,
    level: float = 0.95,
) -> MagnesiumResult | MagnesiumComparison:
    """Convert shifts to free intracellular Mg2+ by a published calibration or one of your own.

    Parameters
    ----------
    shift
        A `FitResult`, or shifts in ppm of any shape: delta(alpha) - delta(beta), near 8.5, for the two-site
        calibrations; delta(beta) - delta(PCr), near -16.1, for ``"iotti-1996"``. NaN in, NaN out.
    calibration
        Name (see `calibrations`), the path of a ``.toml`` file (see `write_calibration`) or a calibration. Default
        ``"gupta-1978"``, the most cited. Published calibrations differ by a factor of 1.5 to 2.3 at the same shift; that is
        not part of any error. A list of them gives a `MagnesiumComparison`, side by side.
    sd_ppm
        Sd of the shift, in ppm, of a shape that broadcasts; only with plain numbers. Default None: no interval.
    ph
        Intracellular pH, 5 to 9: one number, one per shift, or what `ph_from_pi` returns. Default None: from Pi of the fit.
        For the record, unless `correct_kd`.
    sd_ph
        Its sd. Default None: that from Pi where pH is, otherwise not known.
    temperature_c
        In degrees Celsius. Default 37. For the record, unless `correct_kd`.
    sd_temperature_c
        Its sd. Default None: not known.
    correct_kd
        Whether to correct the Kd of a two-site calibration to the pH, temperature, ionic strength and K+ of the tissue, by the
        speciation of ATP (see `p31mg.magnesium.conditions`). Default False: the calibration as published. With it pH is
        needed; read from Pi, it is made consistent with Mg2+.
    ionic_strength_M, potassium_M
        In mol/l, for `correct_kd`. Default None: those of the calibration.
    ph_equation
        How pH is read from Pi of a fit: ``"taylor-1983"`` (default, muscle) or ``"petroff-1985"`` (brain).
    level
        Of the interval, between 0 and 1. Default 0.95.

    Raises
    ------
    InputError
        A single value that makes no sense: a shift outside the calibration's range or of the wrong quantity, a negative sd, pH or
        temperature outside any sense. Among several values and in fits such a value gives NaN and a flag instead. Also shapes
        that do not fit, or a correction that the calibration does not allow.
    UnknownNameError
        Unknown calibration or pH equation.

    Examples
    --------
    >>> mg = free_magnesium(8.55, sd_ppm=0.01, calibration="gupta-1978", ph=7.05, temperature_c=37.0)
    >>> round(float(mg.free_mg_mM), 3), round(float(mg.sd_mM), 3), mg.interval_mM.round(3).tolist()
    (0.448, 0.024, [0.405, 0.501])

    At the pH of exercise Kd is higher, and with it Mg2+; the error of pH has a part of its own:

    >>> acid = free_magnesium(8.55, sd_ppm=0.01, ph=6.6, sd_ph=0.05, correct_kd=True)
    >>> float(acid.free_mg_mM.round(3)), float(acid.sd_measurement_mM.round(3)), float(acid.sd_condition_mM.round(3))
    (0.577, 0.031, 0.02)
    """
    options: dict[str, Any] = {
        "sd_ppm": sd_ppm,
        "ph": ph,
        "sd_ph": sd_ph,
        "temperature_c": temperature_c,
        "sd_temperature_c": sd_temperature_c,
        "correct_kd": correct_kd,
        "ionic_strength_M": ionic_strength_M,
        "potassium_M": potassium_M,
        "ph_equation": ph_equation,
        "level": level,
    }
    if isinstance(calibration, (list, tuple)):
        return _compare(shift, calibration, options)
    chosen = get_calibration(calibration)
    require_level(level)
    measured = _of_fit(shift, sd_ppm, chosen) if isinstance(shift, HasShifts) else _of_numbers(shift, sd_ppm, chosen)
    acidity = _acidity(shift, measured.shift_ppm.shape, ph, sd_ph, ph_equation)
    surroundings = _Surroundings.of(measured.shift_ppm.shape, temperature_c, sd_temperature_c)
    if not correct_kd:
        for name, value in (("ionic_strength_M", ionic_strength_M), ("potassium_M", potassium_M)):
            if value is not None:
                msg = f"{name} is given, which only acts with correct_kd=True; switch it on, or leave {name} out."
                raise InputError(msg)
        return _result(measured, acidity, surroundings, chosen, level)
    return _corrected(measured, acidity, surroundings, chosen, level, ionic_strength_M, potassium_M)


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """Shifts of the quantity of the calibration, which rows to trust, where an sd was none, and what names the rows."""

    shift_ppm: FloatArray
    sd_ppm: FloatArray
    trusted: BoolArray
    not_usable: BoolArray
    index: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Acidity:
    """PH with its sd, where it comes from, and where a value was given or read that makes no sense."""

    ph: FloatArray
    sd_ph: FloatArray | None
    source: str
    not_usable: BoolArray
    from_pi: bool


@dataclass(frozen=True, kw_only=True)
class _Surroundings:
    """Temperature with its sd, and where a value was given that makes no sense."""

    temperature_c: FloatArray
    sd_temperature_c: FloatArray | None
    not_usable: BoolArray

    @classmethod
    def of(cls, shape: tuple[int, ...], temperature_c: object, sd_temperature_c: object) -> _Surroundings:
        hint = "give degrees Celsius between 0 and 60 (37 for a body; a value near 310 is kelvin)"
        values, bad = own_or_nan("temperature_c", temperature_c, PLAUSIBLE_TEMPERATURE_C, hint)
        sd, bad_sd = sd_or_nan("sd_temperature_c", sd_temperature_c)
        return cls(
            temperature_c=_of_shape("temperature_c", values, shape),
            sd_temperature_c=None if sd_temperature_c is None else _of_shape("sd_temperature_c", sd, shape),
            not_usable=np.broadcast_to(bad | bad_sd, shape),
        )


def _of_fit(fit: HasShifts, sd_ppm: object, calibration: Calibration) -> _Measured:
    if sd_ppm is not None:
        msg = "sd_ppm is given with a fit, which has its own sd; leave it out."
        raise InputError(msg)
    d = np.array(getattr(fit, calibration.quantity), dtype=float)
    return _Measured(
        shift_ppm=d,
        sd_ppm=np.array(getattr(fit, f"sd_{calibration.quantity}"), dtype=float),
        trusted=np.asarray(fit.is_valid),
        not_usable=np.broadcast_to(np.array(False), d.shape),
        index=getattr(fit, "row_columns", {}),
    )


def _of_numbers(shift: npt.ArrayLike, sd_ppm: object, calibration: Calibration) -> _Measured:
    d = numbers("shift", shift)
    _require_in_range(d, calibration)
    sd, bad = sd_or_nan("sd_ppm", sd_ppm)
    both = broadcast_pair("shift", d, "sd_ppm", sd)
    shape = both[0].shape
    return _Measured(
        shift_ppm=np.array(both[0]),
        sd_ppm=np.array(both[1]) if sd.ndim else both[1],
        trusted=np.broadcast_to(~bad, shape),
        not_usable=np.broadcast_to(bad, shape),
    )


def _acidity(shift: object, shape: tuple[int, ...], ph: object, sd_ph: object, ph_equation: str) -> _Acidity:
    """Return pH as it was given, or from Pi of a fit, or as not known."""
    equation = get_ph_equation(ph_equation)
    sd, bad_sd = sd_or_nan("sd_ph", sd_ph)
    own_sd = None if sd_ph is None else _of_shape("sd_ph", sd, shape)
    source, from_pi, known_sd = "unknown", False, None
    values, bad = np.array(np.nan), np.array(False)
    if isinstance(ph, PhResult):
        values, known_sd, bad = ph.ph, ph.sd_ph, ~ph.in_range & np.isfinite(ph.shift_pi_pcr_ppm)
        source, from_pi = ph.equation.id, True
    elif ph is not None:
        values, bad = own_or_nan("ph", ph, PLAUSIBLE_PH, "a tissue pH is between 5 and 9")
        source = "given"
    elif isinstance(shift, HasShifts) and "pi" in shift.names:
        pi = shift.names.index("pi")
        fitted = np.isfinite(shift.shift_alpha_beta_ppm)
        d = np.where(fitted, shift.chemical_shift_ppm[..., pi], np.nan)
        bounds = cast("FloatArray", getattr(shift, "crlb_chemical_shift_ppm", np.full((*shape, pi + 1), np.nan)))
        values, known_sd = equation.ph(d), equation.slope_per_ppm(d) * bounds[..., pi]
        bad, source, from_pi = fitted & np.isnan(values), equation.id, True
    elif sd_ph is not None:
        msg = "sd_ph is given without ph; give ph, or leave sd_ph out."
        raise InputError(msg)
    if own_sd is None and known_sd is not None:
        own_sd = _of_shape("sd_ph", known_sd, shape)
    return _Acidity(
        ph=_of_shape("ph", values, shape),
        sd_ph=own_sd,
        source=source,
        not_usable=np.broadcast_to(bad | bad_sd, shape),
        from_pi=from_pi,
    )


def _corrected(
    measured: _Measured,
    acidity: _Acidity,
    surroundings: _Surroundings,
    calibration: Calibration,
    level: float,
    ionic_strength_M: npt.ArrayLike | None,
    potassium_M: npt.ArrayLike | None,
) -> MagnesiumResult:
    """Return magnesium with Kd corrected to the conditions of the tissue."""
    reference = reference_conditions(calibration)
    if acidity.source == "unknown":
        msg = "ph is not given and there is no Pi to read it from; correct_kd=True needs it: give ph."
        raise InputError(msg)
    shape = measured.shift_ppm.shape
    given = {
        name: getattr(reference, name) if value is None else _of_shape(name, numbers(name, value), shape)
        for name, value in (("ionic_strength_M", ionic_strength_M), ("potassium_M", potassium_M))
    }
    sensible = np.where((acidity.ph >= PLAUSIBLE_PH[0]) & (acidity.ph <= PLAUSIBLE_PH[1]), acidity.ph, np.nan)
    conditions = Conditions(sensible, temperature_c=surroundings.temperature_c, **given)
    if acidity.from_pi:
        conditions = consistent_with_magnesium(measured.shift_ppm, calibration, conditions)
    conditioning = effect_on_kd(
        measured.shift_ppm,
        calibration,
        conditions,
        acidity.sd_ph,
        surroundings.sd_temperature_c,
        ph_follows_magnesium=acidity.from_pi,
    )
    return _result(measured, acidity, surroundings, calibration, level, conditioning, conditions)


def _result(
    measured: _Measured,
    acidity: _Acidity,
    surroundings: _Surroundings,
    calibration: Calibration,
    level: float,
    conditioning: Conditioning | None = None,
    conditions: Conditions | None = None,
) -> MagnesiumResult:
    """Put the result together; without `conditioning` Kd is that of the calibration."""
    d, shape = measured.shift_ppm, measured.shift_ppm.shape
    estimated = estimate(d, measured.sd_ppm, calibration, level, conditioning or Conditioning())
    low, high = calibration.shift_range_ppm
    in_range = (d > low) & (d < high)
    usable = ~(measured.not_usable | acidity.not_usable | surroundings.not_usable)
    is_valid = in_range & measured.trusted & ~estimated.interval_open
    ph, unknown = acidity.ph, np.broadcast_to(np.nan, shape)
    if conditioning is not None and conditions is not None:
        ph = _of_shape("ph", np.asarray(conditions.ph), shape)
        known = np.isfinite(conditioning.kd_ratio)
        usable, is_valid = usable & known, is_valid & known
    return MagnesiumResult(
        **{name: getattr(estimated, name) for name in estimated.__dataclass_fields__},
        in_range=in_range,
        inputs_ok=usable,
        is_valid=is_valid,
        shift_ppm=d,
        sd_shift_ppm=measured.sd_ppm,
        ph=ph,
        sd_ph=unknown if acidity.sd_ph is None else acidity.sd_ph,
        temperature_c=surroundings.temperature_c,
        sd_temperature_c=unknown if surroundings.sd_temperature_c is None else surroundings.sd_temperature_c,
        kd_ratio=np.broadcast_to(1.0 if conditioning is None else conditioning.kd_ratio, shape),
        ionic_strength_M=unknown if conditions is None else np.broadcast_to(conditions.ionic_strength_M, shape),
        potassium_M=unknown if conditions is None else np.broadcast_to(conditions.potassium_M, shape),
        kd_corrected=conditioning is not None,
        level=level,
        calibration=calibration,
        ph_source=acidity.source,
        index=measured.index,
    )


def _compare(
    shift: HasShifts | npt.ArrayLike, calibrations: Sequence[AnyCalibration], options: Mapping[str, Any]
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


def _of_shape(name: str, values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
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
