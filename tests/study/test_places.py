"""Grids have maps and series have a time course, whoever makes them, and also after a run that was stopped."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

import p31mg
from p31mg.study import work

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


def test_maps_and_series_agree_with_the_rows(folder: Path, tmp_path: Path) -> None:
    table = p31mg.batch(folder, tmp_path / "out", report=False)
    names = files(tmp_path / "out").keys()
    pictures = [*PICTURES, "csi_maps", "exercise_series", "single", "calibration", "study"]
    assert {n for n in names if n.startswith("figures/")} == {f"figures/{p}.png" for p in pictures}
    maps = {n for n in names if n.startswith("maps/")}
    assert len(maps) > 4
    of_grid = table[table["file"] == "csi.nii.gz"]
    (mg_map,) = (n for n in maps if n.endswith("csi_mg.nii.gz"))
    np.testing.assert_allclose(
        np.asarray(nibabel.load(tmp_path / "out" / mg_map).dataobj).ravel(), of_grid["free_mg_mM"], rtol=1e-6
    )
    course = pd.read_csv(tmp_path / "out" / "series" / "exercise.csv")
    of_series = table[table["file"] == "exercise.nii.gz"]
    np.testing.assert_allclose(course["free_mg_mM"], of_series["free_mg_mM"], rtol=1e-12)


def test_what_is_missing_is_made_again_to_the_last_byte(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    p31mg.batch(folder, out, report=False)
    before = files(out)
    (out / "series" / "exercise.csv").unlink()
    p31mg.batch(folder, out, report=False)
    assert files(out) == before


def test_without_figures_maps_and_series_remain(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    p31mg.batch(folder, out, report=False)
    with_figures = files(out)
    p31mg.batch(folder, out, report=False, figures=False)
    assert files(out) == {n: c for n, c in with_figures.items() if not n.startswith("figures/")}


def test_large_grid_has_no_picture_of_every_voxel(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_MOST_PICTURES", 3)
    p31mg.batch(folder, tmp_path / "out", report=False)
    names = files(tmp_path / "out")
    assert "figures/csi_x0_y0_z0.png" in names
    assert "figures/exercise_dyn0.png" not in names
    assert "figures/exercise_series.png" in names
