r"""The signal model: resonances made of damped exponentials, and their parameters.

.. math::

    S_n = \sum_l c_l\, e^{\lambda_l t_n}, \quad
    c_l = a_{k(l)}\, w_l\, e^{i\varphi_l}, \quad \varphi_l = \sum_j \Phi_{lj}\, p_j, \quad
    \lambda_l = \lambda^0_l + \sum_j \Lambda_{lj}\, p_j, \quad t_n = t_0 + n \Delta t

with one exponential for each **line** l of resonance k(l). Exponents and phases are linear in the parameters
:math:`p = (f_1..f_K, L_1..L_K, a_1..a_K, \varphi, ...)`: all lines turn with the common phase :math:`\varphi`, and those of a
resonance with a phase of its own where it has one. A first-order multiplet has
:math:`\lambda_l = 2\pi i (f_k + \Delta_l) - \pi L_k`; a coupling constant that is fitted is one more parameter that moves the
lines by multiples of itself; a Gaussian envelope is a sum of exponentials whose exponents are multiples of its width
(`p31mg.core.envelope`). Nothing below this module knows which of these it is dealing with.

**Shares.** A line of strongly coupled spins holds magnetisation of the others: it has :math:`\sum_k \Sigma_{lk} a_k` in the
place of :math:`a_{k(l)}`.

**Free parameters.** Those of a fit, x, are tied to the model's linearly, :math:`p = T x`: a shift relative to a reference is one
row with two ones, a shared linewidth one row that points to another's column.

**Begin time.** Where it is a parameter, the last of p is what has to be added to :math:`t_0`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from p31mg.arrays import ComplexArray, FloatArray, IntArray

__all__ = ["TWO_PI", "LineStructure", "Sampling", "model_fid", "norms", "row_by_row"]

AnyArray = np.ndarray[Any, Any]

TWO_PI = 2 * np.pi


def row_by_row(rows: AnyArray, matrix: AnyArray) -> AnyArray:
    """Return rows (..., n) times a matrix (n, m), each row by itself.

    In one product of all rows BLAS adds in an order that depends on how many there are: the last digits of a fit would depend on
    the batch that it is in.
    """
    return (rows[..., None, :] @ matrix)[..., 0, :]


@dataclass(frozen=True)
class Sampling:
    """Where the signal is sampled: t_n = begin_time_s + n dwell_time_s, n < n_points."""

    n_points: int
    dwell_time_s: float
    begin_time_s: float

    @cached_property
    def time_s(self) -> FloatArray:
        """Times of the points, shape (N,)."""
        return self.begin_time_s + self.dwell_time_s * np.arange(self.n_points)

    @property
    def bin_hz(self) -> float:
        """Distance of two bins of the transform."""
        return 1.0 / (self.n_points * self.dwell_time_s)


@dataclass(frozen=True, eq=False)  # each is itself: arrays make no key
class LineStructure:
    """Lines of K resonances, grouped by resonance in ascending order, and how parameters move them.

    `resonance`, complex `weight` and `exponent` (λ0, 1/s) have shape (M,) for M lines; `slope` (Λ) is complex, (M, n) for n
    parameters p, and `phase_slope` (Φ) real, (M, n); `ties` (T) is (n, P) for P free parameters. ``resonance`` rises from 0 to
    K - 1. `fits_begin_time`: whether the last of p is a shift of the begin time.

    `shares` (Σ), real, (M, K): how the amplitudes of all resonances make that of a line. None: each line has its resonance's.
    """

    resonance: IntArray
    weight: ComplexArray
    exponent: ComplexArray
    slope: ComplexArray
    phase_slope: FloatArray
    ties: FloatArray
    fits_begin_time: bool = False
    shares: FloatArray | None = None

    @cached_property
    def n_resonances(self) -> int:
        """Number of resonances K."""
        return int(self.resonance[-1]) + 1

    @cached_property
    def first_line(self) -> IntArray:
        """Index of the first line of each resonance, shape (K,)."""
        return np.searchsorted(self.resonance, np.arange(self.n_resonances))

    def exponents(self, p: FloatArray) -> ComplexArray:
        """Return the exponent of every line in 1/s, shape (..., M)."""
        return self.exponent + row_by_row(p, self.slope.T)

    def amplitudes(self, p: FloatArray) -> FloatArray:
        """Return the amplitude of every line, shape (..., M)."""
        k = self.n_resonances
        of_resonances = p[..., 2 * k : 3 * k]
        return of_resonances[..., self.resonance] if self.shares is None else row_by_row(of_resonances, self.shares.T)

    @cached_property
    def by_amplitude(self) -> FloatArray:
        """Derivative of the amplitude of every line by those of the resonances, shape (M, K)."""
        own = (self.resonance[:, None] == np.arange(self.n_resonances)).astype(float)
        return own if self.shares is None else self.shares

    def turns(self, p: FloatArray) -> ComplexArray:
        """Return the weight of every line times the phase factor, shape (..., M)."""
        return self.weight * np.exp(1j * row_by_row(p, self.phase_slope.T))

    def begin_shift_s(self, p: FloatArray) -> FloatArray:
        """Return what is added to the begin time, shape (..., 1)."""
        return p[..., -1:] if self.fits_begin_time else np.zeros((*p.shape[:-1], 1))

    def sum_lines(self, per_line: ComplexArray, axis: int = -1) -> ComplexArray:
        """Add the lines of each resonance along an axis of length M, giving length K."""
        return np.add.reduceat(per_line, self.first_line, axis=axis)


def model_fid(p: FloatArray, lines: LineStructure, sampling: Sampling) -> ComplexArray:
    """Return the model signal of each resonance, shape (..., K, N); its sum over K is the model."""
    time_s = lines.begin_shift_s(p)[..., None] + sampling.time_s
    exponentials = np.exp(lines.exponents(p)[..., None] * time_s)
    exponentials *= (lines.amplitudes(p) * lines.turns(p))[..., None]
    return lines.sum_lines(exponentials, axis=-2)


def norms(p: FloatArray, lines: LineStructure, sampling: Sampling) -> FloatArray:
    r"""Return the norm over the points of each resonance's signal, shape (B, K).

    Its square adds, over pairs of lines of the resonance, geometric series:
    :math:`\sum_n \overline{c_l e^{\lambda_l t_n}} c_m e^{\lambda_m t_n}`.
    """
    k = lines.n_resonances
    one, other = np.nonzero(lines.resonance[:, None] == lines.resonance[None, :])
    exponents = lines.exponents(p)
    both = np.conj(exponents[:, one]) + exponents[:, other]
    scale = (
        np.conj(lines.weight[one])
        * lines.weight[other]
        * np.exp(both * (sampling.begin_time_s + lines.begin_shift_s(p)))
    )
    series = np.expm1(both * (sampling.dwell_time_s * sampling.n_points)) / np.expm1(both * sampling.dwell_time_s)
    first = np.searchsorted(lines.resonance[one], np.arange(k))
    energy = np.add.reduceat((scale * series).real, first, axis=-1)
    return p[:, 2 * k : 3 * k] * np.sqrt(np.maximum(energy, 0.0))
