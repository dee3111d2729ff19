r"""Regressions in which free Mg2+ carries an error of known sd: arrays in, arrays out.

Person i has true Mg2+ :math:`x_i`; measured is :math:`m_i = x_i + u_i` with :math:`u_i` of sd :math:`s_i`, known from the fit.
Other columns :math:`z_i` (the first is 1) are taken as exact. Truth scatters around its regression,

.. math:: x_i = z_i g + e_i, \qquad \mathrm{var}(e_i) = \tau^2 .

*Mg2+ as outcome.* The error only widens the scatter: slopes in mM are not attenuated, but everything that is divided by the sd
of Mg2+ is (standardised slopes and correlations by :math:`\sqrt\lambda`, R2 by :math:`\lambda`, the reliability :math:`\lambda
= \mathrm{var}(x)/\mathrm{var}(m)`). :math:`g` is found by weights :math:`w_i = 1/(\tau^2 + s_i^2)`, and :math:`\tau^2` as the
root of its unbiased estimating equation with the same weights (as in meta-regression),

.. math:: \sum_i w_i^2 \left[\tfrac{n}{n-p}(m_i - z_i g)^2 - s_i^2 - \tau^2\right] = 0 .

*Mg2+ as predictor.* The slope itself is attenuated. Regression calibration [1]_ puts the expectation of the truth,
:math:`E[x_i|m_i, z_i] = z_i g + \lambda_i (m_i - z_i g)` with :math:`\lambda_i = \tau^2/(\tau^2 + s_i^2)`, in the place of
:math:`m_i`.

*Large errors.* The distance of the peaks has a normal error; Mg2+ is a bent function of it, and its sd grows about as the power
:math:`q` of Mg2+ itself (near 2 in muscle, found over the cohort). To second order in :math:`v = s/m` measured Mg2+ is too high
on average by :math:`q s^2/2m`, more so where it is high, and :math:`s^2` exceeds the variance. Used are therefore

.. math:: \frac{m}{1 + \tfrac q2 v^2} \quad\text{and}\quad \frac{s^2}{1 + (\tfrac52 q^2 - q) v^2} ,

which are right to that order: with a first-order error of 12 % they leave 0.3 % where the slope of measured on true Mg2+ was 4
% off. A value that is too high by chance also has a larger sd and would get less weight, which pulls slopes to zero; weights
use the sd at the expected Mg2+, :math:`s (z g/m)^q`, scaled to the same mean square.

*Error bars.* Each statistic is a function of case weights (a batch axis), so that leaving out each person, or each of at most
500 groups of people, gives the jackknife sd of all of them in one call. It contains the uncertainty of :math:`\tau^2` and of
the standard deviations, and needs no equal variances.

References
----------
.. [1] Carroll RJ, Ruppert D, Stefanski LA, Crainiceanu CM, Measurement Error in Nonlinear Models, 2nd ed., 2006.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np

from p31mg.arrays import FloatArray

__all__ = ["Error", "Statistics", "jackknife_sd", "mg_is_outcome", "mg_is_predictor", "no_error"]

_N_ROUNDS = 60
_MOST_GROUPS, _FEWEST_GROUPS, _MOST_CELLS = 500, 100, 2_000_000
_CLEAR_POWER, _LARGEST_POWER = 0.5, 3.0
_LEAST_RATIO, _LARGEST_RATIO = 0.2, 5.0


@dataclass(frozen=True)
class Error:
    """What is known of the error of each person's Mg2+.

    Parameters
    ----------
    sd
        (n,) mM.
    power
        How the sd rises with Mg2+: as its power.
    """

    sd: FloatArray
    power: float = 0.0

    @classmethod
    def from_measurements(
        cls, mg: FloatArray, sd: FloatArray, sd_shift: FloatArray | None = None
    ) -> tuple[FloatArray, Error]:
        """Return Mg2+ (n,) without the bias of large errors, and its error.

        The power is found from the sd against Mg2+, at equal sd of the shift where that is known.
        """
        usable = (mg > 0) & (sd > 0)
        usable &= True if sd_shift is None else np.nan_to_num(sd_shift) > 0
        if usable.sum() < 3:
            return mg, cls(sd)
        x = np.log(mg[usable])
        y = np.log(sd[usable] / (1.0 if sd_shift is None else sd_shift[usable]))
        spread = np.var(x)
        power = 0.0 if spread < 1e-12 else float(np.cov(x, y, bias=True)[0, 1] / spread)
        power = power if sd_shift is not None or power > _CLEAR_POWER else 0.0
        q = float(np.clip(power, 0.0, _LARGEST_POWER))
        v2 = np.where(mg > 0, sd / np.where(mg > 0, mg, 1.0), 0.0) ** 2
        excess = max(2.5 * q**2 - q, 0.0)
        return mg / (1 + q / 2 * v2), cls(sd / np.sqrt(1 + excess * v2), q)

    def expected_sd(self, mg: FloatArray, expected: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the sd (..., n) at the expected Mg2+ (..., n), of the mean square that the sds have."""
        if self.power == 0.0:
            return np.broadcast_to(self.sd, expected.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(mg > 0, expected / mg, 1.0)
        moved = self.sd * np.clip(ratio, _LEAST_RATIO, _LARGEST_RATIO) ** self.power
        scale = _mean(self.sd**2, weights) / np.maximum(_mean(moved**2, weights), 1e-300)
        return moved * np.sqrt(scale)[..., None]


@dataclass(frozen=True)
class Statistics:
    """Of one regression; ``...`` is the shape of the case weights, p the columns that are not constant.

    `slope`, `beta` and `partial_r` are (..., p), `r2`, `reliability` (of Mg2+ in all people) and `scatter` (the residual sd)
    (...,).
    """

    slope: FloatArray
    beta: FloatArray
    partial_r: FloatArray
    r2: FloatArray
    reliability: FloatArray
    scatter: FloatArray


Estimator: TypeAlias = Callable[[FloatArray], Statistics]


def no_error(y: FloatArray, z: FloatArray, is_scaled: FloatArray) -> Estimator:
    """Return least squares as a function of case weights: y (n,) on z (n, 1 + p), all taken as exact.

    `is_scaled` (p,) says which columns are measured in their own sd in `beta`; the others (0 or 1) stand as they are.
    """

    def estimate(weights: FloatArray) -> Statistics:
        b = _least_squares(y, z, weights)
        variance = _residual_variance(y - b @ z.T, weights, z.shape[1])
        return _statistics(b[..., 1:], _covariance(z[:, 1:], weights), variance, is_scaled, np.ones(variance.shape))

    return estimate


def mg_is_outcome(mg: FloatArray, z: FloatArray, error: Error, is_scaled: FloatArray) -> Estimator:
    """Return the regression of true Mg2+ on z as a function of case weights."""

    def estimate(weights: FloatArray) -> Statistics:
        g, tau2, _ = _of_truth(mg, z, error, weights)
        s = _covariance(z[:, 1:], weights)
        variance = _explained(g[..., 1:], s) + tau2
        reliability = variance / (variance + _mean(error.sd**2, weights))
        return _statistics(g[..., 1:], s, tau2, is_scaled, reliability)

    return estimate


def mg_is_predictor(y: FloatArray, z: FloatArray, column: int, error: Error, is_scaled: FloatArray) -> Estimator:
    """Return the regression of y on z, whose `column` is Mg2+ with error, by regression calibration."""
    mg = z[:, column]
    rest = np.delete(z, column, axis=1)

    def estimate(weights: FloatArray) -> Statistics:
        g, tau2, s2 = _of_truth(mg, rest, error, weights)
        expected = g @ rest.T
        share = tau2[..., None] / (tau2[..., None] + s2)
        zs = np.broadcast_to(z, (*weights.shape, z.shape[1])).copy()
        zs[..., column] = expected + share * (mg - expected)
        b = _least_squares(y, zs, weights)
        slope = b[..., column]
        fitted = np.einsum("...np,...p->...n", zs, b)
        not_known = slope**2 * _mean(tau2[..., None] * (1 - share), weights)
        variance = np.maximum(_residual_variance(y - fitted, weights, z.shape[1]) - not_known, 0.0)
        s = _covariance(z[:, 1:], weights)
        of_error = _mean(error.sd**2, weights)
        measured = s[..., column - 1, column - 1].copy()
        s[..., column - 1, column - 1] = np.maximum(measured - of_error, tau2)
        reliability = s[..., column - 1, column - 1] / measured
        return _statistics(b[..., 1:], s, variance, is_scaled, reliability)

    return estimate


def jackknife_sd(estimate: Estimator, n: int) -> Statistics:
    """Return the sd of each statistic, from leaving out each person, or each of at most 500 groups of people.

    For independent people, whatever their variances. Cost: at most 500 estimates, 100 of many people.
    """
    n_groups = min(n, _MOST_GROUPS, max(_FEWEST_GROUPS, _MOST_CELLS // n))
    group = np.arange(n) % n_groups
    weights = (group != np.arange(n_groups)[:, None]).astype(float)
    left_out = estimate(weights)

    def sd(values: FloatArray) -> FloatArray:
        return np.sqrt((n_groups - 1) * values.var(axis=0))

    return Statistics(**{f.name: sd(getattr(left_out, f.name)) for f in fields(Statistics)})


def _of_truth(
    mg: FloatArray, z: FloatArray, error: Error, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return g (..., p), tau2 (...,) and the error variances (..., n) of the weights; tau2 is 0 where errors explain all."""
    g = _least_squares(mg, z, weights)
    n = weights.sum(axis=-1)
    free = n / (n - z.shape[1])
    mean_s2 = _mean(error.sd**2, weights)
    residual2 = (mg - g @ z.T) ** 2
    tau2 = np.maximum(_mean(residual2, weights) * free - mean_s2, 0.0)
    s2 = np.broadcast_to(error.sd**2, weights.shape)
    for _ in range(_N_ROUNDS):
        s2 = error.expected_sd(mg, g @ z.T, weights) ** 2
        w = weights / np.maximum(tau2[..., None] + s2, 1e-300)
        g = _least_squares(mg, z, w)
        residual2 = (mg - g @ z.T) ** 2
        w2 = w**2 / np.maximum(weights, 1e-300)
        before, tau2 = tau2, np.maximum(_mean(residual2 * free[..., None] - error.sd**2, w2), 0.0)
        if (np.abs(tau2 - before) <= 1e-8 * (tau2 + mean_s2)).all():
            break
    return g, tau2, s2


def _least_squares(y: FloatArray, z: FloatArray, weights: FloatArray) -> FloatArray:
    """Return weighted least squares (..., p) of y (n,) on z (n, p) or (..., n, p), columns scaled for the sake of digits."""
    if z.ndim == 2:
        scale = np.maximum(np.abs(z).max(axis=0), 1e-300)
        unit = z / scale
        products = (unit[:, :, None] * unit[:, None, :]).reshape(len(z), -1)
        normal = (weights @ products).reshape(*weights.shape[:-1], z.shape[1], z.shape[1])
        right = (weights * y) @ unit
    else:
        scale = np.maximum(np.abs(z).max(axis=(*range(z.ndim - 2), -2)), 1e-300)
        unit = z / scale
        weighted = unit * weights[..., None]
        normal = np.swapaxes(weighted, -1, -2) @ unit
        right = (np.swapaxes(weighted, -1, -2) @ y[:, None])[..., 0]
    return np.linalg.solve(normal, right[..., None])[..., 0] / scale


def _mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted mean over the last axis."""
    return (weights * values).sum(axis=-1) / weights.sum(axis=-1)


def _covariance(z: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the covariance (..., p, p) of columns."""
    total = weights.sum(axis=-1)
    centred = z - z.mean(axis=0)
    products = (centred[:, :, None] * centred[:, None, :]).reshape(len(z), -1)
    mean = (weights @ centred) / total[..., None]
    second = (weights @ products).reshape(*mean.shape, z.shape[1]) / total[..., None, None]
    return (second - mean[..., :, None] * mean[..., None, :]) * (total / (total - 1))[..., None, None]


def _residual_variance(residual: FloatArray, weights: FloatArray, n_columns: int) -> FloatArray:
    n = weights.sum(axis=-1)
    return (weights * residual**2).sum(axis=-1) / (n - n_columns)


def _explained(b: FloatArray, s: FloatArray) -> FloatArray:
    return np.einsum("...p,...pq,...q->...", b, s, b)


def _statistics(
    b: FloatArray, s: FloatArray, variance: FloatArray, is_scaled: FloatArray, reliability: FloatArray
) -> Statistics:
    """Return all statistics from slopes, the covariance of the columns, and the variance around the line."""
    explained = _explained(b, s)
    total = explained + variance
    own = np.sqrt(np.diagonal(s, axis1=-2, axis2=-1))
    alone = b / np.sqrt(
        np.diagonal(np.linalg.inv(s), axis1=-2, axis2=-1)
    )  # times the sd of the column given the others
    with np.errstate(divide="ignore", invalid="ignore"):
        return Statistics(
            slope=b,
            beta=b * np.where(is_scaled, own, 1.0) / np.sqrt(total)[..., None],
            partial_r=alone / np.sqrt(alone**2 + variance[..., None]),
            r2=explained / total,
            reliability=reliability,
            scatter=np.sqrt(variance),
        )
