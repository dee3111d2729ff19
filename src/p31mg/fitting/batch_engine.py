"""The default engine: the NumPy core on a whole stack."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.core.bins import NormalEquations
from p31mg.core.levenberg_marquardt import minimise
from p31mg.core.signal import row_by_row
from p31mg.core.start import take_bins
from p31mg.fitting.problem import Problem

__all__ = ["EngineResult", "fit_stack"]


TOLERANCE = 1e-8
"""Squared length of the last step, in standard errors; what is left after it is below 1e-6 of an error bar."""


@dataclass(frozen=True)
class EngineResult:
    """What an engine returns for B spectra.

    `y`: reported parameters (B, 3K+1); `at_bound`: which of them sit on a bound; `sensitivity`: their derivative by the P
    parameters that were varied, (B or 1, 3K+1, P); `held`: which of those P ended on a bound that they press against (B, P);
    `at`: the least-squares quantities of those P at the end, the cost without what is known beforehand.
    """

    y: FloatArray
    at_bound: BoolArray
    sensitivity: FloatArray
    held: BoolArray
    at: NormalEquations
    converged: BoolArray
    n_iterations: IntArray
    n_evaluations: IntArray


def fit_stack(
    spectrum: ComplexArray, start: FloatArray, problem: Problem, max_iterations: int, noise_variance: FloatArray
) -> EngineResult:
    """Fit transforms (B, n_points) of signals of order 1 from reported start values (B, n).

    `noise_variance` (B,), of a component of a point, weighs what is known of parameters against the data.
    """
    centre, start = problem.nearest_bin(start)
    bins = take_bins(spectrum, centre, problem.bins)
    start = problem.free(start)
    lower, upper = problem.bounds(start)
    model, penalty = problem.model, problem.penalty

    def at(x: FloatArray, which: IntArray, near: BoolArray) -> NormalEquations:
        data = bins if len(which) == len(bins) else bins[which]
        return penalty.added(model.evaluate(x, data, near), x, noise_variance[which])

    solution = minimise(
        at,
        start,
        lower,
        upper,
        energy=np.einsum("bj,bj->b", bins, np.conj(bins)).real / problem.sampling.n_points,
        degrees_of_freedom=2 * bins.shape[-1] - start.shape[-1],
        tolerance=TOLERANCE,
        max_iterations=max_iterations,
    )
    at_end = replace(solution.at, cost=solution.at.cost - penalty.cost(solution.x, noise_variance))
    return EngineResult(
        y=problem.from_bin(row_by_row(solution.x, problem.ties.T), centre),
        at_bound=((solution.x <= lower) | (solution.x >= upper)) @ (problem.ties.T != 0),
        sensitivity=problem.ties[None],
        held=solution.held,
        at=at_end,
        converged=solution.converged,
        n_iterations=solution.n_iterations,
        n_evaluations=solution.n_evaluations,
    )
