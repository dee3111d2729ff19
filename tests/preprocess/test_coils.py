"""Coils: beside the best combination that known sensitivities allow, and a singular value decomposition written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import p31mg
from p31mg.preprocess import combine_coils


@pytest.fixture
def array(clean, noise, sd_at, stack):
    """Make an array of coils whose noise is correlated; return it with sensitivities, covariance and clean signal."""

    def make(n_coils=8, n_transients=1, snr=300.0, seed=1):
        rng = np.random.default_rng(seed)
        s = noise(rng, n_coils) * np.geomspace(1, 0.2, n_coils)
        mixing = np.eye(n_coils) + 0.4 * noise(rng, n_coils, n_coils) / np.sqrt(n_coils)
        covariance = mixing @ mixing.conj().T
        best = np.sqrt((s.conj() @ np.linalg.solve(covariance, s)).real)
        scale = sd_at(snr) * best * np.sqrt(n_transients)
        signal = clean().fid
        x = s[:, None, None] * signal + scale * np.einsum(
            "ij,jtn->itn", mixing, noise(rng, n_coils, n_transients, signal.size)
        )
        return stack(x, "coil", "dyn"), s, covariance, signal

    return make


def snr_over_best(sensitivity, samples, s, covariance):
    """Return the SNR of the combination with sensitivities and noise that were found, over that with the true ones."""
    weights = sensitivity.conj() @ np.linalg.inv(samples @ samples.conj().T)
    got = np.abs(weights @ s) / np.sqrt((weights @ covariance @ weights.conj()).real)
    return got / np.sqrt((s.conj() @ np.linalg.solve(covariance, s)).real)


@pytest.mark.parametrize(
    ("n_coils", "n_transients", "snr", "least"), [(8, 1, 300, 0.985), (8, 16, 100, 0.99), (32, 16, 300, 0.99)]
)
def test_nearly_all_snr_is_kept(n_coils, n_transients, snr, least, array):
    # with 512 samples of noise for each of 8 coils 1 - 8/1024 is the most that can be kept on the average
    kept = []
    for seed in range(3):
        spectra, s, covariance, _ = array(n_coils, n_transients, snr, seed)
        found = combine_coils(spectra).history[-1].found
        samples = spectra.fid[..., 512:].reshape(n_coils, -1)
        kept.append(snr_over_best(found["sensitivity"], samples, s, covariance))
    assert least < np.mean(kept) <= 1.0


def test_combined_signal_is_the_signal_with_the_snr_of_all(array):
    spectra, s, _, signal = array(snr=200.0)
    combined = combine_coils(spectra)[0]
    fit = p31mg.fit(combined)
    assert fit.snr == pytest.approx(200.0, rel=0.05)
    # in units of a coil of usual sensitivity, with the phase of the most sensitive coil
    scale = np.vdot(signal, combined.fid) / np.vdot(signal, signal)
    assert abs(scale) == pytest.approx(np.sqrt((np.abs(s) ** 2).mean()), rel=0.03)
    assert np.angle(scale / s[np.abs(s).argmax()]) == pytest.approx(0.0, abs=0.03)


def test_sensitivities_are_those_of_a_whitened_svd_written_out(array):
    spectra, *_ = array(n_coils=4, snr=1000.0)
    samples = spectra.fid[..., 512:].reshape(4, -1)
    lower = np.linalg.cholesky(samples @ samples.conj().T / samples.shape[1])
    left, values, _ = np.linalg.svd(np.linalg.inv(lower) @ spectra.fid[:, 0, :200], full_matrices=False)
    expected = lower @ left[:, 0]
    found = combine_coils(spectra).history[-1].found
    overlap = (
        np.abs(np.vdot(expected, found["sensitivity"]))
        / np.linalg.norm(expected)
        / np.linalg.norm(found["sensitivity"])
    )
    assert overlap == pytest.approx(1.0, abs=2e-5)
    assert (np.abs(found["sensitivity"]) ** 2).mean() == pytest.approx(1.0)
    assert found["explained"] > values[0] ** 2 / (values**2).sum()  # fewer numbers, less noise


@settings(max_examples=10)
@given(gains=st.lists(st.complex_numbers(min_magnitude=0.01, max_magnitude=100), min_size=6, max_size=6))
def test_gain_and_phase_of_a_coil_do_not_matter(gains, clean, noise, sd_at, stack):
    rng = np.random.default_rng(3)
    x = noise(rng, 6)[:, None] * clean().fid + sd_at(100) * noise(rng, 6, 1024)
    one, other = (combine_coils(stack(g[:, None] * x, "coil")).fid for g in (np.ones(6), np.array(gains)))
    scale = np.vdot(one, other) / np.vdot(one, one)
    np.testing.assert_allclose(other, scale * one, rtol=0, atol=1e-8 * np.abs(other).max())


def test_each_position_by_itself_and_all_repetitions_together(array, stack):
    fids = [array(seed=i, n_transients=4)[0].fid for i in range(6)]  # each (coil, dyn, N)
    grid = np.stack(fids).reshape(2, 3, 8, 4, -1)
    together = combine_coils(stack(grid, "x", "y", "coil", "dyn"))
    moved = combine_coils(stack(np.moveaxis(grid, 2, 3), "x", "y", "dyn", "coil"))
    assert (together.axis_names, together.batch_shape) == (("x", "y", "dyn"), (2, 3, 4))
    assert together.history[-1].found["sensitivity"].shape == (2, 3, 8)
    np.testing.assert_allclose(moved.fid, together.fid, rtol=0, atol=1e-12)
    alone = [combine_coils(stack(fid, "coil", "dyn")).history[-1].found["sensitivity"] for fid in fids]
    overlap = np.abs(np.einsum("ic,ic->i", np.conj(alone), together.history[-1].found["sensitivity"].reshape(6, 8))) / 8
    # the noise covariance is that of all positions, and so is the length of the signal
    np.testing.assert_allclose(overlap, 1.0, atol=2e-3)


def test_noise_scan_is_used(array, noise, stack):
    spectra, s, covariance, _ = array(n_coils=32, snr=300.0)
    scan = np.linalg.cholesky(covariance) @ noise(np.random.default_rng(9), 32, 20000)
    for given_noise in (scan, stack(scan.reshape(32, 10, 2000), "coil", "shot")):
        combined = combine_coils(spectra, noise=given_noise)
        kept = snr_over_best(combined.history[-1].found["sensitivity"], scan, s, covariance)
        assert kept > 0.99
        assert combined.history[-1].parameters["noise"] == "given"
        np.testing.assert_allclose(combined.history[-1].found["noise_sd"] ** 2, np.diagonal(covariance).real, rtol=0.05)


def test_dead_coil_and_nan(array, stack):
    spectra, *_ = array(n_transients=4)
    fid = spectra.fid.copy()
    fid[2] = 0.0
    fid[5, 1, 7] = np.nan
    combined = combine_coils(stack(fid, "coil", "dyn"))
    assert combined.history[-1].found["sensitivity"][2] == 0
    assert np.isfinite(combined.fid).all(axis=-1).tolist() == [True, False, True, True]
    without = combine_coils(stack(np.delete(fid, 2, axis=0), "coil", "dyn"))
    np.testing.assert_allclose(combined.fid[0], without.fid[0] * np.sqrt(7 / 8), rtol=1e-9)


def test_empty_voxels_stay_empty(array, stack):
    spectra, *_ = array()
    grid = np.stack([spectra.fid[:, 0], np.zeros((8, 1024))])
    combined = combine_coils(stack(grid, "x", "coil"))
    assert not combined.fid[1].any()
    assert combined.history[-1].found["explained"][1] == 0


@pytest.mark.parametrize(
    ("axis", "message"),
    [("dyn", "axis 'dyn' holds 1 coil"), ("coils", "axis is 'coils'; the spectra have the axes coil, dyn")],
)
def test_axis_that_is_not_there(axis, message, array):
    with pytest.raises(p31mg.InputError, match=message):
        combine_coils(array()[0], axis)


def test_axis_must_be_named_where_none_is_called_coil(stack, clean):
    with pytest.raises(
        p31mg.InputError,
        match="axis is not given, and no axis is called coil or channel; the spectra have the axis receiver",
    ):
        combine_coils(stack(np.tile(clean().fid, (3, 1)), "receiver"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: x[:3], r"noise has shape \(3, 64\)"),
        (lambda x: x.real, r"noise has shape .* \(float64\); it must be complex"),
        (lambda x: x[:, :20], "noise has 20 usable samples for each of 8 coils; at least 32"),
        (lambda x: np.where(np.arange(64) == 3, np.nan, x), "noise holds NaN or Inf"),
        (lambda x: np.tile(x[:1], (8, 1)), "the noise of the coils cannot be told"),
        (lambda x: 0 * x, "the noise of the coils cannot be told"),
    ],
)
def test_noise_that_cannot_be_used(make, message, array, noise):
    with pytest.raises(p31mg.InputError, match=message):
        combine_coils(array()[0], noise=make(noise(np.random.default_rng(1), 8, 64)))


def test_what_is_not_spectra():
    with pytest.raises(p31mg.InputError, match="spectra is a ndarray"):
        combine_coils(np.ones((3, 64)))
