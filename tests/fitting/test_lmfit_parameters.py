"""Parameters that a user edits change the fit as they say."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus

SAME = 1e-6
"""In standard errors: both engines stop well within it."""


@pytest.fixture(scope="module")
def spectrum(simulated):
    return simulated(frequency_offset_hz=6.0)


@pytest.fixture
def parameters(spectrum):
    return p31mg.lmfit_parameters(spectrum, "muscle-3t")


def edited_fit(spectrum, parameters):
    return p31mg.fit(spectrum, prior="muscle-3t", engine="lmfit", parameters=parameters)


def assert_agrees(edited, batch):
    """The fit with edited parameters is the batch fit of a prior that says the same."""
    assert edited.status == batch.status
    sd = float(batch.sd_shift_alpha_beta_ppm)
    assert float(edited.shift_alpha_beta_ppm) == pytest.approx(float(batch.shift_alpha_beta_ppm), abs=SAME * sd)
    assert float(edited.sd_shift_alpha_beta_ppm) == pytest.approx(sd, rel=1e-4)
    np.testing.assert_allclose(edited.linewidth_hz, batch.linewidth_hz, rtol=1e-6)


class TestStart:
    def test_names_and_bounds_are_those_of_the_prior(self, parameters, muscle):
        expected = {"reference_offset_ppm", "phase_rad"}
        expected |= {f"{n}_shift_ppm" for n in muscle.names if n != "pcr"}
        expected |= {f"{n}_{what}" for n in muscle.names for what in ("linewidth_hz", "amplitude")}
        assert set(parameters) == expected
        for resonance in muscle.resonances[1:]:
            parameter = parameters[f"{resonance.name}_shift_ppm"]
            assert (parameter.min, parameter.max) == resonance.shift_bounds_ppm
            assert parameters[f"{resonance.name}_amplitude"].min == 0
        assert "alpha_atp_linewidth_hz" in parameters["nad_linewidth_hz"].expr

    def test_values_are_near_the_truth(self, parameters):
        assert parameters["reference_offset_ppm"].value == pytest.approx(6.0 / 51.705, abs=0.05)
        assert parameters["pcr_amplitude"].value == pytest.approx(1.0, rel=0.3)

    def test_amplitudes_are_in_units_of_the_data(self, spectrum, parameters, with_fid):
        scaled = p31mg.lmfit_parameters(with_fid(spectrum, 1e6 * spectrum.fid), "muscle-3t")
        assert scaled["pcr_amplitude"].value == pytest.approx(1e6 * parameters["pcr_amplitude"].value, rel=1e-9)

    def test_unedited_they_change_nothing(self, spectrum, parameters):
        assert_agrees(edited_fit(spectrum, parameters), p31mg.fit(spectrum, lineshape="prior"))


class TestVary:
    def test_fixed_shift_stays_and_has_no_error(self, spectrum, parameters):
        parameters["alpha_atp_shift_ppm"].set(value=-7.6, vary=False)
        fit = edited_fit(spectrum, parameters)
        alpha, beta = fit.names.index("alpha_atp"), fit.names.index("beta_atp")
        assert fit.chemical_shift_ppm[alpha] == pytest.approx(-7.6, abs=1e-12)
        assert fit.crlb_chemical_shift_ppm[alpha] == 0
        assert fit.shift_alpha_beta_ppm == pytest.approx(-7.6 - fit.chemical_shift_ppm[beta], abs=1e-12)
        assert fit.sd_shift_alpha_beta_ppm == pytest.approx(float(fit.sd_shift_beta_pcr_ppm), rel=1e-9)

    def test_knowing_more_leaves_less_error(self, spectrum, parameters):
        free = edited_fit(spectrum, parameters)
        fitted = free.lmfit_results[()].params
        for name in ("phase_rad", "nad_shift_ppm", "nad_amplitude"):
            parameters[name].set(value=fitted[name].value, vary=False)
        known = edited_fit(spectrum, parameters)
        assert known.crlb_phase_rad == 0
        assert float(known.shift_alpha_beta_ppm) == pytest.approx(float(free.shift_alpha_beta_ppm), abs=1e-6)
        assert known.crlb_shift_alpha_beta_ppm < 0.99 * free.crlb_shift_alpha_beta_ppm


class TestExpr:
    def test_shared_width_is_that_of_a_prior_with_a_shared_width(self, spectrum, parameters, muscle, changed):
        parameters["gamma_atp_linewidth_hz"].set(expr="alpha_atp_linewidth_hz")
        shared = changed(muscle, "gamma_atp", linewidth_as="alpha_atp")
        fit = edited_fit(spectrum, parameters)
        assert_agrees(fit, p31mg.fit(spectrum, prior=shared, lineshape="prior"))
        assert fit.linewidth_hz[fit.names.index("gamma_atp")] == fit.linewidth_hz[fit.names.index("alpha_atp")]

    def test_parameter_of_ones_own(self, spectrum, parameters, muscle, changed):
        parameters.add("atp_width", value=16.0, min=3.0, max=80.0)
        for name in ("alpha_atp", "gamma_atp"):
            parameters[f"{name}_linewidth_hz"].set(expr="atp_width")
        shared = changed(muscle, "gamma_atp", linewidth_as="alpha_atp")
        assert_agrees(edited_fit(spectrum, parameters), p31mg.fit(spectrum, prior=shared, lineshape="prior"))

    def test_amplitudes_in_a_ratio(self, spectrum, parameters):
        parameters["nad_amplitude"].set(expr="0.1 * alpha_atp_amplitude")
        fit = edited_fit(spectrum, parameters)
        nad, alpha = fit.names.index("nad"), fit.names.index("alpha_atp")
        assert fit.amplitude[nad] == pytest.approx(0.1 * fit.amplitude[alpha], rel=1e-12)
        assert fit.crlb_amplitude[nad] == pytest.approx(0.1 * fit.crlb_amplitude[alpha], rel=1e-6)


class TestBounds:
    def test_window_that_excludes_the_peak(self, spectrum, parameters):
        parameters["beta_atp_shift_ppm"].set(value=-16.4, min=-17.0, max=-16.3)
        fit = edited_fit(spectrum, parameters)
        assert fit.status == FitStatus.AT_BOUND
        assert fit.quality.at_bound
        assert np.isnan(fit.shift_alpha_beta_ppm)
        assert fit.chemical_shift_ppm[fit.names.index("beta_atp")] == pytest.approx(-16.3, abs=1e-5)

    def test_amplitude_bound_is_in_units_of_the_data(self, spectrum, with_fid):
        scaled = with_fid(spectrum, 1e6 * spectrum.fid)
        parameters = p31mg.lmfit_parameters(scaled, "muscle-3t")
        parameters["pi_amplitude"].set(value=0.5e5, max=1e5)
        fit = edited_fit(scaled, parameters)
        assert fit.amplitude[fit.names.index("pi")] == pytest.approx(1e5, rel=1e-5)

    def test_wide_bounds_change_nothing(self, spectrum, parameters):
        for parameter in parameters.values():
            if parameter.name.endswith("_shift_ppm"):
                parameter.set(min=parameter.min - 0.05, max=parameter.max + 0.05)
        assert_agrees(edited_fit(spectrum, parameters), p31mg.fit(spectrum, lineshape="prior"))


class TestUse:
    def test_parameters_are_left_alone(self, spectrum, parameters):
        before = parameters.dumps()
        edited_fit(spectrum, parameters)
        assert parameters.dumps() == before

    def test_serve_every_spectrum_of_a_stack(self, simulated, parameters):
        parameters["nad_shift_ppm"].set(value=-8.2, vary=False)
        fit = edited_fit(simulated([0.4, 0.6]), parameters)
        assert (fit.status == FitStatus.OK).all()
        np.testing.assert_allclose(fit.chemical_shift_ppm[:, fit.names.index("nad")], -8.2, rtol=0, atol=1e-12)

    def test_result_of_lmfit_has_the_same_values_and_errors(self, spectrum, with_fid):
        scaled = with_fid(spectrum, 1e6 * spectrum.fid)
        fit = p31mg.fit(scaled, engine="lmfit")
        result = fit.lmfit_results[()].params
        for k, name in enumerate(fit.names):
            assert result[f"{name}_amplitude"].value == pytest.approx(fit.amplitude[k], rel=1e-12)
            assert result[f"{name}_amplitude"].stderr == pytest.approx(fit.crlb_amplitude[k], rel=1e-4)
            assert result[f"{name}_linewidth_hz"].stderr == pytest.approx(fit.crlb_linewidth_hz[k], rel=1e-4)
            if name != "pcr":
                assert result[f"{name}_shift_ppm"].value == pytest.approx(fit.chemical_shift_ppm[k], abs=1e-12)
                assert result[f"{name}_shift_ppm"].stderr == pytest.approx(fit.crlb_chemical_shift_ppm[k], rel=1e-4)


class TestRefusals:
    @pytest.mark.filterwarnings("ignore:prior 'brain-7t' is for 7 T")
    def test_parameters_of_another_prior(self, spectrum, parameters):
        with pytest.raises(
            p31mg.InputError, match=r"parameters lack gpc_shift_ppm, .*with the same prior and edit those"
        ):
            p31mg.fit(spectrum, prior="brain-7t", engine="lmfit", parameters=parameters)

    def test_start_values_from_a_stack(self, simulated):
        with pytest.raises(
            p31mg.InputError, match=r"spectra has the batch shape \(2,\); lmfit_parameters takes one spectrum"
        ):
            p31mg.lmfit_parameters(simulated([0.4, 0.6]))

    @pytest.mark.parametrize(
        ("signal", "reason"),
        [(np.full(512, np.nan), "holds NaN or Inf"), (np.zeros(512), "are zero"), (np.eye(512)[300], "no PCr peak")],
        ids=["nan", "zero", "no signal"],
    )
    def test_start_values_from_nothing(self, spectrum, with_fid, signal, reason):
        with pytest.raises(p31mg.InputError, match=rf"spectra has no start values: .*{reason}"):
            p31mg.lmfit_parameters(with_fid(spectrum, signal))
