"""The benchmark measures what it says: its spectra, slow model and bound are right, and its table goes where it should."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import p31mg

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def _suite_on_path():
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture
def truth():
    from suite import cases

    return cases.truths(np.random.default_rng(3), 3, 200.0)


def test_spectra_are_those_of_the_package(truth):
    from suite import cases

    fid, noise_sd = cases.signals(truth)
    mg = p31mg.free_magnesium(truth.alpha_beta_ppm).free_mg_mM
    broadening = truth.linewidth_hz[:, 0] - cases.muscle()["pcr"].linewidth_hz
    same = p31mg.simulate(
        mg, phase_rad=truth.phase_rad, frequency_offset_hz=truth.offset_hz, broadening_hz=broadening, snr=200.0
    )
    assert same.acquisition == cases.ACQUISITION
    np.testing.assert_allclose(noise_sd, same.truth.noise_sd, rtol=1e-10)
    pi = cases.muscle().index("pi")
    moved = replace(truth, shift_ppm=truth.shift_ppm.copy())
    moved.shift_ppm[:, pi] = same.truth.chemical_shift_ppm[:, pi]  # where the simulator's pH puts it
    clean = p31mg.simulate(
        mg,
        prior=truth.prior,
        phase_rad=truth.phase_rad,
        frequency_offset_hz=truth.offset_hz,
        broadening_hz=broadening,
    )
    np.testing.assert_allclose(cases.signals(moved)[0], clean.fid, rtol=0, atol=1e-9)
    assert fid.shape == clean.fid.shape


def test_slow_model_and_its_jacobian(truth, oracles):
    from suite import cases, scipy_loop

    prior, k = truth.prior, len(truth.prior.names)
    own = [i for i, r in enumerate(prior.resonances) if r.linewidth_as is None]
    shift_hz = np.delete(truth.shift_ppm[0], prior.index("pcr")) * cases.ACQUISITION.spectrometer_frequency_mhz
    x = np.array([truth.offset_hz[0], *shift_hz, *truth.linewidth_hz[0, own], *truth.amplitude[0], truth.phase_rad[0]])
    signal, jacobian = scipy_loop.model(x, prior)
    np.testing.assert_allclose(signal, cases.signals(truth)[0][0], rtol=0, atol=1e-10)
    assert jacobian.shape == (2048, 2 * k + len(own) + 1)

    def parts(x):
        return scipy_loop.model(x, prior)[0].view(float)

    steps = 1e-4 * np.maximum(np.abs(x), 0.1)
    expected = oracles.derivative(parts, x, steps)
    actual = np.ascontiguousarray(jacobian.T).view(float).reshape(len(x), -1).T
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


def test_bound_at_the_truth_is_that_of_a_fit_without_error(truth):
    from suite import cases

    clean, noise_sd = cases.signals(truth)
    fit = p31mg.fit(cases.spectra_of(clean + cases.noise(np.random.default_rng(1), noise_sd * 1e-3)), truth.prior)
    # p31mg leaves out bins and points that say next to nothing: its bound is a little higher
    expected = cases.bounds_alpha_beta_ppm(truth, noise_sd * 1e-3)
    measured = fit.crlb_shift_alpha_beta_ppm * (noise_sd * 1e-3 / fit.noise_sd)
    np.testing.assert_allclose(measured / expected, 1.004, atol=0.01)


@pytest.mark.parametrize("n", [3, 8, 20])
def test_priors_of_any_size(n):
    from suite import cases

    assert len(cases.prior_of(n).names) == n


def test_peer_has_no_windows_on_tied_lines():
    from suite import cases, peer

    rows = peer.prior_table(cases.muscle(), cases.ACQUISITION.spectrometer_frequency_mhz)
    names, windows = rows[0][1:], rows[9][1:]
    assert len(names) == 12
    assert [name for name, window in zip(names, windows, strict=True) if not window] == [
        "GATP2", "AATP2", "BATP2", "BATP3"
    ]  # fmt: skip


def test_table_goes_between_the_marks(tmp_path):
    from suite import record

    page = tmp_path / "page.md"
    page.write_text(f"before\n{record.BEGIN}\nold\n{record.END}\nafter\n", encoding="utf-8")
    row = {"what": "speed", "goal": "<= 10", "measured": "9", "reached": True, "note": ""}
    head = {"section": "speed", "quick": False, "date": "2026-01-01T00:00", "cpu": "c", "python": "3", "versions": {}}
    record.write_table(page, [{**head, "rows": [row]}])
    text = page.read_text(encoding="utf-8")
    assert "old" not in text
    assert "| speed | <= 10 | 9 | yes |" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no marks"):
        record.write_table(page, [])
