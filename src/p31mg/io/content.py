"""What every format module returns: the FIDs with the sign settled, and what the file states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from p31mg.io.header import Stated

__all__ = ["Content"]


@dataclass(frozen=True)
class Content:
    """Content of a file, before the user's word is heard."""

    fid: npt.NDArray[np.complexfloating[Any, Any]]
    stated: Stated
    axis_names: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
