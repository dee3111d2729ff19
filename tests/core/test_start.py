"""Start values must bring every fit into the valley of the truth: offset, phase and width are unknown before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import p31mg
from p31mg.fitting.problem import Problem

N_POINTS = 512
N_SPECTRA = 80


@pytest.fixture(scope="module")
def scanner():
    """Noise-free spectra with offsets within 0.5 ppm, any phase, widths of PCr of 5 to 60 Hz, and any likely Mg and pH."""
    rng = np.random.default_rng(21)
    prior = replace(p31mg.load_prior("muscle-3t"), coupling="first-order")
    spectra = p31mg.simulate(
        rng.uniform(0.1, 2.0, N_SPECTRA),
        prior=prior,
        frequency_offset_hz=rng.uniform(-0.5, 0.5, N_SPECTRA) * 51.7,
        phase_rad=rng.uniform(-np.pi, np.pi, N_SPECTRA),
        broadening_hz=rng.uniform(5.0, 60.0, N_SPECTRA) - prior["pcr"].linewidth_hz,
        ph=rng.uniform(6.5, 7.3, N_SPECTRA),
        n_points=N_POINTS,
    )
    spectra.fid.flags.writeable = False
    return spectra


def start_of(spectra, prior="muscle-3t"):
    """Start values of a stack, and the problem that they belong to: all that these tests know of the search."""
    problem = Problem.of(spectra, p31mg.load_prior(prior))
    return problem.finder.find(np.fft.fft(spectra.fid)), problem


def test_every_fit_reaches_the_truth(scanner):
    fit = p31mg.fit(scanner, prior=replace(p31mg.load_prior("muscle-3t"), coupling="first-order"))
    assert (fit.status == p31mg.FitStatus.OK).all()
    np.testing.assert_allclose(fit.shift_alpha_beta_ppm, scanner.truth.shift_alpha_beta_ppm, rtol=0, atol=1e-6)
    np.testing.assert_allclose(fit.chemical_shift_ppm, scanner.truth.chemical_shift_ppm, rtol=0, atol=1e-6)


def test_reference_starts_within_half_its_width(scanner):
    start, problem = start_of(scanner)
    error = np.abs(start.p[:, problem.reference] - scanner.truth.frequency_offset_hz)
    assert (error < 0.5 * scanner.truth.linewidth_hz[:, problem.reference]).all()


def test_phase_starts_within_a_quarter_turn(scanner):
    start, _ = start_of(scanner)
    error = np.angle(np.exp(1j * (start.p[:, -1] - scanner.truth.phase_rad)))
    assert (np.abs(error) < np.pi / 4).all()


def test_widths_start_within_a_factor_of_two(scanner):
    """What an inhomogeneous field adds is read off PCr and given to all."""
    start, problem = start_of(scanner)
    k = problem.lines.n_resonances
    ratio = start.p[:, k : 2 * k] / scanner.truth.linewidth_hz
    assert ((ratio > 0.5) & (ratio < 2.0)).all()


def test_large_neighbour_is_not_taken_for_the_reference():
    """Exercising muscle: Pi higher than PCr."""
    prior = p31mg.load_prior("muscle-3t")
    amplitude = np.array([r.amplitude for r in prior.resonances])
    amplitude[prior.index("pcr")], amplitude[prior.index("pi")] = 0.45, 0.55
    spectra = p31mg.simulate(
        np.full(4, 0.5),
        amplitude=amplitude,
        ph=[6.6, 6.8, 7.0, 7.2],
        frequency_offset_hz=[-20.0, 15.0, 0.0, 25.0],
        n_points=N_POINTS,
    )
    start, problem = start_of(spectra)
    np.testing.assert_allclose(start.p[:, problem.reference], spectra.truth.frequency_offset_hz, rtol=0, atol=5.0)


def test_starts_are_finite_and_above_zero_for_noise_alone():
    acquisition = p31mg.simulate(0.5, n_points=N_POINTS).acquisition
    noise = np.random.default_rng(3).standard_normal((2, 10, N_POINTS))
    start, problem = start_of(p31mg.Spectra(noise[0] + 1j * noise[1], acquisition))
    k = problem.lines.n_resonances
    assert np.isfinite(start.p).all()
    assert (start.p[:, k : 3 * k] > 0).all()
    assert (start.reference_height > 0).all()


def test_starts_lie_within_the_windows(scanner):
    start, problem = start_of(scanner)
    shift = problem.reported(start.p)[:, problem.shifted]
    e = problem.expectation
    # starts are rounded to single precision, 1e-7 of a frequency of 1 kHz
    assert (shift >= e.shift_lower_hz[problem.shifted] - 1e-3).all()
    assert (shift <= e.shift_upper_hz[problem.shifted] + 1e-3).all()


def test_same_signals_same_starts(scanner):
    np.testing.assert_array_equal(start_of(scanner)[0].p, start_of(scanner)[0].p)
