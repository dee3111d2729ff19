r"""The signal model and its least-squares quantities in closed form.

Model, with K resonances of which resonance k has lines l at offsets :math:`\Delta_{kl}` with weights :math:`w_{kl}`:

.. math::

    S_n = e^{i\varphi} \sum_k a_k m_k(t_n), \quad
    m_k(t) = \sum_{l} w_{kl} e^{\lambda_{kl} t}, \quad
    \lambda_{kl} = 2\pi i (f_k + \Delta_{kl}) - \pi L_k, \quad t_n = t_0 + n \Delta t

**Derivatives.** With :math:`m'_k(t) = t\,m_k(t)`,

.. math::

    \partial S/\partial f_k = e^{i\varphi} a_k 2\pi i\, m'_k, \quad
    \partial S/\partial L_k = -e^{i\varphi} a_k \pi\, m'_k, \quad
    \partial S/\partial a_k = e^{i\varphi} m_k, \quad
    \partial S/\partial\varphi = i S

so the whole Jacobian is spanned by the 2K vectors :math:`m_k, m'_k`, and Gauss-Newton needs nothing but their
inner products :math:`A^{(p)}_{kl} = \sum_n t_n^p\, \overline{m_k} m_l` for p = 0, 1, 2, and their inner products with the
data, :math:`c^{(p)}_k = \sum_n t_n^p\, \overline{m_k(t_n)} s_n`.

**Second derivatives** couple a resonance only with itself and with the phase. With p = 2 of the moments they too are
closed: :math:`\rho^{(p)}_k = \sum_n t_n^p\, \overline{m_k} e^{-i\varphi} r_n = e^{-i\varphi} c^{(p)}_k - \sum_l A^{(p)}_{kl} a_l`
holds everything that residual r and model have in common. For weak resonances, whose residual is all noise,
Gauss-Newton halves its distance at each iteration while the full Newton step squares it.

**Gram sums.** :math:`\overline{e^{\lambda t}} e^{\lambda' t} = e^{\mu t}` with :math:`\mu = \bar\lambda + \lambda'`, so
:math:`A^{(p)}` is made of geometric series, free of N in cost. With :math:`q = \mu\Delta t`, :math:`z = e^q`,
:math:`D = z - 1` and :math:`E = z^N`, differentiating :math:`S_0 D = E - 1` with respect to q gives

.. math::

    S_0 = (E - 1)/D, \quad S_1 = (N E - z S_0)/D, \quad S_2 = (N^2 E - 2 z S_1 - z S_0)/D

for :math:`S_p = \sum_n n^p z^n`. Each division loses a factor 1/(N|D|) of precision, so a line must not be much narrower
than 1/(N Δt); the bounds of the prior see to that. The algebra of such sums is that of the variable-projection
literature for damped exponentials (van der Veen, de Beer, Luyten, van Ormondt 1988, doi:10.1002/mrm.1910060111;
AMARES: Vanhamme, van den Boogaart, Van Huffel 1997, doi:10.1006/jmre.1997.1244).

**Parameters** are ordered :math:`p = (f_1..f_K, L_1..L_K, a_1..a_K, \varphi)`. The free parameters x of a fit are
tied to them linearly, :math:`p = T x`: a shift relative to a reference is one row with two ones, a shared linewidth one
row that points to another's column.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from p31mg.arrays import ComplexArray, FloatArray, IntArray

__all__ = ["LineStructure", "NormalEquations", "Sampling", "evaluate", "model_fid", "moments"]


TWO_PI = 2 * np.pi

_BLOCK_POINTS = 1 << 21
"""Exponentials held at once while moments are summed: 32 MB, whatever the size of the stack."""


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


@dataclass(frozen=True)
class LineStructure:
    """Lines of all resonances, grouped by resonance in ascending order.

    Shapes: `resonance`, `offset_hz`, `weight` (M,) for M lines; `ties` (3K+1, P) for P free parameters.
    """

    resonance: IntArray
    offset_hz: FloatArray
    weight: FloatArray
    ties: FloatArray

    @property
    def n_resonances(self) -> int:
        """Number of resonances K."""
        return (self.ties.shape[0] - 1) // 3

    @cached_property
    def first_line(self) -> IntArray:
        """Index of the first line of each resonance, shape (K,)."""
        return np.searchsorted(self.resonance, np.arange(self.n_resonances))

    def physical(self, x: FloatArray) -> FloatArray:
        """Return p = T x, shape (..., 3K+1)."""
        return x @ self.ties.T

    def exponents(self, p: FloatArray) -> ComplexArray:
        """Return the exponent of every line in 1/s, shape (..., M)."""
        k = self.n_resonances
        frequency, linewidth = p[..., :k][..., self.resonance], p[..., k : 2 * k][..., self.resonance]
        return TWO_PI * 1j * (frequency + self.offset_hz) - np.pi * linewidth

    def sum_lines(self, per_line: ComplexArray, axis: int = -1) -> ComplexArray:
        """Add the lines of each resonance along an axis of length M, giving length K."""
        return np.add.reduceat(per_line, self.first_line, axis=axis)


@dataclass(frozen=True)
class NormalEquations:
    """Least-squares quantities of each problem.

    `cost` |s - S|^2 (B,); `gradient` J^T r (B, P), the direction in which it falls; `information` J^T J and `hessian`,
    half the second derivative of the cost, both (B, P, P).
    """

    cost: FloatArray
    gradient: FloatArray
    information: FloatArray
    hessian: FloatArray

    def rows(self, which: npt.NDArray[Any]) -> NormalEquations:
        """Return some of the problems."""
        return NormalEquations(*(getattr(self, f.name)[which] for f in fields(self)))

    def put(self, which: npt.NDArray[Any], others: NormalEquations) -> None:
        """Replace some of the problems."""
        for f in fields(self):
            getattr(self, f.name)[which] = getattr(others, f.name)


def model_fid(p: FloatArray, lines: LineStructure, sampling: Sampling) -> ComplexArray:
    """Return the model signal of each resonance, shape (..., K, N); its sum over K is the model."""
    k = lines.n_resonances
    exponentials = np.exp(lines.exponents(p)[..., None] * sampling.time_s) * lines.weight[:, None]
    scale = p[..., 2 * k : 3 * k] * np.exp(1j * p[..., -1:])
    return scale[..., None] * lines.sum_lines(exponentials, axis=-2)


def moments(fid: ComplexArray, p: FloatArray, lines: LineStructure, sampling: Sampling) -> ComplexArray:
    """Return c^(0), c^(1) and c^(2), the inner products of the data with m_k, t m_k and t^2 m_k, shape (B, 3, K)."""
    exponents = lines.exponents(p)
    out = np.empty((len(fid), 3, lines.n_resonances), dtype=np.complex128)
    block = max(1, _BLOCK_POINTS // (sampling.n_points * exponents.shape[-1]))
    powers = sampling.time_s ** np.arange(3)[:, None]
    for start in range(0, len(fid), block):
        part = slice(start, start + block)
        conjugate = np.exp(np.conj(exponents[part])[..., None] * sampling.time_s)
        timed = fid[part, :, None] * powers.T
        out[part] = np.swapaxes(lines.sum_lines(lines.weight[:, None] * (conjugate @ timed), axis=-2), -1, -2)
    return out


def gram(p: FloatArray, lines: LineStructure, sampling: Sampling) -> ComplexArray:
    """Return A^(0), A^(1), A^(2) of the model vectors, shape (B, 3, K, K)."""
    n, dt, t0 = sampling.n_points, sampling.dwell_time_s, sampling.begin_time_s
    exponents = lines.exponents(p)
    step, whole = np.exp(exponents * dt), np.exp(exponents * (n * dt))
    at_begin = lines.weight * np.exp(exponents * t0)
    z = np.conj(step)[..., :, None] * step[..., None, :]
    e = np.conj(whole)[..., :, None] * whole[..., None, :]
    scale = np.conj(at_begin)[..., :, None] * at_begin[..., None, :]
    d = z - 1.0
    s0 = (e - 1.0) / d
    s1 = (n * e - z * s0) / d
    s2 = (n * n * e - z * (2.0 * s1 + s0)) / d
    per_line = np.stack([s0, t0 * s0 + dt * s1, t0 * t0 * s0 + 2 * t0 * dt * s1 + dt * dt * s2], axis=-3)
    per_line *= scale[..., None, :, :]
    return lines.sum_lines(lines.sum_lines(per_line, axis=-1), axis=-2)


def evaluate(
    x: FloatArray, energy: FloatArray, fid: ComplexArray, lines: LineStructure, sampling: Sampling
) -> NormalEquations:
    """Return cost, gradient, information and hessian of |s - S(T x)|^2 for a stack of problems.

    Parameters
    ----------
    x
        Free parameters, shape (B, P).
    energy
        |s|^2 of each signal, shape (B,).
    fid
        Signals, shape (B, N).
    lines, sampling
        The model.
    """
    k = lines.n_resonances
    p = lines.physical(x)
    a, phase = p[:, 2 * k : 3 * k], p[:, -1]
    gram_sums = gram(p, lines, sampling)
    with_data = moments(fid, p, lines, sampling) * np.exp(-1j * phase)[:, None, None]
    with_model = np.einsum("bpkl,bl->bpk", gram_sums, a)
    rho = with_data - with_model

    cost = energy - np.einsum("bk,bk->b", a, (2 * with_data - with_model)[:, 0].real)
    gradient = np.concatenate(
        [
            TWO_PI * a * rho[:, 1].imag,
            -np.pi * a * rho[:, 1].real,
            rho[:, 0].real,
            np.einsum("bk,bk->b", a, rho[:, 0].imag)[:, None],
        ],
        axis=-1,
    )
    information = _information(a, gram_sums, with_model)
    hessian = information + _second_derivatives(a, rho)
    t = lines.ties
    return NormalEquations(cost, gradient @ t, t.T @ information @ t, t.T @ hessian @ t)


def _information(a: FloatArray, gram_sums: ComplexArray, with_model: ComplexArray) -> FloatArray:
    """Return Re(J^H J) in the order (f, L, a, phase), shape (B, 3K+1, 3K+1)."""
    n_batch, k = a.shape
    f, w, h, phi = _blocks(k)
    a0, a1, a2 = np.moveaxis(gram_sums, 1, 0)
    aa = a[:, :, None] * a[:, None, :]
    out = np.empty((n_batch, 3 * k + 1, 3 * k + 1))
    out[:, f, f] = TWO_PI**2 * aa * a2.real
    out[:, w, w] = np.pi**2 * aa * a2.real
    out[:, f, w] = -2 * np.pi**2 * aa * a2.imag
    out[:, h, h] = a0.real
    out[:, h, f] = -TWO_PI * a[:, None, :] * a1.imag
    out[:, h, w] = -np.pi * a[:, None, :] * a1.real
    out[:, f, phi] = TWO_PI * a * with_model[:, 1].real
    out[:, w, phi] = np.pi * a * with_model[:, 1].imag
    out[:, h, phi] = -with_model[:, 0].imag
    out[:, phi, phi] = np.einsum("bk,bk->b", a, with_model[:, 0].real)
    return _mirrored(out, k)


def _second_derivatives(a: FloatArray, rho: ComplexArray) -> FloatArray:
    """Return -Re<d2S, r> in the order (f, L, a, phase), shape (B, 3K+1, 3K+1): what Gauss-Newton leaves out."""
    n_batch, k = a.shape
    f, w, h, phi = _blocks(k)
    rho0, rho1, rho2 = np.moveaxis(rho, 1, 0)
    out = np.zeros((n_batch, 3 * k + 1, 3 * k + 1))
    each = np.arange(k)
    out[:, each, each] = TWO_PI**2 * a * rho2.real
    out[:, each + k, each + k] = -(np.pi**2) * a * rho2.real
    out[:, each, each + k] = 2 * np.pi**2 * a * rho2.imag
    out[:, each + 2 * k, each] = -TWO_PI * rho1.imag
    out[:, each + 2 * k, each + k] = np.pi * rho1.real
    out[:, f, phi] = TWO_PI * a * rho1.real
    out[:, w, phi] = np.pi * a * rho1.imag
    out[:, h, phi] = -rho0.imag
    out[:, phi, phi] = np.einsum("bk,bk->b", a, rho0.real)
    return _mirrored(out, k)


def _blocks(k: int) -> tuple[slice, slice, slice, int]:
    """Return where frequencies, linewidths, amplitudes and the phase lie among the parameters."""
    return slice(0, k), slice(k, 2 * k), slice(2 * k, 3 * k), 3 * k


def _mirrored(matrix: FloatArray, k: int) -> FloatArray:
    """Complete a symmetric matrix of which the blocks (f, L), (a, f), (a, L) and the last column are filled."""
    f, w, h, phi = _blocks(k)
    for row, column in ((f, w), (h, f), (h, w)):
        matrix[:, column, row] = np.swapaxes(matrix[:, row, column], -1, -2)
    matrix[:, phi, :phi] = matrix[:, :phi, phi]
    return matrix
