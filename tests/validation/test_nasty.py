"""The simulator of the validation, against its equations written plainly, and what is counted of its spectra."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

FOLDER = str(Path(__file__).parents[2] / "validation")


@pytest.fixture(scope="module")
def nasty() -> Iterator[object]:
    sys.path.insert(0, FOLDER)
    import nasty
    import nasty.bound
    import nasty.methods
    import nasty.retest
    import nasty.simulator

    yield nasty
    sys.path.remove(FOLDER)


@pytest.fixture
def drawn(nasty):
    everything = replace(
        nasty.simulator.Nuisance(),
        begin_error_s=3e-4,
        gaussian_ppm=0.3,
        exponential_ppm=0.15,
        quadratic_ppm=0.4,
        hump_area=5.0,
        nad_times=(0.0, 1.5),
        j_hz=(15.0, 20.0),
        drift_ppm=0.2,
        missing_points=(1, 8),
    )
    return nasty.simulator.draw(3, np.random.default_rng(3), field_t=3.0, nuisance=everything)


def spin_half_system(nu, couplings):
    """Transitions of three spins from the whole 8 x 8 matrix, and their intensities."""
    x, y, z = (np.array(m) / 2 for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))

    def of(spin, matrix):
        parts = [matrix if i == spin else np.eye(2) for i in range(3)]
        return np.kron(np.kron(parts[0], parts[1]), parts[2])

    h = sum(nu[i] * of(i, z) for i in range(3))
    h = h + sum(j * of(a, m) @ of(b, m) for (a, b), j in couplings.items() for m in (x, y, z))
    energy, state = np.linalg.eigh(h)
    up = state.conj().T @ sum(of(i, x) + 1j * of(i, y) for i in range(3)) @ state
    return (energy[:, None] - energy).ravel(), (np.abs(up) ** 2).ravel()


@pytest.mark.parametrize("field_t", [0.3, 1.5, 7.0])
def test_atp_signal_is_that_of_the_whole_hamiltonian(nasty, drawn, field_t):
    s = nasty.simulator
    tissue, f0 = drawn[0], s.frequency_mhz(field_t)
    tissue = tissue.but(width_hz=np.zeros_like(tissue.width_hz))
    frequency, width, area = s.atp_transitions(tissue, f0)
    t = np.linspace(0, 0.05, 40)
    for i in range(len(tissue)):
        nu = f0 * tissue.shift_ppm[i, [s.ALPHA, s.BETA, s.GAMMA]]
        known, intensity = spin_half_system(nu, {(0, 1): tissue.j_ab_hz[i], (1, 2): tissue.j_bg_hz[i]})
        expected = 0.25 * intensity / 4 @ np.exp(2j * np.pi * np.outer(known, t))
        np.testing.assert_allclose(area[i] @ np.exp(2j * np.pi * np.outer(frequency[i], t)), expected, atol=1e-9)
    assert not width.any()


def test_mean_frequency_of_atp_is_that_of_its_spins(nasty, drawn):
    s = nasty.simulator
    frequency, _, area = s.atp_transitions(drawn[0], 25.0)
    spins = drawn[0].shift_ppm[:, [s.ALPHA, s.BETA, s.GAMMA]]
    np.testing.assert_allclose((frequency * area).sum(axis=1), 25.0 * 0.25 * spins.sum(axis=1), rtol=1e-12)


def test_signal_point_by_point(nasty, drawn):
    s = nasty.simulator
    tissue, _ = drawn
    f0, dwell = s.frequency_mhz(3.0), s.dwell_time_s(3.0)
    got = s.signal(tissue, 3.0, n_points=200)
    lines = [s._singlet(tissue, k, f0) for k in range(4)] + [s.atp_transitions(tissue, f0), s._nad(tissue, f0)]
    for b in range(len(tissue)):
        for n in (0, 1, 63, 64, 199):
            t = tissue.begin_time_s[b] + n * dwell
            value = sum(
                (area[b] * np.exp((2j * np.pi * frequency[b] - np.pi * width[b]) * t)).sum()
                for frequency, width, area in lines
            )
            value *= np.exp(-((np.pi * tissue.gaussian_hz[b] * t) ** 2) / (4 * np.log(2)))
            tau = tissue.exponential_hz[b]
            value *= np.exp(-2j * np.pi * tau * t) / (1 - 2j * np.pi * tau * t)
            z = (np.arange(20_000) + 0.5) / 20_000
            value *= np.exp(2j * np.pi * tissue.quadratic_hz[b] * (z**2 - 1 / 3) * t).mean()
            value *= np.exp(1j * (tissue.transient_phase_rad[b] + 2 * np.pi * tissue.transient_offset_hz[b] * t)).mean()
            broad = np.exp(-((np.pi * tissue.hump_width_hz[b] * t) ** 2) / (4 * np.log(2)))
            value += tissue.hump_area[b] * broad * np.exp(2j * np.pi * f0 * tissue.hump_shift_ppm[b] * t)
            value *= np.exp(1j * tissue.phase_rad[b] + 2j * np.pi * f0 * tissue.offset_ppm[b] * t)
            assert got[b, n] == pytest.approx(value, abs=1e-6)  # the midpoint rule of z


def test_noise_is_what_the_snr_says(nasty, drawn):
    s = nasty.simulator
    tissue, stated = drawn
    measured = s.measure(tissue, stated, 50.0, np.random.default_rng(0), field_t=3.0)
    noise = measured.fid - s.signal(tissue, 3.0)
    sd = np.stack([noise.real, noise.imag]).std(axis=(0, 2))
    np.testing.assert_allclose(sd, s.pcr_norm(tissue, 3.0) / 50.0, rtol=0.05)  # 3 sd of 4096 numbers


def test_transients_have_the_spectrum_as_their_mean(nasty, drawn):
    s = nasty.simulator
    measured = s.measure(*drawn, np.inf, np.random.default_rng(0), field_t=3.0, n_points=128, keep_transients=True)
    np.testing.assert_allclose(measured.transients.mean(axis=1), s.signal(drawn[0], 3.0, 128), atol=1e-12)


def test_bound_is_that_of_the_fit_where_the_fit_has_the_true_model(nasty):
    s = nasty.simulator
    tissue, stated = s.draw(40, np.random.default_rng(1), field_t=3.0)
    simulated = s.measure(tissue, stated, 1000.0, np.random.default_rng(2), field_t=3.0)
    locked = nasty.methods.MODELS["locked, Lorentzian"]
    fit = locked(nasty.methods.spectra_of(simulated, np.arange(40)), nasty.methods.muscle(3.0))
    knows = ("begin_time_s", "gaussian_hz", "exponential_hz", "j_ab_hz")
    bound = nasty.bound.information(tissue, 3.0).bound_shift_alpha_beta_ppm(1000.0, knows=knows)
    ratio = fit.crlb_shift_alpha_beta_ppm / bound
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.02)  # at the estimate, not at the truth


def test_intraclass_correlation_of_known_variances(nasty):
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(4000), 4)
    value = rng.normal(0, 1.0, 4000)[person] + rng.normal(0, 0.5, 16_000)
    value[::7] = np.nan
    assert nasty.retest.intraclass_correlation(value, person) == pytest.approx(1 / 1.25, abs=0.01)
