"""Numbers that users give, as arrays."""

from __future__ import annotations

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.errors import InputError

__all__ = ["numbers"]


def numbers(name: str, value: object) -> FloatArray:
    """Return an argument as an array of float, or refuse it by its name."""
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        msg = f"{name} is {value!r}; it must be a number or an array of numbers."
        raise InputError(msg) from error
