"""How far the intervals of free Mg2+ can be believed, and how fast they are: the numbers that the docs quote.

Run with ``make validate-magnesium``; about two minutes. Prints, and writes to ``validation/magnesium.json`` (or the path given):

* coverage of the 95 % interval through the real fit: 20,000 muscle spectra at 3 T with magnesium from 0.2 to 1.2 mM, SNR of PCr
  from 60 to 1000 (log-uniform) and random phase, offset and broadening; by magnesium and SNR, for all rows that were fitted and
  for those without a flag;
* how far the errors of pH from Pi and of the shift go together in a fit;
* coverage of fits whose Kd is corrected for the pH that is read from Pi;
* coverage where shift, pH, temperature and the constants of a calibration all have errors, by draws;
* conversions with interval per second on one core.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core, before NumPy loads

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import p31mg
from p31mg.magnesium.inputs import LEAST_SNR_OF_PI
from p31mg.magnesium.speciation import CALIBRATION_CONDITIONS, Conditions, dissociation_constant_M, kd_ratio

N_DRAWS = 20_000
N_PER_FIT = 2000
MG_EDGES_MM = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
SNR_EDGES = (60.0, 100.0, 200.0, 400.0, 1000.0)
N_CONVERSIONS = 10_000_000


def fitted() -> dict[str, np.ndarray]:
    """Return truth and result of all spectra."""
    parts = []
    for seed in range(N_DRAWS // N_PER_FIT):
        rng = np.random.default_rng([4, seed])
        spectra = p31mg.simulate(
            rng.uniform(MG_EDGES_MM[0], MG_EDGES_MM[-1], N_PER_FIT),
            prior="muscle-3t",
            snr=np.exp(rng.uniform(*np.log([SNR_EDGES[0], SNR_EDGES[-1]]), N_PER_FIT)),
            seed=rng,
            frequency_offset_hz=rng.uniform(-25, 25, N_PER_FIT),
            phase_rad=rng.uniform(-np.pi, np.pi, N_PER_FIT),
            broadening_hz=rng.uniform(-2, 10, N_PER_FIT),
        )
        fit = p31mg.fit(spectra)
        mg = p31mg.free_magnesium(fit)
        low, high = np.moveaxis(mg.interval_mM, -1, 0)
        truth = spectra.truth.free_mg_mM
        parts.append(
            {
                "truth": truth,
                "snr": np.broadcast_to(spectra.truth.snr, truth.shape),
                "holds": (low <= truth) & (truth <= high),
                "has_interval": np.isfinite(low),
                "fit_is_valid": fit.is_valid,
                "is_open": mg.interval_open,
                "mg_is_valid": mg.is_valid,
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def coverage_of_fits() -> dict[str, Any]:
    """Print and return how many intervals hold the truth."""
    rows = fitted()
    unflagged, trusted = rows["mg_is_valid"], rows["fit_is_valid"] & rows["has_interval"]
    print(f"{N_DRAWS} spectra: {rows['has_interval'].sum()} with an interval, {unflagged.sum()} without any flag")
    print(
        "95 % intervals that hold the truth, ± one standard error; `valid fit` includes intervals that are open and say so"
    )
    print("   Mg (mM)        SNR      n   all with interval    n fit   valid fit        n mg   no flag at all")
    bins = [
        _bin(rows, (low, high), snr, trusted, unflagged)
        for snr in [(SNR_EDGES[0], SNR_EDGES[-1]), *itertools.pairwise(SNR_EDGES)]
        for low, high in [(MG_EDGES_MM[0], MG_EDGES_MM[-1]), *itertools.pairwise(MG_EDGES_MM)]
    ]
    return {"n": N_DRAWS, "bins": bins}


def _bin(
    rows: dict[str, np.ndarray],
    mg: tuple[float, float],
    snr: tuple[float, float],
    trusted: np.ndarray,
    unflagged: np.ndarray,
) -> dict[str, Any]:
    inside = (rows["truth"] >= mg[0]) & (rows["truth"] < mg[1]) & (rows["snr"] >= snr[0]) & (rows["snr"] < snr[1])
    result: dict[str, Any] = {"free_mg_mM": mg, "snr": snr, "n": int(inside.sum())}
    text = f"{mg[0]:4.1f} to {mg[1]:3.1f}  {snr[0]:4.0f} to {snr[1]:4.0f}  {inside.sum():5d}"
    for name, which in (("with_interval", rows["has_interval"]), ("valid_fit", trusted), ("no_flag", unflagged)):
        part = rows["holds"][inside & which]
        held = float(part.mean()) if part.size else np.nan
        error = float(np.sqrt(held * (1 - held) / part.size)) if part.size else np.nan
        result[name] = {"n": int(part.size), "coverage": held, "standard_error": error}
        text += f"   {part.size:5d} {held:.4f} ± {error:.4f}"
    print(text)
    return result


def correlation_of_ph() -> dict[str, Any]:
    """Print and return how far the errors of Pi and of the alpha-beta shift go together in a fit."""
    fit = p31mg.fit(p31mg.simulate(np.full(200, 0.5), snr=200, seed=1, ph=np.linspace(6.6, 7.2, 200)))
    covariance = fit.covariance_shift_ppm2
    alpha, beta, pi = (fit.names.index(name) for name in ("alpha_atp", "beta_atp", "pi"))
    both = covariance[:, alpha, pi] - covariance[:, beta, pi]
    largest = float(np.abs(both / fit.sd_shift_alpha_beta_ppm / np.sqrt(covariance[:, pi, pi])).max())
    print(f"\nerrors of Pi and of the alpha-beta shift at SNR 200: correlation at most {largest:.4f}")
    return {"n": 200, "largest": largest}


def false_pi(n: int = 3000) -> dict[str, float]:
    """Print and return how often the fit of a spectrum without Pi finds one that pH would be read from."""
    rates = {}
    for name in ("muscle-3t", "brain-7t"):
        prior = p31mg.load_prior(name)
        pi = prior.index("pi")
        amplitude = [0.0 if r.name == "pi" else r.amplitude for r in prior.resonances]
        fit = p31mg.fit(p31mg.simulate(np.full(n, 0.5), prior=prior, snr=300, seed=5, amplitude=amplitude), prior)
        rates[name] = float((fit.snr_resonance[:, pi] >= LEAST_SNR_OF_PI).mean())
    print(f"no Pi: one of SNR {LEAST_SNR_OF_PI:g} or more is found in {rates} of {n} spectra each")
    return rates


def coverage_of_corrected_fits(n_per_ph: int = 600) -> dict[str, Any]:
    """Print and return coverage through the real fit where pH, read from Pi, moves Kd."""
    published, held = p31mg.calibrations()["gupta-1978"].constants, []
    per_mM = 1e-3 / float(dissociation_constant_M("MgHPO4"))
    for i, ph in enumerate(np.linspace(6.4, 7.3, 10)):
        rng = np.random.default_rng([5, i])
        ratio = float(kd_ratio(Conditions(ph), CALIBRATION_CONDITIONS))
        in_tissue = p31mg.TwoSiteCalibration(id="in-tissue", **published | {"kd_uM": published["kd_uM"] * ratio})
        mg = rng.uniform(0.2, 1.2, n_per_ph)
        spectra = p31mg.simulate(
            mg,
            calibration=in_tissue,
            ph=ph + np.log10((1 + per_mM * mg) / (1 + per_mM * 0.5)),  # Pi with Mg2+ bound
            snr=np.exp(rng.uniform(*np.log([100.0, 1000.0]), n_per_ph)),
            seed=rng,
            broadening_hz=rng.uniform(-2, 10, n_per_ph),
        )
        fit = p31mg.fit(spectra)
        low, high = np.moveaxis(p31mg.free_magnesium(fit, correct_kd=True).interval_mM, -1, 0)
        held.append(((low <= mg) & (mg <= high))[fit.is_valid & np.isfinite(low)])
    every = np.concatenate(held)
    coverage, error = float(every.mean()), float(np.sqrt(every.mean() * (1 - every.mean()) / every.size))
    print(
        f"Kd corrected for pH 6.4 to 7.3 from Pi, SNR 100 to 1000: {coverage:.4f} ± {error:.4f} of {every.size} valid fits"
    )
    return {"n": int(every.size), "coverage": coverage, "standard_error": error}


def coverage_of_all_errors(n: int = 20_000) -> dict[str, Any]:
    """Print and return coverage where everything that can have an error has one, without a fit."""
    rng = np.random.default_rng(7)
    sd_constants = {"atp_ppm": 0.02, "mgatp_ppm": 0.008, "kd_uM": 3.0}
    truth = p31mg.calibrations()["gupta-1978"]
    held, closed = [], []
    sd_ppm = np.exp(rng.uniform(*np.log([0.003, 0.03]), n))
    true_mg, true_ph, true_c = rng.uniform(0.2, 1.2, n), rng.uniform(6.4, 7.2, n), rng.normal(36.5, 0.5, n)
    ratio = kd_ratio(Conditions(true_ph, temperature_c=true_c), CALIBRATION_CONDITIONS)
    shift = truth.shift_ppm(true_mg / ratio) + sd_ppm * rng.standard_normal(n)
    ph, celsius = true_ph + 0.05 * rng.standard_normal(n), true_c + 1.0 * rng.standard_normal(n)
    n_calibrations = 5000
    for part in np.array_split(np.arange(n), n_calibrations):
        measured = {name: value + sd_constants[name] * rng.standard_normal() for name, value in truth.constants.items()}
        own = p31mg.TwoSiteCalibration(
            id="own", **measured, **{f"sd_{k}": v for k, v in sd_constants.items()}, **truth.conditions
        )
        mg = p31mg.free_magnesium(
            shift[part],
            sd_ppm=sd_ppm[part],
            calibration=own,
            ph=ph[part],
            sd_ph=0.05,
            temperature_c=celsius[part],
            sd_temperature_c=1.0,
            correct_kd=True,
        )
        low, high = np.moveaxis(mg.interval_mM, -1, 0)
        known = np.isfinite(low)
        held.append(((low <= true_mg[part]) & (true_mg[part] <= high))[known])
        closed.append(((low <= true_mg[part]) & (true_mg[part] <= high))[mg.is_valid])
    result = {"n": n, "calibrations": n_calibrations, "coverage": float(np.concatenate(held).mean())}
    result["coverage_no_flag"] = float(np.concatenate(closed).mean())
    # the errors of one calibration are common to its draws: the standard error is that between calibrations
    result["standard_error"] = float(np.std([h.mean() for h in held], ddof=1) / np.sqrt(n_calibrations))
    print(
        f"\nerrors of shift, pH, temperature and three constants: {result['coverage']:.4f} ± {result['standard_error']:.4f} "
        f"of {n} draws with {n_calibrations} calibrations ({result['coverage_no_flag']:.4f} of those without a flag)"
    )
    return result


def speed(repeats: int = 5) -> dict[str, Any]:
    """Print and return how long ten million conversions take: by the clock, and of one core where others work beside it."""
    shift = np.random.default_rng(0).uniform(8.4, 8.8, N_CONVERSIONS)
    sd = np.full(N_CONVERSIONS, 0.01)
    times = []
    for _ in range(repeats):
        start = np.array([time.perf_counter(), time.process_time()])
        p31mg.free_magnesium(shift, sd_ppm=sd)
        times.append(np.array([time.perf_counter(), time.process_time()]) - start)
    first, repeated = times[0], np.median(times[1:], axis=0)
    own = p31mg.TwoSiteCalibration(id="own", atp_ppm=10.9, mgatp_ppm=8.35, kd_uM=38.0, sd_kd_uM=3.0, sd_mgatp_ppm=0.01)
    few = N_CONVERSIONS // 10
    start = time.perf_counter()
    p31mg.free_magnesium(shift[:few], sd_ppm=sd[:few], calibration=own)
    all_errors = time.perf_counter() - start
    print(
        f"\n{N_CONVERSIONS:,} conversions: {first[0]:.2f} s at first, in fresh memory ({first[1]:.2f} s of the core), "
        f"and {repeated[0]:.2f} s when repeated ({repeated[1]:.2f} s of the core)"
    )
    print(f"{few:,} with errors of the calibration too: {all_errors:.2f} s")
    return {
        "n": N_CONVERSIONS,
        "first_s": float(first[0]),
        "first_core_s": float(first[1]),
        "repeated_s": float(repeated[0]),
        "repeated_core_s": float(repeated[1]),
        "n_with_errors_of_constants": few,
        "with_errors_of_constants_s": all_errors,
    }


if __name__ == "__main__":
    record = {
        "speed": speed(),
        "correlation_of_ph": correlation_of_ph(),
        "false_pi": false_pi(),
        "corrected": coverage_of_corrected_fits(),
        "all_errors": coverage_of_all_errors(),
        "fits": coverage_of_fits(),
    }
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten: {path}")
