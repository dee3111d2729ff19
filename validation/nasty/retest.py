"""Test and retest: the same people on four days, with another phase, dead time and shim each day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nasty.bound import Information, information
from nasty.cases import ALL
from nasty.methods import Estimates, timed, without_error
from nasty.simulator import ALPHA, BETA, Nuisance, Simulated, Tissue, draw, measure

__all__ = ["intraclass_correlation", "retest"]

N_DAYS = 4
FIELD_T = 3.0
MEAN_MG_MM, SD_MG_MM, LOWEST_MG_MM = 0.5, 0.1, 0.2
DAYS = Nuisance(begin_error_s=ALL.begin_error_s, gaussian_ppm=ALL.gaussian_ppm, exponential_ppm=ALL.exponential_ppm)
SNRS = (150, 300, 600)
SHAPE_AND_BEGIN_TIME = ("begin_time_s", "gaussian_hz", "exponential_hz", "j_ab_hz")
PORTION = 50
N_DRAWS_AT_THE_BOUND = 100

Method = Callable[[Simulated, float], Estimates]


def intraclass_correlation(value: np.ndarray, person: np.ndarray) -> float:
    """Return ICC(1,1), from the variance between and within persons; days without a value are left out."""
    known = np.isfinite(value)
    value, person = value[known], person[known]
    people, group = np.unique(person, return_inverse=True)
    size = np.bincount(group)
    mean = np.bincount(group, value) / size
    n, k = len(value), len(people)
    if n <= k or k < 2:
        return np.nan
    within = ((value - mean[group]) ** 2).sum() / (n - k)
    between = (size * (mean - value.mean()) ** 2).sum() / (k - 1)
    typical = (n - (size**2).sum() / n) / (k - 1)
    return float((between - within) / (between + (typical - 1) * within))


def retest(
    methods: dict[str, Method], slow_methods: dict[str, Method], *, n_people: int, n_people_slow: int, seed: int = 5
) -> list[dict[str, Any]]:
    """Return one row per SNR and method: ICC of magnesium, and the sd of the ICC by leaving out persons."""
    rng = np.random.default_rng([seed, 0])
    mg = np.maximum(rng.normal(MEAN_MG_MM, SD_MG_MM, n_people), LOWEST_MG_MM)
    person = np.repeat(np.arange(n_people), N_DAYS)
    tissue, stated = draw(len(person), rng, field_t=FIELD_T, nuisance=DAYS, free_mg_mM=mg[person])
    known = _informations(tissue)
    few = slice(0, n_people_slow * N_DAYS)
    rows = []
    for snr in SNRS:
        simulated = measure(tissue, stated, snr, np.random.default_rng([seed, snr]), field_t=FIELD_T)
        rows += [{"snr": snr, "who": who, "icc": icc} for who, icc in _at_the_bound(known, tissue, person, snr).items()]
        for name, method in methods.items():
            rows.append({"snr": snr, "who": name, **_icc(timed(method, simulated, FIELD_T)[0], person, mg[person])})
        if slow_methods and n_people_slow:
            part = replace(
                simulated,
                fid=simulated.fid[few],
                stated_begin_time_s=stated[few],
                noise_sd=simulated.noise_sd[few],
                snr=simulated.snr[few],
                tissue=tissue[few],
            )
            for name, method in slow_methods.items():
                out, _ = timed(method, part, FIELD_T)
                rows.append({"snr": snr, "who": name, **_icc(out, person[few], mg[person][few])})
    return rows


def _icc(out: Estimates, person: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Return the ICC of the valid rows, with its jackknife error."""
    value = np.where(out.valid, out.free_mg_mM, np.nan)
    people = np.unique(person)
    without = np.array([intraclass_correlation(np.where(person == p, np.nan, value), person) for p in people])
    error = np.sqrt((len(people) - 1) * np.var(without)) if np.isfinite(without).all() else np.nan
    return {
        "icc": intraclass_correlation(value, person),
        "icc_se": float(error),
        "icc_of_shift": intraclass_correlation(np.where(out.valid, out.shift_ppm, np.nan), person),
        "n_people": len(people),
        "valid": float(out.valid.mean()),
        "with_mg": float(np.isfinite(value).mean()),
        "rmse_mM": float(np.sqrt(np.nanmean((value - truth) ** 2))),
        "median_error_mM": float(np.nanmedian(np.abs(value - truth))),
    }


def _informations(tissue: Tissue) -> list[Information]:
    """Return the information of all rows, in portions that fit into memory."""
    return [information(tissue[i : i + PORTION], FIELD_T) for i in range(0, len(tissue), PORTION)]


def _at_the_bound(known: list[Information], tissue: Tissue, person: np.ndarray, snr: float) -> dict[str, float]:
    """Return the ICC of an estimate without bias whose sd is the bound, turned into magnesium like the others."""
    shift = tissue.shift_ppm[:, ALPHA] - tissue.shift_ppm[:, BETA]
    out = {}
    for who, given in (
        ("bound, begin time, J and shape of the field known", {"knows": SHAPE_AND_BEGIN_TIME}),
        ("bound", {"begin_time_sd_s": DAYS.begin_error_s / np.sqrt(3)}),
    ):
        sd = np.concatenate([part.bound_shift_alpha_beta_ppm(snr, **given) for part in known])  # type: ignore[arg-type]
        rng = np.random.default_rng(9)
        found = [without_error(rng.normal(shift, sd)).free_mg_mM for _ in range(N_DRAWS_AT_THE_BOUND)]
        out[who] = float(np.mean([intraclass_correlation(value, person) for value in found]))
    return out
