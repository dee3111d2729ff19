r"""Start values for a whole stack of spectra at once, from their discrete Fourier transforms.

1. **Offset.** The magnitude of the expected spectrum slides along that of each measured one; where the two overlap most lies
   the reference resonance, to the nearest bin. The whole pattern decides, so that a large neighbour is not taken for it.
2. **Reference.** Around that bin, the matched filter :math:`|\sum_k \overline{E_k} S_k| / |E|` over a grid of offsets and
   linewidths, E being the transform of the reference: its highest output gives offset, width, amplitude, phase, the first two
   at the top of a parabola through the output and its neighbours.
3. **The others** by matching pursuit (Mallat & Zhang 1993, doi:10.1109/78.258082): each spectrum is moved by whole bins so
   that its reference lies at 0, phased, and correlated with whole multiplets on a grid of centres within their windows;
   strongest expectation first, and what is found is taken away before the next. In phase, a beta triplet stands out that
   is lost in the noise point by point.
4. **Widths** of the others: expected width plus the broadening found on the reference, which an inhomogeneous field adds to
   all lines alike. The filters are as wide as expected, L; behind them a line of width w has :math:`2L/(L + w)` of its
   amplitude, which is made up for.

What is found is rounded to single precision. The last digits of the products above depend on how many spectra there are; so
nothing of that reaches a fit, and its result is the same to the last bit in whatever batch.

All templates belong to the prior and the acquisition, not to the data: `Finder` holds them, and each step on a stack is
one matrix product over the few bins around a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from p31mg.arrays import ComplexArray, FloatArray, IntArray
from p31mg.core.bins import exponential_bins
from p31mg.core.signal import LineStructure, Sampling, row_by_row

__all__ = ["Expectation", "Finder", "Start", "take_bins"]

_WIDTHS = 12
_LAG_STEP_IN_WIDTHS = 0.6
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
    """What the prior expects, in Hz; arrays of shape (K,). Shifts are from the reference, amplitudes relative to it.

    The reference is looked for within `search_hz` of where it would lie if 0 ppm were at the carrier. `common`: values of the
    parameters beyond the phase, shape (E,). `begin_shift_s`: what to try to add to the begin time, and how
    `unlikely` each is, as the square of its distance from 0 in standard deviations.
    """

    shift_hz: FloatArray
    shift_lower_hz: FloatArray
    shift_upper_hz: FloatArray
    linewidth_hz: FloatArray
    linewidth_lower_hz: FloatArray
    linewidth_upper_hz: FloatArray
    amplitude: FloatArray
    common: FloatArray
    reference: int
    carrier_to_reference_hz: float
    search_hz: float
    begin_shift_s: FloatArray
    unlikely: FloatArray


@dataclass(frozen=True)
class Start:
    """What was found in B transforms.

    `p` (B, n): start values, frequencies from the carrier. `reference_height` (B,): of the reference behind a matched filter
    of unit norm over the points.
    """

    p: FloatArray
    reference_height: FloatArray


@dataclass(frozen=True)
class Finder:
    """Templates of one prior at one acquisition, and the search for start values with them.

    `bins`: those of the fit, ascending, counted from that of the reference.
    """

    expected: Expectation
    lines: LineStructure
    sampling: Sampling
    bins: IntArray

    @cached_property
    def _half_multiplet_hz(self) -> FloatArray:
        offset_hz = self._exponent.imag / (2 * np.pi) - self.expected.shift_hz[self.lines.resonance]
        return np.maximum.reduceat(offset_hz, self.lines.first_line)

    @cached_property
    def _exponent(self) -> ComplexArray:
        """Exponents at width 0 and the expected shifts and common parameters, shape (M,)."""
        k, slope = self.lines.n_resonances, self.lines.slope
        of_common = slope[:, 3 * k + 1 :]
        return self.lines.exponent + slope[:, :k] @ self.expected.shift_hz + of_common @ self.expected.common

    def _template(self, k: int, centre_hz: FloatArray, linewidth_hz: FloatArray, bins: IntArray) -> ComplexArray:
        """Return the transform of resonance k with unit amplitude for centres and widths (n,), shape (n, bins)."""
        own, lines = self.lines.resonance == k, self.lines
        slope = lines.slope[own]
        moved_hz = centre_hz[:, None] - self.expected.shift_hz[k]
        exponents = self._exponent[own] + moved_hz * slope[:, k]
        exponents = exponents + linewidth_hz[:, None] * slope[:, lines.n_resonances + k]
        return np.einsum("l,nlb->nb", lines.weight[own], exponential_bins(exponents, bins, self.sampling))

    @cached_property
    def _band(self) -> IntArray:
        """All bins from the first of the fit to the last."""
        return np.arange(self.bins[0], self.bins[-1] + 1)

    @cached_property
    def _lags(self) -> IntArray:
        e = self.expected
        step = max(1, int(_LAG_STEP_IN_WIDTHS * e.linewidth_hz[e.reference] / self.sampling.bin_hz))
        reach = int(min(e.search_hz / self.sampling.bin_hz, self.sampling.n_points // 4)) // step
        return step * (np.arange(-reach, reach + 1) + round(e.carrier_to_reference_hz / self.sampling.bin_hz / step))

    @cached_property
    def _sliding_pattern(self) -> FloatArray:
        """Magnitude of the expected spectrum at every lag, shape (bins + lags, number of lags)."""
        e = self.expected
        pattern = np.zeros(len(self._band), dtype=np.complex128)
        for k, amplitude in enumerate(e.amplitude):
            pattern += amplitude * self._template(k, e.shift_hz[[k]], e.linewidth_hz[[k]], self._band)[0]
        magnitude = np.abs(pattern)
        out = np.zeros((len(self._band) + int(self._lags[-1] - self._lags[0]), len(self._lags)))
        for i, lag in enumerate(self._lags - self._lags[0]):
            out[lag : lag + len(self._band), i] = magnitude
        return out

    @cached_property
    def _searched(self) -> IntArray:
        first = int(self._band[0] + self._lags[0])
        return np.arange(first, int(self._band[-1] + self._lags[-1]) + 1) % self.sampling.n_points

    @cached_property
    def _reference_offsets(self) -> FloatArray:
        e = self.expected
        width = e.linewidth_hz[e.reference]
        near = _NEAR_IN_WIDTHS * max(width, self.sampling.bin_hz)
        step = max(0.5 * self.sampling.bin_hz, _OFFSET_STEP_IN_WIDTHS * width)
        return step * np.arange(-np.ceil(near / step), np.ceil(near / step) + 1)

    @cached_property
    def _reference_widths(self) -> FloatArray:
        e = self.expected
        return np.geomspace(e.linewidth_lower_hz[e.reference], e.linewidth_upper_hz[e.reference], _WIDTHS)

    @cached_property
    def _reference_bins(self) -> IntArray:
        width = self.expected.linewidth_hz[self.expected.reference]
        half = int(np.ceil((self._reference_offsets[-1] + _WINDOW_IN_WIDTHS * width) / self.sampling.bin_hz))
        return np.arange(-half, half + 1)

    @cached_property
    def _reference_filters(self) -> ComplexArray:
        """Conjugated templates of unit norm, a column for every offset and width."""
        offsets, widths = np.meshgrid(self._reference_offsets, self._reference_widths, indexing="ij")
        templates = self._template(self.expected.reference, offsets.ravel(), widths.ravel(), self._reference_bins)
        return np.ascontiguousarray(np.conj(templates / np.linalg.norm(templates, axis=-1, keepdims=True)).T)

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
        """Where among the fit's bins each resonance is looked for."""
        e = self.expected
        windows = {}
        for k in self._order:
            reach = _WINDOW_IN_WIDTHS * e.linewidth_hz[k] + self._half_multiplet_hz[k]
            ends = np.array([e.shift_lower_hz[k] - reach, e.shift_upper_hz[k] + reach]) / self.sampling.bin_hz
            first, last = np.searchsorted(self.bins, [np.floor(ends[0]), np.ceil(ends[1])])
            windows[k] = slice(int(first), min(int(last) + 1, len(self.bins)))
        return windows

    @cached_property
    def _templates(self) -> dict[int, ComplexArray]:
        """Multiplet of unit amplitude at each centre over all bins, shape (centres, bins)."""
        widths = self.expected.linewidth_hz
        return {
            k: self._template(k, self._centres[k], np.full(len(self._centres[k]), widths[k]), self.bins)
            for k in self._order
        }

    @cached_property
    def _filters(self) -> dict[int, ComplexArray]:
        """Conjugated templates within the window of their resonance, one centre a column."""
        return {k: np.ascontiguousarray(np.conj(self._templates[k][:, self._windows[k]]).T) for k in self._order}

    @cached_property
    def _energies(self) -> dict[int, FloatArray]:
        return {k: np.einsum("bc,bc->c", f, np.conj(f)).real for k, f in self._filters.items()}

    @cached_property
    def _overlaps(self) -> dict[tuple[int, int], ComplexArray]:
        """Inner products of the templates of one resonance with those of one looked for later."""
        order = self._order
        return {
            (k, later): self._templates[k][:, self._windows[later]] @ self._filters[later]
            for i, k in enumerate(order)
            for later in order[i + 1 :]
        }

    def find(self, spectrum: ComplexArray) -> Start:
        """Return start values for transforms ``fft(fid)`` (B, N) of signals that are finite and not zero."""
        e = self.expected
        coarse = self._coarse_bin(spectrum)
        offset_hz, width_hz, height = self._reference(spectrum, coarse)

        centre = coarse + np.rint(offset_hz / self.sampling.bin_hz).astype(np.intp)
        nearby = take_bins(spectrum, centre, self.bins)
        left_over = offset_hz + (coarse - centre) * self.sampling.bin_hz
        template = self._template(e.reference, left_over, width_hz, self.bins)
        reference = self._amplitude(template, nearby)
        phase = np.angle(reference)
        aligned = (nearby - reference[:, None] * template) * np.exp(-1j * phase)[:, None]
        shift, amplitude, begin_shift_s = self._best_pursuit(aligned)

        broadening = width_hz - e.linewidth_hz[e.reference]
        linewidth = e.linewidth_hz + np.maximum(broadening[:, None], -0.5 * e.linewidth_hz)
        linewidth = np.clip(linewidth, e.linewidth_lower_hz, e.linewidth_upper_hz)
        amplitude *= 0.5 * (1.0 + linewidth / e.linewidth_hz)
        amplitude[:, e.reference] = np.abs(reference)
        amplitude = np.maximum(amplitude, _LEAST_AMPLITUDE * e.amplitude * amplitude[:, [e.reference]])
        relative = np.clip(shift - left_over[:, None], e.shift_lower_hz, e.shift_upper_hz)
        relative[:, e.reference] = 0.0
        frequency = coarse * self.sampling.bin_hz + offset_hz
        phase = phase - 2 * np.pi * self.sampling.begin_time_s * centre * self.sampling.bin_hz
        common = np.tile(e.common, (len(phase), 1))
        if self.lines.fits_begin_time:
            common[:, -1] = begin_shift_s
            phase -= 2 * np.pi * begin_shift_s * frequency
        else:  # phases of their own, if there are any
            own = self.lines.phase_slope[self.lines.first_line, 3 * self.lines.n_resonances + 1 :]
            common += 2 * np.pi * begin_shift_s[:, None] * row_by_row(relative, own)
        p = np.concatenate([relative + frequency[:, None], linewidth, amplitude, phase[:, None], common], axis=-1)
        height = height / np.sqrt(self.sampling.n_points)
        return Start(_single(p), _single(height))

    def _amplitude(self, template: ComplexArray, data: ComplexArray) -> ComplexArray:
        """Return the complex amplitude of the reference by least squares on the bins nearest to it, shape (B,)."""
        near = np.searchsorted(self.bins, self._reference_bins[[0, -1]])
        template, data = template[:, near[0] : near[1] + 1], data[:, near[0] : near[1] + 1]
        conjugate = np.conj(template)
        return np.einsum("bj,bj->b", conjugate, data) / np.einsum("bj,bj->b", conjugate, template).real

    def _coarse_bin(self, spectrum: ComplexArray) -> IntArray:
        """Return the bin of the reference, shape (B,)."""
        searched = spectrum[:, self._searched]
        score = np.sqrt(searched.real**2 + searched.imag**2) @ self._sliding_pattern
        return self._lags[score.argmax(axis=-1)]

    def _reference(self, spectrum: ComplexArray, coarse: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return offset from the coarse bin, width, and output of the matched filter of unit norm, each (B,)."""
        offsets, widths = self._reference_offsets, self._reference_widths
        outputs = take_bins(spectrum, coarse, self._reference_bins) @ self._reference_filters
        power = (outputs.real**2 + outputs.imag**2).reshape(-1, len(offsets), len(widths))
        i, j = np.divmod(power.reshape(len(power), -1).argmax(axis=-1), len(widths))
        each = np.arange(len(i))
        offset = offsets[i] + (offsets[1] - offsets[0]) * _top(power[each, :, j], i)
        width = widths[j] * (widths[1] / widths[0]) ** _top(power[each, i, :], j)
        return offset, width, np.sqrt(power[each, i, j])

    def _best_pursuit(self, aligned: ComplexArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what the pursuit finds, at the shift of the begin time at which it explains most, and that shift (B,)."""
        outputs: dict[int, ComplexArray] = {k: aligned[:, self._windows[k]] @ self._filters[k] for k in self._order}
        shifts_s = self.expected.begin_shift_s
        shift, amplitude, most = self._pursue(outputs, shifts_s[0])
        begin_shift_s = np.full(len(aligned), shifts_s[0])
        if len(shifts_s) == 1:
            return shift, amplitude, begin_shift_s
        power = aligned.real**2 + aligned.imag**2
        noise = np.median(power, axis=-1) / (2 * np.log(2))  # of a component of a bin; most hold little else
        most -= noise * self.expected.unlikely[0]
        for other_s, unlikely in zip(shifts_s[1:], self.expected.unlikely[1:], strict=True):
            other_shift, other_amplitude, explained = self._pursue(outputs, other_s)
            explained -= noise * unlikely
            better = explained > most
            shift[better], amplitude[better], most[better] = (
                other_shift[better],
                other_amplitude[better],
                explained[better],
            )
            begin_shift_s[better] = other_s
        return shift, amplitude, begin_shift_s

    def _pursue(
        self, outputs: dict[int, ComplexArray], begin_shift_s: float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return centres from bin 0 (Hz) and amplitudes of all but the reference, each (B, K), and the energy explained (B,).

        A shift of the begin time turns a template of centre c by 2 pi c times it.
        """
        n = len(outputs[self._order[0]])
        shift = np.tile(self.expected.shift_hz, (n, 1))
        amplitude, explained = np.zeros_like(shift), np.zeros(n)
        turn = {k: np.exp(-2j * np.pi * begin_shift_s * c) for k, c in self._centres.items()}
        remaining = {k: (outputs[k] * turn[k]).real for k in self._order}
        for i, k in enumerate(self._order):
            score = remaining[k] / np.sqrt(self._energies[k])
            found = score.argmax(axis=-1)
            centres = self._centres[k]
            shift[:, k] = centres[found] + (centres[1] - centres[0]) * _top(score, found)
            height = np.take_along_axis(remaining[k], found[:, None], axis=-1)[:, 0]
            amplitude[:, k] = np.maximum(height / self._energies[k][found], 0.0)
            explained += amplitude[:, k] * np.maximum(height, 0.0)
            for later in self._order[i + 1 :]:
                overlap = self._overlaps[k, later]
                if begin_shift_s != 0.0:
                    overlap = overlap * np.conj(turn[k])[:, None] * turn[later]
                remaining[later] -= amplitude[:, k : k + 1] * overlap.real[found]
        return shift, amplitude, explained


def _single(values: FloatArray) -> FloatArray:
    return values.astype(np.float32).astype(np.float64)


def _top(values: FloatArray, highest: IntArray) -> FloatArray:
    """Return how far, in steps, the top of the parabola lies from the highest of values (B, n): 0 at the ends."""
    each, last = np.arange(len(values)), values.shape[-1] - 1
    before, at, after = (values[each, np.clip(highest + step, 0, last)] for step in (-1, 0, 1))
    bend = 2 * at - before - after
    inside = (highest > 0) & (highest < last) & (bend > 0)
    return np.where(inside, 0.5 * (after - before) / np.where(inside, bend, 1.0), 0.0)


def take_bins(spectrum: ComplexArray, centre: IntArray, bins: IntArray) -> ComplexArray:
    """Return the bins around a centre of each spectrum, shape (B, n)."""
    which = (centre[:, None] + bins) % spectrum.shape[-1]
    return np.take_along_axis(spectrum, which, axis=-1)
