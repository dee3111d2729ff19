r"""What pH, temperature, ionic strength and K+ do to the Kd of a two-site calibration, and a pH that agrees with its Mg2+.

**Kd.** With the speciation of ATP (`p31mg.magnesium.speciation`), Kd of the calibration is multiplied by

.. math:: r = \frac{K_d^{app}(\mathrm{pH}, T, I, [K^+])}{K_d^{app}(\text{conditions of the calibration})}, \qquad
          [\mathrm{Mg}] = r\,K_d\,\frac{d_{ATP} - d}{d - d_{MgATP}}

so nothing changes under the calibration's own conditions. The limiting shifts are not corrected: how they move is not known here.

**pH.** Mg2+ takes part of HPO4(2-) from the titration that pH is read from, which lowers the apparent pKa of Pi. Of this too only
the difference to the conditions of the pH equation counts:

.. math::

    \mathrm{pH} = \mathrm{pH}_{eq}(\delta_{Pi}) - \log_{10}\frac{1 + K [\mathrm{Mg}]}{1 + K [\mathrm{Mg}]_0},
    \qquad K = K_{MgHPO_4}(T, I)

The pH equations do not state their free Mg2+; :math:`[\mathrm{Mg}]_0` is taken as 0.5 mM, that of the tissue they are used
in. Were it 1 mM, pH would be 0.013 higher. pH and Mg2+ are iterated until they agree; each step gains about two digits. A
pH that is given stays as it is. How temperature moves the shifts of Pi is not known here (Kost 1990), and so is not corrected.

**Errors.** :math:`\kappa`, the error of ln Kd, has the sd

.. math:: \sigma_\kappa^2 = \Big(\frac{\partial \ln r}{\partial \mathrm{pH}}\sigma_{pH}\Big)^2
          + \Big(\frac{\partial \ln r}{\partial T}\sigma_T\Big)^2

and the feedback through pH multiplies every error of ln Mg2+ by :math:`1/(1 + \rho\lambda)`, with
:math:`\rho = \partial \ln r/\partial \mathrm{pH}` and
:math:`\lambda = -\partial \mathrm{pH}/\partial \ln[\mathrm{Mg}]`. Errors of the binding constants are not known here and not
included. The errors of pH from Pi and of the alpha-beta shift are taken as independent: in fits at 3 T their correlation is below
0.01 (``make validate-magnesium``).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.constants import PLAUSIBLE_PH, PLAUSIBLE_TEMPERATURE_C
from p31mg.errors import InputError
from p31mg.magnesium.calibrations import Calibration, TwoSiteCalibration
from p31mg.magnesium.speciation import Conditions, dissociation_constant_M, kd_ratio
from p31mg.magnesium.uncertainty import Conditioning

__all__ = ["consistent_with_magnesium", "effect_on_kd", "reference_conditions"]

FREE_MG_OF_PH_EQUATIONS_MM: Final = 0.5

_MOST_STEPS = 50
_STILL_PH = 1e-12


def reference_conditions(calibration: Calibration) -> Conditions:
    """Return the conditions that the Kd of a calibration holds for.

    Raises
    ------
    InputError
        The calibration has no Kd, or does not state its conditions.
    """
    if not isinstance(calibration, TwoSiteCalibration):
        msg = (
            f"calibration {calibration.id!r} has no Kd that conditions could correct; leave correct_kd out, "
            "or take a two-site calibration such as 'gupta-1978'."
        )
        raise InputError(msg)
    known = {name: value for name, value in calibration.conditions.items() if value is not None}
    missing = [name for name in calibration.conditions if name not in known]
    if missing:
        msg = (
            f"calibration {calibration.id!r} does not state {', '.join(missing)}, so its Kd cannot be corrected to other "
            "conditions; state them in the calibration."
        )
        raise InputError(msg)
    return Conditions(**known)


def consistent_with_magnesium(shift_ppm: FloatArray, calibration: Calibration, conditions: Conditions) -> Conditions:
    """Return the conditions with the pH, read from Pi, iterated until it agrees with the Mg2+ that it gives."""
    reference, at_equation = reference_conditions(calibration), np.asarray(conditions.ph, dtype=float)
    uncorrected_mM = calibration.free_mg_mM(shift_ppm)
    per_mM = _binding_per_mM(conditions)
    ph = at_equation
    for _ in range(_MOST_STEPS):
        mg = uncorrected_mM * kd_ratio(_with_ph(conditions, ph), reference)
        shift = np.log10((1 + per_mM * mg) / (1 + per_mM * FREE_MG_OF_PH_EQUATIONS_MM))
        new = np.clip(at_equation - np.nan_to_num(shift), *PLAUSIBLE_PH)
        still = not (np.abs(new - ph) >= _STILL_PH).any()
        ph = new
        if still:
            break
    return _with_ph(conditions, ph)


def effect_on_kd(
    shift_ppm: FloatArray,
    calibration: Calibration,
    conditions: Conditions,
    sd_ph: FloatArray | None,
    sd_temperature_c: FloatArray | None,
    *,
    ph_follows_magnesium: bool,
) -> Conditioning:
    """Return the factor of Kd, the sd of its logarithm from the errors that are given, and the feedback through pH."""
    reference = reference_conditions(calibration)
    ratio = kd_ratio(conditions, reference)
    by_ph = _log_slope(conditions, reference, "ph", 1e-3, PLAUSIBLE_PH)
    by_temperature = _log_slope(conditions, reference, "temperature_c", 1e-2, PLAUSIBLE_TEMPERATURE_C)
    errors = ((by_ph, sd_ph), (by_temperature, sd_temperature_c))
    parts = np.stack(np.broadcast_arrays(*(slope * (np.nan if sd is None else sd) for slope, sd in errors)))
    # one that is not known leaves what the other does
    sd_ln_kd = np.where(np.isnan(parts).all(axis=0), np.nan, np.sqrt(np.nansum(parts**2, axis=0)))
    gain: FloatArray | float = 1.0
    if ph_follows_magnesium:
        bound = _binding_per_mM(conditions) * ratio * calibration.free_mg_mM(shift_ppm)
        gain = 1 / (1 + by_ph * bound / (1 + bound) / np.log(10))
    shape = np.shape(shift_ppm)
    return Conditioning(
        kd_ratio=np.broadcast_to(ratio, shape),
        sd_ln_kd=np.broadcast_to(sd_ln_kd, shape),
        gain=gain,
    )


def _with_ph(conditions: Conditions, ph: FloatArray) -> Conditions:
    return Conditions(
        ph,
        temperature_c=conditions.temperature_c,
        ionic_strength_M=conditions.ionic_strength_M,
        potassium_M=conditions.potassium_M,
    )


def _binding_per_mM(conditions: Conditions) -> FloatArray:
    """Return the association constant of MgHPO4 in l/mmol."""
    return 1e-3 / dissociation_constant_M("MgHPO4", conditions.temperature_c, conditions.ionic_strength_M)


def _log_slope(
    conditions: Conditions, reference: Conditions, name: str, step: float, limits: tuple[float, float]
) -> FloatArray:
    """Return d ln r by one of the conditions, by central differences that stay within the limits."""
    values = {n: getattr(conditions, n) for n in ("ph", "temperature_c", "ionic_strength_M", "potassium_M")}
    ends = [np.clip(np.asarray(values[name], dtype=float) + side * step, *limits) for side in (-1, 1)]
    low, high = (np.log(kd_ratio(Conditions(**(values | {name: end})), reference)) for end in ends)
    return (high - low) / (ends[1] - ends[0])
