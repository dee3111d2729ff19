r"""What is uncertain about free Mg2+: its sd by origin, its interval, and how much probability lies beyond the limits.

**One source.** The error of the shift :math:`d` is close to normal and Mg2+ is a monotone function of it, so the quantiles
of Mg2+ are the function at the quantiles of the shift: exact, skewed as they should be, and infinite where the shift's
interval reaches past the Mg-bound limit.

**Several sources.** The error of pH and temperature multiplies Kd (where Kd is corrected for them), that of a calibration moves
Kd and both limits. With :math:`\kappa` the error of :math:`\ln K_d` from the conditions and :math:`x` all errors as independent
standard normal variables,

.. math:: \ln [\mathrm{Mg}](x) = \kappa + \ln K_d + \ln(d_{ATP} - d) - \ln(d - d_{MgATP})

and the ends of the interval are the extremes of this function among all errors that lie no farther than :math:`z` sds from none:

.. math:: \max_{|x| \le z} \ln [\mathrm{Mg}](x), \qquad \min_{|x| \le z} \ln [\mathrm{Mg}](x), \qquad z = \Phi^{-1}\big((1 + \mathrm{level})/2\big)

This is the profile-likelihood interval of a function of normal measurements. Where one source rules it is that source's exact
quantile: the map above for the shift, Fieller's interval for the shift and the limits, the log-normal one for Kd. It
does not depend on whether Mg2+, pMg or the shift is looked at, needs no draws, and is found for all values at once by walking
:math:`x \leftarrow \pm z\,\nabla / |\nabla|` until it stands still. Linear propagation fails here (near the limit its interval reaches
below zero), and draws are either too few for the tails or too slow for a map. The tests compare with a million draws.

**Beyond the limits** Mg2+ is infinite (the shift is below :math:`d_{MgATP}`) or zero (above :math:`d_{ATP}`). The two
probabilities are those of normal differences, exact: :math:`\Phi(-(d - d_{MgATP})/\sigma)`, :math:`\sigma` from shift and limit.
An end of the interval lies beyond a limit where that probability exceeds :math:`(1 - \mathrm{level})/2`.

**Consistent pH.** Where pH is read from Pi and itself depends on Mg2+ (see `conditions`), an error of ln Mg2+ returns to
it: all errors of ln Mg2+ are multiplied by `gain`, which is 1 where pH does not depend on Mg2+ and within 2 % of it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.errors import InputError
from p31mg.magnesium.calibrations import Calibration, TwoSiteCalibration

__all__ = ["Estimate", "estimate"]

_BLOCK = 8192
"""Values at a time: what a core keeps in its cache."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Free Mg2+ with its errors, of the shape of the shifts; `interval_mM` and `probability_beyond` (..., 2)."""

    free_mg_mM: FloatArray
    p_mg: FloatArray
    sd_mM: FloatArray
    sd_measurement_mM: FloatArray
    sd_condition_mM: FloatArray
    sd_calibration_mM: FloatArray
    interval_mM: FloatArray
    probability_beyond: FloatArray


def estimate(
    shift_ppm: FloatArray,
    sd_ppm: FloatArray,
    calibration: Calibration,
    level: float,
    *,
    kd_ratio: FloatArray | float = 1.0,
    sd_ln_kd: FloatArray | float = 0.0,
    gain: FloatArray | float = 1.0,
) -> Estimate:
    """Return free Mg2+ and its errors.

    Parameters
    ----------
    shift_ppm, sd_ppm
        (...,) shifts of the quantity of the calibration, and their sd; of one shape.
    calibration, level
        As for `free_magnesium`.
    kd_ratio, sd_ln_kd, gain
        What the conditions do to Kd: factor, sd of its logarithm (NaN: acts, but not known), and feedback. One number or (...,).
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    shape = shift_ppm.shape
    flat = [np.ravel(shift_ppm), np.ravel(sd_ppm)]
    # one number for all stays one number: nothing is computed for it value by value
    per_value = [v if np.ndim(v) == 0 else np.ravel(v) for v in (kd_ratio, sd_ln_kd, gain)]
    out = {name: np.empty(flat[0].size) for name in _FIELDS}
    out |= {name: np.empty((flat[0].size, 2)) for name in ("interval_mM", "probability_beyond")}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for start in range(0, flat[0].size, _BLOCK):
            part = slice(start, start + _BLOCK)
            conditions = [v if np.ndim(v) == 0 else v[part] for v in per_value]
            _fill({name: values[part] for name, values in out.items()}, flat[0][part], flat[1][part], calibration, z, *conditions)
    return Estimate(**{name: values.reshape(*shape, *values.shape[1:]) for name, values in out.items()})


_FIELDS = ("free_mg_mM", "p_mg", "sd_mM", "sd_measurement_mM", "sd_condition_mM", "sd_calibration_mM")


def _fill(
    out: dict[str, FloatArray],
    d: FloatArray,
    sd: FloatArray,
    calibration: Calibration,
    z: float,
    kd_ratio: FloatArray | float,
    sd_ln_kd: FloatArray | float,
    gain: FloatArray | float,
) -> None:
    """Compute a block of values into its place."""
    own = calibration if isinstance(calibration, TwoSiteCalibration) and calibration.sd_constants else None
    shift_only = own is None and np.ndim(sd_ln_kd) == 0 and sd_ln_kd == 0.0
    mg = kd_ratio * calibration.free_mg_mM(d)
    out["free_mg_mM"][:] = mg
    np.subtract(3.0, np.log10(mg), out=out["p_mg"])
    measurement, condition, constants = (out[f"sd_{name}_mM"] for name in ("measurement", "condition", "calibration"))
    np.multiply(gain * kd_ratio * np.abs(calibration.slope_mM_per_ppm(d)), sd, out=measurement)
    np.multiply(gain * mg, sd_ln_kd, out=condition)
    constants[:] = np.nan if own is None else gain * kd_ratio * _sd_of_constants(own, d)
    others = 0.0 if shift_only else np.nan_to_num(condition) ** 2 + np.nan_to_num(constants) ** 2
    out["sd_mM"][:] = measurement if shift_only else np.sqrt(measurement**2 + others)

    inwards = 1.0 if calibration.quantity == "shift_alpha_beta_ppm" else -1.0  # from the bound to the free limit
    bound_ppm, free_ppm = calibration.shift_range_ppm[:: int(inwards)]
    of_free, of_bound = (0.0, 0.0) if own is None else (own.sd_atp_ppm or 0.0, own.sd_mgatp_ppm or 0.0)
    beyond_free = inwards * (d - free_ppm) / (np.hypot(sd, of_free) if of_free else sd)
    beyond_bound = inwards * (bound_ppm - d) / (np.hypot(sd, of_bound) if of_bound else sd)
    _normal_probability(beyond_free, out["probability_beyond"][:, 0])
    _normal_probability(beyond_bound, out["probability_beyond"][:, 1])

    if shift_only:
        reach = inwards * z * sd
        ends = [kd_ratio * calibration.free_mg_mM(d + reach), kd_ratio * calibration.free_mg_mM(d - reach)]
    else:
        ends = [kd_ratio * _extreme_mM(calibration, d, sd, np.nan_to_num(sd_ln_kd), side * z) for side in (-1, 1)]
    if np.ndim(gain) or gain != 1.0:
        ends = [mg * (end / mg) ** gain for end in ends]
    unknown = np.isnan(mg + sd)
    for i, (end, beyond, limit) in enumerate(zip(ends, (beyond_free, beyond_bound), (0.0, np.inf), strict=True)):
        end[beyond >= -z] = limit
        end[unknown] = np.nan
        out["interval_mM"][:, i] = end


def _normal_probability(z: FloatArray, out: FloatArray) -> None:
    """Write the standard normal probability below z; below -8, where it is less than 1e-15, 0."""
    from scipy.special import ndtr

    near = z > -8.0
    out[:] = np.where(np.isnan(z), np.nan, 0.0)
    if near.any():
        out[near] = ndtr(z[near])


def _sd_of_constants(calibration: TwoSiteCalibration, d: FloatArray) -> FloatArray:
    g = calibration.gradient_mM(d)
    return np.sqrt(np.einsum("ni,ij,nj->n", g, calibration.covariance, g))


def _extreme_mM(
    calibration: Calibration, d: FloatArray, sd: FloatArray, sd_ln_kd: FloatArray | float, z: float
) -> FloatArray:
    """Return the extreme of Mg2+ among errors no farther than abs(z) sds from none; the highest for z above 0.

    Errors x (5, n): of the shift, of ln Kd by the conditions, and three of the constants.
    """
    if not isinstance(calibration, TwoSiteCalibration):
        msg = f"calibration {calibration.id!r} has no Kd that conditions could move."
        raise InputError(msg)
    a, b, kd = calibration.constants.values()
    roots = np.zeros((3, 3))
    if calibration.covariance is not None:
        values, vectors = np.linalg.eigh(calibration.covariance / np.outer([1.0, 1.0, kd], [1.0, 1.0, kd]))
        roots = vectors * np.sqrt(np.maximum(values, 0.0))
    columns = np.ones(d.size)
    by_x = np.stack([np.zeros_like(d), sd_ln_kd * columns, *(r * columns for r in roots[2])])  # of ln Kd
    to_free_by_x = np.stack([-sd, np.zeros_like(d), *(r * columns for r in roots[0])])
    to_bound_by_x = np.stack([sd, np.zeros_like(d), *(-r * columns for r in roots[1])])
    to_free, to_bound, x = a - d, d - b, np.zeros((5, d.size))
    for _ in range(_MOST_STEPS):
        gradient = by_x + to_free_by_x / to_free - to_bound_by_x / to_bound
        length = np.sqrt((gradient**2).sum(axis=0))
        new = np.where(length > 0, z * gradient / length, 0.0)
        still = np.nanmax(np.abs(new - x), initial=0.0) < _STILL
        x = new
        to_free, to_bound = a - d + (to_free_by_x * x).sum(axis=0), d - b + (to_bound_by_x * x).sum(axis=0)
        if still:
            break
    return 1e-3 * kd * np.exp((by_x * x).sum(axis=0)) * to_free / to_bound


_MOST_STEPS = 50
_STILL = 1e-9
