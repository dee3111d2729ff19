"""Share independent pieces of work among processes, where a process can fork, and among threads elsewhere.

Threads wait for each other at the interpreter, which starts many array operations of 10 to 100 us. A forked process starts
within milliseconds, with everything that the parent has loaded and read, and without running the caller's script again.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["can_fork", "for_each"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_TICKET_BYTES = 4


def can_fork() -> bool:
    """Whether processes may be forked here: on Linux (the libraries of macOS forbid it), but not in a worker of a pool."""
    import multiprocessing

    return sys.platform == "linux" and not multiprocessing.current_process().daemon


def for_each(call: Callable[[Item], Result], items: Sequence[Item], workers: int, *, processes: bool) -> list[Result]:
    """Return the results of calling with each item, by so many threads, or by `processes` where there can be any.

    From processes results are copied; whatever else the call does there is lost.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        return [call(item) for item in items]
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):  # a worker of ours and threads of BLAS would wait for the same cores
        if processes and can_fork():
            return _by_processes(call, items, workers)
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(call, items))


def _by_processes(call: Callable[[Item], Result], items: Sequence[Item], workers: int) -> list[Result]:
    """Return the results in the order of the items. What no process returns, because it failed, is done here, and fails here."""
    from multiprocessing.connection import wait

    results: dict[int, Result] = {}
    with _forked(call, items, workers) as readers:
        while readers:
            ready = wait(readers)
            for reader in [r for r in readers if r in ready]:
                try:
                    i, result = reader.recv()
                except EOFError:
                    readers.remove(reader)
                else:
                    results[i] = result
    return [results[i] if i in results else call(item) for i, item in enumerate(items)]


@contextmanager
def _forked(call: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[list[Connection]]:
    """Start processes, give the ends of the pipes that they send (number of item, result) through, and end them."""
    from multiprocessing import get_context

    context = get_context("fork")
    tickets = _pipe_of_tickets(len(items))
    pipes = [context.Pipe(duplex=False) for _ in range(workers)]
    started = [
        context.Process(target=_work, args=(call, items, tickets, pipes, i), daemon=True) for i in range(workers)
    ]
    try:
        with warnings.catch_warnings():  # of the other threads, none of which the processes need
            warnings.simplefilter("ignore", DeprecationWarning)
            for process in started:
                process.start()
        for _, writer in pipes:
            writer.close()
        yield [reader for reader, _ in pipes]
    finally:
        os.close(tickets)
        for process in started:
            if process.pid is not None:
                process.terminate()
                process.join()
        for ends in pipes:
            for end in ends:
                end.close()


def _pipe_of_tickets(n: int) -> int:
    """Return the end to read from of a pipe with the numbers below n, at most 16,384 of them; a read takes one of them."""
    source, sink = os.pipe()
    os.write(sink, b"".join(i.to_bytes(_TICKET_BYTES, "little") for i in range(n)))
    os.close(sink)
    return source


def _work(
    call: Callable[[Item], Result],
    items: Sequence[Item],
    tickets: int,
    pipes: list[tuple[Connection, Connection]],
    mine: int,
) -> None:
    """Do items until there are no tickets left or one fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends its processes
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for i, (reader, writer) in enumerate(pipes):  # so that both sides notice the end of the other
        reader.close()
        if i != mine:
            writer.close()
    while ticket := os.read(tickets, _TICKET_BYTES):
        i = int.from_bytes(ticket, "little")
        try:
            pipes[mine][1].send((i, call(items[i])))
        except Exception:  # noqa: BLE001  the parent will meet it again
            return
