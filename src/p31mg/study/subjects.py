"""The subject table: what is known of every person or file, joined to the spectra.

A column `file` (path below the folder of the study, or the bare name where only one file has it) or `subject`
(`participant_id`, with or without ``sub-``) says where a row belongs; with `subject`, columns `session` and `run` may narrow it.
Columns named as options of `OWN_OPTIONS` act on their rows in place of the option; an empty cell leaves it. In both, small
letters and capitals are the same: `pH` is `ph`. All others are carried into the results, and say who a file is of where its path
does not. Rows without a file and files without a row are reported, not refused.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from p31mg.errors import InputError, ReadError
from p31mg.io.tables import separator_and_headings
from p31mg.study.columns import is_result
from p31mg.study.find import ENTITIES, entities_of
from p31mg.study.options import OWN_OPTIONS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SubjectTable", "Subjects", "read_subjects"]

SubjectTable: TypeAlias = "str | os.PathLike[str] | pd.DataFrame | Mapping[str, Any]"

_KEYS = ("session", "run")
_PREFIX = {"subject": "sub-", "session": "ses-"}
_ALIASES = {"participant_id": "subject", "session_id": "session"}
_TEXT = ("file", "subject", "session", *_ALIASES)
_READ_IN_ANY_CASE = {name.casefold(): name for name in ("file", "subject", *_KEYS, *_ALIASES, *OWN_OPTIONS)}


@dataclass(frozen=True)
class Subjects:
    """What the table says of each file, by its name.

    Parameters
    ----------
    own
        Options of its own.
    carried
        Values of the other columns, text or numbers as they stand in the table; None where empty.
    columns
        Names of the other columns.
    acting
        Columns that act as options, as the table calls them, with how many files have a value of their own there.
    files_without_row, rows_without_file
        What was not matched.
    record
        Where the table comes from, for the provenance.
    """

    own: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    carried: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    acting: Mapping[str, int] = field(default_factory=dict)
    files_without_row: tuple[str, ...] = ()
    rows_without_file: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    def acting_text(self, n_files: int) -> list[str]:
        """Return what acts in place of an option, and on how many files."""
        return [f"{column} of {n} of {n_files} files from the subject table" for column, n in self.acting.items()]


def read_subjects(table: SubjectTable | None, root: Path, names: Iterable[str]) -> Subjects:
    """Join a table to the files of a study; without one, that of a BIDS tree (participants.tsv) where there is one.

    Raises
    ------
    ReadError
        The file cannot be read as a table.
    InputError
        It has no column that says which file or subject, two columns that mean the same, the same key twice, text where a number
        acts, or a column that is one of the results.
    """
    participants = root / "participants.tsv"
    if table is None:
        if not participants.is_file():
            return Subjects()
        table = participants
    frame, where, record, headings = _frame(table)
    keys = _keys(frame, where)
    carried = [c for c in frame.columns if c not in OWN_OPTIONS and c not in keys]
    clash = next((c for c in carried if is_result(c) and c not in ENTITIES.values()), None)
    if clash is not None:
        msg = f"{where} has the column {clash}, which is one of the results; rename it."
        raise InputError(msg)
    records = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    rows = {_key(row, keys): row for row in records}
    if len(rows) < len(records):
        counts = Counter(_key(row, keys) for row in records)
        twice = _shown(max(counts, key=counts.__getitem__))
        msg = f"{where} has more than one row for {twice}; give one for each {' and '.join(keys)}."
        raise InputError(msg)
    names = list(names)
    bare = Counter(_bare(name) for name in names)
    matched: dict[str, tuple[str, ...]] = {}
    for name in names:
        candidates = _by_entity(name, keys)
        if keys == ("file",):
            candidates = [(name,)] if bare[_bare(name)] > 1 else [(name,), (_bare(name),)]
        matched |= [(name, key) for key in candidates if key in rows][:1]
    used = set(matched.values())
    own = {name: _own(rows[key], _shown(key), where) for name, key in matched.items()}
    counts_of_own = Counter(option for of_file in own.values() for option in of_file)
    return Subjects(
        own=own,
        carried={name: {c: _plain(rows[key][c]) for c in carried} for name, key in matched.items()},
        columns=tuple(carried),
        acting={headings[c]: counts_of_own[c] for c in OWN_OPTIONS if c in headings},
        files_without_row=tuple(name for name in names if name not in matched),
        rows_without_file=tuple(_shown(key) for key in rows if key not in used),
        record=record,
    )


def _frame(table: SubjectTable) -> tuple[pd.DataFrame, str, dict[str, Any], dict[str, str]]:
    """Return the table with its keys as text, how messages call it, its record, and how it calls its columns itself."""
    import pandas as pd

    if isinstance(table, (pd.DataFrame, Mapping)):
        frame, where = pd.DataFrame(table), "subjects"
        content, record = frame.to_csv(index=False).encode(), {"source": "given in Python"}
    else:
        path = Path(table)
        where, record = f"subject table {path}", {"source": str(path)}
        try:
            content = path.read_bytes()
            text = content.decode("utf-8-sig")
            separator, own_headings = separator_and_headings(text)
            as_text = {c: str for c in own_headings if _canonical(c) in _TEXT}
            frame = pd.read_csv(io.StringIO(text), sep=separator, dtype=as_text, skipinitialspace=True)
        except OSError as error:
            msg = f"subject table {path} cannot be read: {error.strerror or error}."
            raise ReadError(msg) from error
        except ValueError as error:
            msg = f"{where} is no table ({str(error).splitlines()[0]}); give a CSV or TSV with one line of headings."
            raise ReadError(msg) from error
    headings = _headings([str(c).strip() for c in frame.columns], where)
    frame.columns = list(headings)
    frame = frame.rename(columns={c: new for c, new in _ALIASES.items() if c in frame and new not in frame})
    return frame.convert_dtypes(), where, {**record, "sha256": hashlib.sha256(content).hexdigest()}, headings


def _canonical(heading: Any) -> str:
    """Return a heading as p31mg calls the column: `pH` is `ph`; any other as it stands."""
    text = str(heading).strip()
    return _READ_IN_ANY_CASE.get(text.casefold(), text)


def _headings(headings: list[str], where: str) -> dict[str, str]:
    """Return what the table calls each column, by the name that it has here."""
    named: dict[str, str] = {}
    for heading in headings:
        name = _canonical(heading)
        if name in named:
            msg = f"{where} has the columns {named[name]} and {heading}, which mean the same; leave one out."
            raise InputError(msg)
        named[name] = heading
    return named


def _keys(frame: pd.DataFrame, where: str) -> tuple[str, ...]:
    if "file" in frame:
        return ("file",)
    if "subject" in frame:
        return ("subject", *(c for c in _KEYS if c in frame))
    columns = ", ".join(map(str, frame.columns)) or "none"
    msg = f"{where} has the columns {columns}; one must be file or subject (participant_id), to say where its rows belong."
    raise InputError(msg)


def _key(row: Mapping[Any, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_label(name, row[name]) for name in keys)


def _label(column: str, value: Any) -> str:
    """Return the value of a key as text that can be compared: prefixes as BIDS has them, runs without zeros."""
    text = str(value).strip()
    if column == "file":
        return text.replace("\\", "/").removeprefix("./")
    if column == "run":
        number = text.removeprefix("run-").removesuffix(".0")
        return str(int(number)) if number.isdecimal() else number
    return text if text.startswith(_PREFIX[column]) else _PREFIX[column] + text


def _bare(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _by_entity(name: str, keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    entities = entities_of(name)
    return [tuple(_label(column, entities[column]) for column in keys)] if entities.keys() >= set(keys) else []


def _shown(key: tuple[str, ...]) -> str:
    return " ".join(key)


def _own(row: Mapping[Any, Any], key: str, where: str) -> dict[str, float]:
    """Return the options of its own that a row has."""
    own = {}
    for name in OWN_OPTIONS:
        value = row.get(name)
        if value is None or not str(value).strip():
            continue
        try:
            own[name] = float(value.replace(",", ".") if isinstance(value, str) else value)
        except (TypeError, ValueError) as error:
            msg = f"{where} has {name} {value!r} for {key}; it must be a number, or empty."
            raise InputError(msg) from error
    return own


def _plain(value: Any) -> Any:
    """Return a cell as plain text or number, None where it is empty."""
    return value.item() if isinstance(value, np.generic) else value
