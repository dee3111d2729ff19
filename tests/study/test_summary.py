"""What `p31mg batch` says on the terminal, and what it makes of files that are of nobody."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import p31mg
from p31mg.cli.batch_command import _lines, command


def said(*arguments: object) -> str:
    """Return what the command says on stderr, one space for many."""
    result = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
    return "\n".join(" ".join(line.split()) for line in result.stderr.splitlines())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two people, three files that are damaged alike, and a note."""
    root = tmp_path_factory.mktemp("folder")
    for i in range(2):
        p31mg.write(p31mg.simulate(0.5, snr=400, seed=i, n_points=512), root / f"sub-{i}.nii.gz")
    for i in range(3):
        (root / f"damaged-{i}.nii.gz").write_bytes(b"no spectrum")
    (root / "notes.txt").write_text("scanner was serviced in May\n", encoding="utf-8")
    return root


QUIET = ("--no-figures", "--no-report")


def test_reasons_are_told_with_how_many_have_them(folder: Path, tmp_path: Path) -> None:
    text = said(folder, "-o", tmp_path / "out", *QUIET)
    assert "\nNOT_READ 4\n3 x file ... " in text
    assert "other reasons" not in text
    assert "2 of 6 spectra valid" in text


def test_at_most_ten_reasons_of_100_characters() -> None:
    rows = pd.DataFrame({"file": [f"{i}.txt" for i in range(13)], "reason": [f"{'r' * i} " * 50 for i in range(13)]})
    lines = _lines("NOT_READ", rows)
    assert lines[0] == ["NOT_READ", "13", ""]
    assert len(lines) == 12
    assert max(len(line[2].partition(" x ")[2]) for line in lines) == 100
    assert lines[-1][2] == "and 3 other reasons in results.csv"


def test_ph_is_counted_only_where_it_acts(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("file,pH\nsub-0.nii.gz,71\nsub-1.nii.gz,7\n", encoding="utf-8")
    options = ("--subjects", tmp_path / "people.csv", *QUIET)
    without = said(folder, "-o", tmp_path / "without", *options)
    corrected = said(folder, "-o", tmp_path / "corrected", *options, "--correct-kd")
    reason = "ph 71 of the subject table is not used; it must lie between 5 and 9"
    assert "pH or temperature not usable" not in without
    assert f"flagged: pH or temperature not usable 1 {reason}" in corrected
    for text in (without, corrected):
        assert "pH of 2 of 6 files from the subject table" in text
        assert f"note: {reason}" in text


def test_notes_are_told_up_to_three(tmp_path: Path) -> None:
    from p31mg.cli.batch_command import _remarks
    from p31mg.study.run import Study
    from p31mg.study.subjects import Subjects

    study = Study(pd.DataFrame(), tmp_path, 2, 0, tuple("abcde"), Subjects())
    assert _remarks(study) == ["note: a", "note: b", "note: c", "2 more notes in batch.log"]


def test_no_subject_is_invented_for_a_file_that_has_none(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = said(folder, "-o", out, "--bids", *QUIET)
    note = "4 of 6 files have no BIDS subject and are left out of the derivatives: damaged-0.nii.gz, damaged-1.nii.gz"
    assert f"note: {note}" in text
    assert note in (out / "batch.log").read_text("utf-8")
    assert (out / "participants.tsv").read_text("utf-8").split() == ["participant_id", "sub-0", "sub-1"]
    assert sorted(p.name for p in out.glob("sub-*")) == ["sub-0", "sub-1"]
    assert len(pd.read_csv(out / "results.csv")) == 6


def test_subject_of_the_table_is_one_for_bids(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    table = {"file": ["damaged-0.nii.gz"], "subject": ["sub-77"]}
    p31mg.batch(folder, out, subjects=table, bids=True, figures=False, report=False)
    assert sorted(p.name for p in out.glob("sub-*")) == ["sub-0", "sub-1", "sub-77"]


def test_bids_dataset_of_files_that_are_all_of_nobody_has_no_participant(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "x.nii.gz").write_bytes((folder / "sub-0.nii.gz").read_bytes())
    p31mg.batch(tmp_path / "study", tmp_path / "out", bids=True, figures=False, report=False)
    assert (tmp_path / "out" / "participants.tsv").read_text("utf-8") == "participant_id\n"
