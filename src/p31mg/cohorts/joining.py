"""Results and covariates to one table of people: one row each, and a count of everyone who is not in it.

Two errors of the tables are refused, since whatever was done with them would be a guess: a person who is there twice, and a row
that does not say whose it is. Everyone who is only in one of the tables, or has no valid Mg2+, is left out and counted.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from p31mg.cohorts.formula import rows_text
from p31mg.errors import InputError, ReadError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MG", "SD", "Joined", "Table", "counted", "join", "read_table", "with_numbers"]

Table: TypeAlias = "str | os.PathLike[str] | pd.DataFrame | Mapping[str, Any]"

MG = "free_mg_mM"
SD = "sd_of_person_mM"
"""Column with the sd of one person's Mg2+: of the shift and of conditions of their own, not of the calibration all share."""

_PREFIX = "sub-"
_ALIASES = ("participant_id", "subject_id", "sub")
_MISSING = ("", "n/a", "N/A", "NA", "nan", "NaN", "null", "-")
_NOT_VALID = "magnesium is not valid (mg_is_valid)"
_OWN = (
    "free_mg_mM",
    "sd_mM",
    "sd_measurement_mM",
    "mg_is_valid",
    "shift_alpha_beta_ppm",
    "sd_shift_alpha_beta_ppm",
    SD,
)
_MOST_SHOWN = 3


@dataclass(frozen=True)
class Joined:
    """One row per person, and who was left out: columns reason, n, subjects."""

    table: pd.DataFrame
    left_out: pd.DataFrame
    n_results: int
    n_participants: int | None


def read_table(table: Table, what: str) -> pd.DataFrame:
    """Return a table with a column `subject` as text, from a CSV or TSV, a DataFrame or a mapping; `what` names it in messages.

    Raises
    ------
    ReadError
        The file cannot be read as a table.
    InputError
        No column says who a row is of, or some row does not.
    """
    import pandas as pd

    if isinstance(table, (pd.DataFrame, Mapping)):
        frame = pd.DataFrame(table).copy()
    else:
        path = Path(table)
        what = f"{what} {path}"
        try:
            text = path.read_text(encoding="utf-8-sig")
            heading = text.partition("\n")[0]
            separator = next((s for s in ("\t", ";") if s in heading and "," not in heading), ",")
            frame = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                skipinitialspace=True,
                na_values=list(_MISSING),
                dtype=dict.fromkeys(("subject", *_ALIASES, "session", "run"), str),
            )
        except OSError as error:
            msg = f"{what} cannot be read: {error.strerror or error}."
            raise ReadError(msg) from error
        except ValueError as error:
            msg = f"{what} is no table ({str(error).splitlines()[0]}); give a CSV or TSV with one line of headings."
            raise ReadError(msg) from error
    frame.columns = frame.columns.astype(str).str.strip()
    frame = frame.reset_index(drop=True)
    key = next((c for c in ("subject", *_ALIASES) if c in frame), None)
    if key is None:
        found = ", ".join(frame.columns) or "none"
        msg = f"{what} has no column subject (or participant_id) that says who a row is of. Columns: {found}."
        raise InputError(msg)
    frame = frame.rename(columns={key: "subject"})
    empty = frame["subject"].isna() | frame["subject"].astype(str).str.strip().isin(_MISSING)
    if empty.any():
        msg = f"{what} has no {key} in {_numbered(empty.to_numpy())}; say who these are, or take them out."
        raise InputError(msg)
    subject = frame["subject"]
    if pd.api.types.is_float_dtype(subject) and (subject == subject.round()).all():
        subject = subject.astype(int)
    subject = subject.astype(str).str.strip()
    frame["subject"] = subject.where(subject.str.startswith(_PREFIX), _PREFIX + subject)
    return frame


def join(results: Table, participants: Table | None, only: Mapping[str, str] | None = None) -> Joined:
    """Return people with valid Mg2+ and their covariates; `only` keeps rows of the results with these values.

    Raises
    ------
    ReadError, InputError
        See `read_table`; and a person twice, results without Mg2+, a column in both tables, no one in both.
    """
    import pandas as pd

    found = read_table(results, "results")
    missing = [c for c in (MG, "sd_mM") if c not in found]
    if missing:
        msg = f"results lack the column {missing[0]}; give the table that p31mg.batch makes (results.csv)."
        raise InputError(msg)
    for column, value in (only or {}).items():
        if column not in found:
            msg = f"only names the column {column}, which results do not have. Columns: {', '.join(found.columns)}."
            raise InputError(msg)
        found = found[found[column].astype(str) == str(value)].reset_index(drop=True)
        if found.empty:
            msg = f"only {column}={value} leaves no row of the results."
            raise InputError(msg)
    found = with_numbers(found, [MG, "sd_mM", *(c for c in ("sd_measurement_mM", "sd_condition_mM") if c in found)])
    _refuse_twice(found, "results", "choose among their rows with only, as only={'session': 'ses-1'}")
    people, in_both, left_out = found, None, []
    if participants is not None:
        in_both = read_table(participants, "participants")
        _refuse_twice(in_both, "participants", "give one row each")
        clash = [c for c in _OWN if c in in_both]
        if clash:
            msg = f"participants have the column {clash[0]}, which is one of the results; rename it."
            raise InputError(msg)
        carried = [c for c in in_both.columns if c != "subject" and c in found]
        people = found.drop(columns=carried).merge(in_both, on="subject", how="inner", validate="one_to_one")
        known, measured = set(in_both["subject"]), set(found["subject"])
        left_out += [
            ("spectrum, but no row in participants", found.loc[~found["subject"].isin(known), "subject"]),
            ("in participants, but no spectrum", in_both.loc[~in_both["subject"].isin(measured), "subject"]),
        ]
        if people.empty:
            first, second = found["subject"].iloc[0], in_both["subject"].iloc[0]
            msg = (
                f"no subject of results is in participants: results have {first}, ...; participants have {second}, ...."
            )
            raise InputError(msg)
    condition = people.get("sd_condition_mM", pd.Series(0.0, people.index)).fillna(0.0)
    people = people.assign(**{SD: np.hypot(people.get("sd_measurement_mM", people["sd_mM"]), condition)})
    is_valid = people[MG].notna() & np.isfinite(people[MG])
    if "mg_is_valid" in people:
        is_valid &= _as_bool(people["mg_is_valid"])
    has_sd = np.isfinite(people[SD]) & (people[SD] >= 0)
    is_negative = is_valid & (people[MG] < 0)
    if is_negative.any():
        msg = f"results have free_mg_mM below 0 in {rows_text(people, is_negative)}; a concentration is 0 or above."
        raise InputError(msg)
    reasons = pd.Series(_NOT_VALID, people.index)
    if {"status", "interval_open"} <= set(people):
        is_open = (people["status"] == "OK") & _as_bool(people["interval_open"])
        reasons = reasons.mask(is_open, "interval of magnesium is open: high Mg2+ is left out more often than low")
        reasons = reasons.mask(people["status"] != "OK", "no fit (status)")
    reasons = reasons.mask(is_valid, "sd of magnesium is not known")
    is_used = is_valid & has_sd
    left_out += [(str(r), people.loc[~is_used & (reasons == r), "subject"]) for r in reasons[~is_used].unique()]
    return Joined(
        people[is_used].reset_index(drop=True),
        counted(left_out),
        len(found),
        None if in_both is None else len(in_both),
    )


def counted(left_out: list[tuple[str, pd.Series[str]]]) -> pd.DataFrame:
    """Return reasons with their number and subjects, those of no one left out."""
    import pandas as pd

    rows = [(reason, len(subjects), ", ".join(subjects)) for reason, subjects in left_out if len(subjects)]
    return pd.DataFrame(rows, columns=["reason", "n", "subjects"])


def with_numbers(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the table with columns of numbers as such, where they are more than text.

    A column in which no cell is a number stays what it is, a category.

    Raises
    ------
    InputError
        A column has numbers and text, or infinite values.
    """
    import pandas as pd

    table = table.copy()
    for name in columns:
        cells = table[name]
        if pd.api.types.is_bool_dtype(cells):
            continue
        text = cells.astype(object).where(cells.notna(), None)
        text = text.map(lambda v: None if isinstance(v, str) and v.strip() in _MISSING else v)
        numbers = pd.to_numeric(text, errors="coerce").astype(float)
        is_text = text.notna() & numbers.isna()
        if is_text.any() and numbers.notna().any():
            example = str(text[is_text].iloc[0])
            msg = f"column {name} has text among numbers, {example!r}, in {rows_text(table, is_text)}; "
            msg += "give numbers, or leave it empty."
            raise InputError(msg)
        if np.isinf(numbers).any():
            msg = (
                f"column {name} is infinite in {rows_text(table, np.isinf(numbers))}; give numbers, or leave it empty."
            )
            raise InputError(msg)
        table[name] = text if is_text.any() else numbers
    return table


def _as_bool(cells: pd.Series[Any]) -> pd.Series[bool]:
    return cells.astype(str).str.lower().isin(("true", "1", "1.0"))


def _refuse_twice(frame: pd.DataFrame, what: str, remedy: str) -> None:
    twice = frame["subject"].duplicated(keep=False)
    if twice.any():
        first = frame.loc[twice, "subject"].iloc[0]
        rows = _numbered((frame["subject"] == first).to_numpy())
        n = frame.loc[twice, "subject"].nunique()
        others = "" if n == 1 else f" ({n} subjects are there more than once)"
        msg = f"{what} have {first} in {rows}{others}; {remedy}."
        raise InputError(msg)


def _numbered(which: np.ndarray[Any, Any]) -> str:
    """Return the numbers of rows, the first below the headings being 1."""
    rows = (np.flatnonzero(which) + 1).tolist()
    shown = ", ".join(map(str, rows[: 2 * _MOST_SHOWN]))
    return f"row{'s' if len(rows) > 1 else ''} {shown}{', ...' if len(rows) > 2 * _MOST_SHOWN else ''}"
