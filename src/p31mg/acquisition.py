"""What was measured and how: `Acquisition`, `Spectra` with what was done to them, and the only time, frequency and ppm axes.

With dwell time Δt, begin time t0 and N points:

    t_n = t0 + n Δt                                      (integer index times Δt, so never one point too many)
    f_k = fftshift(fftfreq(N, Δt))                       (0 Hz is on the axis, both ends are not)
    δ_k = f_k / spectrometer frequency - reference       (Hz over MHz is ppm)

The transform that belongs to these axes is ``fftshift(fft(fid))`` with the first point at t0. Positive frequencies are
higher ppm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from p31mg.arrays import ComplexArray, FloatArray
from p31mg.constants import RESONANT_NUCLEUS
from p31mg.errors import InputError
from p31mg.notebook import card, sketch

__all__ = ["Acquisition", "ProcessingStep", "Spectra", "frequency_axis_hz", "ppm_axis", "time_axis_s"]


PLAUSIBLE_FREQUENCY_MHZ = (1.0, 1000.0)
"""31P at 0.06 T and at 58 T: outside, the number is in Hz or in tesla."""

LONGEST_BEGIN_TIME_S = 0.1
"""Nothing is left of ATP after so long: a larger number is in milliseconds."""

VAGUEST_BEGIN_TIME_S = 0.002
"""Beyond it the phases of ATP could be anything, and so could its shifts."""

MIN_POINTS = 64
"""Fewer points than this cannot hold seven resonances; such an array is nearly always a transposed one."""


def time_axis_s(n_points: int, dwell_time_s: float, begin_time_s: float = 0.0) -> FloatArray:
    """Return the time of each point, shape (n_points,), in seconds after the centre of the excitation.

    Examples
    --------
    >>> time_axis_s(3, dwell_time_s=0.5, begin_time_s=0.25)
    array([0.25, 0.75, 1.25])
    """
    return begin_time_s + dwell_time_s * np.arange(n_points)


def frequency_axis_hz(n_points: int, dwell_time_s: float) -> FloatArray:
    """Return the frequency of each bin of ``fftshift(fft(fid))``, shape (n_points,), ascending, in Hz.

    Examples
    --------
    >>> frequency_axis_hz(4, dwell_time_s=0.25)
    array([-2., -1.,  0.,  1.])
    """
    return np.fft.fftshift(np.fft.fftfreq(n_points, dwell_time_s))


def ppm_axis(
    n_points: int, dwell_time_s: float, spectrometer_frequency_mhz: float, reference_ppm: float = 0.0
) -> FloatArray:
    """Return the chemical shift of each bin of ``fftshift(fft(fid))``, shape (n_points,), ascending, in ppm.

    Parameters
    ----------
    n_points
        Number of points of the transform (with zero filling, if any).
    dwell_time_s
        Time between two points, in seconds.
    spectrometer_frequency_mhz
        Larmor frequency of the nucleus, in MHz.
    reference_ppm
        Position of PCr on the axis of the carrier, subtracted so that PCr is 0 ppm. Default 0: carrier on PCr.

    Examples
    --------
    >>> ppm_axis(4, dwell_time_s=0.25, spectrometer_frequency_mhz=2.0)
    array([-1. , -0.5,  0. ,  0.5])
    """
    return frequency_axis_hz(n_points, dwell_time_s) / spectrometer_frequency_mhz - reference_ppm


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """How a spectrum was acquired. Nothing here has a default that could be wrong.

    Parameters
    ----------
    spectrometer_frequency_mhz
        Larmor frequency of 31P at the scanner's field, in MHz: 25.9 at 1.5 T, 49.9 or 51.7 at 3 T, 120.3 at 7 T.
    dwell_time_s
        Time between two complex points, in seconds; the inverse of the spectral width.
    begin_time_s
        Time from the centre of the excitation pulse to the first point, in seconds. An error of 0.1 ms moves
        ``shift_alpha_beta_ppm`` by up to 0.13 ppm at 3 T when all phases are locked.
    resonant_nucleus
        Must be ``"31P"``: any other nucleus is refused.
    begin_time_source
        Where the begin time comes from, for the record: a header field or the user.
    sd_begin_time_s
        How well it is known, as a standard deviation in seconds. Default 0: exactly. Otherwise a fit finds it, and its error is
        in that of the shifts.

    Raises
    ------
    InputError
        A value is not finite, not positive (the begin time may be zero or negative), or the nucleus is not 31P.

    Examples
    --------
    >>> acquisition = Acquisition(spectrometer_frequency_mhz=49.9, dwell_time_s=2e-4, begin_time_s=5e-4)
    >>> acquisition.spectral_width_hz
    5000.0
    """

    spectrometer_frequency_mhz: float
    dwell_time_s: float
    begin_time_s: float
    resonant_nucleus: str = RESONANT_NUCLEUS
    begin_time_source: str = field(default="given", compare=False)
    sd_begin_time_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("spectrometer_frequency_mhz", "dwell_time_s"):
            _require(name, getattr(self, name), positive=True)
        _require("begin_time_s", self.begin_time_s, positive=False)
        low, high = PLAUSIBLE_FREQUENCY_MHZ
        if not low <= self.spectrometer_frequency_mhz <= high:
            msg = (
                f"spectrometer_frequency_mhz is {self.spectrometer_frequency_mhz:g}; give it in MHz, between {low:g} and "
                f"{high:g} (49.9 at 3 T)."
            )
            raise InputError(msg)
        if abs(self.begin_time_s) > LONGEST_BEGIN_TIME_S:
            allowed = f"usually 0.0003 to 0.003, at most {LONGEST_BEGIN_TIME_S:g}"
            msg = f"begin_time_s is {self.begin_time_s:g}; give it in seconds ({allowed})."
            raise InputError(msg)
        _require("sd_begin_time_s", self.sd_begin_time_s, positive=False)
        if not 0 <= self.sd_begin_time_s <= VAGUEST_BEGIN_TIME_S:
            msg = f"sd_begin_time_s is {self.sd_begin_time_s:g}; give it in seconds, from 0 (exact) to {VAGUEST_BEGIN_TIME_S:g}."
            raise InputError(msg)
        if self.resonant_nucleus != RESONANT_NUCLEUS:
            msg = (
                f"resonant_nucleus is {self.resonant_nucleus!r}; p31mg fits {RESONANT_NUCLEUS} only, "
                "because free Mg2+ is read from the shifts of ATP."
            )
            raise InputError(msg)

    @property
    def spectral_width_hz(self) -> float:
        """Width of the spectrum, in Hz."""
        return 1.0 / self.dwell_time_s


def _require(name: str, value: object, *, positive: bool) -> None:
    ok = isinstance(value, (int, float, np.integer, np.floating)) and np.isfinite(value)
    if not ok or (positive and not value > 0):  # type: ignore[operator]
        kind = "a positive number" if positive else "a finite number"
        msg = f"{name} is {value!r}; it must be {kind}."
        raise InputError(msg)


@dataclass(frozen=True, kw_only=True)
class ProcessingStep:
    """One thing that was done to spectra after they were measured: see `p31mg.preprocess` and `Spectra.history`.

    Parameters
    ----------
    name
        Name of the function, or of the program where another one did it.
    method
        What it does in the words of NIfTI-MRS, such as ``"RF coil combination"``.
    parameters
        What the user chose.
    found
        Numbers that were found in the data, by name.
    caution
        One sentence about what it does to a fit and its errors, which `fit` repeats; empty where it does nothing to them.

    Examples
    --------
    >>> ProcessingStep(name="zero_fill", method="Zero-filling", parameters={"factor": 2}).parameters["factor"]
    2
    """

    name: str
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    caution: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Spectra:
    """One FID or any stack of FIDs that share an acquisition.

    Parameters
    ----------
    fid
        Shape (..., n_points), complex: the free induction decays, higher ppm turning counter-clockwise.
        NaN rows are allowed in a stack and come out of a fit as rows with a status.
    acquisition
        The acquisition that all of them share.
    axis_names
        One name per batch axis. Default ``"spectrum"`` for one axis, ``"axis_0", ...`` for several.
    source
        File or description that the data came from, for tables and figures.
    metadata
        What the file said, untouched.
    history
        What was done to the spectra since they were measured, the first step first.

    Raises
    ------
    InputError
        Fewer than 64 points, or names that do not match the batch axes.

    Examples
    --------
    >>> import numpy as np
    >>> acquisition = Acquisition(spectrometer_frequency_mhz=49.9, dwell_time_s=2e-4, begin_time_s=0.0)
    >>> Spectra(np.ones((3, 128), dtype=complex), acquisition)
    <Spectra (3,) x 128 points, 49.9 MHz, 5000 Hz, begin time 0 ms>
    """

    fid: ComplexArray
    acquisition: Acquisition
    axis_names: tuple[str, ...] = ()
    source: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    history: tuple[ProcessingStep, ...] = field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        fid = np.asarray(self.fid)
        if not np.issubdtype(fid.dtype, np.complexfloating):
            msg = f"fid holds {fid.dtype} numbers; an FID is complex: real + 1j * imaginary."
            raise InputError(msg)
        fid = fid.astype(np.complex128, copy=False)
        if fid.ndim == 0 or fid.shape[-1] < MIN_POINTS:
            n_points = fid.shape[-1] if fid.ndim else 0
            msg = f"fid has {n_points} points on its last axis, which is time; at least {MIN_POINTS} are needed."
            raise InputError(msg)
        if not isinstance(self.acquisition, Acquisition):
            msg = f"acquisition is a {type(self.acquisition).__name__}; give a p31mg.Acquisition."
            raise InputError(msg)
        n_axes = fid.ndim - 1
        names = self.axis_names or _default_axis_names(n_axes)
        if len(names) != n_axes or len(set(names)) != n_axes:
            msg = f"axis_names is {tuple(names)} for {n_axes} batch axes; give each axis a name of its own."
            raise InputError(msg)
        object.__setattr__(self, "fid", fid)
        object.__setattr__(self, "axis_names", tuple(names))

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the stack, without the points."""
        return self.fid.shape[:-1]

    @property
    def n_points(self) -> int:
        """Number of complex points of each FID."""
        return self.fid.shape[-1]

    @property
    def time_s(self) -> FloatArray:
        """Time of each point, shape (n_points,), in seconds after the centre of the excitation."""
        return time_axis_s(self.n_points, self.acquisition.dwell_time_s, self.acquisition.begin_time_s)

    @property
    def ppm(self) -> FloatArray:
        """Chemical shift of each bin of `spectrum`, shape (n_points,), in ppm from the carrier."""
        return ppm_axis(self.n_points, self.acquisition.dwell_time_s, self.acquisition.spectrometer_frequency_mhz)

    @property
    def spectrum(self) -> ComplexArray:
        """Discrete Fourier transform, shape (..., n_points), in the order of `ppm`."""
        return np.fft.fftshift(np.fft.fft(self.fid), axes=-1)

    def __getitem__(self, index: int | slice | tuple[int | slice, ...]) -> Spectra:
        """Return part of a stack, picked on its batch axes: ``spectra[0]`` is its first spectrum."""
        where = index if isinstance(index, tuple) else (index,)
        if len(where) > len(self.batch_shape):
            msg = f"index is {index}; the spectra have the batch shape {self.batch_shape}."
            raise InputError(msg)
        try:
            fid = self.fid[where]
        except IndexError as error:
            msg = f"index is {index}; the spectra have the batch shape {self.batch_shape}."
            raise InputError(msg) from error
        kept = [n for n, i in zip(self.axis_names, where, strict=False) if isinstance(i, slice)]
        names = (*kept, *self.axis_names[len(where) :])
        return Spectra(fid, self.acquisition, names, self.source, self.metadata, self.history)

    def processed(self, fid: ComplexArray, step: ProcessingStep, axis_names: tuple[str, ...] | None = None) -> Spectra:
        """Return what a step made of these spectra: other signals, the same acquisition, the step at the end of the history."""
        names = self.axis_names if axis_names is None else axis_names
        return Spectra(fid, self.acquisition, names, self.source, self.metadata, (*self.history, step))

    def __repr__(self) -> str:
        a = self.acquisition
        return (
            f"<{type(self).__name__} {self.batch_shape} x {self.n_points} points, "
            f"{a.spectrometer_frequency_mhz:g} MHz, {a.spectral_width_hz:g} Hz, "
            f"begin time {1e3 * a.begin_time_s:g} ms>"
        )

    def _repr_html_(self) -> str:
        """Return a sketch of the first spectrum that holds a signal, as a magnitude: no phase is known yet; and what is known."""
        a = self.acquisition
        name = f"{type(self).__name__} {self.batch_shape} × {self.n_points} points"
        rows = self.fid.reshape(-1, self.n_points)
        first = next((i for i, fid in enumerate(rows) if np.isfinite(fid).all() and fid.any()), None)
        drawing, place = "", ""
        if first is not None:
            where = np.unravel_index(first, self.batch_shape)
            place = ", ".join(f"{n} {i}" for n, i in zip(self.axis_names, where, strict=True))
            magnitude = np.abs(np.fft.fftshift(np.fft.fft(rows[first])))
            drawing = sketch(self.ppm, magnitude, label=f"magnitude spectrum {place}, ppm from the carrier")
            place = f"drawn: magnitude{f' of {place}' if place else ''}, ppm from the carrier"
        sd = f" ± {1e3 * a.sd_begin_time_s:g}" if a.sd_begin_time_s else ""
        known = (
            f"{a.spectrometer_frequency_mhz:g} MHz, {a.spectral_width_hz:g} Hz, "
            f"begin time {1e3 * a.begin_time_s:g}{sd} ms ({a.begin_time_source})"
        )
        history = f"history: {', '.join(step.name for step in self.history)}" if self.history else ""
        return card(name, drawing, notes=(place if drawing else "no signal", known, self.source, history))


def _default_axis_names(n_axes: int) -> tuple[str, ...]:
    return ("spectrum",) if n_axes == 1 else tuple(f"axis_{i}" for i in range(n_axes))
