"""What is counted of each cell of the grid."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from nasty.methods import Estimates
from nasty.simulator import Simulated

__all__ = ["cell", "joined"]

WITHIN_95 = 1.959964


def cell(estimates: Estimates, simulated: Simulated, seconds: float) -> dict[str, Any]:
    """Return the figures of spectra of one nuisance, field and SNR."""
    return _figures(estimates, simulated.shift_alpha_beta_ppm, simulated.tissue.free_mg_mM, seconds)


def joined(parts: list[tuple[Simulated, Estimates, float]]) -> dict[str, Any]:
    """Return the figures of several portions together."""
    simulated, estimates, seconds = zip(*parts, strict=True)
    together = Estimates(*(np.concatenate([getattr(e, f.name) for e in estimates]) for f in fields(Estimates)))
    truth = np.concatenate([s.shift_alpha_beta_ppm for s in simulated])
    mg = np.concatenate([s.tissue.free_mg_mM for s in simulated])
    return _figures(together, truth, mg, sum(seconds))


def _figures(estimates: Estimates, truth: np.ndarray, mg: np.ndarray, seconds: float) -> dict[str, Any]:
    error = estimates.shift_ppm - truth
    found, valid = np.isfinite(error), estimates.valid & np.isfinite(error)
    holds = (estimates.low_mM <= mg) & (mg <= estimates.high_mM)
    has = valid & np.isfinite(estimates.low_mM)
    z = error / estimates.sd_ppm
    return {
        "n": len(error),
        "fitted": float(found.mean()),
        "valid": float(estimates.valid.mean()),
        **{f"{k}_fitted": v for k, v in _of(error[found], z[found]).items()},
        **_of(error[valid], z[valid]),
        "sd_median_ppm": _mean(np.median, estimates.sd_ppm[valid]),
        "mg_coverage": _mean(np.mean, holds[has]),
        "mg_coverage_n": int(has.sum()),
        "mg_open": _mean(np.mean, ~np.isfinite(estimates.high_mM[has])),
        "seconds_per_spectrum": seconds / len(error),
    }


def _mean(of: Any, values: np.ndarray) -> float | None:
    return float(of(values)) if len(values) and np.isfinite(values).all() else None


def _of(error: np.ndarray, z: np.ndarray) -> dict[str, float | None]:
    n = max(len(error), 1)
    return {
        "bias_ppm": _mean(np.mean, error),
        "bias_se_ppm": _mean(lambda e: e.std() / np.sqrt(n), error),
        "rmse_ppm": _mean(lambda e: np.sqrt((e**2).mean()), error),
        "z_mean": _mean(np.mean, z),
        "z_sd": _mean(np.std, z),
        "z_within_95": _mean(lambda v: (np.abs(v) < WITHIN_95).mean(), z),
        "z_beyond_4": _mean(lambda v: (np.abs(v) > 4).mean(), z),
    }
