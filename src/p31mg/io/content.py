"""What every format module returns, and what it has to offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from p31mg.acquisition import ProcessingStep
from p31mg.io.header import Stated
from p31mg.io.source import Source

__all__ = ["Content", "Format", "one_or_stack"]


@dataclass(frozen=True)
class Content:
    """Content of a file, before the user's word is heard.

    `fid` (..., n_points) has the sign of the package; `axis_names` say what its batch axes mean; `metadata` is what the file
    said, untouched; `doubts` are sentences about what the file leaves open; `history` is what it says was done to the FIDs.
    """

    fid: npt.NDArray[np.complexfloating[Any, Any]]
    stated: Stated
    axis_names: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    history: tuple[ProcessingStep, ...] = ()


def one_or_stack(fid: npt.NDArray[Any], axis_name: str) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Return the only row of FIDs (k, n_points) without a batch axis, or all of them with the axis named."""
    return (fid[0], ()) if len(fid) == 1 else (fid, (axis_name,))


class Format(Protocol):
    """What a module of `p31mg.io.formats` offers.

    `NAME` for messages, `SUFFIXES` in small letters that its files usually have (may be empty), `recognises`: by content
    and never raising for content, `parse`: all of it, raising `ReadError` where the content is not what it should be.
    """

    NAME: str
    SUFFIXES: tuple[str, ...]

    def recognises(self, source: Source) -> bool:
        """Return whether the content is of this format."""

    def parse(self, source: Source) -> Content:
        """Return the content, with the sign of the frequency axis settled."""
