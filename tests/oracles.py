"""Slow re-derivations, number by number, of what the package computes in closed form. Imports nothing from p31mg.

Parameters of a signal are a flat list p = (frequencies, linewidths, amplitudes, phase) of K resonances in Hz and radians;
`lines` is a list of (resonance, offset_hz, weight). Both parts of the signal are written with real functions, so that they
can be differentiated by a complex step.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Line = tuple[int, float, float]
Vector = npt.NDArray[np.floating]

COMPLEX_STEP = 1e-30


def multiplet(couplings_hz: Sequence[float]) -> dict[float, float]:
    """Weights by offset: one coupling splits every line of the multiplet of the others into two halves."""
    if not couplings_hz:
        return {0.0: 1.0}
    out: dict[float, float] = {}
    for offset, weight in multiplet(couplings_hz[1:]).items():
        for moved in (offset - couplings_hz[0] / 2, offset + couplings_hz[0] / 2):
            out[moved] = out.get(moved, 0.0) + weight / 2
    return dict(sorted(out.items()))


def lines_of(couplings_hz: Sequence[Sequence[float]]) -> list[Line]:
    """All lines of resonances with these couplings."""
    return [(k, offset, w) for k, each in enumerate(couplings_hz) for offset, w in multiplet(each).items()]


def times_s(n_points: int, dwell_time_s: float, begin_time_s: float) -> list[float]:
    return [begin_time_s + n * dwell_time_s for n in range(n_points)]


def fid(p: Sequence[float], lines: Sequence[Line], times: Sequence[float]) -> npt.NDArray[np.complexfloating]:
    """The equation of the conventions page, point by point and line by line."""
    k = (len(p) - 1) // 3
    out = []
    for t in times:
        total = 0j
        for resonance, offset, weight in lines:
            exponent = 2j * math.pi * (p[resonance] + offset) - math.pi * p[k + resonance]
            total += p[2 * k + resonance] * weight * cmath.exp(exponent * t)
        out.append(cmath.exp(1j * p[3 * k]) * total)
    return np.array(out)


def stacked_model(
    p: Sequence[complex], lines: Sequence[Line], times: Sequence[float]
) -> npt.NDArray[np.complexfloating]:
    """Real parts of all points, then imaginary parts; each an analytic function of every parameter."""
    k = (len(p) - 1) // 3
    real, imaginary = [], []
    for t in times:
        re, im = 0j, 0j
        for resonance, offset, weight in lines:
            height = p[2 * k + resonance] * weight * cmath.exp(-math.pi * p[k + resonance] * t)
            angle = p[3 * k] + 2 * math.pi * (p[resonance] + offset) * t
            re += height * cmath.cos(angle)
            im += height * cmath.sin(angle)
        real.append(re)
        imaginary.append(im)
    return np.array(real + imaginary)


def binned(signal: npt.NDArray[np.complexfloating], bins: Sequence[int]) -> npt.NDArray[np.complexfloating]:
    """Some bins of the discrete Fourier transform over the root of the number of points, term by term; points lead."""
    n_points = len(signal)
    rows = [sum(cmath.exp(-2j * math.pi * k * n / n_points) * signal[n] for n in range(n_points)) for k in bins]
    return np.array(rows) / math.sqrt(n_points)


def binned_parts(stacked: Vector, bins: Sequence[int]) -> Vector:
    """The same of numbers (2N, ...) whose first half is real and whose second is imaginary."""
    half = len(stacked) // 2
    transformed = binned(stacked[:half] + 1j * stacked[half:], bins)
    return np.concatenate([transformed.real, transformed.imag])


def residual(p: Sequence[float], lines: Sequence[Line], times: Sequence[float], data: Vector) -> Vector:
    """Data less model, real parts and then imaginary parts."""
    return np.concatenate([np.real(data), np.imag(data)]) - stacked_model(p, lines, times).real


def jacobian(p: Sequence[float], lines: Sequence[Line], times: Sequence[float]) -> Vector:
    """Derivative of the stacked model by complex steps, shape (2N, 3K+1): exact to rounding."""
    columns = []
    for j in range(len(p)):
        moved = [complex(v) for v in p]
        moved[j] += 1j * COMPLEX_STEP
        columns.append(stacked_model(moved, lines, times).imag / COMPLEX_STEP)
    return np.stack(columns, axis=-1)


def derivative(function: Callable[[Vector], Vector], x: Vector, steps: Vector) -> Vector:
    """Derivative along every element of x by central differences of fourth order, on a new last axis."""
    columns = []
    for j, h in enumerate(steps):
        e = np.zeros(len(x))
        e[j] = h
        near, far = function(x + e) - function(x - e), function(x + 2 * e) - function(x - 2 * e)
        columns.append((8 * near - far) / (12 * h))
    return np.stack(columns, axis=-1)


def cramer_rao(stacked_jacobian: Vector, noise_sd: float) -> Vector:
    """Bound on the covariance when each of the 2N real numbers has noise of this sd."""
    return np.linalg.inv(stacked_jacobian.T @ stacked_jacobian / noise_sd**2)


def matched_filter_snr(
    amplitude: float, linewidth_hz: float, couplings_hz: Sequence[float], times: Sequence[float], noise_sd: float
) -> float:
    """SNR of the conventions page."""
    energy = 0.0
    for t in times:
        parts = [
            w * cmath.exp((2j * math.pi * d - math.pi * linewidth_hz) * t) for d, w in multiplet(couplings_hz).items()
        ]
        energy += abs(sum(parts)) ** 2
    return amplitude / noise_sd * math.sqrt(energy)


def two_site_mg_mM(shift_ppm: float, atp_ppm: float, mgatp_ppm: float, kd_uM: float) -> float:
    """Gupta: the fraction of ATP without Mg, then the law of mass action."""
    free_fraction = (shift_ppm - mgatp_ppm) / (atp_ppm - mgatp_ppm)
    return 1e-3 * kd_uM * (1.0 / free_fraction - 1.0)


def iotti_mg_mM(shift_beta_pcr_ppm: float) -> float:
    """Iotti et al. 1996."""
    p_mg = 4.24 - math.log10((shift_beta_pcr_ppm + 18.58) ** 0.42 / (-15.74 - shift_beta_pcr_ppm) ** 0.84)
    return 1000.0 * 10.0**-p_mg


def titration_ph(shift_pi_pcr_ppm: float, pka: float, acid_ppm: float, base_ppm: float) -> float:
    """Henderson and Hasselbalch, in shifts."""
    return pka + math.log10((shift_pi_pcr_ppm - acid_ppm) / (base_ppm - shift_pi_pcr_ppm))
