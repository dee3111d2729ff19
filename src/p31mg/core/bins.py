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

**Sums over bins.** With :math:`d = |1 - z w|^2`, a real number, :math:`\bar u^p = (1 - z w)^p / d^p`; hence

.. math:: \sum_j \bar u_j^p\, r_j = \sum_{i=0}^{p} \binom{p}{i} (-z)^i \sum_j d_j^{-p}\, w_j^i r_j

are products of a real matrix (lines by bins) with a few columns that all lines share, and so is the model. In
:math:`d = 1 + |z|^2 - 2|z| \cos(\omega - \theta_j)`, :math:`\omega = \mathrm{Im}\, q`, :math:`\theta_j = 2\pi j/N`, the cosine
is again a product, of (lines by 2) with (2 by bins). The precision lost by these differences, a factor 1/d at most, is
1e-10 for a line as narrow as 1/2500 of the spectral width.

**Second derivatives** of the model couple the parameters of a line only among themselves, and enter through
:math:`\sum_j \overline{\varepsilon}\, r`, :math:`\overline{\varepsilon'}\, r`, :math:`\overline{\varepsilon''}\, r`. For weak
lines, whose residual is all noise, Gauss-Newton halves its distance at each iteration while the full Newton step
squares it.

The fit of damped exponentials with prior knowledge is AMARES (Vanhamme, van den Boogaart, Van Huffel 1997,
doi:10.1006/jmre.1997.1244); closed sums for it go back to van der Veen, de Beer, Luyten, van Ormondt 1988
(Magn Reson Med 6:92-98). The split by partial fractions, which extends them to any set of bins, is derived above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.core.signal import LineStructure, Sampling

__all__ = ["BinModel", "NormalEquations", "exponential_bins"]

_CACHED = 2**17
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
    """What the lines are at some parameters, each (B, M): z = e^q, C = c B, κ and its derivative by λ, B, and w e^{iφ}."""

    z: ComplexArray
    scaled: ComplexArray
    kappa: ComplexArray
    kappa_slope: ComplexArray
    b: ComplexArray
    turn: ComplexArray
    amplitude: FloatArray


@dataclass(frozen=True)
class _BinSums:
    """Sums over the bins: |r|^2 (B,); of ū^p r for p = 1, 2, 3 (B, 3, M); products of (u, u') of all lines (B, 2M, 2M)."""

    energy: FloatArray
    with_residual: ComplexArray
    gram: ComplexArray


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

    @cached_property
    def _columns(self) -> FloatArray:
        """1, and the parts of w and w^2, shape (J, 5)."""
        w, w2 = self._turn, self._turn**2
        return np.stack([np.ones(len(w)), w.real, w.imag, w2.real, w2.imag], axis=-1)

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
        return NormalEquations.joined(
            [self._equations(*self._state_and_sums(x[i], data[i], curved[i]), curved[i]) for i in self._parts(len(x))]
        )

    def _parts(self, n: int) -> list[slice]:
        together = max(8, min(128, _CACHED // (len(self.lines.weight) * len(self.bins))))
        return [slice(i, i + together) for i in range(0, max(n, 1), together)]

    def _state_and_sums(self, x: FloatArray, data: ComplexArray, curved: BoolArray) -> tuple[_LineState, _BinSums]:
        state = self._line_state(x)
        return state, self._bin_sums(state, data, third=bool(curved.any()))

    def _equations(self, state: _LineState, sums: _BinSums, curved: BoolArray) -> NormalEquations:
        normalised = 1.0 / self.sampling.n_points
        directions = self._directions(state)
        u, v = sums.with_residual[:, 0], sums.with_residual[:, 1] - sums.with_residual[:, 0]
        # Re<a, b> of complex vectors is the product of their pairs of real numbers
        pairs = directions.view(np.float64)
        gradient = (pairs @ np.concatenate([u, v], axis=-1).view(np.float64)[..., None])[..., 0] * normalised
        products = directions @ np.swapaxes(sums.gram, -1, -2)
        information = pairs @ np.swapaxes(products.view(np.float64), -1, -2)
        information *= normalised
        hessian = information.copy()
        if curved.any():
            self._add_curvature(hessian, state, sums, curved, normalised)
        return NormalEquations(sums.energy * normalised, gradient, information, hessian)

    def _line_state(self, x: FloatArray) -> _LineState:
        n, dt, t0 = self.sampling.n_points, self.sampling.dwell_time_s, self.sampling.begin_time_s
        p = self.lines.physical(x)
        exponents = self.lines.exponents(p)
        whole = np.exp(exponents * (n * dt))
        rest = whole / (1.0 - whole)
        b = np.exp(exponents * t0) * (1.0 - whole)
        turn, amplitude = self.lines.turns(p), self.lines.amplitudes(p)
        return _LineState(
            z=np.exp(exponents * dt),
            scaled=amplitude * turn * b,
            kappa=t0 - (n * dt) * rest,
            kappa_slope=-((n * dt) ** 2) * rest * (1.0 + rest),
            b=b,
            turn=turn,
            amplitude=amplitude,
        )

    def _bin_sums(self, state: _LineState, data: ComplexArray, *, third: bool) -> _BinSums:
        z, n_bins = state.z, len(self.bins)
        with_residual = np.zeros((len(z), 3, z.shape[-1]), dtype=np.complex128)
        alone = np.empty((len(z), 2, z.shape[-1]), dtype=np.complex128)
        inverse = self._inverse_distance(z)
        columns = self._residual_columns(inverse, z, state.scaled, data)
        residual, flat = columns[..., 0], columns.view(np.float64)
        energy = (residual.real**2 + residual.imag**2).sum(axis=-1)
        power = inverse
        for order in range(2 + third):
            if order:
                power = power * inverse
            sums = (power @ flat[..., : 2 * (order + 2)]).view(np.complex128)
            with_residual[:, order] = _binomial(sums, z)
            if order < 2:
                of_one = power.reshape(-1, n_bins) @ self._columns[:, : 3 + 2 * order]
                alone[:, order] = _binomial_of_one(of_one.reshape(*z.shape, -1), z)
        return _BinSums(energy, with_residual, self._gram(z, alone))

    def _inverse_distance(self, z: ComplexArray) -> FloatArray:
        """Return 1/d, shape (B, M, J)."""
        terms = np.stack([1.0 + z.real**2 + z.imag**2, -2.0 * z.real, -2.0 * z.imag], axis=-1)
        distance = terms @ self._cosine_table
        return np.reciprocal(distance, out=distance)

    def _residual_columns(
        self, inverse: FloatArray, z: ComplexArray, scaled: ComplexArray, data: ComplexArray
    ) -> ComplexArray:
        """Return r, w r, w^2 r, w^3 r in columns, shape (B, J, 4)."""
        turned = scaled * np.conj(z)
        coefficients = np.stack([scaled.real, scaled.imag, turned.real, turned.imag], axis=1)
        parts = coefficients @ inverse
        out = np.empty((*data.shape, 4), dtype=np.complex128)
        residual = data - (parts[:, 0] + 1j * parts[:, 1])
        residual += (parts[:, 2] + 1j * parts[:, 3]) * np.conj(self._turn)
        out[..., 0] = residual
        for i in range(1, 4):
            residual = residual * self._turn
            out[..., i] = residual
        return out

    def _gram(self, z: ComplexArray, alone: ComplexArray) -> ComplexArray:
        """Return the inner products of (u, u') of all lines, (B, 2M, 2M), from the sums of u and u^2 (B, 2, M)."""
        n_batch, m = z.shape
        u, v = alone[:, 0], alone[:, 1] - alone[:, 0]
        g = 1.0 / (1.0 - np.conj(z)[:, :, None] * z[:, None, :])
        g1 = g * (g - 1.0)
        h = np.conj(u)[:, :, None] + (u - len(self.bins))[:, None, :]
        hg1 = h * g1
        out = np.empty((n_batch, 2 * m, 2 * m), dtype=np.complex128)
        np.multiply(h, g, out=out[:, :m, :m])
        crossed = v[:, None, :] * g + hg1
        out[:, :m, m:] = crossed
        out[:, m:, :m] = np.conj(np.swapaxes(crossed, -1, -2))
        out[:, m:, m:] = (np.conj(v)[:, :, None] + v[:, None, :]) * g1 + hg1 * (2.0 * g - 1.0)
        return out

    @cached_property
    def _moves(self) -> ComplexArray:
        """Derivative of every exponent by the free parameters, shape (M, P)."""
        return self.lines.slope @ self.lines.ties

    @cached_property
    def _swells(self) -> FloatArray:
        """Derivative of every line's amplitude by the free parameters, shape (M, P)."""
        k = self.lines.n_resonances
        return self.lines.ties[2 * k : 3 * k][self.lines.resonance]

    @cached_property
    def _turns(self) -> FloatArray:
        """Derivative of the phase by the free parameters, shape (P,)."""
        return self.lines.ties[3 * self.lines.n_resonances]

    def _directions(self, state: _LineState) -> ComplexArray:
        """Return the Jacobian's columns in terms of (u, u') of all lines, shape (B, P, 2M)."""
        sources, targets, factors = self._direction_table
        m, n_parameters = state.z.shape[-1], self.lines.ties.shape[1]
        parts = [state.scaled * state.kappa, state.turn * state.b, state.scaled, state.scaled]
        entries = np.concatenate(parts, axis=-1)[:, sources] * factors
        out = np.zeros((len(entries), n_parameters * 2 * m), dtype=np.complex128)
        if len(np.unique(targets)) == len(targets):
            out[:, targets] = entries
        else:
            np.add.at(out, (slice(None), targets), entries)
        return out.reshape(-1, n_parameters, 2 * m)

    @cached_property
    def _direction_table(self) -> tuple[IntArray, IntArray, ComplexArray]:
        """For the few entries of `_directions` that are not zero: where from, where to, and times what."""
        m = len(self.lines.weight)
        moves, swells, turns = self._moves.T, self._swells.T, self._turns[:, None]
        blocks = [(moves, 0), (swells, 0), (1j * turns * np.ones((1, m)), 0), (moves * self.sampling.dwell_time_s, m)]
        sources, targets, factors = [], [], []
        for i, (block, shift) in enumerate(blocks):
            parameter, line = np.nonzero(block)
            sources.append(i * m + line)
            targets.append(parameter * 2 * m + shift + line)
            factors.append(block[parameter, line])
        return np.concatenate(sources), np.concatenate(targets), np.concatenate(factors).astype(np.complex128)

    def _add_curvature(
        self, hessian: FloatArray, state: _LineState, sums: _BinSums, curved: BoolArray, normalised: float
    ) -> None:
        """Add -Re<d2S, r>, what Gauss-Newton leaves out, to the hessians of problems that are `curved`."""
        dt, kappa = self.sampling.dwell_time_s, state.kappa
        u1, u2, u3 = np.moveaxis(sums.with_residual, 1, 0)
        v1, v2 = u2 - u1, 2.0 * u3 - 3.0 * u2 + u1  # sums of conj(u') r and conj(u'') r
        weight = np.conj(state.turn * state.b) * (normalised * curved[:, None])
        kappa, slope = np.conj(kappa), np.conj(state.kappa_slope)
        r0 = weight * u1
        r1 = weight * (kappa * u1 + dt * v1)
        r2 = weight * ((kappa * kappa + slope) * u1 + 2.0 * dt * kappa * v1 + dt * dt * v2)
        features = np.concatenate([r0, state.amplitude * r0, r1, state.amplitude * r1, state.amplitude * r2], axis=-1)
        table, entries = self._curvature_table
        hessian.reshape(len(hessian), -1)[:, entries] -= features.view(np.float64) @ table

    @cached_property
    def _curvature_table(self) -> tuple[FloatArray, IntArray]:
        """Real matrix from the features of `_add_curvature` to those entries of a (P, P) matrix that they reach."""
        moves, swells, turns = self._moves, self._swells, self._turns

        def both(a: ComplexArray, b: ComplexArray) -> ComplexArray:
            product = a[:, :, None] * b[:, None, :]
            return product + np.swapaxes(product, -1, -2)

        phase = np.broadcast_to(turns, swells.shape)
        terms = np.concatenate(
            [
                both(1j * phase, swells),
                -both(phase, phase) / 2,
                both(swells, moves),
                both(1j * phase, moves),
                both(moves, moves) / 2,
            ]
        )
        terms = np.conj(terms).reshape(len(terms), -1)
        # Re(t f) of complex t and f, for f viewed as pairs of real numbers
        table = np.stack([terms.real, -terms.imag], axis=1).reshape(2 * len(terms), -1)
        entries = np.flatnonzero(table.any(axis=0))
        return np.ascontiguousarray(table[:, entries]), entries


def _binomial(sums: ComplexArray, z: ComplexArray) -> ComplexArray:
    """Return the sums of (1 - z w)^p from those of w^i, i = 0..p on the last axis."""
    order = sums.shape[-1] - 1
    if order == 1:
        return sums[..., 0] - z * sums[..., 1]
    if order == 2:
        return sums[..., 0] - z * (2.0 * sums[..., 1] - z * sums[..., 2])
    return sums[..., 0] - z * (3.0 * sums[..., 1] - z * (3.0 * sums[..., 2] - z * sums[..., 3]))


def _binomial_of_one(parts: FloatArray, z: ComplexArray) -> ComplexArray:
    """Return the sums of u^p = conj((1 - z w)^p) from the real sums of 1, Re w, Im w, ..."""
    powers = parts[..., 1::2] + 1j * parts[..., 2::2]
    return np.conj(_binomial(np.concatenate([parts[..., :1], powers], axis=-1), z))
