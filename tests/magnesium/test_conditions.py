"""Kd under other conditions, and a pH that agrees with its magnesium."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

import p31mg
from p31mg.magnesium.speciation import dissociation_constant_M

AT_REFERENCE = {"ph": 7.2, "temperature_c": 37.0, "correct_kd": True}


def slow_kd(ph: float, temperature_c: float, ionic_strength_M: float, potassium_M: float) -> float:
    """Kd of ATP, from its species one by one at 1 mM Mg2+: all without Mg2+ times Mg2+ over all with it."""
    k = {
        n: float(dissociation_constant_M(n, temperature_c, ionic_strength_M))
        for n in ("HATP", "MgATP", "MgHATP", "KATP")
    }
    h, mg = 10.0**-ph, 1e-3
    hatp, katp, mgatp = h / k["HATP"], potassium_M / k["KATP"], mg / k["MgATP"]
    mghatp = hatp * mg / k["MgHATP"]
    return (1 + hatp + katp) * mg / (mgatp + mghatp)


class TestKd:
    @pytest.mark.parametrize(
        ("ph", "temperature_c", "ionic_strength_M", "potassium_M"),
        [(6.6, 37.0, 0.15, 0.15), (7.05, 30.0, 0.1, 0.0), (6.2, 25.0, 0.25, 0.12)],
    )
    def test_is_multiplied_by_the_ratio(self, ph, temperature_c, ionic_strength_M, potassium_M):
        mg = p31mg.free_magnesium(
            8.55,
            ph=ph,
            temperature_c=temperature_c,
            ionic_strength_M=ionic_strength_M,
            potassium_M=potassium_M,
            correct_kd=True,
        )
        ratio = slow_kd(ph, temperature_c, ionic_strength_M, potassium_M) / slow_kd(7.2, 37.0, 0.15, 0.15)
        assert float(mg.kd_ratio) == pytest.approx(ratio, rel=1e-12)
        assert float(mg.free_mg_mM) == pytest.approx(0.4484 * ratio, rel=1e-12)
        assert (mg.kd_corrected, float(mg.ionic_strength_M), float(mg.potassium_M)) == (
            True,
            ionic_strength_M,
            potassium_M,
        )

    @pytest.mark.parametrize("name", ["gupta-1978", "gupta-1984"])
    def test_nothing_changes_under_the_conditions_of_the_calibration(self, name):
        plain = p31mg.free_magnesium([8.45, 8.6], sd_ppm=0.01, calibration=name)
        corrected = p31mg.free_magnesium([8.45, 8.6], sd_ppm=0.01, calibration=name, **AT_REFERENCE)
        np.testing.assert_allclose(corrected.kd_ratio, 1.0, rtol=1e-14)
        for field in ("free_mg_mM", "sd_mM", "interval_mM", "p_mg"):
            np.testing.assert_allclose(getattr(corrected, field), getattr(plain, field), rtol=1e-8)

    def test_is_that_of_the_calibration_unless_asked(self):
        mg = p31mg.free_magnesium(8.55, ph=6.6, temperature_c=25.0)
        assert (mg.kd_corrected, float(mg.kd_ratio)) == (False, 1.0)
        assert "Kd as published" in repr(mg)
        assert float(mg.free_mg_mM) == pytest.approx(0.4484, rel=1e-12)

    def test_result_and_table_say_that_it_was_corrected(self):
        mg = p31mg.free_magnesium([8.55, 8.6], sd_ppm=0.01, ph=[6.6, 7.0], correct_kd=True)
        assert "Kd corrected by speciation x1.057 to 1.287" in repr(mg)
        table = mg.to_dataframe()
        assert table["kd_corrected"].all()
        assert table["kd_ratio"].round(3).tolist() == [1.287, 1.057]
        assert (table["ionic_strength_M"] == 0.15).all()

    @given(ph=st.floats(5.5, 8.5), warmer=st.floats(0.1, 20.0))
    def test_directions(self, ph, warmer):
        """Acid and cold weaken MgATP: the same shift then means more magnesium."""
        here = p31mg.free_magnesium(8.55, ph=ph, temperature_c=30.0, correct_kd=True).free_mg_mM
        assert p31mg.free_magnesium(8.55, ph=ph - 0.2, temperature_c=30.0, correct_kd=True).free_mg_mM > here
        assert p31mg.free_magnesium(8.55, ph=ph, temperature_c=30.0 + warmer, correct_kd=True).free_mg_mM < here

    def test_side_by_side(self):
        both = p31mg.free_magnesium(8.55, ph=6.6, correct_kd=True, calibration=["gupta-1978", "gupta-1984"])
        assert float(both["gupta-1978"].kd_ratio) == pytest.approx(float(both["gupta-1984"].kd_ratio), rel=1e-14)
        assert all(r.kd_corrected for r in both.values())


class TestErrors:
    def test_of_ph_and_temperature_against_draws(self):
        rng = np.random.default_rng(8)
        n, ph, sd_ph, celsius, sd_celsius, sd = 200_000, 6.8, 0.05, 34.0, 1.0, 0.01
        mg = p31mg.free_magnesium(
            8.55, sd_ppm=sd, ph=ph, sd_ph=sd_ph, temperature_c=celsius, sd_temperature_c=sd_celsius, correct_kd=True
        )
        drawn = p31mg.free_magnesium(
            8.55 + sd * rng.standard_normal(n),
            ph=ph + sd_ph * rng.standard_normal(n),
            temperature_c=celsius + sd_celsius * rng.standard_normal(n),
            correct_kd=True,
        ).free_mg_mM
        # five standard errors of an sd, and 3 % for the curvature over 8 % errors
        assert drawn.std() == pytest.approx(float(mg.sd_mM), rel=5 / math.sqrt(2 * n) + 0.03)
        low, high = mg.interval_mM
        # ln Kd is taken as linear in pH and temperature over their errors
        assert (drawn < low).mean() == pytest.approx(0.025, abs=0.003)
        assert (drawn > high).mean() == pytest.approx(0.025, abs=0.003)

    @pytest.mark.parametrize("name", ["ph", "temperature_c"])
    def test_part_of_the_conditions_by_finite_differences(self, name):
        at = {"ph": 6.9, "temperature_c": 35.0}
        step = 1e-4
        ends = [
            float(p31mg.free_magnesium(8.55, correct_kd=True, **(at | {name: at[name] + s})).free_mg_mM)
            for s in (-step, step)
        ]
        mg = p31mg.free_magnesium(8.55, sd_ppm=0.01, correct_kd=True, **at, **{f"sd_{name}": 0.01})
        # central differences of 1e-3 pH and 1e-2 C inside: curvature 1e-6
        assert float(mg.sd_condition_mM) == pytest.approx(abs(ends[1] - ends[0]) / (2 * step) * 0.01, rel=1e-5)

    def test_at_the_edge_of_what_is_allowed(self):
        for ph in (5.0, 9.0):
            mg = p31mg.free_magnesium(8.55, sd_ppm=0.01, ph=ph, sd_ph=0.05, correct_kd=True)
            assert np.isfinite(mg.sd_condition_mM)


class TestConsistentPh:
    """PH from Pi with its magnesium, against one equation solved for magnesium."""

    def solved(self, pi_ppm: float, shift: float, temperature_c: float = 37.0) -> tuple[float, float]:
        per_mM = 1e-3 / float(dissociation_constant_M("MgHPO4", temperature_c, 0.15))
        at_equation = 6.75 + math.log10((pi_ppm - 3.27) / (5.69 - pi_ppm))
        plain = 0.038 * (10.91 - shift) / (shift - 8.35)

        def ph(mg: float) -> float:
            return at_equation - math.log10((1 + per_mM * mg) / (1 + per_mM * 0.5))

        def excess(ln_mg: float) -> float:
            kd = slow_kd(ph(math.exp(ln_mg)), temperature_c, 0.15, 0.15) / slow_kd(7.2, 37.0, 0.15, 0.15)
            return ln_mg - math.log(plain * kd)

        mg = math.exp(brentq(excess, math.log(1e-3), math.log(1e3), xtol=1e-14))
        return mg, ph(mg)

    @pytest.mark.parametrize("shift", [8.36, 8.45, 8.55, 9.5])
    @pytest.mark.parametrize("pi_ppm", [4.2, 4.8, 5.2])
    def test_both_agree(self, pi_ppm, shift):
        mg = p31mg.free_magnesium(shift, ph=p31mg.ph_from_pi(pi_ppm), correct_kd=True)
        expected_mg, expected_ph = self.solved(pi_ppm, shift)
        assert float(mg.free_mg_mM) == pytest.approx(expected_mg, rel=1e-10)
        assert float(mg.ph) == pytest.approx(expected_ph, abs=1e-10)
        assert mg.ph_source == "taylor-1983"

    def test_at_half_a_millimolar_ph_is_that_of_the_equation(self):
        shift = brentq(lambda d: self.solved(4.8, d)[0] - 0.5, 8.4, 8.8, xtol=1e-13)
        mg = p31mg.free_magnesium(shift, ph=p31mg.ph_from_pi(4.8), correct_kd=True)
        assert float(mg.ph) == pytest.approx(float(p31mg.ph_from_pi(4.8).ph), abs=1e-9)

    def test_given_ph_stays_as_it_is(self):
        assert float(p31mg.free_magnesium(8.40, ph=7.0, correct_kd=True).ph) == 7.0

    def test_without_the_correction_ph_is_that_of_the_equation(self):
        reading = p31mg.ph_from_pi(4.8, sd_ppm=0.01)
        mg = p31mg.free_magnesium(8.40, ph=reading)
        assert (float(mg.ph), float(mg.sd_ph)) == (float(reading.ph), float(reading.sd_ph))

    def test_feedback_is_in_the_errors(self):
        """Errors against finite differences of the whole loop."""
        shift, pi_ppm, sd, sd_pi = 8.40, 4.6, 1e-5, 1e-4
        mg = p31mg.free_magnesium(shift, sd_ppm=sd, ph=p31mg.ph_from_pi(pi_ppm, sd_ppm=sd_pi), correct_kd=True)
        by_shift = (self.solved(pi_ppm, shift + 1e-5)[0] - self.solved(pi_ppm, shift - 1e-5)[0]) / 2e-5
        by_pi = (self.solved(pi_ppm + 1e-5, shift)[0] - self.solved(pi_ppm - 1e-5, shift)[0]) / 2e-5
        # the step of the derivative by pH inside is 1e-3
        assert float(mg.sd_measurement_mM) == pytest.approx(abs(by_shift) * sd, rel=1e-5)
        assert float(mg.sd_condition_mM) == pytest.approx(abs(by_pi) * sd_pi, rel=1e-5)

    def test_of_a_fit(self, fitted):
        mg = p31mg.free_magnesium(fitted, correct_kd=True)
        pi = fitted.chemical_shift_ppm[..., fitted.names.index("pi")]
        for index in ((0, 0), (1, 1)):
            expected_mg, expected_ph = self.solved(float(pi[index]), float(fitted.shift_alpha_beta_ppm[index]))
            assert mg.free_mg_mM[index] == pytest.approx(expected_mg, rel=1e-9)
            assert mg.ph[index] == pytest.approx(expected_ph, abs=1e-9)
        assert (mg.sd_condition_mM[mg.is_valid] > 0).all()
        assert np.isnan(mg.free_mg_mM[1, 2])
        assert not mg.is_valid[1, 2]


class TestRefusals:
    @pytest.mark.parametrize(
        ("shift", "options", "message"),
        [
            (
                8.55,
                {"correct_kd": True},
                r"ph is not given and there is no Pi to read it from; correct_kd=True needs it",
            ),
            (
                -16.1,
                {"correct_kd": True, "ph": 7.0, "calibration": "iotti-1996"},
                r"calibration 'iotti-1996' has no Kd that conditions could correct",
            ),
            (
                8.55,
                {
                    "correct_kd": True,
                    "ph": 7.0,
                    "calibration": p31mg.TwoSiteCalibration(id="own", atp_ppm=10.9, mgatp_ppm=8.3, kd_uM=40.0, ph=7.2),
                },
                r"calibration 'own' does not state temperature_c, ionic_strength_M, potassium_M, so its Kd cannot be corrected",
            ),
            (8.55, {"ionic_strength_M": 0.2}, r"ionic_strength_M is given, which only acts with correct_kd=True"),
            (8.55, {"potassium_M": 0.2}, r"potassium_M is given, which only acts with correct_kd=True"),
            (8.55, {"ph": 7.0, "correct_kd": True, "ionic_strength_M": 150}, r"ionic_strength_M is 150; give mol/l"),
            (8.55, {"ph": 7.0, "correct_kd": True, "potassium_M": -1}, r"potassium_M is -1; give mol/l"),
            (8.55, {"sd_ph": 0.02}, r"sd_ph is given without ph; give ph, or leave sd_ph out"),
            (8.55, {"ph": 7.0, "sd_ph": -0.02}, r"sd_ph is -0\.02; a standard deviation cannot be negative"),
            (8.55, {"sd_temperature_c": -1}, r"sd_temperature_c is -1; a standard deviation"),
            (
                [8.5, 8.6],
                {"ph": 7.0, "sd_ph": [0.1] * 3},
                r"sd_ph has shape \(3,\); it must be one number or have the shape",
            ),
            ([8.5, 8.6], {"temperature_c": [37.0] * 3}, r"temperature_c has shape \(3,\)"),
        ],
    )
    def test_input(self, shift, options, message):
        with pytest.raises(p31mg.InputError, match=message):
            p31mg.free_magnesium(shift, **options)


class TestAmongMany:
    """What makes no sense among many values is NaN and a flag, and changes no other value."""

    def test_ph(self):
        mg = p31mg.free_magnesium([8.5, 8.5, 8.5], sd_ppm=0.01, ph=[7.0, 4.9, np.nan])
        np.testing.assert_array_equal(mg.ph, [7.0, np.nan, np.nan])
        assert mg.inputs_ok.tolist() == [True, False, True]  # the last is not known, which is no mistake
        assert mg.is_valid.all()  # nothing is corrected for pH

    def test_ph_that_acts(self):
        mg = p31mg.free_magnesium([8.5, 8.5, 8.5], sd_ppm=0.01, ph=[7.0, 4.9, np.nan], correct_kd=True)
        assert np.isfinite(mg.free_mg_mM).tolist() == [True, False, False]
        assert mg.inputs_ok.tolist() == mg.is_valid.tolist() == [True, False, False]
        assert mg.in_range.all()

    def test_kelvin(self):
        options = {"sd_ppm": 0.01, "ph": 7.0, "temperature_c": [37.0, 310.15]}
        mg = p31mg.free_magnesium([8.5, 8.5], **options)
        assert mg.inputs_ok.tolist() == [True, False]
        assert np.isnan(mg.temperature_c).tolist() == [False, True]
        corrected = p31mg.free_magnesium([8.5, 8.5], **options, correct_kd=True)
        assert np.isfinite(corrected.free_mg_mM).tolist() == [True, False]

    def test_negative_sd(self):
        mg = p31mg.free_magnesium([8.5, 8.5], sd_ppm=[0.01, -0.02])
        assert mg.inputs_ok.tolist() == mg.is_valid.tolist() == [True, False]
        assert np.isnan(mg.interval_mM).all(axis=-1).tolist() == [False, True]
        assert np.isfinite(mg.free_mg_mM).all()

    def test_negative_sd_of_ph(self):
        mg = p31mg.free_magnesium([8.5, 8.5], sd_ppm=0.01, ph=7.0, sd_ph=[0.02, -0.02])
        assert mg.inputs_ok.tolist() == [True, False]
        assert np.isnan(mg.sd_ph).tolist() == [False, True]

    def test_pi_outside_its_limits(self):
        reading = p31mg.ph_from_pi([4.8, 6.0, np.nan])
        mg = p31mg.free_magnesium([8.5, 8.5, 8.5], sd_ppm=0.01, ph=reading, correct_kd=True)
        assert mg.inputs_ok.tolist() == [True, False, False]
        assert np.isfinite(mg.free_mg_mM).tolist() == [True, False, False]

    def test_each_as_alone(self):
        ph = np.array([6.5, 7.0, 7.4])
        many = p31mg.free_magnesium([8.4, 8.5, 8.6], sd_ppm=0.01, ph=ph, sd_ph=0.03, correct_kd=True)
        for i, shift in enumerate((8.4, 8.5, 8.6)):
            alone = p31mg.free_magnesium(shift, sd_ppm=0.01, ph=float(ph[i]), sd_ph=0.03, correct_kd=True)
            for name in ("free_mg_mM", "sd_mM", "sd_condition_mM", "interval_mM", "kd_ratio"):
                np.testing.assert_allclose(getattr(many, name)[i], getattr(alone, name), rtol=1e-8)


class TestColumnsOfPandas:
    def test_columns_are_arrays(self):
        table = pd.DataFrame(
            {"shift": [8.5, 8.6, np.nan], "sd": [0.01, 0.02, 0.01], "ph": [7.0, 6.9, 7.1]}, index=[7, 3, 5]
        )
        mg = p31mg.free_magnesium(table["shift"], sd_ppm=table["sd"], ph=table["ph"], correct_kd=True)
        plain = p31mg.free_magnesium([8.5, 8.6, np.nan], sd_ppm=[0.01, 0.02, 0.01], ph=[7.0, 6.9, 7.1], correct_kd=True)
        np.testing.assert_array_equal(mg.free_mg_mM, plain.free_mg_mM)
        table["mg"] = mg.free_mg_mM
        assert table["mg"].isna().tolist() == [False, False, True]

    def test_missing_values_of_every_kind_are_nan(self):
        for column in (
            pd.Series([8.5, None], dtype="Float64"),
            pd.Series([8.5, pd.NA], dtype=object),
            pd.Series([8.5, None], dtype=object),
        ):
            mg = p31mg.free_magnesium(column, sd_ppm=0.01)
            assert np.isnan(mg.free_mg_mM).tolist() == [False, True]

    def test_text_is_refused(self):
        with pytest.raises(p31mg.InputError, match=r"shift is .*; it must be a number or an array of numbers"):
            p31mg.free_magnesium(pd.Series(["8.5", "high"]))


def test_pi_on_the_edge_of_its_window_is_no_ph():
    """At pH 6.4 Pi lies outside the window of the brain prior: the fit holds it on the edge, with no error."""
    fit = p31mg.fit(
        p31mg.simulate([0.3, 0.3], prior="brain-7t", snr=300, seed=1, ph=[6.4, 7.0], n_points=1024), prior="brain-7t"
    )
    mg = p31mg.free_magnesium(fit, correct_kd=True)
    assert np.isnan(mg.ph).tolist() == [True, False]
    assert mg.inputs_ok.tolist() == [False, True]
    assert np.isnan(mg.free_mg_mM).tolist() == [True, False]
    assert np.isfinite(p31mg.free_magnesium(fit).free_mg_mM).all()


def test_pi_without_error_beside_shifts_that_have_one_is_no_ph():
    fit = p31mg.fit(p31mg.simulate([0.5, 0.5], snr=300, seed=1, n_points=1024))
    bounds = fit.crlb_chemical_shift_ppm.copy()
    bounds[0, fit.names.index("pi")] = 0.0
    mg = p31mg.free_magnesium(dataclasses.replace(fit, crlb_chemical_shift_ppm=bounds), correct_kd=True)
    assert np.isnan(mg.ph).tolist() == np.isnan(mg.free_mg_mM).tolist() == [True, False]
    assert mg.inputs_ok.tolist() == mg.is_valid.tolist() == [False, True]


def test_ph_of_a_spectrum_without_noise_is_known():
    fit = p31mg.fit(p31mg.simulate(0.5, ph=6.9, n_points=1024))
    assert float(p31mg.free_magnesium(fit).ph) == pytest.approx(6.9, abs=1e-3)


@pytest.fixture(scope="module", name="fit")
def fit_of_spectra_without_pi():
    """Return 40 spectra without Pi, the last with it."""
    amplitude = np.tile([r.amplitude for r in p31mg.load_prior("muscle-3t").resonances], (40, 1))
    amplitude[:-1, 1] = 0.0
    return p31mg.fit(p31mg.simulate(np.full(40, 0.5), snr=300, seed=3, amplitude=amplitude, n_points=1024))


class TestSpectrumWithoutPi:
    """The fit of Pi that is not there is the highest noise in a wide window."""

    def test_tells_no_ph(self, fit):
        mg = p31mg.free_magnesium(fit)
        assert fit.names[1] == "pi"
        assert (
            np.isfinite(mg.ph).tolist() == mg.inputs_ok.tolist() == (~mg.pi_is_faint).tolist() == [False] * 39 + [True]
        )
        assert np.isnan(mg.sd_ph[:-1]).all()
        assert mg.is_valid.all()
        sources = mg.to_dataframe()["ph_source"].tolist()
        assert sources == ["unknown: SNR of Pi below 5"] * 39 + ["taylor-1983"]

    def test_tells_no_corrected_magnesium_and_no_adp(self, fit):
        mg = p31mg.free_magnesium(fit, correct_kd=True)
        assert np.isfinite(mg.free_mg_mM).tolist() == mg.is_valid.tolist() == [False] * 39 + [True]
        adp = p31mg.energetics(fit, mg)
        assert np.isfinite(adp.adp_uM).tolist() == adp.is_valid.tolist() == [False] * 39 + [True]

    def test_alone_says_why(self, fit):
        one = p31mg.fit(p31mg.Spectra(fit.spectra.fid[0], fit.spectra.acquisition))
        mg = p31mg.free_magnesium(one, correct_kd=True)
        assert mg.ph_source == "unknown: SNR of Pi below 5"
        assert not mg.is_valid
        assert p31mg.free_magnesium(one, ph=7.0, correct_kd=True).is_valid

    def test_threshold_is_that_of_the_snr_of_pi(self, fit):
        snr = fit.snr_resonance.copy()
        snr[:, 1] = np.linspace(4.0, 6.0, 40)
        mg = p31mg.free_magnesium(dataclasses.replace(fit, snr_resonance=snr))
        assert mg.pi_is_faint.tolist() == (snr[:, 1] < 5).tolist()
