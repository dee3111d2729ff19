r"""Frequencies and phases of transients that differ in nothing else: maximum likelihood, with the others as the reference.

Transient m is :math:`s_m(t_n) = e^{i(\theta_m + 2\pi f_m t_n)} g(t_n)` plus noise of sd :math:`\sigma_m` per component, with one
signal g that nobody knows. Given g, the likelihood is highest where

.. math:: c_m(f) = \sum_n \overline{g(t_n)}\, s_m(t_n)\, e^{-2\pi i f t_n}

has its largest magnitude; the phase of :math:`c_m` there is :math:`\theta_m`. Given all of them, g is the mean of the aligned
transients weighted with :math:`1/\sigma_m^2`. The two are found in turns, as in spectral registration (Near et al. 2015,
doi:10.1002/mrm.25094), with three things that make it hold at low SNR:

* **Start.** Without any frequency the transients are one signal with different phases: the first left singular vector of all of
  them gives these phases, whatever they are, and a first g.
* **The others only.** The reference of a transient does not contain it. Its own noise, which always fits best at its present
  frequency, would hold it where it is. The reference has noise too, of variance N in each point: where the mean power of the
  signal is :math:`P_n`, taken to be an exponential, it is weighted with :math:`P_n / (P_n + N)`, the filter of Wiener.
* **As much as the data say.** The scatter of what is found is that of the transients and that of the error, whose variance is

  .. math:: \mathrm{var}(f_m) = \frac{\sigma_m^2}{4\pi^2 \sum_n (t_n - \bar t)^2 p_n}, \qquad
            \mathrm{var}(\theta_m + 2\pi f_m \bar t) = \frac{\sigma_m^2}{\sum_n p_n}, \qquad
            p_n = \frac{P_n^2}{P_n + N}

  with :math:`\bar t` the mean time weighted with p, at which the two errors are independent; without noise of the reference this
  is the Cramer-Rao bound. What is left for the transients, V, is the variance of a normal prior around the mean: frequencies far
  from the others need better evidence, and every estimate is drawn to the mean by V/(V + var). Where nothing drifts V is near 0,
  and next to nothing is moved.

Only the first points are used, in which the signal lasts, and for the start, of their transform, the bins that stand out of the
noise. Where these hold no signal common to the transients (the first singular value of noise alone is about
:math:`\sqrt{2 K} + \sqrt{2 M}` for K bins of M transients), nothing is aligned: noise aligned to noise would look like a signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray
from p31mg.preprocess.signal import standing_out

__all__ = ["Alignment", "align"]

_ROUNDS = 6
_POWER_STEPS = 40
_NEWTON_STEPS = 3
_GRID_PER_RESOLUTION = 4
_LEAST_PRIOR = 4.0
"""The prior is never narrower than so many times the variance of the error: a transient that jumped must be able to say so."""
_MAD = 1.4826
"""Standard deviation over median absolute deviation of normal numbers."""
_LEAST_NOISE = 1e-9
"""Of the highest point: the rounding of simulated signals."""
_TINY = 1e-30
_ABOVE_NOISE = 1.15
"""How far above that of noise alone the first singular value must be."""


@dataclass(frozen=True)
class Alignment:
    """What was found in R stacks of M transients.

    `frequency_hz`, `phase_rad` (R, M): of each transient, relative to their weighted mean; 0 where nothing was aligned.
    `is_aligned` (R,).
    """

    frequency_hz: FloatArray
    phase_rad: FloatArray
    is_aligned: BoolArray

    def undone(self, fid: ComplexArray, time_s: FloatArray) -> ComplexArray:
        """Return transients (R, M, n) without what was found."""
        turn = self.phase_rad[..., None] + (2 * np.pi * time_s) * self.frequency_hz[..., None]
        return fid * np.exp(-1j * turn)


def align(
    fid: ComplexArray, noise_sd: FloatArray, weight: FloatArray, time_s: FloatArray, largest_hz: float
) -> Alignment:
    """Find frequency and phase of transients.

    Parameters
    ----------
    fid
        Shape (R, M, K): the points in which the signal lasts, finite.
    noise_sd
        Shape (R, M), per component.
    weight
        Shape (R, M): of each transient in the mean, 0 for those that are left out; they need not add to 1.
    time_s
        Shape (K,): times of the points from the excitation.
    largest_hz
        Frequencies are looked for so far from the common one, on both sides.
    """
    scale = np.maximum(np.abs(fid).max(axis=(-2, -1), initial=0.0), _TINY)[:, None]
    fid, noise_sd = fid / scale[..., None], np.maximum(noise_sd / scale, _LEAST_NOISE)
    weight = weight / np.maximum(weight.sum(axis=-1, keepdims=True), _TINY)
    phase, is_aligned = _start(fid, noise_sd, weight)
    frequency = np.zeros_like(phase)
    phase[~is_aligned] = 0.0
    if is_aligned.any():
        rows = is_aligned
        frequency[rows], phase[rows] = _found(fid[rows], phase[rows], noise_sd[rows], weight[rows], time_s, largest_hz)
    return Alignment(frequency, phase, is_aligned)


def _start(fid: ComplexArray, noise_sd: FloatArray, weight: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return phases (R, M) of transients as if they had no frequency, and whether a common signal stands out (R,)."""
    # times the root of its weight, no transient has more noise than this
    unit = (noise_sd * np.sqrt(weight)).max(axis=-1)
    bins = np.fft.fft(fid, norm="ortho") * (np.sqrt(weight) / np.maximum(unit, _TINY)[:, None])[..., None]
    kept = standing_out(bins, (1,))
    phase, first = _phases_alone(np.where(kept, bins, 0.0))
    n_used = (weight > 0).sum(axis=-1)
    of_noise = np.sqrt(2.0 * kept.sum(axis=(-2, -1))) + np.sqrt(2.0 * n_used)
    return phase, (first > _ABOVE_NOISE * of_noise) & (n_used > 1)


def _found(
    fid: ComplexArray,
    phase: FloatArray,
    noise_sd: FloatArray,
    weight: FloatArray,
    time_s: FloatArray,
    largest_hz: float,
) -> tuple[FloatArray, FloatArray]:
    """Return frequencies and phases (R, M) of transients that hold a common signal."""
    step_hz = 1.0 / (_GRID_PER_RESOLUTION * len(time_s) * (time_s[1] - time_s[0]))
    reach = max(int(np.ceil(largest_hz / step_hz)), 1)
    grid_hz = largest_hz / reach * np.arange(-reach, reach + 1)
    turns = np.exp(-2j * np.pi * np.outer(time_s, grid_hz))
    everything = np.ones(len(fid), dtype=bool)
    frequency: FloatArray = np.zeros_like(phase)
    power: FloatArray = np.zeros((len(fid), len(time_s)))
    mean_hz: FloatArray = np.zeros(len(fid))
    spread_hz: FloatArray = np.full(len(fid), largest_hz)
    for i in range(_ROUNDS):
        aligned = Alignment(frequency, phase, everything).undone(fid, time_s)
        reference, power = _of_the_others(aligned, noise_sd, weight, time_s)
        product = reference.conj() * fid
        evidence = np.abs(product @ turns) / noise_sd[..., None] ** 2
        evidence -= 0.5 * ((grid_hz - mean_hz[:, None]) / spread_hz[:, None])[:, None, :] ** 2
        start = grid_hz[evidence.argmax(axis=-1)]
        frequency, phase = _peak(product, time_s, start, largest_hz / reach, largest_hz)
        frequency, phase, mean_hz, spread_hz = _drawn_to_the_mean(
            frequency, phase, power, noise_sd, weight, time_s, is_first=i == 0
        )
    return _centred(frequency, phase, weight, power, time_s)


def _phases_alone(bins: ComplexArray) -> tuple[FloatArray, FloatArray]:
    """Return phases (R, M) that make transients (R, M, K) most alike, and their first singular value (R,)."""
    gram = bins @ np.swapaxes(bins.conj(), -1, -2)
    strongest = np.diagonal(gram, axis1=-2, axis2=-1).real.argmax(axis=-1)
    v = np.take_along_axis(gram, strongest[:, None, None], axis=-1)
    length = np.zeros(len(bins))
    for _ in range(_POWER_STEPS):
        v = gram @ v
        length = np.linalg.norm(v, axis=(-2, -1))
        v = v / np.where(length > 0, length, 1.0)[:, None, None]
    return np.angle(v[..., 0]), np.sqrt(length)


def _of_the_others(
    aligned: ComplexArray, noise_sd: FloatArray, weight: FloatArray, time_s: FloatArray
) -> tuple[ComplexArray, FloatArray]:
    """Return the weighted mean of all transients but one, for each, filtered (R, M, K), and p of the signal in it (R, K)."""
    own = aligned * weight[..., None]
    others = np.maximum(1.0 - weight, _TINY)
    reference = (own.sum(axis=-2, keepdims=True) - own) / others[..., None]
    # noise of one transient and that of the others are independent: this is the power of the signal alone, on the average
    signal = (own.conj() * reference).real.sum(axis=-2)
    noise = 2 * ((weight * noise_sd) ** 2).sum(axis=-1)
    envelope = _exponential(signal, time_s)
    kept = envelope / np.maximum(envelope + noise[:, None], _TINY)
    return reference * kept[:, None, :], envelope * kept


def _exponential(power: FloatArray, time_s: FloatArray) -> FloatArray:
    """Return the exponential decay (R, K) of the same sum and mean time as power (R, K)."""
    since = time_s - time_s[0]
    sums = power.sum(axis=-1)
    mean_s = np.divide(power @ since, sums, out=np.full_like(sums, since[-1] / 2), where=sums > 0)
    decay = np.exp(-since / np.clip(mean_s, since[1], since[-1] / 2)[:, None])
    return np.maximum(sums, 0.0)[:, None] * decay / decay.sum(axis=-1, keepdims=True)


def _peak(
    product: ComplexArray, time_s: FloatArray, start_hz: FloatArray, step_hz: float, largest_hz: float
) -> tuple[FloatArray, FloatArray]:
    """Return where |c| is largest near a start (R, M), by Newton's method on its square, and the phase of c there."""
    turn = -2j * np.pi * time_s
    frequency = start_hz
    for _ in range(_NEWTON_STEPS):
        here = product * np.exp(turn * frequency[..., None])
        c, first, second = here.sum(axis=-1), here @ turn, here @ turn**2
        slope = (c.conj() * first).real
        bend = np.abs(first) ** 2 + (c.conj() * second).real
        move = np.divide(-slope, bend, out=np.zeros_like(slope), where=bend < 0)
        frequency = np.clip(frequency + np.clip(move, -step_hz, step_hz), -largest_hz, largest_hz)
    return frequency, np.angle((product * np.exp(turn * frequency[..., None])).sum(axis=-1))


def _drawn_to_the_mean(
    frequency_hz: FloatArray,
    phase_rad: FloatArray,
    power: FloatArray,
    noise_sd: FloatArray,
    weight: FloatArray,
    time_s: FloatArray,
    *,
    is_first: bool,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return frequencies and phases (R, M) as far from their mean as the data say, and mean and sd (R,) of the next prior."""
    energy, middle_s, width_s2 = _moments(power, time_s)
    of_phase = noise_sd**2 / np.maximum(energy, _TINY)[:, None]
    of_frequency = of_phase / np.maximum(4 * np.pi**2 * width_s2, _TINY)[:, None]
    in_the_middle = phase_rad + 2 * np.pi * frequency_hz * middle_s[:, None]
    mean_hz = _mean(frequency_hz, weight)
    away_hz = frequency_hz - mean_hz[:, None]
    frequency, own_hz2 = _shrunk(away_hz, of_frequency, weight)
    if is_first:  # some may be far off still: the median does not mind
        mean_hz = np.median(frequency_hz, axis=-1)
        own_hz2 = (_MAD * np.median(np.abs(frequency_hz - mean_hz[:, None]), axis=-1)) ** 2
    spread_hz = np.sqrt(np.maximum(own_hz2, _LEAST_PRIOR * _mean(of_frequency, weight)))
    mean_turn = np.angle(_mean(np.exp(1j * in_the_middle), weight))[:, None]
    angle, _ = _shrunk(np.angle(np.exp(1j * (in_the_middle - mean_turn))), of_phase, weight)
    frequency = frequency + _mean(frequency_hz, weight)[:, None]
    return (
        frequency,
        angle + mean_turn - 2 * np.pi * frequency * middle_s[:, None],
        mean_hz,
        np.maximum(spread_hz, _TINY),
    )


def _moments(power: FloatArray, time_s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return energy, mean time and variance of time, each (R,), of powers (R, K)."""
    energy = power.sum(axis=-1)
    safe = np.maximum(energy, _TINY)
    middle = power @ time_s / safe
    return energy, middle, np.maximum(power @ time_s**2 / safe - middle**2, 0.0)


def _mean(values: Any, weight: FloatArray) -> Any:
    return (values * weight).sum(axis=-1)


def _shrunk(deviation: FloatArray, variance: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return deviations (R, M) drawn to 0, and the variance of the transients themselves (R,)."""
    own = np.maximum(_mean(deviation**2 - variance, weight), 0.0)
    return deviation * (own[:, None] / np.maximum(own[:, None] + variance, _TINY)), own


def _centred(
    frequency_hz: FloatArray, phase_rad: FloatArray, weight: FloatArray, power: FloatArray, time_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return frequencies and phases whose weighted means, the latter at the mean time of the signal, are 0."""
    middle_s = _moments(power, time_s)[1][:, None]
    angle = phase_rad + 2 * np.pi * frequency_hz * middle_s
    frequency = frequency_hz - _mean(frequency_hz, weight)[:, None]
    angle = angle - np.angle(_mean(np.exp(1j * angle), weight))[:, None]
    return frequency, angle - 2 * np.pi * frequency * middle_s
