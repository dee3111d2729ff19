"""What is legal in a prior and still likely to cost magnesium: one sentence for each."""

from __future__ import annotations

from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T, PLAUSIBLE_SHIFT_ALPHA_BETA_PPM
from p31mg.prior.model import ATP_CHAIN, Prior

__all__ = ["advice"]

_USUAL_SHIFTS_PPM = (8.40, 8.95)
"""Of alpha less beta: 1.9 to 0.12 mM by Gupta 1978."""
_USUAL_J_HZ = (13.0, 22.0)
_CLOSE_PPM = 0.15
_FREE_NEIGHBOUR_PPM = 1.0


def advice(prior: Prior) -> tuple[str, ...]:
    """Return sentences about a prior that holds together; none where there is nothing to say.

    Examples
    --------
    >>> from p31mg.prior import load_prior
    >>> advice(load_prior("muscle"))
    ()
    """
    return (*_coupling(prior), *_windows(prior), *_neighbours(prior), *_reference(prior))


def _coupling(prior: Prior) -> list[str]:
    out = []
    if prior.coupling == "first-order" and all(prior[n].j_coupling_hz for n in ATP_CHAIN if n in prior.names):
        field = prior.field_strength_t
        effect = (
            "0.02 to 0.04 ppm at 1.5 T"
            if field < 2.2
            else "up to 0.009 ppm at 3 T"
            if field < 5
            else "0.002 ppm at 7 T"
        )
        out.append(
            f'ATP is in first order, which biases the alpha-beta difference by {effect}; coupling = "exact" does not'
        )
    for name in (n for n in ATP_CHAIN if n in prior.names):
        couplings = prior[name].j_coupling_hz
        if not couplings:
            out.append(f"{name} has no j_coupling_hz; its lines are 15 to 20 Hz apart")
        elif not all(_USUAL_J_HZ[0] <= j <= _USUAL_J_HZ[1] for j in couplings[: 2 if name == "beta_atp" else 1]):
            out.append(
                f"j_coupling_hz of {name} is {list(couplings)}; in tissue it is 15 to 17 Hz, of free ATP 19 to 20"
            )
    return out


def _windows(prior: Prior) -> list[str]:
    alpha, beta = prior["alpha_atp"], prior["beta_atp"]
    expected = alpha.chemical_shift_ppm - beta.chemical_shift_ppm
    low, high = (alpha.chemical_shift_ppm - edge for edge in reversed(beta.shift_bounds_ppm))
    out = []
    if not PLAUSIBLE_SHIFT_ALPHA_BETA_PPM[0] < expected < PLAUSIBLE_SHIFT_ALPHA_BETA_PPM[1]:
        out.append(f"alpha less beta is expected at {expected:.2f} ppm, where no magnesium puts it")
    if low > _USUAL_SHIFTS_PPM[0] or high < _USUAL_SHIFTS_PPM[1]:
        out.append(
            f"the window of beta_atp lets alpha less beta be {low:.2f} to {high:.2f} ppm; free Mg of 0.12 to 1.9 mM needs "
            f"{_USUAL_SHIFTS_PPM[0]:.2f} to {_USUAL_SHIFTS_PPM[1]:.2f}: outside, beta stops at its bound"
        )
    pairs = [(a, b) for i, a in enumerate(prior.resonances) for b in prior.resonances[i + 1 :]]
    for a, b in pairs:
        (a_low, a_high), (b_low, b_high) = a.shift_bounds_ppm, b.shift_bounds_ppm
        if min(a_high, b_high) - max(a_low, b_low) > _CLOSE_PPM and prior.reference not in (a.name, b.name):
            out.append(f"the windows of {a.name} and {b.name} overlap; the two may change places")
    return out


def _neighbours(prior: Prior) -> list[str]:
    alpha = prior["alpha_atp"]
    low, high = alpha.chemical_shift_ppm - _FREE_NEIGHBOUR_PPM, alpha.chemical_shift_ppm
    near = [r for r in prior.resonances if r is not alpha and low < r.chemical_shift_ppm < high]
    if not near:
        return ["nothing stands for NAD(H), -8.1 to -8.35 ppm, on the flank of alpha_atp; left out it pulls alpha"]
    mhz = LARMOR_FREQUENCY_31P_MHZ_PER_T * prior.field_strength_t
    return [
        f"{r.name} on the flank of alpha_atp has a linewidth of its own, which the two can hardly share out at "
        f'{abs(r.chemical_shift_ppm - alpha.chemical_shift_ppm) * mhz:.0f} Hz; linewidth_as = "alpha_atp" ties it'
        for r in near
        if r.linewidth_as is None
    ]


def _reference(prior: Prior) -> list[str]:
    if prior.reference == "pcr":
        return []
    return [
        f"the reference is {prior.reference}, put at {prior[prior.reference].chemical_shift_ppm:g} ppm: no pH comes from Pi, and "
        "no beta shift from PCr"
    ]
