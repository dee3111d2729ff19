"""Noise of one component. Estimates are means over a stack; tolerances are five standard errors of that mean."""

from __future__ import annotations

import numpy as np
import pytest

from p31mg.core.noise import noise_sd_of_bins, noise_sd_of_residual

N_POINTS, N_SPECTRA = 512, 200
SD = 0.7


@pytest.fixture(scope="module")
def bins():
    """Unnormalised transform of white noise whose real and imaginary parts have the sd SD each."""
    noise = np.random.default_rng(8).normal(0.0, SD, (2, N_SPECTRA, N_POINTS))
    out = np.fft.fft(noise[0] + 1j * noise[1])
    out.flags.writeable = False
    return out


def cost(bins):
    """The squared residual as the core normalises it: a bin of white noise has the variance of a point."""
    return (np.abs(bins) ** 2).sum(axis=-1) / N_POINTS


RESIDUAL_ERROR = 5 * SD / np.sqrt(4 * N_POINTS * N_SPECTRA)
"""2N real numbers of sd s give s within s / sqrt(4N)."""

MEDIAN_ERROR = 5 * SD * 0.73 / np.sqrt(N_POINTS * N_SPECTRA)
"""The median of N Rayleigh magnitudes gives s within s / (2 ln 2 sqrt N), 0.72 s / sqrt N."""


def test_median_of_bins(bins):
    estimate = noise_sd_of_bins(bins, N_POINTS)
    assert estimate.shape == (N_SPECTRA,)
    assert estimate.mean() == pytest.approx(SD, abs=MEDIAN_ERROR)


def test_residual(bins):
    estimate = noise_sd_of_residual(cost(bins), N_POINTS, 0)
    assert estimate.shape == (N_SPECTRA,)
    assert estimate.mean() == pytest.approx(SD, abs=RESIDUAL_ERROR)


def test_complex_sd_is_a_factor_of_root_two_away(bins):
    """The commonest confusion of the field must not pass these tests: it is 400 of their tolerances away."""
    per_point = np.sqrt((np.abs(bins) ** 2).mean() / N_POINTS)
    assert per_point == pytest.approx(np.sqrt(2) * SD, abs=np.sqrt(2) * RESIDUAL_ERROR)
    assert abs(per_point - noise_sd_of_residual(cost(bins), N_POINTS, 0).mean()) > 50 * RESIDUAL_ERROR


def test_part_of_the_band_gives_the_same(bins):
    part = bins[:, 100:228]
    assert noise_sd_of_residual(cost(part), 128, 0).mean() == pytest.approx(SD, abs=2 * RESIDUAL_ERROR)
    assert noise_sd_of_bins(part, N_POINTS).mean() == pytest.approx(SD, abs=2 * MEDIAN_ERROR)


@pytest.mark.parametrize("n_fitted", [10, 30, 100])
def test_fitted_parameters_are_corrected_for(bins, n_fitted):
    """A model with 2n real parameters that fits n of 128 bins perfectly leaves the noise of the others."""
    residual = bins[:, :128].copy()
    residual[:, :n_fitted] = 0.0
    estimate = noise_sd_of_residual(cost(residual), 128, 2 * n_fitted)
    error = 5 * SD / np.sqrt(4 * (128 - n_fitted) * N_SPECTRA)
    assert estimate.mean() == pytest.approx(SD, abs=error)


def test_a_few_peaks_hardly_move_the_median(bins):
    with_peaks = bins.copy()
    with_peaks[:, 40:50] += 1e6
    # ten of 512 bins far above the rest move the median from the 50th to the 51st percentile: by 1.5 %
    assert noise_sd_of_bins(with_peaks, N_POINTS).mean() == pytest.approx(SD, rel=0.025)


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_scale(bins, factor):
    for estimate in (lambda b: noise_sd_of_bins(b, N_POINTS), lambda b: noise_sd_of_residual(cost(b), N_POINTS, 25)):
        np.testing.assert_allclose(estimate(factor * bins), factor * estimate(bins), rtol=1e-13)


def test_more_parameters_than_numbers_stays_finite():
    assert np.isfinite(noise_sd_of_residual(np.ones(1), 4, 25)).all()
