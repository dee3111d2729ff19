"""Errors that can be believed: bounds re-derived, and the scatter of many fits against what each of them says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus
from p31mg.fitting.problem import Problem

N = 400
SNR = 300


@pytest.fixture(scope="module")
def study(simulated):
    """400 spectra at SNR 300 with offsets and phases of their own, their fits, and their truth."""
    rng = np.random.default_rng(17)
    spectra = simulated(
        np.full(N, 0.5),
        snr=SNR,
        seed=17,
        phase_rad=rng.uniform(-np.pi, np.pi, N),
        frequency_offset_hz=rng.uniform(-25.0, 25.0, N),
    )
    return p31mg.fit(spectra), spectra.truth


class TestMonteCarlo:
    """Tolerances: a mean of 400 within 3 of its standard errors; a scatter of 400, known to 3.5 %, within 10 %."""

    def test_all_are_valid(self, study):
        fit, _ = study
        assert fit.is_valid.all()

    @pytest.mark.parametrize("name", ["shift_alpha_beta_ppm", "shift_beta_pcr_ppm"])
    def test_bias_scatter_and_z(self, study, name):
        fit, truth = study
        beta = truth.chemical_shift_ppm[:, truth.names.index("beta_atp")]
        expected = {"shift_alpha_beta_ppm": truth.shift_alpha_beta_ppm, "shift_beta_pcr_ppm": beta}[name]
        error, sd = getattr(fit, name) - expected, getattr(fit, f"sd_{name}")
        assert abs(error.mean()) < 3 * error.std() / np.sqrt(N)
        assert error.std() / sd.mean() == pytest.approx(1.0, abs=0.1)
        z = error / sd
        assert z.std() == pytest.approx(1.0, abs=0.1)
        assert np.abs(z).max() < 4.5  # of 400 normal numbers once in 400 times

    @pytest.mark.parametrize("name", ["linewidth_hz", "amplitude"])
    def test_other_parameters_scatter_as_their_bounds(self, study, name):
        fit, truth = study
        z = (getattr(fit, name) - getattr(truth, name)) / getattr(fit, f"crlb_{name}")
        strong = [truth.names.index(n) for n in ("pcr", "pi", "gamma_atp", "alpha_atp", "beta_atp")]
        np.testing.assert_allclose(z[:, strong].std(axis=0), 1.0, rtol=0, atol=0.12)

    def test_phase_and_offset_scatter_as_their_bounds(self, study):
        fit, truth = study
        phase = np.angle(np.exp(1j * (fit.phase_rad - truth.phase_rad))) / fit.crlb_phase_rad
        offset = (fit.reference_offset_ppm - truth.frequency_offset_hz / 51.705) / fit.crlb_reference_offset_ppm
        assert phase.std() == pytest.approx(1.0, abs=0.1)
        assert offset.std() == pytest.approx(1.0, abs=0.1)

    def test_noise_and_snr_are_measured(self, study):
        fit, truth = study
        # 2N real numbers less 25 parameters: each estimate is good to 2 %, their mean to 0.1 %
        assert (fit.noise_sd / truth.noise_sd).mean() == pytest.approx(1.0, abs=0.005)
        assert fit.snr.mean() == pytest.approx(SNR, rel=0.01)

    def test_interval_of_magnesium_covers(self, study):
        fit, truth = study
        mg = p31mg.free_magnesium(fit)
        low, high = mg.interval_mM.T
        covered = ((low < truth.free_mg_mM) & (truth.free_mg_mM < high)).mean()
        assert covered == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / N))

    def test_sd_is_about_four_ppm_over_snr(self, study):
        """The rule of thumb of the design: 0.013 ppm at SNR 300 and 3 T."""
        fit, _ = study
        assert fit.sd_shift_alpha_beta_ppm.mean() * SNR == pytest.approx(4.0, rel=0.25)


BEFORE_THE_END = 1e-3
"""Relative. Errors are those at most 0.01 standard errors before the end, where information has changed by so much."""


class TestBoundsReDerived:
    @pytest.fixture(scope="class", params=[60, 600], ids="SNR {}".format)
    @classmethod
    def case(cls, request, simulated, first_order):
        """PCr, alpha and beta alone, in few points: small enough for loops."""
        few = replace(first_order, resonances=tuple(first_order[n] for n in ("pcr", "alpha_atp", "beta_atp")))
        spectra = simulated(prior=few, snr=request.param, n_points=128, frequency_offset_hz=11.0, seed=3)
        fit = p31mg.fit(spectra, prior=few)
        assert fit.status == FitStatus.OK
        return spectra, fit, few

    @staticmethod
    def pieces(oracles, spectra, fit, prior):
        """Parameters p in Hz at the estimate, lines and times."""
        a = spectra.acquisition
        frequency = (fit.chemical_shift_ppm + fit.reference_offset_ppm) * a.spectrometer_frequency_mhz
        p = np.array([*frequency, *fit.linewidth_hz, *fit.amplitude, fit.phase_rad])
        lines = oracles.lines_of([r.j_coupling_hz for r in prior.resonances])
        return p, lines, oracles.times_s(spectra.n_points, a.dwell_time_s, a.begin_time_s)

    @staticmethod
    def sd_of_difference(covariance, first, second, frequency_mhz):
        direction = np.zeros(len(covariance))
        direction[[first, second]] = 1.0, -1.0
        return np.sqrt(direction @ covariance @ direction) / frequency_mhz

    @staticmethod
    def bins_of(spectra, fit, prior):
        """Number of points and bins that the fit chose: the one thing that is not derived anew here."""
        problem = Problem.of(spectra, prior)
        short = problem.shortened[int(problem.enough_for(fit.linewidth_hz[:1])[0])]
        centre = round(float(fit.reference_offset_ppm) * problem.spectrometer_frequency_mhz / short.sampling.bin_hz)
        return short.sampling.n_points, short.bins + centre

    def stacked(self, oracles, case, p):
        """Jacobian and residual at the bins that were fitted."""
        spectra = case[0]
        n_points, bins = self.bins_of(*case)
        _, lines, times = self.pieces(oracles, *case)
        jacobian = oracles.jacobian(p, lines, times[:n_points])
        residual = oracles.residual(p, lines, times[:n_points], spectra.fid[:n_points])
        return oracles.binned_parts(jacobian, bins), oracles.binned_parts(residual, bins)

    def test_cramer_rao_bound(self, case, oracles):
        spectra, fit, _ = case
        p, _, _ = self.pieces(oracles, *case)
        bound = oracles.cramer_rao(self.stacked(oracles, case, p)[0], float(fit.noise_sd))
        hz = spectra.acquisition.spectrometer_frequency_mhz
        assert float(fit.crlb_shift_alpha_beta_ppm) == pytest.approx(
            self.sd_of_difference(bound, 1, 2, hz), rel=BEFORE_THE_END
        )
        expected = [self.sd_of_difference(bound, k, 0, hz) for k in (1, 2)]
        np.testing.assert_allclose(fit.crlb_chemical_shift_ppm, [0.0, *expected], rtol=BEFORE_THE_END)
        sd = np.sqrt(np.diag(bound))
        np.testing.assert_allclose(fit.crlb_linewidth_hz, sd[3:6], rtol=BEFORE_THE_END)
        np.testing.assert_allclose(fit.crlb_amplitude, sd[6:9], rtol=BEFORE_THE_END)
        assert float(fit.crlb_phase_rad) == pytest.approx(sd[9], rel=BEFORE_THE_END)
        assert float(fit.crlb_reference_offset_ppm) == pytest.approx(sd[0] / hz, rel=BEFORE_THE_END)

    def test_sd_from_the_curvature_of_the_cost(self, case, oracles):
        spectra, fit, _ = case
        p, _, _ = self.pieces(oracles, *case)

        def gradient(p):
            jacobian, residual = self.stacked(oracles, case, p)
            return jacobian.T @ residual

        curvature = -oracles.derivative(gradient, p, 1e-4 * np.maximum(np.abs(p), 1e-2))
        covariance = float(fit.noise_sd) ** 2 * np.linalg.inv(curvature)
        from_pcr = np.array([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])
        shifts = from_pcr @ covariance[:3, :3] @ from_pcr.T
        shifts[[0, 1], [0, 1]] *= 1 + 30 / fit.snr_resonance[1:] ** 2  # what the curvature does not tell
        hz = spectra.acquisition.spectrometer_frequency_mhz
        expected = self.sd_of_difference(shifts, 0, 1, hz)
        assert float(fit.sd_shift_alpha_beta_ppm) == pytest.approx(expected, rel=BEFORE_THE_END)
        assert float(fit.sd_shift_beta_pcr_ppm) == pytest.approx(np.sqrt(shifts[1, 1]) / hz, rel=BEFORE_THE_END)

    def test_sd_of_the_difference_is_that_of_the_covariance(self, case):
        _, fit, _ = case
        c = fit.covariance_shift_ppm2
        assert float(fit.sd_shift_alpha_beta_ppm) == pytest.approx(np.sqrt(c[1, 1] + c[2, 2] - 2 * c[1, 2]), rel=1e-10)
        assert float(fit.sd_shift_beta_pcr_ppm) == pytest.approx(np.sqrt(c[2, 2]), rel=1e-12)

    def test_snr_of_every_resonance_is_that_of_the_conventions(self, case, oracles):
        spectra, fit, prior = case
        a = spectra.acquisition
        times = oracles.times_s(spectra.n_points, a.dwell_time_s, a.begin_time_s)
        for k, resonance in enumerate(prior.resonances):
            expected = oracles.matched_filter_snr(
                float(fit.amplitude[k]), float(fit.linewidth_hz[k]), resonance.j_coupling_hz, times, float(fit.noise_sd)
            )
            assert float(fit.snr_resonance[k]) == pytest.approx(expected, rel=1e-10)
        assert fit.snr == fit.snr_resonance[0]

    def test_noise_is_that_of_the_residual_in_the_bins(self, case, oracles):
        """With the parameters of the fit taken off."""
        p, _, _ = self.pieces(oracles, *case)
        residual = self.stacked(oracles, case, p)[1]
        expected = np.sqrt((residual**2).sum() / (len(residual) - 10))
        assert float(case[1].noise_sd) == pytest.approx(expected, rel=1e-6)

    def test_bins_are_the_windows_and_a_margin_of_1_5_ppm(self, case):
        spectra, fit, prior = case
        n_points, bins = self.bins_of(spectra, fit, prior)
        a = spectra.acquisition
        centre = round(float(fit.reference_offset_ppm) * a.spectrometer_frequency_mhz * n_points * a.dwell_time_s)
        ppm = (bins - centre) / (n_points * a.dwell_time_s * a.spectrometer_frequency_mhz)
        near = [
            any(r.shift_bounds_ppm[0] - 1.5 <= shift <= r.shift_bounds_ppm[1] + 1.5 for r in prior.resonances)
            for shift in ppm
        ]
        assert all(near)
        windows = sum(r.shift_bounds_ppm[1] - r.shift_bounds_ppm[0] + 3.0 for r in prior.resonances)
        assert len(bins) == pytest.approx(windows / (ppm[1] - ppm[0]), abs=len(prior.resonances) + 1)


class TestNothingThere:
    def test_noise_alone_is_never_ok(self, simulated, with_fid):
        noise = np.random.default_rng(23).standard_normal((2, 200, 512))
        fit = p31mg.fit(with_fid(simulated(), noise[0] + 1j * noise[1]))
        assert (fit.status != FitStatus.OK).all()
        assert np.isnan(fit.shift_alpha_beta_ppm).all()
        # once in a thousand a peak of the noise passes for PCr, and is refused later
        assert (fit.status == FitStatus.NO_SIGNAL).mean() > 0.98

    @pytest.mark.parametrize("missing", ["alpha_atp", "beta_atp"])
    def test_missing_peak_is_never_valid(self, simulated, muscle, missing):
        amplitude = [0.0 if r.name == missing else r.amplitude for r in muscle.resonances]
        fit = p31mg.fit(simulated(np.full(60, 0.5), amplitude=amplitude))
        assert (fit.status != FitStatus.OK).all()
        assert (fit.status == FitStatus.ATP_NOT_FOUND).mean() > 0.9
        assert np.isnan(fit.shift_alpha_beta_ppm).all()
        assert not fit.is_valid.any()

    def test_missing_peak_without_noise(self, simulated, muscle):
        amplitude = [0.0 if r.name == "beta_atp" else r.amplitude for r in muscle.resonances]
        assert p31mg.fit(simulated(snr=np.inf, amplitude=amplitude)).status == FitStatus.ATP_NOT_FOUND

    def test_pcr_alone(self, simulated, muscle):
        amplitude = [1.0 if r.name == "pcr" else 0.0 for r in muscle.resonances]
        fit = p31mg.fit(simulated(np.full(20, 0.5), amplitude=amplitude))
        assert (fit.status == FitStatus.ATP_NOT_FOUND).all()
