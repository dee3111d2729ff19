"""(b) Spectra per second over pyAMARES `least_squares`: same spectra, same lines, same windows, each on one core.

pyAMARES reads prior knowledge from a table with one column per *line*. It is written here from the prior of p31mg: the first
line of a multiplet varies within the window of its centre, moved by the line's distance from it; the others are tied to it and
have no window of their own, which would clip the tied lines and bend the centre. Each fit starts at the offset and phase that
p31mg's own start values have found, which spares the peer the search; the rest starts where the prior expects it, but moved
by 1 % of a window where that is exactly its middle. Its stopping rule is its default.
"""

from __future__ import annotations

import csv
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import p31mg
from p31mg.fitting.problem import Problem
from p31mg.fitting.survey import look
from suite import cases
from suite.fourier import N_SPECTRA
from suite.record import Row, talk
from suite.timing import seconds

__all__ = ["pyamares"]

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("P31MG_BENCH_PYTHON", ROOT / ".venv-bench" / "bin" / "python"))
_COLUMN = {
    "pcr": "PCR",
    "pi": "PI",
    "pde": "PDE",
    "pme": "PME",
    "gamma_atp": "GATP",
    "alpha_atp": "AATP",
    "beta_atp": "BATP",
    "nad": "NAD",
}


def prior_table(prior: p31mg.Prior, frequency_mhz: float) -> list[list[str]]:
    """Return the rows of the peer's table. The reference comes first: a column may refer only to those on its left."""
    resonance, offset, weight = cases.line_table(prior)
    columns: list[list[str]] = []
    for k, r in enumerate(prior.resonances):
        name, lines = _COLUMN[r.name], np.flatnonzero(resonance == k)
        first = lines[0]
        low, high = (float(edge + offset[first] / frequency_mhz) for edge in r.shift_bounds_ppm)
        centre = r.chemical_shift_ppm + offset[first] / frequency_mhz
        if np.isclose(2 * centre, low + high):
            centre += 0.01 * (high - low)
        width = repr(r.linewidth_hz) if r.linewidth_as is None else _COLUMN[r.linewidth_as]
        widths = f"({r.linewidth_bounds_hz[0]}, {r.linewidth_bounds_hz[1]})" if r.linewidth_as is None else ""
        phase = "0" if name == "PCR" else "PCR"
        columns.append(
            [name, "", repr(float(r.amplitude * weight[first])), repr(float(centre)), width, phase, "0", "", "(0, ",
             f"({low}, {high})", widths, "", ""]
        )  # fmt: skip
        for number, line in enumerate(lines[1:], start=2):
            times = weight[line] / weight[first]
            amplitude = name if times == 1 else f"{name}*{times:g}"
            tied = f"{name}+{offset[line] - offset[first]:g}Hz"
            columns.append([f"{name}{number}", "", amplitude, tied, name, "PCR", "0", "", "", "", "", "", ""])
    labels = ["Index", "Initial Values", *(quantities := ["amplitude", "chemicalshift", "linewidth", "phase", "g"])]
    labels += ["Bounds", *quantities]
    return [[label, *(column[i] for column in columns)] for i, label in enumerate(labels)]


def _is_there() -> bool:
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pyAMARES"], capture_output=True).returncode == 0


def starts(spectra: p31mg.Spectra, prior: p31mg.Prior) -> tuple[np.ndarray, np.ndarray]:
    """Return offset of PCr (Hz) and phase, as found before the fit."""
    problem = Problem.of(spectra, prior)
    seen = look(np.array(spectra.fid), problem)
    if len(seen.rows) != len(spectra.fid):
        msg = "PCr was not found in every spectrum of the comparison; give it another seed."
        raise SystemExit(msg)
    return seen.y[:, problem.reference], seen.y[:, -1]


def run_peer(spectra: p31mg.Spectra, prior: p31mg.Prior) -> dict[str, np.ndarray]:
    """Return what the peer made of the spectra."""
    a = spectra.acquisition
    offset_hz, phase_rad = starts(spectra, prior)
    with tempfile.TemporaryDirectory() as folder:
        source, table, target = (Path(folder) / name for name in ("spectra.npz", "prior.csv", "out.npz"))
        np.savez(
            source,
            fid=spectra.fid,
            offset_hz=offset_hz,
            phase_rad=phase_rad,
            spectrometer_frequency_mhz=a.spectrometer_frequency_mhz,
            dwell_time_s=a.dwell_time_s,
            begin_time_s=a.begin_time_s,
        )
        with table.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(prior_table(prior, a.spectrometer_frequency_mhz))
        script = Path(__file__).with_name("peer_pyamares.py")
        subprocess.run([PYTHON, script, source, table, target], check=True, stdout=subprocess.DEVNULL)
        with np.load(target) as out:
            return dict(out)


def quality(shift: np.ndarray, truth: np.ndarray, bound: np.ndarray) -> dict[str, float]:
    """Return RMSE and bias in ppm, and the error in units of the Cramer-Rao bound: its median magnitude and root mean square."""
    error = shift - truth
    return {
        "rmse_ppm": float(np.sqrt(np.mean(error**2))),
        "bias_ppm": float(error.mean()),
        "bias_standard_error_ppm": float(error.std() / np.sqrt(len(error))),
        "rms_in_bounds": float(np.sqrt(np.mean((error / bound) ** 2))),
        "largest_in_bounds": float(np.abs(error / bound).max()),
    }


def pyamares(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Compare with pyAMARES, if its environment is there."""
    goal = Row("spectra/s over pyAMARES least_squares", ">= 1000", "-")
    if not _is_there():
        note = f"skipped: no pyAMARES in {PYTHON.parents[1].name}; make .venv-bench/.installed"
        return [Row(goal.what, goal.goal, "-", note=note)], {}
    n, prior = (8 if quick else 48), cases.muscle()
    stack, truth = cases.stack(N_SPECTRA)
    few, true = stack[:n], truth.alpha_beta_ppm[:n]
    p31mg.fit(stack, cases.muscle())
    before = [seconds(lambda: p31mg.fit(stack, cases.muscle())) for _ in range(3)]
    talk(f"pyAMARES on {n} of them")
    peer = run_peer(few, prior)
    after = [seconds(lambda: p31mg.fit(stack, cases.muscle())) for _ in range(3)]
    ours = p31mg.fit(few, cases.muscle())
    bound = cases.bounds_alpha_beta_ppm(truth.rows(slice(n)), cases.signals(truth.rows(slice(n)))[1])
    figures = {
        "peer_version": str(peer["version"]),
        "n_spectra": n,
        "peer_seconds": {"median": float(np.median(peer["seconds"])), "mean": float(peer["seconds"].mean())},
        "peer_evaluations_mean": float(peer["n_evaluations"].mean()),
        "peer_parameters_varied": int(peer["n_varied"]),
        "spectra_per_second": N_SPECTRA / float(np.median(before + after)),
        "peer_spectra_per_second": 1 / float(peer["seconds"].mean()),
        "quality": quality(ours.shift_alpha_beta_ppm, true, bound),
        "peer_quality": quality(peer["shift_alpha_beta_ppm"], true, bound),
        "bound_rms_ppm": float(np.sqrt((bound**2).mean())),
        "difference_in_bounds_median": float(
            np.median(np.abs(ours.shift_alpha_beta_ppm - peer["shift_alpha_beta_ppm"]) / bound)
        ),
    }
    times = figures["spectra_per_second"] / figures["peer_spectra_per_second"]
    speeds = f"{figures['spectra_per_second']:.0f}/s on the stack of {N_SPECTRA}, peer {figures['peer_spectra_per_second']:.2f}/s"
    note = f"{speeds} on {n} of it; pyAMARES {figures['peer_version']}, {figures['peer_parameters_varied']} parameters vary"
    rows = [Row(goal.what, goal.goal, f"{times:.0f}", times >= 1000, note)]
    for who, key in (("p31mg", "quality"), ("pyAMARES", "peer_quality")):
        q = figures[key]
        rows.append(
            Row(
                f"{who}: RMSE of shift_alpha_beta on these {n}",
                f"bound {figures['bound_rms_ppm']:.4f} ppm",
                f"{q['rmse_ppm']:.4f} ppm; bias {q['bias_ppm']:+.4f} +- {q['bias_standard_error_ppm']:.4f}",
                note=f"error over bound: rms {q['rms_in_bounds']:.2f}, largest {q['largest_in_bounds']:.2f}",
            )
        )
    return rows, figures
