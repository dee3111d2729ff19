"""The table of a study: rows of all parts in the order of the files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.study.find import ENTITIES, entities_of
from p31mg.study.subjects import Subjects

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Row", "table_of"]

Row = tuple[str, Mapping[str, list[Any]]]
"""Name of a file, and its rows by column."""


def table_of(
    rows: Iterable[Row],
    files: Sequence[str],
    empty: pd.DataFrame,
    axes: Mapping[str, Sequence[str]],
    subjects: Subjects,
) -> pd.DataFrame:
    """Return all rows in one table: file and who it is of, position, results, and the other columns of the subject table.

    Parameters
    ----------
    rows
        In any order of the files.
    files
        Their names in the order of the table.
    empty
        Columns of a result without any row, as `no_rows` gives them.
    axes
        Names of the batch axes of each file.
    subjects
        What else is known of the files.
    """
    import pandas as pd

    order = {name: i for i, name in enumerate(files)}
    place: list[int] = []
    collected: dict[str, list[Any]] = {}
    for name, columns in rows:
        n = len(columns["status"])
        for column in columns.keys() - collected.keys():
            collected[column] = [None] * len(place)
        for column, values in collected.items():
            values += columns.get(column) or [None] * n
        place += [order[name]] * n
    sequence = np.argsort(np.array(place, dtype=int), kind="stable")

    entities = {name: {**_known(name, subjects), **entities_of(name)} for name in files}
    names = [files[place[i]] for i in sequence]
    found = [column for column in ENTITIES.values() if any(column in of_file for of_file in entities.values())]
    positions = list(dict.fromkeys(axis for name in files for axis in axes.get(name, ())))
    results = [str(c) for c in empty.columns]
    others = sorted(collected.keys() - set(positions) - set(results))

    def typed(column: str) -> pd.Series[Any]:
        values = collected.get(column, [])
        return _series([values[i] for i in sequence] if values else [None] * len(sequence), empty.get(column))

    table = {"file": pd.Series(names, dtype=object).infer_objects()}
    table |= {c: _series([entities[name].get(c) for name in names]) for c in found}
    table |= {c: typed(c) for c in (*positions, *results, *others)}
    for c in (c for c in subjects.columns if c not in found):
        carried = _series([subjects.carried.get(name, {}).get(c) for name in names])
        table[f"subject_{c}" if c in table else c] = carried  # it may be the name of an axis of some file
    return pd.DataFrame(table)


def _known(name: str, subjects: Subjects) -> dict[str, Any]:
    """Return what the subject table says of who a file is of."""
    carried = subjects.carried.get(name, {})
    return {c: carried[c] for c in ENTITIES.values() if carried.get(c) is not None}


def _series(values: list[Any], like: pd.Series[Any] | None = None) -> pd.Series[Any]:
    """Return a column: truth values of which a missing one is False, whole numbers, numbers, or whatever it is.

    Where all are missing, the column is as `like`.
    """
    import pandas as pd

    kinds = {type(v) for v in values} - {type(None)}
    if not kinds and like is not None and like.dtype != object:
        kinds = {bool} if like.dtype == bool else {int} if pd.api.types.is_integer_dtype(like) else {float}
    if kinds == {bool}:
        return pd.Series([v is True for v in values], dtype=bool)
    if kinds == {int}:
        return pd.Series(pd.array(values, dtype="Int64"))
    if kinds and kinds <= {int, float}:
        return pd.Series(np.array(values, dtype=float))
    return pd.Series([np.nan if v is None else v for v in values], dtype=object).infer_objects()
