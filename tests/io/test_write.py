"""A file is written whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

import p31mg

SPECTRUM = p31mg.simulate(0.5, prior="muscle-3t", snr=100, seed=1)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["a.txt", "a", "a.nii.bz2", "a.json", "nii.gz"])
def test_other_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(p31mg.InputError, match=r"the name must end in .nii or .nii.gz") as caught:
        p31mg.write(SPECTRUM, tmp_path / name)
    assert name in str(caught.value)
    assert not tree(tmp_path)


def test_written_path_is_returned(tmp_path: Path) -> None:
    assert p31mg.write(SPECTRUM, str(tmp_path / "a.nii.gz")) == tmp_path / "a.nii.gz"
    assert list(tree(tmp_path)) == ["a.nii.gz"]


def test_existing_file_is_replaced(tmp_path: Path) -> None:
    file = p31mg.write(SPECTRUM, tmp_path / "a.nii.gz")
    other = p31mg.simulate(0.7, prior="muscle-3t", snr=100, seed=2)
    p31mg.write(other, file)
    np.testing.assert_array_equal(p31mg.read(file).fid, other.fid)


def test_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(p31mg.WriteError, match=r"a.nii.gz cannot be written: Not a directory"):
        p31mg.write(SPECTRUM, tmp_path / "file" / "a.nii.gz")
    assert tree(tmp_path) == {"file": b"mine"}


def test_missing_folder_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(p31mg.WriteError, match=r"a.nii.gz cannot be written: No such file or directory"):
        p31mg.write(SPECTRUM, tmp_path / "missing" / "a.nii.gz")
    assert not list(tmp_path.iterdir())


def test_folder_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.nii").mkdir()
    with pytest.raises(p31mg.WriteError, match=r"a.nii cannot be written: Is a directory"):
        p31mg.write(SPECTRUM, tmp_path / "a.nii")
    assert [p.name for p in tmp_path.rglob("*")] == ["a.nii"]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk be full after a few bytes of the image."""

    def save(self: Any, name: str, **kwargs: Any) -> None:
        Path(name).write_bytes(b"a few bytes")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(nibabel.Nifti2Image, "to_filename", save)


@pytest.mark.usefixtures("full_disk")
def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(p31mg.WriteError, match=r"a.nii.gz cannot be written: No space left on device"):
        p31mg.write(SPECTRUM, tmp_path / "a.nii.gz")
    assert not list(tmp_path.iterdir())


def test_full_disk_leaves_the_earlier_file(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    file = p31mg.write(SPECTRUM, tmp_path / "a.nii.gz")
    before = tree(tmp_path)
    request.getfixturevalue("full_disk")
    with pytest.raises(p31mg.WriteError, match="No space left on device"):
        p31mg.write(SPECTRUM, file)
    assert tree(tmp_path) == before


def test_more_axes_than_the_format_has_are_refused(tmp_path: Path) -> None:
    spectra = p31mg.Spectra(np.ones((2, 2, 2, 2, 64), complex), SPECTRUM.acquisition)
    with pytest.raises(p31mg.InputError, match=r"4 batch axes besides x, y, z; NIfTI-MRS holds 3"):
        p31mg.write(spectra, tmp_path / "a.nii")
    assert not list(tmp_path.iterdir())
