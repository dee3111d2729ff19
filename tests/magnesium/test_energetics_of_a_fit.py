"""Energetics from a fit and its magnesium: the numbers by hand, the errors against draws of everything."""

from __future__ import annotations

import math

import numpy as np
import pytest

import p31mg

N_DRAWS = 200_000


@pytest.fixture(scope="module")
def mg(fitted):
    return p31mg.free_magnesium(fitted)


class Fields:
    """A fit of one spectrum with chosen amplitudes."""

    names = ("pcr", "pi", "gamma_atp", "alpha_atp", "beta_atp")
    amplitude = np.array([33.0, 4.5, 8.2, 8.0, 7.0])
    crlb_amplitude = np.array([0.33, 0.45, 0.16, 0.2, 0.3])  # each bears on dG by another amount
    chemical_shift_ppm = np.array([0.0, 4.82, -2.5, -7.5, -16.05])
    crlb_chemical_shift_ppm = np.array([0.0, 0.01, 0.01, 0.01, 0.01])
    shift_alpha_beta_ppm = np.array(8.55)
    sd_shift_alpha_beta_ppm = np.array(0.01)
    shift_beta_pcr_ppm = np.array(-16.05)
    sd_shift_beta_pcr_ppm = np.array(0.01)
    is_valid = np.array(True)


@pytest.mark.parametrize("route", ["lawson-veech-1979", "full"])
def test_numbers_are_those_of_the_concentrations(fitted, mg, route):
    factors = {"pcr": 1.2, "pi": 1.3, "gamma_atp": 1.05}
    result = p31mg.energetics(fitted, mg, route=route, saturation_correction=factors)
    i = (0, 1)
    amplitude = dict(zip(fitted.names, fitted.amplitude[i], strict=True))
    pcr = 8.2 * amplitude["pcr"] * 1.2 / (amplitude["gamma_atp"] * 1.05)
    pi = 8.2 * amplitude["pi"] * 1.3 / (amplitude["gamma_atp"] * 1.05)
    options = {"free_mg_mM": float(mg.free_mg_mM[i])} if route == "full" else {}
    by_hand = p31mg.energetics(pcr, pi, float(mg.ph[i]), route=route, **options)
    for name in ("adp_uM", "dg_atp_kj_per_mol", "pcr_mM", "pi_mM", "k_ck_apparent", "creatine_mM"):
        assert getattr(result, name)[i] == pytest.approx(float(getattr(by_hand, name)), rel=1e-12)
    assert "signals corrected for saturation: pcr x1.2, pi x1.3, gamma_atp x1.05" in result.assumed
    assert "all signals fully relaxed" in p31mg.energetics(fitted, mg).assumed


@pytest.mark.parametrize("route", ["lawson-veech-1979", "full"])
def test_errors_against_draws_of_everything(route):
    rng = np.random.default_rng(6)
    fit = Fields()
    mg = p31mg.free_magnesium(fit)
    result = p31mg.energetics(fit, mg, route=route, sd_atp_mM=0.1, sd_creatine_mM=0.4)
    noise = rng.standard_normal((N_DRAWS, 5)) * fit.crlb_amplitude
    pcr, pi, gamma = (fit.amplitude + noise).T[:3]
    atp = 8.2 + 0.1 * rng.standard_normal(N_DRAWS)
    ph = mg.ph + mg.sd_ph * rng.standard_normal(N_DRAWS)
    options = {"free_mg_mM": mg.free_mg_mM + mg.sd_mM * rng.standard_normal(N_DRAWS)} if route == "full" else {}
    drawn = p31mg.energetics(
        pcr / gamma * atp,
        pi / gamma * atp,
        ph,
        atp_mM=atp,
        total_creatine_mM=42.5 + 0.4 * rng.standard_normal(N_DRAWS),
        route=route,
        **options,
    )
    # five standard errors of an sd, and 3 % for the curvature over errors of ADP of 10 %
    tolerance = 5 / math.sqrt(2 * N_DRAWS) + 0.03
    assert float(result.sd_adp_uM) == pytest.approx(np.nanstd(drawn.adp_uM), rel=tolerance)
    assert float(result.sd_dg_atp_kj_per_mol) == pytest.approx(np.nanstd(drawn.dg_atp_kj_per_mol), rel=tolerance)


def test_errors_of_what_is_assumed_by_finite_differences():
    fit = Fields()
    mg = p31mg.free_magnesium(fit)
    exact = Fields()
    exact.crlb_amplitude = np.zeros(5)
    exact.crlb_chemical_shift_ppm = np.full(5, 1e-12)
    for name, assumed in (("atp_mM", 8.2), ("total_creatine_mM", 42.5)):
        step = 1e-4
        ends = [p31mg.energetics(fit, mg, **{name: assumed + s}) for s in (-step, step)]
        sd_name = {"atp_mM": "sd_atp_mM", "total_creatine_mM": "sd_creatine_mM"}[name]
        alone = p31mg.energetics(exact, p31mg.free_magnesium(exact), **{sd_name: 0.5})
        for value, sd in (("adp_uM", "sd_adp_uM"), ("dg_atp_kj_per_mol", "sd_dg_atp_kj_per_mol")):
            slope = float(getattr(ends[1], value) - getattr(ends[0], value)) / (2 * step)
            # central differences of 1e-5 of the value
            assert float(getattr(alone, sd)) == pytest.approx(0.5 * abs(slope), rel=1e-6)


def test_errors_of_what_is_assumed_with_numbers():
    for name, value in (("atp_mM", 8.2), ("creatine_mM", 9.5), ("total_creatine_mM", 42.5)):
        step = 1e-4
        ends = [p31mg.energetics(33.0, 4.5, 7.0, **{name: value + s}) for s in (-step, step)]
        sd_name = "sd_atp_mM" if name == "atp_mM" else "sd_creatine_mM"
        alone = p31mg.energetics(33.0, 4.5, 7.0, **{name: value, sd_name: 0.5})
        slope = float(ends[1].adp_uM - ends[0].adp_uM) / (2 * step)
        assert float(alone.sd_adp_uM) == pytest.approx(0.5 * abs(slope), rel=1e-6)


def test_every_row_is_there_and_bad_ones_are_nan(fitted, mg):
    result = p31mg.energetics(fitted, mg)
    assert result.adp_uM.shape == fitted.status.shape
    assert np.isnan(result.adp_uM[1, 2])
    assert not result.is_valid[1, 2]
    assert (result.is_valid == mg.is_valid).all()
    table = result.to_dataframe()
    assert {"x", "y", "adp_uM", "sd_adp_uM", "route", "assumed", "energetics_is_valid"} <= set(table.columns)
    assert len(table) == 6
    assert "adp_uM" in result._repr_html_()


def test_more_pcr_than_creatine_is_nan_and_no_error():
    fit = Fields()
    fit.amplitude = np.array([50.0, 4.5, 8.2, 8.0, 7.0])
    result = p31mg.energetics(fit, p31mg.free_magnesium(fit))
    assert np.isnan(result.adp_uM)
    assert not result.is_valid


def test_without_a_reference_it_is_nan():
    fit = Fields()
    fit.amplitude = np.array([33.0, 4.5, 0.0, 8.0, 7.0])
    assert np.isnan(p31mg.energetics(fit, p31mg.free_magnesium(fit)).adp_uM)
    assert np.isfinite(p31mg.energetics(fit, p31mg.free_magnesium(fit), atp_resonance=("alpha_atp", "beta_atp")).adp_uM)


def test_mol_per_litre_among_many_is_nan():
    result = p31mg.energetics([33.0, 0.033], 4.5, 7.0)
    assert np.isfinite(result.adp_uM).tolist() == result.is_valid.tolist() == [True, False]


class TestRefusals:
    def test_magnesium_of_another_fit(self, fitted):
        with pytest.raises(p31mg.InputError, match=r"the magnesium has shape \(\) and the fit \(2, 3\)"):
            p31mg.energetics(fitted, p31mg.free_magnesium(8.55))

    def test_fit_without_magnesium(self, fitted):
        with pytest.raises(
            p31mg.InputError, match=r"with a fit comes its magnesium, and this is a float; give energetics\(fit"
        ):
            p31mg.energetics(fitted, 4.5)

    @pytest.mark.parametrize("name", ["ph", "free_mg_mM", "temperature_c", "sd_ph", "sd_pcr_mM"])
    def test_numbers_with_a_fit(self, fitted, mg, name):
        with pytest.raises(p31mg.InputError, match=rf"{name} is given with a fit, whose magnesium has its own"):
            p31mg.energetics(fitted, mg, **{name: 7.0})

    def test_numbers_without_ph(self):
        with pytest.raises(p31mg.InputError, match=r"ph is missing; with concentrations in mM give pH"):
            p31mg.energetics(33.0, 4.5)

    def test_correction_with_numbers(self):
        with pytest.raises(p31mg.InputError, match=r"saturation_correction is given; with concentrations in mM"):
            p31mg.energetics(33.0, 4.5, 7.0, saturation_correction={"pcr": 1.2})

    def test_unknown_peak(self, fitted, mg):
        with pytest.raises(p31mg.UnknownNameError, match=r"resonance 'PCr' is not known"):
            p31mg.energetics(fitted, mg, saturation_correction={"PCr": 1.2})

    def test_assumed_concentration(self, fitted, mg):
        with pytest.raises(
            p31mg.InputError, match=r"atp_mM is 0\.0082; .*looks like mol/l: give mM \(8\.2 for muscle\)"
        ):
            p31mg.energetics(fitted, mg, atp_mM=0.0082)
        with pytest.raises(p31mg.InputError, match=r"sd_atp_mM is -1; a standard deviation cannot be negative"):
            p31mg.energetics(fitted, mg, sd_atp_mM=-1.0)


@pytest.mark.parametrize(("route", "is_valid"), [("lawson-veech-1979", True), ("full", False)])
def test_magnesium_without_upper_end_spoils_the_route_that_needs_it(route, is_valid):
    fit = Fields()
    fit.shift_alpha_beta_ppm = np.array(8.36)
    mg = p31mg.free_magnesium(fit)
    assert mg.interval_open
    assert bool(p31mg.energetics(fit, mg, route=route).is_valid) is is_valid
