"""Line positions of multiplets.

First order: a coupling J to one spin 1/2 splits every line into two, J/2 up and J/2 down, each with half the weight. Two
equal couplings make the 1:2:1 triplet of beta-ATP.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.core.signal import TWO_PI, LineStructure
from p31mg.prior.model import Prior

__all__ = ["first_order_lines", "line_structure"]


def first_order_lines(j_coupling_hz: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Return offsets from the multiplet's centre (Hz, ascending) and weights (adding to 1) of a first-order multiplet.

    Parameters
    ----------
    j_coupling_hz
        One coupling constant in Hz per coupled neighbour; empty for a singlet.

    Examples
    --------
    >>> first_order_lines([16.0, 16.0])
    (array([-16.,   0.,  16.]), array([0.25, 0.5 , 0.25]))
    """
    offsets: FloatArray = np.zeros(1)
    weights: FloatArray = np.ones(1)
    for j in j_coupling_hz:
        split = np.concatenate([offsets - j / 2, offsets + j / 2])
        halved = np.concatenate([weights, weights]) / 2
        offsets, line_of = np.unique(split, return_inverse=True)
        weights = np.bincount(line_of, halved).astype(float)
    return offsets, weights


def line_structure(prior: Prior, ties: FloatArray | None = None) -> LineStructure:
    """Return the lines of all resonances of a prior for the core.

    Parameters
    ----------
    prior
        The resonances and their couplings.
    ties
        Shape (3K+1, P): how P free parameters make frequency, linewidth and amplitude of each resonance, and the phase.
        Default: each is free.
    """
    multiplets = [first_order_lines(r.j_coupling_hz) for r in prior.resonances]
    k = len(multiplets)
    resonance = np.repeat(np.arange(k), [len(offsets) for offsets, _ in multiplets])
    slope = np.zeros((len(resonance), 3 * k + 1), dtype=np.complex128)
    each = np.arange(len(resonance))
    slope[each, resonance] = 1j * TWO_PI
    slope[each, k + resonance] = -np.pi
    return LineStructure(
        resonance=resonance,
        weight=np.concatenate([weights for _, weights in multiplets]).astype(np.complex128),
        exponent=1j * TWO_PI * np.concatenate([offsets for offsets, _ in multiplets]),
        slope=slope,
        ties=np.eye(3 * k + 1) if ties is None else ties,
    )
