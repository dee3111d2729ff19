"""Calls into libraries that parse files: whatever they do with a hostile file comes out as one error of ours."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

from p31mg.errors import P31mgError, ReadError
from p31mg.io.source import Source

__all__ = ["library", "reason_of"]


@contextlib.contextmanager
def library(source: Source, format_name: str) -> Iterator[None]:
    """Run a block that calls a reading library: its errors become `ReadError`, its warnings and its printing stay inside.

    Parsers of binary files raise whatever the broken bytes lead to (KeyError of a lookup table, struct.error, ZeroDivisionError);
    no list of classes is complete, so this one place takes them all, and names the file.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        except P31mgError:
            raise
        except Exception as error:
            msg = f"file {source.path} is truncated or damaged ({format_name}): {reason_of(error)}; export or copy it again."
            raise ReadError(msg) from error


def reason_of(error: BaseException) -> str:
    """Return the first line of what an error says, or its class where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:200] if lines else type(error).__name__
