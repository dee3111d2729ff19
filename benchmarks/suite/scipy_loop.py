"""(c) Over a loop of `scipy.optimize.least_squares`: our model on all points of the FID, with its analytic Jacobian.

Written as one would write it by hand: no bins, no closed sums, no shortened signals. Each fit starts from p31mg's own start
values and has its bounds; the loop's time is that of `least_squares` alone, without the search for them. Since p31mg fits the
bins around the windows and leaves out late points, the two minimise not quite the same cost: their difference is stated in units
of the sd that each fit reports.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import least_squares

import p31mg
from p31mg.fitting.problem import Problem
from p31mg.fitting.survey import look
from suite import cases
from suite.fourier import N_SPECTRA
from suite.record import Row, talk
from suite.timing import seconds

__all__ = ["fit_from_truth", "scipy_loop"]


def model(x: np.ndarray, prior: p31mg.Prior) -> tuple[np.ndarray, np.ndarray]:
    """Return the signal (N,) and its Jacobian (N, P) at free parameters x: those of `cases.jacobian`, in its order."""
    truth = truth_of(x, prior)
    jacobian = cases.jacobian(truth, 0)
    k = len(prior.names)
    # the signal is linear in the amplitudes, whose columns stand before the last one
    return jacobian[:, -1 - k : -1] @ truth.amplitude[0], jacobian


def truth_of(x: np.ndarray, prior: p31mg.Prior) -> cases.Truth:
    """Return free parameters as a signal's parameters."""
    k, reference = len(prior.names), prior.index(prior.reference)
    shift = np.insert(x[1:k], reference, 0.0) / cases.ACQUISITION.spectrometer_frequency_mhz
    own = [i for i, r in enumerate(prior.resonances) if r.linewidth_as is None]
    expected = np.array([r.linewidth_hz for r in prior.resonances])
    width = np.empty(k)
    width[own] = x[k : k + len(own)]
    for i, r in enumerate(prior.resonances):
        if r.linewidth_as is not None:
            owner = prior.index(r.linewidth_as)
            width[i] = width[owner] * expected[i] / expected[owner]
    return cases.Truth(
        shift_ppm=shift[None],
        linewidth_hz=width[None],
        amplitude=x[None, -1 - k : -1],
        phase_rad=x[-1:],
        offset_hz=x[:1],
        snr=np.array([np.inf]),
        prior=prior,
    )


def functions(data: np.ndarray, prior: p31mg.Prior) -> tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]:
    """Return residual and Jacobian as real numbers; the Jacobian of the point just evaluated is not made again."""
    last: dict[str, Any] = {}

    def at(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if "x" not in last or not np.array_equal(last["x"], x):
            last["x"], last["both"] = x.copy(), model(x, prior)
        return last["both"]

    def residual(x: np.ndarray) -> np.ndarray:
        return (at(x)[0] - data).view(np.float64)

    def jacobian(x: np.ndarray) -> np.ndarray:
        columns = at(x)[1]
        return np.concatenate([columns.real[:, None], columns.imag[:, None]], axis=1).reshape(-1, columns.shape[-1])

    return residual, jacobian


def fit_each(spectra: p31mg.Spectra, prior: p31mg.Prior) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shift difference, time and number of evaluations of every spectrum."""
    problem = Problem.of(spectra, prior)
    seen = look(np.array(spectra.fid), problem)
    x0 = problem.free(seen.y)
    lower, upper = problem.bounds(x0)
    alpha, beta = (problem.shifted.index(i) + 1 for i in problem.alpha_beta)
    shift, times, evaluations = [], [], []
    for row, scale, start, low, high in zip(seen.rows, seen.scale, x0, lower, upper, strict=True):
        residual, jacobian = functions(spectra.fid[row] / scale, prior)
        inside = np.clip(start, low + 1e-9, high - 1e-9)
        begin = time.perf_counter()
        out = least_squares(residual, inside, jac=jacobian, bounds=(low, high), method="trf", x_scale="jac")
        times.append(time.perf_counter() - begin)
        shift.append((out.x[alpha] - out.x[beta]) / problem.spectrometer_frequency_mhz)
        evaluations.append(out.nfev)
    return np.array(shift), np.array(times), np.array(evaluations)


def fit_from_truth(spectra: p31mg.Spectra, truth: cases.Truth) -> np.ndarray:
    """Return the shift difference that maximum likelihood gives: all points, started from the truth, stopped late."""
    prior = truth.prior
    problem = Problem.of(spectra, prior)
    y = np.concatenate(
        [
            truth.shift_ppm * problem.spectrometer_frequency_mhz,
            truth.linewidth_hz,
            truth.amplitude,
            truth.phase_rad[:, None],
        ],
        axis=-1,
    )
    y[:, problem.reference] = truth.offset_hz
    x0 = problem.free(y)
    lower, upper = problem.bounds(x0)
    alpha, beta = (problem.shifted.index(i) + 1 for i in problem.alpha_beta)
    shift = []
    for data, start, low, high in zip(spectra.fid, x0, lower, upper, strict=True):
        residual, jacobian = functions(data, prior)
        stop = {"ftol": 1e-10, "xtol": 1e-10, "gtol": 1e-12}
        out = least_squares(residual, start, jac=jacobian, bounds=(low, high), method="trf", x_scale="jac", **stop)
        shift.append((out.x[alpha] - out.x[beta]) / problem.spectrometer_frequency_mhz)
    return np.array(shift)


def scipy_loop(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Compare with the loop."""
    n, prior = (32 if quick else 256), cases.muscle()
    stack, truth = cases.stack(N_SPECTRA)
    p31mg.fit(stack, prior)
    fitted = p31mg.fit(stack[:n], prior)
    ours, shift, times, evaluations = [], [], [], []
    talk(f"a loop of least_squares over {n} spectra")
    for i in range(0, n, 32):
        ours.append(seconds(lambda: p31mg.fit(stack, prior)) / N_SPECTRA)
        part = fit_each(stack[i : i + 32], prior)
        for whole, piece in zip((shift, times, evaluations), part, strict=True):
            whole.append(piece)
    shift, times, evaluations = (np.concatenate(parts) for parts in (shift, times, evaluations))
    sd = fitted.sd_shift_alpha_beta_ppm
    apart = (fitted.shift_alpha_beta_ppm - shift) / sd
    error, own_error = shift - truth.alpha_beta_ppm[:n], fitted.shift_alpha_beta_ppm - truth.alpha_beta_ppm[:n]
    figures = {
        "n_spectra": n,
        "loop_seconds_per_spectrum": {"median": float(np.median(times)), "mean": float(times.mean())},
        "loop_evaluations_mean": float(evaluations.mean()),
        "seconds_per_spectrum": float(np.median(ours)),
        "ratio": float(times.mean() / np.median(ours)),
        "difference_in_sd": {
            "rms": float(np.sqrt(np.mean(apart**2))),
            "median": float(np.median(np.abs(apart))),
            "largest": float(np.abs(apart).max()),
        },
        "rmse_ppm": float(np.sqrt(np.mean(own_error**2))),
        "loop_rmse_ppm": float(np.sqrt(np.mean(error**2))),
    }
    d = figures["difference_in_sd"]
    note = f"{1e3 * times.mean():.1f} ms a spectrum in the loop, {evaluations.mean():.1f} evaluations; start values are ours"
    return [
        Row("spectra/s over a loop of scipy least_squares", "", f"{figures['ratio']:.0f}", note=note),
        Row(
            "difference of shift_alpha_beta from the loop's, in sd",
            "",
            f"rms {d['rms']:.3f}, largest {d['largest']:.3f}",
            note=f"RMSE {figures['rmse_ppm']:.5f} ppm, loop {figures['loop_rmse_ppm']:.5f} ppm",
        ),
    ], figures
