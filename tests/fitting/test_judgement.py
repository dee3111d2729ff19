"""Status and quality: each rule on a spectrum made to break it and no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus


class TestMessages:
    @pytest.mark.parametrize("status", FitStatus, ids=lambda s: s.name)
    def test_every_status_has_a_sentence(self, status):
        assert len(status.message) > 15
        assert status.message[0].islower()

    def test_all_sentences_differ(self):
        assert len({s.message for s in FitStatus}) == len(FitStatus)

    def test_ok_is_zero(self):
        assert [s for s in FitStatus if not s] == [FitStatus.OK]


class TestStatus:
    def test_not_converged(self, simulated):
        assert p31mg.fit(simulated(), max_iterations=2).status == FitStatus.NOT_CONVERGED

    def test_singular_when_two_resonances_are_one(self, simulated, muscle):
        twin = replace(muscle["pcr"], name="twin", linewidth_as="pcr", shift_bounds_ppm=(-1e-9, 1e-9))
        fit = p31mg.fit(simulated(), prior=replace(muscle, resonances=(*muscle.resonances, twin)))
        assert fit.status == FitStatus.SINGULAR
        assert np.isnan(fit.shift_alpha_beta_ppm)
        assert np.isnan(fit.sd_shift_alpha_beta_ppm)

    @pytest.mark.parametrize(
        ("name", "expected", "window"), [("alpha_atp", -7.4, (-7.48, -7.2)), ("beta_atp", -16.4, (-17.0, -16.2))]
    )
    def test_at_bound_when_the_window_excludes_the_peak(self, simulated, muscle, changed, name, expected, window):
        prior = changed(muscle, name, chemical_shift_ppm=expected, shift_bounds_ppm=window)
        fit = p31mg.fit(simulated(), prior=prior)
        assert fit.status == FitStatus.AT_BOUND
        assert fit.quality.at_bound
        assert np.isnan(fit.shift_alpha_beta_ppm)
        assert np.isfinite(fit.chemical_shift_ppm).all()  # kept for inspection

    def test_other_resonance_at_its_bound_is_still_ok(self, simulated, muscle, changed):
        prior = changed(muscle, "pme", chemical_shift_ppm=6.9, shift_bounds_ppm=(6.75, 7.2))
        fit = p31mg.fit(simulated(), prior=prior)
        assert fit.status == FitStatus.OK
        assert not fit.quality.at_bound

    def test_atp_in_the_noise(self, simulated):
        """At a PCr SNR of 15 beta has 2."""
        fit = p31mg.fit(simulated(np.full(20, 0.5), snr=15))
        assert (fit.status == FitStatus.ATP_NOT_FOUND).mean() > 0.8
        assert not fit.is_valid.any()

    def test_no_signal_keeps_snr_and_noise_but_no_parameters(self, simulated, with_fid, arrays):
        noise = np.random.default_rng(5).standard_normal((2, 512))
        fit = p31mg.fit(with_fid(simulated(), noise[0] + 1j * noise[1]))
        assert fit.status == FitStatus.NO_SIGNAL
        # the first look takes a median over 300 bins: good to 4 %
        assert float(fit.noise_sd) == pytest.approx(1.0, rel=0.15)
        assert fit.snr < 5
        kept = {"noise_sd", "snr", "snr_resonance", "status", "first_point", "n_iterations", "n_evaluations"}
        for name, values in arrays(fit).items():
            if name not in kept and not name.startswith("quality"):
                assert np.isnan(values).all(), name


class TestQuality:
    def test_all_good(self, simulated):
        fit = p31mg.fit(simulated())
        columns = fit.quality.columns()
        assert not columns.pop("at_bound")
        assert all(columns.values())
        assert fit.is_valid

    def only_bad(self, fit):
        """Names of the qualities that are not as they should be."""
        columns = fit.quality.columns()
        assert not columns.pop("is_valid")
        assert not fit.is_valid
        return [name for name, flag in columns.items() if bool(flag) == (name == "at_bound")]

    def test_linewidth_of_pcr_beyond_0_6_ppm(self, simulated):
        fit = p31mg.fit(simulated(broadening_hz=30.0))
        assert fit.linewidth_hz[0] > 0.6 * 51.705
        assert fit.status == FitStatus.OK
        assert self.only_bad(fit) == ["linewidth_ok"]

    @pytest.mark.parametrize("name", ["pcr", "alpha_atp", "beta_atp"])
    def test_linewidth_at_its_bound(self, simulated, muscle, changed, name):
        prior = changed(muscle, name, linewidth_hz=5.0, linewidth_bounds_hz=(4.0, 7.0))
        fit = p31mg.fit(simulated(snr=3000), prior=prior)
        assert fit.status == FitStatus.OK
        # what a line held too narrow cannot describe is left over
        assert self.only_bad(fit) == ["at_bound", "residual_ok"]

    def test_atp_barely_above_the_noise(self, simulated):
        """Found (4) but not reliable (9): most fits at a PCr SNR of 40."""
        fit = p31mg.fit(simulated(np.full(60, 0.5), snr=40))
        atp = fit.snr_resonance[:, [fit.names.index("alpha_atp"), fit.names.index("beta_atp")]]
        np.testing.assert_array_equal(fit.quality.snr_ok, (atp >= 9).all(axis=-1))
        barely = (fit.status == FitStatus.OK) & ~fit.quality.snr_ok
        assert barely.sum() > 10
        assert (atp[fit.status == FitStatus.OK] >= 4).all()
        assert not fit.is_valid[barely].any()

    @pytest.mark.parametrize(("limits", "mg"), [((11.5, 10.9), 0.05), ((10.9, 8.0), 0.5)], ids=["above", "below"])
    def test_shift_beyond_any_magnesium(self, simulated, muscle, changed, limits, mg):
        own = p31mg.TwoSiteCalibration(id="own", atp_ppm=limits[0], mgatp_ppm=limits[1], kd_uM=38.0)
        prior = changed(muscle, "beta_atp", shift_bounds_ppm=(-19.5, -15.0))
        fit = p31mg.fit(simulated(mg, calibration=own, prior=prior), prior=prior)
        assert fit.status == FitStatus.OK
        assert self.only_bad(fit) == ["shift_in_range"]
        assert not p31mg.free_magnesium(fit).is_valid

    def test_every_flag_is_explained(self):
        assert all(name in p31mg.Quality.__doc__ for name in p31mg.Quality.__dataclass_fields__)
