"""Fit the spectra of an .npz with pyAMARES, one by one, and write what came out. Runs in the peer's environment.

    python peer_pyamares.py INPUT.npz PRIOR.csv OUTPUT.npz

Imports nothing of p31mg. Only the fit is timed: not the import, nor reading the prior, nor making the parameters.
"""

from __future__ import annotations

import os

os.environ["MPLBACKEND"] = "Agg"

import logging
import sys
import time
import warnings
from copy import deepcopy
from importlib.metadata import version

import numpy as np

warnings.simplefilter("ignore")

import pyAMARES


def started(parameters, offset_hz: float, phase_rad: float):
    """Return parameters moved to where PCr was found: values and windows of frequencies, and the phase."""
    out = deepcopy(parameters)
    for name, parameter in out.items():
        if name.startswith("freq") and not parameter.expr:
            low, high, value = parameter.min, parameter.max, parameter.value
            parameter.set(value=value + offset_hz, min=low + offset_hz, max=high + offset_hz)
        if name.startswith("phi") and not parameter.expr:
            parameter.set(value=phase_rad)
    return out


def centre_hz(parameters, name: str) -> float:
    """Return the centre of a multiplet: the mean of its lines, which lie symmetrically."""
    lines = [p.value for key, p in parameters.items() if key.startswith(f"freq_{name}")]
    return float(np.mean(lines))


def main(source: str, prior: str, target: str) -> None:
    """Fit everything in `source`."""
    logging.disable(logging.CRITICAL)
    given = np.load(source)
    fid, frequency = given["fid"], float(given["spectrometer_frequency_mhz"])
    sampling = {"MHz": frequency, "sw": 1 / float(given["dwell_time_s"]), "deadtime": float(given["begin_time_s"])}
    opened = pyAMARES.initialize_FID(fid[0], priorknowledgefile=prior, preview=False, **sampling)
    shift, seconds, evaluations, energy = [], [], [], []
    for i, signal in enumerate(fid):
        own = deepcopy(opened)
        own.fid = signal
        own.timeaxis = own.timeaxis[: len(signal)]  # its axis may have one point too many
        parameters = started(opened.initialParams, float(given["offset_hz"][i]), float(given["phase_rad"][i]))
        start = time.perf_counter()
        out = pyAMARES.fitAMARES(own, parameters, method="least_squares", ifplot=False, inplace=True)
        seconds.append(time.perf_counter() - start)
        shift.append((centre_hz(out.params, "AATP") - centre_hz(out.params, "BATP")) / frequency)
        evaluations.append(out.nfev)
        energy.append(out.chisqr)
        print(f"\r  pyAMARES {i + 1} of {len(fid)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    np.savez(
        target,
        shift_alpha_beta_ppm=shift,
        seconds=seconds,
        n_evaluations=evaluations,
        chi_square=energy,
        n_varied=sum(p.vary and not p.expr for p in parameters.values()),
        version=version("pyAMARES"),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
