r"""Start values for a whole stack of spectra at once, from their discrete Fourier transforms.

1. **Offset.** The magnitude of the expected spectrum slides along that of each measured one; where the two overlap most lies
   the reference resonance, to the nearest bin. The whole pattern decides, so that a large neighbour is not taken for it.
2. **Reference.** Around that bin, the matched filter :math:`|\sum_k \overline{E_k} S_k| / |E|` over a grid of offsets and
   linewidths, E being the transform of a damped exponential: its highest output gives offset, width, amplitude, phase.
3. **The others** by matching pursuit (Mallat & Zhang 1993, doi:10.1109/78.258082): each spectrum is moved by whole bins so
   that its reference lies at 0, phased, and correlated with whole multiplets on a grid of centres within their windows;
   strongest expectation first, and what is found is taken away before the next. In phase, a beta triplet stands out that
   is lost in the noise point by point.
4. **Widths** of the others: expected width plus the broadening found on the reference, which an inhomogeneous field adds to
   all lines alike.

The transform of a damped exponential is a geometric series: with :math:`z = e^{\lambda\Delta t}`,

.. math:: E_k = \sum_n e^{\lambda t_n} e^{-2\pi i k n/N} = e^{\lambda t_0}\,\frac{1 - z^N}{1 - z\,e^{-2\pi i k/N}}

All templates belong to the prior and the acquisition, not to the data: `Finder` holds them, and each step on a stack is
one matrix product over the few bins around a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from p31mg.arrays import ComplexArray, FloatArray, IntArray
from p31mg.core.signal import LineStructure, Sampling

__all__ = ["Expectation", "Finder", "Start", "exponential_bins"]

_WIDTHS = 12
_OFFSET_STEP_IN_WIDTHS = 0.15
_NEAR_IN_WIDTHS = 2.0
_CENTRE_STEP_IN_WIDTHS = 0.35
"""Spacing of the grid of centres in expected linewidths: the optimum is then within 0.18 widths of a grid point."""
_WINDOW_IN_WIDTHS = 3.0
"""How far templates reach beyond the outermost line, in linewidths."""
_LEAST_AMPLITUDE = 0.02
"""Start of a resonance that was not found, relative to its expectation: above 0, where its shift has no gradient."""


@dataclass(frozen=True)
class Expectation:
    """What the prior expects, in Hz; arrays of shape (K,). Shifts are from the reference, amplitudes relative to it."""

    shift_hz: FloatArray
    shift_lower_hz: FloatArray
    shift_upper_hz: FloatArray
    linewidth_hz: FloatArray
    linewidth_lower_hz: FloatArray
    linewidth_upper_hz: FloatArray
    amplitude: FloatArray
    reference: int
    search_hz: float


@dataclass(frozen=True)
class Start:
    """Start values p (B, 3K+1), and the height (B,) of the reference behind a matched filter of unit norm over the points."""

    p: FloatArray
    reference_height: FloatArray


def exponential_bins(exponents: ComplexArray, bins: IntArray | FloatArray, sampling: Sampling) -> ComplexArray:
    """Return the transform of damped exponentials, exponents (...,) in 1/s, at bin numbers (n,): shape (..., n)."""
    z = np.exp(exponents * sampling.dwell_time_s)
    whole = np.exp(exponents * (sampling.dwell_time_s * sampling.n_points))
    scale = np.exp(exponents * sampling.begin_time_s) * (1.0 - whole)
    turn = np.exp(-2j * np.pi * np.asarray(bins) / sampling.n_points)
    return scale[..., None] / (1.0 - z[..., None] * turn)


@dataclass(frozen=True)
class Finder:
    """Templates of one prior at one acquisition, and the search for start values with them."""

    expected: Expectation
    lines: LineStructure
    sampling: Sampling

    @property
    def bin_hz(self) -> float:
        """Distance of two bins."""
        return 1.0 / (self.sampling.n_points * self.sampling.dwell_time_s)

    @cached_property
    def band(self) -> IntArray:
        """Bin numbers, from the reference, of all windows with what their lines reach beyond them."""
        e = self.expected
        reach = _WINDOW_IN_WIDTHS * e.linewidth_hz + self._half_multiplet_hz
        low = np.floor((e.shift_lower_hz - reach).min() / self.bin_hz)
        high = np.ceil((e.shift_upper_hz + reach).max() / self.bin_hz)
        half = self.sampling.n_points // 2
        return np.arange(max(int(low), -half), min(int(high), half - 1) + 1)

    @cached_property
    def _half_multiplet_hz(self) -> FloatArray:
        return np.maximum.reduceat(self.lines.offset_hz, self.lines.first_line)

    @cached_property
    def _lags(self) -> IntArray:
        reach = int(min(self.expected.search_hz / self.bin_hz, self.sampling.n_points // 4))
        return np.arange(-reach, reach + 1)

    @cached_property
    def _sliding_pattern(self) -> FloatArray:
        """Magnitude of the expected spectrum at every lag, shape (bins + lags - 1, lags)."""
        e = self.expected
        per_line = exponential_bins(self._exponents(e.shift_hz, e.linewidth_hz), self.band, self.sampling)
        weight = (e.amplitude[self.lines.resonance] * self.lines.weight)[:, None]
        magnitude = np.abs((weight * per_line).sum(axis=0))
        out = np.zeros((len(self.band) + len(self._lags) - 1, len(self._lags)))
        for i in range(len(self._lags)):
            out[i : i + len(self.band), i] = magnitude
        return out

    def _exponents(self, frequency_hz: FloatArray, linewidth_hz: FloatArray) -> ComplexArray:
        """Return the exponents of all lines for one frequency and width per resonance, shape (M,)."""
        line = self.lines.resonance
        return 2j * np.pi * (frequency_hz[line] + self.lines.offset_hz) - np.pi * linewidth_hz[line]

    @cached_property
    def _reference_grid(self) -> tuple[IntArray, FloatArray, FloatArray, ComplexArray, FloatArray]:
        """Bins around the reference; offset (Hz), width, template and its norm of every grid point."""
        e, r = self.expected, self.expected.reference
        width = e.linewidth_hz[r]
        near = _NEAR_IN_WIDTHS * max(width, self.bin_hz)
        step = max(0.5 * self.bin_hz, _OFFSET_STEP_IN_WIDTHS * width)
        offsets = step * np.arange(-np.ceil(near / step), np.ceil(near / step) + 1)
        widths = np.geomspace(e.linewidth_lower_hz[r], e.linewidth_upper_hz[r], _WIDTHS)
        half = int(np.ceil((near + _WINDOW_IN_WIDTHS * width) / self.bin_hz))
        bins = np.arange(-half, half + 1)
        grid_offset, grid_width = (g.ravel() for g in np.meshgrid(offsets, widths, indexing="ij"))
        templates = exponential_bins(2j * np.pi * grid_offset - np.pi * grid_width, bins, self.sampling)
        return bins, grid_offset, grid_width, templates, np.linalg.norm(templates, axis=-1)

    @cached_property
    def _order(self) -> list[int]:
        order = np.argsort(-self.expected.amplitude, kind="stable")
        return [int(k) for k in order if k != self.expected.reference]

    @cached_property
    def _centres(self) -> dict[int, FloatArray]:
        e = self.expected
        centres = {}
        for k in self._order:
            low, high = e.shift_lower_hz[k], e.shift_upper_hz[k]
            n = max(3, int(np.ceil((high - low) / (_CENTRE_STEP_IN_WIDTHS * e.linewidth_hz[k]))) + 1)
            centres[k] = np.linspace(low, high, n)
        return centres

    @cached_property
    def _windows(self) -> dict[int, slice]:
        """Where in the band each resonance is looked for."""
        e = self.expected
        windows = {}
        for k in self._order:
            reach = _WINDOW_IN_WIDTHS * e.linewidth_hz[k] + self._half_multiplet_hz[k]
            ends = np.array([e.shift_lower_hz[k] - reach, e.shift_upper_hz[k] + reach]) / self.bin_hz
            first, last = np.searchsorted(self.band, [np.floor(ends[0]), np.ceil(ends[1])])
            windows[k] = slice(int(first), min(int(last) + 1, len(self.band)))
        return windows

    @cached_property
    def _templates(self) -> dict[int, ComplexArray]:
        """Multiplet of unit amplitude at each centre over the whole band, shape (centres, bins)."""
        out = {}
        for k in self._order:
            own = self.lines.resonance == k
            decay = -np.pi * self.expected.linewidth_hz[k]
            exponents = 2j * np.pi * (self._centres[k][:, None] + self.lines.offset_hz[own]) + decay
            per_line = exponential_bins(exponents, self.band, self.sampling)
            out[k] = np.einsum("l,clb->cb", self.lines.weight[own], per_line)
        return out

    @cached_property
    def _filters(self) -> dict[int, ComplexArray]:
        """Conjugated templates within the window of their resonance, one centre a column."""
        return {k: np.ascontiguousarray(np.conj(self._templates[k][:, self._windows[k]]).T) for k in self._order}

    @cached_property
    def _energies(self) -> dict[int, FloatArray]:
        return {k: np.einsum("bc,bc->c", f, np.conj(f)).real for k, f in self._filters.items()}

    @cached_property
    def _overlaps(self) -> dict[tuple[int, int], FloatArray]:
        """Real inner products of the templates of one resonance with those of one looked for later."""
        order = self._order
        return {
            (k, later): (self._templates[k][:, self._windows[later]] @ self._filters[later]).real
            for i, k in enumerate(order)
            for later in order[i + 1 :]
        }

    def find(self, spectrum: ComplexArray) -> Start:
        """Return start values for transforms ``fft(fid)`` (B, N) of signals that are finite and not zero."""
        e, n_points = self.expected, self.sampling.n_points
        coarse = self._coarse_bin(spectrum)
        bins, grid_offset, grid_width, templates, norms = self._reference_grid
        around = _take(spectrum, coarse, bins)
        outputs = around @ np.conj(templates / norms[:, None]).T
        best = np.abs(outputs).argmax(axis=-1)
        output = np.take_along_axis(outputs, best[:, None], axis=-1)[:, 0]
        offset_hz, width_hz = grid_offset[best], grid_width[best]
        reference_amplitude = np.abs(output) / norms[best]

        whole_bins = np.rint(offset_hz / self.bin_hz).astype(np.intp)
        begin = self.sampling.begin_time_s
        angle = np.angle(output)
        turned = angle + 2 * np.pi * begin * self.bin_hz * whole_bins
        aligned = _take(spectrum, coarse + whole_bins, self.band) * np.exp(-1j * turned)[:, None]
        left_over = offset_hz - whole_bins * self.bin_hz
        exponents = 2j * np.pi * left_over - np.pi * width_hz
        aligned -= reference_amplitude[:, None] * exponential_bins(exponents, self.band, self.sampling)
        shift, amplitude = self._pursue(aligned)

        amplitude[:, e.reference] = reference_amplitude
        amplitude = np.maximum(amplitude, _LEAST_AMPLITUDE * e.amplitude * reference_amplitude[:, None])
        broadening = width_hz - e.linewidth_hz[e.reference]
        linewidth = e.linewidth_hz + np.maximum(broadening[:, None], -0.5 * e.linewidth_hz)
        linewidth = np.clip(linewidth, e.linewidth_lower_hz, e.linewidth_upper_hz)
        frequency = coarse * self.bin_hz + offset_hz
        phase = angle - 2 * np.pi * begin * self.bin_hz * coarse
        p = np.concatenate([shift + frequency[:, None], linewidth, amplitude, phase[:, None]], axis=-1)
        return Start(p, np.abs(output) / np.sqrt(n_points))

    def _coarse_bin(self, spectrum: ComplexArray) -> IntArray:
        """Return the bin of the reference, shape (B,)."""
        n_points = self.sampling.n_points
        first = int(self.band[0] + self._lags[0])
        extended = np.arange(first, int(self.band[-1] + self._lags[-1]) + 1) % n_points
        score = np.abs(spectrum[:, extended]) @ self._sliding_pattern
        return self._lags[score.argmax(axis=-1)]

    def _pursue(self, aligned: ComplexArray) -> tuple[FloatArray, FloatArray]:
        """Return centres from the reference (Hz) and amplitudes of all but the reference, each (B, K)."""
        shift = np.tile(self.expected.shift_hz, (len(aligned), 1))
        amplitude = np.zeros_like(shift)
        remaining = {k: (aligned[:, self._windows[k]] @ self._filters[k]).real for k in self._order}
        for i, k in enumerate(self._order):
            found = (remaining[k] / np.sqrt(self._energies[k])).argmax(axis=-1)
            shift[:, k] = self._centres[k][found]
            height = np.take_along_axis(remaining[k], found[:, None], axis=-1)[:, 0]
            amplitude[:, k] = np.maximum(height / self._energies[k][found], 0.0)
            for later in self._order[i + 1 :]:
                remaining[later] -= amplitude[:, k : k + 1] * self._overlaps[k, later][found]
        return shift, amplitude


def _take(spectrum: ComplexArray, centre: IntArray, bins: IntArray) -> ComplexArray:
    """Return the bins around a centre of each spectrum, shape (B, n)."""
    which = (centre[:, None] + bins) % spectrum.shape[-1]
    return np.take_along_axis(spectrum, which, axis=-1)
