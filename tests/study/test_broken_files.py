"""300 files of which 60 are broken in 20 ways: 300 rows, and the good ones as if nothing were wrong."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, wait
from itertools import permutations
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import pytest
from nibabel.nifti1 import Nifti1Extension

import p31mg
from p31mg.study import dispatch
from p31mg.study.find import find_inputs
from p31mg.study.options import Settings
from p31mg.study.parts import Parts
from p31mg.study.pools import on_this_machine
from p31mg.study.work import Job, Portion, Task, work

N_EACH = 3


def person(seed: int = 0) -> p31mg.Spectra:
    return p31mg.simulate(0.5, snr=300, seed=seed, n_points=256)


def nifti(path: Path, fid: np.ndarray, **metadata: object) -> Path:
    """Write NIfTI-MRS by another library, with whatever header."""
    image = nibabel.Nifti2Image(fid.reshape(1, 1, 1, -1), np.eye(4))
    image.header["pixdim"][4] = 2e-4
    image.header.set_xyzt_units("mm", "sec")
    whole = {"SpectrometerFrequency": [51.705], "ResonantNucleus": ["31P"], "EchoTime": 5e-4, **metadata}
    text = json.dumps({k: v for k, v in whole.items() if v is not None})
    image.header.extensions.append(Nifti1Extension(44, text.encode()))
    image.to_filename(path)
    return path


def without(folder: Path, name: str) -> None:
    """Write a link to nothing."""
    (folder / name).symlink_to(folder / "gone" / name)


def cut(at: float) -> Callable[[bytes], bytes]:
    return lambda good: good[: int(at * len(good))]


def flipped(good: bytes) -> bytes:
    spoiled = bytearray(good)
    for place in (len(good) // 3, len(good) // 2):
        spoiled[place] ^= 0xFF
    return bytes(spoiled)


def other_header(good: bytes, place: int, value: bytes) -> bytes:
    content = bytearray(gzip.decompress(good))
    content[place : place + len(value)] = value
    return gzip.compress(bytes(content))


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "empty": cut(0.0),
    "cut in the header": cut(0.02),
    "cut in the middle": cut(0.5),
    "cut at the end": cut(0.99),
    "bits flipped": flipped,
    "zeros": lambda good: bytes(len(good)),
    "not compressed": lambda good: b"this is no gzip file" * (len(good) // 20),
    "text within": lambda good: gzip.compress(b"Dear colleague, the scan failed." * (len(good) // 100)),
    "one dimension less": lambda good: other_header(good, 16, (3).to_bytes(8, "little")),
    "absurd dimension": lambda good: other_header(good, 48, (2**60).to_bytes(8, "little")),
    "real numbers": lambda good: other_header(good, 12, (16).to_bytes(2, "little")),
    "longer than it says": lambda good: gzip.compress(gzip.decompress(good) + bytes(2**20)),
}
FILES: dict[str, Callable[[Path, str], object]] = {
    "NaN": lambda d, n: nifti(d / n, np.full(256, np.nan + 0j)),
    "only zeros": lambda d, n: nifti(d / n, np.zeros(256, dtype=complex)),
    "protons": lambda d, n: nifti(d / n, person().fid, ResonantNucleus=["1H"]),
    "no frequency": lambda d, n: nifti(d / n, person().fid, SpectrometerFrequency=None),
    "no begin time": lambda d, n: nifti(d / n, person().fid, EchoTime=None),
    "too few points": lambda d, n: nifti(d / n, person().fid[:32]),
    "link to nothing": without,
    "pipe": lambda d, n: os.mkfifo(d / n),
}
WAYS = [*BYTES, *FILES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("three-hundred")
    good = [p31mg.write(person(i), root / f"sub-{i:03d}.nii.gz").read_bytes() for i in range(8)]
    for i in range(8, 300 - N_EACH * len(WAYS)):
        (root / f"sub-{i:03d}.nii.gz").write_bytes(good[i % 8])
    for i in range(N_EACH):
        for way, spoil in BYTES.items():
            (root / f"sub-{100 * i:03d} {way}.nii.gz").write_bytes(spoil(good[i]))
        for way, make in FILES.items():
            make(root, f"sub-{100 * i:03d} {way}.nii.gz")
    return root


@pytest.fixture(scope="module")
def table(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return p31mg.batch(folder, tmp_path_factory.mktemp("results"), figures=False)


def test_every_file_is_a_row(table: pd.DataFrame) -> None:
    assert len(WAYS) == 20
    assert len(table) == 300
    assert table["file"].is_unique
    is_broken = table["file"].str.contains(" ", regex=False)
    assert is_broken.sum() == 60
    assert table["status"].eq("OK").equals(~is_broken)
    assert table.loc[~is_broken, "free_mg_mM"].between(0.3, 0.8).all()


@pytest.mark.parametrize("way", WAYS)
def test_broken_file_has_a_reason_that_names_it(way: str, table: pd.DataFrame) -> None:
    rows = table[table["file"].str.fullmatch(rf"sub-\d+ {way}\.nii\.gz")]
    assert len(rows) == N_EACH
    for _, row in rows.iterrows():
        assert row["file"] in row["reason"]
        assert len(row["reason"].splitlines()) == 1
        assert row[["free_mg_mM", "shift_alpha_beta_ppm"]].isna().all()


def test_reasons_do_not_hold_the_place_of_the_study(folder: Path, table: pd.DataFrame) -> None:
    assert not table["reason"].str.contains(str(folder), regex=False).any()


class Poisoned:
    """A pool whose workers die of one file, and take with them what else is under way."""

    n_at_once = 3

    def __init__(self, poison: str) -> None:
        self.poison = poison
        self.is_dead = False
        self.deaths = 0

    def submit(self, job: Job) -> Future[Portion]:
        future: Future[Portion] = Future()
        self.is_dead |= any(t.an_input.name == self.poison for t in job.tasks)
        if self.is_dead:
            future.set_exception(RuntimeError("a worker was killed, such as by lack of memory"))
        else:
            future.set_result(work(job))
        return future

    def renew(self) -> None:
        self.is_dead = False
        self.deaths += 1


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_file_that_kills_its_worker_is_a_row_and_takes_no_other_with_it(
    order: tuple[int, ...], people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_in_order(under_way: dict[Future[Portion], object], return_when: str) -> tuple[list[Future[Portion]], None]:
        finished = [future for future in under_way if future in wait(under_way, return_when=return_when).done]
        return [finished[i] for i in order if i < len(finished)], None

    monkeypatch.setattr(dispatch, "wait", wait_in_order)
    settings = Settings.of({})
    tasks = [Task(i) for i in find_inputs(people)]
    jobs = [Job(tuple(tasks[i : i + 4]), people, settings) for i in range(0, len(tasks), 4)]
    parts = Parts(tmp_path, settings.digest, tmp_path)
    pool = Poisoned("sub-05.nii.gz")
    dispatch.work_off(iter(jobs), pool, dispatch.Keeper(parts, None, len(tasks)))
    rows = dict(parts.rows())
    assert rows.keys() == {t.an_input.name for t in tasks}
    bad = {name: columns["reason"][0] for name, columns in rows.items() if columns["status"] == ["NOT_READ"]}
    assert bad.keys() == {"sub-05.nii.gz", "sub-07.nii.gz"}
    assert bad["sub-05.nii.gz"] == (
        "p31mg could not work on it: RuntimeError a worker was killed, such as by lack of memory"
    )
    assert pool.deaths == 3  # with others, alone after others, and alone in a new pool


def test_file_is_not_blamed_for_a_worker_that_died_before_its_turn(people: Path, tmp_path: Path) -> None:
    pool = Poisoned("")
    pool.n_at_once = 1

    class Killer(dispatch.Keeper):
        def keep(self, *of_a_part: Any) -> None:
            super().keep(*of_a_part)
            pool.is_dead = pool.deaths == 0

    settings = Settings.of({})
    tasks = [Task(i) for i in find_inputs(people)[:3]]
    parts = Parts(tmp_path, settings.digest, tmp_path)
    jobs = (Job((task,), people, settings) for task in tasks)
    dispatch.work_off(jobs, pool, Killer(parts, None, len(tasks)))
    assert pool.deaths == 1
    assert [columns["status"] for _, columns in parts.rows()] == [["OK"]] * 3


def test_pool_that_broke_unnoticed_gives_a_failed_future_instead_of_ending_the_run(people: Path) -> None:
    job = Job((Task(find_inputs(people)[0]),), people, Settings.of({}))
    with on_this_machine(2) as pool:
        pool._executor.submit(os._exit, 1)  # type: ignore[attr-defined]
        deadline = time.monotonic() + 60
        while not (future := pool.submit(job)).exception():
            assert time.monotonic() < deadline
        assert isinstance(future.exception(), BrokenExecutor)
        pool.renew()
        assert len(pool.submit(job).result().results) == 1
