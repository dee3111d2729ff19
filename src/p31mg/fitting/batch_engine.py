"""The default engine: the NumPy core on a whole stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.core.covariance import cramer_rao
from p31mg.core.levenberg_marquardt import minimise
from p31mg.core.signal import NormalEquations, evaluate
from p31mg.fitting.problem import Problem

__all__ = ["EngineResult", "fit_stack"]


TOLERANCE = 1e-10
"""Squared distance to the optimum, in standard errors, at which a fit stops: 1e-5 of an error bar."""


@dataclass(frozen=True)
class EngineResult:
    """What an engine returns for B spectra.

    `y`: reported parameters (B, 3K+1); `unit_covariance`: theirs for noise of sd 1 per component (B, 3K+1, 3K+1), NaN
    where singular; `at_bound`: which of them sit on a bound.
    """

    y: FloatArray
    unit_covariance: FloatArray
    at_bound: BoolArray
    converged: BoolArray
    n_iterations: IntArray
    n_evaluations: IntArray


def fit_stack(fid: ComplexArray, start: FloatArray, problem: Problem, max_iterations: int) -> EngineResult:
    """Fit signals (B, N) of order 1 from free start values (B, P)."""
    energy = np.einsum("bn,bn->b", fid, np.conj(fid)).real
    lower, upper = problem.bounds(start)
    lines, sampling = problem.lines, problem.sampling

    def at(x: FloatArray, which: IntArray) -> NormalEquations:
        return evaluate(x, energy[which], fid[which], lines, sampling)

    solution = minimise(
        at,
        start,
        lower,
        upper,
        energy=energy,
        degrees_of_freedom=2 * sampling.n_points - start.shape[-1],
        tolerance=TOLERANCE,
        max_iterations=max_iterations,
    )
    covariance = cramer_rao(solution.at.information, solution.held, np.ones(len(fid)))
    return EngineResult(
        y=solution.x @ problem.ties.T,
        unit_covariance=problem.ties @ covariance @ problem.ties.T,
        at_bound=((solution.x <= lower) | (solution.x >= upper)) @ (problem.ties.T != 0),
        converged=solution.converged,
        n_iterations=solution.n_iterations,
        n_evaluations=solution.n_evaluations,
    )
