"""(e) Errors against truth, with the settings that the speed is measured with: `p31mg.fit(spectra)` and nothing else.

* **Scatter over bound**: sd of the error over the Cramer-Rao bound *at the truth*, from all points of the FID (computed in
  `cases`, point by point; nothing of the core is in it), for 256 muscles with many draws of noise each.
* **z-scores**: error over the sd that the fit reports.
* **Maximum likelihood** by `scipy.optimize.least_squares` on all points, started from the truth, on draws of the lowest SNR:
  what its scatter exceeds the bound by, no fit of this model can avoid.
* **Bias**: alpha and beta anywhere in the windows of the prior, in 4 x 4 cells. Every noise is used twice, with both signs: what
  is odd in it cancels in the mean of the two errors, and what is left is bias, known ten times better than from single draws.
* **Optimum**: see `optimum`.

Rows whose status is not OK have no shift; how many there are is stated with every figure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import p31mg
from suite import cases
from suite.optimum import WITHIN, against_other_starts
from suite.record import Row, talk
from suite.scipy_loop import fit_from_truth

__all__ = ["statistics"]

SNRS = (80, 150, 300, 1000)
N_TRUTHS = 256
CELLS = 4
EDGE_IN_SD = 4.0
"""Distance of the truth from the edge of a window, below which the edge cuts off part of the scatter."""
FEWEST_IN_CELL = 10


def draws(truth: cases.Truth, n_draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return errors of many draws of each truth: all (n_draws, n)."""
    clean, sd = cases.signals(truth)
    bound = cases.bounds_alpha_beta_ppm(truth, sd)
    parts: dict[str, list[np.ndarray]] = {"error": [], "sd": [], "crlb": [], "ok": [], "valid": []}
    for _ in range(n_draws):
        fit = p31mg.fit(cases.spectra_of(clean + cases.noise(rng, sd)), truth.prior)
        parts["error"].append(fit.shift_alpha_beta_ppm - truth.alpha_beta_ppm)
        parts["sd"].append(fit.sd_shift_alpha_beta_ppm)
        parts["crlb"].append(fit.crlb_shift_alpha_beta_ppm)
        parts["ok"].append(fit.status == p31mg.FitStatus.OK)
        parts["valid"].append(fit.is_valid)
    return {name: np.array(values) for name, values in parts.items()} | {"bound": np.tile(bound, (n_draws, 1))}


def summary(d: dict[str, np.ndarray], which: np.ndarray) -> dict[str, float]:
    """Return scatter over bound and z-scores of some draws, with their standard errors."""
    error, sd, bound, crlb = (d[name][which] for name in ("error", "sd", "bound", "crlb"))
    z, n = error / sd, len(error)
    in_bounds = error / bound
    return {
        "n": n,
        "excluded": int(which.size - n),
        "scatter_over_bound": float(in_bounds.std()),
        "scatter_over_bound_standard_error": float(_error_of_sd(in_bounds)),
        "scatter_over_reported_crlb": float(error.std() / np.sqrt(np.mean(crlb**2))),
        "bias_over_bound": float(in_bounds.mean()),
        "z_mean": float(z.mean()),
        "z_mean_standard_error": float(z.std() / np.sqrt(n)),
        "z_sd": float(z.std()),
        "z_sd_standard_error": float(_error_of_sd(z)),
        "beyond_4_sd": float((np.abs(z) > 4).mean()),
        "within_95": float((np.abs(z) < 1.959964).mean()),
    }


def _error_of_sd(values: np.ndarray) -> float:
    """Return the standard error of a standard deviation, heavy tails included."""
    centred = values - values.mean()
    return float(np.sqrt(((centred**4).mean() - (centred**2).mean() ** 2) / len(values)) / (2 * centred.std()))


def _scatter(n_draws: int) -> tuple[list[Row], dict[str, Any]]:
    rows, figures = [], {}
    everything: dict[str, list[np.ndarray]] = {}
    for snr in SNRS:
        talk(f"SNR {snr}: {N_TRUTHS} muscles, {n_draws} draws each")
        rng = np.random.default_rng(snr)
        d = draws(cases.truths(rng, N_TRUTHS, float(snr)), n_draws, rng)
        for name, values in d.items():
            everything.setdefault(name, []).append(values)
        figures[str(snr)] = summary(d, d["ok"]) | {"valid_only": summary(d, d["valid"] & d["ok"])}
        rows += _rows_of(f"SNR {snr}", figures[str(snr)])
    joined = {name: np.concatenate(values) for name, values in everything.items()}
    figures["all"] = summary(joined, joined["ok"])
    return [*_rows_of(f"all {joined['ok'].size} draws", figures["all"]), *rows], figures


def _rows_of(name: str, s: dict[str, Any]) -> list[Row]:
    scatter, mean, sd = s["scatter_over_bound"], s["z_mean"], s["z_sd"]
    excluded = f"{s['excluded']} of {s['n'] + s['excluded']} not OK, left out"
    if "valid_only" in s:
        v = s["valid_only"]
        excluded += f"; of the {v['n']} valid ones {v['scatter_over_bound']:.4f}, z sd {v['z_sd']:.4f}"
    return [
        Row(
            f"{name}: scatter of shift_alpha_beta over its CRLB",
            "0.98 to 1.02",
            f"{scatter:.4f} +- {s['scatter_over_bound_standard_error']:.4f}",
            0.98 <= scatter <= 1.02,
            f"bound at the truth, all points; over the reported bound {s['scatter_over_reported_crlb']:.4f}; {excluded}",
        ),
        Row(
            f"{name}: z-scores, mean and sd",
            "0 +- 0.02, 1 +- 0.02",
            f"{mean:+.4f} +- {s['z_mean_standard_error']:.4f}, {sd:.4f} +- {s['z_sd_standard_error']:.4f}",
            abs(mean) <= 0.02 and abs(sd - 1) <= 0.02,
            f"95 % intervals hold {100 * s['within_95']:.2f} %; beyond 4 sd {s['beyond_4_sd']:.5f}",
        ),
    ]


def _maximum_likelihood(snr: float, n: int) -> tuple[Row, dict[str, float]]:
    """Compare with maximum likelihood itself."""
    rng = np.random.default_rng(77)
    truth = cases.truths(rng, n, snr)
    clean, noise_sd = cases.signals(truth)
    spectra = cases.spectra_of(clean + cases.noise(rng, noise_sd))
    bound = cases.bounds_alpha_beta_ppm(truth, noise_sd)
    ours = (p31mg.fit(spectra, truth.prior).shift_alpha_beta_ppm - truth.alpha_beta_ppm) / bound
    other = (fit_from_truth(spectra, truth) - truth.alpha_beta_ppm) / bound
    both = np.isfinite(ours)
    figures = {
        "n": int(both.sum()),
        "scatter_over_bound": float(ours[both].std()),
        "scatter_over_bound_standard_error": float(_error_of_sd(ours[both])),
        "maximum_likelihood_scatter_over_bound": float(other[both].std()),
        "difference_over_bound_rms": float((ours - other)[both].std()),
        "difference_over_bound_median": float(np.median(np.abs((ours - other)[both]))),
    }
    row = Row(
        f"SNR {snr:g}: scatter over CRLB of maximum likelihood itself",
        "",
        f"{figures['maximum_likelihood_scatter_over_bound']:.4f} +- {figures['scatter_over_bound_standard_error']:.4f}",
        note=(
            f"scipy on all points from the truth, {figures['n']} draws; p31mg on the same {figures['scatter_over_bound']:.4f}; "
            f"apart by {figures['difference_over_bound_median']:.3f} of the bound in the median"
        ),
    )
    return row, figures


def _bias(snr: float, n_pairs: int) -> dict[str, Any]:
    """Return the bias over the sd in cells of the windows."""
    rng, prior = np.random.default_rng(int(snr) + 7), cases.muscle()
    n = CELLS * CELLS * n_pairs
    truth = cases.truths(rng, n, snr)
    cell = np.repeat(np.arange(CELLS * CELLS), n_pairs)
    shift = truth.shift_ppm.copy()
    for name, at in (("alpha_atp", cell // CELLS), ("beta_atp", cell % CELLS)):
        low, high = prior[name].shift_bounds_ppm
        shift[:, prior.index(name)] = low + (high - low) * (at + rng.uniform(size=n)) / CELLS
    truth = replace(truth, shift_ppm=shift)
    both, sd, crlb = [], [], []
    for first in range(0, n, 1024):
        part = truth.rows(slice(first, first + 1024))
        clean, noise_sd = cases.signals(part)
        noise = cases.noise(rng, noise_sd)
        fits = [p31mg.fit(cases.spectra_of(clean + sign * noise), prior) for sign in (1, -1)]
        both.append(np.array([f.shift_alpha_beta_ppm - part.alpha_beta_ppm for f in fits]))
        sd.append(np.array([f.sd_shift_alpha_beta_ppm for f in fits]).mean(axis=0))
        crlb.append(np.array([f.crlb_chemical_shift_ppm for f in fits]).mean(axis=0))
    error, sd, crlb = np.concatenate(both, axis=1), np.concatenate(sd), np.concatenate(crlb)
    edge = np.full(n, np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):  # held at a bound its own bound is 0
        for name in ("alpha_atp", "beta_atp"):
            k, (low, high) = prior.index(name), prior[name].shift_bounds_ppm
            edge = np.minimum(edge, np.minimum(shift[:, k] - low, high - shift[:, k]) / crlb[:, k])
    pair = error.mean(axis=0) / sd
    fitted = np.isfinite(pair)
    inside = fitted & (edge > EDGE_IN_SD)
    cells = [pair[inside & (cell == c)] for c in range(CELLS * CELLS)]
    known = [len(c) >= FEWEST_IN_CELL for c in cells]
    bias = np.array([c.mean() if k else np.nan for c, k in zip(cells, known, strict=True)])
    standard_error = np.array([c.std() / np.sqrt(len(c)) if k else np.nan for c, k in zip(cells, known, strict=True)])
    worst = int(np.nanargmax(np.abs(bias)))
    near = fitted & ~inside
    return {
        "n_pairs": int(n),
        "not_fitted_fraction": float(1 - fitted.mean()),
        "near_edge_fraction": float(1 - inside.mean()),
        "bias_over_sd": bias.reshape(CELLS, CELLS).tolist(),
        "standard_error": standard_error.reshape(CELLS, CELLS).tolist(),
        "n_per_cell": [len(c) for c in cells],
        "worst": float(bias[worst]),
        "worst_standard_error": float(standard_error[worst]),
        "worst_cell": {"alpha": worst // CELLS, "beta": worst % CELLS},
        "overall": float(pair[inside].mean()),
        "overall_standard_error": float(pair[inside].std() / np.sqrt(inside.sum())),
        "near_edge_bias_over_sd": float(pair[near].mean()) if near.any() else None,
    }


def statistics(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Measure all of it."""
    rows, figures = _scatter(8 if quick else 64)
    talk(f"SNR {SNRS[0]}: maximum likelihood from the truth")
    row, figures["maximum_likelihood"] = _maximum_likelihood(float(SNRS[0]), 128 if quick else 1024)
    rows.append(row)
    for snr in (80, 150, 300):
        talk(f"SNR {snr}: bias in {CELLS * CELLS} cells of the windows")
        b = figures[f"bias_{snr}"] = _bias(float(snr), 64 if quick else 640)
        note = (
            f"mean over all cells {b['overall']:+.4f} +- {b['overall_standard_error']:.4f}; of {b['n_pairs']} pairs "
            f"{100 * b['near_edge_fraction']:.1f} % nearer than {EDGE_IN_SD:g} sd to an edge or not OK, left out"
        )
        rows.append(
            Row(
                f"SNR {snr}: largest bias over sd of {CELLS * CELLS} cells of the windows",
                "< 0.05",
                f"{b['worst']:+.4f} +- {b['worst_standard_error']:.4f}",
                abs(b["worst"]) < 0.05,
                note,
            )
        )
    n, n_starts = (512, 4) if quick else (4096, 10)
    for snr in (100, 300):
        talk(f"SNR {snr}: {n} spectra from {n_starts + 2} starts each")
        rng = np.random.default_rng(snr + 3)
        truth = cases.truths(rng, n, float(snr))
        clean, sd = cases.signals(truth)
        spectra = cases.spectra_of(clean + cases.noise(rng, sd))
        o = figures[f"optimum_{snr}"] = against_other_starts(spectra, truth, n_starts, rng)
        far = o["n_shift_missed_by_a_hundredth_sd"]
        rows.append(
            Row(
                f"SNR {snr}: fraction reaching the best optimum known",
                ">= 99.9 %",
                f"{100 * o['reached']:.3f} %",
                o["reached"] >= 0.999,
                f"within {WITHIN:g} noise variances of the best of {n_starts + 2} starts; {o['n_missed']} of {n} are not, "
                f"{far} of them with shift_alpha_beta beyond 0.01 sd",
            )
        )
    return rows, figures
