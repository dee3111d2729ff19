"""Line positions of multiplets.

First order: a coupling J to one spin 1/2 splits every line into two, J/2 up and J/2 down, each with half the weight. Two
equal couplings make the 1:2:1 triplet of beta-ATP.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.core.envelope import gaussian_terms
from p31mg.core.signal import TWO_PI, LineStructure
from p31mg.prior.model import Prior

__all__ = ["common_parameters", "common_range", "first_order_lines", "line_structure"]


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

    The parameters p are frequencies, linewidths and amplitudes of the K resonances, the phase, and those of `common_parameters`.

    Parameters
    ----------
    prior
        The resonances, their couplings and their lineshape.
    ties
        Shape (n, P): how P free parameters make the n parameters p. Default: each is free.
    """
    k, common = len(prior.resonances), common_parameters(prior)
    n = 3 * k + 1 + len(common)
    rates, envelope = gaussian_terms()
    if prior.lineshape == "lorentzian":
        rates, envelope = np.zeros_like(rates[:1]), np.ones_like(envelope[:1])
    first_j = prior["beta_atp"].j_coupling_hz[:1]
    resonance, weight, exponent, slope = [], [], [], []
    for i, r in enumerate(prior.resonances):
        for offset_hz, line_weight in zip(*first_order_lines(r.j_coupling_hz), strict=True):
            for rate, term in zip(rates, envelope, strict=True):
                row = np.zeros(n, dtype=np.complex128)
                row[i] = 1j * TWO_PI
                row[k + i] = -rate if prior.lineshape == "gaussian" else -np.pi
                if "gaussian_linewidth_hz" in common:
                    row[3 * k + 1 + common.index("gaussian_linewidth_hz")] = -rate
                if "j_coupling_hz" in common:
                    row[3 * k + 1 + common.index("j_coupling_hz")] = 1j * TWO_PI * offset_hz / first_j[0]
                resonance.append(i)
                weight.append(line_weight * term)
                exponent.append(0.0 if "j_coupling_hz" in common else 1j * TWO_PI * offset_hz)
                slope.append(row)
    return LineStructure(
        resonance=np.array(resonance),
        weight=np.array(weight, dtype=np.complex128),
        exponent=np.array(exponent, dtype=np.complex128),
        slope=np.array(slope),
        ties=np.eye(n) if ties is None else ties,
        fits_begin_time="begin_time_s" in common,
    )


def common_parameters(prior: Prior) -> list[str]:
    """Return the names of the parameters that all resonances have in common beside the phase, the begin time last."""
    has = {
        "gaussian_linewidth_hz": prior.lineshape == "voigt",
        "j_coupling_hz": prior.j_coupling_bounds_hz is not None,
        "begin_time_s": prior.begin_time_bounds_s is not None,
    }
    return [name for name, is_there in has.items() if is_there]


def common_range(prior: Prior) -> FloatArray:
    """Return expected value, lower and upper bound of each of the `common_parameters`, shape (3, E)."""
    every = {
        "gaussian_linewidth_hz": (prior.gaussian_linewidth_hz, prior.gaussian_linewidth_bounds_hz),
        "j_coupling_hz": (*prior["beta_atp"].j_coupling_hz[:1], prior.j_coupling_bounds_hz),
        "begin_time_s": (0.0, prior.begin_time_bounds_s),
    }
    rows = [(every[name][0], *every[name][-1]) for name in common_parameters(prior)]  # type: ignore[misc]
    return np.array(rows, dtype=float).reshape(-1, 3).T
