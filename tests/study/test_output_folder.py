"""What a study may not do to the folder that its results go to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import p31mg


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study").mkdir()
    p31mg.write(p31mg.simulate(0.5, snr=300, seed=1, n_points=512), tmp_path / "study" / "sub-01.nii.gz")
    return tmp_path / "study"


def test_folder_of_the_spectra_is_refused(folder: Path) -> None:
    with pytest.raises(p31mg.WriteError, match="is the folder of the spectra; choose another"):
        p31mg.batch(folder, folder)
    assert [f.name for f in folder.iterdir()] == ["sub-01.nii.gz"]


def test_results_of_somebody_else_are_left_alone(folder: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "out" / "results.csv"
    theirs.parent.mkdir()
    theirs.write_text("years of work", encoding="utf-8")
    with pytest.raises(p31mg.WriteError, match=r"holds a results\.csv that p31mg did not write"):
        p31mg.batch(folder, tmp_path / "out", overwrite=True)
    assert theirs.read_text(encoding="utf-8") == "years of work"


def test_figures_of_an_earlier_run_go_and_those_of_the_user_stay(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    p31mg.batch(folder, out)
    (out / "figures" / "mine.png").write_bytes(b"mine")
    (folder / "sub-01.nii.gz").rename(folder / "sub-02.nii.gz")
    p31mg.batch(folder, out)
    names = {f.name for f in (out / "figures").iterdir()}
    assert names == {"mine.png", "sub-02.png", "calibration.png", "study.png"}


@pytest.mark.parametrize("named", [["../precious.png"], ["/precious.png"], "precious.png", [".."]])
def test_record_of_an_earlier_run_cannot_remove_files_elsewhere(named: object, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    p31mg.batch(folder, out, figures=False, report=False)
    (out / "figures").mkdir()
    precious = tmp_path / "precious.png"
    precious.write_bytes(b"mine")
    if named == ["/precious.png"]:
        named = [str(precious)]
    record = json.loads((out / "results.json").read_text(encoding="utf-8"))
    (out / "results.json").write_text(json.dumps({**record, "files": named}), encoding="utf-8")
    p31mg.batch(folder, out, figures=False, report=False)
    assert precious.read_bytes() == b"mine"
