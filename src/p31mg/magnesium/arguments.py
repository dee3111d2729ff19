"""Numbers that users give, as arrays: what is wrong with one of their own is an error, among many it is NaN and a flag."""

from __future__ import annotations

import numbers as numbers_abc
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from p31mg.arrays import BoolArray, FloatArray
from p31mg.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["broadcast_pair", "inside_or_nan", "numbers", "own_or_nan", "require_level", "sd_or_nan"]

_LONGEST_TEXT = 60


def numbers(name: str, value: object) -> FloatArray:
    """Return an argument as an array of float, or refuse it by its name."""
    try:
        if type(value).__module__.startswith("pandas") and hasattr(
            value, "to_numpy"
        ):  # a column, whose missing values are NaN here
            value = cast("pd.Series[float]", value).to_numpy(dtype=float, na_value=np.nan)
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        text = " ".join(repr(value).split())
        shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."
        msg = f"{name} is {shown}; it must be a number or an array of numbers."
        raise InputError(msg) from error


def own_or_nan(name: str, value: object, limits: tuple[float, float], hint: str) -> tuple[FloatArray, BoolArray]:
    """Return an argument with what lies outside the limits as NaN, and where that was so; a single one is refused.

    None is one NaN. A single NaN is refused as well; in an array it is a value that is not known.
    """
    if value is None:
        return np.array(np.nan), np.array(False)
    values = numbers(name, value)
    bad = np.asarray((values < limits[0]) | (values > limits[1]) | (np.isnan(values) & (values.ndim == 0)))
    if not bad.any():
        return values, bad
    if values.size == 1:
        msg = f"{name} is {values.flat[0]:g}; {hint}."
        raise InputError(msg)
    return np.where(bad, np.nan, values), bad


def sd_or_nan(name: str, value: object) -> tuple[FloatArray, BoolArray]:
    """Return a standard deviation, of which NaN or None is one that is not known, and where it was none."""
    if value is not None and np.isnan(values := numbers(name, value)).all():
        return values, np.array(False)
    limits = 0.0, float(np.finfo(float).max)
    return own_or_nan(name, value, limits, "a standard deviation cannot be negative or infinite")


def inside_or_nan(values: npt.ArrayLike, limits: tuple[float, float]) -> FloatArray:
    """Return numbers as an array with what does not lie between the limits, which are excluded, as NaN."""
    array = np.asarray(values, dtype=float)
    return np.where((array > limits[0]) & (array < limits[1]), array, np.nan)


def broadcast_pair(name: str, values: FloatArray, other_name: str, others: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two arguments in their common shape; what is one number for all stays a view of it."""
    try:
        shape = np.broadcast_shapes(values.shape, others.shape)
    except ValueError as error:
        msg = (
            f"{other_name} has shape {others.shape} and {name} {values.shape}; "
            f"give one number or as many as there are of {name}."
        )
        raise InputError(msg) from error
    return np.broadcast_to(values, shape), np.broadcast_to(others, shape)


def require_level(level: float) -> None:
    """Refuse what is no level of an interval."""
    if not isinstance(level, numbers_abc.Real) or not 0 < level < 1:
        msg = f"level is {level!r}; it must lie between 0 and 1 (0.95 for a 95 % interval)."
        raise InputError(msg)
