"""Results as JSON: plain values only, numbers that are not finite become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["json_text", "jsonable"]


def json_text(document: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    """Return a document as indented JSON with a final line end."""
    return json.dumps(jsonable(document), indent=2, allow_nan=False, sort_keys=sort_keys) + "\n"


def jsonable(value: Any) -> Any:
    """Return a value that JSON can hold.

    Examples
    --------
    >>> jsonable({"shift_ppm": np.float32(8.5), "sd_ppm": float("nan")})
    {'shift_ppm': 8.5, 'sd_ppm': None}
    """
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return str(value)
