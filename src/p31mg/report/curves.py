"""Small curves of fitted spectra, for pictures: what was measured, and every resonance of the model.

A FID is turned to its reference (PCr at 0 ppm), cut where the narrowest line of the prior has decayed to exp(-6), rolled off over
the last half of what is kept, filled with as many zeros, transformed, and phased. So all spectra of one fit share a ppm axis,
and that axis has no more points than a picture needs. Data and model go the same way; the fit itself saw the FID as it is.

Numbers are 16-bit integers times one step per spectrum: 65 thousand levels between the deepest and the highest point.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from p31mg.acquisition import frequency_axis_hz
from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.atomic import write_whole
from p31mg.errors import ReadError
from p31mg.fitting import FitResult

__all__ = ["FitCurves", "curves_of"]

_MARGIN_PPM = 2.0
_KEPT_DECAYS = 6.0
_FEWEST_POINTS = 128
_ZERO_FILL = 2
_LARGEST = 32767
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class FitCurves:
    """Curves of n spectra that were fitted in one call, on one ppm axis of P points, for K resonances.

    Attributes
    ----------
    ppm
        (P,) chemical shift from PCr (from the carrier where nothing was fitted), ascending.
    names
        (K,) names of the resonances.
    centre_ppm
        (n, K) fitted centre of each multiplet; NaN where there is none.
    data
        (n, P) 16-bit: the phased real spectrum; its magnitude where nothing was fitted, as no phase is known there.
    resonances
        (n, K, P) 16-bit: the model of each resonance; 0 where nothing was fitted.
    step
        (n,) what 1 of `data` and `resonances` is in units of the spectrum; 0 where the FID holds nothing or NaN.
    is_fitted
        (n,) True where there is a model.

    Examples
    --------
    >>> import p31mg
    >>> curves = curves_of(p31mg.fit(p31mg.simulate([0.4, 0.6], prior="muscle-3t", snr=300, seed=1)))
    >>> len(curves), curves[1:].fit.shape == curves[1:].residual.shape
    (2, True)
    """

    ppm: FloatArray
    names: tuple[str, ...]
    centre_ppm: FloatArray
    data: npt.NDArray[np.int16]
    resonances: npt.NDArray[np.int16]
    step: FloatArray
    is_fitted: BoolArray

    def __len__(self) -> int:
        return len(self.step)

    def __getitem__(self, rows: slice | IntArray) -> FitCurves:
        """Return the curves of some spectra."""
        return FitCurves(
            self.ppm,
            self.names,
            self.centre_ppm[rows],
            self.data[rows],
            self.resonances[rows],
            self.step[rows],
            self.is_fitted[rows],
        )

    @property
    def fit(self) -> FloatArray:
        """(n, P) the model, all resonances together; NaN where nothing was fitted."""
        summed = self.resonances.sum(axis=1, dtype=np.int32) * self.step[:, None]
        return np.where(self.is_fitted[:, None], summed, np.nan)

    @property
    def residual(self) -> FloatArray:
        """(n, P) data less model; NaN where nothing was fitted."""
        return self.data * self.step[:, None] - self.fit

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the curves as a compressed ``.npz`` without pickles: whole, or not at all.

        Raises
        ------
        WriteError
            The file cannot be written there.
        """
        arrays: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays["names"] = np.array(self.names, dtype=np.str_)
        arrays["resonances"] = np.diff(self.resonances, axis=-1, prepend=np.int16(0))  # smooth: half the bytes

        def write(name: str) -> None:
            with Path(name).open("wb") as file:
                np.savez_compressed(file, **arrays)

        return write_whole(Path(path), write)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FitCurves:
        """Read curves that `save` wrote.

        Raises
        ------
        ReadError
            There is no such file, or it does not hold whole curves.
        """
        try:
            with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {f.name: file[f.name] for f in fields(cls)}
        except OSError as error:
            msg = f"curves {path} cannot be read: {error.strerror or error}."
            raise ReadError(msg) from error
        except (ValueError, KeyError, EOFError, BadZipFile) as error:
            msg = f"file {path} does not hold curves of a fit; make it again."
            raise ReadError(msg) from error
        n, k, p = len(arrays["step"]), len(arrays["names"]), len(arrays["ppm"])
        shapes = {"centre_ppm": (n, k), "data": (n, p), "resonances": (n, k, p), "is_fitted": (n,)}
        if any(arrays[name].shape != shape for name, shape in shapes.items()):
            msg = f"file {path} does not hold curves of a fit; make it again."
            raise ReadError(msg)
        arrays["resonances"] = np.cumsum(arrays["resonances"], axis=-1, dtype=np.int16)
        return cls(**{**arrays, "names": tuple(str(name) for name in arrays["names"])})


def curves_of(result: FitResult) -> FitCurves:
    """Return small curves of every spectrum of a fit, in the raveled order of its batch, for a report or a picture.

    Parameters
    ----------
    result
        From `p31mg.fit`, of any shape.

    Returns
    -------
    FitCurves
        One row for each spectrum.
    """
    fid = result.spectra.fid.reshape(-1, result.spectra.n_points)
    n, k = len(fid), len(result.names)
    display = _Display.of(result)
    data = np.empty((n, len(display.ppm)), dtype=np.int16)
    resonances = np.zeros((n, k, len(display.ppm)), dtype=np.int16)
    step = np.empty(n)
    is_fitted = np.isfinite(result.amplitude).all(axis=-1).ravel()
    for start in range(0, n, _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, n))
        fitted = is_fitted[rows]
        measured = display.spectra(fid[rows, None], rows)[:, 0]
        model = np.zeros((len(rows), k, len(display.ppm)))
        model[fitted] = display.spectra(result.models(rows[fitted], display.n_points), rows[fitted]).real
        shown = np.where(fitted[:, None], measured.real, np.abs(measured))
        highest = np.maximum(np.abs(shown).max(axis=-1), np.abs(model).max(axis=(-1, -2)))
        step[rows] = np.where(np.isfinite(highest), highest, 0.0) / _LARGEST
        data[rows] = _quantised(shown, step[rows, None])
        resonances[rows] = _quantised(model, step[rows, None, None])
    return FitCurves(
        display.ppm,
        result.names,
        result.chemical_shift_ppm.reshape(n, k).astype(np.float32),
        data,
        resonances,
        step,
        is_fitted,
    )


def _quantised(values: FloatArray, step: FloatArray) -> npt.NDArray[np.int16]:
    scaled = np.divide(values, step, out=np.zeros_like(values), where=step > 0)
    return np.rint(scaled).astype(np.int16)


@dataclass(frozen=True)
class _Display:
    """The way from FIDs to curves that the spectra of one fit share."""

    result: FitResult
    n_points: int
    seen: slice
    ppm: FloatArray

    @classmethod
    def of(cls, result: FitResult) -> _Display:
        a, resonances = result.spectra.acquisition, result.prior.resonances
        narrowest_hz = min(r.linewidth_hz for r in resonances)
        needed = round(_KEPT_DECAYS / (np.pi * narrowest_hz * a.dwell_time_s))
        n_points = min(max(needed, _FEWEST_POINTS), result.spectra.n_points)
        ppm = frequency_axis_hz(_ZERO_FILL * n_points, a.dwell_time_s) / a.spectrometer_frequency_mhz
        centres = [r.chemical_shift_ppm for r in resonances]
        inside = np.flatnonzero((ppm >= min(centres) - _MARGIN_PPM) & (ppm <= max(centres) + _MARGIN_PPM))
        seen = slice(int(inside[0]), int(inside[-1]) + 1)
        return cls(result, n_points, seen, ppm[seen])

    def spectra(self, fid: ComplexArray, rows: IntArray) -> ComplexArray:
        """Return phased spectra (R, ..., P) of the signals (R, ..., N) of some rows."""
        a, n = self.result.spectra.acquisition, self.n_points
        time_s = a.dwell_time_s * np.arange(n)
        taper = np.cos(0.5 * np.pi * np.clip(2 * np.arange(n) / n - 1, 0, None)) ** 2
        offset_hz = np.nan_to_num(self.result.reference_offset_ppm.ravel()[rows]) * a.spectrometer_frequency_mhz
        turned = fid[..., :n] * (np.exp(-2j * np.pi * offset_hz[:, None] * time_s) * taper)[:, None]
        frequency_hz = offset_hz[:, None] + self.ppm * a.spectrometer_frequency_mhz
        begin_s = np.nan_to_num(self.result.begin_time_s.ravel()[rows])[:, None]
        phase = np.nan_to_num(self.result.phase_rad.ravel()[rows])[:, None] + 2 * np.pi * frequency_hz * begin_s
        spectra = np.fft.fftshift(np.fft.fft(turned, _ZERO_FILL * n), axes=-1)[..., self.seen]
        return spectra * np.exp(-1j * phase)[:, None]
