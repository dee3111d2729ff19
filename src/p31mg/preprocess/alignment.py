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
  frequency, would hold it where it is.
* **As much as the data say.** The scatter of what is found is that of the transients and that of the error, whose variance the
  Cramer-Rao bound gives:

  .. math:: \mathrm{var}(f_m) = \frac{\sigma_m^2}{4\pi^2 \sum_n (t_n - \bar t)^2 |g_n|^2}, \qquad
            \mathrm{var}(\theta_m + 2\pi f_m \bar t) = \frac{\sigma_m^2}{\sum_n |g_n|^2}

  with :math:`\bar t` the mean time weighted with :math:`|g|^2`, at which the two errors are independent. What is left for the
  transients, V, is the variance of a normal prior around the mean: frequencies far from the others need better evidence, and
  every estimate is drawn to the mean by V/(V + var). Where nothing drifts V is near 0, and nothing is moved.

Only the first points are used, in which the signal lasts. Where no signal common to the transients stands out of their noise
(the first singular value of noise alone is about :math:`\sqrt{2 K} + \sqrt{2 M}` for K points of M transients), nothing is
aligned: noise aligned to noise would look like a signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray, FloatArray

__all__ = ["Alignment", "align"]

_ROUNDS = 6
_POWER_STEPS = 40
_NEWTON_STEPS = 3
_GRID_PER_RESOLUTION = 4
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
        Shape (R, M): of each transient in the mean, 0 for those that are left out.
    time_s
        Shape (K,): times of the points from the excitation.
    largest_hz
        Frequencies are looked for so far from the common one, on both sides.
    """
    n_points = fid.shape[-1]
    weight = weight / weight.max(axis=-1, keepdims=True, initial=np.finfo(float).tiny)
    phase, first = _phases_alone(fid * np.sqrt(weight)[..., None])
    used = weight > 0
    # in these units the noise of the best transient has its own sd, and that of all others the same
    unit = np.where(used, noise_sd * np.sqrt(weight), 0.0).max(axis=-1)
    n_used = used.sum(axis=-1)
    of_noise = unit * (np.sqrt(2.0 * n_points) + np.sqrt(2.0 * n_used))
    is_aligned = (first > _ABOVE_NOISE * of_noise) & (n_used > 1)

    step_hz = 1.0 / (_GRID_PER_RESOLUTION * n_points * (time_s[1] - time_s[0]))
    reach = int(np.ceil(largest_hz / step_hz))
    grid_hz = largest_hz / max(reach, 1) * np.arange(-reach, reach + 1)
    turns = np.exp(-2j * np.pi * np.outer(time_s, grid_hz))
    frequency: FloatArray = np.zeros(fid.shape[:-1])
    mean_hz: FloatArray = np.zeros(len(fid))
    spread_hz2: FloatArray = np.full(len(fid), np.inf)
    for _ in range(_ROUNDS):
        reference = _of_the_others(Alignment(frequency, phase, is_aligned).undone(fid, time_s), weight)
        product = reference.conj() * fid
        evidence = np.abs(product @ turns) / np.maximum(noise_sd, np.finfo(float).tiny)[..., None] ** 2
        evidence -= _prior_cost(grid_hz, mean_hz, spread_hz2)[:, None, :]
        start = grid_hz[evidence.argmax(axis=-1)]
        frequency, phase = _peak(product, time_s, start, largest_hz / max(reach, 1), largest_hz)
        frequency, phase, mean_hz, spread_hz2 = _drawn_to_the_mean(
            frequency, phase, reference, noise_sd, weight, time_s
        )
    aligned = _of_the_others(Alignment(frequency, phase, is_aligned).undone(fid, time_s), weight)
    frequency, phase = _centred(frequency, phase, weight, aligned, time_s)
    where = is_aligned[:, None]
    return Alignment(np.where(where, frequency, 0.0), np.where(where, phase, 0.0), is_aligned)


def _phases_alone(fid: ComplexArray) -> tuple[FloatArray, FloatArray]:
    """Return phases (R, M) that make transients (R, M, K) most alike, and their first singular value (R,)."""
    gram = fid @ np.swapaxes(fid.conj(), -1, -2)
    strongest = np.diagonal(gram, axis1=-2, axis2=-1).real.argmax(axis=-1)
    v = np.take_along_axis(gram, strongest[:, None, None], axis=-1)
    length = np.zeros(len(fid))
    for _ in range(_POWER_STEPS):
        v = gram @ v
        length = np.linalg.norm(v, axis=(-2, -1))
        v = v / np.where(length > 0, length, 1.0)[:, None, None]
    return np.angle(v[..., 0]), np.sqrt(length)


def _of_the_others(aligned: ComplexArray, weight: FloatArray) -> ComplexArray:
    """Return the weighted mean of all transients but one, for each, shape (R, M, K)."""
    own = aligned * weight[..., None]
    others = weight.sum(axis=-1, keepdims=True) - weight
    return (own.sum(axis=-2, keepdims=True) - own) / np.where(others > 0, others, 1.0)[..., None]


def _prior_cost(grid_hz: FloatArray, mean_hz: FloatArray, spread_hz2: FloatArray) -> FloatArray:
    """Return what the logarithm of the prior takes from the likelihood at each frequency, shape (R, F)."""
    away = (grid_hz - mean_hz[:, None]) ** 2
    return away / (2 * np.maximum(spread_hz2, np.finfo(float).tiny))[:, None]


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
    reference: ComplexArray,
    noise_sd: FloatArray,
    weight: FloatArray,
    time_s: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return frequencies and phases (R, M) as far from their mean as the data say, and mean and variance (R,) of the former."""
    energy, middle_s, width_s2 = _moments(reference, time_s)
    of_phase = np.divide(noise_sd**2, energy, out=np.zeros_like(energy), where=energy > 0)
    of_frequency = np.divide(of_phase, 4 * np.pi**2 * width_s2, out=np.zeros_like(energy), where=width_s2 > 0)
    in_the_middle = phase_rad + 2 * np.pi * frequency_hz * middle_s
    mean_hz = _mean(frequency_hz, weight)
    frequency, spread_hz2 = _shrunk(frequency_hz - mean_hz[:, None], of_frequency, weight)
    mean_turn = np.angle(_mean(np.exp(1j * in_the_middle), weight))[:, None]
    angle, _ = _shrunk(np.angle(np.exp(1j * (in_the_middle - mean_turn))), of_phase, weight)
    frequency = frequency + mean_hz[:, None]
    return frequency, angle + mean_turn - 2 * np.pi * frequency * middle_s, mean_hz, spread_hz2


def _moments(reference: ComplexArray, time_s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return energy, mean time and variance of time of references (R, M, K), each (R, M)."""
    power = reference.real**2 + reference.imag**2
    energy = power.sum(axis=-1)
    safe = np.where(energy > 0, energy, 1.0)
    middle = power @ time_s / safe
    return energy, middle, np.maximum(power @ time_s**2 / safe - middle**2, 0.0)


def _mean(values: Any, weight: FloatArray) -> Any:
    return (values * weight).sum(axis=-1) / np.maximum(weight.sum(axis=-1), np.finfo(float).tiny)


def _shrunk(deviation: FloatArray, variance: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return deviations (R, M) drawn to 0, and the variance of the transients themselves (R,)."""
    own = np.maximum(_mean(deviation**2 - variance, weight), 0.0)
    total = own[:, None] + variance
    return deviation * np.divide(own[:, None], total, out=np.ones_like(total), where=total > 0), own


def _centred(
    frequency_hz: FloatArray, phase_rad: FloatArray, weight: FloatArray, reference: ComplexArray, time_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return frequencies and phases whose weighted means, the latter at the mean time of the signal, are 0."""
    _, middle_s, _ = _moments(reference, time_s)
    angle = phase_rad + 2 * np.pi * frequency_hz * middle_s
    frequency = frequency_hz - _mean(frequency_hz, weight)[:, None]
    angle = angle - np.angle(_mean(np.exp(1j * angle), weight))[:, None]
    return frequency, angle - 2 * np.pi * frequency * middle_s
