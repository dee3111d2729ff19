"""Lines that are taken away: a Hankel matrix written out, a phantom of 20 times PCr, and what must stay."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import p31mg
from p31mg.preprocess import remove_peaks
from p31mg.preprocess.peaks import _gram, _poles

HZ_PER_PPM = 51.705


def phantom(spectra, ppm=20.0, width_hz=3.0, phase=1.0, gaussian_hz=0.0):
    """Return a line of 20 times the amplitude of PCr."""
    t = spectra.time_s
    line = 20 * np.exp((2j * np.pi * HZ_PER_PPM * ppm - np.pi * width_hz) * t + 1j * phase)
    return line * np.exp(-((np.pi * gaussian_hz * t) ** 2) / (4 * np.log(2)))


def test_gram_matrix_is_that_of_the_hankel_matrix(noise):
    fid = noise(np.random.default_rng(1), 60)
    hankel = np.array([[fid[i + j] for j in range(20)] for i in range(41)])
    np.testing.assert_allclose(_gram(fid, 20), hankel.conj().T @ hankel, rtol=0, atol=1e-12)


def test_poles_are_those_of_the_exponentials():
    expected = np.array([0.99 * np.exp(0.5j), 0.95 * np.exp(-1.2j), 0.998 * np.exp(2.8j)])
    fid = (np.array([3.0, 1.0j, 0.1]) * expected ** np.arange(512)[:, None]).sum(axis=1)
    found = _poles(fid, 3)
    for pole in expected:
        assert np.abs(found - pole).min() < 1e-8


@pytest.mark.parametrize("gaussian_hz", [0.0, 4.0], ids=["lorentzian", "voigt"])
def test_without_noise_the_tissue_is_left(gaussian_hz, clean):
    tissue = clean()
    both = p31mg.Spectra(tissue.fid + phantom(tissue, gaussian_hz=gaussian_hz), tissue.acquisition)
    left = remove_peaks(both, [(18, 22)]).fid - tissue.fid
    # 20 times PCr, taken away to 1e-6 of PCr; a line that is not Lorentzian to 1 %
    assert np.abs(left).max() < (2e-2 if gaussian_hz else 1e-6)


def test_fit_finds_what_it_would_find_without_the_phantom(clean, noise, sd_at, stack):
    rng = np.random.default_rng(6)
    n = 60
    truth = clean(rng.uniform(0.3, 1.0, n), broadening_hz=rng.uniform(-2, 5, n))
    fid = truth.fid + sd_at(150) * noise(rng, n, truth.n_points)
    lines = np.array([phantom(truth, ppm=rng.normal(20, 0.1), phase=rng.uniform(0, 6)) for _ in range(n)])
    with_it = p31mg.fit(stack((fid + lines)[:5], "person"))
    never = p31mg.fit(stack(fid, "person"))
    removed = p31mg.fit(remove_peaks(stack(fid + lines, "person"), [(18, 22)]))
    assert not with_it.is_valid.any()
    assert removed.is_valid.mean() > 0.97
    error = (removed.shift_alpha_beta_ppm - truth.truth.shift_alpha_beta_ppm)[removed.is_valid]
    z = error / removed.sd_shift_alpha_beta_ppm[removed.is_valid]
    assert abs(z.mean()) < 3 / np.sqrt(n)
    assert 0.73 < z.std() < 1.27  # three standard errors
    moved = removed.shift_alpha_beta_ppm - never.shift_alpha_beta_ppm
    assert np.nanstd(moved) < 0.1 * error.std()


def test_spectrum_without_a_phantom_is_left_alone(clean, noise, sd_at, stack):
    rng = np.random.default_rng(7)
    fid = clean(np.full(20, 0.5)).fid + sd_at(100) * noise(rng, 20, 1024)
    spectra = stack(fid, "person")
    cleaned = remove_peaks(spectra, [(18, 22)])
    assert cleaned.history[-1].found["removed_energy"].max() < 0.02  # some of the noise
    moved = p31mg.fit(cleaned).shift_alpha_beta_ppm - p31mg.fit(spectra).shift_alpha_beta_ppm
    assert np.abs(moved).max() < 0.01


def test_windows_are_from_pcr(clean, stack):
    tissue = clean([0.5, 0.5], frequency_offset_hz=[0.0, 100.0])
    line = phantom(tissue)
    both = stack(tissue.fid + line, "person")
    far = remove_peaks(both, [(19.5, 20.5)])
    assert far.history[-1].found["n_removed"].tolist() == [1, 1]
    near = remove_peaks(both, [(19.5, 20.5)], reference_ppm=[0.0, 100 / HZ_PER_PPM])
    assert near.history[-1].found["n_removed"].tolist() == [1, 0]
    np.testing.assert_array_equal(near.fid[1], both.fid[1])


def test_what_is_broader_than_its_window_stays(clean):
    tissue = clean()
    hump = phantom(tissue, width_hz=400.0)
    both = p31mg.Spectra(tissue.fid + hump, tissue.acquisition)
    left = remove_peaks(both, [(18, 22)])
    np.testing.assert_allclose(left.fid, both.fid, atol=1e-3)


def test_nan_and_zero_rows_stay(clean, stack):
    tissue = clean()
    fid = np.stack([np.full(1024, np.nan), np.zeros(1024), tissue.fid + phantom(tissue)])
    cleaned = remove_peaks(stack(fid, "person"), [(18, 22)])
    assert np.isnan(cleaned.fid[0]).all()
    assert not cleaned.fid[1].any()
    assert cleaned.history[-1].found["n_removed"].tolist() == [0, 0, 1]


@pytest.mark.parametrize("window", [(7, 12), (-20, -17), (-1, 1)])
def test_window_among_the_lines_of_tissue_is_warned_of(window, clean):
    with pytest.warns(p31mg.P31mgWarning, match="comes within 1.5 ppm of the lines of tissue"):
        remove_peaks(clean(), [window])


def test_window_beyond_is_not_warned_of(clean):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        remove_peaks(clean(), [(9, 12), (-25, -19)])


@pytest.mark.parametrize(
    ("windows", "options", "message"),
    [
        ([], {}, r"windows_ppm is \[\]; give pairs"),
        ([17, 22], {}, r"windows_ppm is \[17, 22\]; give pairs"),
        ([(22, 17)], {}, r"windows_ppm holds \(22, 17\); give the lower first"),
        ([(17, 60)], {}, r"windows_ppm holds \(17, 60\).*spectrum of \+-48.4 ppm"),
        ([(17, np.nan)], {}, r"windows_ppm holds \(17, nan\)"),
        ([(17, 22)], {"n_components": 0}, "n_components is 0; it must be a whole number from 1 to 64"),
        ([(17, 22)], {"reference_ppm": [0.0, 1.0]}, r"reference_ppm has shape \(2,\); it must broadcast to \(\)"),
    ],
)
def test_refused(windows, options, message, clean):
    with pytest.raises(p31mg.InputError, match=message):
        remove_peaks(clean(), windows, **options)


def test_windows_that_are_no_numbers():
    with pytest.raises(p31mg.InputError, match=r"windows_ppm is 'x'; give pairs \(low, high\) in ppm from PCr"):
        p31mg.preprocess.remove_peaks(p31mg.simulate(0.5, seed=1), "x")
