"""`free_magnesium`: shifts with errors in, free Mg2+ with errors out.

What is uncertain and how it is combined stands in `p31mg.magnesium.uncertainty`, what pH and temperature do in
`p31mg.magnesium.conditions`. Here the arguments are put in order: a single value of the user's own that makes no sense is an
error, among many it is NaN and a flag.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from p31mg.constants import BODY_TEMPERATURE_C, PLAUSIBLE_PH
from p31mg.errors import InputError
from p31mg.magnesium.arguments import numbers, require_level
from p31mg.magnesium.calibrations import Calibration
from p31mg.magnesium.comparison import MagnesiumComparison
from p31mg.magnesium.conditions import consistent_with_magnesium, effect_on_kd, reference_conditions
from p31mg.magnesium.inputs import (
    Acidity,
    HasShifts,
    Measured,
    Surroundings,
    acidity,
    measured,
    of_shape,
)
from p31mg.magnesium.ph import DEFAULT_PH_EQUATION, PhResult
from p31mg.magnesium.registry import DEFAULT_CALIBRATION, get_calibration
from p31mg.magnesium.result import MagnesiumResult
from p31mg.magnesium.speciation import Conditions
from p31mg.magnesium.uncertainty import Conditioning, estimate

__all__ = ["free_magnesium"]

AnyCalibration: TypeAlias = "Calibration | str | os.PathLike[str]"


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
    calibration: list[Any] | tuple[Any, ...] | Mapping[str, Calibration],
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
    calibration: AnyCalibration | list[Any] | tuple[Any, ...] | Mapping[str, Calibration] = DEFAULT_CALIBRATION,
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
        not part of any error. A list of them, or `calibrations()`, gives a `MagnesiumComparison`, side by side.
    sd_ppm
        Sd of the shift, in ppm, of a shape that broadcasts; only with plain numbers. Default None: no interval.
    ph
        Intracellular pH, 5 to 9: one number, one per shift, or what `ph_from_pi` returns. Default None: from Pi of the
        fit, where its SNR is at least 5; a fainter one may be noise.
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

    Returns
    -------
    MagnesiumResult or MagnesiumComparison
        Fields of the shape of the shifts; a comparison where several calibrations were asked for.

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
    if isinstance(calibration, Mapping):
        calibration = list(calibration.values())
    if isinstance(calibration, (list, tuple)):
        return _compare(shift, calibration, options)
    chosen = get_calibration(calibration)
    require_level(level)
    shifts = measured(shift, sd_ppm, chosen)
    ph_used = acidity(shift, shifts.shift_ppm.shape, ph, sd_ph, ph_equation)
    surroundings = Surroundings.of(shifts.shift_ppm.shape, temperature_c, sd_temperature_c)
    if not correct_kd:
        for name, value in (("ionic_strength_M", ionic_strength_M), ("potassium_M", potassium_M)):
            if value is not None:
                msg = f"{name} is given, which only acts with correct_kd=True; switch it on, or leave {name} out."
                raise InputError(msg)
        return _result(shifts, ph_used, surroundings, chosen, level)
    return _corrected(shifts, ph_used, surroundings, chosen, level, ionic_strength_M, potassium_M)


def _corrected(
    shifts: Measured,
    ph_used: Acidity,
    surroundings: Surroundings,
    calibration: Calibration,
    level: float,
    ionic_strength_M: npt.ArrayLike | None,
    potassium_M: npt.ArrayLike | None,
) -> MagnesiumResult:
    """Return magnesium with Kd corrected to the conditions of the tissue."""
    reference = reference_conditions(calibration)
    if ph_used.source == "unknown":
        msg = "ph is not given and there is no Pi to read it from; correct_kd=True needs it: give ph."
        raise InputError(msg)
    shape = shifts.shift_ppm.shape
    given = {
        name: getattr(reference, name) if value is None else of_shape(name, numbers(name, value), shape)
        for name, value in (("ionic_strength_M", ionic_strength_M), ("potassium_M", potassium_M))
    }
    sensible = np.where((ph_used.ph >= PLAUSIBLE_PH[0]) & (ph_used.ph <= PLAUSIBLE_PH[1]), ph_used.ph, np.nan)
    conditions = Conditions(sensible, temperature_c=surroundings.temperature_c, **given)
    if ph_used.from_pi:
        conditions = consistent_with_magnesium(shifts.shift_ppm, calibration, conditions)
    conditioning = effect_on_kd(
        shifts.shift_ppm,
        calibration,
        conditions,
        ph_used.sd_ph,
        surroundings.sd_temperature_c,
        ph_follows_magnesium=ph_used.from_pi,
    )
    return _result(shifts, ph_used, surroundings, calibration, level, conditioning, conditions)


def _result(
    shifts: Measured,
    ph_used: Acidity,
    surroundings: Surroundings,
    calibration: Calibration,
    level: float,
    conditioning: Conditioning | None = None,
    conditions: Conditions | None = None,
) -> MagnesiumResult:
    """Put the result together; without `conditioning` Kd is that of the calibration."""
    d, shape = shifts.shift_ppm, shifts.shift_ppm.shape
    estimated = estimate(d, shifts.sd_ppm, calibration, level, conditioning or Conditioning())
    low, high = calibration.shift_range_ppm
    in_range = (d > low) & (d < high)
    usable = ~(shifts.not_usable | ph_used.not_usable | surroundings.not_usable)
    is_valid = in_range & shifts.trusted & ~estimated.interval_open
    ph, unknown = ph_used.ph, np.broadcast_to(np.nan, shape)
    if conditioning is not None and conditions is not None:
        ph = of_shape("ph", np.asarray(conditions.ph), shape)
        known = np.isfinite(conditioning.kd_ratio)
        usable, is_valid = usable & known, is_valid & known
    return MagnesiumResult(
        **vars(estimated),
        in_range=in_range,
        inputs_ok=usable,
        is_valid=is_valid,
        shift_ppm=d,
        sd_shift_ppm=shifts.sd_ppm,
        ph=ph,
        sd_ph=unknown if ph_used.sd_ph is None else ph_used.sd_ph,
        temperature_c=surroundings.temperature_c,
        sd_temperature_c=unknown if surroundings.sd_temperature_c is None else surroundings.sd_temperature_c,
        kd_ratio=np.broadcast_to(1.0 if conditioning is None else conditioning.kd_ratio, shape),
        ionic_strength_M=unknown if conditions is None else np.broadcast_to(conditions.ionic_strength_M, shape),
        potassium_M=unknown if conditions is None else np.broadcast_to(conditions.potassium_M, shape),
        kd_corrected=conditioning is not None,
        level=level,
        calibration=calibration,
        ph_source=ph_used.source,
        pi_is_faint=ph_used.pi_is_faint,
        index=shifts.index,
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
