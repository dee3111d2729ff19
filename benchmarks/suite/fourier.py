"""(a) The time of a fit over that of one FFT of the same spectrum, for every lineshape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import scipy.fft

import p31mg
from suite import cases
from suite.record import Row, talk
from suite.timing import in_turns, ratio

__all__ = ["default", "lineshapes", "speed"]

N_SPECTRA = 4096
N_PARTS = 8


def one_by_one(fid: np.ndarray) -> None:
    """Transform every spectrum once, one call each."""
    for signal in fid:
        scipy.fft.fft(signal)


def _actions(spectra: p31mg.Spectra, fit: Callable[[p31mg.Spectra], object]) -> dict[str, Callable[[], object]]:
    fid = spectra.fid
    return {
        "fft": partial(one_by_one, fid),
        "stacked_fft": partial(scipy.fft.fft, fid),
        "fit": partial(fit, spectra),
        "fft_after": partial(one_by_one, fid),
    }


def over_fft(spectra: p31mg.Spectra, fit: Callable[[p31mg.Spectra], object], repetitions: int) -> dict[str, Any]:
    """Return times and ratios of fitting a stack in one call, with FFTs of it before and after every fit."""
    times = in_turns(_actions(spectra, fit), repetitions)
    single = (times["fft"] + times.pop("fft_after")) / 2
    per_spectrum = {name: float(np.median(t)) / len(spectra.fid) for name, t in times.items()}
    return {
        "n_spectra": len(spectra.fid),
        "seconds_per_spectrum": per_spectrum,
        "over_one_fft": ratio(times["fit"], single),
        "over_stacked_fft": ratio(times["fit"], times["stacked_fft"]),
    }


def in_parts(spectra: p31mg.Spectra, fit: Callable[[p31mg.Spectra], object], repetitions: int) -> dict[str, Any]:
    """Return the same for parts of the stack, each between its own FFTs: closer in time, but smaller calls."""
    size = len(spectra.fid) // N_PARTS
    every: dict[str, list[np.ndarray]] = {"fft": [], "fit": []}
    for i in range(N_PARTS):
        times = in_turns(_actions(spectra[i * size : (i + 1) * size], fit), repetitions)
        every["fft"].append((times["fft"] + times["fft_after"]) / 2)
        every["fit"].append(times["fit"])
    fft, fitted = (np.sum(every[name], axis=0) for name in ("fft", "fit"))
    return {"part_of": size, "over_one_fft": ratio(fitted, fft)}


def speed(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Time the case that the goals are stated for."""
    talk(f"simulating {N_SPECTRA} spectra")
    spectra, _ = cases.stack(N_SPECTRA)
    repetitions = 3 if quick else 9
    talk(f"fitting them {repetitions + 1} times, FFTs in between")
    fit = partial(p31mg.fit, prior=cases.muscle())
    whole = over_fft(spectra, fit, repetitions)
    parts = in_parts(spectra, fit, max(2, repetitions // 3))
    result = fit(spectra)
    how = {
        "valid": float(result.is_valid.mean()),
        "iterations_mean": float(result.n_iterations.mean()),
        "evaluations_mean": float(result.n_evaluations.mean()),
        "free_parameters": cases.jacobian(cases.truths(np.random.default_rng(0), 1, 100.0), 0).shape[1],
    }
    rows = _rows("Lorentzian", whole, 10)
    rows.append(
        Row(
            f"the same in calls of {parts['part_of']}, over one FFT",
            "",
            _text(parts["over_one_fft"]),
            note=(
                f"{how['iterations_mean']:.1f} iterations, {how['evaluations_mean']:.1f} evaluations, "
                f"{how['valid']:.3f} valid; {how['free_parameters']} parameters vary, the linewidth of NAD follows alpha's"
            ),
        )
    )
    return rows, {"whole": whole, "parts": parts, "fits": how}


def default(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Time what a user gets who chooses nothing: exact lines, couplings fitted; and what hard spectra ask for."""
    n, repetitions, rows, figures = N_SPECTRA // 4, 2 if quick else 5, [], {}
    muscle = p31mg.load_prior("muscle-3t")
    voigt = replace(muscle, lineshape="voigt", gaussian_linewidth_hz=8.0, gaussian_linewidth_bounds_hz=(1.0, 40.0))
    clean, _ = _shaped(muscle, n)
    broad, _ = _shaped(voigt, n)
    vague = replace(clean.acquisition, sd_begin_time_s=2e-4)
    for name, spectra in (
        ("default, clean", clean),
        ("default, begin time fitted", p31mg.Spectra(clean.fid, vague)),
        ("default, begin time and field fitted", p31mg.Spectra(broad.fid, vague)),
    ):
        talk(f"fitting {n} spectra: {name}")
        figures[name] = over_fft(spectra, p31mg.fit, repetitions)
        fit = p31mg.fit(spectra)
        figures[name]["with_field"] = float((fit.gaussian_linewidth_hz > 0).mean())
        share = figures[name]["with_field"]
        note = f"{fit.is_valid.mean():.3f} valid, {share:.3f} with a field, {fit.n_evaluations.mean():.1f} evaluations"
        rows += _rows(name, figures[name], 100, note)
    return rows, figures


def lineshapes(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Time Gaussian and Voigt priors of the same case, on spectra of their own shape."""
    rows, figures = [], {}
    voigt = {"gaussian_linewidth_hz": 6.0, "gaussian_linewidth_bounds_hz": (1.0, 40.0)}
    for shape in ("gaussian", "voigt"):
        prior = replace(cases.muscle(), lineshape=shape, **(voigt if shape == "voigt" else {}))
        spectra, error = _shaped(prior, N_SPECTRA)
        talk(f"fitting {N_SPECTRA} {shape} spectra")
        figures[shape] = over_fft(spectra, partial(p31mg.fit, prior=prior), 2 if quick else 5)
        figures[shape] |= error
        rows += _rows(shape, figures[shape], 60, f"z-scores {error['z_mean']:.3f} +- {error['z_sd']:.3f}")
    return rows, figures


def _shaped(prior: p31mg.Prior, n: int) -> tuple[p31mg.SimulatedSpectra, dict[str, float]]:
    rng = np.random.default_rng(1)
    spectra = p31mg.simulate(
        rng.uniform(0.25, 1.2, n),
        prior=prior,
        snr=np.exp(rng.uniform(np.log(80), np.log(1000), n)),
        seed=rng,
        frequency_offset_hz=rng.uniform(-25, 25, n),
        phase_rad=rng.uniform(-np.pi, np.pi, n),
        broadening_hz=rng.uniform(-2, 10, n),
    )
    fit = p31mg.fit(spectra, prior=prior)
    z = (fit.shift_alpha_beta_ppm - spectra.truth.shift_alpha_beta_ppm) / fit.sd_shift_alpha_beta_ppm
    z = z[np.isfinite(z)]
    return spectra, {"valid": float(fit.is_valid.mean()), "z_mean": float(z.mean()), "z_sd": float(z.std())}


def _rows(shape: str, figures: dict[str, Any], goal: float, note: str = "") -> list[Row]:
    one, stacked = figures["over_one_fft"], figures["over_stacked_fft"]
    each = {name: 1e6 * t for name, t in figures["seconds_per_spectrum"].items()}
    return [
        Row(
            f"{shape}, stack of {figures['n_spectra']}: fit over one FFT",
            f"<= {goal:g}",
            _text(one),
            one["median"] <= goal,
            note
            or f"medians: fit {each['fit']:.0f} us, FFT {each['fft']:.1f} us a spectrum, one scipy.fft.fft call each",
        ),
        Row(
            "the same over the FFT of the whole stack in one call",
            "",
            _text(stacked),
            note=f"{each['stacked_fft']:.1f} us a spectrum",
        ),
    ]


def _text(figures: dict[str, float]) -> str:
    return f"{figures['median']:.1f} (of minima {figures['of_minima']:.1f})"
