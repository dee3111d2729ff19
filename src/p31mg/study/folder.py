"""The folder that results go to: whose it is, what it was made with, one run at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from p31mg._version import __version__
from p31mg.atomic import TEMPORARY_PREFIX, make_folder, write_text
from p31mg.errors import WriteError
from p31mg.io.documents import json_text
from p31mg.study.find import STATE_FOLDER
from p31mg.study.options import Settings

__all__ = ["locked", "prepare", "remove_earlier", "require_own"]

_PLAN = "plan.json"
_PATIENCE_S = 1.0
"""How long a lock is asked for: a process that was killed a moment ago may still be giving it up."""


def require_own(output: Path, root: Path, settings: Settings, *, overwrite: bool) -> None:
    """Refuse an output folder in which something would be lost, before it is touched.

    Raises
    ------
    WriteError
        It is the folder of the spectra, or holds a ``results.csv`` of somebody else or, without `overwrite`, results made of
        another folder, with other options or by another version.
    """
    if output.resolve() == root.resolve():
        msg = f"output folder {output} is the folder of the spectra; choose another, it may lie within."
        raise WriteError(msg)
    before = _plan_of(output) or _record_of(output)
    if before is None:
        if (output / "results.csv").exists():
            msg = f"output folder {output} holds a results.csv that p31mg did not write; choose another folder."
            raise WriteError(msg)
        return
    if overwrite:
        return
    now = _plan(root, settings)
    differences = [
        f"{name} {before['options'][name]!r} then, {value!r} now"
        for name, value in now["options"].items()
        if before["options"].get(name, value) != value
    ]
    words = {"root": "folder of the spectra", "version": "version of p31mg"}
    differences += [
        f"{word} {before[name]} then, {now[name]} now"
        for name, word in words.items()
        if before.get(name, now[name]) != now[name]
    ]
    if not differences and before.get("digest", now["digest"]) != now["digest"]:
        differences = ["a prior or calibration of the same name that has changed"]
    if differences:
        msg = (
            f"output folder {output} holds results made with other options ({', '.join(differences)}); choose another folder, or "
            "replace them with --force (overwrite=True in Python)."
        )
        raise WriteError(msg)


@contextmanager
def locked(output: Path) -> Iterator[Path]:
    """Make the folder, keep other runs out of it, and give the folder of the state within.

    The lock is one of the operating system: it ends with the process, however that ends.

    Raises
    ------
    WriteError
        Another run writes there, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    state = make_folder(make_folder(output) / STATE_FOLDER)
    lock = FileLock(state / "lock")
    try:
        lock.acquire(timeout=_PATIENCE_S, poll_interval=0.05)
    except Timeout as error:
        msg = f"output folder {output} is being written by another run of p31mg batch; wait for it, or choose another folder."
        raise WriteError(msg) from error
    except (OSError, NotImplementedError) as error:
        msg = f"output folder {output} cannot be locked ({error}); choose a folder on another file system."
        raise WriteError(msg) from error
    try:
        yield state
    finally:
        lock.release()


def prepare(output: Path, state: Path, root: Path, settings: Settings) -> None:
    """Write down what the results are made with; what was made with something else, and what a stopped run left, goes."""
    plan = _plan(root, settings)
    if _plan_of(output) not in (None, plan):
        for old in ("parts", "curves"):
            shutil.rmtree(state / old, ignore_errors=True)
    for left in output.rglob(f"{TEMPORARY_PREFIX}*"):
        if left.is_file():
            left.unlink(missing_ok=True)
    write_text(state / _PLAN, json_text(plan))


def remove_earlier(output: Path, made: Iterable[str]) -> None:
    """Remove files that the record of an earlier run says it made and this one did not; none that lies outside the folder."""
    folder, kept = output.resolve(), set(made)
    earlier = (_record_of(output) or {}).get("files", [])
    for name in earlier if isinstance(earlier, list) else []:
        file = (folder / str(name)).resolve()
        if str(name) not in kept and file.is_relative_to(folder) and file.is_file():
            file.unlink()


def _plan(root: Path, settings: Settings) -> dict[str, Any]:
    return {
        "root": str(root.resolve()),
        "version": __version__,
        "options": settings.record,
        "digest": settings.digest,
    }


def _plan_of(output: Path) -> dict[str, Any] | None:
    return _json(output / STATE_FOLDER / _PLAN)


def _record_of(output: Path) -> dict[str, Any] | None:
    """Return the record of an earlier run in a folder, None if there is none that p31mg wrote."""
    record = _json(output / "results.json")
    is_ours = record is not None and "p31mg" in record.get("versions", {})
    return record if is_ours else None


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("options"), Mapping) else None
