"""Who does the work: this process, several on this machine, or a Dask cluster. All take jobs and give futures.

One process reads and fits in a thread while the finished part before it is written. Several are those of loky, which start as
quickly as Python does, need no ``if __name__ == "__main__"`` in scripts, and are missed when they die. They share nothing and
write nothing: what they hold when they are stopped is work, not results.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

from p31mg.errors import InputError
from p31mg.study.work import Job, Portion, work

__all__ = ["Pool", "on_this_machine"]

_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS"), "1")
"""For processes that already share the cores."""

_IDLE_S = 60


class Pool(Protocol):
    """Takes jobs; `n_at_once` is how many should be under way."""

    @property
    def n_at_once(self) -> int:
        """Enough that nobody waits."""

    def submit(self, job: Job) -> Future[Portion]:
        """Begin a job."""

    def renew(self) -> None:
        """Begin anew after a worker died: what was under way is lost."""


class _Local:
    """Jobs for an executor of this machine."""

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers
        self._executor = self._new()
        self.n_at_once = n_workers + 1

    def _new(self) -> Executor:
        if self._n_workers == 1:
            return ThreadPoolExecutor(1)
        from loky import ProcessPoolExecutor

        executor: Executor = ProcessPoolExecutor(
            self._n_workers, timeout=_IDLE_S, env=_ONE_THREAD, initializer=_begin, initargs=(os.getpid(),)
        )
        return executor

    def submit(self, job: Job) -> Future[Portion]:
        try:
            return self._executor.submit(work, job)
        except BrokenExecutor as error:  # a worker died of what is under way, and nobody has heard of it yet
            future: Future[Portion] = Future()
            future.set_exception(error)
            return future

    def renew(self) -> None:
        self.stop()
        self._executor = self._new()

    def stop(self) -> None:
        if isinstance(self._executor, ThreadPoolExecutor):
            self._executor.shutdown(cancel_futures=True)
        else:
            self._executor.shutdown(kill_workers=True)  # type: ignore[call-arg]  # loky's own: they hold nothing but work


@contextmanager
def on_this_machine(n_workers: int) -> Iterator[Pool]:
    """Give a pool of so many processes; of one that is this process itself.

    Raises
    ------
    InputError
        That is no number of processes.
    """
    if n_workers < 1:
        msg = f"workers is {n_workers!r}; it must be a whole number, at least 1."
        raise InputError(msg)
    pool = _Local(n_workers)
    try:
        yield pool
    finally:
        pool.stop()


def _begin(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
