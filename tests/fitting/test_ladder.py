"""From the lean model to richer ones: what is found, what is left alone, and what the answer is worth.

The spectra are made here, point by point in the time domain, with fields that the fit does not have.
"""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus

N = 60


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(21)
    return p31mg.simulate(
        rng.uniform(0.3, 0.9, N),
        prior="muscle-3t",
        snr=300,
        seed=22,
        phase_rad=rng.uniform(-3, 3, N),
        frequency_offset_hz=rng.uniform(-25, 25, N),
        broadening_hz=rng.uniform(0, 6, N),
    )


def changed(people, signal=None, *, envelope=1.0, begin_error_s=0.0, sd_begin_time_s=0.0):
    """The same spectra with something done to every line, something added, and a begin time that is told wrong."""
    noise_sd = people.truth.noise_sd[:, None]
    rng = np.random.default_rng(5)
    clean = p31mg.simulate(
        people.truth.free_mg_mM,
        prior="muscle-3t",
        phase_rad=people.truth.phase_rad,
        frequency_offset_hz=people.truth.frequency_offset_hz,
        broadening_hz=people.truth.linewidth_hz[:, 0] - 8.0,
    ).fid
    noise = rng.standard_normal((2, *clean.shape))
    fid = clean * envelope + noise_sd * (noise[0] + 1j * noise[1])
    fid = fid if signal is None else fid + np.exp(1j * people.truth.phase_rad)[:, None] * signal
    a = people.acquisition
    told = replace(a, begin_time_s=a.begin_time_s + begin_error_s, sd_begin_time_s=sd_begin_time_s)
    return p31mg.Spectra(fid, told)


def z_scores(people, fit):
    return (fit.shift_alpha_beta_ppm - people.truth.shift_alpha_beta_ppm) / fit.sd_shift_alpha_beta_ppm


def is_sound(people, fit, share=1.0):
    z = z_scores(people, fit)[fit.is_valid]
    assert fit.is_valid.mean() >= share
    assert abs(z.mean()) < 3.5 / np.sqrt(len(z))
    assert z.std() == pytest.approx(1.0, abs=3.5 / np.sqrt(2 * len(z)))


def hump(people, of_pcr=5.0):
    """A Gaussian 18 ppm wide under all of the spectrum."""
    t, width_hz = people.time_s, 18 * people.acquisition.spectrometer_frequency_mhz
    return of_pcr * np.exp(-((np.pi * width_hz * t) ** 2) / (4 * np.log(2)) + 2j * np.pi * 50.0 * t)


def exponential_field(people, hz):
    """A field whose distribution falls exponentially to one side, of mean 0: a skewness of 2."""
    return np.exp(-2j * np.pi * hz * people.time_s) / (1 - 2j * np.pi * hz * people.time_s)


class TestNothingToDo:
    def test_spectra_of_the_model_keep_it(self, people):
        fit = p31mg.fit(people)
        assert not fit.gaussian_linewidth_hz.any()
        assert not fit.first_point.any()
        is_sound(people, fit)

    def test_then_a_richer_choice_changes_no_digit(self, people):
        plain, adapted = p31mg.fit(people, baseline="none"), p31mg.fit(people)
        np.testing.assert_array_equal(plain.shift_alpha_beta_ppm, adapted.shift_alpha_beta_ppm)


class TestBeginTime:
    @pytest.mark.parametrize("error_s", [-3e-4, 1e-4, 3e-4])
    def test_is_found_and_its_error_is_in_the_shift(self, people, error_s):
        spectra = changed(people, begin_error_s=error_s, sd_begin_time_s=3e-4)
        fit = p31mg.fit(spectra)
        is_sound(people, fit)
        z = (fit.begin_time_s - people.acquisition.begin_time_s) / fit.crlb_begin_time_s
        assert abs(z.mean()) < 0.5
        assert z.std() == pytest.approx(1.0, abs=0.35)
        assert fit.quality.begin_time_ok.all()
        locked = p31mg.fit(spectra, phase_model="locked")
        assert np.nanmedian(np.abs(z_scores(people, locked))) > 3

    def test_a_small_sd_is_nearly_exact_and_a_large_one_nearly_free(self, people):
        tight, wide, locked = (
            p31mg.fit(changed(people, sd_begin_time_s=sd), baseline="none").crlb_shift_alpha_beta_ppm
            for sd in (1e-8, 2e-3, 0.0)
        )
        np.testing.assert_allclose(tight, locked, rtol=3e-3)  # one parameter more in the estimate of the noise
        assert (wide > 1.05 * locked).all()

    def test_far_from_what_was_stated_is_said(self, people):
        fit = p31mg.fit(changed(people, begin_error_s=4e-4, sd_begin_time_s=1e-4))
        assert not fit.quality.begin_time_ok.any()

    def test_engines_agree(self, people):
        spectra = changed(people, begin_error_s=2e-4, sd_begin_time_s=3e-4)[:4]
        batch, lmfit = (p31mg.fit(spectra, engine=engine) for engine in ("batch", "lmfit"))
        np.testing.assert_allclose(batch.begin_time_s, lmfit.begin_time_s, atol=1e-9)
        difference = np.abs(batch.shift_alpha_beta_ppm - lmfit.shift_alpha_beta_ppm)
        assert (difference < 1e-4 * batch.sd_shift_alpha_beta_ppm).all()
        np.testing.assert_allclose(batch.crlb_shift_alpha_beta_ppm, lmfit.crlb_shift_alpha_beta_ppm, rtol=1e-3)


class TestFreePhases:
    def test_no_begin_time_is_needed(self, people):
        spectra = changed(people, begin_error_s=3e-4)
        fit = p31mg.fit(spectra, phase_model="free")
        is_sound(people, fit)

    def test_phases_are_those_of_the_begin_time(self, people):
        """A begin time told 0.2 ms early leaves a line at f turned by 2 pi f 0.2 ms."""
        fit = p31mg.fit(changed(people, begin_error_s=-2e-4), phase_model="free")
        alpha, pcr = fit.names.index("alpha_atp"), fit.names.index("pcr")
        hz = fit.chemical_shift_ppm[:, alpha] * people.acquisition.spectrometer_frequency_mhz
        turned = fit.resonance_phase_rad[:, alpha] - fit.resonance_phase_rad[:, pcr]
        difference = np.angle(np.exp(1j * (turned - 2 * np.pi * hz * 2e-4)))
        assert abs(difference.mean()) < 0.05
        assert difference.std() < 0.2

    def test_model_of_a_result_is_what_was_fitted(self, people):
        spectra = changed(people, begin_error_s=-2e-4)
        fit = p31mg.fit(spectra, phase_model="free")
        left = spectra.fid[3] - fit.model(3).sum(axis=0)
        assert left[fit.first_point[3] :].std() / np.sqrt(2) == pytest.approx(float(people.truth.noise_sd[3]), rel=0.05)


class TestBroadSignal:
    def test_moves_the_shift_unless_points_are_left_out(self, people):
        spectra = changed(people, hump(people), sd_begin_time_s=3e-4)
        whole = p31mg.fit(spectra, baseline="none")
        assert abs(np.nanmean(z_scores(people, whole))) > 1.5
        fit = p31mg.fit(spectra)
        assert (fit.first_point > 0).all()
        is_sound(people, fit)

    def test_is_noticed_where_the_begin_time_is_exact(self, people):
        fit = p31mg.fit(changed(people, hump(people)))
        assert (fit.first_point > 0).all()
        is_sound(people, fit)

    def test_amplitudes_remain_those_at_time_0(self, people):
        fit = p31mg.fit(changed(people, hump(people)))
        pcr = fit.amplitude[:, fit.names.index("pcr")]
        assert pcr.mean() == pytest.approx(1.0, abs=0.01)

    def test_number_of_points(self, people):
        fit = p31mg.fit(people, baseline=9)
        assert (fit.first_point == 9).all()
        is_sound(people, fit)

    def test_unnoticed_by_noise_alone(self):
        """Twenty times fewer than the share that a limit twice too low would give."""
        rng = np.random.default_rng(3)
        fit = p31mg.fit(p31mg.simulate(rng.uniform(0.3, 0.9, 2000), snr=rng.uniform(60, 600, 2000), seed=4))
        assert (fit.first_point > 0).mean() < 0.003
        assert (fit.gaussian_linewidth_hz > 0).mean() < 0.005


class TestField:
    @pytest.mark.parametrize("width_hz", [8.0, 15.0])
    def test_gaussian_width_is_found(self, people, width_hz):
        envelope = np.exp(-((np.pi * width_hz * people.time_s) ** 2) / (4 * np.log(2)))
        fit = p31mg.fit(changed(people, envelope=envelope))
        assert (fit.gaussian_linewidth_hz > 0).all()
        z = (fit.gaussian_linewidth_hz - width_hz) / fit.crlb_gaussian_linewidth_hz
        assert abs(z.mean()) < 0.6
        is_sound(people, fit)

    @pytest.mark.parametrize("hz", [-4.0, 4.0])
    def test_asymmetry_does_not_become_a_shift(self, people, hz):
        fit = p31mg.fit(changed(people, envelope=exponential_field(people, hz)))
        assert (np.sign(fit.field_skew_hz[fit.field_skew_hz != 0]) == np.sign(hz)).all()
        is_sound(people, fit, share=0.98)

    def test_prior_at_its_word(self, people):
        envelope = exponential_field(people, 4.0)
        fit = p31mg.fit(changed(people, envelope=envelope), lineshape="prior", baseline="none")
        assert not fit.gaussian_linewidth_hz.any()

    def test_stack_equals_single_fits_to_the_last_bit(self, people):
        spectra = changed(people, hump(people), envelope=exponential_field(people, 3.0), sd_begin_time_s=3e-4)
        stack, two = p31mg.fit(spectra), p31mg.fit(spectra, workers=2)
        np.testing.assert_array_equal(stack.shift_alpha_beta_ppm, two.shift_alpha_beta_ppm)
        for i in (0, 7):
            alone = p31mg.fit(spectra[i])
            assert alone.shift_alpha_beta_ppm == stack.shift_alpha_beta_ppm[i]
            assert alone.sd_shift_alpha_beta_ppm == stack.sd_shift_alpha_beta_ppm[i]
            assert alone.gaussian_linewidth_hz == stack.gaussian_linewidth_hz[i]


class TestQuality:
    def test_alpha_that_merges_with_its_neighbour_is_said(self, muscle):
        merged = replace(
            muscle,
            resonances=tuple(
                replace(r, chemical_shift_ppm=-7.9, shift_bounds_ppm=(-8.5, -7.2), amplitude=0.15)
                if r.name == "nad"
                else r
                for r in muscle.resonances
            ),
        )
        fit = p31mg.fit(
            p31mg.simulate(np.full(20, 0.5), prior=merged, snr=500, seed=1, broadening_hz=15.0), prior=merged
        )
        usual = p31mg.fit(p31mg.simulate(np.full(20, 0.5), prior=muscle, snr=200, seed=1), prior=muscle)
        assert usual.quality.alpha_is_separate.all()
        assert fit.quality.alpha_is_separate.mean() < 0.5

    def test_every_name_is_a_column(self, people):
        columns = p31mg.fit(people[:2]).to_dataframe().columns
        assert {"moved", "atp_linewidth_ok", "alpha_is_separate", "begin_time_ok", "first_point"} <= set(columns)


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"phase_model": "loose"}, p31mg.UnknownNameError, "phase_model"),
            ({"lineshape": "round"}, p31mg.UnknownNameError, "lineshape"),
            ({"baseline": "flat"}, p31mg.UnknownNameError, "baseline"),
            ({"baseline": -1}, p31mg.InputError, "baseline is -1"),
            ({"baseline": 1.5}, p31mg.InputError, "baseline is 1.5"),
            ({"baseline": 5000}, p31mg.InputError, "baseline is 5000"),
        ],
    )
    def test_unknown_choices(self, people, options, error, words):
        with pytest.raises(error, match=words):
            p31mg.fit(people[:1], **options)

    def test_free_phases_and_a_begin_time(self, muscle):
        with pytest.raises(p31mg.PriorKnowledgeError, match="no begin time to find"):
            replace(muscle, free_phases=True, begin_time_bounds_s=(-1e-3, 1e-3))

    @pytest.mark.parametrize("sd", [-1e-4, 0.1, np.nan])
    def test_sd_of_a_begin_time(self, people, sd):
        with pytest.raises(p31mg.InputError, match="sd_begin_time_s"):
            replace(people.acquisition, sd_begin_time_s=sd)


def test_degenerate_rows_end_with_a_status_and_leave_their_neighbours(people):
    spectra = changed(people, hump(people), sd_begin_time_s=3e-4)
    fid = np.concatenate([spectra.fid[:3], np.zeros((1, 2048)), np.full((1, 2048), np.nan), spectra.fid[3:6]])
    fit, alone = p31mg.fit(p31mg.Spectra(fid, spectra.acquisition)), p31mg.fit(spectra[:6])
    assert [FitStatus(int(s)).name for s in fit.status[3:5]] == ["ZERO_SIGNAL", "NOT_FINITE"]
    np.testing.assert_array_equal(np.delete(fit.shift_alpha_beta_ppm, [3, 4]), alone.shift_alpha_beta_ppm)


def test_row_keeps_its_fit_and_its_flags_where_another_does_not_converge(people, monkeypatch):
    """Here every refit without first points ends unconverged: the row says that a broad signal is left."""
    module = importlib.import_module("p31mg.fitting.fit")
    fit_stack = module.fit_stack

    def stopped(spectrum, start, problem, *rest):
        out = fit_stack(spectrum, start, problem, *rest)
        return replace(out, converged=out.converged & (problem.first_point == 0))

    spectra = changed(people, hump(people))[:8]
    whole = p31mg.fit(spectra, baseline="none", lineshape="prior")
    monkeypatch.setattr(module, "fit_stack", stopped)
    fit = p31mg.fit(spectra, lineshape="prior")
    np.testing.assert_array_equal(fit.shift_alpha_beta_ppm, whole.shift_alpha_beta_ppm)
    assert not fit.first_point.any()
    assert fit.quality.converged.all()
    assert not fit.quality.residual_ok.any()
