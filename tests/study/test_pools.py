"""Processes of this machine: as many as are worth while, and missed when they die."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

import p31mg
from p31mg.study import portions
from p31mg.study.find import Input, find_inputs
from p31mg.study.options import Settings
from p31mg.study.pools import on_this_machine
from p31mg.study.work import Job, Task


def children() -> set[int]:
    """Return the processes that run Python for this one."""
    own = os.getpid()
    found = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return {pid for pid in found if pid != own and b"loky" in Path(f"/proc/{pid}/cmdline").read_bytes()}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are looked up in /proc")
@pytest.mark.usefixtures("small_portions")
def test_worker_that_is_killed_costs_nothing_but_time(people: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    for file in sorted(people.iterdir())[:10]:
        shutil.copy(file, study)
    p31mg.batch(study, tmp_path / "alone", figures=False, report=False)
    killed: list[int] = []

    def kill_one(what: str, done: int, total: int) -> None:
        if done and not killed:
            victim = min(pid for pid in children() if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes())
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    p31mg.batch(study, tmp_path / "together", figures=False, report=False, workers=2, progress=kill_one)
    assert killed
    expected = (tmp_path / "alone" / "results.csv").read_bytes()
    assert (tmp_path / "together" / "results.csv").read_bytes() == expected


def test_one_worker_is_this_process(people: Path) -> None:
    before = children()
    with on_this_machine(1) as pool:
        job = Job((Task(find_inputs(people)[0]),), people, Settings.of({}))
        (result,) = pool.submit(job).result().results
    assert result.columns["status"] == ["OK"]
    assert children() <= before


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers(workers: int, people: Path) -> None:
    with pytest.raises(p31mg.InputError, match=f"workers is {workers}; it must be a whole number, at least 1"):
        p31mg.batch(people, workers=workers)


def test_processes_are_as_many_as_the_work_is_worth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import loky

    monkeypatch.setattr(loky, "cpu_count", lambda: 16)
    one = Task(Input("a.txt", tmp_path / "a.txt", ("a.txt",), 1000))
    assert portions.n_workers([one] * 441, frozenset()) == 1
    assert portions.n_workers([one] * 10_000, frozenset()) == 6
    assert portions.n_workers([one] * 100_000, frozenset()) == 16
    assert portions.n_workers([one] * 441, frozenset({"figures"})) == 14
    large = Task(Input("a.txt", tmp_path / "a.txt", ("a.txt",), 16 * 2**20))
    assert portions.n_workers([large] * 8, frozenset()) == 2


def test_processes_that_are_asked_for_are_at_most_one_for_each_core_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import loky

    monkeypatch.setattr(loky, "cpu_count", lambda: 16)
    one = Task(Input("a.txt", tmp_path / "a.txt", ("a.txt",), 1000))
    assert portions.n_workers([one] * 1000, frozenset(), 500) == 16
    assert portions.n_workers([one] * 3, frozenset(), 500) == 3
    assert portions.n_workers([one] * 1000, frozenset(), 4) == 4


def test_portions_are_bounded_in_time_and_bytes(tmp_path: Path) -> None:
    settings = Settings.of({})

    def sizes(n_bytes: int, n: int, *extras: str) -> list[int]:
        tasks = [Task(Input("a.txt", tmp_path / "a.txt", ("a.txt",), n_bytes))] * n
        return [len(job.tasks) for job in portions.portions(tasks, tmp_path, settings, frozenset(extras))]

    many = sizes(1000, 1100)
    assert (len(many), sum(many)) == (3, 1100)
    assert 490 <= max(many) <= 500
    assert sizes(1000, 12, "figures") == [9, 3]
    assert sizes(2**25, 3) == [1, 1, 1]
