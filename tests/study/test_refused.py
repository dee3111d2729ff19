"""Studies that cannot be made are refused before any work, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import p31mg
from p31mg.study import work


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "study"
    root.mkdir()
    p31mg.write(p31mg.simulate(0.5, snr=300, seed=1, n_points=512), root / "a.nii.gz")
    return root


@pytest.fixture
def no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: object, **__: object) -> None:
        pytest.fail("a fit was begun")

    monkeypatch.setattr(work, "fit", fit)


def tree(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "missing", r"folder .*missing does not exist; give the folder that holds the spectra"),
        (lambda p: p / "study" / "a.nii.gz", r"a.nii.gz is not a folder; give the folder that holds the spectra"),
        (lambda p: (p / "empty").mkdir() or p / "empty", r"empty holds no files that look like spectra \(.nii"),
    ],
    ids=["missing", "a file", "empty"],
)
@pytest.mark.usefixtures("folder")
def test_folder_without_spectra(make: Callable[[Path], Path], message: str, tmp_path: Path) -> None:
    study = make(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(p31mg.ReadError, match=message):
        p31mg.batch(study)
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("no_fit")
def test_output_below_a_file(folder: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    with pytest.raises(p31mg.WriteError, match=r"output folder .*results cannot be written: Not a directory"):
        p31mg.batch(folder, folder / "a.nii.gz" / "results")
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("no_fit")
def test_output_that_is_a_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(p31mg.WriteError, match=r"output folder .*file cannot be written"):
        p31mg.batch(folder, tmp_path / "file")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"prior": "muscles"}, r"prior 'muscles' is not known; the nearest are 'muscle'"),
        ({"calibration": "iotti"}, r"calibration 'iotti' is not known; the nearest are 'iotti-1996'"),
        ({"ph": 70.0}, r"ph is 70; a tissue pH is between 5 and 9"),
        ({"temperature_c": 310.0}, r"temperature_c is 310; .* kelvin"),
    ],
)
@pytest.mark.usefixtures("no_fit")
def test_option_without_sense(option: dict[str, Any], message: str, folder: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    with pytest.raises(p31mg.InputError, match=message):
        p31mg.batch(folder, tmp_path / "results", **option)
    assert tree(tmp_path) == before


def test_unknown_engine(folder: Path) -> None:
    with pytest.raises(p31mg.UnknownNameError, match=r"engine 'lm' is not known.* All: batch, lmfit"):
        p31mg.batch(folder, engine="lm")
