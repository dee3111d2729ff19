"""For the eye: weights, zeros and phases written out, and the fit that is told of them."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

import p31mg
from p31mg.preprocess import apodise, displayed, phase, zero_fill


def test_exponential_weight_broadens_lines_by_its_width(clean):
    broadened = apodise(clean(), 7.0)
    np.testing.assert_allclose(broadened.fid, clean(broadening_hz=7.0).fid, rtol=0, atol=1e-12)


def test_gaussian_weight_has_the_width_that_it_says(clean):
    weight = (apodise(clean(), 7.0, "gaussian").fid / clean().fid).real
    t = clean().time_s
    frequencies = np.array([0.0, 3.5])
    spectrum = (weight * np.cos(2 * np.pi * frequencies[:, None] * t)).sum(axis=1) - 0.5 * weight[0]
    assert spectrum[1] / spectrum[0] == pytest.approx(0.5, abs=0.01)  # at half of the width, half of the height


def test_zeros_follow_what_was_measured(clean):
    filled = zero_fill(clean([0.4, 0.6]), 3)
    assert filled.fid.shape == (2, 3072)
    np.testing.assert_array_equal(filled.fid[:, :1024], clean([0.4, 0.6]).fid)
    assert not filled.fid[:, 1024:].any()
    np.testing.assert_allclose(filled.spectrum[:, ::3], clean([0.4, 0.6]).spectrum, atol=1e-9)


def test_drawn_spectrum_is_a_sum_written_out(clean):
    spectra = clean([0.4, 0.6], phase_rad=[0.3, -2.0], frequency_offset_hz=40.0)
    ppm, drawn = displayed(spectra, phase_rad=[0.3, -2.0], reference_ppm=40.0 / 51.705)
    a, n = spectra.acquisition, 2048
    for row, angle in ((0, 0.3), (1, -2.0)):
        for k in (5, 1024, 1500):
            hz = (k - n // 2) / (n * a.dwell_time_s)
            assert ppm[k] == pytest.approx((hz - 40.0) / 51.705, abs=1e-12)
            total = sum(
                s * cmath.exp(-2j * math.pi * hz * (a.begin_time_s + i * a.dwell_time_s) - 1j * angle)
                for i, s in enumerate(spectra.fid[row])
            )
            assert drawn[row, k] == pytest.approx(total, abs=1e-9)


def test_phase_of_the_fit_is_what_is_taken_out(clean, stack, noise, sd_at):
    spectra = clean([0.4, 0.6], phase_rad=[0.3, -2.0])
    noisy = stack(spectra.fid + sd_at(500) * noise(np.random.default_rng(1), 2, 1024), "person")
    turned = phase(noisy, p31mg.fit(noisy).phase_rad)
    np.testing.assert_allclose(p31mg.fit(turned).phase_rad, 0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda s: apodise(s, 5.0), "were apodised.*sd of a fit are too small"),
        (zero_fill, "were zero-filled.*residual_ok"),
    ],
)
def test_fit_repeats_the_caution(make, message, clean):
    made = make(make(clean([0.4, 0.6])))
    with pytest.warns(p31mg.P31mgWarning, match=message) as told:
        p31mg.fit(made[0])
    assert len(told) == 1
    assert len(made.history) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: apodise(s, 0.0), "linewidth_hz is 0.0; it must be above 0"),
        (lambda s: apodise(s, 1.0, "sine"), "shape 'sine' is not known"),
        (lambda s: zero_fill(s, 1), "factor is 1; it must be a whole number above 1"),
        (lambda s: zero_fill(s, 2.0), "factor is 2.0; it must be a whole number"),
        (lambda s: zero_fill(s, 10**6), "that makes at most 4,194,304 points"),
        (lambda s: phase(s, np.nan), "phase_rad holds nan; it must be finite"),
        (lambda s: phase(s, [0.0, 1.0]), r"phase_rad has shape \(2,\); it must broadcast to the batch shape \(\)"),
        (lambda s: displayed(s.fid), "spectra is a ndarray"),
    ],
)
def test_refused(call, message, clean):
    with pytest.raises(p31mg.InputError, match=message):
        call(clean())
