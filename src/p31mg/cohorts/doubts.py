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
_MOST_NEGATIVE = 0.2
"""Share of people with one and the same negative value, all others positive, that may be a code, as -1 for no age."""


def doubts_of(model: Formula, people: pd.DataFrame) -> list[str]:
    """Return one sentence for each doubt about a model that these people, with nothing missing, have been put to."""
    of_terms = dict.fromkeys(f for term in model.terms for f in term)
    doubts = [text for factor in (model.outcome, *of_terms) for text in _of_column(factor, people)]
    doubts += [text for factor in of_terms for text in _of_codes(factor, people)]
    alone = {term[0] for term in model.terms if len(term) == 1}
    for term in model.terms:
        missing = [f.text for f in term if f not in alone]
        if len(term) > 1 and missing:
            said = ":".join(f.text for f in term)
            doubts.append(
                f"formula {model.text!r} has {said} without {' and '.join(missing)} alone; {said.replace(':', '*')} has all"
            )
    return doubts


def _of_column(factor: Factor, people: pd.DataFrame) -> list[str]:
    """Return what is doubtful about the values of a column."""
    name, doubts = factor.column, []
    if is_technical(name):
        doubts.append(f"column {name} is of the measurement, not of people, and is taken as exact")
    if factor.function == "C" or is_category(factor, people):
        return doubts
    values = people[name].to_numpy(float)
    distance = _robust_z(np.log(values)) if factor.function == "log" else _robust_z(values)
    if name == MG and (values > 0).all():  # its errors are skewed
        distance = np.minimum(distance, _robust_z(np.log(values)))
    if (distance > _FARTHEST).any():
        doubts.append(
            f"column {name} is {values[distance.argmax()]:g} where the median is {np.median(values):g}: "
            f"{rows_text(people, distance > _FARTHEST)}; if it is a code for nothing, leave the cell empty"
        )
        return doubts
    below = values < 0
    if len(set(values[below])) == 1 and (values[~below] > 0).all() and below.mean() <= _MOST_NEGATIVE:
        doubts.append(
            f"column {name} is {values[below][0]:g} where all others are above 0: {rows_text(people, below)}; "
            f"if it is a code for nothing, leave the cell empty"
        )
    return doubts


def _of_codes(factor: Factor, people: pd.DataFrame) -> list[str]:
    """Return what is doubtful about a column as a category, or as one that is none."""
    name = factor.column
    different = people[name].unique().tolist()
    if is_category(factor, people):
        levels = sorted(map(str, different))
        pairs = [(a, b) for a, b in combinations(levels, 2) if len(a) == 1 < len(b) and b.casefold()[0] == a.casefold()]
        return [f"column {name} has {a!r} and {b!r}; if they are the same, give them one name" for a, b in pairs]
    is_whole = all(value == round(value) for value in different)
    if factor.function or len(different) > _MOST_CODES or not is_whole or set(different) == {0.0, 1.0}:
        return []
    numbers = ", ".join(f"{value:g}" for value in sorted(different))
    return [f"column {name} has the numbers {numbers} and one slope for all; if they are codes, write C({name})"]


def _robust_z(values: FloatArray) -> FloatArray:
    """Return the distance of values (n,) from their median in sds; these from half of the values, or 90 % where half are one."""
    distance = np.abs(values - np.median(values))
    sd = np.median(distance) / 0.6745 or np.quantile(distance, 0.9) / 1.645
    return distance / sd if sd > 0 else np.zeros_like(distance)
