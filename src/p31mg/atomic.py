"""Files and folders for output: a file is written whole or not at all."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from p31mg.errors import WriteError

__all__ = ["TEMPORARY_PREFIX", "make_folder", "write_bytes", "write_text", "write_whole"]

TEMPORARY_PREFIX = ".p31mg-"
"""How the names of files begin that are not yet whole."""


def write_whole(path: Path, save: Callable[[str], object]) -> Path:
    """Let `save` write a temporary file beside `path` and put it in its place when it is whole and on the disk."""
    suffix = "".join(path.suffixes[-2:])
    try:
        temporary = _new_file(path.parent, suffix)
        try:
            save(temporary)
            _flush(Path(temporary))
            Path(temporary).replace(path)
            with suppress(OSError):  # the file is whole: some network drives only cannot wait for its name
                _flush(path.parent)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise WriteError(msg) from error
    return path


def write_bytes(path: Path, content: bytes) -> Path:
    """Write bytes, whole or not at all."""
    return write_whole(path, lambda name: Path(name).write_bytes(content))


def write_text(path: Path, text: str) -> Path:
    """Write a text as UTF-8, whole or not at all."""
    return write_whole(path, lambda name: Path(name).write_text(text, encoding="utf-8"))


def _new_file(folder: Path, suffix: str) -> str:
    """Return the name of a new file. Who may read it the system decides: to ask for the umask is to change it for all threads."""
    name = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{suffix}"
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return str(name)


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; where folders cannot be opened they need no waiting."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder for output, made if needed and found to be writable before any work is done."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        msg = f"output folder {path} cannot be written: {error.strerror or error}."
        raise WriteError(msg) from error
    return path
