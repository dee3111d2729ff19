r"""The lines of a prior's resonances, in the form that the core fits: exponents linear in the parameters.

**First order**: a coupling J to one spin 1/2 splits every line into two, J/2 up and J/2 down, each with half the weight. Two
equal couplings make the 1:2:1 triplet of beta-ATP.

**Exact**: alpha, beta and gamma of ATP are the spin system of `p31mg.prior.spin_system`. Its lines are computed once, at the
shifts and couplings that the prior expects and at the frequency of the spectrometer, with their first derivatives by the three
shifts and by J; their weights stay as they are there. What is left out of the frequencies is of the order of
:math:`J^2/\Delta^2` times the distance from the expected place, and of the weights :math:`J/2\Delta` times the relative change
of :math:`\Delta`. A line of beta holds a little of the amplitudes of alpha and gamma, and moves with them, by
:math:`J^2/2\Delta^2` of their shift, 1e-3 at 1.5 T. The shift of a resonance remains the Larmor frequency of its spin, its
amplitude the magnetisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from p31mg.arrays import ComplexArray, FloatArray
from p31mg.core.envelope import LARGEST_SKEW_RATIO, gaussian_terms, skewed_terms
from p31mg.core.signal import TWO_PI, LineStructure
from p31mg.prior.model import ATP_CHAIN, OF_FIELD, Prior
from p31mg.prior.spin_system import spin_lines

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


@dataclass(frozen=True)
class _Multiplet:
    """L lines of one resonance: frequency = `constant_hz` + `by_shift` @ frequencies (K,) + `by_j` times the first coupling.

    `weight` (L, K): of the amplitudes of all resonances.
    """

    weight: FloatArray
    constant_hz: FloatArray
    by_shift: FloatArray
    by_j: FloatArray


def line_structure(
    prior: Prior,
    spectrometer_frequency_mhz: float,
    ties: FloatArray | None = None,
    *,
    shift_ppm: FloatArray | None = None,
) -> LineStructure:
    """Return the lines of all resonances of a prior for the core.

    The parameters p are frequencies, linewidths and amplitudes of the K resonances, the phase, and those of `common_parameters`.

    Parameters
    ----------
    prior
        The resonances, their couplings and their lineshape.
    spectrometer_frequency_mhz
        How far apart coupled spins are, in Hz.
    ties
        Shape (n, P): how P free parameters make the n parameters p. Default: each is free.
    shift_ppm
        Shape (K,): where the lines of exact coupling are those of the spin system; nearby they are linear in the parameters.
        Default: what the prior expects.
    """
    k, common = len(prior.resonances), common_parameters(prior)
    n = 3 * k + 1 + len(common)
    column = {name: 3 * k + 1 + i for i, name in enumerate(common)}
    multiplets = _multiplets(prior, spectrometer_frequency_mhz, shift_ppm)
    first_j = (*prior["beta_atp"].j_coupling_hz, 0.0)[0]
    expected = np.array([r.amplitude for r in prior.resonances])
    resonance, weight, shares, exponent, slope = [], [], [], [], []
    for i, m in enumerate(multiplets):
        for line_weight, constant_hz, by_shift, by_j in zip(m.weight, m.constant_hz, m.by_shift, m.by_j, strict=True):
            for rate, skew_rate, term in zip(*_envelope(prior.lineshape), strict=True):
                row = np.zeros(n, dtype=np.complex128)
                row[:k] = 1j * TWO_PI * by_shift
                row[k + i] = -rate if prior.lineshape == "gaussian" else -np.pi
                moved = {
                    "gaussian_linewidth_hz": -rate,
                    "field_skew_hz": -skew_rate,
                    "j_coupling_hz": 1j * TWO_PI * by_j,
                }
                for name in moved.keys() & column.keys():
                    row[column[name]] = moved[name]
                fixed_hz = constant_hz if "j_coupling_hz" in common else constant_hz + by_j * first_j
                usual = line_weight @ expected / expected[i]
                resonance.append(i)
                weight.append(usual * term)
                shares.append(line_weight / usual)
                exponent.append(1j * TWO_PI * fixed_hz)
                slope.append(row)
    phase_slope = np.zeros((len(resonance), n))
    phase_slope[:, 3 * k] = 1.0
    for i, r in enumerate(prior.resonances):
        if f"{r.name}_phase_rad" in column:
            phase_slope[np.array(resonance) == i, column[f"{r.name}_phase_rad"]] = 1.0
    return LineStructure(
        resonance=np.array(resonance),
        weight=np.array(weight, dtype=np.complex128),
        exponent=np.array(exponent, dtype=np.complex128),
        slope=np.array(slope),
        phase_slope=phase_slope,
        ties=np.eye(n) if ties is None else ties,
        fits_begin_time="begin_time_s" in common,
        shares=np.array(shares) if prior.coupling == "exact" else None,
    )


def _envelope(lineshape: str) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """Return the exponentials of a line: rates for 1 Hz of Gaussian width, rates for 1 Hz of skew, and weights."""
    if lineshape == "asymmetric":
        return skewed_terms()
    rates, weights = gaussian_terms()
    if lineshape == "lorentzian":
        rates, weights = np.zeros_like(rates[:1]), np.ones_like(weights[:1])
    return rates, np.zeros_like(rates), weights


def _multiplets(prior: Prior, frequency_mhz: float, shift_ppm: FloatArray | None) -> list[_Multiplet]:
    multiplets = [_first_order(prior, i) for i in range(len(prior.resonances))]
    if prior.coupling == "exact":
        shift_ppm = np.array([r.chemical_shift_ppm for r in prior.resonances]) if shift_ppm is None else shift_ppm
        for name, multiplet in _exact(prior, frequency_mhz * shift_ppm).items():
            multiplets[prior.index(name)] = multiplet
    return multiplets


def _first_order(prior: Prior, i: int) -> _Multiplet:
    """Return the lines of one resonance in first order; `by_j` in units of the first coupling of beta-ATP."""
    couplings = prior.resonances[i].j_coupling_hz
    first_j = (*prior["beta_atp"].j_coupling_hz, 0.0)[0]
    offsets, weights = first_order_lines(couplings)
    moved = prior.j_coupling_bounds_hz is not None
    by_shift = np.zeros((len(offsets), len(prior.resonances)))
    by_shift[:, i] = 1.0
    return _Multiplet(
        weight=weights[:, None] * by_shift,
        constant_hz=np.zeros_like(offsets) if moved else offsets,
        by_shift=by_shift,
        by_j=offsets / first_j if moved else np.zeros_like(offsets),
    )


def _exact(prior: Prior, shift_hz: FloatArray) -> dict[str, _Multiplet]:
    """Return the multiplets of ATP, expanded at shifts (K,) in Hz from the reference."""
    spins = [prior.index(name) for name in ATP_CHAIN]
    of_pair = np.array(prior.atp_couplings_hz)
    lines = spin_lines(shift_hz[spins], of_pair)
    first_j = prior["beta_atp"].j_coupling_hz[0]
    out = {}
    for spin, k in enumerate(spins):
        own = lines.multiplet(spin, prior.resonances[k].linewidth_hz)
        weight, by_shift = np.zeros((2, len(own.frequency_hz), len(prior.resonances)))
        weight[:, spins], by_shift[:, spins] = own.weight, own.by_shift
        at_couplings = own.by_coupling @ of_pair
        out[ATP_CHAIN[spin]] = _Multiplet(
            weight=weight,
            constant_hz=own.frequency_hz - by_shift @ shift_hz - at_couplings,
            by_shift=by_shift,
            by_j=at_couplings / first_j,
        )
    return out


def common_parameters(prior: Prior) -> list[str]:
    """Return the names of the parameters beyond the common phase that belong to no resonance alone, the begin time last.

    The phases of resonances are what is added to the common phase; that of the reference has nothing added.
    """
    has = {
        "gaussian_linewidth_hz": prior.lineshape in OF_FIELD,
        "field_skew_hz": prior.lineshape == "asymmetric",
        "j_coupling_hz": prior.j_coupling_bounds_hz is not None,
        **{f"{n}_phase_rad": prior.free_phases and n != prior.reference for n in prior.names},
        "begin_time_s": prior.begin_time_bounds_s is not None,
    }
    return [name for name, is_there in has.items() if is_there]


def common_range(prior: Prior) -> FloatArray:
    """Return expected value, lower and upper bound of each of the `common_parameters`, shape (3, E)."""
    widest = (prior.gaussian_linewidth_bounds_hz or (0.0, 0.0))[1]
    most = LARGEST_SKEW_RATIO * widest / np.sqrt(8 * np.log(2))
    every = {
        "gaussian_linewidth_hz": (prior.gaussian_linewidth_hz, prior.gaussian_linewidth_bounds_hz),
        "field_skew_hz": (0.0, (-most, most)),
        "j_coupling_hz": (*prior["beta_atp"].j_coupling_hz[:1], prior.j_coupling_bounds_hz),
        **{f"{n}_phase_rad": (0.0, (-np.inf, np.inf)) for n in prior.names},
        "begin_time_s": (0.0, prior.begin_time_bounds_s),
    }
    rows = [(every[name][0], *every[name][-1]) for name in common_parameters(prior)]  # type: ignore[misc]
    return np.array(rows, dtype=float).reshape(-1, 3).T
