"""Time several things in turns: what else a machine does then slows all of them, and their ratio stays."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

__all__ = ["in_turns", "ratio", "seconds"]


def seconds(action: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turns(actions: dict[str, Callable[[], object]], repetitions: int) -> dict[str, np.ndarray]:
    """Return the time of every repetition of each action: one after the other, again and again; one round before to warm up."""
    for action in actions.values():
        action()
    rounds = [[seconds(action) for action in actions.values()] for _ in range(repetitions)]
    return dict(zip(actions, np.array(rounds).T, strict=True))


def ratio(above: np.ndarray, below: np.ndarray) -> dict[str, float]:
    """Return the ratio of times measured in turns: of the fastest ones, and the median and range of the rounds."""
    each = above / below
    return {
        "of_minima": float(above.min() / below.min()),
        "median": float(np.median(each)),
        "lowest": float(each.min()),
        "highest": float(each.max()),
    }
