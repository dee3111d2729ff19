"""Transients: drift that is known, a slow maximum likelihood beside it, and what becomes of noise."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

import p31mg
from p31mg.preprocess import average_transients

N_TRANSIENTS = 32


def turns(f, phase, time_s):
    return np.exp(1j * (np.asarray(phase)[..., None] + 2 * np.pi * np.asarray(f)[..., None] * time_s))


@pytest.fixture
def drifting(clean, noise, sd_at, stack):
    """Make transients of one signal; return them with frequencies and phases."""

    def make(snr=40.0, kind="breathing", n=N_TRANSIENTS, seed=1):
        rng = np.random.default_rng(seed)
        f = {"none": np.zeros(n), "breathing": 3 * np.sin(np.arange(n)), "drift": np.linspace(-5, 5, n)}.get(kind)
        phase = {"none": np.zeros(n), "breathing": np.cos(np.arange(n)), "drift": np.zeros(n)}.get(kind)
        if kind == "random":
            f, phase = rng.normal(0, 4, n), rng.uniform(-np.pi, np.pi, n)
        one = clean()
        return stack(one.fid * turns(f, phase, one.time_s) + sd_at(snr) * noise(rng, n, one.n_points), "dyn"), f, phase

    return make


def snr_kept(mean, clean, f, phase):
    """Return the SNR over that of perfect alignment, by what the found turns and weights do to the signal without noise."""
    found = mean.history[-1].found
    left = turns(f, phase, clean.time_s) / turns(found["frequency_hz"], found["phase_rad"], clean.time_s)
    signal = (found["weight"][:, None] * left * clean.fid).sum(axis=0)
    best = np.abs(np.fft.fft(clean.fid.conj() * signal, 16384)).max() / (np.abs(clean.fid) ** 2).sum()
    return best / np.sqrt(len(f) * (found["weight"] ** 2).sum())


@pytest.mark.parametrize("kind", ["drift", "breathing", "random"])
@pytest.mark.parametrize(("snr", "most_lost"), [(40, 0.004), (10, 0.04)])
def test_little_is_lost_against_perfect_alignment(kind, snr, most_lost, drifting, clean):
    lost = []
    for seed in range(4):
        spectra, f, phase = drifting(snr, kind, seed=seed)
        lost.append(1 - snr_kept(average_transients(spectra), clean(), f, phase))
    assert np.mean(lost) < most_lost


@pytest.mark.parametrize("snr", [40, 10, 6])
def test_nothing_is_lost_where_nothing_drifts(snr, drifting, clean):
    lost = [
        1 - snr_kept(average_transients(drifting(snr, "none", seed=s)[0]), clean(), np.zeros(32), np.zeros(32))
        for s in range(4)
    ]
    assert np.mean(lost) < 0.012  # aligned one by one, each as its own noise has it, 3 % at SNR 6


def test_frequencies_and_phases_are_found_to_their_cramer_rao_bound(drifting, clean, sd_at):
    signal, sd = clean(), sd_at(40)
    power = np.abs(signal.fid) ** 2
    middle = (power * signal.time_s).sum() / power.sum()
    bound_f = sd / (2 * np.pi * np.sqrt((power * (signal.time_s - middle) ** 2).sum()))
    errors = []
    for seed in range(6):
        spectra, f, _ = drifting(kind="random", seed=seed)
        errors.append(average_transients(spectra).history[-1].found["frequency_hz"] - (f - f.mean()))
    # the reference has noise too, and late points of narrow lines are weighted down
    assert 0.8 < np.std(errors) / bound_f < 1.6


def test_a_slow_search_with_the_true_signal_finds_the_same(drifting, clean, sd_at):
    spectra, _, _ = drifting(snr=200.0)
    one = clean()
    found = average_transients(spectra).history[-1].found

    def misfit(x, fid):
        return np.sum(np.abs(fid - one.fid * np.exp(1j * (x[0] + 2 * np.pi * x[1] * one.time_s))) ** 2)

    slow = np.array(
        [
            scipy.optimize.minimize(
                misfit, [found["phase_rad"][i], found["frequency_hz"][i]], (spectra.fid[i],), "Nelder-Mead"
            ).x
            for i in range(8)
        ]
    )
    difference = slow[:, 1] - found["frequency_hz"][:8]
    assert np.ptp(difference) < 0.3  # Hz, a few of the standard errors of 0.05


def test_what_comes_out_fits_as_perfectly_aligned_spectra_do(clean, noise, sd_at, stack):
    n, m, snr = 40, 16, 36.0
    rng = np.random.default_rng(8)
    truth = clean(rng.uniform(0.3, 1.0, n))
    f, phase = rng.normal(0, 3, (n, m)), rng.uniform(-np.pi, np.pi, (n, m))
    turn = turns(f, phase, truth.time_s)
    fid = truth.fid[:, None] * turn + sd_at(snr) * noise(rng, n, m, truth.n_points)
    fit = p31mg.fit(average_transients(stack(fid, "person", "dyn")))
    perfect = p31mg.fit(stack((fid / turn).mean(axis=1), "person"))
    error = fit.shift_alpha_beta_ppm - truth.truth.shift_alpha_beta_ppm
    z = error / fit.sd_shift_alpha_beta_ppm
    assert fit.is_valid.all()
    assert abs(z.mean()) < 3 / np.sqrt(n)
    assert 0.66 < z.std() < 1.34  # three standard errors
    assert (fit.snr / perfect.snr).mean() > 0.985
    # alignment by itself moves the shift by less than a third of its error
    moved = fit.shift_alpha_beta_ppm - perfect.shift_alpha_beta_ppm
    assert moved.std() < 0.33 * error.std()


@pytest.mark.parametrize("snr", [1e9, 30.0])
def test_plain_mean(snr, drifting):
    spectra, *_ = drifting(snr)
    mean = average_transients(spectra, align=False, weights="equal")
    np.testing.assert_allclose(mean.fid, spectra.fid.mean(axis=0), rtol=0, atol=1e-12)
    assert not mean.history[-1].found["frequency_hz"].any()


def test_noise_is_not_aligned_to_noise(noise, stack):
    fid = noise(np.random.default_rng(2), 50, 32, 512)
    mean = average_transients(stack(fid, "voxel", "dyn"))
    assert not mean.history[-1].found["is_aligned"].any()
    np.testing.assert_allclose(mean.fid, (mean.history[-1].found["weight"][..., None] * fid).sum(axis=1), atol=1e-12)
    assert mean.fid.real.std() == pytest.approx(1 / np.sqrt(32), rel=0.02)


@settings(max_examples=10)
@given(order=st.permutations(range(8)), angle=st.floats(-3, 3))
def test_order_and_common_phase_do_not_matter(order, angle, clean, noise, sd_at, stack):
    rng = np.random.default_rng(4)
    one = clean()
    fid = one.fid * turns(rng.normal(0, 3, 8), rng.normal(0, 1, 8), one.time_s) + sd_at(50) * noise(
        rng, 8, one.n_points
    )
    mean = average_transients(stack(fid, "dyn")).fid
    other = average_transients(stack(np.exp(1j * angle) * fid[list(order)], "dyn")).fid
    np.testing.assert_allclose(other, np.exp(1j * angle) * mean, rtol=0, atol=1e-6 * np.abs(mean).max())


def test_stack_equals_loop(drifting, stack):
    one, two = drifting(seed=1)[0].fid, drifting(seed=2)[0].fid
    both = average_transients(stack(np.stack([one, two], axis=1), "dyn", "leg"))
    assert (both.axis_names, both.batch_shape) == (("leg",), (2,))
    for i, fid in enumerate((one, two)):
        alone = average_transients(stack(fid, "dyn"))
        # how long the signal lasts is told from the whole stack; a few points more or less
        np.testing.assert_allclose(
            both.history[-1].found["frequency_hz"][i], alone.history[-1].found["frequency_hz"], atol=0.25
        )
        assert np.linalg.norm(both.fid[i] - alone.fid) < 0.01 * np.linalg.norm(alone.fid)


def test_weights_follow_the_noise(clean, noise, sd_at, stack):
    rng = np.random.default_rng(5)
    sd = sd_at(30) * np.where(np.arange(32) < 16, 1.0, 3.0)
    mean = average_transients(stack(clean().fid + sd[:, None] * noise(rng, 32, 1024), "dyn"))
    weight = mean.history[-1].found["weight"]
    assert weight.sum() == pytest.approx(1.0)
    assert weight[:16].mean() / weight[16:].mean() == pytest.approx(9.0, rel=0.1)
    equal = average_transients(stack(clean().fid + sd_at(30) * noise(rng, 32, 1024), "dyn"))
    np.testing.assert_allclose(equal.history[-1].found["weight"], 1 / 32, rtol=0.1)


def test_spoiled_transients_are_named_and_left_out_only_when_asked(drifting, clean, stack):
    spectra, f, phase = drifting(snr=30.0)
    amplitude = np.ones(N_TRANSIENTS)
    amplitude[[3, 20]] = 0.1, 2.0  # moved out of the coil, and a pulse twice as good
    fid = spectra.fid + (amplitude - 1)[:, None] * clean().fid * turns(f, phase, clean().time_s)
    kept = average_transients(stack(fid, "dyn")).history[-1].found
    assert not kept["rejected"].any()
    assert np.flatnonzero(kept["misfit_sd"] > 6).tolist() == [3, 20]
    mean = average_transients(stack(fid, "dyn"), reject_beyond_sd=6)
    assert np.flatnonzero(mean.history[-1].found["rejected"]).tolist() == [3, 20]
    assert (mean.history[-1].found["weight"][[3, 20]] == 0).all()
    without = average_transients(stack(np.delete(fid, [3, 20], axis=0), "dyn"))
    assert np.linalg.norm(mean.fid - without.fid) < 0.01 * np.linalg.norm(without.fid)


def test_transients_that_hold_nothing(drifting, stack):
    fid = drifting()[0].fid.copy()
    fid[4, 5], fid[9] = np.nan, 0.0
    nothing = np.full_like(fid, np.nan)
    mean = average_transients(stack(np.stack([fid, nothing]), "leg", "dyn"))
    assert np.flatnonzero(mean.history[-1].found["weight"][0] == 0).tolist() == [4, 9]
    assert np.isfinite(mean.fid[0]).all()
    assert np.isnan(mean.fid[1]).all()
    assert p31mg.fit(mean).status.tolist() == [p31mg.FitStatus.OK, p31mg.FitStatus.NOT_FINITE]


@pytest.mark.parametrize("n", [1, 2])
def test_few_transients(n, drifting):
    spectra, *_ = drifting(n=n)
    assert p31mg.fit(average_transients(spectra)).status == p31mg.FitStatus.OK


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axis": "coil"}, "axis is 'coil'; the spectra have the axis dyn"),
        ({"weights": "snr"}, "weights 'snr' is not known"),
        ({"largest_drift_ppm": 0.0}, "largest_drift_ppm is 0.0; it must be above 0"),
        ({"reject_beyond_sd": -1}, "reject_beyond_sd is -1; it must be above 0"),
    ],
)
def test_refused(options, message, drifting):
    with pytest.raises(p31mg.InputError, match=message):
        average_transients(drifting()[0], **options)


def test_too_few_to_reject(drifting):
    with pytest.raises(p31mg.InputError, match="for 3 transients; at least 5"):
        average_transients(drifting(n=3)[0], reject_beyond_sd=4)
