"""Concentrations of a spectrum in mM, with ATP as the internal reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from p31mg.arrays import FloatArray
from p31mg.errors import InputError, UnknownNameError
from p31mg.magnesium.arguments import numbers

__all__ = ["MUSCLE_ATP_MM", "concentration", "concentrations_mM", "positions"]

MUSCLE_ATP_MM: Final = 8.2
"""Of resting human muscle (Kemp, Meyerspeer & Moser 2007, NMR Biomed 20:555-565)."""

_LOWEST_MM = 0.05
"""Metabolites of energy metabolism are between 0.5 and 50 mM: what is below this was given in mol/l."""


def concentrations_mM(
    amplitude: npt.ArrayLike,
    names: Sequence[str],
    *,
    atp_mM: npt.ArrayLike = MUSCLE_ATP_MM,
    atp_resonance: str | Sequence[str] = "gamma_atp",
    saturation_correction: Mapping[str, float] | None = None,
) -> FloatArray:
    """Scale amplitudes of a spectrum to mM with ATP as the internal reference.

    Parameters
    ----------
    amplitude
        (..., K) amplitudes, in any unit common to a spectrum.
    names
        Names of the K resonances, as in `FitResult.names`.
    atp_mM
        Concentration of ATP, of the batch shape or a single number. Default 8.2, resting human muscle (Kemp,
        Meyerspeer & Moser 2007, NMR Biomed 20:555-565).
    atp_resonance
        Which resonance has the amplitude of ATP, or several whose mean is taken. Default ``"gamma_atp"``: alpha shares its
        place with NAD(H), and beta is the lowest and broadest and lies farthest from PCr, where the excitation
        is weakest. Gamma and alpha contain free ADP too, micromolar beside millimolar.
    saturation_correction
        Factor by resonance that multiplies its amplitude, for incomplete T1 relaxation and for the excitation; 1 where a
        resonance is not named. Default None: all fully relaxed. In a spectrum of short repetition time that is wrong, as PCr
        relaxes several times slower than ATP, and PCr comes out too low.

    Returns
    -------
    FloatArray
        (..., K) concentrations of phosphorus in mM: of NAD(H), which has two 31P, it is twice that of the molecule. NaN
        where the reference is NaN or not above 0.

    Raises
    ------
    InputError
        Amplitudes that do not fit the names, a factor or `atp_mM` that is not above 0, or a single spectrum whose reference
        amplitude is not above 0.
    UnknownNameError
        A reference or a factor for a resonance that is not among the names.

    Examples
    --------
    >>> concentrations_mM([33.0, 4.5, 8.0], ["pcr", "pi", "gamma_atp"], saturation_correction={"pcr": 1.1}).round(2)
    array([37.21,  4.61,  8.2 ])
    """
    signal = numbers("amplitude", amplitude)
    serving, correction = positions(atp_resonance, names), dict(saturation_correction or {})
    if signal.ndim == 0 or signal.shape[-1] != len(names):
        msg = f"amplitude has shape {signal.shape}; its last axis must have the {len(names)} resonances of names."
        raise InputError(msg)
    for name in correction:
        positions(name, names)
    for name, factor in correction.items():
        if not 0 < factor < np.inf:
            msg = f"saturation_correction of {name!r} is {factor}; it multiplies the amplitude and must be above 0 (1: relaxed)."
            raise InputError(msg)
    relaxed: FloatArray = signal * np.array([correction.get(name, 1.0) for name in names])
    reference = relaxed[..., serving].mean(axis=-1)
    if reference.shape == () and reference <= 0:
        msg = f"amplitude of {atp_resonance} is {reference:g}; ATP is the reference and must be above 0."
        raise InputError(msg)
    reference = np.where(reference > 0, reference, np.nan)
    atp = concentration("atp_mM", atp_mM)
    try:
        scale = np.broadcast_to(atp, reference.shape) / reference
    except ValueError as error:
        msg = f"atp_mM has shape {atp.shape}; it must be one number or have the shape {reference.shape} of the spectra."
        raise InputError(msg) from error
    return relaxed * scale[..., None]


def positions(resonance: str | Sequence[str], names: Sequence[str]) -> list[int]:
    """Return where resonances stand among the names of a fit."""
    wanted = (resonance,) if isinstance(resonance, str) else tuple(resonance)
    if not wanted:
        msg = "atp_resonance is empty; name the resonance of ATP, such as 'gamma_atp'."
        raise InputError(msg)
    for name in wanted:
        if name not in names:
            raise UnknownNameError(kind="resonance", name=name, known=names)
    return [list(names).index(name) for name in wanted]


def concentration(
    name: str,
    value: object,
    limits: tuple[float, float] = (_LOWEST_MM, np.inf),
    hint: str = "",
    *,
    own: bool = True,
) -> FloatArray:
    """Return values of which those outside the limits are NaN; a single one of the user's `own` is refused."""
    values = numbers(name, value)
    inside = (values >= limits[0]) & (values <= limits[1]) & np.isfinite(values)
    if own and values.shape == () and not inside and not np.isnan(values):
        if not hint:
            usual = {"atp_mM": " (8.2 for muscle)", "free_mg_mM": " (0.5, not 0.0005)"}.get(name, "")
            looks = f", and below {limits[0]:g} it looks like mol/l: give mM{usual}" if values > 0 else f" mM{usual}"
            hint = f"a concentration must be above 0{looks}"
        msg = f"{name} is {values:g}; {hint}."
        raise InputError(msg)
    return np.where(inside, values, np.nan)
