"""A path looked at once: what it is, how large, how it begins. All reading of bytes goes through here and is bounded.

A file may lie about everything, so its size is known before anything of it is read, nothing but regular files is opened
(a pipe would block, a device would never end), and no reader opens a path that stands inside a file: only the file itself
and files of fixed names beside it.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from p31mg.errors import ReadError, UnsupportedFormatError

__all__ = [
    "LARGEST_FILE_BYTES",
    "LARGEST_PARAMETERS_BYTES",
    "LARGEST_TEXT_BYTES",
    "LONGEST_LINE",
    "MOST_LINES",
    "MOST_POINTS",
    "MOST_TEXT_POINTS",
    "Source",
    "require_bytes",
    "require_points",
    "unsupported",
]

T = TypeVar("T")

MOST_POINTS = 2**23
"""Complex points of one file: 134 MB in double precision, so that reading with its copies stays below 500 MB. A grid of
32 x 32 x 16 voxels with 512 points is that large."""

LARGEST_FILE_BYTES = 256 * 2**20
"""Of a binary file: room for `MOST_POINTS` in double precision and as much again for what is beside them."""

LARGEST_TEXT_BYTES = 16 * 2**20
"""Of data in words: 800 000 points in two columns."""

LARGEST_PARAMETERS_BYTES = 2**20
"""Of a file of parameters: thirty times that of a talkative spectrometer. Libraries need a hundredfold of it in memory."""

MOST_TEXT_POINTS = 2**20
MOST_LINES = 2**21
LONGEST_LINE = 2**20

_HEAD_BYTES = 4096
_MOST_NAMES = 20_000


@dataclass(frozen=True)
class Source:
    """A file, or a folder that may be one dataset.

    `names` are those in the folder, or beside the file; `head` is how the file begins, empty for a folder.
    """

    path: Path
    is_folder: bool
    size: int
    head: bytes = field(repr=False)

    @classmethod
    def of(cls, path: Path) -> Source:
        """Look at a path.

        Raises
        ------
        ReadError
            It does not exist, is neither a file nor a folder, is not permitted, or is empty.
        """
        status = _attempt(path, path.stat)
        if stat.S_ISDIR(status.st_mode):
            return cls(path, is_folder=True, size=0, head=b"")
        if not stat.S_ISREG(status.st_mode):
            msg = f"{_shown(path)} is a pipe, device or socket; give a file or the folder of a dataset."
            raise ReadError(msg)
        head = _attempt(path, lambda: _first(path, _HEAD_BYTES))
        if not head:
            msg = f"file {path} is empty."
            raise ReadError(msg)
        return cls(path, is_folder=False, size=status.st_size, head=head)

    @property
    def folder(self) -> Path:
        """The folder itself, or the one that the file lies in."""
        return self.path if self.is_folder else self.path.parent

    @property
    def lower_name(self) -> str:
        """Name of the file or folder in small letters."""
        return self.path.name.lower()

    @cached_property
    def names(self) -> dict[str, str]:
        """Names in `folder`, by their small letters; of an absurdly full folder the first ones."""
        names: dict[str, str] = {}
        with _attempt(self.folder, lambda: os.scandir(self.folder)) as entries:
            for entry in entries:
                names.setdefault(entry.name.lower(), entry.name)
                if len(names) >= _MOST_NAMES:
                    break
        return names

    @cached_property
    def text_head(self) -> str:
        """How the file begins, as text; empty where it holds a zero byte."""
        return "" if b"\x00" in self.head else self.head.decode("utf-8", errors="replace").lstrip("\ufeff")

    def beside(self, name: str) -> Source | None:
        """Return the file of exactly this name in `folder`, or None where there is none; looks at no other file."""
        path = self.folder / name
        return Source.of(path) if path.is_file() else None

    def part(self, name: str) -> Source | None:
        """Return the file of this name in `folder`, in whatever case, or None where there is none."""
        return self.beside(self.names.get(name.lower(), name))

    def require_size(self, largest: int = LARGEST_FILE_BYTES) -> None:
        """Refuse a file that is larger than what it could sensibly hold."""
        if self.size > largest:
            msg = f"file {self.path} has {self.size / 2**20:,.0f} MB; p31mg reads up to {largest / 2**20:,.0f} MB of this kind."
            raise ReadError(msg)

    def read_bytes(self, largest: int = LARGEST_FILE_BYTES) -> bytes:
        """Return the content of the file, which must not be larger than given."""
        self.require_size(largest)
        return _attempt(self.path, lambda: _first(self.path, largest))

    def read_text(self, largest: int = LARGEST_TEXT_BYTES) -> str:
        """Return the content as text: UTF-8, or Latin-1 where it is not (names of patients and hospitals)."""
        content = self.read_bytes(largest)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return content.decode("latin-1")

    def lines(self, start: int = 0) -> Iterator[str]:
        """Return the lines of a text after so many letters, one at a time: a million short strings would weigh a hundred MB."""
        text = io.StringIO(self.read_text(), newline=None)
        text.read(start)
        for number, line in enumerate(text):
            if number > MOST_LINES:
                msg = f"file {self.path} has more than {MOST_LINES:,} lines; p31mg does not read so many."
                raise ReadError(msg)
            if len(line) > LONGEST_LINE:
                msg = f"file {self.path} has a line of {len(line):,} letters; p31mg reads up to {LONGEST_LINE:,}."
                raise ReadError(msg)
            yield line.rstrip("\n")


def require_points(n_points: int, source: Source, most: int = MOST_POINTS) -> None:
    """Refuse more points than memory should hold, before it is asked for."""
    if n_points > most:
        msg = (
            f"file {source.path} states {n_points:,} points; p31mg reads up to {most:,} of one file of this kind. Combine coils "
            "or average transients first, or split it."
        )
        raise ReadError(msg)


def require_bytes(needed: int, there: int, source: Source, what: str, *, exact: bool = False) -> None:
    """Refuse a file whose header promises more than follows, and, where nothing else can follow, less."""
    if exact and needed < there:
        msg = f"file {source.path} is damaged: {what} needs {needed:,} bytes and {there:,} are there."
        raise ReadError(msg)
    if needed > there:
        msg = f"file {source.path} is truncated: {what} needs {needed:,} bytes and {there:,} are there."
        raise ReadError(msg)


def unsupported(source: Source, why: str) -> UnsupportedFormatError:
    """Return the error of a file that is of a format, but not of a kind that holds FIDs."""
    return UnsupportedFormatError(f"file {source.path} {why}")


def _first(path: Path, largest: int) -> bytes:
    with path.open("rb") as file:
        return file.read(largest)


def _attempt(path: Path, action: Callable[[], T]) -> T:
    try:
        return action()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"file {_shown(path)} cannot be read: {reason}."
        raise ReadError(msg) from error


def _shown(path: Path) -> str:
    return str(path)[:200].encode("unicode_escape" if "\x00" in str(path) else "utf-8", "replace").decode()
