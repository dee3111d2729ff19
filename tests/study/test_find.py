"""What belongs to a study: BIDS trees are understood, and nothing is taken that is no spectrum."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import p31mg
from p31mg.study.find import entities_of, find_inputs


def names(root: Path) -> list[str]:
    return [i.name for i in find_inputs(root)]


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a BIDS tree of two people and two sessions with much that is no 31P spectrum."""
    root = tmp_path_factory.mktemp("bids")
    (root / "dataset_description.json").write_text(json.dumps({"Name": "raw", "BIDSVersion": "1.10.0"}))
    (root / "participants.tsv").write_text("participant_id\tage\tsex\nsub-01\t34\tF\nsub-02\t71\tM\nsub-09\t50\tF\n")
    for i, (sub, ses) in enumerate([("01", "pre"), ("01", "post"), ("02", "pre"), ("02", "post")]):
        folder = root / f"sub-{sub}" / f"ses-{ses}"
        stem = f"sub-{sub}_ses-{ses}"
        touch(
            root,
            f"sub-{sub}/ses-{ses}/anat/{stem}_T1w.nii.gz",
            f"sub-{sub}/ses-{ses}/mrs/{stem}_nuc-1H_svs.nii.gz",
            f"sub-{sub}/ses-{ses}/mrs/{stem}_mrsref.nii.gz",
            f"sub-{sub}/ses-{ses}/{stem}_scans.tsv",
        )
        for run in (1, 2):
            one = p31mg.simulate(0.4 + 0.05 * i, snr=300, seed=2 * i + run, n_points=256)
            p31mg.write(one, folder / "mrs" / f"{stem}_task-rest_acq-short_run-{run:02d}_nuc-31P_svs.nii.gz")
    touch(root, "derivatives/old/sub-01_svs.nii.gz", "sourcedata/sub-01.dat", "code/table.csv", ".git/a.csv")
    return root


def test_bids_tree(tree: Path) -> None:
    found = names(tree)
    assert len(found) == 8
    assert all("_nuc-31P_svs.nii.gz" in name for name in found)


def test_entities_are_columns_and_participants_are_joined(tree: Path) -> None:
    table = p31mg.batch(tree)
    assert list(table.columns[:6]) == ["file", "subject", "session", "task", "acquisition", "run"]
    assert table["subject"].tolist() == ["sub-01"] * 4 + ["sub-02"] * 4
    assert table["session"].tolist() == ["ses-post", "ses-post", "ses-pre", "ses-pre"] * 2
    assert set(table["task"]) == {"rest"}
    assert set(table["acquisition"]) == {"short"}
    assert table["run"].tolist() == [1, 2] * 4
    assert table["age"].tolist() == [34] * 4 + [71] * 4
    assert table["sex"].tolist() == ["F"] * 4 + ["M"] * 4
    assert (table["status"] == "OK").all()


def test_file_name_goes_before_folders() -> None:
    assert entities_of("sub-02/ses-a/sub-01_ses-b.nii") == {"subject": "sub-01", "session": "ses-b"}
    assert entities_of("pre/fid.txt") == {}
    assert entities_of("sub-01/run-x/fid") == {"subject": "sub-01", "run": "x"}


def test_results_of_ours_are_not_taken_for_spectra(tmp_path: Path) -> None:
    p31mg.write(p31mg.simulate(0.5, snr=300, seed=1, n_points=256), tmp_path / "sub-01.nii.gz")
    p31mg.batch(tmp_path, tmp_path / "first", figures=False, report=False)
    touch(tmp_path, "first/maps/a.nii.gz", "first/table.csv")
    assert names(tmp_path) == ["sub-01.nii.gz"]


def test_subject_table_in_the_folder_is_no_spectrum(tmp_path: Path) -> None:
    p31mg.write(p31mg.simulate(0.5, snr=300, seed=1, n_points=256), tmp_path / "sub-01.nii.gz")
    (tmp_path / "people.csv").write_text("subject,age\n01,34\n", encoding="utf-8")
    table = p31mg.batch(tmp_path, subjects=tmp_path / "people.csv")
    assert table[["file", "age"]].to_numpy().tolist() == [["sub-01.nii.gz", 34]]


def test_what_bears_the_name_of_a_spectrum_belongs_to_it(tmp_path: Path) -> None:
    touch(tmp_path, "a.SDAT", "a.SPAR", "b.nii.gz", "b.json", "b.txt", "c.pdf")
    assert {i.name: i.members for i in find_inputs(tmp_path)} == {
        "a.SDAT": ("a.SDAT", "a.SPAR"),
        "b.nii.gz": ("b.nii.gz", "b.json"),
        "b.txt": ("b.txt", "b.json"),
    }
