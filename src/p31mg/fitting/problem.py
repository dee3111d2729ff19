"""The least-squares problem that a prior and an acquisition make: lines, ties, bounds, and the way back to ppm.

Three parameter vectors, each a linear map of the one before:

* **free** x, what a fit varies: frequency of the reference (Hz from the carrier), centre of every other multiplet (Hz from
  the reference), the linewidths that are not shared, the amplitudes, the phase, and what all have in common. With shifts
  relative to the reference, bounds and covariances are those of chemical shifts, wherever the carrier was. A Gaussian width G
  and a skew are G = x1 + x2 and r (x1 - x2), so that the bounds x1, x2 >= 0 keep the skew within +-r G;
* **reported** y, what a result shows: (shifts, linewidths, amplitudes) of every resonance in the prior's order, the phase, and
  what else all have in common;
* the **core's** p: the same with every frequency from the carrier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import ComplexArray, FloatArray, IntArray
from p31mg.core.bins import BinModel
from p31mg.core.envelope import LARGEST_SKEW_RATIO
from p31mg.core.penalty import Penalty
from p31mg.core.signal import LineStructure, Sampling
from p31mg.core.start import Expectation, Finder
from p31mg.prior import Prior, common_parameters, common_range, line_structure

__all__ = ["LARGEST_SKEW_PER_HZ", "Problem"]


FITTED_PPM = 1.5
"""How far around the windows the spectrum is fitted. What lies beyond says next to nothing about the shifts: leaving it out
raises the Cramer-Rao bound of the alpha-beta difference by 0.1 % (muscle, 3 T), by 1.5 % at a PCr linewidth of 40 Hz."""

KEPT_DECAYS = 4.0
"""Points later than so many T2* of PCr, the narrowest line, are left out of a fit. They hold exp(-8) of its energy, 1 % of what
can be known of its position and nothing of the broader lines of ATP."""

_BINS_PER_PARAMETER = 4
"""At least so many bins remain, for a measure of the noise that is good to 6 %."""

LARGEST_SKEW_PER_HZ = float(LARGEST_SKEW_RATIO / np.sqrt(8 * np.log(2)))
"""Largest skew of a field per Hz of its FWHM."""

_FREE_BEGIN_S = 6e-4
"""Errors of the begin time that start values of free phases are looked for in."""

_SHORTENING = 2**-0.5
"""From one of the lengths of which a fit uses the shortest that will do, to the next."""


_NO_SAMPLING = Sampling(0, 1.0, 0.0)


@dataclass(frozen=True)
class Problem:
    """A prior at a spectrometer frequency and a sampling.

    `sampling` begins at `first_point` of the FID. `sd_begin_time_s` is that of the begin time where it is a parameter.
    """

    prior: Prior
    spectrometer_frequency_mhz: float
    sampling: Sampling
    sd_begin_time_s: float = 0.0
    first_point: int = 0

    @classmethod
    def of(cls, spectra: Spectra, prior: Prior) -> Problem:
        """Return the problem of fitting `prior` to `spectra`."""
        a = spectra.acquisition
        prior = prior.at(a.spectrometer_frequency_mhz)
        sampling = Sampling(spectra.n_points, a.dwell_time_s, a.begin_time_s)
        return cls(prior, a.spectrometer_frequency_mhz, sampling, a.sd_begin_time_s)

    def without_first(self, n_points: int) -> Problem:
        """Return the problem of the points after so many that are left out."""
        s = self.sampling
        later = Sampling(s.n_points - n_points, s.dwell_time_s, s.begin_time_s + n_points * s.dwell_time_s)
        return replace(self, sampling=later, first_point=self.first_point + n_points)

    @cached_property
    def reference(self) -> int:
        """Position of the reference among the resonances."""
        return self.prior.index(self.prior.reference)

    @property
    def reference_ppm(self) -> float:
        """Where the reference lies by definition: 0 for PCr."""
        return self.prior[self.prior.reference].chemical_shift_ppm

    @cached_property
    def alpha_beta(self) -> tuple[int, int]:
        """Positions of alpha- and beta-ATP."""
        return self.prior.index("alpha_atp"), self.prior.index("beta_atp")

    @cached_property
    def shifted(self) -> list[int]:
        """Positions of the resonances that have a shift of their own: all but the reference."""
        return [k for k in range(len(self.prior.names)) if k != self.reference]

    @cached_property
    def width_owner(self) -> list[int]:
        """For each resonance, the one whose linewidth parameter it uses."""
        return [self.prior.index(r.linewidth_as or r.name) for r in self.prior.resonances]

    @cached_property
    def own_widths(self) -> list[int]:
        """Positions of the resonances with a linewidth parameter of their own."""
        return [k for k, owner in enumerate(self.width_owner) if owner == k]

    @cached_property
    def lines(self) -> LineStructure:
        """Lines and ties for the core."""
        return _lines(replace(self, sampling=_NO_SAMPLING, sd_begin_time_s=0.0, first_point=0))

    @cached_property
    def common(self) -> list[str]:
        """Names of the parameters beyond the phase that all resonances have in common."""
        return common_parameters(self.prior)

    @cached_property
    def common_bounds(self) -> FloatArray:
        """Lower and upper bounds of the common parameters, shape (2, E)."""
        return common_range(self.prior)[1:]

    @cached_property
    def ties(self) -> FloatArray:
        """Matrix that gives the reported parameters y of the free ones x.

        The shift of the reference is its frequency from the carrier, all others are relative to it. Shape (n, P).
        """
        k = len(self.prior.names)
        n_widths = len(self.own_widths)
        last = k + 1 + len(self.common)
        ties = np.zeros((2 * k + last, k + n_widths + last))
        ties[self.reference, 0] = 1.0
        ties[self.shifted, range(1, k)] = 1.0
        for resonance, owner in enumerate(self.width_owner):
            ratio = self.prior.resonances[resonance].linewidth_hz / self.prior.resonances[owner].linewidth_hz
            ties[k + resonance, k + self.own_widths.index(owner)] = ratio
        ties[2 * k :, k + n_widths :] = np.eye(last)
        if self._skewed is not None:
            i, j = self._skewed, k + n_widths - 2 * k + self._skewed
            ties[i : i + 2, j : j + 2] = [[1.0, 1.0], [LARGEST_SKEW_PER_HZ, -LARGEST_SKEW_PER_HZ]]
        return ties

    @cached_property
    def _skewed(self) -> int | None:
        """Position in y of the Gaussian width that a skew comes after."""
        if "field_skew_hz" not in self.common:
            return None
        return 3 * len(self.prior.names) + self.common.index("field_skew_hz")

    @cached_property
    def from_carrier(self) -> FloatArray:
        """Matrix that gives the core's parameters p, with all frequencies from the carrier, of the reported ones y."""
        matrix = np.eye(self.ties.shape[0])
        matrix[self.shifted, self.reference] = 1.0
        return matrix

    @cached_property
    def expectation(self) -> Expectation:
        """What the prior expects, in Hz."""
        rows, zero = self.prior.resonances, self.reference_ppm
        hz = self.spectrometer_frequency_mhz
        return Expectation(
            shift_hz=hz * np.array([r.chemical_shift_ppm - zero for r in rows]),
            shift_lower_hz=hz * np.array([r.shift_bounds_ppm[0] - zero for r in rows]),
            shift_upper_hz=hz * np.array([r.shift_bounds_ppm[1] - zero for r in rows]),
            linewidth_hz=np.array([r.linewidth_hz for r in rows]),
            linewidth_lower_hz=np.array([r.linewidth_bounds_hz[0] for r in rows]),
            linewidth_upper_hz=np.array([r.linewidth_bounds_hz[1] for r in rows]),
            amplitude=np.array([r.amplitude for r in rows]),
            common=common_range(self.prior)[0],
            reference=self.reference,
            carrier_to_reference_hz=hz * zero,
            search_hz=hz * self.prior.search_ppm,
            begin_shift_s=self._begin_shifts_s,
            unlikely=(self._begin_shifts_s / (self.sd_begin_time_s or np.inf)) ** 2,
        )

    @property
    def _begin_shifts_s(self) -> FloatArray:
        """Shifts of the begin time to start from: phases are then right by 45 degrees at the ends of the windows."""
        if not (self.lines.fits_begin_time or self.prior.free_phases):
            return np.zeros(1)
        low, high = self.common_bounds[:, -1] if self.lines.fits_begin_time else (-_FREE_BEGIN_S, _FREE_BEGIN_S)
        if self.sd_begin_time_s > 0:
            low, high = max(low, -2 * self.sd_begin_time_s), min(high, 2 * self.sd_begin_time_s)
        ends_ppm = np.abs([r.chemical_shift_ppm - self.reference_ppm for r in self.prior.resonances]).max()
        step = 0.25 / (ends_ppm * self.spectrometer_frequency_mhz)
        return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step

    def reported(self, p: FloatArray) -> FloatArray:
        """Return the reported parameters y of the core's p, shape (..., n)."""
        y = p.copy()
        y[..., self.shifted] -= p[..., [self.reference]]
        return y

    def nearest_bin(self, y: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the bin nearest to the reference (B,), and the reported parameters (B, n) as seen from it."""
        centre = np.rint(y[:, self.reference] / self.sampling.bin_hz).astype(np.intp)
        return centre, self.from_bin(y, -centre)

    def from_bin(self, y: FloatArray, centre: IntArray) -> FloatArray:
        """Return reported parameters (B, n) as seen from the carrier, of those seen from the bins `centre` (B,)."""
        shift_hz = centre * self.sampling.bin_hz
        out = y.copy()
        out[:, self.reference] += shift_hz
        begin_time_s = self.sampling.begin_time_s + (y[:, -1] if self.lines.fits_begin_time else 0.0)
        out[:, 3 * len(self.prior.names)] -= 2 * np.pi * begin_time_s * shift_hz
        return out

    def free(self, y: FloatArray) -> FloatArray:
        """Return the free parameters, shape (..., P), of reported ones, shape (..., n)."""
        k = len(self.prior.names)
        widths = y[..., k : 2 * k][..., self.own_widths]
        rest = y[..., 2 * k :].copy()
        if self._skewed is not None:
            i = self._skewed - 2 * k
            mean, difference = rest[..., i] / 2, rest[..., i + 1] / (2 * LARGEST_SKEW_PER_HZ)
            rest[..., i], rest[..., i + 1] = mean + difference, mean - difference
        return np.concatenate([y[..., [self.reference]], y[..., self.shifted], widths, rest], axis=-1)

    def bounds(self, start: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper bounds of the free parameters, shape (..., P), around the start of the reference."""
        e, r = self.expectation, self.reference
        n_amplitudes = len(self.prior.names)

        def stack(
            shift: FloatArray, width: FloatArray, amplitude: float, phase: float, common: FloatArray
        ) -> FloatArray:
            amplitudes = np.full(n_amplitudes, amplitude)
            fixed = np.concatenate([shift[self.shifted], width[self.own_widths], amplitudes, [phase], common])
            row = np.concatenate([shift[[r]], fixed])
            out = np.tile(row, (*start.shape[:-1], 1))
            out[..., 0] += start[..., 0]
            return out

        low, high = self.common_bounds.copy()
        if self._skewed is not None:
            i = self._skewed - 3 * n_amplitudes - 1
            low[i : i + 2], high[i : i + 2] = low[i] / 2, high[i]
        return (
            stack(e.shift_lower_hz, e.linewidth_lower_hz, 0.0, -np.inf, low),
            stack(e.shift_upper_hz, e.linewidth_upper_hz, np.inf, np.inf, high),
        )

    @cached_property
    def penalty(self) -> Penalty:
        """What is known of the free parameters beyond their bounds: begin time and coupling, where they have an sd."""
        return self._penalty_of(self.ties.shape[1])

    @cached_property
    def reported_penalty(self) -> Penalty:
        """The same of the reported parameters; what is common comes last in either."""
        return self._penalty_of(self.ties.shape[0])

    def _penalty_of(self, n_parameters: int) -> Penalty:
        known = {"begin_time_s": self.sd_begin_time_s, "j_coupling_hz": self.prior.j_coupling_sd_hz or 0.0}
        expected, inverse_variance = np.zeros((2, n_parameters))
        first = n_parameters - len(self.common)
        for i, name in enumerate(self.common, start=first):
            if known.get(name, 0.0) > 0:
                expected[i], inverse_variance[i] = self.expectation.common[i - first], known[name] ** -2
        return Penalty(expected, inverse_variance)

    @cached_property
    def bins(self) -> IntArray:
        """Bin numbers that are fitted, counted from that of the reference: the windows and `FITTED_PPM` on both sides."""
        e, bin_hz = self.expectation, self.sampling.bin_hz
        margin = FITTED_PPM * self.spectrometer_frequency_mhz
        half = self.sampling.n_points // 2
        every = np.arange(-half, half) * bin_hz
        near = (every[:, None] >= e.shift_lower_hz - margin) & (every[:, None] <= e.shift_upper_hz + margin)
        return np.flatnonzero(near.any(axis=-1)) - half

    @cached_property
    def shortened(self) -> list[Problem]:
        """The problem of all points, and those of ever fewer, first ones."""
        out, n = [self], float(self.sampling.n_points)
        while True:
            n *= _SHORTENING
            short = self._of_points(_fast_length(n))
            if len(short.bins) < _BINS_PER_PARAMETER * short.ties.shape[1]:
                return out
            out.append(short)

    def enough_for(self, linewidth_hz: FloatArray) -> IntArray:
        """Return which of `shortened` is the shortest that holds `KEPT_DECAYS` of lines of these widths (B,)."""
        needed = self._lasting_s(linewidth_hz) / self.sampling.dwell_time_s
        lengths = np.array([p.sampling.n_points for p in self.shortened])
        return np.maximum((lengths >= needed[:, None]).sum(axis=-1) - 1, 0)

    def _lasting_s(self, linewidth_hz: FloatArray) -> FloatArray:
        """Return the time after which a line has decayed to exp(-`KEPT_DECAYS`)."""
        lorentzian, gaussian = linewidth_hz, np.zeros_like(linewidth_hz)
        if self.prior.lineshape == "gaussian":
            lorentzian, gaussian = gaussian, linewidth_hz
        if self.prior.gaussian_linewidth_hz is not None:
            gaussian = gaussian + self.prior.gaussian_linewidth_hz
        rate, curvature = np.pi * lorentzian, (np.pi * gaussian) ** 2 / (4 * np.log(2))
        return 2 * KEPT_DECAYS / (rate + np.sqrt(rate**2 + 4 * KEPT_DECAYS * curvature))

    @cached_property
    def brief(self) -> Problem:
        """The problem of enough points to find the reference and the others by, at their expected widths."""
        usual = np.median(self.expectation.linewidth_hz, keepdims=True)
        return self.shortened[int(self.enough_for(usual)[0])]

    @cached_property
    def late(self) -> Problem:
        """The problem of half of the points: of the last half, to measure the noise in when most lines have decayed."""
        return replace(self._of_points(self.sampling.n_points // 2), first_point=0)

    def _of_points(self, n_points: int) -> Problem:
        return replace(self, sampling=replace(self.sampling, n_points=n_points))

    def transformed(self, fid: ComplexArray, rows: IntArray, scale: FloatArray) -> ComplexArray:
        """Return the transforms (F, n_points) of some signals (B, n_points or more), each divided by its scale (F,)."""
        signals = fid[rows, self.first_point : self.first_point + self.sampling.n_points]
        signals *= (1.0 / scale)[:, None]
        return np.fft.fft(signals, out=signals)  # type: ignore[arg-type]

    @cached_property
    def finder(self) -> Finder:
        """Search for start values."""
        return Finder(self.expectation, self.lines, self.sampling, self.bins)

    @cached_property
    def model(self) -> BinModel:
        """The model of the free parameters."""
        return BinModel(self.lines, self.sampling, self.bins)

    @cached_property
    def reported_model(self) -> BinModel:
        """The model of the reported parameters."""
        return BinModel(replace(self.lines, ties=self.from_carrier), self.sampling, self.bins)


@lru_cache(maxsize=64)
def _lines(problem: Problem) -> LineStructure:
    """Return the lines that problems of all samplings have in common."""
    return line_structure(problem.prior, problem.spectrometer_frequency_mhz, problem.from_carrier @ problem.ties)


def _fast_length(least: float) -> int:
    """Return the least number of points with no prime factor above 5, for which the transform is fast."""
    n = int(np.ceil(least))
    while 30 ** n.bit_length() % n:  # 2, 3 or 5 divide n less often than it has bits
        n += 1
    return n
