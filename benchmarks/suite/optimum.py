"""(e) How many fits reach the best optimum known.

Each spectrum is fitted again on the same bins from other starts: from the truth, and from random ones that put every multiplet
anywhere in its window, widths, amplitudes and phase well away. The reference starts where the first look found it, which fixes
the bins and bounds, so that all costs are of one problem. The best cost of all of them, p31mg's own included, is the best
optimum known. A fit has reached it if its cost, evaluated at the returned parameters, is within 1e-6 noise variances of it
(one standard error away from an optimum the cost is one noise variance higher, so that is a thousandth of an error bar).
"""

from __future__ import annotations

from typing import Any

import numpy as np

import p31mg
from p31mg.arrays import FloatArray
from p31mg.core.start import take_bins
from p31mg.fitting.batch_engine import fit_stack
from p31mg.fitting.problem import Problem
from p31mg.fitting.survey import CHUNK, look
from suite import cases

__all__ = ["WITHIN", "against_other_starts"]

WITHIN = 1e-6
MAX_ITERATIONS = 100


def _cost(spectrum: np.ndarray, start: FloatArray, y: FloatArray, problem: Problem) -> FloatArray:
    """Return the cost at reported parameters y (B, 3K+1), on the bins around the reference of `start`."""
    centre, _ = problem.nearest_bin(start)
    x = problem.free(problem.from_bin(y, -centre))
    return problem.model.evaluate(x, take_bins(spectrum, centre, problem.bins)).cost


def _from_truth(start: FloatArray, truth: cases.Truth, scale: FloatArray, problem: Problem) -> FloatArray:
    """Return the truth as start values; the reference stays where it was found, the phase is turned along."""
    k, out = len(problem.prior.names), start.copy()
    out[:, :k] = truth.shift_ppm * problem.spectrometer_frequency_mhz
    out[:, problem.reference] = start[:, problem.reference]
    out[:, k : 2 * k] = truth.linewidth_hz
    out[:, 2 * k : 3 * k] = truth.amplitude / scale[:, None]
    out[:, 3 * k] = truth.phase_rad
    return out


def _anywhere(rng: np.random.Generator, start: FloatArray, problem: Problem) -> FloatArray:
    """Return random starts."""
    k, n, e, out = len(problem.prior.names), len(start), problem.expectation, start.copy()
    others = problem.shifted
    out[:, others] = rng.uniform(e.shift_lower_hz, e.shift_upper_hz, (n, k))[:, others]
    out[:, k : 2 * k] = np.clip(
        e.linewidth_hz * np.exp(rng.uniform(-0.7, 0.7, (n, k))), e.linewidth_lower_hz, e.linewidth_upper_hz
    )
    out[:, 2 * k : 3 * k] *= np.exp(rng.uniform(-0.7, 0.7, (n, k)))
    out[:, 3 * k] += rng.uniform(-0.5, 0.5, n)
    return out


def against_other_starts(
    spectra: p31mg.Spectra, truth: cases.Truth, n_starts: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return what fraction of the fits reached the best optimum known, and how far off the others are."""
    problem = Problem.of(spectra, truth.prior)
    result = p31mg.fit(spectra, truth.prior)
    above, moved, rows_of = [], [], []
    for first in range(0, len(truth), CHUNK):
        fid, part = np.array(spectra.fid[first : first + CHUNK]), truth.rows(slice(first, first + CHUNK))
        seen = look(fid, problem)
        length = problem.enough_for(seen.y[:, len(problem.prior.names) + problem.reference])
        for i in np.unique(length):
            of = np.flatnonzero(length == i)
            short, start, which = problem.shortened[i], seen.y[of], seen.rows[of]
            spectrum = short.transformed(fid, which, seen.scale[of])
            starts = [start, _from_truth(start, part.rows(which), seen.scale[of], short)]
            starts += [_anywhere(rng, start, short) for _ in range(n_starts)]
            costs, shifts = [], []
            for each in starts:
                out = fit_stack(spectrum, each, short, MAX_ITERATIONS, np.zeros(len(of)))
                cost = _cost(spectrum, start, out.y, short)
                costs.append(np.where(out.converged, cost, np.inf))
                shifts.append(out.y[:, short.alpha_beta[0]] - out.y[:, short.alpha_beta[1]])
            costs, shifts = np.array(costs), np.array(shifts) / problem.spectrometer_frequency_mhz
            variance = costs.min(axis=0) / (2 * len(short.bins) - short.ties.shape[1])
            best = costs.argmin(axis=0)
            above.append((costs[0] - costs.min(axis=0)) / variance)
            moved.append(shifts[0] - shifts[best, np.arange(len(of))])
            rows_of.append(first + which)
    above, moved, rows = (np.concatenate(parts) for parts in (above, moved, rows_of))
    reached = above <= WITHIN
    missed = rows[~reached]
    sd = result.sd_shift_alpha_beta_ppm
    return {
        "n_spectra": len(truth),
        "n_fitted": len(rows),
        "reached": float(reached.sum() / len(truth)),
        "reached_of_valid": float(reached[result.is_valid[rows]].mean()),
        "missed": [
            {
                "spectrum": int(row),
                "snr": float(truth.snr[row]),
                "cost_above_best_in_variances": float(excess),
                "shift_from_best_in_sd": float(shift / sd[row]),
                "valid": bool(result.is_valid[row]),
            }
            for row, excess, shift in zip(missed, above[~reached], moved[~reached], strict=True)
        ][:50],
        "n_missed": len(missed),
        "n_shift_missed_by_a_hundredth_sd": int(np.sum(np.abs(moved[~reached]) > 0.01 * sd[missed])),
    }
