r"""Least squares on bins of the discrete Fourier transform, without ever writing out the model's Jacobian.

The transform of one exponential :math:`e^{\lambda t_n}` at bin j is a geometric series. With :math:`q = \lambda\Delta t`,
:math:`z = e^q` and :math:`w_j = e^{-2\pi i j/N}`

.. math:: \varepsilon_j(\lambda) = B\, u_j, \quad B = e^{\lambda t_0} (1 - z^N), \quad u_j = \frac{1}{1 - z w_j}

so this is the exact transform of the sampled signal, tails and all. Bins keep white noise white (its variance is N times that
of a point); those far from every line carry next to nothing, and what lies there (spikes, other signals, the roll-off of
the receiver's filter) is left out of the fit. The cost is :math:`C = \sum_{j \in \mathcal{J}} |r_j|^2 / N` over a set of bins
:math:`\mathcal{J}` with :math:`r = s - \sum_l c_l\, \varepsilon(\lambda_l)`.

**Derivatives.** Let ' be the derivative by q. Then

.. math::

    u' = u^2 - u, \quad u'' = (2u - 1)\, u', \qquad
    \frac{\partial \varepsilon}{\partial\lambda} = B\,(\kappa u + \Delta t\, u'), \quad
    \kappa = t_0 - N\Delta t\, \frac{z^N}{1 - z^N}

and the Jacobian is spanned by the 2M vectors :math:`u_l, u'_l` of the M lines.

**Gram matrix.** On the unit circle :math:`\bar w = 1/w`, so partial fractions split every product of two lines:

.. math::

    \bar u_k\, u_l = g\, (\bar u_k + u_l - 1), \quad g = \frac{1}{1 - \bar z_k z_l}, \quad
    \Gamma_{kl} = \sum_{j} \bar u_k u_l = g\, h, \quad h = \bar U_k + U_l - |\mathcal{J}|, \quad U = \sum_j u_j

Sums over *pairs* of lines need only sums over *single* lines, whatever the set of bins is. Differentiating by
:math:`\bar q_k` and :math:`q_l`, with :math:`g' = g^2 - g`, :math:`g'' = (2g - 1) g'`, V the sum of u',

.. math::

    \sum \bar u_k u'_l = V_l\, g + h\, g', \quad
    \sum \bar u'_k u'_l = (\bar V_k + V_l)\, g' + h\, g''

**Sums over bins.** With the real numbers :math:`d = |1 - z w|^2`, :math:`\rho = 1 - |z|^2` and with :math:`\sigma = z w`,
:math:`\bar u = (1 - \sigma)/d`. As :math:`\sigma d = \sigma (1 + |z|^2) - \sigma^2 - |z|^2`, no power of :math:`\sigma` beyond
the first is needed:

.. math::

    \bar u^2 = \frac{\rho (1 - \sigma)}{d^2} - \frac{\sigma}{d}, \quad
    \bar u^3 = \rho\left(\frac{\rho (1 - \sigma)}{d^3} - \frac{\sigma}{d^2}\right)
    - \frac{|z|^2 (1 - \sigma)}{d^2} - \frac{\sigma}{d}

so that all sums :math:`\sum_j \bar u_j^p\, r_j`, and U and V with 1 in place of r, are products of real matrices
:math:`d^{-p}` (lines by bins) with the columns r and w r that all lines share; and so are the model and the Jacobian. In
:math:`d = 1 + |z|^2 - 2|z| \cos(\omega - \theta_j)`, :math:`\omega = \mathrm{Im}\, q`, :math:`\theta_j = 2\pi j/N`, the cosine
is again a product, of (lines by 2) with (2 by bins). The precision lost by these differences, a factor 1/d at most, is
1e-10 for a line as narrow as 1/2500 of the spectral width.

**Second derivatives** of the model couple the parameters of a line only among themselves, and enter through
:math:`\sum_j \overline{\varepsilon}\, r`, :math:`\overline{\varepsilon'}\, r`, :math:`\overline{\varepsilon''}\, r`. For weak
lines, whose residual is all noise, Gauss-Newton halves its distance at each iteration while the full Newton step
squares it. Where the begin time is a parameter, its derivative is :math:`\partial\varepsilon/\partial t_0 = \lambda\varepsilon`.

The fit of damped exponentials with prior knowledge is AMARES (Vanhamme, van den Boogaart, Van Huffel 1997,
doi:10.1006/jmre.1997.1244); closed sums for it go back to van der Veen, de Beer, Luyten, van Ormondt 1988
(Magn Reson Med 6:92-98). The split by partial fractions, which extends them to any set of bins, is derived above.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.core.signal import LineStructure, Sampling
from p31mg.core.tables import Tables

__all__ = ["BinModel", "NormalEquations", "exponential_bins"]

AnyArray = np.ndarray[Any, Any]

_FEW_LINES = 24
"""Up to so many, inner products of all pairs of lines are faster than the Jacobian at the bins."""

_CACHED = 2**18
"""Numbers in the line-by-bin matrices of spectra that are evaluated together: few enough for the second-level cache."""


@dataclass(frozen=True)
class NormalEquations:
    """Least-squares quantities of each problem.

    `cost` (B,); `gradient` J^T r (B, P), the direction in which it falls; `information` J^T J (B, P, P); `hessian`
    (B, P, P), half the second derivative of the cost where it was asked for, elsewhere J^T J.
    """

    cost: FloatArray
    gradient: FloatArray
    information: FloatArray
    hessian: FloatArray

    @property
    def diagonal(self) -> FloatArray:
        """Diagonal of J^T J, shape (B, P)."""
        return np.einsum("bii->bi", self.information)

    def rows(self, which: IntArray | slice) -> NormalEquations:
        """Return some of the problems; of a slice, views."""
        return NormalEquations(*(getattr(self, f.name)[which] for f in fields(self)))

    def put(self, which: IntArray, others: NormalEquations) -> None:
        """Replace some of the problems."""
        if which.size:
            for f in fields(self):
                getattr(self, f.name)[which] = getattr(others, f.name)

    @classmethod
    def empty(cls, n: int, n_parameters: int) -> NormalEquations:
        """Return so many problems, with values to be put."""
        p = n_parameters
        return cls(np.empty(n), np.empty((n, p)), np.empty((n, p, p)), np.empty((n, p, p)))


def exponential_bins(exponents: ComplexArray, bins: IntArray | FloatArray, sampling: Sampling) -> ComplexArray:
    """Return the transform of damped exponentials, exponents (...,) in 1/s, at bin numbers (n,): shape (..., n)."""
    z = np.exp(exponents * sampling.dwell_time_s)
    whole = np.exp(exponents * (sampling.dwell_time_s * sampling.n_points))
    scale = np.exp(exponents * sampling.begin_time_s) * (1.0 - whole)
    turn = np.exp(-2j * np.pi * np.asarray(bins) / sampling.n_points)
    return scale[..., None] / (1.0 - z[..., None] * turn)


@dataclass(frozen=True)
class _LineState:
    """What the lines are at some parameters, each (M, B): λ, z = e^q, s = w e^{iφ} B, a, c = a s, κ and its derivative by λ."""

    exponents: ComplexArray
    z: ComplexArray
    unit: ComplexArray
    amplitude: FloatArray
    scaled: ComplexArray
    kappa: ComplexArray
    kappa_slope: ComplexArray


@dataclass(frozen=True)
class BinModel:
    """The model of some lines on a set of bins, numbered from the bin that frequency 0 of the parameters lies on."""

    lines: LineStructure
    sampling: Sampling
    bins: IntArray

    @cached_property
    def _angle(self) -> FloatArray:
        return 2 * np.pi * self.bins / self.sampling.n_points

    @cached_property
    def _turn(self) -> ComplexArray:
        """w, shape (J,)."""
        return np.exp(-1j * self._angle)

    @cached_property
    def _cosine_table(self) -> FloatArray:
        """Shape (3, J)."""
        return np.stack([np.ones_like(self._angle), np.cos(self._angle), np.sin(self._angle)])

    @property
    def _few_lines(self) -> bool:
        return len(self.lines.weight) <= _FEW_LINES

    @property
    def _tables(self) -> Tables:
        return Tables.of(self.lines)

    def evaluate(self, x: FloatArray, data: ComplexArray, curved: BoolArray | bool = False) -> NormalEquations:
        """Return cost, gradient, information and hessian at free parameters x (B, P).

        Parameters
        ----------
        x
            Free parameters.
        data
            Bins of the transforms of the signals, shape (B, J).
        curved
            Shape (B,): where the hessian is to hold the second derivatives of the model. Default nowhere: J^T J.
        """
        curved = np.broadcast_to(np.asarray(curved), len(x))
        out = NormalEquations.empty(*x.shape)
        for i in self._parts(len(x)):
            self._evaluate(x[i], data[i], curved[i], out.rows(i))
        return out

    def residual(self, x: FloatArray, data: ComplexArray) -> ComplexArray:
        """Return what the model at free parameters x (B, P) leaves of the data (B, J)."""
        out = np.empty_like(data)
        for i in self._parts(len(x)):
            state = self._line_state(x[i])
            out[i] = self._residual(self._inverse_powers(state.z, 1)[0], state, data[i])
        return out

    def _parts(self, n: int) -> list[slice]:
        """Return slices of problems whose matrices fit the cache together."""
        most = max(8, min(128, _CACHED // (len(self.lines.weight) * len(self.bins))))
        ends = np.linspace(0, n, -(-n // most) + 1).astype(np.intp)
        return [slice(int(first), int(last)) for first, last in pairwise(ends)]

    def _evaluate(self, x: FloatArray, data: ComplexArray, curved: BoolArray, out: NormalEquations) -> None:
        state = self._line_state(x)
        powers = self._inverse_powers(state.z, 3 if curved.any() else 2)
        residual = self._residual(powers[0], state, data)
        sums, sums_of_one = self._sums(residual, powers, state.z)
        of_residual = self._with_residual(state, sums)
        out.cost[...] = (residual.real**2 + residual.imag**2).sum(axis=-1) / self.sampling.n_points
        out.gradient[...] = self._tables.gradient(of_residual)
        if self._few_lines:
            out.information[...] = self._tables.information(self._with_each_other(state, *sums_of_one))
        else:
            jacobian = self._jacobian(state, powers)
            np.matmul(jacobian, np.swapaxes(jacobian, -1, -2), out=out.information)
        out.hessian[...] = out.information
        if curved.any():
            out.hessian[...] -= self._tables.curvature(of_residual * curved)

    def _line_state(self, x: FloatArray) -> _LineState:
        n, dt = self.sampling.n_points, self.sampling.dwell_time_s
        exponents, amplitude, phase, begin_shift_s = self._tables.lines_at(x)
        t0 = self.sampling.begin_time_s + begin_shift_s
        whole = np.exp(exponents * (n * dt))
        rest = whole / (1.0 - whole)
        unit = self.lines.weight[:, None] * np.exp(exponents * t0 + 1j * phase) * (1.0 - whole)
        return _LineState(
            exponents=exponents,
            z=np.exp(exponents * dt),
            unit=unit,
            amplitude=amplitude,
            scaled=amplitude * unit,
            kappa=t0 - (n * dt) * rest,
            kappa_slope=-((n * dt) ** 2) * rest * (1.0 + rest),
        )

    def _inverse_powers(self, z: ComplexArray, n: int) -> list[FloatArray]:
        """Return 1/d, 1/d^2, ... of all lines, each (B, M, J)."""
        terms = np.stack([1.0 + z.real**2 + z.imag**2, -2.0 * z.real, -2.0 * z.imag], axis=-1)
        distance = np.swapaxes(terms, 0, 1) @ self._cosine_table
        out = [np.reciprocal(distance, out=distance)]
        while len(out) < n:
            out.append(out[-1] * out[0])
        return out

    def _residual(self, inverse: FloatArray, state: _LineState, data: ComplexArray) -> ComplexArray:
        turned = state.scaled * np.conj(state.z)
        coefficients = np.stack([state.scaled.real, state.scaled.imag, turned.real, turned.imag])
        parts = np.ascontiguousarray(coefficients.transpose(2, 0, 1)) @ inverse  # else not all of NumPy calls BLAS
        residual = data - (parts[:, 0] + 1j * parts[:, 1])
        residual += (parts[:, 2] + 1j * parts[:, 3]) * np.conj(self._turn)
        return residual

    def _sums(
        self, residual: ComplexArray, powers: list[FloatArray], z: ComplexArray
    ) -> tuple[list[ComplexArray], list[ComplexArray]]:
        """Return the sums over bins of ū^p r for every power, and for few lines those of ū and ū^2, each (M, B)."""
        turned = residual * self._turn
        rows = np.empty((len(residual), 8 if self._few_lines else 4, len(self.bins)))
        rows[:, 0], rows[:, 1] = residual.real, residual.imag
        rows[:, 2], rows[:, 3] = turned.real, turned.imag
        if self._few_lines:
            rows[:, 4:7] = self._cosine_table
            rows[:, 7] = 0.0  # BLAS is faster with eight rows than with seven
        every = [
            np.ascontiguousarray((rows[:, : 8 if i < 2 else 4] @ np.swapaxes(power, -1, -2)).transpose(1, 2, 0))
            for i, power in enumerate(powers)
        ]
        of_residual = [(s[0] + 1j * s[1], z * (s[2] + 1j * s[3])) for s in every]
        of_one = [(s[4], z * (s[5] - 1j * s[6])) for s in every[:2]] if self._few_lines else []
        return _sums_of_powers(z, of_residual), _sums_of_powers(z, of_one)

    def _with_residual(self, state: _LineState, sums: list[ComplexArray]) -> ComplexArray:
        """Return the inner products of the derivatives of each line with the residual, (n, M, B), in the order of `Tables`.

        From three sums up with those of second derivatives.
        """
        dt, kappa, turn = self.sampling.dwell_time_s, np.conj(state.kappa), np.conj(state.exponents)
        unit, a = np.conj(state.unit) / self.sampling.n_points, state.amplitude
        u1, v1 = sums[0], sums[1] - sums[0]
        e, d = unit * u1, unit * (kappa * u1 + dt * v1)
        out: list[AnyArray] = [e, a * e, a * d]
        if self.lines.fits_begin_time:
            out.append(a * turn * e)
        if len(sums) > 2:
            v2 = 2.0 * sums[2] - 3.0 * sums[1] + u1  # the sum of conj(u'') r
            square = kappa * kappa + np.conj(state.kappa_slope)
            out += [d, a * unit * (square * u1 + 2.0 * dt * kappa * v1 + dt * dt * v2)]
            if self.lines.fits_begin_time:
                out += [turn * e, a * turn * turn * e, a * (e + turn * d)]
        return np.stack(out)

    def _with_each_other(self, state: _LineState, of_one: ComplexArray, of_square: ComplexArray) -> FloatArray:
        """Return the inner products of the derivatives of each line with those of itself and later ones.

        Real and imaginary parts, shape (2, n, n, pairs, B) for n kinds of derivatives, in the order of `Tables`.
        """
        k, m = self._tables.pairs
        dt, z = self.sampling.dwell_time_s, state.z
        u, v = np.conj(of_one), np.conj(of_square - of_one)
        g = 1.0 - np.conj(z)[k] * z[m]
        g = np.conj(g) * (1.0 / (g.real**2 + g.imag**2))  # 1/g; faster than complex division
        g1 = g * (g - 1.0)
        h = np.conj(u)[k] + (u - len(self.bins))[m]
        hg1 = h * g1
        both = np.conj(state.unit / self.sampling.n_points)[k] * state.unit[m]
        uu = both * (h * g)
        uv = both * (v[m] * g + hg1)
        vu = both * (np.conj(v)[k] * g + hg1)
        vv = both * ((np.conj(v)[k] + v[m]) * g1 + hg1 * (2.0 * g - 1.0))
        kappa_k, kappa_m = np.conj(state.kappa)[k], state.kappa[m]
        ud = kappa_m * uu + dt * uv  # d = κ u + Δt u'
        du = kappa_k * uu + dt * vu
        dd = kappa_k * ud + dt * (kappa_m * vu + dt * vv)
        products = [[uu, uu, ud], [uu, uu, ud], [du, du, dd]]
        if self.lines.fits_begin_time:
            turn_k, turn_m = np.conj(state.exponents)[k], state.exponents[m]
            products = [[*row, turn_m * row[0]] for row in products]
            products.append([turn_k * product for product in products[0]])
        a_k, a_m = state.amplitude[k], state.amplitude[m]
        factors: list[list[FloatArray | float]] = [[1.0, a_m], [a_k, a_k * a_m]]  # all kinds but the first hold a
        n = len(products)
        out = np.empty((2, n, n, *uu.shape))
        for i, j in np.ndindex(n, n):
            factor, product = factors[i > 0][j > 0], products[i][j]
            np.multiply(factor, product.real, out=out[0, i, j])
            np.multiply(factor, product.imag, out=out[1, i, j])
        return out

    def _jacobian(self, state: _LineState, powers: list[FloatArray]) -> FloatArray:
        """Return the Jacobian at the bins, real parts before imaginary ones, over the root of N, shape (B, P, 2J).

        A column sum_l alpha_l u_l + beta_l u'_l is a sum of products with 1/d and 1/d^2, less conj(w) times another.
        """
        root = self.sampling.n_points**-0.5
        z, exponents, unit, scaled, kappa = (
            np.ascontiguousarray(of_lines.T)[:, None]
            for of_lines in (state.z, state.exponents, root * state.unit, root * state.scaled, state.kappa)
        )
        turn, rho, step = np.conj(z), 1.0 - (z.real**2 + z.imag**2), self.sampling.dwell_time_s * scaled
        out = np.empty((len(z), self._tables.swells.shape[1], 2, len(self.bins)))
        _, cosine, sine = self._cosine_table
        for parameters, lines, kinds in self._tables.supports:
            own = np.s_[..., lines]
            alpha = unit[own] * kinds[0] + scaled[own] * (kinds[1] + kappa[own] * kinds[2])
            if self.lines.fits_begin_time:
                alpha += (scaled * exponents)[own] * kinds[3]
            beta = step[own] * kinds[2]
            gamma = rho[own] * beta
            product = _real_rows(alpha - beta, turn[own] * alpha) @ powers[0][:, lines]
            product += _real_rows(gamma, turn[own] * gamma) @ powers[1][:, lines]
            real, imag, real_turned, imag_turned = np.split(product, 4, axis=1)
            out[:, parameters, 0] = real - (cosine * real_turned - sine * imag_turned)
            out[:, parameters, 1] = imag - (sine * real_turned + cosine * imag_turned)
        return out.reshape(*out.shape[:2], -1)


def _real_rows(*factors: ComplexArray) -> FloatArray:
    """Return the real and imaginary rows of complex matrices (B, n, M), one below the other."""
    return np.concatenate([part for factor in factors for part in (factor.real, factor.imag)], axis=1)


def _sums_of_powers(z: ComplexArray, sums: list[tuple[AnyArray, ComplexArray]]) -> list[ComplexArray]:
    """Return the sums of ū^p r from those of r/d^p and zw r/d^p, p = 1, 2, ..., each (M, B)."""
    squared = z.real**2 + z.imag**2
    rho = 1.0 - squared
    differences = [plain - turned for plain, turned in sums]
    out = differences[:1]
    if len(sums) > 1:
        out.append(rho * differences[1] - sums[0][1])
    if len(sums) > 2:
        out.append(rho * (rho * differences[2] - sums[1][1]) - squared * differences[1] - sums[0][1])
    return out
