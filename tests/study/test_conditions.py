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
PEOPLE = {"file": list(BY_FILE), "ph": list(BY_FILE.values())}


def test_ph_by_file_reaches_every_row(folder: Path) -> None:
    table = p31mg.batch(folder, subjects=PEOPLE, sd_ph=0.03, correct_kd=True, level=0.9)
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


@pytest.mark.parametrize("correct_kd", [True, False])
@pytest.mark.parametrize("files", [["sub-1.nii.gz"], ["sub-0.nii.gz", "sub-1.nii.gz"]], ids=len)
def test_ph_of_one_file_that_makes_no_sense_flags_its_rows(files: list[str], correct_kd: bool, folder: Path) -> None:
    values = [70.0 if name == "sub-1.nii.gz" else 7.05 for name in files]
    table = p31mg.batch(folder, subjects={"file": files, "ph": values}, correct_kd=correct_kd).set_index("file")
    assert not table.loc["sub-1.nii.gz", "inputs_ok"]
    assert np.isnan(table.loc["sub-1.nii.gz", "ph"])
    assert np.isnan(table.loc["sub-1.nii.gz", "free_mg_mM"]) == correct_kd
    said = "ph 70 of the subject table is not used; it must lie between 5 and 9"
    assert table.loc["sub-1.nii.gz", "reason"] == (said if correct_kd else "")
    others = table.drop(index="sub-1.nii.gz")
    assert (others["reason"] == "").all()
    assert others["inputs_ok"].all()
    assert (others["free_mg_mM"] > 0).all()


def test_file_without_a_ph_has_that_of_pi(folder: Path) -> None:
    table = p31mg.batch(folder, subjects={"file": list(BY_FILE), "ph": [7.05, None, 6.9]}).set_index("file")
    assert table.loc["sub-1.nii.gz", "ph_source"] == "taylor-1983"
    assert set(table.drop(index="sub-1.nii.gz")["ph_source"]) == {"given"}


def test_without_a_ph_that_of_pi_acts(folder: Path) -> None:
    table = p31mg.batch(folder, correct_kd=True).set_index("file")
    assert (table["ph_source"] == "taylor-1983").all()
    assert table.loc["sub-1.nii.gz", "kd_ratio"] > table.loc["sub-0.nii.gz", "kd_ratio"] + 0.1
    assert table["kd_corrected"].all()


def test_figures_of_a_corrected_study(folder: Path, tmp_path: Path) -> None:
    p31mg.batch(folder, tmp_path / "out", correct_kd=True, subjects=PEOPLE)
    assert (tmp_path / "out" / "figures" / "calibration.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ph": {"sub-0.nii.gz": 7.0}}, r"ph is \{'sub-0"),
        ({"ph": [7.0, 7.1]}, r"ph has shape \(2,\); .* Values by file or subject stand in a table"),
        ({"correct_kd": True, "calibration": "iotti-1996"}, r"calibration 'iotti-1996' has no Kd"),
        ({"ionic_strength_M": 0.2}, r"ionic_strength_M is given, which only acts with correct_kd=True"),
        ({"level": 95}, r"level is 95; it must lie between 0 and 1"),
    ],
)
def test_refused_before_any_work(options: dict[str, object], message: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(p31mg.InputError, match=message):
        p31mg.batch(folder, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
