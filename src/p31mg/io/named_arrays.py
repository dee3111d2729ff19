"""Arrays with names, as ``.npz`` and ``.mat`` hold them, to the content of a file.

The FID is the array called ``fid`` (or ``data``, ``signal``, ``FID``), else the only complex array. Its last axis is time;
a MATLAB column is taken as one FID. Where nothing names the axes, an array whose first axis is the longer one, and along which
its energy decays as it does not along the last, is refused as a transposed one, never turned silently. Scalars by the names of
`read` and those that MATLAB programs use say the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from p31mg.errors import ReadError, UnsupportedFormatError
from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.header import Stated
from p31mg.io.source import Source

__all__ = ["content_of_arrays"]

_FID_NAMES = ("fid", "fids", "data", "signal", "sig")
_FREQUENCY_MHZ = ("spectrometer_frequency_mhz", "spectrometerfrequency", "sfrq", "mhz", "txfrq_mhz")
_FREQUENCY_HZ = ("txfrq", "spectrometer_frequency_hz", "imaging_frequency_hz")
_WIDTH = ("spectral_width_hz", "spectralwidth", "spectral_width", "sw", "bandwidth", "sw_h")
_DWELL = ("dwell_time_s", "dwelltime", "dwell_time", "dwell", "dt")
_BEGIN = ("begin_time_s", "begintime", "begin_time", "acquisitionstarttime")
_NUCLEUS = ("resonant_nucleus", "resonantnucleus", "nucleus", "nuc")


def content_of_arrays(arrays: Mapping[str, Any], source: Source) -> Content:
    """Return the FID and what the other arrays state about it."""
    name, fid = _fid(arrays, source)
    if fid.ndim == 0 or 0 in fid.shape:
        msg = f"file {source.path}: {name} has the shape {fid.shape}; it must be (..., n_points)."
        raise ReadError(msg)
    if _axis_names_of(arrays) is None:
        fid = fid.reshape(-1) if fid.ndim == 2 and 1 in fid.shape else fid
        _require_time_last(fid, source)
    others = {k.lower(): _scalar(v) for k, v in arrays.items() if k != name}
    header = Fields({k: v for k, v in others.items() if v is not None}, source)
    frequency = _first(header, _FREQUENCY_MHZ)
    if frequency is None:
        in_hz = _first(header, _FREQUENCY_HZ)
        frequency = None if in_hz is None else in_hz * 1e-6
    dwell, width = _first(header, _DWELL), _first(header, _WIDTH)
    if dwell is not None and width is not None and abs(dwell * width - 1.0) > 1e-3:
        msg = f"file {source.path} contradicts itself: dwell time {dwell:g} s, spectral width {width:g} Hz; correct it."
        raise ReadError(msg)
    begin = _first(header, _BEGIN)
    nucleus = next((header.text(k) for k in _NUCLEUS if header.text(k)), None)
    stated = Stated(
        spectrometer_frequency_mhz=frequency,
        spectral_width_hz=None if dwell else width,
        dwell_time_s=dwell,
        begin_time_s=begin,
        begin_time_source=header.text("begin_time_source") or "begin_time_s",
        sd_begin_time_s=header.number("sd_begin_time_s"),
        resonant_nucleus=nucleus,
    )
    metadata = {k: v for k, v in arrays.items() if k != name}
    return Content(fid.astype(np.complex128, copy=False), stated, _axis_names(arrays, fid, source), metadata)


def _fid(arrays: Mapping[str, Any], source: Source) -> tuple[str, np.ndarray[Any, Any]]:
    held = {k: v for k, v in arrays.items() if isinstance(v, np.ndarray) and np.issubdtype(v.dtype, np.complexfloating)}
    named = [k for k in held if k.lower() in _FID_NAMES]
    chosen = named if len(named) == 1 else list(held)
    if len(chosen) != 1:
        found = ", ".join(sorted(held)[:8]) or "none"
        msg = (
            f"file {source.path} must hold one complex array, or one called fid; its complex arrays are: {found}. Save "
            "real + 1j * imaginary as fid."
        )
        raise UnsupportedFormatError(msg)
    return chosen[0], held[chosen[0]]


_DECAYING, _FLAT = 0.75, 0.6
"""Share of the energy in the first half: of a FID along time, and of a stack along its batch at most."""


def _require_time_last(fid: np.ndarray[Any, Any], source: Source) -> None:
    if fid.ndim < 2 or fid.shape[0] <= fid.shape[-1]:
        return
    energy = np.abs(np.nan_to_num(fid)) ** 2

    def first_half(axis: int) -> float:
        along = energy.sum(axis=tuple(i for i in range(fid.ndim) if i != axis % fid.ndim))
        return float(along[: -(-along.size // 2)].sum() / along.sum()) if along.sum() > 0 else 0.0

    if first_half(0) > _DECAYING and first_half(-1) < _FLAT:
        msg = (
            f"file {source.path} holds an array of shape {fid.shape} that decays along its first axis; time must be the last: "
            "save it transposed."
        )
        raise UnsupportedFormatError(msg)


def _axis_names(arrays: Mapping[str, Any], fid: np.ndarray[Any, Any], source: Source) -> tuple[str, ...]:
    written = _axis_names_of(arrays)
    if written is None:
        return ()
    names = tuple(str(n).strip() for n in np.ravel(written))
    if len(names) != fid.ndim - 1:
        msg = f"file {source.path} names {len(names)} axes for an array of shape {fid.shape}, whose last axis is time."
        raise ReadError(msg)
    return names


def _axis_names_of(arrays: Mapping[str, Any]) -> Any:
    return next((v for k, v in arrays.items() if k.lower() == "axis_names"), None)


def _scalar(value: Any) -> Any:
    """Return the only element of an array of one, None of others."""
    if isinstance(value, (str, int, float)):
        return value
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "iufUb" else None


def _first(header: Fields, keys: tuple[str, ...]) -> float | None:
    return next((n for k in keys if (n := header.number(k)) is not None), None)
