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

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.core.signal import LineStructure, Sampling

__all__ = ["BinModel", "NormalEquations", "exponential_bins"]

AnyArray = np.ndarray[Any, Any]

_CACHED = 2**17
"""Numbers in the line-by-bin matrices of spectra that are evaluated together: few enough for the second-level cache."""

_FEW_LINES = 24
"""Up to so many, the Gram matrix of the lines is faster than that of the parameters at the bins."""


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

    def rows(self, which: IntArray) -> NormalEquations:
        """Return some of the problems."""
        return NormalEquations(*(getattr(self, f.name)[which] for f in fields(self)))

    def put(self, which: IntArray, others: NormalEquations) -> None:
        """Replace some of the problems."""
        if which.size:
            for f in fields(self):
                getattr(self, f.name)[which] = getattr(others, f.name)

    def empty_like(self) -> NormalEquations:
        """Return as many problems, with values to be put."""
        return NormalEquations(*(np.empty_like(getattr(self, f.name)) for f in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[NormalEquations]) -> NormalEquations:
        """Return several stacks of problems as one."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))


def exponential_bins(exponents: ComplexArray, bins: IntArray | FloatArray, sampling: Sampling) -> ComplexArray:
    """Return the transform of damped exponentials, exponents (...,) in 1/s, at bin numbers (n,): shape (..., n)."""
    z = np.exp(exponents * sampling.dwell_time_s)
    whole = np.exp(exponents * (sampling.dwell_time_s * sampling.n_points))
    scale = np.exp(exponents * sampling.begin_time_s) * (1.0 - whole)
    turn = np.exp(-2j * np.pi * np.asarray(bins) / sampling.n_points)
    return scale[..., None] / (1.0 - z[..., None] * turn)


@dataclass(frozen=True)
class _LineState:
    """What the lines are at some parameters, each (B, M): λ, z = e^q, C = c B, κ and its derivative by λ, B, and w e^{iφ}."""

    exponents: ComplexArray
    z: ComplexArray
    scaled: ComplexArray
    kappa: ComplexArray
    kappa_slope: ComplexArray
    b: ComplexArray
    turn: ComplexArray
    amplitude: FloatArray


@dataclass(frozen=True)
class BinModel:
    """The model of some lines on a set of bins, numbered from the bin that frequency 0 of the parameters lies on."""

    lines: LineStructure
    sampling: Sampling
    bins: IntArray

    @property
    def _few_lines(self) -> bool:
        return len(self.lines.weight) <= _FEW_LINES

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
        return NormalEquations.joined([self._evaluate(x[i], data[i], curved[i]) for i in self._parts(len(x))])

    def residual(self, x: FloatArray, data: ComplexArray) -> ComplexArray:
        """Return what the model at free parameters x (B, P) leaves of the data (B, J)."""

        def of_part(i: slice) -> ComplexArray:
            state = self._line_state(x[i])
            return self._residual(self._inverse_powers(state.z, 1)[0], state, data[i])

        return np.concatenate([of_part(i) for i in self._parts(len(x))])

    def _parts(self, n: int) -> list[slice]:
        """Return slices of problems whose matrices fit the cache together."""
        together = max(8, min(128, _CACHED // (len(self.lines.weight) * len(self.bins))))
        return [slice(i, i + together) for i in range(0, max(n, 1), together)]

    def _evaluate(self, x: FloatArray, data: ComplexArray, curved: BoolArray) -> NormalEquations:
        normalised = 1.0 / self.sampling.n_points
        state = self._line_state(x)
        powers = self._inverse_powers(state.z, 2 + bool(curved.any()))
        residual = self._residual(powers[0], state, data)
        sums, sums_of_one = self._sums(residual, powers, state.z)
        directions = self._directions(state)

        # Re<a, b> of complex vectors is the product of their pairs of real numbers
        pairs = directions.view(np.float64)
        uv = np.stack([sums[0], sums[1] - sums[0]], axis=-1).view(np.float64)
        gradient = (pairs @ uv.reshape(len(x), -1, 1))[..., 0] * normalised
        if self._few_lines:
            products = directions @ np.swapaxes(self._gram(state.z, *sums_of_one), -1, -2)
            information = pairs @ np.swapaxes(products.view(np.float64), -1, -2)
        else:
            jacobian = self._jacobian(directions, state.z, powers)
            information = jacobian @ np.swapaxes(jacobian, -1, -2)
        information *= normalised
        hessian = information.copy()
        if curved.any():
            self._add_curvature(hessian, state, sums, curved, normalised)
        cost = (residual.real**2 + residual.imag**2).sum(axis=-1) * normalised
        return NormalEquations(cost, gradient, information, hessian)

    def _line_state(self, x: FloatArray) -> _LineState:
        n, dt = self.sampling.n_points, self.sampling.dwell_time_s
        p = self.lines.physical(x)
        t0 = self.sampling.begin_time_s + self.lines.begin_shift_s(p)
        exponents = self.lines.exponents(p)
        whole = np.exp(exponents * (n * dt))
        rest = whole / (1.0 - whole)
        b = np.exp(exponents * t0) * (1.0 - whole)
        turn, amplitude = self.lines.turns(p), self.lines.amplitudes(p)
        return _LineState(
            exponents=exponents,
            z=np.exp(exponents * dt),
            scaled=amplitude * turn * b,
            kappa=t0 - (n * dt) * rest,
            kappa_slope=-((n * dt) ** 2) * rest * (1.0 + rest),
            b=b,
            turn=turn,
            amplitude=amplitude,
        )

    def _inverse_powers(self, z: ComplexArray, n: int) -> list[FloatArray]:
        """Return 1/d, 1/d^2, ... of all lines, each (B, M, J)."""
        terms = np.stack([1.0 + z.real**2 + z.imag**2, -2.0 * z.real, -2.0 * z.imag], axis=-1)
        distance = terms @ self._cosine_table
        out = [np.reciprocal(distance, out=distance)]
        while len(out) < n:
            out.append(out[-1] * out[0])
        return out

    def _residual(self, inverse: FloatArray, state: _LineState, data: ComplexArray) -> ComplexArray:
        turned = state.scaled * np.conj(state.z)
        coefficients = np.stack([state.scaled.real, state.scaled.imag, turned.real, turned.imag], axis=1)
        parts = coefficients @ inverse
        residual = data - (parts[:, 0] + 1j * parts[:, 1])
        residual += (parts[:, 2] + 1j * parts[:, 3]) * np.conj(self._turn)
        return residual

    def _sums(
        self, residual: ComplexArray, powers: list[FloatArray], z: ComplexArray
    ) -> tuple[list[ComplexArray], list[ComplexArray]]:
        """Return the sums over bins of ū^p r for every power, and for few lines those of ū and ū^2, each (B, M)."""
        turned = residual * self._turn
        rows = np.empty((len(z), 7 if self._few_lines else 4, len(self.bins)))
        rows[:, 0], rows[:, 1] = residual.real, residual.imag
        rows[:, 2], rows[:, 3] = turned.real, turned.imag
        rows[:, 4:] = self._cosine_table[: rows.shape[1] - 4]
        every = [rows @ np.swapaxes(power, -1, -2) for power in powers]
        of_residual = [(s[:, 0] + 1j * s[:, 1], z * (s[:, 2] + 1j * s[:, 3])) for s in every]
        of_one = [(s[:, 4], z * (s[:, 5] - 1j * s[:, 6])) for s in every[:2]] if self._few_lines else []
        return _sums_of_powers(z, of_residual), _sums_of_powers(z, of_one)

    def _gram(self, z: ComplexArray, of_one: ComplexArray, of_square: ComplexArray) -> ComplexArray:
        """Return the inner products of (u, u') of all lines, shape (B, 2M, 2M); u and u' of a line are neighbours."""
        n_batch, m = z.shape
        u, v = np.conj(of_one), np.conj(of_square - of_one)
        g = 1.0 - np.conj(z)[:, :, None] * z[:, None, :]
        g = np.conj(g) * (1.0 / (g.real**2 + g.imag**2))  # 1/g; faster than complex division
        g1 = g * (g - 1.0)
        h = np.conj(u)[:, :, None] + (u - len(self.bins))[:, None, :]
        hg1 = h * g1
        crossed = v[:, None, :] * g + hg1
        out = np.empty((n_batch, m, 2, m, 2), dtype=np.complex128)
        np.multiply(h, g, out=out[:, :, 0, :, 0])
        out[:, :, 0, :, 1] = crossed
        out[:, :, 1, :, 0] = np.conj(np.swapaxes(crossed, -1, -2))
        out[:, :, 1, :, 1] = (np.conj(v)[:, :, None] + v[:, None, :]) * g1 + hg1 * (2.0 * g - 1.0)
        return out.reshape(n_batch, 2 * m, 2 * m)

    def _jacobian(self, directions: ComplexArray, z: ComplexArray, powers: list[FloatArray]) -> FloatArray:
        """Return the Jacobian at the bins, real parts before imaginary ones, shape (B, P, 2J).

        A column sum_l alpha_l u_l + beta_l u'_l is a sum of products with 1/d and 1/d^2, less conj(w) times another.
        """
        n_batch, n_parameters = directions.shape[:2]
        out = np.empty((n_batch, n_parameters, 2, len(self.bins)))
        _, cosine, sine = self._cosine_table
        rho = 1.0 - (z.real**2 + z.imag**2)
        for parameters, lines in self._supports:
            n = len(parameters)
            alpha = directions[:, parameters, 2 * lines.start : 2 * lines.stop : 2]
            beta = directions[:, parameters, 2 * lines.start + 1 : 2 * lines.stop : 2]
            turn, gamma = np.conj(z)[:, None, lines], rho[:, None, lines] * beta
            product = _real_rows(alpha - beta, turn * alpha) @ powers[0][:, lines]
            product += _real_rows(gamma, turn * gamma) @ powers[1][:, lines]
            real, imag, real_turned, imag_turned = (product[:, i * n : (i + 1) * n] for i in range(4))
            out[:, parameters, 0] = real - (cosine * real_turned - sine * imag_turned)
            out[:, parameters, 1] = imag - (sine * real_turned + cosine * imag_turned)
        return out.reshape(n_batch, n_parameters, -1)

    @cached_property
    def _supports(self) -> list[tuple[list[int], slice]]:
        """Free parameters grouped by the lines that they reach, and those lines."""
        _, targets, _ = self._direction_table
        parameter, column = np.divmod(targets, 2 * len(self.lines.weight))
        groups: dict[tuple[int, int], list[int]] = {}
        for i in range(self.lines.ties.shape[1]):
            own = column[parameter == i] // 2
            ends = (int(own.min()), int(own.max()) + 1) if own.size else (0, 0)
            groups.setdefault(ends, []).append(i)
        return [(parameters, slice(*ends)) for ends, parameters in groups.items()]

    @cached_property
    def _moves(self) -> ComplexArray:
        """Derivative of every exponent by the free parameters, shape (M, P)."""
        return self.lines.slope @ self.lines.ties

    @cached_property
    def _swells(self) -> FloatArray:
        """Derivative of every line's amplitude by the free parameters, shape (M, P)."""
        k = self.lines.n_resonances
        return self.lines.by_amplitude @ self.lines.ties[2 * k : 3 * k]

    @cached_property
    def _turns(self) -> FloatArray:
        """Derivative of every line's phase by the free parameters, shape (M, P)."""
        return self.lines.phase_slope @ self.lines.ties

    @cached_property
    def _delays(self) -> FloatArray:
        """Derivative of the begin time by the free parameters, shape (P,)."""
        return self.lines.ties[-1] if self.lines.fits_begin_time else np.zeros(self.lines.ties.shape[1])

    def _directions(self, state: _LineState) -> ComplexArray:
        """Return the Jacobian's columns in terms of (u, u') of all lines, shape (B, P, 2M)."""
        sources, targets, factors = self._direction_table
        m, n_parameters = state.z.shape[-1], self.lines.ties.shape[1]
        parts = [state.scaled * state.kappa, state.turn * state.b, state.scaled, state.scaled]
        if self.lines.fits_begin_time:
            parts.append(state.scaled * state.exponents)
        entries = np.concatenate(parts, axis=-1)[:, sources] * factors
        out = np.zeros((len(entries), n_parameters * 2 * m), dtype=np.complex128)
        out[:, targets] = entries
        return out.reshape(-1, n_parameters, 2 * m)

    @cached_property
    def _direction_table(self) -> tuple[IntArray, IntArray, ComplexArray]:
        """For the few entries of `_directions` that are not zero: where from, where to, and times what.

        A free parameter moves exponents, amplitudes, the phase or the begin time, never two of them, so that no entry has two
        sources.
        """
        m = len(self.lines.weight)
        moves, swells, turns = self._moves.T, self._swells.T, self._turns.T
        every = np.ones((1, m))
        blocks = [
            (moves, 0),
            (swells, 0),
            (1j * turns, 0),
            (moves * self.sampling.dwell_time_s, 1),
            (self._delays[:, None] * every, 0),
        ]
        sources, targets, factors = [], [], []
        for i, (block, derivative) in enumerate(blocks):
            parameter, line = np.nonzero(block)
            sources.append(i * m + line)
            targets.append(2 * (parameter * m + line) + derivative)
            factors.append(block[parameter, line])
        return np.concatenate(sources), np.concatenate(targets), np.concatenate(factors).astype(np.complex128)

    def _add_curvature(
        self, hessian: FloatArray, state: _LineState, sums: list[ComplexArray], curved: BoolArray, normalised: float
    ) -> None:
        """Add -Re<d2S, r>, what Gauss-Newton leaves out, to the hessians of problems that are `curved`."""
        dt, kappa = self.sampling.dwell_time_s, state.kappa
        u1, u2, u3 = sums
        v1, v2 = u2 - u1, 2.0 * u3 - 3.0 * u2 + u1  # sums of conj(u') r and conj(u'') r
        weight = np.conj(state.turn * state.b) * (normalised * curved[:, None])
        kappa, slope = np.conj(kappa), np.conj(state.kappa_slope)
        r0 = weight * u1
        r1 = weight * (kappa * u1 + dt * v1)
        r2 = weight * ((kappa * kappa + slope) * u1 + 2.0 * dt * kappa * v1 + dt * dt * v2)
        a = state.amplitude
        features = [r0, a * r0, r1, a * r1, a * r2]
        if self.lines.fits_begin_time:
            turn = np.conj(state.exponents)
            features += [turn * r0, a * turn * r0, a * turn * turn * r0, a * (r0 + turn * r1)]
        sources, factors, first, entries = self._curvature_table
        terms = np.concatenate(features, axis=-1).view(np.float64)[:, sources] * factors
        hessian.reshape(len(hessian), -1)[:, entries] -= np.add.reduceat(terms, first, axis=-1)

    @cached_property
    def _curvature_table(self) -> tuple[IntArray, FloatArray, IntArray, IntArray]:
        """Sums of features of `_add_curvature` that make entries of a (P, P) matrix, one after the other.

        Which features, times what; the first term of each sum; and the entries.
        """
        moves, swells, turns = self._moves, self._swells, self._turns

        def both(a: FloatArray | ComplexArray, b: FloatArray | ComplexArray) -> FloatArray | ComplexArray:
            product = a[:, :, None] * b[:, None, :]
            return product + np.swapaxes(product, -1, -2)

        blocks = [
            both(1j * turns, swells),
            -both(turns, turns) / 2,
            both(swells, moves),
            both(1j * turns, moves),
            both(moves, moves) / 2,
        ]
        if self.lines.fits_begin_time:
            delay = np.broadcast_to(self._delays, swells.shape)
            blocks += [both(delay, swells), both(1j * turns, delay), both(delay, delay) / 2, both(delay, moves)]
        terms = np.conj(np.concatenate(blocks))
        terms = terms.reshape(len(terms), -1)
        # Re(t f) of complex t and f, for f viewed as pairs of real numbers
        table = np.stack([terms.real, -terms.imag], axis=1).reshape(2 * len(terms), -1)
        targets, sources = np.nonzero(table.T)
        entries, first = np.unique(targets, return_index=True)
        return sources, table[sources, targets], first, entries


def _sums_of_powers(z: ComplexArray, sums: list[tuple[AnyArray, ComplexArray]]) -> list[ComplexArray]:
    """Return the sums of ū^p r from those of r/d^p and zw r/d^p, p = 1, 2, ..., each (B, M)."""
    squared = z.real**2 + z.imag**2
    rho = 1.0 - squared
    differences = [plain - turned for plain, turned in sums]
    out = differences[:1]
    if len(sums) > 1:
        out.append(rho * differences[1] - sums[0][1])
    if len(sums) > 2:
        out.append(rho * (rho * differences[2] - sums[1][1]) - squared * differences[1] - sums[0][1])
    return out


def _real_rows(*factors: ComplexArray) -> FloatArray:
    """Return the real and imaginary rows of complex matrices (B, n, M), one below the other."""
    return np.concatenate([part for factor in factors for part in (factor.real, factor.imag)], axis=1)
