"""The Gaussian as a sum of exponentials, and lines made of it: against the Gaussian itself."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from p31mg.core.bins import BinModel
from p31mg.core.envelope import gaussian_terms
from p31mg.core.signal import LineStructure, Sampling, model_fid

ERROR = 2e-6
"""Of the envelope, at any time."""

STEP = 1e-30
NAMES = ("f0", "f1", "width 0", "width 1", "amplitude 0", "amplitude 1", "phase", "gaussian", "coupling", "begin time")
X = np.array([20.0, -200.0, 6.0, 9.0, 1.0, 0.4, 0.3, 11.0, 16.0, 1e-4])
SAMPLING = Sampling(96, 2e-4, 5e-4)
BINS = np.arange(-20, 12)


def lines() -> LineStructure:
    """A singlet and a doublet of Voigt lines with a common Gaussian width, coupling and begin time."""
    rates, weights = gaussian_terms()
    rows = [
        (k, weight * term, k, offset, rate)
        for k, offsets in enumerate([(0.0,), (-0.5, 0.5)])
        for offset, weight in zip(offsets, [1.0 / len(offsets)] * len(offsets), strict=True)
        for rate, term in zip(rates, weights, strict=True)
    ]
    slope = np.zeros((len(rows), len(X)), dtype=complex)
    for i, (k, _, _, offset, rate) in enumerate(rows):
        slope[i, k], slope[i, 2 + k], slope[i, 7], slope[i, 8] = 2j * np.pi, -np.pi, -rate, 2j * np.pi * offset
    resonance, weight = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    phase_slope = np.zeros((len(rows), len(X)))
    phase_slope[:, 6] = 1.0
    no_exponent = np.zeros(len(rows), dtype=complex)
    return LineStructure(resonance, weight, no_exponent, slope, phase_slope, np.eye(len(X)), fits_begin_time=True)


def exact_parts(x):
    """Real parts of all points, then imaginary parts, with a true Gaussian; analytic in every parameter."""
    f, width, amplitude, phase, gaussian, coupling, delay = x[0:2], x[2:4], x[4:6], x[6], x[7], x[8], x[9]
    real, imaginary = [], []
    for n in range(SAMPLING.n_points):
        t = SAMPLING.begin_time_s + delay + n * SAMPLING.dwell_time_s
        re = im = 0j
        for k, offsets in enumerate([(0.0,), (-0.5, 0.5)]):
            for offset in offsets:
                decay = -math.pi * width[k] * t - (math.pi * gaussian * t) ** 2 / (4 * math.log(2))
                height = amplitude[k] / len(offsets) * cmath.exp(decay)
                angle = phase + 2 * math.pi * (f[k] + offset * coupling) * t
                re += height * cmath.cos(angle)
                im += height * cmath.sin(angle)
        real.append(re)
        imaginary.append(im)
    return np.array(real + imaginary)


def exact_jacobian(oracles):
    columns = []
    for j in range(len(X)):
        moved = [complex(v) for v in X]
        moved[j] += 1j * STEP
        columns.append(exact_parts(moved).imag / STEP)
    return oracles.binned_parts(np.stack(columns, axis=-1), BINS)


@pytest.mark.parametrize("fwhm_hz", [0.0, 1.0, 10.0, 80.0])
def test_sum_of_exponentials_is_the_gaussian(fwhm_hz):
    rates, weights = gaussian_terms()
    t = np.linspace(0.0, 1.0, 4001)
    exact = np.exp(-((np.pi * fwhm_hz * t) ** 2) / (4 * np.log(2)))
    assert np.abs(weights @ np.exp(-np.outer(rates, t) * fwhm_hz) - exact).max() < ERROR


def test_width_is_the_full_width_at_half_maximum():
    """Of the transform of the two-sided envelope."""
    rates, weights = gaussian_terms()
    t = np.arange(-4000, 4001) * 1e-4
    envelope = (weights @ np.exp(-np.outer(rates, np.abs(t)) * 12.0)).real
    height = [(envelope * np.cos(2 * np.pi * f * t)).sum() for f in (0.0, 6.0)]
    assert height[1] / height[0] == pytest.approx(0.5, abs=1e-4)


def test_model_is_that_of_voigt_lines():
    exact = exact_parts(X).real.reshape(2, -1)
    np.testing.assert_allclose(model_fid(X, lines(), SAMPLING).sum(axis=0), exact[0] + 1j * exact[1], atol=2 * ERROR)


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(3)
    parts = exact_parts(1.05 * X).real.reshape(2, -1) + 0.05 * rng.standard_normal((2, SAMPLING.n_points))
    data = np.fft.fft(parts[0] + 1j * parts[1])[BINS]
    return BinModel(lines(), SAMPLING, BINS), data


@pytest.mark.parametrize("many", [False, True])
def test_information_is_that_of_the_exact_jacobian(case, oracles, monkeypatch, many):
    """By the Gram matrix of the lines, and by the Jacobian at the bins."""
    monkeypatch.setattr("p31mg.core.bins._FEW_LINES", 0 if many else 1000)
    model, data = case
    jacobian = exact_jacobian(oracles)
    expected = jacobian.T @ jacobian
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    actual = model.evaluate(X[None], data[None]).information[0]
    # the sum of exponentials is good to 2e-6, its derivative by the width to 1e-4
    np.testing.assert_array_less(np.abs(actual - expected) / scale, 2e-4)


@pytest.mark.parametrize("j", range(len(X)), ids=NAMES)
def test_gradient_is_that_of_the_exact_jacobian(case, oracles, j):
    model, data = case
    jacobian = exact_jacobian(oracles)
    parts = exact_parts(X).real.reshape(2, -1)
    residual = data / np.sqrt(SAMPLING.n_points) - oracles.binned(parts[0] + 1j * parts[1], BINS)
    expected = jacobian.T @ np.concatenate([residual.real, residual.imag])
    scale = np.linalg.norm(jacobian[:, j]) * np.linalg.norm(residual)
    assert model.evaluate(X[None], data[None]).gradient[0, j] == pytest.approx(expected[j], abs=2e-4 * scale)


def test_hessian_is_the_derivative_of_the_gradient(case, oracles):
    model, data = case

    def gradient(x):
        return model.evaluate(x[None], data[None]).gradient[0]

    at = model.evaluate(X[None], data[None], True)
    expected = -oracles.derivative(gradient, X, 1e-4 * np.abs(X))
    scale = np.sqrt(np.outer(np.diag(at.information[0]), np.diag(at.information[0])))
    np.testing.assert_array_less(np.abs(at.hessian[0] - expected) / scale, 1e-6)
    assert np.abs(at.hessian - at.information).max() > 0.01 * np.abs(at.information).max()


def test_both_ways_to_the_information_agree(case, monkeypatch):
    model, data = case
    results = []
    for few in (0, 1000):
        monkeypatch.setattr("p31mg.core.bins._FEW_LINES", few)
        results.append(model.evaluate(X[None], data[None], True).information[0])
    np.testing.assert_allclose(*results, rtol=0, atol=1e-9 * np.abs(results[0]).max())
