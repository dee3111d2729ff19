"""Grids have maps and series have a time course, whoever makes them, and also after a run that was stopped."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

import p31mg
from p31mg.study import work
from p31mg.study.find import find_inputs
from p31mg.study.options import Settings

PICTURES = [f"csi_x{x}_y0_z0" for x in range(3)] + [f"exercise_dyn{i}" for i in range(4)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("places")
    grid = p31mg.simulate([[[0.4]], [[0.5]], [[0.6]]], snr=300, seed=1, n_points=256)
    p31mg.write(p31mg.Spectra(grid.fid, grid.acquisition, ("x", "y", "z")), root / "csi.nii.gz")
    series = p31mg.simulate([0.4, 0.5, 0.6, 0.5], snr=300, seed=2, n_points=256)
    p31mg.write(p31mg.Spectra(series.fid, series.acquisition, ("dyn",)), root / "exercise.nii.gz")
    p31mg.write(p31mg.simulate(0.5, snr=300, seed=3, n_points=256), root / "single.nii.gz")
    return root


def files(output: Path) -> dict[str, bytes]:
    kept = ("figures", "maps", "series")
    found = [f for kind in kept for f in (output / kind).rglob("*") if f.is_file()]
    return {f.relative_to(output).as_posix(): f.read_bytes() for f in found}


@pytest.fixture(scope="module")
def out(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("out")
    p31mg.batch(folder, output, report=False)
    return output


def test_maps_and_series_agree_with_the_rows(out: Path) -> None:
    table = pd.read_csv(out / "results.csv")
    names = files(out).keys()
    pictures = [*PICTURES, "csi_maps", "exercise_series", "single", "calibration", "study"]
    assert {n for n in names if n.startswith("figures/")} == {f"figures/{p}.png" for p in pictures}
    assert {"maps/csi_mg.nii.gz", "maps/csi_sd_mg.nii.gz", "maps/csi_ph.nii.gz"} <= set(names)
    of_grid = table[table["file"] == "csi.nii.gz"]
    mg = np.asarray(nibabel.load(out / "maps" / "csi_mg.nii.gz").dataobj)
    np.testing.assert_allclose(mg.ravel(), of_grid["free_mg_mM"], rtol=1e-6)
    course = pd.read_csv(out / "series" / "exercise.csv")
    np.testing.assert_allclose(
        course["free_mg_mM"], table.loc[table["file"] == "exercise.nii.gz", "free_mg_mM"], rtol=1e-12
    )


def test_what_is_missing_is_made_again_to_the_last_byte(folder: Path, out: Path) -> None:
    before = files(out)
    (out / "series" / "exercise.csv").unlink()
    p31mg.batch(folder, out, report=False)
    assert files(out) == before


def test_without_figures_maps_and_series_remain(folder: Path, out: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    p31mg.batch(folder, copy, report=False, figures=False)
    assert files(copy) == {n: c for n, c in files(out).items() if not n.startswith("figures/")}


def test_large_series_has_no_picture_of_every_spectrum(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_MOST_PICTURES", 3)
    (series,) = (i for i in find_inputs(folder) if i.name == "exercise.nii.gz")
    job = work.Job((work.Task(series, stem="exercise"),), folder, Settings.of({}), frozenset({"figures", "places"}))
    (result,) = work.work(job).results
    assert set(result.files) == {"series/exercise.csv", "figures/exercise_series.png"}


def test_report_shows_the_maps_and_the_course(folder: Path, tmp_path: Path) -> None:
    p31mg.batch(folder, tmp_path)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert text.count("data:image/png;base64,") == 2
    assert '<a href="figures/csi_maps.png"><img ' in text
    assert '<a href="figures/exercise_series.png"><img ' in text
