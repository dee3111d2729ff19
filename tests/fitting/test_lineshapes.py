"""Gaussian and Voigt lines, a coupling and a begin time that are fitted: truth, engines, statistics, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus
from p31mg.prior import common_parameters

OPTIONS = {
    "gaussian": {"lineshape": "gaussian"},
    "voigt": {"lineshape": "voigt", "gaussian_linewidth_hz": 6.0, "gaussian_linewidth_bounds_hz": (1.0, 40.0)},
    "coupling": {"j_coupling_bounds_hz": (10.0, 24.0)},
    "begin time": {"begin_time_bounds_s": (-6e-4, 6e-4)},
}
ALL = {**OPTIONS["voigt"], **OPTIONS["coupling"], **OPTIONS["begin time"]}


@pytest.fixture(scope="module", params=[*OPTIONS.values(), ALL], ids=[*OPTIONS, "all"])
def prior(request, muscle):
    return replace(muscle, **request.param)


@pytest.fixture(scope="module")
def study(prior):
    rng = np.random.default_rng(7)
    n = 120
    spectra = p31mg.simulate(
        rng.uniform(0.3, 1.0, n),
        prior=prior,
        snr=300,
        seed=8,
        phase_rad=rng.uniform(-3, 3, n),
        frequency_offset_hz=rng.uniform(-25, 25, n),
        broadening_hz=rng.uniform(-2, 8, n),
    )
    return spectra, p31mg.fit(spectra, prior=prior)


def test_reaches_the_truth_without_noise(prior, simulated):
    prior = replace(prior, coupling="first-order")
    spectra = simulated(0.4, prior=prior, snr=np.inf, phase_rad=2.0, frequency_offset_hz=-31.0, broadening_hz=4.0)
    fit, truth = p31mg.fit(spectra, prior=prior), spectra.truth
    assert fit.status == FitStatus.OK
    np.testing.assert_allclose(fit.chemical_shift_ppm, truth.chemical_shift_ppm, rtol=0, atol=1e-7)
    np.testing.assert_allclose(fit.linewidth_hz, truth.linewidth_hz, rtol=1e-5)
    assert fit.j_coupling_hz == pytest.approx(16.0, abs=1e-5)
    assert fit.begin_time_s == pytest.approx(5e-4, abs=1e-9)


def test_scatter_is_what_the_fit_says(study):
    spectra, fit = study
    assert fit.is_valid.all()
    z = (fit.shift_alpha_beta_ppm - spectra.truth.shift_alpha_beta_ppm) / fit.sd_shift_alpha_beta_ppm
    assert abs(z.mean()) < 3 / np.sqrt(len(z))
    assert z.std() == pytest.approx(1.0, abs=3 / np.sqrt(2 * len(z)))


def test_what_is_common_scatters_as_its_bound(study):
    _, fit = study
    truth = {"gaussian_linewidth_hz": 6.0, "j_coupling_hz": 16.0, "begin_time_s": 5e-4}
    fitted = [name for name in truth if (getattr(fit, f"crlb_{name}") > 0).all()]
    common = {*common_parameters(fit.prior), "j_coupling_hz"}  # fitted around what the prior expects
    assert fitted == [name for name in truth if name in common]
    for name in fitted:
        z = (getattr(fit, name) - truth[name]) / getattr(fit, f"crlb_{name}")
        assert abs(z.mean()) < 3.5 / np.sqrt(len(z))
        assert z.std() == pytest.approx(1.0, abs=0.25)


def test_engines_agree(study):
    spectra, fit = study
    alone = p31mg.fit(spectra[3], prior=fit.prior, engine="lmfit")
    sd = float(fit.sd_shift_alpha_beta_ppm[3])
    assert float(alone.shift_alpha_beta_ppm) == pytest.approx(float(fit.shift_alpha_beta_ppm[3]), abs=1e-4 * sd)
    assert float(alone.sd_shift_alpha_beta_ppm) == pytest.approx(sd, rel=1e-3)


def test_stack_equals_single_fits_to_the_last_bit(study, arrays):
    spectra, fit = study
    stack, alone = arrays(fit), arrays(p31mg.fit(spectra[5], prior=fit.prior))
    for name, value in alone.items():
        np.testing.assert_array_equal(stack[name][5], value, err_msg=name)


def test_table_and_model_hold_what_is_common(study):
    spectra, fit = study
    table = fit.to_dataframe()
    for name in common_parameters(fit.prior):
        np.testing.assert_array_equal(table[name], getattr(fit, name))
        np.testing.assert_array_equal(table[f"crlb_{name}"], getattr(fit, f"crlb_{name}"))
    residual = spectra.fid[2] - fit.model(2).sum(axis=0)
    noise = np.sqrt((np.abs(residual) ** 2).mean() / 2)
    assert noise == pytest.approx(float(spectra.truth.noise_sd[2]), rel=0.06)


def test_wrong_lineshape_is_left_over(simulated, muscle):
    gaussian = replace(muscle, lineshape="gaussian")
    spectra = simulated(np.full(4, 0.5), prior=gaussian, snr=300)
    assert p31mg.fit(spectra, prior=gaussian).is_valid.all()
    forced, adapted = (p31mg.fit(spectra, prior=muscle, lineshape=choice) for choice in ("prior", "auto"))
    assert (forced.noise_sd > 1.3 * spectra.truth.noise_sd).all()
    assert adapted.is_valid.all()
    np.testing.assert_allclose(adapted.noise_sd, spectra.truth.noise_sd, rtol=0.25)
    assert (adapted.gaussian_linewidth_hz > 5 * adapted.crlb_gaussian_linewidth_hz).all()


def test_fitted_begin_time_mends_a_wrong_one(simulated, muscle):
    """0.2 ms too early moves the locked answer by 0.2 ppm."""
    spectra = simulated(0.5, snr=600)
    told = replace(spectra.acquisition, begin_time_s=spectra.acquisition.begin_time_s - 2e-4)
    fit = p31mg.fit(p31mg.Spectra(spectra.fid, told), prior=replace(muscle, **OPTIONS["begin time"]))
    error = float(fit.shift_alpha_beta_ppm) - float(spectra.truth.shift_alpha_beta_ppm)
    assert abs(error) < 3 * float(fit.sd_shift_alpha_beta_ppm)
    assert float(fit.begin_time_s) == pytest.approx(5e-4, abs=4 * float(fit.crlb_begin_time_s))
