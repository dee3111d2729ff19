"""No command replaces a file of the user's unasked, and what is written is whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

import p31mg
from p31mg import atomic
from p31mg.cli import main

Run = Callable[..., Result]

WRITES = {
    "fit": ("fit", "sub-01_unloc.nii.gz", "-o", "out.csv"),
    "fit figure": ("fit", "sub-01_unloc.nii.gz", "--figure", "out.svg"),
    "mg": ("mg", 8.55, "-o", "out.json"),
    "info": ("info", "sub-01_unloc.nii.gz", "-o", "out.csv"),
    "calibrations": ("calibrations", "-o", "out.csv"),
    "prior show": ("prior", "show", "heart", "-o", "out.json"),
    "prior import": ("prior", "import", "peaks.csv", "--spectrometer-frequency", 120, "-o", "out.toml"),
    "calibrate": ("calibrate", "titration.csv", "-o", "out.toml"),
    "calibrate figure": ("calibrate", "titration.csv", "-o", "new.toml", "--figure", "out.png"),
    "cohort": ("cohort", "people/results.csv", "people/participants.tsv", "-o", "out.csv"),
    "cohort figure": ("cohort", "people/results.csv", "people/participants.tsv", "--figure", "out.png"),
    "power": ("power", "--effect", 0.2, "--n", 100, "-o", "out.csv"),
    "power figure": ("power", "--effect", 0.2, "--snr", 100, "--snr", 200, "--figure", "out.png"),
    "convert": ("convert", "sub-01_unloc.nii.gz", "out.npz"),
}


@pytest.mark.parametrize("arguments", WRITES.values(), ids=WRITES.keys())
def test_existing_file_is_replaced_only_with_force(
    arguments: tuple[object, ...], run: Run, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for entry in shelf.iterdir():
        Path(entry.name).symlink_to(entry)
    name = next(str(a) for a in arguments if str(a).startswith("out."))
    there = Path(name)
    there.write_text("of the user's", encoding="utf-8")
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert refused.stderr == f"p31mg: {name} exists and is not replaced; choose another name or give --force.\n"
    assert there.read_text(encoding="utf-8") == "of the user's"
    assert run(*arguments, "--force").exit_code == 0
    assert there.read_bytes() != b"of the user's"


@pytest.mark.parametrize("command", main.list_commands(click.Context(main)))
def test_every_command_that_writes_knows_force(command: str) -> None:
    options = {word for p in main.get_command(click.Context(main), command).params for word in p.opts}
    writes = options & {"--output", "--figure"} or {"target", "output"} & options
    assert not writes or "--force" in options


@pytest.mark.parametrize("figure", ["out.gif", "nowhere/out.png"])
def test_figure_that_cannot_be_written_is_refused_before_any_work(figure: str, run: Run) -> None:
    refused = run("power", "--effect", 0.2, "--snr", 100, "--snr", 200, "--figure", figure)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"p31mg: figure {'is ' if 'gif' in figure else ''}{figure}")


@pytest.mark.parametrize("kind", ["calibration", "prior"])
def test_file_of_the_user_survives_a_disk_that_is_full(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "own.toml"
    write, what = {
        "calibration": (p31mg.write_calibration, p31mg.calibrations()["gupta-1978"]),
        "prior": (p31mg.write_prior, p31mg.load_prior("heart")),
    }[kind]
    write(what, there)
    before = there.read_bytes()

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(atomic, "_flush", full)
    with pytest.raises(p31mg.WriteError, match=r"own\.toml cannot be written: No space left on device"):
        write(what, there)
    assert there.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["own.toml"]


def test_drives_that_cannot_wait_for_names_are_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flush = atomic._flush

    def of_files_only(path: Path) -> None:
        if path.is_dir():
            raise OSError(22, "Invalid argument", str(path))
        flush(path)

    monkeypatch.setattr(atomic, "_flush", of_files_only)
    assert atomic.write_text(tmp_path / "out.csv", "whole").read_text(encoding="utf-8") == "whole"


@pytest.mark.skipif(os.name == "nt", reason="there is no umask")
def test_files_are_readable_as_the_umask_says_which_stays(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        written = atomic.write_text(tmp_path / "out.csv", "whole")
        assert written.stat().st_mode & 0o777 == 0o640
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
