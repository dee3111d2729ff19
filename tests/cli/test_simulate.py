"""`p31mg simulate`: what is written can be read, and is what Python simulates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from click.testing import Result

import p31mg

Run = Callable[..., Result]


def test_single_file_holds_the_spectra_of_python(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "one.nii.gz"
    result = run("simulate", file, "--mg", 0.3, "--mg", 0.8, "--snr", 200, "--seed", 5, "--phase", 90, "--offset", 12)
    assert result.exit_code == 0
    assert result.stdout.split() == [str(file)]
    expected = p31mg.simulate(
        [0.3, 0.8], prior="muscle-3t", snr=200, seed=5, phase_rad=np.radians(90.0), frequency_offset_hz=12.0
    )
    back = p31mg.read(file)
    np.testing.assert_array_equal(back.fid, expected.fid)
    assert back.acquisition == expected.acquisition


def test_one_value_is_one_spectrum_without_batch_axis(run: Run, tmp_path: Path) -> None:
    run("simulate", tmp_path / "one.nii", "--mg", 0.5, "--snr", 200, "--seed", 5)
    assert p31mg.read(tmp_path / "one.nii").batch_shape == ()


def test_folder_holds_one_file_each_and_the_truth(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "phantom"
    result = run("simulate", folder, "--mg", 0.3, "--mg", 0.5, "--mg", 0.8, "--snr", 300, "--seed", 1)
    assert result.exit_code == 0
    files = [folder / f"spectrum-{i:03d}.nii.gz" for i in (1, 2, 3)]
    assert result.stdout.split() == [*map(str, files), str(folder / "truth.csv")]
    truth = pd.read_csv(folder / "truth.csv")
    assert truth["file"].tolist() == [f.name for f in files]
    assert truth["free_mg_mM"].tolist() == [0.3, 0.5, 0.8]
    expected = p31mg.simulate([0.3, 0.5, 0.8], prior="muscle-3t", snr=300, seed=1)
    for file, fid, shift in zip(files, expected.fid, truth["shift_alpha_beta_ppm"], strict=True):
        spectrum = p31mg.read(file)
        np.testing.assert_array_equal(spectrum.fid, fid)
        fit = p31mg.fit(spectrum)
        assert abs(float(fit.shift_alpha_beta_ppm) - shift) < 5 * float(fit.sd_shift_alpha_beta_ppm)


def test_truth_is_not_taken_for_a_spectrum_by_batch(run: Run, tmp_path: Path) -> None:
    run("simulate", tmp_path / "phantom", "--mg", 0.5, "--snr", 300, "--seed", 1)
    assert p31mg.batch(tmp_path / "phantom")["file"].tolist() == ["spectrum-001.nii.gz"]
