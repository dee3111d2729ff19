"""Handing out portions and keeping what comes back: the one place where a part of the study becomes finished."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import replace

from p31mg.errors import P31mgError
from p31mg.study.find import State, sha256_of, state_of
from p31mg.study.parts import Parts
from p31mg.study.pools import Pool
from p31mg.study.work import Extra, Job, Portion, failed

__all__ = ["Keeper", "Progress", "work_off"]

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)``, called while the work goes on."""


class Keeper:
    """Keeps what is finished, and tells how far it is."""

    def __init__(self, parts: Parts, progress: Progress | None, n_files: int) -> None:
        self._parts, self._progress, self._n_files = parts, progress, n_files
        self._tell()

    def keep(self, portion: Portion, states: Mapping[str, State], extras: frozenset[Extra]) -> None:
        """Write results of inputs, whose states were these before they were read."""
        self._parts.put(portion, states, extras)
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress("fit", len(self._parts.entries), self._n_files)


def work_off(jobs: Iterator[Job], pool: Pool, keeper: Keeper) -> None:
    """Let a pool do jobs, and keep what comes back, part by part.

    A job that ends with an error, or with its worker, is done again file by file, one at a time: what fails then, alone and in a
    new pool, is a row with the reason, and nothing else is touched by it. In a pool that is not new a worker may have died of
    something else. An error of ours is about the study as a whole, and ends the run.
    """
    suspects: deque[Job] = deque()
    under_way: dict[Future[Portion], tuple[Job, Mapping[str, State]]] = {}

    def submit(job: Job) -> None:
        states = {t.an_input.name: state_of(t.an_input, job.root) for t in job.tasks}
        _read_ahead(job)
        under_way[pool.submit(job)] = job, states

    more, worker_died, is_new = True, False, False
    while more or under_way or suspects:
        if worker_died and not under_way:
            pool.renew()
            worker_died, is_new = False, True
        while more and not suspects and len(under_way) < pool.n_at_once:
            job = next(jobs, None)
            more = job is not None
            if job is not None:
                submit(job)
        if suspects and not under_way:
            submit(suspects.popleft())
        if not under_way:
            continue
        is_alone = len(under_way) == 1
        finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in finished:
            job, states = under_way.pop(future)
            error = future.exception()
            if error is None:
                keeper.keep(future.result(), states, job.extras)
            elif isinstance(error, P31mgError) or not isinstance(error, Exception):
                raise error
            else:
                worker_died = True
                if is_alone and is_new and len(job.tasks) == 1:
                    (task,) = job.tasks
                    reason = f"p31mg could not work on it: {type(error).__name__} {error}".strip()
                    keeper.keep(
                        Portion((failed(task, reason, sha256_of(task.an_input, job.root)),)), states, job.extras
                    )
                else:
                    suspects.extendleft(replace(job, tasks=(task,)) for task in reversed(job.tasks))
        is_new = False


def _read_ahead(job: Job) -> None:
    """Ask the system to fetch the files of a job that waits for its turn, where it can be asked."""
    if not hasattr(os, "posix_fadvise"):
        return
    for task in job.tasks:
        with suppress(OSError):  # a file that is not there: its row will say so
            descriptor = os.open(task.an_input.path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(descriptor)
