"""What the physics does not care about: scale, phase, carrier, time origin, sign of frequency, order of resonances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import p31mg
from p31mg.fitting.problem import Problem

# a failing example prints its fits whole; that warning must not hide the failure
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

FEW = settings(max_examples=12)
SAME = 1e-4
"""In standard errors. A fit stops within 1e-5 of them from the optimum; two fits may stop on either side."""

turns = st.floats(-np.pi, np.pi)
ppm = st.floats(-1.0, 1.0)


@pytest.fixture(scope="module")
def spectrum(simulated):
    return simulated(phase_rad=0.4, frequency_offset_hz=7.0, broadening_hz=2.0)


@pytest.fixture(scope="module")
def plain(spectrum):
    return p31mg.fit(spectrum)


def assert_same_shifts(fit, other, *, same_noise=True):
    """The shifts that give magnesium, their errors, and the judgement."""
    assert fit.status == other.status == p31mg.FitStatus.OK
    ratio = 1.0 if same_noise else float(other.noise_sd) / float(fit.noise_sd)
    for name in ("shift_alpha_beta_ppm", "shift_beta_pcr_ppm"):
        sd = float(getattr(fit, f"sd_{name}"))
        assert float(getattr(other, name)) == pytest.approx(float(getattr(fit, name)), abs=SAME * sd)
        assert float(getattr(other, f"sd_{name}")) == pytest.approx(sd * ratio, rel=SAME)
    assert bool(fit.is_valid) == bool(other.is_valid)
    assert float(other.snr) == pytest.approx(float(fit.snr) / ratio, rel=SAME)


def assert_same(name, fit, other, *, factor=1.0, shift=0.0):
    """One fitted quantity, up to a known factor and a known shift."""
    difference = getattr(other, name) - factor * getattr(fit, name) - shift
    assert (np.abs(difference) <= SAME * factor * getattr(fit, f"crlb_{name}")).all()


@FEW
@given(exponent=st.floats(-12, 12))
def test_scale_of_the_data(spectrum, plain, with_fid, exponent):
    factor = 10.0**exponent
    other = p31mg.fit(with_fid(spectrum, factor * spectrum.fid))
    assert_same_shifts(plain, other)
    assert_same("amplitude", plain, other, factor=factor)
    assert_same("linewidth_hz", plain, other)
    assert float(other.noise_sd) == pytest.approx(factor * float(plain.noise_sd), rel=1e-6)


@FEW
@given(phase=turns)
def test_phase(spectrum, plain, with_fid, phase):
    other = p31mg.fit(with_fid(spectrum, np.exp(1j * phase) * spectrum.fid))
    assert_same_shifts(plain, other)
    assert_same("amplitude", plain, other)
    turned = np.angle(np.exp(1j * (float(other.phase_rad) - float(plain.phase_rad) - phase)))
    assert abs(turned) < SAME * float(plain.crlb_phase_rad)
    assert -np.pi <= other.phase_rad <= np.pi


@FEW
@given(n_bins=st.integers(-8, 8))
def test_frequency_of_the_carrier_by_whole_bins(spectrum, with_fid, n_bins):
    """Then a fit counts the same bins; those that the noise is measured in, which weighs what is known of J, are others."""
    plain = p31mg.fit(spectrum, lineshape="prior")
    problem = Problem.of(spectrum, p31mg.load_prior("muscle-3t"))
    bin_hz = problem.shortened[int(problem.enough_for(plain.linewidth_hz[:1])[0])].sampling.bin_hz
    other = p31mg.fit(
        with_fid(spectrum, spectrum.fid * np.exp(2j * np.pi * n_bins * bin_hz * spectrum.time_s)), lineshape="prior"
    )
    assert_same_shifts(plain, other)
    mhz = spectrum.acquisition.spectrometer_frequency_mhz
    assert_same("reference_offset_ppm", plain, other, shift=n_bins * bin_hz / mhz)
    assert_same("linewidth_hz", plain, other)


@FEW
@given(offset_ppm=ppm)
def test_frequency_of_the_carrier(spectrum, plain, with_fid, offset_ppm):
    """By part of a bin, the fit counts other bins at the edges of the windows, where little but noise is."""
    hz = offset_ppm * spectrum.acquisition.spectrometer_frequency_mhz
    other = p31mg.fit(with_fid(spectrum, spectrum.fid * np.exp(2j * np.pi * hz * spectrum.time_s)))
    assert float(other.noise_sd) == pytest.approx(float(plain.noise_sd), rel=0.1)
    for name in ("shift_alpha_beta_ppm", "shift_beta_pcr_ppm"):
        sd = float(getattr(plain, f"sd_{name}"))
        assert float(getattr(other, name)) == pytest.approx(float(getattr(plain, name)), abs=0.15 * sd)
    difference = float(other.reference_offset_ppm) - float(plain.reference_offset_ppm)
    assert difference == pytest.approx(offset_ppm, abs=0.3 * float(plain.crlb_reference_offset_ppm))


@FEW
@given(begin_time_s=st.floats(-2e-3, 4e-3), phase=turns)
def test_time_of_the_first_point(simulated, first_order, begin_time_s, phase):
    """Shifts, widths, amplitudes at time 0 and phase do not depend on when the receiver opens."""
    acquisition = p31mg.Acquisition(spectrometer_frequency_mhz=51.7, dwell_time_s=2e-4, begin_time_s=begin_time_s)
    spectra = simulated(prior=first_order, snr=np.inf, acquisition=acquisition, phase_rad=phase)
    fit, truth = p31mg.fit(spectra, first_order), spectra.truth
    # without noise; rounding grown by the overlap of the lines
    np.testing.assert_allclose(fit.chemical_shift_ppm, truth.chemical_shift_ppm, rtol=0, atol=1e-8)
    np.testing.assert_allclose(fit.linewidth_hz, truth.linewidth_hz, rtol=1e-6)
    np.testing.assert_allclose(fit.amplitude, truth.amplitude, rtol=1e-6)
    assert abs(np.angle(np.exp(1j * (fit.phase_rad - phase)))) < 1e-7


def test_wrong_begin_time_moves_the_shifts(simulated):
    """The reason why it has no default: 0.2 ms too early, with all phases locked."""
    spectra = simulated(snr=np.inf)
    told = replace(spectra.acquisition, begin_time_s=spectra.acquisition.begin_time_s - 2e-4)
    moved = p31mg.fit(p31mg.Spectra(spectra.fid, told)).chemical_shift_ppm - spectra.truth.chemical_shift_ppm
    assert np.nanmax(np.abs(moved)) > 0.02


def mirrored(prior):
    """The same resonances at the other side of PCr."""
    rows = (
        replace(
            r,
            chemical_shift_ppm=-r.chemical_shift_ppm,
            shift_bounds_ppm=(-r.shift_bounds_ppm[1], -r.shift_bounds_ppm[0]),
        )
        for r in prior.resonances
    )
    return replace(prior, resonances=tuple(rows))


@FEW
@given(seed=st.integers(0, 1000))
def test_conjugate_signal_of_a_mirrored_prior(simulated, with_fid, muscle, seed):
    spectra = simulated(seed=seed, phase_rad=0.4, frequency_offset_hz=7.0)
    fit = p31mg.fit(spectra, prior=muscle)
    other = p31mg.fit(with_fid(spectra, np.conj(spectra.fid)), prior=mirrored(muscle))
    sd = float(fit.sd_shift_alpha_beta_ppm)
    assert float(other.shift_alpha_beta_ppm) == pytest.approx(-float(fit.shift_alpha_beta_ppm), abs=SAME * sd)
    assert float(other.sd_shift_alpha_beta_ppm) == pytest.approx(sd, rel=SAME)
    assert_same("reference_offset_ppm", fit, other, shift=-2 * float(fit.reference_offset_ppm))
    assert_same("phase_rad", fit, other, shift=-2 * float(fit.phase_rad))
    assert_same("linewidth_hz", fit, other)
    assert not other.quality.shift_in_range


@FEW
@given(order=st.permutations(range(8)))
def test_order_of_the_resonances(spectrum, plain, muscle, order):
    shuffled = replace(muscle, resonances=tuple(muscle.resonances[i] for i in order))
    other = p31mg.fit(spectrum, prior=shuffled)
    assert_same_shifts(plain, other)
    assert other.names == tuple(plain.names[i] for i in order)
    for name in ("linewidth_hz", "amplitude"):
        difference = getattr(other, name) - getattr(plain, name)[order]
        assert (np.abs(difference) <= SAME * getattr(plain, f"crlb_{name}")[order]).all()
    expected = plain.covariance_shift_ppm2[np.ix_(order, order)]
    np.testing.assert_allclose(other.covariance_shift_ppm2, expected, rtol=SAME, atol=SAME * expected.max())


@FEW
@given(seed=st.integers(0, 1000))
def test_order_of_the_batch(simulated, with_fid, seed):
    stack = simulated(np.linspace(0.3, 0.8, 5), seed=seed)
    order = np.random.default_rng(seed).permutation(5)
    straight, shuffled = p31mg.fit(stack), p31mg.fit(with_fid(stack, stack.fid[order]))
    np.testing.assert_allclose(shuffled.shift_alpha_beta_ppm, straight.shift_alpha_beta_ppm[order], rtol=1e-12)


@FEW
@given(
    broadening_hz=st.floats(-3.0, 50.0), ph=st.floats(6.4, 7.3), mg=st.floats(0.15, 2.0), phase=turns, offset_ppm=ppm
)
def test_truth_is_found_without_noise(simulated, first_order, broadening_hz, ph, mg, phase, offset_ppm):
    spectra = simulated(
        mg,
        prior=first_order,
        snr=np.inf,
        broadening_hz=broadening_hz,
        ph=ph,
        phase_rad=phase,
        frequency_offset_hz=51.7 * offset_ppm,
    )
    fit = p31mg.fit(spectra, first_order)
    assert fit.status == p31mg.FitStatus.OK
    assert float(fit.shift_alpha_beta_ppm) == pytest.approx(float(spectra.truth.shift_alpha_beta_ppm), abs=1e-6)
