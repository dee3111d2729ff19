"""What `p31mg fit` says beside its table: what was fitted beyond the plain model, what contradicts, what is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

import p31mg

Run = Callable[..., Result]


@pytest.fixture
def one() -> p31mg.Spectra:
    return p31mg.simulate(0.5, prior="muscle-3t", snr=300, seed=1)


def write(spectra: p31mg.Spectra, folder: Path, **acquisition: float) -> Path:
    changed = p31mg.Spectra(spectra.fid, replace(spectra.acquisition, **acquisition))
    return p31mg.write(changed, folder / "a.npz")


def test_begin_time_that_was_fitted(one: p31mg.Spectra, tmp_path: Path, run: Run) -> None:
    result = run("fit", write(one, tmp_path, begin_time_s=4e-4, sd_begin_time_s=1e-4))
    fitted = p31mg.fit(p31mg.read(tmp_path / "a.npz"))
    value, sd = 1e3 * float(fitted.begin_time_s), 1e3 * float(fitted.crlb_begin_time_s)
    assert value == pytest.approx(0.5, abs=0.05)
    assert f"begin time fitted: {value:.3f} ± {sd:.3f} ms (stated 0.400 ± 0.100)" in result.stdout
    assert "warning" not in result.stderr


def test_begin_time_that_contradicts_the_stated_one(one: p31mg.Spectra, tmp_path: Path, run: Run) -> None:
    result = run("fit", write(one, tmp_path, begin_time_s=4e-4, sd_begin_time_s=2e-5), "--baseline", "none")
    assert "warning: 1 of 1: the fitted begin time is more than 3 sd from the stated one" in result.stderr


def test_exact_begin_time_is_not_called_fitted(one: p31mg.Spectra, tmp_path: Path, run: Run) -> None:
    result = run("fit", write(one, tmp_path))
    assert "fitted" not in result.stdout
    assert "left out" not in result.stdout


def test_locked_phases_do_not_use_the_sd(one: p31mg.Spectra, tmp_path: Path, run: Run) -> None:
    result = run("fit", write(one, tmp_path, sd_begin_time_s=3e-4), "--phase-model", "locked")
    assert "phase model locked: the begin time is taken as exact, its sd of 0.3 ms is not used" in result.stderr
    assert "begin time fitted" not in result.stdout


def test_first_points_that_were_left_out(one: p31mg.Spectra, tmp_path: Path, run: Run) -> None:
    assert "first points left out: 3, in 1 of 1" in run("fit", write(one, tmp_path), "--baseline", 3).stdout


def test_field_that_was_fitted(one: p31mg.Spectra, tmp_path: Path, run: Run) -> None:
    t = one.acquisition.dwell_time_s * np.arange(one.n_points)
    file = write(p31mg.Spectra(one.fid * np.exp(-((20 * t) ** 2)), one.acquisition), tmp_path)
    width = float(p31mg.fit(p31mg.read(file)).gaussian_linewidth_hz)
    assert width > 5
    assert f"field fitted: lines broadened by {width:.1f} Hz, in 1 of 1" in run("fit", file).stdout


def test_reversed_frequency_axis(one: p31mg.Spectra, tmp_path: Path, run: Run) -> None:
    result = run("fit", write(p31mg.Spectra(one.fid.conj(), one.acquisition), tmp_path))
    assert result.exit_code == 1
    assert (
        "warning: ATP lies on the high side of PCr, so the sign of the frequency axis looks reversed" in result.stderr
    )


def test_ph_is_unknown_where_pi_is_faint(tmp_path: Path, run: Run) -> None:
    prior = p31mg.load_prior("muscle-3t")
    amplitude = [0.0 if r.name == "pi" else r.amplitude for r in prior.resonances]
    file = write(p31mg.simulate(0.5, snr=300, seed=1, amplitude=amplitude), tmp_path)
    assert "pH unknown: SNR of Pi below 5, temperature" in run("fit", file).stdout
    corrected = run("fit", file, "--correct-kd")
    assert corrected.exit_code == 1
    assert "flagged: pH not known for Kd" in corrected.stdout


class TestGrid:
    @pytest.fixture
    def grid(self, one: p31mg.Spectra, tmp_path: Path) -> Path:
        """Return a grid of 6 voxels, 4 of them empty."""
        fid = np.zeros((3, 2, one.n_points), dtype=complex)
        fid[1] = one.fid
        return write(p31mg.Spectra(fid, one.acquisition), tmp_path)

    def test_empty_voxels_are_counted_and_not_shown(self, grid: Path, run: Run) -> None:
        lines = run("fit", grid).stdout.splitlines()
        assert "2 of 6 valid; 4 without signal are not shown" in lines
        assert not any("SIGNAL" in line for line in lines)
        assert sum("±" in line and "OK" in line for line in lines) == 2

    def test_documents_keep_them(self, grid: Path, run: Run) -> None:
        assert len(json.loads(run("fit", grid, "--format", "json").stdout)["spectra"]) == 6


@pytest.mark.parametrize("option", ["--output", "--figure"])
def test_files_are_replaced_only_if_asked(option: str, one: p31mg.Spectra, tmp_path: Path, run: Run) -> None:
    there = tmp_path / {"--output": "there.csv", "--figure": "there.png"}[option]
    there.write_text("mine", encoding="utf-8")
    file = write(one, tmp_path)
    refused = run("fit", file, option, there)
    assert refused.exit_code == 2
    assert f"{there} exists and is not replaced; choose another name or give --force" in refused.stderr
    assert there.read_text(encoding="utf-8") == "mine"
    assert run("fit", file, option, there, "--force").exit_code == 0
    assert there.read_bytes()[:4] != b"mine"


def test_calibration_file_of_another_ending(one: p31mg.Spectra, tmp_path: Path, run: Run) -> None:
    own = tmp_path / "own.txt"
    own.write_text("x", encoding="utf-8")
    result = run("fit", write(one, tmp_path), "--calibration", own)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"calibration file {own} must be TOML, with a name that ends in .toml" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--average", "dyn"), "axis is 'dyn'; this is a single spectrum, which has no axes."),
        (("--combine-coils",), "no axis is called coil or channel; this is a single spectrum, which has no axes."),
    ],
)
def test_axes_of_a_single_spectrum(
    options: tuple[str, ...], message: str, one: p31mg.Spectra, tmp_path: Path, run: Run
) -> None:
    assert message in run("fit", write(one, tmp_path), *options).stderr
