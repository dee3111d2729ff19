"""Exceptions and warnings: every message says what, which value, what is allowed, and what to do.

::

    P31mgError
    +-- InputError (ValueError)             an argument outside what is allowed
    |   +-- UnknownNameError                no prior, calibration or engine of that name
    |   +-- PriorKnowledgeError             a prior-knowledge file that does not hold together
    +-- ReadError (OSError)                 a file that cannot be used
    |   +-- UnsupportedFormatError          no reader knows the content
    |   +-- MissingMetadataError            the file does not state what only an option can supply
    +-- WriteError (OSError)                an output that cannot be written

    P31mgWarning (UserWarning)              something that is allowed but looks like a mistake
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "InputError",
    "MissingMetadataError",
    "P31mgError",
    "P31mgWarning",
    "PriorKnowledgeError",
    "ReadError",
    "UnknownNameError",
    "UnsupportedFormatError",
    "WriteError",
]


class P31mgError(Exception):
    """Base of all errors that `p31mg` raises on purpose.

    Examples
    --------
    >>> import p31mg
    >>> try:
    ...     p31mg.free_magnesium(8.55, calibration="gupta-1987")
    ... except p31mg.P31mgError as error:
    ...     print(error)
    calibration 'gupta-1987' is not known; the nearest are 'gupta-1984', 'gupta-1978'. All: gupta-1978, gupta-1984, iotti-1996.
    """


class InputError(P31mgError, ValueError):
    """An argument has a value that is not allowed."""


class UnknownNameError(InputError):
    """A prior, calibration or engine of this name does not exist."""

    def __init__(self, *, kind: str, name: object, known: Iterable[str]) -> None:
        names = list(known)
        near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.6)
        hint = f"; the nearest are {', '.join(map(repr, near))}" if near else ""
        super().__init__(f"{kind} {name!r} is not known{hint}. All: {', '.join(names)}.")


class PriorKnowledgeError(InputError):
    """A prior-knowledge file or table does not hold together."""


class ReadError(P31mgError, OSError):
    """A file cannot be read as a spectrum."""


class UnsupportedFormatError(ReadError):
    """No reader recognises the content of a file."""


class MissingMetadataError(ReadError):
    """The file does not state an acquisition parameter, and no option supplied it."""


class WriteError(P31mgError, OSError):
    """A result cannot be written where it was asked for."""


class P31mgWarning(UserWarning):
    """Something that is allowed but looks like a mistake."""
