"""Two engines, one contract; and they agree, though they share nothing but the model."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus

VALUE_IN_SD = 3e-6
ERROR = 1e-3
"""Relative. The batch engine reports errors from at most 0.01 standard errors before the end."""
STOPPING = 1e-5
"""Standard errors at which a fit stops: what two engines may differ by in parameters that nobody reads magnesium from."""


class EngineContract:
    engine: str

    def fit(self, spectra, **options):
        return p31mg.fit(spectra, engine=self.engine, **options)

    def test_reaches_the_truth_without_noise(self, simulated, first_order):
        spectra = simulated(
            0.4,
            prior=first_order,
            snr=np.inf,
            phase_rad=2.0,
            frequency_offset_hz=-31.0,
            broadening_hz=5.0,
            ph=6.9,
            amplitude=np.arange(8, 0, -1),
        )
        fit, truth = self.fit(spectra, prior=first_order), spectra.truth
        assert fit.status == FitStatus.OK
        # rounding of 1e-16 of the signal, grown by the condition of overlapping lines
        np.testing.assert_allclose(fit.chemical_shift_ppm, truth.chemical_shift_ppm, rtol=0, atol=1e-8)
        np.testing.assert_allclose(fit.linewidth_hz, truth.linewidth_hz, rtol=1e-6)
        np.testing.assert_allclose(fit.amplitude, truth.amplitude, rtol=1e-6)
        assert fit.phase_rad == pytest.approx(float(truth.phase_rad), abs=1e-8)
        assert fit.reference_offset_ppm == pytest.approx(
            -31.0 / spectra.acquisition.spectrometer_frequency_mhz, abs=1e-8
        )

    def test_no_spectra(self, simulated, with_fid):
        fit = self.fit(with_fid(simulated(), np.empty((2, 0, 512))))
        assert fit.batch_shape == (2, 0)
        assert fit.chemical_shift_ppm.shape == (2, 0, 8)

    def test_failed_rows_do_not_stop_the_rest(self, simulated, with_fid):
        good = simulated()
        noise = np.random.default_rng(5).standard_normal(512)
        fit = self.fit(with_fid(good, [np.full(512, np.nan), np.zeros(512), noise, good.fid]))
        assert fit.status.tolist() == [FitStatus.NOT_FINITE, FitStatus.ZERO_SIGNAL, FitStatus.NO_SIGNAL, FitStatus.OK]
        assert np.isfinite(fit.shift_alpha_beta_ppm).tolist() == [False, False, False, True]

    def test_repeat_is_identical(self, simulated, arrays):
        one, other = arrays(self.fit(simulated())), arrays(self.fit(simulated()))
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)

    def test_too_few_iterations(self, simulated):
        fit = self.fit(simulated(), max_iterations=1)
        assert fit.status == FitStatus.NOT_CONVERGED
        assert np.isnan(fit.shift_alpha_beta_ppm)
        assert not fit.quality.converged
        assert np.isfinite(fit.chemical_shift_ppm).all()  # kept for inspection

    def test_amplitudes_are_in_units_of_the_data(self, simulated, with_fid):
        plain = simulated()
        fit, scaled = self.fit(plain), self.fit(with_fid(plain, 2.0**20 * plain.fid))
        np.testing.assert_allclose(scaled.amplitude, 2.0**20 * fit.amplitude, rtol=1e-9)
        np.testing.assert_allclose(scaled.crlb_amplitude, 2.0**20 * fit.crlb_amplitude, rtol=1e-9)
        assert scaled.noise_sd == pytest.approx(2.0**20 * float(fit.noise_sd), rel=1e-9)

    def test_says_which_engine(self, simulated):
        fit = self.fit(simulated())
        assert fit.engine == self.engine
        assert f"engine {self.engine!r}" in repr(fit)


class TestBatch(EngineContract):
    engine = "batch"

    def test_has_no_lmfit_results(self, simulated):
        assert p31mg.fit(simulated()).lmfit_results is None


class TestLmfit(EngineContract):
    engine = "lmfit"

    def test_has_one_lmfit_result_per_spectrum_and_none_where_nothing_was_fitted(self, simulated, with_fid):
        good = simulated()
        results = p31mg.fit(with_fid(good, [good.fid, np.zeros(512)]), engine="lmfit").lmfit_results
        assert results.shape == (2,)
        assert results[0].success
        assert results[1] is None


@pytest.mark.parametrize(
    ("prior", "snr"),
    [("muscle-3t", 100), ("muscle-3t", 300), ("muscle-3t", 2000), ("brain-7t", 300), ("brain-7t", 2000)],
)
def test_engines_agree(simulated, prior, snr):
    spectra = simulated(
        [0.4, 0.6, 0.5],
        prior=prior,
        snr=snr,
        seed=5,
        phase_rad=[0.0, 2.0, -2.5],
        frequency_offset_hz=[0.0, 22.0, -25.0],
        broadening_hz=[0.0, 6.0, -2.0],
    )
    batch, lmfit = (p31mg.fit(spectra, prior=prior, engine=engine) for engine in ("batch", "lmfit"))
    np.testing.assert_array_equal(batch.status, lmfit.status)
    assert (batch.status == FitStatus.OK).all()
    for name in ("shift_alpha_beta_ppm", "shift_beta_pcr_ppm"):
        one, other, sd = getattr(batch, name), getattr(lmfit, name), getattr(batch, f"sd_{name}")
        np.testing.assert_array_less(np.abs(one - other), VALUE_IN_SD * sd)
        np.testing.assert_allclose(getattr(lmfit, f"sd_{name}"), sd, rtol=ERROR)
    for name in ("linewidth_hz", "amplitude", "reference_offset_ppm", "phase_rad"):
        one, other, bound = getattr(batch, name), getattr(lmfit, name), getattr(batch, f"crlb_{name}")
        np.testing.assert_array_less(np.abs(one - other), STOPPING * bound)
        np.testing.assert_allclose(getattr(lmfit, f"crlb_{name}"), bound, rtol=ERROR)
    np.testing.assert_allclose(lmfit.noise_sd, batch.noise_sd, rtol=1e-6)
    np.testing.assert_allclose(lmfit.snr_resonance, batch.snr_resonance, rtol=ERROR)
    for name, flag in batch.quality.columns().items():
        np.testing.assert_array_equal(lmfit.quality.columns()[name], flag, err_msg=name)


class TestRefusals:
    def test_signals_without_their_acquisition(self, simulated):
        with pytest.raises(p31mg.InputError, match=r"spectra is a ndarray; give p31mg\.Spectra\(fid, acquisition\)"):
            p31mg.fit(simulated().fid)

    def test_unknown_engine(self, simulated):
        with pytest.raises(p31mg.UnknownNameError, match=r"engine 'lm' is not known.*All: batch, lmfit"):
            p31mg.fit(simulated(), engine="lm")

    def test_unknown_prior(self, simulated):
        with pytest.raises(p31mg.UnknownNameError, match=r"prior 'muscle3t' is not known; the nearest are 'muscle-3t'"):
            p31mg.fit(simulated(), prior="muscle3t")

    def test_parameters_with_the_batch_engine(self, simulated):
        parameters = p31mg.lmfit_parameters(simulated())
        with pytest.raises(
            p31mg.InputError, match=r'parameters are given for engine "batch"; they belong to engine="lmfit"'
        ):
            p31mg.fit(simulated(), parameters=parameters)

    def test_spectral_width_that_does_not_hold_the_windows(self, simulated):
        narrow = p31mg.Acquisition(spectrometer_frequency_mhz=51.7, dwell_time_s=1e-3, begin_time_s=0.0)
        with pytest.raises(
            p31mg.InputError, match=r"spectral width is 1000 Hz; prior 'muscle-3t' reaches 889 Hz from PCr"
        ):
            p31mg.fit(simulated(acquisition=narrow))
