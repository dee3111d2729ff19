"""Results and covariates to one table of people: one row each, and a count of everyone who is not in it.

Two errors of the tables are refused, since whatever was done with them would be a guess: a person who is there twice, and a row
that does not say whose it is. Everyone who is only in one of the tables, or has no valid Mg2+, is left out and counted.
Categories that differ in capitals or blanks alone are one, and a column that both tables have is that of the participants: both
are told.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.cohorts.formula import columns_of_people, rows_text
from p31mg.errors import InputError, ReadError
from p31mg.io.tables import separator_and_headings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MG", "SD", "Joined", "Table", "counted", "join", "read_table", "with_numbers", "with_one_spelling"]

Table: TypeAlias = "str | os.PathLike[str] | pd.DataFrame | Mapping[str, Any]"

MG = "free_mg_mM"
SD = "sd_of_person_mM"
"""Column with the sd of one person's Mg2+: of the shift and of conditions of their own, not of the calibration all share."""

_PREFIX = "sub-"
_KEYS = ("subject", "participant_id", "subject_id", "sub")
_MISSING = ("", "n/a", "N/A", "NA", "nan", "NaN", "null", "-")
_SDS = ("sd_mM", "sd_measurement_mM", "sd_condition_mM", "sd_shift_alpha_beta_ppm")
_OF_RESULTS = (*_SDS, "mg_is_valid", "shift_alpha_beta_ppm")
_VISITS = ("session", "run", "task", "acquisition")
_MOST_SHOWN = 3
_DECIMAL_COMMA = r"\s*[-+]?\d+,\d+\s*"


@dataclass(frozen=True)
class Joined:
    """One row per person, who was left out (columns reason, n, subjects), and what looks like a mistake, a sentence each."""

    table: pd.DataFrame
    left_out: pd.DataFrame
    doubts: tuple[str, ...]


def read_table(table: Table, what: str) -> pd.DataFrame:
    """Return a table with a column `subject` as text, from a CSV or TSV, a DataFrame or a mapping; `what` names it in messages.

    Raises
    ------
    ReadError
        The file cannot be read as a table.
    InputError
        No column says who a row is of, or some row does not; there are no rows.
    """
    import pandas as pd

    if isinstance(table, (pd.DataFrame, Mapping)):
        frame = pd.DataFrame(table).copy()
    else:
        what = f"{what} {Path(table)}"
        frame = _read_file(Path(table), what)
    frame.columns = frame.columns.astype(str).str.strip()
    frame = frame.reset_index(drop=True)
    key = next((c for name in _KEYS for c in frame.columns.astype(str) if c.casefold() == name), None)
    if key is None:
        found = ", ".join(columns_of_people(frame)) or "none"
        msg = (
            f"{what} has no column {_KEYS[0]} (or {', '.join(_KEYS[1:])}) that says who a row is of. Columns: {found}."
        )
        raise InputError(msg)
    if frame.empty:
        msg = f"{what} has headings and no rows."
        raise InputError(msg)
    frame = frame.rename(columns={key: "subject"})
    if frame.columns.has_duplicates:
        msg = f"{what} has the column {frame.columns[frame.columns.duplicated()][0]} twice; rename one."
        raise InputError(msg)
    empty = frame["subject"].isna() | frame["subject"].astype(str).str.strip().isin(_MISSING)
    if empty.any():
        msg = f"{what} has no {key} in {_numbered(empty.index[empty])}; say who these are, or take them out."
        raise InputError(msg)
    subject = frame["subject"]
    if pd.api.types.is_float_dtype(subject) and (subject == subject.round()).all():
        subject = subject.astype(int)
    subject = subject.astype(str).str.strip()
    frame["subject"] = subject.where(subject.str.startswith(_PREFIX), _PREFIX + subject)
    return frame


def _read_file(path: Path, what: str) -> pd.DataFrame:
    """Return a table of a file: cells between commas, tabs or semicolons, and of the last two with decimal commas as well."""
    import pandas as pd

    try:
        text = path.read_text(encoding="utf-8-sig")
        separator, headings = separator_and_headings(text)
        has_commas = separator != "," and re.search(rf"(^|{separator}){_DECIMAL_COMMA}({separator}|$)", text, re.M)
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            decimal="," if has_commas else ".",
            skipinitialspace=True,
            na_values=list(_MISSING),
            dtype={c: str for c in headings if c.strip().casefold() in (*_KEYS, *_VISITS)},
        )
    except OSError as error:
        msg = f"{what} cannot be read: {error.strerror or error}."
        raise ReadError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{what} is no text in UTF-8; save it as CSV or TSV in UTF-8."
        raise ReadError(msg) from error
    except ValueError as error:
        msg = f"{what} is no table ({str(error).splitlines()[0]}); give a CSV or TSV with one line of headings."
        raise ReadError(msg) from error
    if not isinstance(frame.index, pd.RangeIndex):  # what pandas makes of rows that are too long
        msg = f"{what} has more cells in its rows than headings; with decimal commas, put semicolons between the cells."
        raise ReadError(msg)
    return frame


def join(
    results: Table,
    participants: Table | None,
    only: Mapping[str, str] | None = None,
    used: Sequence[str] = (),
) -> Joined:
    """Return people with valid Mg2+ and their covariates.

    `only` keeps rows of the results with these values; `used` names the columns that are to be used, which are checked.

    Raises
    ------
    ReadError, InputError
        See `read_table` and `with_numbers`; and a person twice, results without Mg2+, a column in both tables, no one in both.
    """
    found = _chosen(_results(results), only or {})
    _refuse_twice(found, "results", f"choose among their rows with only, as {_visit(found)}")
    found = found.assign(**{SD: _own_sd(found)})
    reason_of = dict(
        zip(found["subject"], _reasons(found), strict=True)
    )  # before columns of participants take their place
    people, left_out, doubts = found, [], []
    if participants is not None:
        described = read_table(participants, "participants")
        _refuse_twice(described, "participants", "give one row each")
        clash = next((c for c in (MG, *_OF_RESULTS, SD) if c in described), None)
        if clash is not None:
            msg = f"participants have the column {clash}, which is one of the results; rename it."
            raise InputError(msg)
        known, measured = set(described["subject"]), set(found["subject"])
        left_out += [
            ("spectrum, but no row in participants", found.loc[~found["subject"].isin(known), "subject"]),
            ("in participants, but no spectrum", described.loc[~described["subject"].isin(measured), "subject"]),
        ]
        if not known & measured:
            first, second = found["subject"].iloc[0], described["subject"].iloc[0]
            msg = (
                f"no subject of results is in participants: results have {first}, ...; participants have {second}, ...."
            )
            raise InputError(msg)
        described = with_numbers(described[described["subject"].isin(measured)], used, numbered=True)
        doubts += _conflicts(found, described, used)
        carried = [c for c in described.columns if c != "subject" and c in found]
        people = found.drop(columns=carried).merge(described, on="subject", how="inner", validate="one_to_one")
    people = with_numbers(people, used, numbered=participants is None)
    people, merged = with_one_spelling(people, used)
    reasons = people["subject"].map(reason_of)
    left_out += [(reason, people.loc[reasons == reason, "subject"]) for reason in reasons[reasons != ""].unique()]
    used_rows = people[reasons == ""].reset_index(drop=True)
    return Joined(used_rows, counted(left_out), (*doubts, *merged))


def _results(results: Table) -> pd.DataFrame:
    """Return the table of results, with numbers where Mg2+ and its sds are."""
    found = read_table(results, "results")
    if MG not in found:
        msg = f"results lack the column {MG}; give first the table that p31mg.batch makes (results.csv), then that of people."
        raise InputError(msg)
    if not {"sd_measurement_mM", "sd_mM"} & set(found):
        msg = "results lack the sd of Mg2+, sd_measurement_mM or else sd_mM; give the table that p31mg.batch makes (results.csv)."
        raise InputError(msg)
    return with_numbers(found, [MG, *_SDS], numbered=True)


def _chosen(found: pd.DataFrame, only: Mapping[str, str]) -> pd.DataFrame:
    for column, value in only.items():
        if column not in found:
            has = ", ".join(columns_of_people(found))
            msg = f"only names the column {column}, which results do not have. Columns: {has}."
            raise InputError(msg)
        chosen = found[found[column].astype(str) == str(value)]
        if chosen.empty:
            values = sorted(map(str, found[column].unique()))
            more = ", ..." if len(values) > 2 * _MOST_SHOWN else ""
            msg = f"only {column}={value} leaves no row of the results; {column} is {', '.join(values[: 2 * _MOST_SHOWN])}{more}."
            raise InputError(msg)
        found = chosen
    return found


def _visit(found: pd.DataFrame) -> str:
    """Return how a visit is chosen, by a column that the results have, in Python and on the command line."""
    column = next((c for c in _VISITS if c in found and found[c].nunique() > 1), "session")
    value = str(found[column].dropna().iloc[0]) if column in found and found[column].notna().any() else "ses-1"
    return f"only={{{column!r}: {value!r}}} (--only {column}={value})"


def _conflicts(found: pd.DataFrame, described: pd.DataFrame, used: Sequence[str]) -> list[str]:
    """Return a sentence for each used column in which results and participants say different things of someone."""
    doubts = []
    both = found.merge(described, on="subject", suffixes=("", " of participants"))
    for name in (c for c in used if c in found and c in described and c != "subject"):
        ours, theirs = both[name], both[f"{name} of participants"]
        same = ours.astype(str).str.strip() == theirs.astype(str).str.strip()
        same |= _close(ours, theirs) | ours.isna() | theirs.isna()
        if not same.all():
            doubts.append(
                f"column {name} is in results and in participants, with other values for {rows_text(both, ~same)}; "
                "those of participants are used"
            )
    return doubts


def _close(one: pd.Series[Any], other: pd.Series[Any]) -> pd.Series[bool]:
    import pandas as pd

    a, b = (pd.to_numeric(cells, errors="coerce").astype(float) for cells in (one, other))
    return (a - b).abs() <= 1e-9 * (a.abs() + b.abs())


def _own_sd(people: pd.DataFrame) -> FloatArray:
    """Return the sd of each person's own error (n,): of the shift and conditions; of everything where only that is there."""
    if "sd_measurement_mM" not in people:
        return people["sd_mM"].to_numpy(float)
    of_shift = people["sd_measurement_mM"].to_numpy(float)
    if "sd_condition_mM" not in people:
        return of_shift
    return np.hypot(of_shift, people["sd_condition_mM"].fillna(0.0).to_numpy(float))


def _reasons(people: pd.DataFrame) -> pd.Series[str]:
    """Return why each person is left out; "" for those who are not."""
    import pandas as pd

    is_valid = people[MG].notna()
    if "mg_is_valid" in people:
        is_valid &= _as_bool(people["mg_is_valid"])
    for name in (c for c in (MG, *_SDS) if c in people):
        is_negative = is_valid & (people[name] < 0)
        if is_negative.any():
            kind = "a concentration" if name == MG else "an sd"
            msg = f"results have {name} below 0 in {rows_text(people, is_negative)}; {kind} is 0 or above."
            raise InputError(msg)
    reasons = pd.Series("magnesium is not valid (mg_is_valid)", people.index)
    if {"status", "interval_open"} <= set(people):
        is_open = (people["status"] == "OK") & _as_bool(people["interval_open"])
        reasons = reasons.mask(is_open, "interval of magnesium is open: high Mg2+ is left out more often than low")
        reasons = reasons.mask(people["status"] != "OK", "no fit (status)")
    reasons = reasons.mask(is_valid, "sd of magnesium is not known")
    return reasons.mask(is_valid & (people[SD] >= 0), "")


def counted(left_out: list[tuple[str, pd.Series[str]]]) -> pd.DataFrame:
    """Return reasons with their number and subjects, those of no one left out."""
    import pandas as pd

    rows = [(reason, len(subjects), ", ".join(subjects)) for reason, subjects in left_out if len(subjects)]
    return pd.DataFrame(rows, columns=["reason", "n", "subjects"])


def with_numbers(table: pd.DataFrame, columns: Sequence[str], *, numbered: bool = False) -> pd.DataFrame:
    """Return the table with columns of numbers as such, where they are more than text; those that are not there are passed over.

    A column in which no cell is a number stays what it is, a category. `numbered`: the index counts the rows of a file.

    Raises
    ------
    InputError
        A column has numbers and text, or infinite values.
    """
    import pandas as pd

    table = table.copy()
    for name in dict.fromkeys(c for c in columns if c in table):
        cells = table[name]
        if pd.api.types.is_bool_dtype(cells):
            continue
        text = cells.astype(object).where(cells.notna(), None)
        text = text.map(lambda v: None if isinstance(v, str) and v.strip() in _MISSING else v)
        numbers = pd.to_numeric(text, errors="coerce").astype(float)
        is_text = text.notna() & numbers.isna()
        with_comma = is_text & text.astype(str).str.fullmatch(_DECIMAL_COMMA)
        if with_comma.any() or (is_text.any() and numbers.notna().any()):
            which = with_comma if with_comma.any() else is_text
            said = "a decimal comma" if with_comma.any() else "text among numbers"
            remedy = "write a decimal point" if with_comma.any() else "give numbers, or leave it empty"
            where = rows_text(table, which, numbered=numbered)
            msg = f"column {name} has {said}, {str(text[which].iloc[0])!r}, in {where}; {remedy}."
            raise InputError(msg)
        if np.isinf(numbers).any():
            where = rows_text(table, np.isinf(numbers), numbered=numbered)
            msg = f"column {name} is infinite in {where}; give numbers, or leave it empty."
            raise InputError(msg)
        table[name] = text if is_text.any() else numbers
    return table


def with_one_spelling(table: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with one spelling, the commonest, of categories that differ in capitals or blanks; a sentence for each."""
    import pandas as pd

    table, told = table.copy(), []
    for name in dict.fromkeys(c for c in columns if c in table and not pd.api.types.is_numeric_dtype(table[c])):
        counts = table[name].dropna().astype(str).value_counts()
        by_word: dict[str, list[str]] = {}
        for level in counts.index:
            by_word.setdefault(" ".join(level.split()).casefold(), []).append(level)
        same = {other: first for first, *others in by_word.values() for other in others}
        if same:
            table[name] = table[name].replace(same)
            told += [f"column {name} has {other!r}, taken as {first!r}" for other, first in same.items()]
    return table, told


def _as_bool(cells: pd.Series[Any]) -> pd.Series[bool]:
    return cells.astype(str).str.lower().isin(("true", "1", "1.0"))


def _refuse_twice(frame: pd.DataFrame, what: str, remedy: str) -> None:
    twice = frame["subject"].duplicated(keep=False)
    if twice.any():
        first = frame.loc[twice, "subject"].iloc[0]
        rows = _numbered(frame.index[frame["subject"] == first])
        n = frame.loc[twice, "subject"].nunique()
        others = "" if n == 1 else f" ({n} subjects are there more than once)"
        msg = f"{what} have {first} in {rows}{others}; {remedy}."
        raise InputError(msg)


def _numbered(index: Iterable[int]) -> str:
    """Return the numbers of rows of a file, the first below the headings being 1."""
    rows = [int(i) + 1 for i in index]
    shown = ", ".join(map(str, rows[: 2 * _MOST_SHOWN]))
    return f"row{'s' if len(rows) > 1 else ''} {shown}{', ...' if len(rows) > 2 * _MOST_SHOWN else ''}"
