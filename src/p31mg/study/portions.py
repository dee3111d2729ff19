"""How a study is shared out: portions of about a second of work, and how many processes are worth while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from p31mg.study.find import Input
from p31mg.study.options import Settings
from p31mg.study.work import Extra, Job, Task

__all__ = ["n_workers", "portions"]

_SECONDS_OF_A_FILE = 2e-3
"""To read and fit a spectrum of 2048 points; larger files take longer in proportion."""
_SECONDS_OF_A_FIGURE = 0.1
_USUAL_BYTES = 32 * 2**10
_SECONDS_OF_A_PORTION = 1.0
"""A run that is stopped loses less than this for each worker; shorter portions would spend more on the disk."""
_MOST_BYTES_OF_A_PORTION = 64 * 2**20
_SECONDS_WORTH_A_PROCESS = 3.0
"""Work of which another process, which needs a second to start, takes its share."""


def n_workers(tasks: Sequence[Task], extras: frozenset[Extra], asked: int | None = None) -> int:
    """Return how many processes to start: one for a few seconds of work, or as many as are asked for.

    There is at most one for each core, and one for each task: others would only need memory.
    """
    if asked is None:
        asked = int(min(sum(_seconds(t.an_input, extras) for t in tasks) / _SECONDS_WORTH_A_PROCESS, len(tasks)))
        if asked < 2:
            return 1
    if asked < 2:
        return asked
    from loky import cpu_count

    return min(asked, cpu_count(), len(tasks))


def portions(tasks: Sequence[Task], root: Path, settings: Settings, extras: frozenset[Extra]) -> Iterator[Job]:
    """Yield the tasks in their order, in portions of about a second, and of no more bytes than a worker should hold."""
    portion: list[Task] = []
    seconds, size = 0.0, 0
    for task in tasks:
        s, b = _seconds(task.an_input, extras), task.an_input.size
        if portion and (seconds + s > _SECONDS_OF_A_PORTION or size + b > _MOST_BYTES_OF_A_PORTION):
            yield Job(tuple(portion), root.resolve(), settings, extras)
            portion, seconds, size = [], 0.0, 0
        portion.append(task)
        seconds, size = seconds + s, size + b
    if portion:
        yield Job(tuple(portion), root.resolve(), settings, extras)


def _seconds(an_input: Input, extras: frozenset[Extra]) -> float:
    fit = _SECONDS_OF_A_FILE * max(1.0, an_input.size / _USUAL_BYTES)
    return fit + (_SECONDS_OF_A_FIGURE if "figures" in extras else 0.0)
