"""Finished parts of a study on disk, so that a run that is stopped loses nothing that was finished.

A part is one JSON file in ``parts/``: the rows of some inputs, to the last bit, with the SHA-256 of every file that they were
made of. It is there whole or not at all. Figures and curves of its inputs are written before it: one that is there
is complete.

    {"settings": digest of what decides the numbers, "extras": what was made besides,
     "files": [{"name", "own", "state", "sha256", "columns", "axes", "notes", "warnings", "headers", "files", "curves"}]}

What is finished is asked by content: an input is, where a part of the same settings holds it with the same own options and the
same SHA-256. Its state (size and times) spares the reading of a file that nobody touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from p31mg.atomic import make_folder, write_bytes, write_text
from p31mg.report import FitCurves
from p31mg.study.find import Input, State, sha256_of, state_of
from p31mg.study.work import Extra, Portion, Task

__all__ = ["Entry", "Parts"]

_KEPT_PARTS = 4
"""Written a moment ago and not to be read again: all of a small study. What JSON gives back is the same to the last bit."""
_KEPT_FILES = 32
"""Of curves of some hundred spectra each: 100 MB."""


@dataclass(frozen=True)
class Entry:
    """One input of a part: all but its rows, and in which part they are.

    `curves`: the file of its curves, and the first and the last of its rows there; None where there are none.
    """

    part: Path
    extras: frozenset[str]
    name: str
    own: Mapping[str, float]
    state: State
    sha256: Mapping[str, str]
    axes: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    headers: Mapping[str, str]
    files: tuple[str, ...]
    curves: tuple[Path, int, int] | None

    def wanted(self, extras: frozenset[Extra]) -> list[str]:
        """Return its files that belong to a study with these extras."""
        return [name for name in self.files if "figures" in extras or not name.startswith("figures/")]


class Parts:
    """The parts of one study.

    Parameters
    ----------
    state
        Folder that has or gets the folders ``parts`` and ``curves``.
    digest
        Of the settings: parts of others do not count.
    output
        Folder that the figures and maps of the inputs lie below.
    """

    def __init__(self, state: Path, digest: str, output: Path) -> None:
        self._parts, self._curves = make_folder(state / "parts"), state / "curves"
        self._output = output
        self._digest = digest
        self._entries: dict[str, Entry] = {}
        self._kept: dict[Path, Mapping[str, Any]] = {}

    def take_finished(self, tasks: Sequence[Task], root: Path, extras: frozenset[Extra]) -> None:
        """Look at the parts that are there, and take from them what still holds and has the extras."""
        known: dict[str, list[Entry]] = {}
        for path in sorted(self._parts.glob("*.json")):
            for entry in self._entries_of(path, _content(path)):
                known.setdefault(entry.name, []).append(entry)
        for task in tasks:
            candidates = [e for e in known.get(task.an_input.name, []) if e.own == task.own and self._has(e, extras)]
            holds = next((e for e in candidates if _is_unchanged(e, task.an_input, root)), None)
            if holds is not None:
                self._entries[task.an_input.name] = holds

    def _has(self, entry: Entry, extras: frozenset[Extra]) -> bool:
        curves = [entry.curves[0]] if entry.curves and "curves" in extras else []
        files = [self._output / name for name in entry.wanted(extras)]
        return extras <= entry.extras and all(path.is_file() for path in (*files, *curves))

    def _entries_of(self, path: Path, content: Mapping[str, Any]) -> Iterator[Entry]:
        if content.get("settings") != self._digest:
            return
        for file in content["files"]:
            curves = file["curves"]
            yield Entry(
                part=path,
                extras=frozenset(content["extras"]),
                name=file["name"],
                own=file["own"],
                state={member: (s[0], s[1], s[2]) for member, s in file["state"].items()},
                sha256=file["sha256"],
                axes=tuple(file["axes"]),
                notes=tuple(file["notes"]),
                warnings=tuple(file["warnings"]),
                headers=file["headers"],
                files=tuple(file["files"]),
                curves=None if curves is None else (self._curves / curves[0], curves[1], curves[2]),
            )

    def put(self, portion: Portion, states: Mapping[str, State], extras: frozenset[Extra]) -> None:
        """Write a part; `states` are those of its inputs before they were read."""
        for result in portion.results:
            for name, content in result.files.items():
                path = self._output / name
                write_bytes(make_folder(path.parent) / path.name, content)
        identity = [self._digest, sorted(extras), [[r.name, dict(r.own), dict(r.sha256)] for r in portion.results]]
        key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:24]
        curves = [f"{key}-{i}.npz" for i in range(len(portion.curves))]
        for name, some in zip(curves, portion.curves, strict=True):
            some.save(make_folder(self._curves) / name)
        files = [
            {
                "name": r.name,
                "own": dict(r.own),
                "state": dict(states[r.name]),
                "sha256": dict(r.sha256),
                "axes": r.axes,
                "notes": r.notes,
                "warnings": r.warnings,
                "headers": dict(r.headers),
                "files": list(r.files),
                "curves": None if r.curves is None else (curves[r.curves[0]], *r.curves[1:]),
                "columns": r.columns,
            }
            for r in portion.results
        ]
        path = self._parts / f"{key}.json"
        # NaN and Infinity are no JSON by the letter, but what Python writes and reads again
        part = {"settings": self._digest, "extras": sorted(extras), "files": files}
        write_text(path, json.dumps(part))
        self._entries |= {e.name: e for e in self._entries_of(path, part)}
        if len(self._kept) < _KEPT_PARTS:
            self._kept[path] = part

    @property
    def entries(self) -> Mapping[str, Entry]:
        """What is finished, by name of the input."""
        return self._entries

    @property
    def curves(self) -> Mapping[str, FitCurves]:
        """Curves of the finished inputs that have some, by name."""
        return _Stored({e.name: e.curves for e in self._entries.values() if e.curves is not None})

    def rows(self) -> Iterator[tuple[str, Mapping[str, list[Any]]]]:
        """Yield the rows of every finished input, one part after the other: name and columns."""
        for path in sorted({e.part for e in self._entries.values()}):
            for file in (self._kept.get(path) or _content(path))["files"]:
                if file["name"] in self._entries and self._entries[file["name"]].part == path:
                    yield file["name"], file["columns"]

    def remove_others(self) -> None:
        """Remove parts that nothing finished is in: of earlier contents, options or names."""
        used = {e.part for e in self._entries.values()}
        used |= {e.curves[0] for e in self._entries.values() if e.curves is not None}
        for path in (*self._parts.glob("*.json"), *self._curves.glob("*.npz")):
            if path not in used:
                path.unlink(missing_ok=True)


class _Stored(Mapping[str, FitCurves]):
    """Curves on disk, read when they are asked for; those of many inputs lie in one file, some of which are kept."""

    def __init__(self, places: Mapping[str, tuple[Path, int, int]]) -> None:
        self._places = places
        self._load = lru_cache(maxsize=_KEPT_FILES)(FitCurves.load)

    def __getitem__(self, name: str) -> FitCurves:
        path, start, stop = self._places[name]
        return self._load(path)[start:stop]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _content(path: Path) -> dict[str, Any]:
    """Return what a part holds; nothing where the file is damaged or of another version."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_part = isinstance(content, dict) and isinstance(content.get("files"), list)
    return content if is_part else {}


def _is_unchanged(entry: Entry, an_input: Input, root: Path) -> bool:
    if set(entry.state) == set(an_input.members) and dict(entry.state) == state_of(an_input, root):
        return True
    return dict(entry.sha256) == sha256_of(an_input, root)
