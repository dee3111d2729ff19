"""A study that is stopped at any moment goes on from there, and ends as if it had not been."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import p31mg
from p31mg.atomic import TEMPORARY_PREFIX
from p31mg.study import work
from p31mg.study.run import run_study

pytestmark = pytest.mark.usefixtures("small_portions")


def leftovers(output: Path) -> list[Path]:
    return list(output.rglob(f"{TEMPORARY_PREFIX}*"))


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of files that are worked on, as that happens."""
    names: list[str] = []
    true_read = work._read

    def read(task: work.Task, job: work.Job) -> object:
        names.append(task.an_input.name)
        return true_read(task, job)

    monkeypatch.setattr(work, "_read", read)
    return names


@pytest.fixture
def expected(people: Path, tmp_path: Path) -> bytes:
    """Return the results.csv of a run that nobody stopped."""
    p31mg.batch(people, tmp_path / "whole", figures=False, report=False)
    return (tmp_path / "whole" / "results.csv").read_bytes()


def test_killed_at_twenty_random_moments(
    people: Path, tmp_path: Path, expected: bytes, forked: Callable[..., Any]
) -> None:
    rng = np.random.default_rng(7)
    out = tmp_path / "out"
    start = time.monotonic()
    assert forked(p31mg.batch, people, tmp_path / "timed", figures=False, report=False).wait() == 0
    duration = time.monotonic() - start
    n_parts_at_a_kill: list[int] = []
    for _ in range(200):  # a machine may be busy with other things: that kills fall between parts is waited for
        if len(n_parts_at_a_kill) >= 20 and len(set(n_parts_at_a_kill)) > 3:
            break
        run = forked(p31mg.batch, people, out, figures=False, report=False)
        time.sleep(rng.uniform(0.0, 0.7 * duration))
        run.kill()
        if run.wait() == -signal.SIGKILL:
            n_parts_at_a_kill.append(len(list(out.glob(".p31mg/parts/[!.]*.json"))))
        if (out / "results.csv").exists():  # whatever the moment: it is whole
            assert (out / "results.csv").read_bytes() == expected
            shutil.rmtree(out)
    else:
        pytest.fail(f"kills came only at {n_parts_at_a_kill} parts")
    p31mg.batch(people, out, figures=False, report=False)
    assert (out / "results.csv").read_bytes() == expected
    assert leftovers(out) == []


def test_nothing_finished_is_done_again(
    people: Path, tmp_path: Path, forked: Callable[..., Any], until: Callable[..., None], fitted: list[str]
) -> None:
    out = tmp_path / "out"
    run = forked(p31mg.batch, people, out, figures=False, report=False)
    until(lambda: len(list(out.glob(".p31mg/parts/[!.]*.json"))) >= 3)
    run.kill()
    assert run.wait() == -signal.SIGKILL
    n_parts = len(list(out.glob(".p31mg/parts/[!.]*.json")))
    study = run_study(people, out, figures=False, report=False)
    assert study.n_resumed == 2 * n_parts
    assert len(fitted) == len(set(fitted)) == study.n_files - study.n_resumed
    fitted.clear()
    again = run_study(people, out, figures=False, report=False)
    assert (again.n_resumed, fitted) == (study.n_files, [])


def test_stopped_by_control_c(people: Path, tmp_path: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if what == "fit" and done > 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        p31mg.batch(people, tmp_path / "out", figures=False, report=False, progress=stop)
    assert not (tmp_path / "out" / "results.csv").exists()
    assert "10 of 24 files finished" in (tmp_path / "out" / "batch.log").read_text(encoding="utf-8")
    p31mg.batch(people, tmp_path / "out", figures=False, report=False)
    assert (tmp_path / "out" / "results.csv").read_bytes() == expected


def test_figures_go_on_as_well(
    people: Path, tmp_path: Path, forked: Callable[..., Any], until: Callable[..., None], fitted: list[str]
) -> None:
    study, out = tmp_path / "study", tmp_path / "out"
    study.mkdir()
    for name in ("sub-01.nii.gz", "sub-02.nii.gz"):
        shutil.copy(people / name, study)
    run = forked(p31mg.batch, study, out)
    until(lambda: (out / "figures" / "sub-01.png").exists())
    run.kill()
    run.wait()
    p31mg.batch(study, out)
    assert {f.name for f in (out / "figures").iterdir()} == {"sub-01.png", "sub-02.png", "calibration.png", "study.png"}
    first = {f: f.stat().st_mtime_ns for f in (out / "figures").glob("sub-*")}
    fitted.clear()
    p31mg.batch(study, out)
    assert fitted == []
    assert {f: f.stat().st_mtime_ns for f in (out / "figures").glob("sub-*")} == first
    p31mg.batch(study, out, figures=False)
    assert not list((out / "figures").iterdir())
    p31mg.batch(study, out)
    assert sorted(fitted) == ["sub-01.nii.gz", "sub-02.nii.gz"]


def test_changed_new_and_removed_files_are_noticed(people: Path, tmp_path: Path, fitted: list[str]) -> None:
    study, out = tmp_path / "study", tmp_path / "out"
    shutil.copytree(people, study)
    p31mg.batch(study, out, figures=False, report=False)
    before = (out / "results.csv").read_text(encoding="utf-8").splitlines()
    fitted.clear()

    same_size_and_time = (study / "sub-01.nii.gz").stat()
    shutil.copy(people / "sub-02.nii.gz", study / "sub-01.nii.gz")
    os.utime(study / "sub-01.nii.gz", ns=(same_size_and_time.st_atime_ns, same_size_and_time.st_mtime_ns))
    (study / "sub-03.nii.gz").touch()  # looks changed and is not
    shutil.copy(people / "sub-04.nii.gz", study / "sub-04a.nii.gz")
    (study / "sub-05.nii.gz").unlink()
    p31mg.batch(study, out, figures=False, report=False)
    assert sorted(fitted) == ["sub-01.nii.gz", "sub-04a.nii.gz"]
    fresh = tmp_path / "fresh"
    p31mg.batch(study, fresh, figures=False, report=False)
    after = (out / "results.csv").read_bytes()
    assert after == (fresh / "results.csv").read_bytes()
    assert len(set(before) & set(after.decode().splitlines())) == len(before) - 2


def test_file_beside_a_spectrum_belongs_to_it(people: Path, tmp_path: Path, fitted: list[str]) -> None:
    study = tmp_path / "study"
    study.mkdir()
    shutil.copy(people / "sub-01.nii.gz", study)
    p31mg.batch(study, tmp_path / "out", figures=False, report=False)
    fitted.clear()
    (study / "sub-01.json").write_text('{"Manufacturer": "none"}', encoding="utf-8")
    p31mg.batch(study, tmp_path / "out", figures=False, report=False)
    assert fitted == ["sub-01.nii.gz"]


def test_value_in_the_subject_table_redoes_its_file_alone(people: Path, tmp_path: Path, fitted: list[str]) -> None:
    table = {"subject": ["01", "02"], "ph": [7.0, 7.1], "age": [30, 40]}
    p31mg.batch(people, tmp_path / "out", figures=False, report=False, subjects=table)
    fitted.clear()
    rows = p31mg.batch(
        people, tmp_path / "out", figures=False, report=False, subjects={**table, "ph": [7.0, 6.9], "age": [31, 41]}
    )
    assert fitted == ["sub-02.nii.gz"]
    assert rows.set_index("file").loc["sub-02.nii.gz", ["ph", "age"]].tolist() == [6.9, 41]


def test_disk_that_is_taken_away_ends_the_run(people: Path, tmp_path: Path, expected: bytes) -> None:
    study, out = tmp_path / "people", tmp_path / "out"
    shutil.copytree(people, study)

    def take_away(what: str, done: int, total: int) -> None:
        if what == "fit" and done == 6:
            study.rename(tmp_path / "elsewhere")

    with pytest.raises(p31mg.ReadError, match=r"folder .*/people of the spectra is not there \(any more\)"):
        p31mg.batch(study, out, figures=False, report=False, progress=take_away)
    (tmp_path / "elsewhere").rename(study)
    p31mg.batch(study, out, figures=False, report=False)
    assert (out / "results.csv").read_bytes() == expected


def test_changed_options_are_refused_until_forced(
    people: Path, tmp_path: Path, forked: Callable[..., Any], until: Callable[..., None]
) -> None:
    out = tmp_path / "out"
    run = forked(p31mg.batch, people, out, figures=False, report=False)
    until(lambda: len(list(out.glob(".p31mg/parts/[!.]*.json"))) >= 1)
    run.kill()
    run.wait()
    with pytest.raises(p31mg.WriteError, match=r"made with other options \(temperature_c 37.0 then, 36.0 now\)"):
        p31mg.batch(people, out, figures=False, report=False, temperature_c=36.0)
    table = p31mg.batch(people, out, figures=False, report=False, temperature_c=36.0, overwrite=True)
    assert set(table["temperature_c"].dropna()) == {36.0}


def test_another_folder_version_or_prior_of_the_same_name_is_refused(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from p31mg.study import folder, options

    study = tmp_path / "study"
    study.mkdir()
    shutil.copy(people / "sub-01.nii.gz", study)
    out = tmp_path / "out"
    p31mg.batch(study, out, figures=False, report=False)
    with pytest.raises(p31mg.WriteError, match=r"folder of the spectra .*/study then, .*/people\d* now"):
        p31mg.batch(people, out, figures=False, report=False)
    prior = p31mg.load_prior("muscle-3t")
    wider = p31mg.Prior(**{**vars(prior), "description": "another"})
    with pytest.raises(p31mg.WriteError, match="a prior or calibration of the same name that has changed"):
        p31mg.batch(study, out, figures=False, report=False, prior=wider)
    for module in (folder, options):
        monkeypatch.setattr(module, "__version__", "99.0")
    with pytest.raises(p31mg.WriteError, match=r"version of p31mg .* then, 99\.0 now"):
        p31mg.batch(study, out, figures=False, report=False)


def test_damaged_part_is_done_again(people: Path, tmp_path: Path, expected: bytes, fitted: list[str]) -> None:
    out = tmp_path / "out"
    p31mg.batch(people, out, figures=False, report=False)
    first, second, *_ = sorted(out.glob(".p31mg/parts/[!.]*.json"))
    first.write_bytes(first.read_bytes()[:1000])
    second.write_text('{"files": 1}', encoding="utf-8")
    fitted.clear()
    p31mg.batch(people, out, figures=False, report=False)
    assert len(fitted) == 4
    assert (out / "results.csv").read_bytes() == expected


def test_second_run_in_the_same_folder_is_refused(
    people: Path, tmp_path: Path, forked: Callable[..., Any], until: Callable[..., None]
) -> None:
    out = tmp_path / "out"
    run = forked(p31mg.batch, people, out, figures=False, report=False, progress=lambda *_: time.sleep(0.5))
    try:
        until(lambda: (out / ".p31mg" / "parts").is_dir())
        with pytest.raises(p31mg.WriteError, match=r"out is being written by another run of p31mg batch; wait for it"):
            p31mg.batch(people, out, figures=False, report=False)
    finally:
        run.kill()
        run.wait()
    p31mg.batch(people, out, figures=False, report=False)  # the lock went with the process


def test_full_disk_is_one_sentence_and_loses_nothing(
    people: Path,
    tmp_path: Path,
    expected: bytes,
    capfd: pytest.CaptureFixture[str],
    forked: Callable[..., Any],
    fitted: list[str],
) -> None:
    """The system itself refuses to write more: a limit on the size of files."""
    out = tmp_path / "out"
    run_study(people, out, figures=False, report=False)
    parts = sorted(out.glob(".p31mg/parts/[!.]*.json"), key=lambda p: p.stat().st_size)
    largest = parts[-1].stat().st_size
    for part in parts[3:]:
        part.unlink()

    def run_short_of_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, largest - 1))
        try:
            p31mg.batch(people, out, figures=False, report=False)
        except p31mg.WriteError as error:
            os.write(2, str(error).encode())

    before = (out / "results.csv").read_bytes()
    assert forked(run_short_of_room).wait() == 0
    said = capfd.readouterr().err
    assert "cannot be written: File too large. What was finished is whole; make room, and the same goes on" in said
    assert (out / "results.csv").read_bytes() == before
    assert leftovers(out) == []
    fitted.clear()
    p31mg.batch(people, out, figures=False, report=False)
    assert (out / "results.csv").read_bytes() == expected
    assert 0 < len(fitted) <= 24 - 6  # the three parts that were left counted


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill", "control-c"])
def test_command_with_processes_is_stopped(
    how: signal.Signals, people: Path, tmp_path: Path, expected: bytes, until: Callable[..., None]
) -> None:
    """Its workers end too, the terminal stays calm, and the next run takes over."""
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-c",
        _SMALL,
        "batch",
        str(people),
        "-o",
        str(out),
        "--no-figures",
        "--no-report",
        "--workers",
        "2",
    ]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=_mind_control_c)
    try:
        until(lambda: len(list(out.glob(".p31mg/parts/[!.]*.json"))) >= 2, 60)
        (os.killpg if how == signal.SIGINT else os.kill)(run.pid, how)
        said = run.communicate()[1].decode()
        until(lambda: not _alive(run.pid))
    finally:
        run.kill()
    if how == signal.SIGINT:
        assert run.returncode == 130
        assert [line for line in said.splitlines() if line] == [
            "p31mg: stopped.",
            "p31mg: the same command goes on where this one was stopped.",
        ]
    p31mg.batch(people, out, figures=False, report=False, workers=1)
    assert (out / "results.csv").read_bytes() == expected


def _mind_control_c() -> None:
    """As in a terminal; what runs in the background ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


_SMALL = """
from p31mg.study import portions
portions._SECONDS_OF_A_PORTION = 2.5 * portions._SECONDS_OF_A_FILE
from p31mg.cli import main
main()
"""


def _alive(session: int) -> bool:
    """Return whether a process of a session lives."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            return True
    return False
