r"""What is uncertain about free Mg2+: its sd by origin, its interval, and how much probability lies beyond the limits.

**One source.** The error of the shift :math:`d` is close to normal and Mg2+ is a monotone function of it, so the quantiles
of Mg2+ are the function at the quantiles of the shift: exact, skewed as they should be, and infinite where the shift's
interval reaches past the Mg-bound limit.

**Several sources.** The error of pH and temperature multiplies Kd (where Kd is corrected for them), that of a calibration moves
Kd and both limits. With :math:`\kappa` the error of :math:`\ln K_d` from the conditions and :math:`x` all errors as independent
standard normal variables,

.. math:: \ln [\mathrm{Mg}](x) = \kappa + \ln K_d + \ln(d_{ATP} - d) - \ln(d - d_{MgATP})

and the ends of the interval are the extremes of this function among all errors that lie no farther than :math:`z` sds from none:

.. math::

    \min_{|x| \le z} \ln [\mathrm{Mg}](x), \qquad \max_{|x| \le z} \ln [\mathrm{Mg}](x), \qquad
    z = \Phi^{-1}\big((1 + \mathrm{level})/2\big)

This is the profile-likelihood interval of a function of normal measurements. Where one source rules it is that source's exact
quantile: the map above for the shift, Fieller's interval for the shift and the limits, the log-normal one for Kd. It
does not depend on whether Mg2+, pMg or the shift is looked at, needs no draws, and is found for all values at once by
walking :math:`x \leftarrow \pm z\,\nabla / |\nabla|` until it stands still. Linear propagation fails here (near the limit its
interval reaches below zero), and draws are either too few for the tails or too slow for a map. The tests compare with draws.

**Beyond the limits** Mg2+ is infinite (the shift is below :math:`d_{MgATP}`) or zero (above :math:`d_{ATP}`). The two
probabilities are those of normal differences, exact: :math:`\Phi(-(d - d_{MgATP})/\sigma)`, :math:`\sigma` from shift and limit.
An end of the interval lies beyond a limit where that probability exceeds :math:`(1 - \mathrm{level})/2`.

**Consistent pH.** Where pH is read from Pi and itself depends on Mg2+ (see `conditions`), an error of ln Mg2+ returns to
it: all errors of ln Mg2+ are multiplied by `gain`, which is 1 where pH does not depend on Mg2+ and within 2 % of it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from p31mg.arrays import BoolArray, FloatArray
from p31mg.errors import InputError
from p31mg.magnesium.calibrations import Calibration, TwoSiteCalibration

__all__ = ["Conditioning", "Estimate", "estimate", "probability_beyond"]

_BLOCK = 8192
"""Values at a time: what a core keeps in its cache."""

_STEPS = (30, 3000)
"""Of all values; and of the few that then still walk, whose way along a limit is long."""

_STILL = 1e-9


@dataclass(frozen=True, kw_only=True)
class Conditioning:
    """What the conditions do to Kd; each one number for all or (...,) of the shape of the shifts.

    Attributes
    ----------
    kd_ratio
        Factor of Kd.
    sd_ln_kd
        Sd of its logarithm; NaN where no error of a condition was given.
    gain
        Feedback through pH, see the module.
    """

    kd_ratio: FloatArray | float = 1.0
    sd_ln_kd: FloatArray | float = 0.0
    gain: FloatArray | float = 1.0

    def part(self, which: slice) -> Conditioning:
        """Return what belongs to some of the values, which are flat."""
        values = (v if np.ndim(v) == 0 else np.ravel(v)[which] for v in (self.kd_ratio, self.sd_ln_kd, self.gain))
        return Conditioning(**dict(zip(("kd_ratio", "sd_ln_kd", "gain"), values, strict=True)))

    @property
    def acts(self) -> bool:
        """Whether anything is changed at all."""
        return any(
            np.ndim(v) or v != none for v, none in ((self.kd_ratio, 1.0), (self.sd_ln_kd, 0.0), (self.gain, 1.0))
        )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Free Mg2+ with its errors, of the shape of the shifts; `interval_mM` (..., 2). Parts without error may be views."""

    free_mg_mM: FloatArray
    sd_mM: FloatArray
    sd_measurement_mM: FloatArray
    sd_condition_mM: FloatArray
    sd_calibration_mM: FloatArray
    interval_mM: FloatArray
    interval_open: BoolArray


def estimate(
    shift_ppm: FloatArray,
    sd_ppm: FloatArray,
    calibration: Calibration,
    level: float,
    conditioning: Conditioning = Conditioning(),
) -> Estimate:
    """Return free Mg2+ and its errors; shifts of the quantity of the calibration, and their sd, are of one shape."""
    from scipy.special import ndtri

    z, shape, size = float(ndtri(0.5 + level / 2)), shift_ppm.shape, shift_ppm.size
    own = _with_errors(calibration)
    several = own is not None or conditioning.acts
    fields: dict[str, Any] = {name: np.empty(size) for name in ("free_mg_mM", "sd_mM")}
    fields |= {"interval_mM": np.empty((size, 2)), "interval_open": np.empty(size, dtype=bool)}
    if several:
        fields |= {name: np.empty(size) for name in ("sd_measurement_mM", "sd_condition_mM", "sd_calibration_mM")}
    d, sd = np.ravel(shift_ppm), np.ravel(sd_ppm)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for start in range(0, size, _BLOCK):
            part = slice(start, start + _BLOCK)
            out = {name: values[part] for name, values in fields.items()}
            _by_shift(out, d[part], sd[part], calibration, z)
            if several:
                _by_all(out, d[part], sd[part], calibration, z, conditioning.part(part))
    fields = {name: values.reshape((*shape, *values.shape[1:])) for name, values in fields.items()}
    if not several:
        nothing = {"sd_condition_mM": 0.0, "sd_calibration_mM": np.nan}
        fields |= {name: np.broadcast_to(value, shape) for name, value in nothing.items()}
        fields["sd_measurement_mM"] = fields["sd_mM"]
    return Estimate(**fields)


def probability_beyond(shift_ppm: FloatArray, sd_ppm: FloatArray, calibration: Calibration) -> FloatArray:
    """Return the probabilities (..., 2) that the shift lies beyond the limit of free ATP, and beyond that of bound ATP."""
    from scipy.special import ndtr

    with np.errstate(divide="ignore", invalid="ignore"):
        return ndtr(np.stack(_sds_beyond(shift_ppm, sd_ppm, calibration), axis=-1))


def _with_errors(calibration: Calibration) -> TwoSiteCalibration | None:
    """Return a calibration whose constants have known errors."""
    return calibration if isinstance(calibration, TwoSiteCalibration) and calibration.sd_constants else None


def _inwards(calibration: Calibration) -> float:
    """Return the sign of the way from the shift of bound to that of free ATP."""
    return 1.0 if calibration.quantity == "shift_alpha_beta_ppm" else -1.0


def _sds_beyond(d: FloatArray, sd: FloatArray, calibration: Calibration) -> tuple[FloatArray, FloatArray]:
    """Return how many sds the shift lies beyond the limits of free and of bound ATP: below 0 inside."""
    inwards, own = _inwards(calibration), _with_errors(calibration)
    bound_ppm, free_ppm = calibration.shift_range_ppm[:: int(inwards)]
    sd_free, sd_bound = (
        (sd, sd) if own is None else (np.hypot(sd, s or 0.0) for s in (own.sd_atp_ppm, own.sd_mgatp_ppm))
    )
    return inwards * (d - free_ppm) / sd_free, inwards * (bound_ppm - d) / sd_bound


def _by_shift(out: dict[str, Any], d: FloatArray, sd: FloatArray, calibration: Calibration, z: float) -> None:
    """Write what follows from the error of the shift alone."""
    reach = _inwards(calibration) * z * sd
    out["free_mg_mM"][:] = calibration.free_mg_mM(d)
    np.multiply(np.abs(calibration.slope_mM_per_ppm(d)), sd, out=out["sd_mM"])
    _write_ends(out, d, sd, calibration, z, calibration.free_mg_mM(d + reach), calibration.free_mg_mM(d - reach))


def _by_all(
    out: dict[str, Any],
    d: FloatArray,
    sd: FloatArray,
    calibration: Calibration,
    z: float,
    conditioning: Conditioning,
) -> None:
    """Write what follows from the errors of shift, conditions and constants together, over what follows from the shift alone."""
    ratio, sd_ln_kd, gain = conditioning.kd_ratio, conditioning.sd_ln_kd, conditioning.gain
    if not isinstance(calibration, TwoSiteCalibration):
        msg = f"calibration {calibration.id!r} has no Kd that conditions could move."
        raise InputError(msg)
    out["free_mg_mM"] *= ratio
    np.multiply(gain * ratio, out["sd_mM"], out=out["sd_measurement_mM"])
    np.multiply(gain * out["free_mg_mM"], sd_ln_kd, out=out["sd_condition_mM"])
    out["sd_calibration_mM"][:] = np.nan
    if calibration.covariance is not None:
        g = calibration.gradient_mM(d)
        out["sd_calibration_mM"][:] = gain * ratio * np.sqrt(np.einsum("ni,ij,nj->n", g, calibration.covariance, g))
    others = (np.nan_to_num(out[f"sd_{name}_mM"]) ** 2 for name in ("condition", "calibration"))
    out["sd_mM"][:] = np.sqrt(out["sd_measurement_mM"] ** 2 + sum(others))
    mg = out["free_mg_mM"]
    ends = []
    for side, beyond in zip((-1, 1), _sds_beyond(d, sd, calibration), strict=True):
        closed = np.where(beyond < -z, d, np.nan)  # only there the walk has somewhere to go
        end = ratio * _extreme_mM(calibration, closed, sd, np.nan_to_num(sd_ln_kd), side * z)
        ends.append(mg * (end / mg) ** gain)
    _write_ends(out, d, sd, calibration, z, *ends)


def _write_ends(
    out: dict[str, Any],
    d: FloatArray,
    sd: FloatArray,
    calibration: Calibration,
    z: float,
    low: FloatArray,
    high: FloatArray,
) -> None:
    """Write the interval; an end beyond a limit is 0 or infinite, and there is none without a value or its sd."""
    beyond_free, beyond_bound = (beyond >= -z for beyond in _sds_beyond(d, sd, calibration))
    none = np.isnan(out["free_mg_mM"] + sd)
    low[beyond_free], high[beyond_bound] = 0.0, np.inf
    low[none] = high[none] = np.nan
    out["interval_mM"][:, 0], out["interval_mM"][:, 1] = low, high
    out["interval_open"][:] = (beyond_free | beyond_bound) & ~none


def _extreme_mM(
    calibration: TwoSiteCalibration, d: FloatArray, sd: FloatArray, sd_ln_kd: FloatArray | float, z: float
) -> FloatArray:
    """Return the extreme of Mg2+ among errors no farther than abs(z) sds from none; the highest for z above 0.

    Errors x (5, n): of the shift, of ln Kd by the conditions, and three of the constants.
    """
    a, b, kd = calibration.constants.values()
    roots = np.zeros((3, 3))
    if calibration.covariance is not None:
        values, vectors = np.linalg.eigh(calibration.covariance / np.outer([1.0, 1.0, kd], [1.0, 1.0, kd]))
        roots = vectors * np.sqrt(np.maximum(values, 0.0))
    columns = np.ones(d.size)
    by_x = np.stack([np.zeros_like(d), sd_ln_kd * columns, *(r * columns for r in roots[2])])  # of ln Kd
    to_free_by_x = np.stack([-sd, np.zeros_like(d), *(r * columns for r in roots[0])])
    to_bound_by_x = np.stack([sd, np.zeros_like(d), *(-r * columns for r in roots[1])])
    x = np.zeros((5, d.size))
    walking = np.arange(d.size)
    for steps in _STEPS:
        of_those = (np.take(values, walking, axis=-1) for values in (a - d, d - b, by_x, to_free_by_x, to_bound_by_x))
        x[:, walking], still = _walk(np.take(x, walking, axis=-1), z, steps, *of_those)
        walking = walking[~still]
    to_free, to_bound = a - d + _product(to_free_by_x, x), d - b + _product(to_bound_by_x, x)
    return 1e-3 * kd * np.exp(_product(by_x, x)) * to_free / to_bound


def _product(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the inner products over the errors, the first axis."""
    return np.asarray(np.einsum("in,in->n", left, right))


def _walk(
    x: FloatArray,
    z: float,
    steps: int,
    to_free_0: FloatArray,
    to_bound_0: FloatArray,
    by_x: FloatArray,
    to_free_by_x: FloatArray,
    to_bound_by_x: FloatArray,
) -> tuple[FloatArray, BoolArray]:
    """Return the errors x (5, n) on the sphere of radius z after some steps along the gradient, and which of them stand still."""
    still: BoolArray = np.zeros(x.shape[1], dtype=bool)
    for _ in range(steps):
        to_free = to_free_0 + _product(to_free_by_x, x)
        to_bound = to_bound_0 + _product(to_bound_by_x, x)
        gradient = by_x + to_free_by_x / to_free - to_bound_by_x / to_bound
        length = np.sqrt(_product(gradient, gradient))
        new = np.where(length > 0, z * gradient / length, 0.0)
        still = np.asarray(~(np.abs(new - x) >= _STILL).any(axis=0))  # what is NaN goes nowhere
        x = new
        if still.all():
            break
    return x, still
