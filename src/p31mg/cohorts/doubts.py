"""What is allowed in a model of people but looks like a mistake: codes for nothing, codes for categories, columns of the fit."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.cohorts.formula import Factor, Formula, is_category, is_technical, rows_text
from p31mg.cohorts.joining import MG

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["doubts_of"]

_FARTHEST = 6.0
"""Robust sds from the median: of 10,000 normal values none is as far."""
_MOST_CODES = 5


def doubts_of(model: Formula, people: pd.DataFrame) -> list[str]:
    """Return one sentence for each doubt about a model of these people."""
    factors = dict.fromkeys([model.outcome, *(f for term in model.terms for f in term)])
    doubts = [text for factor in factors for text in _of_factor(factor, people)]
    alone = {term[0] for term in model.terms if len(term) == 1}
    for term in model.terms:
        missing = [f.text for f in term if f not in alone]
        if len(term) > 1 and missing:
            said = ":".join(f.text for f in term)
            doubts.append(
                f"formula {model.text!r} has {said} without {' and '.join(missing)} alone; {said.replace(':', '*')} has all"
            )
    return doubts


def _of_factor(factor: Factor, people: pd.DataFrame) -> list[str]:
    name, cells = factor.column, people[factor.column]
    doubts = []
    if is_technical(name):
        doubts.append(f"column {name} is of the measurement, not of people, and is taken as exact")
    if is_category(factor, people):
        levels = sorted(map(str, cells.dropna().unique()))
        pairs = [(a, b) for a, b in combinations(levels, 2) if len(a) == 1 < len(b) and b.casefold()[0] == a.casefold()]
        return doubts + [
            f"column {name} has {a!r} and {b!r}; if they are the same, give them one name" for a, b in pairs
        ]
    if factor.function == "C":
        return doubts
    values = cells.to_numpy(float)
    different = np.unique(values[np.isfinite(values)])
    if len(different) <= _MOST_CODES and (different == np.round(different)).all() and set(different) != {0.0, 1.0}:
        numbers = ", ".join(f"{v:g}" for v in different)
        doubts.append(
            f"column {name} has the numbers {numbers} and one slope for all; if they are codes, write C({name})"
        )
    has_log = factor.function == "log" or name == MG
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = _robust_z(np.log(values) if has_log else values)
    if (distance > _FARTHEST).any():
        farthest = int(np.nanargmax(distance))
        doubts.append(
            f"column {name} is {values[farthest]:g} where the median is {np.nanmedian(values):g}: "
            f"{rows_text(people, distance > _FARTHEST)}; if it is a code for nothing, leave the cell empty"
        )
    return doubts


def _robust_z(values: FloatArray) -> FloatArray:
    """Return the distance of values (n,) from their median in sds; these from half of the values, or 90 % where half are one."""
    distance = np.abs(values - np.nanmedian(values))
    sd = np.nanmedian(distance) / 0.6745 or np.nanquantile(distance, 0.9) / 1.645
    return distance / sd if sd > 0 else np.zeros_like(distance)
