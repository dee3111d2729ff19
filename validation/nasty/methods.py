"""The ways to a shift that are compared: each a function of spectra and a field, with what it says of its own error.

To add one, write a function of (`Simulated`, field in tesla) that returns `Estimates`, and name it in `METHODS`.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import p31mg
from nasty.simulator import Simulated
from p31mg.prior import load_prior

__all__ = ["DEFAULT", "METHODS", "MODELS", "SLOW_METHODS", "Estimates", "peer_is_there", "spectra_of"]

Fit = Callable[[p31mg.Spectra, float], "Estimates"]

APODISATION_HZ = 10.0
ZERO_FILLING = 8
BEGIN_TIME_SD_S = 2e-4
"""What is said of the begin time of all spectra."""


@dataclass(frozen=True)
class Estimates:
    """What a method says of each spectrum. Methods without error bars leave `sd_ppm` and the interval NaN.

    `seconds` is NaN but where a method knows better than the clock what its fits took.
    """

    shift_ppm: np.ndarray
    sd_ppm: np.ndarray
    valid: np.ndarray
    free_mg_mM: np.ndarray
    low_mM: np.ndarray
    high_mM: np.ndarray
    seconds: np.ndarray

    @classmethod
    def empty(cls, n: int) -> Estimates:
        """Return rows that say nothing yet."""
        unknown = [np.full(n, np.nan) for _ in range(6)]
        return cls(*unknown[:2], np.zeros(n, dtype=bool), *unknown[2:])

    def put(self, rows: np.ndarray, other: Estimates) -> None:
        """Write the rows of a part."""
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(other, f.name)


def spectra_of(simulated: Simulated, rows: np.ndarray | slice) -> p31mg.Spectra:
    """Return rows that share a stated begin time, as the package takes them."""
    begin = np.unique(simulated.stated_begin_time_s[rows])
    acquisition = p31mg.Acquisition(
        spectrometer_frequency_mhz=simulated.spectrometer_frequency_mhz,
        dwell_time_s=simulated.dwell_time_s,
        begin_time_s=float(begin.item()),
        sd_begin_time_s=BEGIN_TIME_SD_S,
    )
    return p31mg.Spectra(simulated.fid[rows], acquisition)


def by_begin_time(method: Fit) -> Callable[[Simulated, float], Estimates]:
    """Return a method that calls another with what shares a begin time."""

    def of_all(simulated: Simulated, field_t: float) -> Estimates:
        out = Estimates.empty(len(simulated.fid))
        for begin in np.unique(simulated.stated_begin_time_s):
            rows = np.flatnonzero(simulated.stated_begin_time_s == begin)
            out.put(rows, method(spectra_of(simulated, rows), field_t))
        return out

    return of_all


def aligned(simulated: Simulated) -> Simulated:
    """Return the mean of the transients after the package has aligned them."""
    from p31mg import preprocess

    spectra = p31mg.Spectra(simulated.transients, spectra_of(simulated, slice(None)).acquisition)
    return replace(simulated, fid=preprocess.average_transients(spectra, "axis_1").fid)


def muscle(field_t: float) -> p31mg.Prior:
    """Return the prior of muscle, for this field."""
    return load_prior("muscle").at_field(field_t)


def from_fit(fit: p31mg.FitResult) -> Estimates:
    """Return what a fit says."""
    mg = p31mg.free_magnesium(fit)
    low, high = np.moveaxis(mg.interval_mM, -1, 0)
    known = (fit.shift_alpha_beta_ppm, fit.sd_shift_alpha_beta_ppm, fit.is_valid, mg.free_mg_mM.copy(), low, high)
    return Estimates(*known, np.full(low.shape, np.nan))


def without_error(shift: np.ndarray) -> Estimates:
    """Return a method's shifts, with magnesium by the same calibration and no error."""
    out = Estimates.empty(len(shift))
    out.shift_ppm[:] = shift
    out.valid[:] = np.isfinite(shift)
    out.free_mg_mM[:] = p31mg.free_magnesium(np.append(shift, np.nan)).free_mg_mM[:-1]
    return out


def _fit(spectra: p31mg.Spectra, prior: p31mg.Prior, **options: Any) -> p31mg.FitResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return p31mg.fit(spectra, prior, **options)


LEAN = {"lineshape": "prior", "baseline": "none"}
DEFAULT = "default"
"""The method that goals are checked for."""
MODELS: dict[str, Callable[[p31mg.Spectra, p31mg.Prior], p31mg.FitResult]] = {
    DEFAULT: _fit,
    "free phases": partial(_fit, phase_model="free"),
    "begin time, Lorentzian": partial(_fit, phase_model="begin-time", **LEAN),
    "locked, Lorentzian": partial(_fit, phase_model="locked", **LEAN),
}
"""Fits with the package, for spectra whose begin time is stated with an sd of 0.2 ms."""


def by_fit(model: Callable[[p31mg.Spectra, p31mg.Prior], p31mg.FitResult]) -> Callable[[Simulated, float], Estimates]:
    """Return the method that fits with the muscle prior."""
    return by_begin_time(lambda spectra, field_t: from_fit(model(spectra, muscle(field_t))))


@by_begin_time
def peak_picking(spectra: p31mg.Spectra, field_t: float) -> Estimates:  # noqa: ARG001
    """Do what is done by hand: apodise, fill with zeros, phase PCr, read the tops of alpha's doublet and of beta."""
    a, n = spectra.acquisition, spectra.n_points
    long = n * ZERO_FILLING
    fid = spectra.fid * np.exp(-np.pi * APODISATION_HZ * a.dwell_time_s * np.arange(n))
    ppm = np.fft.fftshift(np.fft.fftfreq(long, a.dwell_time_s)) / a.spectrometer_frequency_mhz
    first_order = np.exp(-2j * np.pi * ppm * a.spectrometer_frequency_mhz * a.begin_time_s)
    shift = np.empty(len(fid))
    for i, one in enumerate(fid):
        spectrum = np.fft.fftshift(np.fft.fft(one, long)) * first_order
        top = int(np.argmax(np.abs(spectrum) * (np.abs(ppm) < 2)))
        real = (spectrum * np.exp(-1j * np.angle(spectrum[top]))).real
        shift[i] = _doublet(ppm - ppm[top], real, (-8.0, -7.1)) - _highest(ppm - ppm[top], real, (-17.2, -15.6))
    return without_error(shift)


def _top(ppm: np.ndarray, height: np.ndarray, i: int) -> float:
    """Return the top of the parabola through three points."""
    if not 0 < i < len(ppm) - 1:
        return float(ppm[i])
    left, middle, right = height[i - 1 : i + 2]
    curve = left - 2 * middle + right
    return float(ppm[i] + (ppm[1] - ppm[0]) * 0.5 * (left - right) / curve) if curve < 0 else float(ppm[i])


def _highest(ppm: np.ndarray, height: np.ndarray, window: tuple[float, float]) -> float:
    inside = np.flatnonzero((ppm > window[0]) & (ppm < window[1]))
    return _top(ppm, height, int(inside[np.argmax(height[inside])]))


def _doublet(ppm: np.ndarray, height: np.ndarray, window: tuple[float, float]) -> float:
    """Return the middle of the two highest tops, or the one top of a doublet that is not resolved."""
    inside = np.flatnonzero((ppm > window[0]) & (ppm < window[1]))
    tops = [i for i in inside if height[i - 1] < height[i] >= height[i + 1]]
    tops = sorted(tops, key=lambda i: height[i], reverse=True)[:2]
    if len(tops) == 2 and height[tops[1]] < 0.6 * height[tops[0]]:
        tops = tops[:1]
    return float(np.mean([_top(ppm, height, i) for i in tops])) if tops else np.nan


def _bench() -> object:
    """Return the module of the benchmarks that calls pyAMARES."""
    folder = str(Path(__file__).parents[2] / "benchmarks")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from suite import peer

    return peer


def peer_is_there() -> bool:
    """Whether pyAMARES can be called."""
    return _bench()._is_there()  # type: ignore[attr-defined]


@by_begin_time
def pyamares(spectra: p31mg.Spectra, field_t: float) -> Estimates:
    """Fit with pyAMARES `least_squares`: the same lines and windows, offset and phase from our start values."""
    found = _bench().run_peer(spectra, muscle(field_t))  # type: ignore[attr-defined]
    out = without_error(found["shift_alpha_beta_ppm"])
    out.seconds[:] = found["seconds"]
    return out


METHODS: dict[str, Callable[[Simulated, float], Estimates]] = {
    **{name: by_fit(model) for name, model in MODELS.items()},
    "peak picking": peak_picking,
}
SLOW_METHODS = {"pyAMARES": pyamares}


def timed(
    method: Callable[[Simulated, float], Estimates], simulated: Simulated, field_t: float
) -> tuple[Estimates, float]:
    """Return estimates, and the seconds that they took."""
    start = time.perf_counter()
    out = method(simulated, field_t)
    took = time.perf_counter() - start
    return out, float(out.seconds.sum()) if np.isfinite(out.seconds).all() else took
