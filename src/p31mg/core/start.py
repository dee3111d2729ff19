"""Start values for a whole stack of spectra at once.

1. **Offset.** The magnitude spectrum, apodised by the expected width, is correlated with that of the expected spectrum;
   the best shift within the search window, refined to the highest nearby point, is where the reference resonance lies.
   The whole pattern decides, so that a large neighbour is not taken for the reference.
2. **Width and phase** of the reference: the matched filter exp(-pi L t) of highest output over a grid of L.
3. **Centres and amplitudes** of the others by matching pursuit (Mallat & Zhang 1993, doi:10.1109/78.258082) on a grid
   of multiplet centres within their windows: strongest expectation first; what is found is taken away before the next.
   Correlating with whole multiplets, in phase, finds a beta triplet that is lost in the noise point by point.
4. **Widths** of the others: expected width plus the broadening found on the reference, which an inhomogeneous field adds
   to all lines alike.

Everything after the first step happens on signals with the reference moved to 0 Hz, so that all templates are shared by
the stack and each step is one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from p31mg.arrays import ComplexArray, FloatArray
from p31mg.core.signal import LineStructure, Sampling, model_fid

__all__ = ["Expectation", "Start", "start_values"]


_ZERO_FILL = 2
_WIDTH_GRID_STEPS = 16
_GRID_STEP_IN_WIDTHS = 0.35
"""Spacing of the grid of centres in expected linewidths: the optimum is then within 0.18 widths of a grid point."""
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

    def parameters(self) -> FloatArray:
        """Return p of the expected spectrum with the reference at 0 Hz and phase 0, shape (3K+1,)."""
        return np.concatenate([self.shift_hz, self.linewidth_hz, self.amplitude, [0.0]])


@dataclass(frozen=True)
class Start:
    """Start values p (B, 3K+1), and the matched-filter `height` of the reference over the norm of its filter (B,)."""

    p: FloatArray
    reference_height: FloatArray


def start_values(fid: ComplexArray, expected: Expectation, lines: LineStructure, sampling: Sampling) -> Start:
    """Return start values for signals (B, N), all finite and none entirely zero."""
    offset_hz = _reference_offset_hz(fid, expected, lines, sampling)
    at_zero = fid * np.exp(-2j * np.pi * offset_hz[:, None] * sampling.time_s)

    width_grid = np.geomspace(
        expected.linewidth_lower_hz[expected.reference],
        expected.linewidth_upper_hz[expected.reference],
        _WIDTH_GRID_STEPS,
    )
    decays = np.exp(-np.pi * width_grid[:, None] * sampling.time_s)
    norms = np.linalg.norm(decays, axis=-1)
    heights = np.abs(at_zero @ (decays / norms[:, None]).T)
    best = heights.argmax(axis=-1)
    reference_filter = (decays / norms[:, None] ** 2)[best]
    reference_signal = np.einsum("bn,bn->b", at_zero, reference_filter)
    phase = np.angle(reference_signal)

    broadening = width_grid[best] - expected.linewidth_hz[expected.reference]
    linewidth = expected.linewidth_hz + np.maximum(broadening[:, None], -0.5 * expected.linewidth_hz)
    linewidth = np.clip(linewidth, expected.linewidth_lower_hz, expected.linewidth_upper_hz)

    in_phase = at_zero * np.exp(-1j * phase)[:, None]
    in_phase -= np.abs(reference_signal)[:, None] * decays[best]
    shift, amplitude = _pursue(in_phase, expected, lines, sampling)
    amplitude[:, expected.reference] = np.abs(reference_signal)
    floor = _LEAST_AMPLITUDE * expected.amplitude * np.abs(reference_signal)[:, None]
    p = np.concatenate([shift + offset_hz[:, None], linewidth, np.maximum(amplitude, floor), phase[:, None]], axis=-1)
    return Start(p, heights.max(axis=-1))


def _reference_offset_hz(
    fid: ComplexArray, expected: Expectation, lines: LineStructure, sampling: Sampling
) -> FloatArray:
    """Return where the reference resonance lies, in Hz from the carrier, shape (B,)."""
    n_fft = scipy.fft.next_fast_len(_ZERO_FILL * sampling.n_points)
    bin_hz = 1.0 / (n_fft * sampling.dwell_time_s)
    apodisation = np.exp(
        -np.pi * expected.linewidth_hz[expected.reference] * sampling.dwell_time_s * np.arange(sampling.n_points)
    )
    magnitude = np.abs(scipy.fft.fft(fid * apodisation, n_fft))
    pattern = model_fid(expected.parameters(), lines, sampling).sum(axis=0)
    template = np.abs(scipy.fft.fft(pattern * apodisation, n_fft))
    score = scipy.fft.irfft(scipy.fft.rfft(magnitude) * np.conj(scipy.fft.rfft(template)), n_fft)

    reach = int(min(expected.search_hz / bin_hz, (n_fft - 1) // 2))
    lags = np.arange(-reach, reach + 1)
    coarse = lags[score[:, lags].argmax(axis=-1)]
    near = max(1, round(2 * expected.linewidth_hz[expected.reference] / bin_hz))
    candidates = coarse[:, None] + np.arange(-near, near + 1)
    rows = np.arange(len(fid))
    peak = candidates[rows, np.take_along_axis(magnitude, candidates % n_fft, axis=-1).argmax(axis=-1)]
    left, middle, right = (magnitude[rows, (peak + i) % n_fft] for i in (-1, 0, 1))
    curvature = left - 2 * middle + right
    fraction = np.where(curvature < 0, 0.5 * (left - right) / np.where(curvature < 0, curvature, -1.0), 0.0)
    return (peak + np.clip(fraction, -0.5, 0.5)) * bin_hz


def _pursue(
    fid: ComplexArray, expected: Expectation, lines: LineStructure, sampling: Sampling
) -> tuple[FloatArray, FloatArray]:
    """Return centres (Hz) and amplitudes of all but the reference, each (B, K), from signals in phase."""
    n_resonances = lines.n_resonances
    shift = np.tile(expected.shift_hz, (len(fid), 1))
    amplitude = np.zeros((len(fid), n_resonances))
    order = [k for k in np.argsort(-expected.amplitude) if k != expected.reference]
    centres = {k: _centres(expected, k) for k in order}
    templates = {k: _templates(k, centres[k], expected, lines, sampling) for k in order}
    remaining = {k: fid @ np.conj(templates[k]).T for k in order}
    for step, k in enumerate(order):
        energy = np.linalg.norm(templates[k], axis=-1) ** 2
        projected = remaining[k].real / energy
        found = (projected * np.sqrt(energy)).argmax(axis=-1)
        shift[:, k] = centres[k][found]
        amplitude[:, k] = np.maximum(np.take_along_axis(projected, found[:, None], axis=-1)[:, 0], 0.0)
        for later in order[step + 1 :]:
            overlap = templates[k] @ np.conj(templates[later]).T
            remaining[later] -= amplitude[:, k : k + 1] * overlap[found]
    return shift, amplitude


def _centres(expected: Expectation, k: int) -> FloatArray:
    low, high = expected.shift_lower_hz[k], expected.shift_upper_hz[k]
    n = max(3, int(np.ceil((high - low) / (_GRID_STEP_IN_WIDTHS * expected.linewidth_hz[k]))) + 1)
    return np.linspace(low, high, n)


def _templates(
    k: int, centres: FloatArray, expected: Expectation, lines: LineStructure, sampling: Sampling
) -> ComplexArray:
    """Return the multiplet of resonance k at each centre with unit amplitude, shape (n_centres, N)."""
    own = lines.resonance == k
    exponent = 2j * np.pi * lines.offset_hz[own] - np.pi * expected.linewidth_hz[k]
    shape = lines.weight[own] @ np.exp(exponent[:, None] * sampling.time_s)
    return shape * np.exp(2j * np.pi * centres[:, None] * sampling.time_s)
