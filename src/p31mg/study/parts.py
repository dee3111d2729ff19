"""Finished parts of a study on disk, so that a run that is stopped loses nothing that was finished.

A part is one JSON file in ``.p31mg/parts/``: the rows of some inputs, to the last bit, with the SHA-256 of every file that they
were made of. It is there whole or not at all. Figures of its inputs are written before it: a part that is there is complete.

    {"settings": digest of what decides the numbers,
     "files": [{"name", "own", "state", "sha256", "columns", "axes", "notes", "warnings", "figures"}]}

What is finished is asked by content: an input is, where a part of the same settings holds it with the same own options and the
same SHA-256. Its state (size and times) spares the reading of a file that nobody touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from p31mg.io.writing import make_folder, write_text
from p31mg.study.find import Input, State, sha256_of, state_of
from p31mg.study.work import FileResult, Task

__all__ = ["Entry", "Parts"]


@dataclass(frozen=True)
class Entry:
    """One input of a part: all but its rows, and in which part they are."""

    part: Path
    name: str
    own: Mapping[str, float]
    state: State
    sha256: Mapping[str, str]
    axes: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    figures: tuple[str, ...] | None


class Parts:
    """The parts of one study.

    Parameters
    ----------
    folder
        Where they are.
    digest
        Of the settings: parts of others do not count.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self._folder = make_folder(folder)
        self._digest = digest
        self._entries: dict[str, Entry] = {}

    def take_finished(self, tasks: Sequence[Task], root: Path, figures: Path | None) -> None:
        """Look at the parts that are there, and take from them what still holds.

        Where figures are asked for, in the folder given, an input is finished with them alone.
        """
        known: dict[str, list[Entry]] = {}
        for path in sorted(self._folder.glob("*.json")):
            for entry in self._entries_of(path):
                known.setdefault(entry.name, []).append(entry)
        for task in tasks:
            candidates = [
                e for e in known.get(task.an_input.name, []) if e.own == task.own and _has_figures(e, figures)
            ]
            holds = next((e for e in candidates if _is_unchanged(e, task.an_input, root)), None)
            if holds is not None:
                self._entries[task.an_input.name] = holds

    def _entries_of(self, path: Path) -> Iterator[Entry]:
        content = _content(path)
        if content.get("settings") != self._digest:
            return
        for file in content["files"]:
            yield Entry(
                part=path,
                name=file["name"],
                own=file["own"],
                state={member: (s[0], s[1], s[2]) for member, s in file["state"].items()},
                sha256=file["sha256"],
                axes=tuple(file["axes"]),
                notes=tuple(file["notes"]),
                warnings=tuple(file["warnings"]),
                figures=None if file["figures"] is None else tuple(file["figures"]),
            )

    def put(self, results: Sequence[FileResult], states: Mapping[str, State]) -> None:
        """Write a part; `states` are those of its inputs before they were read."""
        files = [
            {
                "name": r.name,
                "own": dict(r.own),
                "state": dict(states[r.name]),
                "sha256": dict(r.sha256),
                "axes": r.axes,
                "notes": r.notes,
                "warnings": r.warnings,
                "figures": None if r.figures is None else list(r.figures),
                "columns": r.columns,
            }
            for r in results
        ]
        identity = json.dumps([self._digest, [[f["name"], f["own"], f["sha256"], f["figures"]] for f in files]])
        path = self._folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.json"
        # NaN and Infinity are no JSON by the letter, but what Python writes and reads again
        text = json.dumps({"settings": self._digest, "files": files})
        write_text(path, text)
        self._entries |= {e.name: e for e in self._entries_of(path)}

    @property
    def entries(self) -> Mapping[str, Entry]:
        """What is finished, by name of the input."""
        return self._entries

    def rows(self) -> Iterator[tuple[str, Mapping[str, list[Any]]]]:
        """Yield the rows of every finished input, one part after the other: name and columns."""
        for path in sorted({e.part for e in self._entries.values()}):
            for file in _content(path)["files"]:
                if self._entries[file["name"]].part == path if file["name"] in self._entries else False:
                    yield file["name"], file["columns"]

    def remove_others(self) -> None:
        """Remove parts that nothing finished is in: of earlier contents, options or names."""
        used = {e.part for e in self._entries.values()}
        for path in self._folder.glob("*.json"):
            if path not in used:
                path.unlink(missing_ok=True)


def _content(path: Path) -> dict[str, Any]:
    """Return what a part holds; nothing where the file is damaged or of another version."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_part = isinstance(content, dict) and isinstance(content.get("files"), list)
    return content if is_part else {}


def _has_figures(entry: Entry, folder: Path | None) -> bool:
    return folder is None or (entry.figures is not None and all((folder / name).is_file() for name in entry.figures))


def _is_unchanged(entry: Entry, an_input: Input, root: Path) -> bool:
    if set(entry.sha256) != set(an_input.members):
        return False
    return dict(entry.state) == state_of(an_input, root) or dict(entry.sha256) == sha256_of(an_input, root)
