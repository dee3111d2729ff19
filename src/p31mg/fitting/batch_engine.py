"""The default engine: the NumPy core on a whole stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.core.levenberg_marquardt import minimise
from p31mg.core.signal import NormalEquations, evaluate
from p31mg.fitting.problem import Problem

__all__ = ["EngineResult", "fit_stack"]


TOLERANCE = 1e-8
"""Squared length of the last step, in standard errors; what is left after it is below 1e-6 of an error bar."""

_ROWS = 64
"""Spectra evaluated together: what 12 lines and 2048 points need then fits a second-level cache."""


@dataclass(frozen=True)
class EngineResult:
    """What an engine returns for B spectra.

    `y`: reported parameters (B, 3K+1); `at_bound`: which of them sit on a bound; `sensitivity`: their derivative by the P
    parameters that were varied, (B or 1, 3K+1, P); `held`: which of those P ended on a bound that they press against (B, P).
    """

    y: FloatArray
    at_bound: BoolArray
    sensitivity: FloatArray
    held: BoolArray
    converged: BoolArray
    n_iterations: IntArray
    n_evaluations: IntArray


def fit_stack(fid: ComplexArray, start: FloatArray, problem: Problem, max_iterations: int) -> EngineResult:
    """Fit signals (B, N) of order 1 from free start values (B, P)."""
    energy = np.einsum("bn,bn->b", fid, np.conj(fid)).real
    lower, upper = problem.bounds(start)
    lines, sampling = problem.lines, problem.sampling

    blocks = sampling.blocks(fid)

    def at(x: FloatArray, which: IntArray, near: BoolArray) -> NormalEquations:
        parts = []
        for i in range(0, len(which), _ROWS):
            rows = which[i : i + _ROWS]
            part = slice(i, i + _ROWS)
            parts.append(evaluate(x[part], energy[rows], blocks[rows], lines, sampling, near[part]))
        return parts[0] if len(parts) == 1 else NormalEquations.joined(parts)

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
    return EngineResult(
        y=solution.x @ problem.ties.T,
        at_bound=((solution.x <= lower) | (solution.x >= upper)) @ (problem.ties.T != 0),
        sensitivity=problem.ties[None],
        held=solution.held,
        converged=solution.converged,
        n_iterations=solution.n_iterations,
        n_evaluations=solution.n_evaluations,
    )
