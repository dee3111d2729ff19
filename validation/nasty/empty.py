"""Voxels in which there is no magnesium to find: how many are called valid."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import beta

from nasty.methods import Estimates, timed
from nasty.retest import Method
from nasty.simulator import ALPHA, BETA, GAMMA, NAMES, Nuisance, Simulated, Tissue, draw, measure

__all__ = ["KINDS", "empty"]

FIELD_T = 3.0
CHUNK = 2000


def _silent(tissue: Tissue, *names: int) -> Tissue:
    amplitude = tissue.amplitude.copy()
    amplitude[:, list(names)] = 0.0
    return tissue.but(amplitude=amplitude)


def _noise(n: int, rng: np.random.Generator) -> Simulated:
    tissue, stated = draw(n, rng, field_t=FIELD_T)
    return measure(tissue, stated, 1e-12, rng, field_t=FIELD_T)


def _hump(n: int, rng: np.random.Generator) -> Simulated:
    tissue, stated = draw(n, rng, field_t=FIELD_T, nuisance=Nuisance(hump_area=5.0))
    full = measure(tissue, stated, 100.0, rng, field_t=FIELD_T)
    alone = measure(_silent(tissue, *range(len(NAMES))), stated, np.inf, rng, field_t=FIELD_T)
    return _with(full, tissue, alone.fid, rng)


def _no_atp(n: int, rng: np.random.Generator) -> Simulated:
    tissue, stated = draw(n, rng, field_t=FIELD_T)
    return measure(_silent(tissue, GAMMA, ALPHA, BETA), stated, 100.0, rng, field_t=FIELD_T)


def _no_beta(n: int, rng: np.random.Generator) -> Simulated:
    tissue, stated = draw(n, rng, field_t=FIELD_T)
    return measure(_silent(tissue, BETA), stated, 300.0, rng, field_t=FIELD_T)


def _with(like: Simulated, tissue: Tissue, clean: np.ndarray, rng: np.random.Generator) -> Simulated:
    noise = rng.standard_normal((2, *clean.shape))
    fid = clean + like.noise_sd[:, None] * (noise[0] + 1j * noise[1])
    return Simulated(
        fid,
        like.spectrometer_frequency_mhz,
        like.dwell_time_s,
        like.stated_begin_time_s,
        like.noise_sd,
        like.snr,
        tissue,
    )


KINDS = {
    "noise": (_noise, 20_000),
    "broad hump and noise": (_hump, 5_000),
    "PCr of SNR 100 without ATP": (_no_atp, 5_000),
    "SNR 300, beta missing": (_no_beta, 5_000),
}


def empty(methods: dict[str, Method], *, divide: int = 1, seed: int = 6) -> list[dict[str, Any]]:
    """Return one row per kind and method: the share called valid and its 95 % upper limit (Clopper, Pearson)."""
    rows = []
    for number, (kind, (make, n)) in enumerate(KINDS.items()):
        counts = dict.fromkeys(methods, 0)
        total = n // divide
        for chunk, first in enumerate(range(0, total, CHUNK)):
            rng = np.random.default_rng([seed, number, chunk])
            simulated = make(min(CHUNK, total - first), rng)
            for name, method in methods.items():
                out: Estimates = timed(method, simulated, FIELD_T)[0]
                counts[name] += int(out.valid.sum())
        for name, count in counts.items():
            upper = float(beta.ppf(0.975, count + 1, total - count)) if count < total else 1.0
            rows.append(
                {"kind": kind, "method": name, "n": total, "valid": count, "share": count / total, "upper": upper}
            )
    return rows
