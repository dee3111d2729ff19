"""What belongs to a study: the files below its folder that may be spectra, and what BIDS says in their names.

A folder that is one dataset (Bruker, Varian) is one input. Left out are hidden files, folders that p31mg wrote results to, and
what BIDS marks as something else: `derivatives`, `sourcedata` and `code`, images (anat, func, ...), references without
metabolites (mrsref), other nuclei than 31P, and its own tables.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from p31mg.errors import ReadError
from p31mg.io import is_dataset_folder, is_spectrum_name

__all__ = ["ENTITIES", "STATE_FOLDER", "Input", "State", "entities_of", "find_inputs", "sha256_of", "state_of"]

STATE_FOLDER = ".p31mg"
"""Name of the folder within the results that holds what is finished; where there is one, there are results of ours."""

ENTITIES: Mapping[str, str] = {
    "sub": "subject",
    "ses": "session",
    "task": "task",
    "acq": "acquisition",
    "run": "run",
}
"""BIDS entities that become columns, with the names of these."""

State = Mapping[str, tuple[int, int, int]]
"""Size, time of modification and time of change of every file of an input: what is the same has the same content."""

_ENTITY = re.compile(r"(?:^|[/_])([a-z]+)-([0-9A-Za-z+]+)")
_OF_BIDS_ROOT = {"derivatives", "sourcedata", "code", "phenotype", "stimuli"}
_NO_SPECTRA = {
    *("anat", "func", "dwi", "fmap", "perf", "meg", "eeg", "ieeg", "pet", "beh", "micr", "motion", "nirs"),
}
_BIDS_TABLE = re.compile(r"(^participants|^samples|_(scans|sessions|events|channels|physio|stim|blood))\.tsv(\.gz)?$")
_RESULTS = {"results.csv", "truth.csv"}
_MOST_FILES = 10_000


@dataclass(frozen=True)
class Input:
    """One file of the study, or one dataset folder.

    `name` is its path below the folder of the study; `members` are the paths below it of all files that its content depends on:
    the file and what bears its name beside it (`a.nii.gz` and `a.json`), or the files of the dataset. `size` is in bytes.
    """

    name: str
    path: Path
    members: tuple[str, ...]
    size: int = 0


def entities_of(name: str) -> dict[str, str | int]:
    """Return the columns that BIDS entities in a path mean: those of the file name before those of the folders.

    Labels of subject and session keep their prefix, as in participants.tsv: a table program would make 1 of "01".

    Examples
    --------
    >>> entities_of("sub-01/ses-pre/mrs/sub-01_ses-pre_task-rest_acq-short_run-02_nuc-31P_svs.nii.gz")
    {'subject': 'sub-01', 'session': 'ses-pre', 'task': 'rest', 'acquisition': 'short', 'run': 2}
    """
    found = dict(_ENTITY.findall(name))
    columns: dict[str, str | int] = {}
    for entity, column in ENTITIES.items():
        if entity in found:
            value = found[entity]
            prefixed = f"{entity}-{value}" if entity in ("sub", "ses") else value
            columns[column] = int(value) if entity == "run" and value.isdecimal() else prefixed
    return columns


def find_inputs(root: Path, leave_out: Sequence[Path] = ()) -> list[Input]:
    """Return what may be spectra below a folder, in the order of their names; `leave_out` are files and folders that are not.

    Raises
    ------
    ReadError
        The folder does not exist, is one dataset itself, or holds nothing that looks like a spectrum.
    """
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        msg = f"folder {root} {what}; give the folder that holds the spectra."
        raise ReadError(msg)
    if is_dataset_folder(root):
        msg = (
            f"folder {root} is one dataset and no study; give it to p31mg fit (p31mg.read), or batch the folder above."
        )
        raise ReadError(msg)
    inputs = list(_walk(root.resolve(), {path.resolve() for path in leave_out}))
    if not inputs:
        msg = f"folder {root} holds no files that look like spectra (.nii.gz, .txt, .rda, ...) and no dataset folders."
        raise ReadError(msg)
    return sorted(inputs, key=lambda i: i.name)


def _walk(root: Path, leave_out: set[Path]) -> Iterator[Input]:
    is_bids = (root / "dataset_description.json").is_file()
    suspicious = {path.name for path in leave_out}  # most names need no look at the disk

    def is_left_out(path: Path) -> bool:
        return path.name in suspicious and path.resolve() in leave_out

    for directory, folders, names in os.walk(root):
        here = Path(directory)
        below = "" if here == root else f"{here.relative_to(root).as_posix()}/"
        kept = []
        for name in sorted(folders):
            folder = here / name
            if name.startswith(".") or is_left_out(folder) or (folder / STATE_FOLDER).is_dir():
                continue
            if is_bids and here == root and name in _OF_BIDS_ROOT:
                continue
            if is_dataset_folder(folder):
                members = sorted(p.relative_to(root).as_posix() for p in folder.rglob("*") if p.is_file())[:_MOST_FILES]
                yield Input(below + name, folder, tuple(members), sum(_size(root / m) for m in members))
            else:
                kept.append(name)
        folders[:] = kept
        chosen = [n for n in names if _is_spectrum(here / n) and not is_left_out(here / n)]
        others: dict[str, list[str]] = {}
        for name in set(names).difference(chosen):
            others.setdefault(_stem(name), []).append(name)
        for name in chosen:
            beside = sorted(others.get(_stem(name), ()))
            path = here / name
            yield Input(below + name, path, tuple(below + n for n in (name, *beside)), _size(path))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _stem(name: str) -> str:
    return name.split(".")[0].lower()


def _is_spectrum(path: Path) -> bool:
    name = path.name
    if name.startswith(".") or name in _RESULTS or not is_spectrum_name(path) or _BIDS_TABLE.search(name):
        return False
    if not name.startswith("sub-"):
        return True
    nucleus = dict(_ENTITY.findall(name)).get("nuc", "31P")
    return path.parent.name not in _NO_SPECTRA and nucleus.upper() == "31P" and "_mrsref." not in name


def state_of(an_input: Input, root: Path) -> State:
    """Return the state of the files of an input; one that cannot be looked at has none."""
    state = {}
    for member in an_input.members:
        with suppress(OSError):
            s = (root / member).stat()
            state[member] = (s.st_size, s.st_mtime_ns, s.st_ctime_ns)
    return state


def sha256_of(an_input: Input, root: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of an input by its path; a file that cannot be read has none."""
    digests = {}
    for member in an_input.members:
        path = root / member
        if not path.is_file():  # a pipe would block
            continue
        with suppress(OSError), path.open("rb") as file:
            digests[member] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
