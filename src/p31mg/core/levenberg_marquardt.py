r"""Batched Levenberg-Marquardt within bounds: many small independent least-squares problems in one call.

Each problem minimises :math:`C(x) = |r(x)|^2` subject to :math:`l \le x \le u`. With :math:`g = J^T r` (the
direction in which the cost falls) one iteration

1. holds the parameters that sit on a bound with g pointing outwards, and those that the signal does not depend on;
2. solves :math:`(H + \mu\,\mathrm{diag} H)\,\delta = g` for the others (Marquardt 1963, doi:10.1137/0111030: scaling by
   diag H makes the step independent of the units of every parameter). H is :math:`J^T J` far from the minimum, where it is
   safe, and the full second derivative within 3 standard errors of it, where it converges quadratically;
3. moves to the projection of :math:`x + \delta` on the bounds and compares the fall of the cost with the one
   predicted, :math:`2 g^T\delta - \delta^T H \delta`; it accepts any fall, and moves :math:`\mu` by their ratio. After a step
   that is refused, :math:`\mu` is at least what would have predicted its cost; where the quadratic form has no minimum,
   because weak lines lie in noise, at least twice what lifts its curvature along :math:`\delta` to zero.

**Stopping.** Let :math:`e^2` be the predicted fall in units of :math:`C/\nu`, the noise variance that the residual itself
implies for :math:`\nu` degrees of freedom: the squared distance to the minimum in standard errors, whatever the units, the number
of points or the SNR. A problem is done when :math:`e^2` is below `tolerance`, 1e-8 for a last step of 1e-4 standard errors; or
earlier, when what that step will leave is. Newton steps converge as :math:`e_{i+1} = c\, e_i^2`, and two steps in a row tell c:
:math:`e_{i+1} = e_i^3/e_{i-1}^2`, or :math:`\mu e_i` where damping still leaves more; a hundredth of `tolerance` is asked for
where this forecast is relied on. The last step is taken without evaluating the problem once more, so that the quantities
returned are those at most 0.01 standard errors from the end. For data without noise the floor is the rounding of the cost.

Problems that are done leave the active set. No problem sees another: results do not depend on the batch they are in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from p31mg.arrays import BoolArray, FloatArray, IntArray
from p31mg.core.bins import NormalEquations

__all__ = ["Evaluate", "Solution", "minimise", "scaled"]


Evaluate = Callable[[FloatArray, IntArray, BoolArray], NormalEquations]
"""``evaluate(x, which, near)``: the least-squares quantities at x (B, P) of the problems with numbers `which` (B,); where
`near` (B,) with the full second derivative for a hessian, elsewhere with J^T J."""

_MU_START, _MU_MIN, _MU_MAX = 1e-3, 1e-8, 1e8
_MU_SADDLE = 0.1
"""Least damping where H is not positive definite along the step: the smallest eigenvalues of the scaled J^T J are about that."""
_MU_REFUSED_MAX = 10.0
"""Most that one refused step raises the damping to: its cost may be anything."""
_NEAR = 9.0
"""Predicted fall of the cost, in units of the noise variance, below which the full second derivative is used: 3 sd."""
_FORECAST_MARGIN = 1e-2
"""Of the tolerance, that a forecast of the next step has to keep."""
_FORECAST_FROM = 1e-4
"""Predicted fall, in units of the noise variance, below which Newton's forecast of the next one is relied on."""
_COST_ROUNDING = 1e-12
"""Relative to the energy of the signal: falls of the cost smaller than this drown in its rounding, so the step is trusted."""
_LEAST_VARIANCE = 1e-15
"""Relative to the energy of the signal: what counts as noise variance where the data hold no noise."""


@dataclass(frozen=True)
class Solution:
    """Where each problem ended: `x` (B, P); `at`, its quantities one last, tiny step before (at x itself where not converged);
    `held` (B, P), what it presses against a bound; `converged`, `n_iterations`, `n_evaluations` (B,).
    """  # noqa: D205

    x: FloatArray
    at: NormalEquations
    held: BoolArray
    converged: BoolArray
    n_iterations: IntArray
    n_evaluations: IntArray


def minimise(
    evaluate: Evaluate,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    energy: FloatArray,
    degrees_of_freedom: int,
    tolerance: float,
    max_iterations: int,
) -> Solution:
    """Minimise every problem of a batch from its own start.

    Parameters
    ----------
    evaluate
        The problems, see `Evaluate`.
    start, lower, upper
        Start values and bounds, shape (B, P); starts are moved into the bounds.
    energy
        Cost of the zero model, shape (B,): sets the rounding floor of the stopping rule.
    degrees_of_freedom
        ν of the stopping rule: number of real data points less parameters.
    tolerance
        Predicted fall of the cost, in units of the noise variance, below which a problem is done.
    max_iterations
        Problems not done after so many iterations are left as they are, not converged.
    """
    n_batch = len(start)
    x = np.clip(start, lower, upper)
    active = np.arange(n_batch)
    now = evaluate(x, active, np.zeros(n_batch, dtype=bool))  # holds the rows of the active problems only
    final = NormalEquations.empty(*x.shape)
    mu = np.full(n_batch, _MU_START)
    converged = np.zeros(n_batch, dtype=bool)
    n_iterations = np.zeros(n_batch, dtype=np.intp)
    n_evaluations = np.ones(n_batch, dtype=np.intp)
    previous = np.zeros(n_batch)  # predicted fall of the last step, where it was a Newton step that was accepted

    for _ in range(max_iterations):
        if not active.size:
            break
        low, high = lower[active], upper[active]
        variance = np.maximum(now.cost / degrees_of_freedom, _LEAST_VARIANCE * energy[active])
        here = x[active]
        step, predicted = _step_within(here, low, high, now, mu[active])
        saddle = np.flatnonzero(predicted < -tolerance * variance)
        if saddle.size:
            at = now.rows(saddle)
            mu[active[saddle]] = _mu_of_saddle(at, step[saddle], mu[active[saddle]])
            within = here[saddle], low[saddle], high[saddle]
            step[saddle], predicted[saddle] = _step_within(*within, at, mu[active[saddle]])
        n_iterations[active] += 1

        fall = np.abs(predicted) / variance
        forecast = fall**3 <= _FORECAST_MARGIN * tolerance * previous[active] ** 2
        forecast &= (fall < _FORECAST_FROM) & (fall * mu[active] ** 2 <= _FORECAST_MARGIN * tolerance)
        done = ((fall <= tolerance) | forecast) & (mu[active] <= _MU_START)
        x[active[done]] += step[done]
        converged[active[done]] = True
        final.put(active[done], now.rows(np.flatnonzero(done)))
        going = np.flatnonzero(~done)
        active, step = active[going], step[going]
        predicted, fall, cost = predicted[going], fall[going], now.cost[going]
        if not active.size:
            break

        near = fall <= _NEAR
        trial = evaluate(x[active] + step, active, near)
        n_evaluations[active] += 1
        invisible = predicted <= _COST_ROUNDING * energy[active]
        accepted = (predicted > 0) & ((trial.cost < cost) | invisible)
        x[active[accepted]] += step[accepted]
        previous[active] = np.where(accepted & near, fall, 0.0)

        ratio = (cost - trial.cost) / np.where(predicted > 0, predicted, np.inf)
        ratio[invisible & accepted] = 1.0
        mu[active] = _next_mu(mu[active], ratio, accepted)
        refused = np.flatnonzero(~accepted)
        before = now.rows(going[refused])
        missed = (trial.cost - cost + predicted)[refused] / _scaled_square(before.diagonal, step[refused])
        mu[active[refused]] = np.maximum(mu[active[refused]], np.minimum(missed, _MU_REFUSED_MAX))
        trial.put(refused, before)
        now = trial
        stuck = mu[active] >= _MU_MAX
        if stuck.any():
            final.put(active[stuck], now.rows(np.flatnonzero(stuck)))
            active, now = active[~stuck], now.rows(np.flatnonzero(~stuck))
    final.put(active, now)

    return Solution(x, final, _held(x, lower, upper, final), converged, n_iterations, n_evaluations)


def _held(x: FloatArray, lower: FloatArray, upper: FloatArray, at: NormalEquations) -> BoolArray:
    """Return which parameters cannot move now: on a bound with g outwards, or without influence on the signal."""
    outwards = ((x <= lower) & (at.gradient <= 0)) | ((x >= upper) & (at.gradient >= 0))
    return outwards | ~(at.diagonal > 0)


def scaled(matrix: FloatArray, held: BoolArray, diagonal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return symmetric matrices (B, P, P) scaled by a diagonal (B, P), and the scale (B, P).

    Rows and columns of held parameters become those of the identity.
    """
    scale = np.where(held, 0.0, 1.0 / np.sqrt(np.where(held, 1.0, diagonal)))
    unit = matrix * scale[:, :, None]
    unit *= scale[:, None, :]
    np.einsum("bii->bi", unit)[held] = 1.0
    return unit, scale


def _step_within(
    x: FloatArray, lower: FloatArray, upper: FloatArray, at: NormalEquations, mu: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the damped step (B, P), projected on the bounds, and the fall of the cost that it predicts (B,)."""
    step = np.clip(x + _damped_step(at, _held(x, lower, upper, at), mu), lower, upper) - x
    return step, ((2 * at.gradient - (at.hessian @ step[..., None])[..., 0]) * step).sum(axis=-1)


def _mu_of_saddle(at: NormalEquations, step: FloatArray, mu: FloatArray) -> FloatArray:
    curvature = ((at.hessian @ step[..., None])[..., 0] * step).sum(axis=-1) / _scaled_square(at.diagonal, step)
    return np.maximum(mu, np.maximum(_MU_SADDLE, -2 * curvature))


def _scaled_square(diagonal: FloatArray, step: FloatArray) -> FloatArray:
    """Return the squared length of steps, scaled by diag H, shape (B,)."""
    return np.maximum((diagonal * step**2).sum(axis=-1), np.finfo(float).tiny)


def _damped_step(at: NormalEquations, held: BoolArray, mu: FloatArray) -> FloatArray:
    unit, scale = scaled(at.hessian, held, at.diagonal)
    np.einsum("bii->bi", unit)[...] += mu[:, None]
    return scale * np.linalg.solve(unit, (at.gradient * scale)[..., None])[..., 0]


def _next_mu(mu: FloatArray, ratio: FloatArray, accepted: BoolArray) -> FloatArray:
    """Return a tenth after a good step, six times and at least the start value after a refused one."""
    good, poor = accepted & (ratio > 0.75), accepted & (ratio < 0.25)
    after_accepted = np.where(good, mu / 10, np.where(poor, mu * 6, mu))
    return np.maximum(np.where(accepted, after_accepted, np.maximum(mu * 6, _MU_START)), _MU_MIN)
