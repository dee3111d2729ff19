r"""How derivatives by the lines become derivatives by the parameters: constant, sparse matrices of a `LineStructure`.

Each column of the Jacobian is a sum over lines of a few kinds of vectors, times constants that belong to the prior:

.. math::

    \frac{\partial S}{\partial x_j} = \sum_l \left( A_{lj}\, E_l + i\Phi_{lj}\, a_l E_l + \Lambda_{lj}\, a_l D_l
    + \tau_j\, \lambda_l a_l E_l \right)
    = \sum_l \sum_\alpha W^\alpha_{lj}\, F^\alpha_l

with :math:`E_l` the line of unit amplitude, :math:`D_l = \partial E_l/\partial\lambda_l`, and A, Φ, Λ, τ the derivatives of
amplitudes, phases, exponents and begin time by the free parameters. The gradient, the information and the curvature of a
spectrum are

.. math::

    g_j = \mathrm{Re} \sum \overline{W^\alpha_{lj}}\, \langle F^\alpha_l, r\rangle, \quad
    I_{jk} = \mathrm{Re} \sum \overline{W^\alpha_{lj}}\, W^\beta_{mk}\, \langle F^\alpha_l, F^\beta_m\rangle, \quad
    \mathrm{Re} \left\langle \frac{\partial^2 S}{\partial x_j \partial x_k}, r \right\rangle

products of matrices of which most entries are zero, the same for all spectra, with the inner products of a whole batch.
Arrays of lines have the batch last here, so that such a product adds rows of neighbouring numbers.

**Order.** The kinds F are E, a E, a D, and λ a E where the begin time is fitted. Inner products with the residual go on, for the
curvature, with D and a D' and, where the begin time is fitted, λ E, λ² a E and a (E + λ D).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from p31mg.arrays import ComplexArray, FloatArray, IntArray
from p31mg.core.signal import LineStructure, row_by_row

__all__ = ["Tables"]

AnyArray = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Tables:
    """Derivatives of what the lines are by the free parameters, and the sums that follow.

    `swells` (A), `turns` (Φ) real, and `moves` (Λ) complex, shape (M, P); `delays` (τ), shape (P,), None where the begin time
    is not fitted; `exponent` (λ0), shape (M,).
    """

    exponent: ComplexArray
    swells: FloatArray
    turns: FloatArray
    moves: ComplexArray
    delays: FloatArray | None

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, lines: LineStructure) -> Tables:
        """Return the tables of a structure."""
        k = lines.n_resonances
        return cls(
            exponent=lines.exponent,
            swells=lines.by_amplitude @ lines.ties[2 * k : 3 * k],
            turns=lines.phase_slope @ lines.ties,
            moves=lines.slope @ lines.ties,
            delays=lines.ties[-1] if lines.fits_begin_time else None,
        )

    def lines_at(self, x: FloatArray) -> tuple[ComplexArray, FloatArray, FloatArray, FloatArray]:
        """Return exponents, amplitudes and phases of lines at free parameters x (B, P), each (M, B), and the begin shift (B,)."""
        m = len(self.exponent)
        values = np.ascontiguousarray(row_by_row(x, self._linear).T)
        exponents = np.empty((m, len(x)), dtype=np.complex128)
        exponents.real = values[:m] + self.exponent.real[:, None]
        exponents.imag = values[m : 2 * m] + self.exponent.imag[:, None]
        return exponents, values[2 * m : 3 * m], values[3 * m : 4 * m], values[4 * m]

    @cached_property
    def _linear(self) -> FloatArray:
        delays = np.zeros(self.swells.shape[1]) if self.delays is None else self.delays
        return np.concatenate([self.moves.real, self.moves.imag, self.swells, self.turns, delays[None]]).T.copy()

    @cached_property
    def pairs(self) -> tuple[IntArray, IntArray]:
        """Every line with itself and those after it."""
        return np.triu_indices(len(self.exponent))

    def gradient(self, of_residual: ComplexArray) -> FloatArray:
        """Return the gradient, shape (B, P), from inner products with the residual (n, M, B)."""
        n = len(self._kinds) * len(self.exponent)
        return (self._gradient_table @ _planes(of_residual.reshape(-1, of_residual.shape[-1])[:n])).T

    def information(self, of_pairs: FloatArray) -> FloatArray:
        """Return the information, shape (B, P, P), from inner products of pairs of lines (2, n, n, pairs, B)."""
        return self._square(self._information_table @ of_pairs.reshape(-1, of_pairs.shape[-1]))

    def curvature(self, of_residual: ComplexArray) -> FloatArray:
        """Return the inner products of second derivatives with the residual, shape (B, P, P)."""
        return self._square(self._curvature_table @ _planes(of_residual.reshape(-1, of_residual.shape[-1])))

    @cached_property
    def supports(self) -> list[tuple[list[int], slice, list[ComplexArray]]]:
        """Parameters grouped by the lines that they reach, those lines, and W of every kind there, each (parameters, lines)."""
        groups: dict[tuple[int, int], list[int]] = {}
        for i, reached in enumerate(np.any(self._kinds, axis=0).T):
            own = np.flatnonzero(reached)
            ends = (int(own[0]), int(own[-1]) + 1) if own.size else (0, 0)
            groups.setdefault(ends, []).append(i)
        return [
            (parameters, lines, [kind[lines, parameters].T.copy() for kind in self._kinds])
            for parameters, lines in ((group, slice(*ends)) for ends, group in groups.items())
        ]

    def _square(self, lower: FloatArray) -> FloatArray:
        """Return symmetric matrices (B, P, P) of their lower triangles (P (P + 1) / 2, B)."""
        p = self.swells.shape[1]
        return lower.T[:, self._mirror].reshape(-1, p, p)

    @cached_property
    def _mirror(self) -> IntArray:
        """Where in the lower triangle each entry of a matrix is."""
        row, column = np.divmod(np.arange(self.swells.shape[1] ** 2), self.swells.shape[1])
        return _in_triangle(np.maximum(row, column), np.minimum(row, column))

    @cached_property
    def _kinds(self) -> list[ComplexArray]:
        """W of every kind of vector, each (M, P): E, a E, a D, and λ a E."""
        kinds = [self.swells.astype(np.complex128), 1j * self.turns, self.moves]
        if self.delays is not None:
            kinds.append(np.broadcast_to(self.delays, self.swells.shape).astype(np.complex128))
        return kinds

    @cached_property
    def _gradient_table(self) -> sparse.csr_array:
        return _of_planes(sparse.coo_array(np.conj(np.concatenate(self._kinds)).T))

    @cached_property
    def _information_table(self) -> sparse.csr_array:
        n_lines, p = self.swells.shape
        pair = np.zeros((n_lines, n_lines), dtype=np.intp)
        pair[self.pairs] = np.arange(len(self.pairs[0]))
        entries, sources, factors = [], [], []
        for kinds, (first, second) in enumerate(product(self._kinds, repeat=2)):
            one, other = np.argwhere(first), np.argwhere(second)  # rows of (line, parameter)
            i, j = np.nonzero(one[:, :1] <= other[:, 0])
            (k, row), (m, column) = one[i].T, other[j].T
            factor = np.conj(first[k, row]) * second[m, column]
            # the same pair the other way round gives the transpose
            for which, at in ((row >= column, (row, column)), ((k < m) & (row <= column), (column, row))):
                entries.append(_in_triangle(*at)[which])
                sources.append((kinds * len(self.pairs[0]) + pair[k, m])[which])
                factors.append(factor[which])
        where = np.concatenate(entries), np.concatenate(sources)
        shape = (p * (p + 1) // 2, len(self._kinds) ** 2 * len(self.pairs[0]))
        return _of_planes(sparse.coo_array((np.concatenate(factors), where), shape=shape))

    @cached_property
    def _curvature_table(self) -> sparse.csr_array:
        swells, turns, moves = self.swells.astype(np.complex128), 1j * self.turns, self.moves
        of_kinds = [_both(turns, swells), _both(turns, turns) / 2, _both(turns, moves)]
        if self.delays is None:
            of_kinds += [_both(swells, moves), _both(moves, moves) / 2]
        else:
            delays = np.broadcast_to(self.delays, swells.shape).astype(np.complex128)
            of_kinds += [_both(turns, delays), _both(swells, moves), _both(moves, moves) / 2]
            of_kinds += [_both(swells, delays), _both(delays, delays) / 2, _both(moves, delays)]
        lower = np.tril_indices(swells.shape[1])
        return _of_planes(sparse.coo_array(np.conj(np.concatenate(of_kinds))[:, *lower].T))


def _both(a: ComplexArray, b: AnyArray) -> ComplexArray:
    """Return what makes second derivatives by two parameters of derivatives a and b (M, P), shape (M, P, P)."""
    product = a[:, :, None] * b[:, None, :]
    return product + np.swapaxes(product, -1, -2)


def _in_triangle(row: IntArray, column: IntArray) -> IntArray:
    """Return the place of entries (row >= column) in a lower triangle, row by row."""
    return row * (row + 1) // 2 + column


def _planes(values: ComplexArray) -> FloatArray:
    """Return the real parts, and below them the imaginary ones."""
    return np.concatenate([values.real, values.imag])


def _of_planes(factors: sparse.coo_array) -> sparse.csr_array:
    """Return the matrix that makes Re(factors @ v) of the planes of v."""
    table = sparse.hstack([factors.real, -factors.imag], format="csr")
    table.eliminate_zeros()
    return table
