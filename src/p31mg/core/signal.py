r"""The signal model and its least-squares quantities, without ever writing out the model or its Jacobian.

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
inner products :math:`A^{(p)}_{kl} = \sum_n t_n^p\, \overline{m_k} m_l`, p = 0, 1, 2, and their inner products with the data,
:math:`c^{(p)}_k = \sum_n t_n^p\, \overline{m_k(t_n)} s_n`.

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
literature for damped exponentials (van der Veen, de Beer, Luyten, van Ormondt 1988, Magn Reson Med 6:92-98;
AMARES: Vanhamme, van den Boogaart, Van Huffel 1997, doi:10.1006/jmre.1997.1244).

**Moments.** The only sums over all points are :math:`\sum_n n^p \bar z^n s_n` for each line, :math:`z = e^{\lambda\Delta t}`.
With :math:`n = Rb + r`, blocks b of R points, :math:`\bar z^n = (\bar z^R)^b\, \bar z^r`: the inner sums over r are one
small matrix product with the data laid out in blocks, the outer ones cost nothing. Instead of N exponentials a line
needs about :math:`2\sqrt N` powers, made by doubling.

**Parameters** are ordered :math:`p = (f_1..f_K, L_1..L_K, a_1..a_K, \varphi)`. The free parameters x of a fit are
tied to them linearly, :math:`p = T x`: a shift relative to a reference is one row with two ones, a shared linewidth one
row that points to another's column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray

__all__ = [
    "LineStructure",
    "NormalEquations",
    "Sampling",
    "curvatures",
    "evaluate",
    "gram",
    "model_fid",
    "model_sum",
    "moments",
    "norms",
    "powers",
]

TWO_PI = 2 * np.pi


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

    @cached_property
    def block_length(self) -> int:
        """R: the power of 2 next above the square root of N."""
        return 1 << int(np.ceil(np.log2(np.sqrt(self.n_points))))

    @property
    def n_blocks(self) -> int:
        """Blocks of R points that hold all N."""
        return -(-self.n_points // self.block_length)

    def blocks(self, fid: ComplexArray) -> ComplexArray:
        """Return signals (B, N) as (B, R, blocks), the last block filled with zeros."""
        padded = np.zeros((len(fid), self.n_blocks * self.block_length), dtype=np.complex128)
        padded[:, : self.n_points] = fid
        return np.ascontiguousarray(padded.reshape(len(fid), self.n_blocks, self.block_length).swapaxes(1, 2))


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

    `cost` |s - S|^2 (B,); `gradient` J^T r (B, P), the direction in which it falls; `hessian` (B, P, P), J^T J or half the
    second derivative of the cost; `diagonal` (B, P) of J^T J.
    """

    cost: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    diagonal: FloatArray

    def rows(self, which: IntArray | BoolArray) -> NormalEquations:
        """Return some of the problems."""
        return NormalEquations(*(getattr(self, f.name)[which] for f in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[NormalEquations]) -> NormalEquations:
        """Return several stacks of problems as one."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def put(self, which: IntArray, others: NormalEquations) -> None:
        """Replace some of the problems."""
        for f in fields(self):
            getattr(self, f.name)[which] = getattr(others, f.name)


def powers(z: ComplexArray, n: int) -> ComplexArray:
    """Return z^0 .. z^(n-1) along a new last axis, by doubling: n products and a rounding error of log2(n) steps."""
    out = np.empty((*z.shape, n), dtype=np.complex128)
    out[..., 0] = 1.0
    filled = 1
    while filled < n:
        more = min(filled, n - filled)
        np.multiply(out[..., :more], z[..., None], out=out[..., filled : filled + more])
        z = z * z
        filled += more
    return out


def model_fid(p: FloatArray, lines: LineStructure, sampling: Sampling) -> ComplexArray:
    """Return the model signal of each resonance, shape (..., K, N); its sum over K is the model."""
    k = lines.n_resonances
    exponentials = np.exp(lines.exponents(p)[..., None] * sampling.time_s) * lines.weight[:, None]
    scale = p[..., 2 * k : 3 * k] * np.exp(1j * p[..., -1:])
    return scale[..., None] * lines.sum_lines(exponentials, axis=-2)


def model_sum(p: FloatArray, lines: LineStructure, sampling: Sampling) -> ComplexArray:
    """Return the model signal of all resonances together, shape (B, N), as quickly as its moments."""
    k, r = lines.n_resonances, sampling.block_length
    exponents = lines.exponents(p)
    z = np.exp(exponents * sampling.dwell_time_s)
    amplitude = p[..., 2 * k : 3 * k][..., lines.resonance] * lines.weight * np.exp(1j * p[..., -1:])
    amplitude = amplitude * np.exp(exponents * sampling.begin_time_s)
    outer = powers(_power_of_two(z, r), sampling.n_blocks) * amplitude[..., None]
    blocks = np.swapaxes(outer, -1, -2) @ powers(z, r)
    return blocks.reshape(len(p), -1)[:, : sampling.n_points]


def _power_of_two(z: ComplexArray, exponent: int) -> ComplexArray:
    """Return z^exponent for an exponent that is a power of 2, by squaring."""
    for _ in range(int(exponent).bit_length() - 1):
        z = z * z
    return z


def moments(blocks: ComplexArray, p: FloatArray, lines: LineStructure, sampling: Sampling) -> ComplexArray:
    """Return c^(0), c^(1) and c^(2) of data in blocks (B, R, blocks), shape (B, 3, K)."""
    n_batch, n_lines, r = len(p), len(lines.weight), sampling.block_length
    t0, dt = sampling.begin_time_s, sampling.dwell_time_s
    exponents = np.conj(lines.exponents(p))
    z = np.exp(exponents * dt)

    weighted = np.empty((n_batch, 3, n_lines, r), dtype=np.complex128)
    within = np.arange(r, dtype=float)
    weighted[:, 0] = powers(z, r)
    np.multiply(weighted[:, 0], within, out=weighted[:, 1])
    np.multiply(weighted[:, 1], within, out=weighted[:, 2])
    inner = (weighted.reshape(n_batch, 3 * n_lines, r) @ blocks).reshape(n_batch, 3, n_lines, -1)
    inner *= powers(_power_of_two(z, r), sampling.n_blocks)[:, None]

    start = r * np.arange(sampling.n_blocks, dtype=float)  # n = start + within
    n0 = inner[:, 0] @ np.stack([np.ones_like(start), start, start * start], axis=-1).astype(np.complex128)
    n1 = inner[:, 1] @ np.stack([np.ones_like(start), 2 * start], axis=-1).astype(np.complex128)
    s0, s1, s2 = n0[..., 0], n0[..., 1] + n1[..., 0], n0[..., 2] + n1[..., 1] + inner[:, 2].sum(axis=-1)

    in_time = _in_time(s0, s1, s2, sampling, axis=1)
    in_time *= (lines.weight * np.exp(exponents * t0))[:, None]
    return lines.sum_lines(in_time)


def _in_time(s0: ComplexArray, s1: ComplexArray, s2: ComplexArray, sampling: Sampling, axis: int) -> ComplexArray:
    """Return sums weighted by 1, t, t^2 of those weighted by 1, n, n^2, stacked along a new axis: t = t0 + n dt."""
    t0, dt = sampling.begin_time_s, sampling.dwell_time_s
    return np.stack([s0, t0 * s0 + dt * s1, t0 * t0 * s0 + 2 * t0 * dt * s1 + dt * dt * s2], axis=axis)


def gram(p: FloatArray, lines: LineStructure, sampling: Sampling) -> ComplexArray:
    """Return A^(0), A^(1), A^(2) of the model vectors, shape (B, 3, K, K)."""
    n, dt, t0 = sampling.n_points, sampling.dwell_time_s, sampling.begin_time_s
    exponents = lines.exponents(p)
    step, whole = np.exp(exponents * dt), np.exp(exponents * (n * dt))
    at_begin = lines.weight * np.exp(exponents * t0)
    z = np.conj(step)[..., :, None] * step[..., None, :]
    e = np.conj(whole)[..., :, None] * whole[..., None, :]
    scale = np.conj(at_begin)[..., :, None] * at_begin[..., None, :]
    inverse = 1.0 / (z - 1.0)
    z *= inverse
    e *= inverse
    s0 = e - inverse
    s1 = n * e - z * s0
    s2 = (n * n) * e - z * (2.0 * s1 + s0)
    per_line = _in_time(s0, s1, s2, sampling, axis=-3)
    per_line *= scale[..., None, :, :]
    return lines.sum_lines(lines.sum_lines(per_line, axis=-1), axis=-2)


def evaluate(
    x: FloatArray,
    energy: FloatArray,
    blocks: ComplexArray,
    lines: LineStructure,
    sampling: Sampling,
    near: BoolArray | bool = False,
) -> NormalEquations:
    """Return cost, gradient and hessian of |s - S(T x)|^2 for a stack of problems.

    Parameters
    ----------
    x
        Free parameters, shape (B, P).
    energy
        |s|^2 of each signal, shape (B,).
    blocks
        Signals as `Sampling.blocks` lays them out, shape (B, R, blocks).
    lines, sampling
        The model.
    near
        Shape (B,): where the hessian is to hold the second derivatives of the model. Default nowhere: J^T J.
    """
    a, gram_sums, with_data, with_model = _inner_products(lines.physical(x), blocks, lines, sampling)
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
    hessian = _information(a, gram_sums, with_model)
    diagonal = np.einsum("bij,jp,ip->bp", hessian, lines.ties, lines.ties, optimize=_DIAGONAL_PATH)
    _add_second_derivatives(hessian, a, rho * np.asarray(near)[..., None, None])
    return NormalEquations(cost, gradient @ lines.ties, _tied(hessian, lines.ties), diagonal)


_DIAGONAL_PATH = ["einsum_path", (0, 1), (0, 1)]


def norms(p: FloatArray, lines: LineStructure, sampling: Sampling) -> FloatArray:
    """Return the norm over the points of each resonance's signal, shape (B, K)."""
    k = lines.n_resonances
    energy = np.einsum("bkk->bk", gram(p, lines, sampling)[:, 0]).real
    return p[:, 2 * k : 3 * k] * np.sqrt(np.maximum(energy, 0.0))


def curvatures(
    p: FloatArray, blocks: ComplexArray, lines: LineStructure, sampling: Sampling
) -> tuple[FloatArray, FloatArray]:
    """Return J^T J and half the second derivative of the cost, for the parameters p themselves, each (B, 3K+1, 3K+1)."""
    a, gram_sums, with_data, with_model = _inner_products(p, blocks, lines, sampling)
    expected = _information(a, gram_sums, with_model)
    observed = expected.copy()
    _add_second_derivatives(observed, a, with_data - with_model)
    return expected, observed


def _inner_products(
    p: FloatArray, blocks: ComplexArray, lines: LineStructure, sampling: Sampling
) -> tuple[FloatArray, ComplexArray, ComplexArray, ComplexArray]:
    """Return the amplitudes (B, K), A^(p) (B, 3, K, K), and the products of t^p m_k with phased data and model (B, 3, K)."""
    k = lines.n_resonances
    a, phase = p[:, 2 * k : 3 * k], p[:, -1]
    gram_sums = gram(p, lines, sampling)
    with_data = moments(blocks, p, lines, sampling) * np.exp(-1j * phase)[:, None, None]
    with_model = (gram_sums @ a[:, None, :, None].astype(np.complex128))[..., 0]
    return a, gram_sums, with_data, with_model


def _tied(matrix: FloatArray, ties: FloatArray) -> FloatArray:
    """Return T^t M T for symmetric matrices (B, 3K+1, 3K+1) as two products of the whole stack."""
    half = np.swapaxes(matrix @ ties, -1, -2)
    return np.ascontiguousarray(half) @ ties


def _information(a: FloatArray, gram_sums: ComplexArray, with_model: ComplexArray) -> FloatArray:
    """Return Re(J^H J) in the order (f, L, a, phase), shape (B, 3K+1, 3K+1)."""
    n_batch, k = a.shape
    f, w, h, phi = _sections(k)
    a0, a1, a2 = np.moveaxis(gram_sums, 1, 0)
    second = (np.pi**2) * a[:, :, None] * a[:, None, :] * a2
    first = -np.pi * a[:, None, :] * a1
    out = np.empty((n_batch, 3 * k + 1, 3 * k + 1))
    out[:, w, w] = second.real
    out[:, f, f] = 4 * second.real
    out[:, f, w] = -2 * second.imag
    out[:, h, h] = a0.real
    out[:, h, f] = 2 * first.imag
    out[:, h, w] = first.real
    out[:, f, phi] = TWO_PI * a * with_model[:, 1].real
    out[:, w, phi] = np.pi * a * with_model[:, 1].imag
    out[:, h, phi] = -with_model[:, 0].imag
    out[:, phi, phi] = np.einsum("bk,bk->b", a, with_model[:, 0].real)
    for row, column in ((f, w), (h, f), (h, w)):
        out[:, column, row] = np.swapaxes(out[:, row, column], -1, -2)
    out[:, phi, :phi] = out[:, :phi, phi]
    return out


def _add_second_derivatives(out: FloatArray, a: FloatArray, rho: ComplexArray) -> None:
    """Add -Re<d2S, r>, what Gauss-Newton leaves out, to matrices in the order (f, L, a, phase)."""
    k = a.shape[-1]
    f, w, h, phi = _sections(k)
    rho0, rho1, rho2 = np.moveaxis(rho, 1, 0)
    each = np.arange(k)
    curved = (np.pi**2) * a * rho2
    out[:, each, each] += 4 * curved.real
    out[:, each + k, each + k] -= curved.real
    for row, column, value in (
        (each, each + k, 2 * curved.imag),
        (each + 2 * k, each, -TWO_PI * rho1.imag),
        (each + 2 * k, each + k, np.pi * rho1.real),
        (f, phi, TWO_PI * a * rho1.real),
        (w, phi, np.pi * a * rho1.imag),
        (h, phi, -rho0.imag),
    ):
        out[:, row, column] += value
        out[:, column, row] += value
    out[:, phi, phi] += np.einsum("bk,bk->b", a, rho0.real)


def _sections(k: int) -> tuple[slice, slice, slice, int]:
    """Return where frequencies, linewidths, amplitudes and the phase lie among the parameters."""
    return slice(0, k), slice(k, 2 * k), slice(2 * k, 3 * k), 3 * k
