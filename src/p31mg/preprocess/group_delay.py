"""The delay of a receiver's digital filter, undone by a shift in time of a whole and broken number of points.

A symmetric filter delays every frequency by the same time, so that moving the signal to earlier times undoes it exactly: by a
phase proportional to the frequency on data padded to twice their length, so that nothing folds in from the other end. The
points before the signal, which then lie at the end, are cut off.
"""

from __future__ import annotations

import math

import numpy as np

from p31mg.acquisition import ProcessingStep, Spectra
from p31mg.arrays import ComplexArray
from p31mg.errors import InputError
from p31mg.preprocess.axes import require_spectra

__all__ = ["moved_earlier", "remove_group_delay"]


def remove_group_delay(spectra: Spectra, delay_points: float) -> Spectra:
    """Return spectra without the group delay of a digital filter, which comes before the signal.

    `p31mg.read` does this for the formats that state the delay (Bruker, NMRPipe, JEOL). This is for FIDs that come from
    elsewhere and begin with some 70 points of almost nothing.

    Parameters
    ----------
    spectra
        One spectrum or a stack.
    delay_points
        By how many points the filter delays the signal, whole or broken: GRPDLY of Bruker. 0 or above.

    Returns
    -------
    Spectra
        With ``ceil(delay_points)`` points less. The begin time stays: it is that of the receiver, whose first point this makes
        the first one.

    Raises
    ------
    InputError
        A delay that is negative, not finite, or longer than the FID.

    Examples
    --------
    >>> import numpy as np
    >>> import p31mg
    >>> fid = p31mg.simulate(0.5, prior="muscle-3t", seed=1)
    >>> late = p31mg.Spectra(np.concatenate([np.zeros(70), fid.fid]), fid.acquisition)
    >>> bool(np.allclose(remove_group_delay(late, 70.0).fid, fid.fid))
    True
    """
    require_spectra(spectra)
    n = spectra.n_points
    if not (np.isfinite(delay_points) and 0 <= delay_points < n):
        msg = f"delay_points is {delay_points}; it must be 0 or above and below the {n} points of the FID."
        raise InputError(msg)
    step = ProcessingStep(
        name="remove_group_delay", method="Temporal shift", parameters={"delay_points": float(delay_points)}
    )
    return spectra.processed(moved_earlier(spectra.fid, delay_points), step)


def moved_earlier(fid: ComplexArray, delay_points: float) -> ComplexArray:
    """Return FIDs (..., n) moved to earlier times, without the points that were before the signal.

    Examples
    --------
    >>> delayed = np.concatenate([np.zeros(70), np.exp(-np.arange(130) / 9)]).astype(complex)
    >>> moved = moved_earlier(delayed, 70.0)
    >>> moved.size, bool(np.allclose(moved, delayed[70:]))
    (130, True)
    """
    if delay_points == 0:
        return fid
    n = fid.shape[-1]
    kept = n - math.ceil(delay_points)
    turn = np.exp(2j * np.pi * np.fft.fftfreq(2 * n) * delay_points)
    out = np.empty((*fid.shape[:-1], kept), dtype=np.complex128)
    for row, moved in zip(fid.reshape(-1, n), out.reshape(-1, kept), strict=True):  # one by one: little memory
        moved[:] = np.fft.ifft(np.fft.fft(row, 2 * n) * turn)[:kept]
    return out
