"""What a grid of spectra says at each of its places, as maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.errors import InputError
from p31mg.magnesium.result import MagnesiumResult

__all__ = ["MAPS", "HasPlaces", "maps_of"]

MAPS: Mapping[str, str] = {
    "mg": "free Mg2+, mM",
    "sd_mg": "sd of free Mg2+, mM",
    "shift": "delta(alpha) - delta(beta), ppm",
    "ph": "intracellular pH",
    "pcr_atp": "PCr / gamma-ATP, amplitudes",
    "valid": "1 where Mg2+ is valid",
}
"""Name of each map -> what it holds."""


class HasPlaces(Protocol):
    """The part of a fit that maps are made of."""

    @property
    def shift_alpha_beta_ppm(self) -> FloatArray:
        """(...,) NaN where the fit failed."""

    @property
    def amplitude(self) -> FloatArray:
        """(..., K) signal of every resonance."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K resonances."""


def maps_of(fit: HasPlaces, mg: MagnesiumResult, *, valid_only: bool = True) -> dict[str, FloatArray]:
    """Return the maps of a fit by name, each of its batch shape.

    Mg2+, its sd and the shift are NaN where Mg2+ is not valid; without `valid_only` they are there wherever the fit did not
    fail. pH and PCr/ATP are NaN where it failed. PCr/ATP is the ratio of the amplitudes of PCr and gamma-ATP, where the prior has
    both: signals that are not fully relaxed need a correction.

    Raises
    ------
    InputError
        `mg` is not of the shape of `fit`.
    """
    shape = fit.shift_alpha_beta_ppm.shape
    if mg.free_mg_mM.shape != shape:
        msg = f"mg has shape {mg.free_mg_mM.shape} and fit {shape}; give p31mg.free_magnesium of that fit."
        raise InputError(msg)
    is_fitted = np.isfinite(fit.shift_alpha_beta_ppm)
    is_shown = mg.is_valid if valid_only else is_fitted
    maps = {
        "mg": np.where(is_shown, mg.free_mg_mM, np.nan),
        "sd_mg": np.where(is_shown, mg.sd_mM, np.nan),
        "shift": np.where(is_shown, fit.shift_alpha_beta_ppm, np.nan),
        "ph": np.where(is_fitted, mg.ph, np.nan),
        "valid": mg.is_valid.astype(float),
    }
    if {"pcr", "gamma_atp"} <= set(fit.names):
        pcr, atp = (fit.amplitude[..., fit.names.index(name)] for name in ("pcr", "gamma_atp"))
        is_there = is_fitted & (atp > 0)
        maps["pcr_atp"] = np.where(is_there, pcr / np.where(is_there, atp, 1.0), np.nan)
    return {name: maps[name] for name in MAPS if name in maps}
