"""Correct tests that fail today, each with the number of the bug in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Extension

import p31mg


def person(seed: int = 1) -> p31mg.Spectra:
    return p31mg.simulate(0.5, snr=300, seed=seed, n_points=512)


def test_grid_beside_a_single_spectrum_has_its_figures(tmp_path: Path) -> None:
    """B01: TypeError: boolean value of NA is ambiguous."""
    study = tmp_path / "study"
    study.mkdir()
    grid = p31mg.simulate([[[0.4]], [[0.6]]], snr=300, seed=1, n_points=512)
    p31mg.write(p31mg.Spectra(grid.fid, grid.acquisition, ("x", "y", "z")), study / "csi.nii.gz")
    p31mg.write(person(), study / "sub-01.nii.gz")
    p31mg.batch(study, tmp_path / "results")
    figures = {p.name for p in (tmp_path / "results" / "figures").iterdir()}
    assert figures == {
        p + ".png" for p in ("csi_x0_y0_z0", "csi_x1_y0_z0", "csi_maps", "sub-01", "calibration", "study")
    }


@pytest.mark.parametrize("tags", [("DIM_DYN", "DIM_DYN"), ("DIM_FILE", "DIM_STATUS"), ("DIM_SNR", "DIM_COIL")])
def test_dimension_tags_stop_no_study(tags: tuple[str, str], tmp_path: Path) -> None:
    """B02: ValueError: cannot insert dyn, already exists."""
    series = p31mg.simulate([[0.4, 0.5], [0.6, 0.5]], snr=300, seed=1, n_points=512)
    data = np.moveaxis(series.fid.conj().reshape(1, 1, 1, 2, 2, -1), -1, 3)
    image = nibabel.Nifti2Image(data, np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = series.acquisition.dwell_time_s
    metadata = {"SpectrometerFrequency": [51.705], "ResonantNucleus": ["31P"], "EchoTime": 5e-4}
    metadata |= {"dim_5": tags[0], "dim_6": tags[1]}
    image.header.extensions.append(Nifti1Extension(44, json.dumps(metadata).encode()))
    image.to_filename(tmp_path / "series.nii.gz")
    p31mg.write(person(), tmp_path / "sub-01.nii.gz")
    table = p31mg.batch(tmp_path)
    assert table.loc[table["file"] == "sub-01.nii.gz", "status"].tolist() == ["OK"]


def test_damaged_header_stops_no_study(tmp_path: Path) -> None:
    """B03: KeyError from the units of one file, and no table at all."""
    p31mg.write(person(), tmp_path / "a.nii.gz")
    damaged = p31mg.write(person(), tmp_path / "b.nii")
    content = bytearray(damaged.read_bytes())
    content[500] = 7
    damaged.write_bytes(content)
    assert p31mg.batch(tmp_path)["status"].tolist() == ["OK", "NOT_READ"]


def test_files_of_like_names_have_a_figure_each(tmp_path: Path) -> None:
    """B01b: one figure overwrites another."""
    study = tmp_path / "study"
    (study / "a").mkdir(parents=True)
    for i, name in enumerate(["a/sub-01.nii.gz", "a_sub-01.nii.gz", "sub-02.nii", "sub-02.nii.gz"]):
        p31mg.write(person(i), study / name)
    p31mg.batch(study, tmp_path / "results")
    figures = {p.name for p in (tmp_path / "results" / "figures").iterdir()} - {"calibration.png", "study.png"}
    assert len(figures) == 4


def test_calibration_of_the_user_has_figures(tmp_path: Path) -> None:
    """B02b: UnknownNameError after all fits."""
    (tmp_path / "study").mkdir()
    p31mg.write(person(), tmp_path / "study" / "a.nii.gz")
    own = p31mg.TwoSiteCalibration(id="own-phantom", atp_ppm=10.85, mgatp_ppm=8.30, kd_uM=45.0)
    p31mg.batch(tmp_path / "study", tmp_path / "results", calibration=own)
    assert (tmp_path / "results" / "figures" / "calibration.png").is_file()


@pytest.mark.parametrize(
    "option",
    [{"ph": np.float32(7.0)}, {"temperature_c": np.int64(37)}, {"begin_time_s": np.float32(5e-4)}],
    ids=lambda option: next(iter(option)),
)
def test_numbers_of_numpy_are_numbers(option: dict[str, Any], tmp_path: Path) -> None:
    """B08b: TypeError from json after all fits."""
    (tmp_path / "study").mkdir()
    p31mg.write(person(), tmp_path / "study" / "a.nii.gz")
    p31mg.batch(tmp_path / "study", tmp_path / "results", figures=False, report=False, override=True, **option)
    assert (tmp_path / "results" / "results.json").is_file()


@pytest.mark.parametrize("option", [{"ph": [7.0, 7.1]}, {"temperature_c": [36.0, 37.0]}], ids=["ph", "temperature_c"])
def test_one_ph_for_all(option: dict[str, Any], tmp_path: Path) -> None:
    """B13: ValueError of NumPy."""
    p31mg.write(person(), tmp_path / "a.nii.gz")
    with pytest.raises(p31mg.InputError, match=next(iter(option))):
        p31mg.batch(tmp_path, **option)


def test_unknown_engine_is_refused_before_the_work(tmp_path: Path) -> None:
    """B06b: the output folder is made, and where no file can be read the engine is never looked at."""
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "a.txt").write_text("no\n", encoding="utf-8")
    with pytest.raises(p31mg.UnknownNameError, match=r"engine 'lm' is not known"):
        p31mg.batch(tmp_path / "study", tmp_path / "results", engine="lm")
    assert not (tmp_path / "results").exists()


def test_table_has_its_columns_where_nothing_can_be_read(tmp_path: Path) -> None:
    """B23: five columns; a script that reads free_mg_mM stops with KeyError."""
    (tmp_path / "a.txt").write_text("no\n", encoding="utf-8")
    bad = p31mg.batch(tmp_path)
    p31mg.write(person(), tmp_path / "b.nii.gz")
    assert list(bad.columns) == list(p31mg.batch(tmp_path).columns)
    p31mg.plot.study(bad)


def test_earlier_figures_do_not_stay(tmp_path: Path) -> None:
    """B24: figures of files that are no longer in the study."""
    (tmp_path / "study").mkdir()
    file = p31mg.write(person(), tmp_path / "study" / "a.nii.gz")
    p31mg.batch(tmp_path / "study", tmp_path / "results")
    file.rename(file.with_name("b.nii.gz"))
    p31mg.batch(tmp_path / "study", tmp_path / "results")
    assert not (tmp_path / "results" / "figures" / "a.png").exists()
