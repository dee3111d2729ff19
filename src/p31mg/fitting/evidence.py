r"""What a fit has left in the data that a richer model would describe: a broad signal, or lines of another shape.

**Broad signal.** Phospholipids of membranes and bone make humps many ppm wide. In the FID a feature wider than w decays
within :math:`1/\pi w`: it lives in the first points only. Of the residual's bins the part is taken that points so early can
make (the space of their transforms within the fitted bins), and its energy compared with that of noise.

**Lineshape.** The reference is the strongest line; a field that broadens all lines alike shows on it first. Its line alone
is written with a small Gaussian width and a skew; the fall of the cost that Gauss-Newton predicts for these two, beyond what
shift, width, amplitude and phase of the same line would give, is a score test with two degrees of freedom.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.core.bins import BinModel, NormalEquations
from p31mg.core.levenberg_marquardt import scaled
from p31mg.core.signal import LineStructure
from p31mg.core.start import take_bins
from p31mg.fitting.problem import Problem

__all__ = ["Evidence", "early_points", "points_until"]

BROAD_PPM = 6.0
"""Features wider than this are no line of a small molecule at any field."""

_FALSE_ALARM_SD = 3.72
"""Quantile of the normal distribution: once in 10000 spectra noise alone is taken for a broad signal."""

_SHAPE_THRESHOLD = 16.0
"""Of a chi-square with 2 degrees of freedom; noise alone exceeds it once in 3000 spectra."""

_NEAR_REFERENCE_PPM = 1.2
_OFF_REFERENCE_PPM = 1.5
_SMALL_WIDTH = 0.3
"""Gaussian width at which the test is made, in fitted linewidths: small, yet far above the errors of the envelope's terms."""

_IN_BAND = 0.5
"""Share of its energy that a signal of the first points must have in the fitted bins to be looked for."""

NEAR_ATP_PPM = 1.0
"""Around the windows of alpha and beta: where a residual above the noise casts doubt on their shifts."""

_LEAST_NOISE = 1e-4
"""Of a point, relative to the largest: with less noise every approximation of the model would be found."""


class Evidence:
    """Tests of fits by one `problem`; `richer` is the same with a field that broadens all lines, or None."""

    def __init__(self, problem: Problem, richer: Problem | None) -> None:
        self.problem, self.richer = problem, richer
        reach = _OFF_REFERENCE_PPM * problem.spectrometer_frequency_mhz / problem.sampling.bin_hz
        self._off_reference = np.flatnonzero(np.abs(problem.bins) > reach)
        self._early, self._limit = _early_basis(problem, problem.bins[self._off_reference])

    def left_over(self, spectrum: ComplexArray, y: FloatArray) -> ComplexArray:
        """Return the residual in the bins around the reference, for transforms (B, n_points) and reported parameters (B, n)."""
        centre, seen = self.problem.nearest_bin(y)
        data = take_bins(spectrum, centre, self.problem.bins)
        return self.problem.model.residual(self.problem.free(seen), data)

    def excess(self, residual: ComplexArray, noise_sd: FloatArray) -> FloatArray:
        """Return the root mean square of the residual around alpha and beta over the noise, (B,); 1 without any noise."""
        near = residual[:, self._near_atp]
        degrees_of_freedom = 2 * near.shape[-1] * (1.0 - self.problem.ties.shape[1] / (2 * residual.shape[-1]))
        power = (near.real**2 + near.imag**2).sum(axis=-1) / (self.problem.sampling.n_points * degrees_of_freedom)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(noise_sd > 0, np.sqrt(power) / noise_sd, 1.0)

    @cached_property
    def _near_atp(self) -> IntArray:
        e, margin = self.problem.expectation, NEAR_ATP_PPM * self.problem.spectrometer_frequency_mhz
        hz = self.problem.bins * self.problem.sampling.bin_hz
        near = [
            (hz > e.shift_lower_hz[k] - margin) & (hz < e.shift_upper_hz[k] + margin) for k in self.problem.alpha_beta
        ]
        return np.flatnonzero(np.logical_or(*near))

    def broad(self, residual: ComplexArray, noise_sd: FloatArray) -> BoolArray:
        """Return where the first points hold more than noise of sd `noise_sd` (B,), in the units of the fit.

        Bins near the reference are left out: what its shape leaves over there is no broad signal.
        """
        early = residual[:, None, self._off_reference] @ self._early
        energy = (early.real**2 + early.imag**2).sum(axis=(-2, -1)) / self.problem.sampling.n_points
        return energy > self._limit * np.maximum(noise_sd, _LEAST_NOISE) ** 2

    def misshapen(self, residual: ComplexArray, y: FloatArray, noise_sd: FloatArray) -> BoolArray:
        """Return where the reference has another shape than the model's."""
        if self.richer is None:
            return np.zeros(len(y), dtype=bool)
        k, r = len(self.problem.prior.names), self.problem.reference
        _, seen = self.problem.nearest_bin(y)
        line = seen[:, [r, k + r, 2 * k + r, 3 * k]]
        x = np.concatenate([line, _SMALL_WIDTH * line[:, [1]], np.zeros_like(line[:, :1])], axis=-1)
        which, model = self._reference
        data = residual[:, which]
        data = data - model.residual(x, np.zeros_like(data))
        at = model.evaluate(x, data)
        fall = _predicted_fall(at, 6) - _predicted_fall(at, 4)
        return fall > _SHAPE_THRESHOLD * np.maximum(noise_sd, _LEAST_NOISE) ** 2

    @cached_property
    def _reference(self) -> tuple[IntArray, BinModel]:
        """Which of the fitted bins are near the reference, and the model of its line alone there."""
        problem = self.richer or self.problem
        lines = problem.lines
        k, r = len(problem.prior.names), problem.reference
        own = lines.resonance == r
        field = 3 * k + 1 + np.array([problem.common.index(n) for n in ("gaussian_linewidth_hz", "field_skew_hz")])
        columns = np.concatenate([[r, k + r, 2 * k + r, 3 * k], field])
        alone = LineStructure(
            resonance=np.zeros(own.sum(), dtype=np.intp),
            weight=lines.weight[own],
            exponent=lines.exponent[own],
            slope=lines.slope[own][:, columns],
            phase_slope=lines.phase_slope[own][:, columns],
            ties=np.eye(len(columns)),
        )
        reach = _NEAR_REFERENCE_PPM * problem.spectrometer_frequency_mhz / problem.sampling.bin_hz
        which = np.flatnonzero(np.abs(problem.bins) <= reach)
        return which, BinModel(alone, problem.sampling, problem.bins[which])


def early_points(problem: Problem) -> int:
    """Return in how many points a broad signal decays."""
    return int(np.ceil(_lifetime_s(problem) / problem.sampling.dwell_time_s))


def points_until(lifetimes: float, problem: Problem) -> int:
    """Return how many points lie within so many lifetimes of a broad signal after the excitation."""
    until_s = lifetimes * _lifetime_s(problem) - problem.sampling.begin_time_s
    return max(int(np.ceil(until_s / problem.sampling.dwell_time_s)), 0)


def _lifetime_s(problem: Problem) -> float:
    return 1.0 / (np.pi * BROAD_PPM * problem.spectrometer_frequency_mhz)


def _early_basis(problem: Problem, bins: IntArray) -> tuple[ComplexArray, float]:
    """Return an orthonormal basis (J, q) of what the first points can make in the fitted bins, conjugated, and a limit.

    The limit is on its energy, in units of the noise variance of a component.
    """
    n = early_points(problem)
    transforms = np.exp(-2j * np.pi * np.outer(bins, np.arange(n)) / problem.sampling.n_points)
    basis, singular, _ = np.linalg.svd(transforms / np.sqrt(problem.sampling.n_points), full_matrices=False)
    basis = basis[:, singular**2 > _IN_BAND] if (singular**2 > _IN_BAND).any() else basis[:, :1]
    k = 2 * basis.shape[1]  # degrees of freedom of a chi-square; its quantile by Wilson & Hilferty 1931
    limit = k * (1.0 - 2.0 / (9.0 * k) + _FALSE_ALARM_SD * np.sqrt(2.0 / (9.0 * k))) ** 3
    return np.conj(basis), float(limit)


def _predicted_fall(at: NormalEquations, n: int) -> FloatArray:
    """Return the fall of the cost that the first n parameters promise, (B,)."""
    part = replace(at, information=at.information[:, :n, :n], gradient=at.gradient[:, :n])
    unit, scale = scaled(part.information, part.diagonal <= 0, part.diagonal)
    np.einsum("bii->bi", unit)[...] += 1e-9
    g = part.gradient * scale
    return (g * np.linalg.solve(unit, g[..., None])[..., 0]).sum(axis=-1)
