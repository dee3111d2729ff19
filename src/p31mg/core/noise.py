"""Noise of one component of one FID point, from what a model leaves over or from the bins of a spectrum.

Noise that is white in the FID has variance N σ² per component in every bin of the (unnormalised) transform. Receivers and
filters make it fall towards the edges of the spectral width, so it is measured where the signals are.
"""

from __future__ import annotations

import numpy as np

from p31mg.arrays import ComplexArray, FloatArray

__all__ = ["noise_sd_of_bins", "noise_sd_of_residual"]


_MEDIAN_OF_POWER = float(2 * np.log(2))
"""Median of the squared magnitude of complex noise with unit sd per component."""


def noise_sd_of_bins(bins: ComplexArray, n_points: int) -> FloatArray:
    """Return a first estimate, shape (...,), from neighbouring bins (..., n) of which most hold no peak.

    It is the median magnitude of their second differences: in these the smooth feet of large lines vanish, which reach
    over the whole band, while noise, independent from bin to bin, has 1 + 4 + 1 times its variance.
    """
    bends = bins[..., 2:] + bins[..., :-2]
    bends -= 2 * bins[..., 1:-1]
    power = bends.real**2
    power += bends.imag**2
    middle = power.shape[-1] // 2
    power.partition(middle, axis=-1)
    return np.sqrt(power[..., middle] / (_MEDIAN_OF_POWER * 6 * n_points))


def noise_sd_of_residual(cost: FloatArray, n_bins: int, n_parameters: int) -> FloatArray:
    """Return the root mean square per component, corrected for fitted parameters, of a residual with |r|^2 = `cost` (...,).

    The cost is that of `n_bins` bins, normalised so that white noise gives each the variance of one point.
    """
    return np.sqrt(cost / max(2 * n_bins - n_parameters, 1))
