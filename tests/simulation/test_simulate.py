"""Simulated spectra: the signal of the conventions page, noise as defined there, and a truth that belongs to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import p31mg
from p31mg.acquisition import ppm_axis
from p31mg.magnesium import get_calibration, get_ph_equation
from p31mg.simulation import default_acquisition

N_POINTS = 128
MUSCLE = replace(p31mg.load_prior("muscle-3t"), coupling="first-order")
"""The oracle knows first-order multiplets; exact ones are tested with the prior."""


def simulate(mg=0.5, **options):
    return p31mg.simulate(mg, **{"n_points": N_POINTS, "prior": MUSCLE, **options})


def oracle_fid(oracles, spectra, prior=MUSCLE, index=()):
    """The equation of the conventions with the truth of one spectrum, point by point."""
    truth, a = spectra.truth, spectra.acquisition
    frequency = truth.chemical_shift_ppm[index] * a.spectrometer_frequency_mhz + truth.frequency_offset_hz[index]
    p = [*frequency, *truth.linewidth_hz[index], *truth.amplitude[index], truth.phase_rad[index]]
    lines = oracles.lines_of([r.j_coupling_hz for r in prior.resonances])
    return oracles.fid(p, lines, oracles.times_s(spectra.n_points, a.dwell_time_s, a.begin_time_s))


class TestSignal:
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"phase_rad": 2.1},
            {"frequency_offset_hz": -33.0},
            {"broadening_hz": 14.0},
            {"broadening_hz": -4.0},
            {"ph": 6.6},
            {"amplitude": np.arange(1.0, 9.0)},
            {"calibration": "iotti-1996", "mg": 0.2},
        ],
        ids=lambda options: next(iter(options), "plain"),
    )
    def test_is_the_equation_of_the_conventions(self, oracles, options):
        spectra = simulate(**options)
        np.testing.assert_allclose(
            spectra.fid, oracle_fid(oracles, spectra), rtol=0, atol=1e-12 * np.abs(spectra.fid).max()
        )

    @pytest.mark.parametrize("begin_time_s", [-4e-4, 0.0, 2.3e-3])
    def test_begin_time(self, oracles, begin_time_s):
        acquisition = p31mg.Acquisition(
            spectrometer_frequency_mhz=49.9, dwell_time_s=1.25e-4, begin_time_s=begin_time_s
        )
        spectra = simulate(acquisition=acquisition)
        np.testing.assert_allclose(spectra.fid, oracle_fid(oracles, spectra), rtol=0, atol=1e-12)
        assert spectra.acquisition is acquisition
        assert spectra.time_s[0] == begin_time_s

    def test_later_start_is_the_same_signal_with_points_missing(self):
        early = p31mg.Acquisition(spectrometer_frequency_mhz=49.9, dwell_time_s=2e-4, begin_time_s=1e-4)
        late = replace(early, begin_time_s=1e-4 + 7 * 2e-4)
        np.testing.assert_allclose(
            simulate(acquisition=late, n_points=N_POINTS - 7).fid,
            simulate(acquisition=early).fid[7:],
            rtol=0,
            atol=1e-12,
        )

    def test_phase_turns_every_point(self):
        np.testing.assert_allclose(simulate(phase_rad=0.7).fid, np.exp(0.7j) * simulate().fid, rtol=0, atol=1e-13)

    def test_offset_turns_with_time(self):
        moved, still = simulate(frequency_offset_hz=21.0), simulate()
        np.testing.assert_allclose(moved.fid, still.fid * np.exp(2j * np.pi * 21.0 * still.time_s), rtol=0, atol=1e-12)

    def test_value_at_time_zero_is_the_sum_of_the_amplitudes(self):
        acquisition = p31mg.Acquisition(spectrometer_frequency_mhz=51.7, dwell_time_s=2e-4, begin_time_s=0.0)
        assert simulate(acquisition=acquisition).fid[0] == pytest.approx(
            sum(r.amplitude for r in MUSCLE.resonances), rel=1e-14
        )

    @pytest.mark.parametrize("bin_of_pcr", [0, 5, -9])
    def test_pcr_on_a_bin_peaks_there(self, bin_of_pcr):
        acquisition = p31mg.Acquisition(spectrometer_frequency_mhz=51.7, dwell_time_s=2e-4, begin_time_s=0.0)
        width = acquisition.spectral_width_hz / 512
        spectra = simulate(acquisition=acquisition, frequency_offset_hz=bin_of_pcr * width, n_points=512)
        axis = ppm_axis(512, acquisition.dwell_time_s, acquisition.spectrometer_frequency_mhz)
        assert axis[np.abs(spectra.spectrum).argmax()] == pytest.approx(bin_of_pcr * width / 51.7, abs=1e-12)

    def test_higher_ppm_is_a_positive_frequency(self):
        only_pi = np.where(np.array(MUSCLE.names) == "pi", 1.0, 0.0)
        spectra = simulate(amplitude=only_pi, n_points=1024)
        assert spectra.ppm[np.abs(spectra.spectrum).argmax()] == pytest.approx(
            spectra.truth.chemical_shift_ppm[MUSCLE.index("pi")], abs=0.1
        )


class TestTruth:
    @pytest.mark.parametrize("name", ["gupta-1978", "gupta-1984"])
    def test_alpha_beta_difference_is_the_inverse_of_the_calibration(self, name):
        mg = np.array([0.2, 0.5, 1.0])
        truth = simulate(mg, calibration=name).truth
        np.testing.assert_allclose(truth.shift_alpha_beta_ppm, get_calibration(name).shift_ppm(mg), rtol=1e-14)
        np.testing.assert_allclose(get_calibration(name).free_mg_mM(truth.shift_alpha_beta_ppm), mg, rtol=1e-12)
        assert truth.calibration == name

    def test_beta_shift_is_the_inverse_of_the_calibration(self):
        mg = np.array([0.15, 0.2])
        truth = simulate(mg, calibration="iotti-1996", prior="brain-7t").truth
        beta = truth.chemical_shift_ppm[:, truth.names.index("beta_atp")]
        np.testing.assert_allclose(get_calibration("iotti-1996").free_mg_mM(beta), mg, rtol=1e-10)

    def test_a_calibration_of_your_own(self):
        own = p31mg.TwoSiteCalibration(id="own", atp_ppm=10.85, mgatp_ppm=8.30, kd_uM=45.0)
        truth = simulate(0.414, calibration=own).truth
        assert float(own.free_mg_mM(truth.shift_alpha_beta_ppm)) == pytest.approx(0.414, rel=1e-12)

    def test_ph_sets_the_shift_of_pi(self):
        truth = simulate(ph=[6.6, 7.1], mg=[0.5, 0.5]).truth
        pi = truth.chemical_shift_ppm[:, MUSCLE.index("pi")]
        np.testing.assert_allclose(get_ph_equation("taylor-1983").ph(pi), [6.6, 7.1], rtol=1e-13)

    def test_everything_else_is_the_prior(self):
        truth = simulate(broadening_hz=3.0).truth
        for k, resonance in enumerate(MUSCLE.resonances):
            assert truth.linewidth_hz[k] == resonance.linewidth_hz + 3.0
            assert truth.amplitude[k] == resonance.amplitude
            if resonance.name not in ("pi", "beta_atp"):
                assert truth.chemical_shift_ppm[k] == resonance.chemical_shift_ppm

    def test_table_has_one_row_per_spectrum(self):
        table = simulate(np.full((2, 3), 0.5), snr=100, seed=0, phase_rad=np.pi / 2).truth.to_dataframe()
        assert len(table) == 6
        assert (table["phase_deg"] == 90.0).all()
        assert {"free_mg_mM", "shift_alpha_beta_ppm", "snr", "noise_sd", "ph", "pcr_linewidth_hz"} <= set(table.columns)


@pytest.fixture(scope="module")
def noise():
    """Noise of 300 spectra, and the sd that their truth states."""
    spectra = simulate(np.full(300, 0.5), snr=80, seed=5)
    return spectra.fid - simulate().fid, spectra.truth.noise_sd


class TestNoise:
    def test_each_component_has_the_stated_sd(self, noise):
        values, sd = noise
        tolerance = 5 / np.sqrt(2 * values.size)  # five standard errors of a standard deviation
        assert values.real.std() == pytest.approx(sd[0], rel=tolerance)
        assert values.imag.std() == pytest.approx(sd[0], rel=tolerance)

    def test_components_and_points_are_independent(self, noise):
        values, sd = noise
        limit = 5 / np.sqrt(values.size)
        for one, other in (
            (values.real, values.imag),
            (values.real[:, 1:], values.real[:, :-1]),
            (values.imag[1:], values.imag[:-1]),
        ):
            assert abs((one * other).mean()) / sd[0] ** 2 < limit

    def test_snr_is_that_of_the_conventions(self, oracles):
        spectra = simulate(snr=120, seed=1)
        times = oracles.times_s(N_POINTS, spectra.acquisition.dwell_time_s, spectra.acquisition.begin_time_s)
        pcr = MUSCLE["pcr"]
        snr = oracles.matched_filter_snr(pcr.amplitude, pcr.linewidth_hz, (), times, float(spectra.truth.noise_sd))
        assert snr == pytest.approx(120, rel=1e-12)

    def test_matched_filter_finds_that_snr(self):
        """What the number means: the filtered PCr over the scatter of one component of the filtered noise."""
        only_pcr = np.where(np.array(MUSCLE.names) == "pcr", 1.0, 0.0)
        spectra = simulate(np.full(2000, 0.5), amplitude=only_pcr, snr=20, seed=2)
        matched = simulate(amplitude=only_pcr).fid
        filtered = spectra.fid @ np.conj(matched)
        # five standard errors of the standard deviation of 2000 numbers
        assert filtered.real.mean() / filtered.real.std() == pytest.approx(20, rel=5 / np.sqrt(2 * 2000))

    def test_no_snr_no_noise(self):
        np.testing.assert_array_equal(simulate().fid, simulate(seed=3).fid)
        assert simulate().truth.noise_sd == 0

    def test_same_seed_same_noise(self):
        np.testing.assert_array_equal(simulate(snr=50, seed=7).fid, simulate(snr=50, seed=7).fid)

    def test_other_seed_other_noise(self):
        assert (simulate(snr=50, seed=7).fid != simulate(snr=50, seed=8).fid).all()

    def test_without_a_seed_every_call_differs(self):
        assert (simulate(snr=50).fid != simulate(snr=50).fid).all()

    def test_generator_goes_on(self):
        rng = np.random.default_rng(7)
        first, second = simulate(snr=50, seed=rng).fid, simulate(snr=50, seed=rng).fid
        np.testing.assert_array_equal(first, simulate(snr=50, seed=7).fid)
        assert (first != second).all()

    def test_global_generator_is_left_alone(self):
        before = np.random.get_state()[1].copy()  # noqa: NPY002  its state is what must not move
        simulate(snr=50, seed=7)
        np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


class TestShapes:
    @pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 0)])
    def test_batch_axes_lead(self, shape):
        spectra = simulate(np.full(shape, 0.5), snr=100, seed=0)
        assert spectra.batch_shape == shape
        assert spectra.fid.shape == (*shape, N_POINTS)
        assert spectra.truth.shift_alpha_beta_ppm.shape == shape
        assert spectra.truth.chemical_shift_ppm.shape == (*shape, len(MUSCLE.names))

    def test_arguments_broadcast(self):
        spectra = simulate([[0.3], [0.8]], snr=[50, 100, 200], phase_rad=0.1, seed=0)
        assert spectra.batch_shape == (2, 3)
        assert spectra.truth.snr.tolist() == [[50, 100, 200]] * 2
        assert spectra.truth.free_mg_mM.tolist() == [[0.3] * 3, [0.8] * 3]

    def test_each_spectrum_as_alone(self):
        stack = simulate([0.3, 0.8], phase_rad=[0.0, 1.0], frequency_offset_hz=[5.0, -5.0])
        alone = simulate(0.8, phase_rad=1.0, frequency_offset_hz=-5.0)
        np.testing.assert_allclose(stack.fid[1], alone.fid, rtol=0, atol=1e-14)

    def test_amplitudes_per_spectrum(self):
        amplitude = np.ones((2, len(MUSCLE.names))) * [[1.0], [2.0]]
        spectra = simulate([0.5, 0.5], amplitude=amplitude)
        np.testing.assert_allclose(spectra.fid[1], 2 * spectra.fid[0], rtol=1e-14)

    def test_truth_can_be_written_without_touching_the_input(self):
        mg = np.array([0.3, 0.5])
        mg.flags.writeable = False
        truth = simulate(mg).truth
        truth.free_mg_mM[0] = 9.0
        assert mg[0] == 0.3


class TestDefaults:
    @pytest.mark.parametrize(("name", "frequency"), [("muscle-3t", 51.705), ("brain-7t", 120.645)])
    def test_acquisition_is_that_of_the_field(self, name, frequency):
        acquisition = default_acquisition(p31mg.load_prior(name))
        assert acquisition.spectrometer_frequency_mhz == pytest.approx(frequency, abs=1e-9)
        assert acquisition.spectral_width_hz == pytest.approx(100 * frequency, rel=0.1)
        assert acquisition.begin_time_source == "simulated"

    def test_points_and_source(self):
        spectra = p31mg.simulate(0.5)
        assert spectra.n_points == 2048
        assert spectra.source == "simulated, muscle-3t"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mg": 0.0}, r"free_mg_mM is 0; a concentration must be above 0 mM"),
        ({"mg": [0.5, -0.2]}, r"free_mg_mM is -0\.2"),
        ({"snr": 0.0}, r"snr is 0; it must be above 0 \(infinite for no noise\)"),
        ({"snr": [100, -5], "mg": [0.5, 0.5]}, r"snr is -5"),
        ({"snr": np.nan}, r"snr is nan"),
        ({"mg": np.nan}, r"free_mg_mM is nan; it must be finite"),
        ({"phase_rad": np.inf}, r"phase_rad is inf; it must be finite"),
        ({"mg": [0.3, 0.5], "snr": [50, 60, 70]}, r"the shapes of free_mg_mM \(2,\), snr \(3,\) do not broadcast"),
        ({"seed": -1}, r"seed is -1; it must be a whole number"),
        ({"broadening_hz": -8.0}, r"broadening_hz is -8; it leaves a linewidth of 0 Hz, which must be above 0"),
        ({"broadening_hz": np.nan}, r"broadening_hz is nan"),
        ({"n_points": 10}, r"fid has 10 points on its last axis.*at least 64 are needed"),
        ({"calibration": "gupta"}, r"calibration 'gupta' is not known"),
        ({"prior": "muscles"}, r"prior 'muscles' is not known; the nearest are 'muscle'"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(p31mg.InputError, match=message):
        simulate(**options)


def test_magnesium_that_is_no_number():
    with pytest.raises(p31mg.InputError, match=r"free_mg_mM is 'x'; it must be a number or an array of numbers"):
        p31mg.simulate("x")
