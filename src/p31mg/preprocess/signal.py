"""How long the signal lasts, found in the data: what comes later is noise to every step that looks for the signal."""

from __future__ import annotations

import numpy as np

from p31mg.arrays import BoolArray, ComplexArray

__all__ = ["evenly", "lasting_points", "standing_out"]

_STANDING_OUT_SD = 5.0
_LEAST_EXCESS = 0.05
"""Bins with less power above the noise than that, relative to the highest, hold more noise than they tell."""
_FEWEST_POINTS = 32
_KEPT = 4.0
"""Times the length at which the signal stands out most, which is 0.63 time constants of an exponential decay: 2.5 of them."""


def evenly(fid: ComplexArray, n_last_axes: int, most: int) -> ComplexArray:
    """Return at most so many of the arrays that the last axes make, evenly chosen along the leading ones: shape (n, ...).

    Examples
    --------
    >>> evenly(np.zeros((30, 20, 64), dtype=complex), 1, 5).shape
    (5, 64)
    """
    shape = fid.shape[: fid.ndim - n_last_axes]
    n = int(np.prod(shape))
    chosen = np.linspace(0, n - 1, min(most, n)).round().astype(np.intp)
    return fid[np.unravel_index(chosen, shape)] if shape else fid[None]


def lasting_points(fid: ComplexArray) -> int:
    r"""Return how many of the first points of FIDs (..., N) hold nearly all signal, of those that hold any.

    With the mean power P of all of them, the k first points stand out by :math:`\sum_{n<k} (P_n - P_{tail}) / \sqrt{k}`, which
    is highest at 0.63 time constants of an exponential decay.

    Examples
    --------
    >>> decay = np.exp(-np.arange(1000) / 100.0 + 0j)
    >>> lasting_points(decay)
    252
    """
    n = fid.shape[-1]
    rows = fid.reshape(-1, n)
    rows = rows[np.isfinite(rows).all(axis=-1)]
    if not len(rows):
        return n
    power = (rows.real**2 + rows.imag**2).mean(axis=0)
    above = np.cumsum(power - power[-(n // 4) :].mean()) / np.sqrt(np.arange(1, n + 1))
    return int(min(max(_KEPT * (1 + above.argmax()), _FEWEST_POINTS), n))


def standing_out(bins: ComplexArray, together: tuple[int, ...]) -> BoolArray:
    """Return which bins of transforms (..., K), whose noise has unit sd per component, hold signal.

    Those whose mean power over the axes `together`, which have length 1 in what is returned, is 5 sd above that of noise and 5 %
    of the highest.
    """
    power = (bins.real**2 + bins.imag**2).mean(axis=together, keepdims=True)
    excess = power / 2.0 - 1.0
    sd = 1.0 / np.sqrt(np.prod([bins.shape[i] for i in together]))
    return excess > np.maximum(_STANDING_OUT_SD * sd, _LEAST_EXCESS * excess.max(axis=-1, keepdims=True))
