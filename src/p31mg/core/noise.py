"""Noise of one component of one FID point, from what a model leaves over or from the bins of a spectrum.

Noise that is white in the FID has variance N σ² per component in every bin of the (unnormalised) transform. Receivers and
filters make it fall towards the edges of the spectral width, so it is measured where the signals are.
"""

from __future__ import annotations

import numpy as np

from p31mg.arrays import ComplexArray, FloatArray

__all__ = ["noise_sd_of_bins", "noise_sd_of_residual"]


_MEDIAN_RAYLEIGH = float(np.sqrt(2 * np.log(2)))
"""Median of the magnitude of complex noise with unit sd per component."""


def noise_sd_of_bins(bins: ComplexArray, n_points: int) -> FloatArray:
    """Return a first estimate, shape (...,), from neighbouring bins (..., n) of which most hold no peak.

    It is the median magnitude of their second differences: in these the smooth feet of large lines vanish, which reach
    over the whole band, while noise, independent from bin to bin, has 1 + 4 + 1 times its variance.
    """
    bends = bins[..., 2:] - 2 * bins[..., 1:-1] + bins[..., :-2]
    return np.median(np.abs(bends), axis=-1) / (_MEDIAN_RAYLEIGH * np.sqrt(6 * n_points))


def noise_sd_of_residual(bins: ComplexArray, n_points: int, n_parameters: int) -> FloatArray:
    """Return the root mean square per component, shape (...,), of residual bins (..., n), corrected for fitted parameters."""
    degrees_of_freedom = max(2 * bins.shape[-1] - n_parameters, 1)
    return np.sqrt((np.abs(bins) ** 2).sum(axis=-1) / (n_points * degrees_of_freedom))
