"""A study on a Dask cluster of separate processes: the same bytes, also when one of them dies in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import p31mg
from p31mg.cli import main
from p31mg.study import cluster

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.usefixtures("small_portions"),
    # distributed warns of ports that are taken and of its own future; none of it is about us
    pytest.mark.filterwarnings("ignore::UserWarning:distributed", "ignore::DeprecationWarning:distributed"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


def test_same_bytes_as_on_one_machine_although_a_worker_is_killed(client: Any, people: Path, tmp_path: Path) -> None:
    p31mg.batch(people, tmp_path / "alone", figures=False, report=False)
    pids = client.run(os.getpid)
    killed = []

    def kill_one(what: str, done: int, total: int) -> None:
        if done and not killed:
            (victim,) = list(pids.values())[:1]
            os.kill(victim, signal.SIGKILL)
            killed.append((victim, done))

    p31mg.batch(people, tmp_path / "there", figures=False, report=False, client=client, progress=kill_one)
    ((victim, done),) = killed
    assert done < 24, "the worker was killed when nothing was left to do"
    assert victim not in client.run(os.getpid).values()
    expected = (tmp_path / "alone" / "results.csv").read_bytes()
    assert (tmp_path / "there" / "results.csv").read_bytes() == expected


def test_by_address_and_with_figures(client: Any, people: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "sub-01.nii.gz").write_bytes((people / "sub-01.nii.gz").read_bytes())
    command = ["batch", str(study), "-o", str(tmp_path / "out"), "--dask", client.scheduler.address]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert (tmp_path / "out" / "figures" / "sub-01.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out" / "report.html").is_file()


def test_workers_of_another_version_are_refused(
    client: Any, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "__version__", "99.0")
    with pytest.raises(
        p31mg.InputError, match=r"worker tcp://.* has p31mg .* and this is 99\.0; install the same on all"
    ):
        p31mg.batch(people, tmp_path / "out", client=client)


def test_folder_that_the_workers_do_not_see_is_refused(client: Any, tmp_path: Path) -> None:
    with (
        pytest.raises(p31mg.InputError, match=r"sees no folder .*/nowhere; the spectra must lie where all machines"),
        cluster.on_cluster(client, tmp_path / "nowhere"),
    ):
        pass


def test_nobody_answers(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    with pytest.raises(p31mg.InputError, match=r"dask is tcp://127\.0\.0\.1:1, where no scheduler answers"):
        p31mg.batch(people, client="tcp://127.0.0.1:1")


def test_own_workers_and_those_of_a_cluster_exclude_each_other(people: Path) -> None:
    with pytest.raises(p31mg.InputError, match="workers and client are both given"):
        p31mg.batch(people, client="tcp://127.0.0.1:1", workers=2)


def test_without_the_extra(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(p31mg.InputError, match=r"dask needs the package distributed: pip install 'p31mg\[dask\]'"):
        p31mg.batch(people, client="tcp://127.0.0.1:1")
