"""Which model a fit uses: what the caller chooses and what the acquisition says, written into the prior."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from p31mg.acquisition import Acquisition
from p31mg.errors import InputError, UnknownNameError
from p31mg.prior import Prior

__all__ = [
    "BASELINES",
    "LINESHAPE_CHOICES",
    "PHASE_MODELS",
    "Choice",
    "with_couplings",
    "with_field",
    "with_phase_model",
]

PHASE_MODELS = ("auto", "locked", "begin-time", "free")
LINESHAPE_CHOICES = ("auto", "prior")
BASELINES = ("auto", "none")

_BOUND_IN_SD = 4.0
"""Of the begin time."""

_UNKNOWN_BEGIN_TIME_S = 1e-3
"""Bounds of a begin time that is fitted though it is said to be exact."""

SD_COUPLING_HZ = 2.0
"""Of J(alpha-beta) and J(beta-gamma) of ATP in tissue: 15 to 20 Hz, by Mg2+ and pH."""

_COUPLING_BOUND_SD = 4.0

_FIELD_PPM, _FIELD_BOUNDS_PPM = 0.1, (0.01, 1.0)
"""Gaussian width of a field that is found to broaden the lines: expected, and bounds. The lowest tells nothing from 0."""

_NARROWEST_LORENTZIAN = 0.2
"""Of the lower bound of a linewidth: what it may fall to where the field has a share of the width."""


@dataclass(frozen=True)
class Choice:
    """What a caller of `fit` chose: phase model, lineshape, baseline (or how many first points to leave out)."""

    phase_model: str
    lineshape: str
    baseline: str | int

    def __post_init__(self) -> None:
        if self.phase_model not in PHASE_MODELS:
            raise UnknownNameError(kind="phase_model", name=self.phase_model, known=PHASE_MODELS)
        if self.lineshape not in LINESHAPE_CHOICES:
            raise UnknownNameError(kind="lineshape", name=self.lineshape, known=LINESHAPE_CHOICES)
        if isinstance(self.baseline, str) and self.baseline not in BASELINES:
            raise UnknownNameError(kind="baseline", name=self.baseline, known=(*BASELINES, "or a number of points"))
        is_number = isinstance(self.baseline, (int, np.integer)) and not isinstance(self.baseline, bool)
        if not isinstance(self.baseline, str) and not (is_number and self.baseline >= 0):
            msg = (
                f'baseline is {self.baseline!r}; give "auto", "none", or how many first points to leave out, 0 or more.'
            )
            raise InputError(msg)


def with_phase_model(prior: Prior, phase_model: str, acquisition: Acquisition) -> Prior:
    """Return a prior with begin time and phases as the caller chose.

    ``"auto"`` is what the prior says, and for one that says nothing ``"begin-time"`` where the begin time has an sd and
    ``"locked"`` where it is exact.
    """
    if phase_model == "auto":
        if prior.begin_time_bounds_s is not None or prior.free_phases:
            return prior
        phase_model = "begin-time" if acquisition.sd_begin_time_s > 0 else "locked"
    if phase_model == "locked":
        return replace(prior, begin_time_bounds_s=None, free_phases=False)
    if phase_model == "free":
        return replace(prior, begin_time_bounds_s=None, free_phases=True)
    reach = _BOUND_IN_SD * acquisition.sd_begin_time_s or _UNKNOWN_BEGIN_TIME_S
    return replace(prior, begin_time_bounds_s=prior.begin_time_bounds_s or (-reach, reach), free_phases=False)


def with_couplings(prior: Prior) -> Prior:
    """Return a prior whose couplings are fitted around what it expects, unless it says how, or has first-order multiplets.

    In the spin system a line moves by J^2 over twice the distance of the coupled spins: 4 Hz of J are 0.02 ppm at 1.5 T and 0.003
    ppm at 3 T; and multiplets of a wrong J leave a residual at high SNR.
    """
    if prior.coupling == "first-order" or prior.j_coupling_bounds_hz is not None:
        return prior
    expected = prior["beta_atp"].j_coupling_hz[0]
    low, high = (expected + sign * _COUPLING_BOUND_SD * SD_COUPLING_HZ for sign in (-1.0, 1.0))
    return replace(prior, j_coupling_bounds_hz=(max(low, 0.1 * expected), high), j_coupling_sd_hz=SD_COUPLING_HZ)


def with_field(prior: Prior, spectrometer_frequency_mhz: float) -> Prior:
    """Return a prior of Lorentzian lines with lines that an inhomogeneous field has broadened, all alike."""
    low, high = (ppm * spectrometer_frequency_mhz for ppm in _FIELD_BOUNDS_PPM)
    resonances = tuple(
        replace(r, linewidth_bounds_hz=(_NARROWEST_LORENTZIAN * r.linewidth_bounds_hz[0], r.linewidth_bounds_hz[1]))
        for r in prior.resonances
    )
    return replace(
        prior,
        lineshape="asymmetric",
        gaussian_linewidth_hz=_FIELD_PPM * spectrometer_frequency_mhz,
        gaussian_linewidth_bounds_hz=(low, high),
        resonances=resonances,
    )
