"""A study whose magnesium is corrected for conditions, with a pH for each file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import p31mg


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("study")
    for i, ph in enumerate((7.05, 6.6)):
        spectrum = p31mg.simulate(0.5, snr=400, seed=i, n_points=512, ph=ph)
        p31mg.write(spectrum, root / f"sub-{i}.nii.gz")
    series = p31mg.simulate([0.5, 0.6], snr=400, seed=3, n_points=512)
    p31mg.write(series, root / "series.nii.gz")
    return root


BY_FILE = {"sub-0.nii.gz": 7.05, "sub-1.nii.gz": 6.6, "series.nii.gz": 6.9}


def test_ph_by_file_reaches_every_row(folder: Path) -> None:
    table = p31mg.batch(folder, ph=BY_FILE, sd_ph=0.03, correct_kd=True, level=0.9)
    assert table["ph"].tolist() == [BY_FILE[name] for name in table["file"]]
    assert (table["ph_source"] == "given").all()
    assert (table["sd_ph"] == 0.03).all()
    assert (table["interval_level"] == 0.9).all()
    for _, row in table.iterrows():
        alone = p31mg.free_magnesium(
            row["shift_alpha_beta_ppm"],
            sd_ppm=row["sd_shift_alpha_beta_ppm"],
            ph=row["ph"],
            sd_ph=0.03,
            correct_kd=True,
            level=0.9,
        )
        assert row["free_mg_mM"] == pytest.approx(float(alone.free_mg_mM), rel=1e-12)
        np.testing.assert_allclose([row["interval_low_mM"], row["interval_high_mM"]], alone.interval_mM, rtol=1e-7)
        assert row["error_includes"] == "shift, pH"


@pytest.mark.parametrize("ph", [70.0, np.nan])
def test_ph_of_one_file_that_makes_no_sense_flags_its_rows(folder: Path, ph: float) -> None:
    table = p31mg.batch(folder, ph={**BY_FILE, "sub-1.nii.gz": ph}, correct_kd=True).set_index("file")
    assert table.loc["sub-1.nii.gz", "inputs_ok"] == False  # noqa: E712
    assert np.isnan(table.loc["sub-1.nii.gz", "free_mg_mM"])
    others = table.drop(index="sub-1.nii.gz")
    assert others["inputs_ok"].all()
    assert (others["free_mg_mM"] > 0).all()


def test_without_a_ph_that_of_pi_acts(folder: Path) -> None:
    table = p31mg.batch(folder, correct_kd=True).set_index("file")
    assert (table["ph_source"] == "taylor-1983").all()
    assert table.loc["sub-1.nii.gz", "kd_ratio"] > table.loc["sub-0.nii.gz", "kd_ratio"] + 0.1
    assert table["kd_corrected"].all()


def test_figures_of_a_corrected_study(folder: Path, tmp_path: Path) -> None:
    p31mg.batch(folder, tmp_path / "out", correct_kd=True, ph=BY_FILE)
    assert (tmp_path / "out" / "figures" / "calibration.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ph": {"sub-0.nii.gz": 7.0}}, r"ph has no value for series\.nii\.gz; give one value for each file"),
        ({"ph": {**BY_FILE, "sub-9.nii.gz": 7.0}}, r"ph names sub-9\.nii\.gz, which is not a file of the study"),
        ({"correct_kd": True, "calibration": "iotti-1996"}, r"calibration 'iotti-1996' has no Kd"),
        ({"ionic_strength_M": 0.2}, r"ionic_strength_M is given, which only acts with correct_kd=True"),
        ({"level": 95}, r"level is 95; it must lie between 0 and 1"),
    ],
)
def test_refused_before_any_work(options: dict[str, object], message: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(p31mg.InputError, match=message):
        p31mg.batch(folder, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
