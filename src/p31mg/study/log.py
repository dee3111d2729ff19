"""`batch.log`: what was doubtful or failed, once for all files of which it is said, so that the terminal can stay calm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from p31mg._version import __version__
from p31mg.atomic import write_text
from p31mg.study.parts import Entry
from p31mg.study.subjects import Subjects

__all__ = ["write_log"]

_SHOWN = 5


def write_log(
    output: Path, entries: Mapping[str, Entry], subjects: Subjects, files: Sequence[str], notes: Sequence[str] = ()
) -> None:
    """Write the log of the files that are finished; `notes` are on the study as a whole."""
    now = datetime.now(tz=UTC).isoformat(timespec="seconds")
    done = [name for name in files if name in entries]
    lines = [f"{now} p31mg {__version__}: {len(done)} of {len(files)} files finished"]
    lines += [*subjects.acting_text(len(files)), *notes]
    said: dict[str, list[str]] = {}
    for name in done:
        for note in (*entries[name].warnings, *entries[name].notes):
            said.setdefault(note, []).append(name)
    lines += [f"{_named(names)}: {note}" for note, names in said.items()]
    if subjects.files_without_row:
        lines.append(f"{_named(subjects.files_without_row)}: no row in the subject table")
    if subjects.rows_without_file:
        lines.append(f"{_named(subjects.rows_without_file, 'rows')} of the subject table: no file")
    write_text(output / "batch.log", "\n".join(lines) + "\n")


def _named(names: Sequence[str], what: str = "files") -> str:
    """Return a few names, and how many there are."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{len(names)} {what} ({shown}, ...)"
