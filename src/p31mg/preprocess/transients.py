"""Transients to their mean: weighted by their noise, aligned in frequency and phase, none left out unless asked.

Between transients the field drifts and breathing turns the phase. Their plain mean then has broader, asymmetric lines, whose
positions relative to each other stay right, and less signal. `p31mg.preprocess.alignment` tells how the drift is found.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from p31mg.acquisition import ProcessingStep, Spectra
from p31mg.arrays import BoolArray, ComplexArray, FloatArray
from p31mg.core.noise import noise_sd_of_bins
from p31mg.errors import InputError, UnknownNameError
from p31mg.preprocess.alignment import Alignment, align
from p31mg.preprocess.axes import REPEATED_AXES, axis_of, require_spectra
from p31mg.preprocess.signal import evenly, lasting_points

__all__ = ["average_transients"]

_WEIGHTS = ("noise", "equal")
_LOOKED_AT = 512
_AT_ONCE = 2**22
"""Points that are handled together: 64 MB for each of a few arrays."""
_FEWEST_TO_REJECT = 5
_SCATTER = 3.2
"""Variance of the logarithm of the measured noise variance, times the number of points that it is measured in."""
_MAD = 1.4826
"""Standard deviation over median absolute deviation of normal numbers."""


def average_transients(
    spectra: Spectra,
    axis: str | None = None,
    *,
    align: bool = True,
    weights: Literal["noise", "equal"] = "noise",
    largest_drift_ppm: float = 0.3,
    reject_beyond_sd: float | None = None,
) -> Spectra:
    """Return the mean over an axis of transients, each first turned back by its own frequency and phase.

    The mean keeps the mean frequency and phase of the transients. Coils are combined before (`combine_coils`).

    Parameters
    ----------
    spectra
        A stack with an axis of transients.
    axis
        Name of that axis. Default None: the one called ``dyn``, ``repetition``, ``transient``, ``average``, ``phase_cycle`` or
        ``meas``.
    align
        Whether to align. Default True; False gives the plain mean, for axes along which more differs than the field.
    weights
        ``"noise"`` (default): by the inverse variance of the noise of each transient, measured in the last half of its FID.
        ``"equal"``.
    largest_drift_ppm
        Frequencies are looked for so far from the common one. Default 0.3.
    reject_beyond_sd
        Leave out transients that differ from the mean of the others by more than so many robust sd of that difference among
        all transients; those who move or swallow reach 10 and more. Default None: leave out none.

    Returns
    -------
    Spectra
        Without the axis. ``history[-1].found`` holds, with the transients on the last axis: `frequency_hz` and `phase_rad` that
        were taken out, `weight` (they add to 1), `misfit_sd`, by how many robust sd each transient differs, `rejected`, which
        were left out, and `is_aligned` (...): False where no common signal stands out of the noise of the transients, which are
        then averaged as they are. Transients that hold NaN or zeros only have weight 0.

    Raises
    ------
    InputError
        No such axis, a drift or limit that is not above 0, or fewer than 5 transients to reject some of.
    UnknownNameError
        Unknown weights.

    Notes
    -----
    Measured by ``make validate-preprocess`` and written on the page ``docs/preprocessing.md``: the SNR that is lost against
    perfect alignment, and the bias of ``shift_alpha_beta_ppm``.

    References
    ----------
    Near et al. 2015, Magn Reson Med 73:44-50, doi:10.1002/mrm.25094 (spectral registration).

    Examples
    --------
    >>> import numpy as np
    >>> import p31mg
    >>> drift = p31mg.simulate(np.full(16, 0.5), frequency_offset_hz=np.linspace(-6, 6, 16), snr=40, seed=1)
    >>> spectra = p31mg.Spectra(drift.fid, drift.acquisition, ("dyn",))
    >>> mean = average_transients(spectra)
    >>> mean.batch_shape, bool(np.abs(mean.history[-1].found["frequency_hz"] - np.linspace(-6, 6, 16)).max() < 1.0)
    ((), True)
    """
    require_spectra(spectra)
    where = axis_of(spectra, axis, REPEATED_AXES)
    if weights not in _WEIGHTS:
        raise UnknownNameError(kind="weights", name=weights, known=_WEIGHTS)
    _require_positive("largest_drift_ppm", largest_drift_ppm)
    n_transients = spectra.batch_shape[where]
    if reject_beyond_sd is not None:
        _require_positive("reject_beyond_sd", reject_beyond_sd)
        if n_transients < _FEWEST_TO_REJECT:
            msg = f"reject_beyond_sd is given for {n_transients} transients; at least {_FEWEST_TO_REJECT} are needed to tell."
            raise InputError(msg)
    others = tuple(n for i, n in enumerate(spectra.axis_names) if i != where)
    stack = np.moveaxis(spectra.fid, where, -2)
    largest_hz = largest_drift_ppm * spectra.acquisition.spectrometer_frequency_mhz if align else 0.0
    rows = stack.reshape(-1, *stack.shape[-2:])
    n_lasting = lasting_points(evenly(stack, 1, _LOOKED_AT))
    together = max(1, _AT_ONCE // max(rows[:1].size, 1))
    parts = [
        _mean_of(rows[i : i + together], spectra.time_s, n_lasting, weights, largest_hz, reject_beyond_sd)
        for i in range(0, max(len(rows), 1), together)
    ]
    mean, *found = (np.concatenate(values) for values in zip(*parts, strict=True))
    shape = stack.shape[:-2]
    names = ("frequency_hz", "phase_rad", "weight", "misfit_sd", "rejected", "is_aligned")
    step = ProcessingStep(
        name="average_transients",
        method="Signal averaging",
        parameters={
            "axis": spectra.axis_names[where],
            "align": align,
            "weights": weights,
            "largest_drift_ppm": largest_drift_ppm,
            "reject_beyond_sd": reject_beyond_sd,
        },
        found={k: values.reshape((*shape, *values.shape[1:])) for k, values in zip(names, found, strict=True)},
    )
    return spectra.processed(mean.reshape(*shape, spectra.n_points), step, others)


Found = tuple[ComplexArray, FloatArray, FloatArray, FloatArray, FloatArray, BoolArray, BoolArray]


def _mean_of(
    fid: ComplexArray,
    time_s: FloatArray,
    n_lasting: int,
    weights: str,
    largest_hz: float,
    reject_beyond_sd: float | None,
) -> Found:
    """Return the mean (R, N) of transients (R, M, N) and what was found about each."""
    usable: BoolArray = np.isfinite(fid).all(axis=-1) & np.asarray(fid.any(axis=-1))
    fid = np.where(usable[..., None], fid, 0.0)
    noise_sd = _noise_sd(fid)
    rejected: BoolArray = np.zeros(usable.shape, dtype=bool)
    weight, found, misfit = _aligned(fid, time_s, n_lasting, usable, noise_sd, weights, largest_hz)
    if reject_beyond_sd is not None:
        rejected = usable & (misfit > reject_beyond_sd)
        weight, found, misfit = _aligned(fid, time_s, n_lasting, usable & ~rejected, noise_sd, weights, largest_hz)
    mean = (weight[:, None, :] @ found.undone(fid, time_s))[:, 0, :]
    mean[~usable.any(axis=-1)] = np.nan
    return mean, found.frequency_hz, found.phase_rad, weight, misfit, rejected, found.is_aligned


def _noise_sd(fid: ComplexArray) -> FloatArray:
    """Return the noise of each transient (..., N) per component, from the last half."""
    half = fid.shape[-1] // 2
    return noise_sd_of_bins(np.fft.fft(fid[..., -half:]), half)


def _aligned(
    fid: ComplexArray,
    time_s: FloatArray,
    n_lasting: int,
    usable: BoolArray,
    noise_sd: FloatArray,
    weights: str,
    largest_hz: float,
) -> tuple[FloatArray, Alignment, FloatArray]:
    """Return weights that add to 1 (R, M), the alignment, and by how many robust sd each transient differs."""
    weight = _weight(noise_sd, usable, weights, fid.shape[-1] // 2)
    first, time_s = fid[..., :n_lasting], time_s[:n_lasting]
    if largest_hz > 0:
        found = align(first, noise_sd, weight, time_s, largest_hz)
    else:
        found = Alignment(np.zeros(usable.shape), np.zeros(usable.shape), np.zeros(len(usable), dtype=bool))
    return weight, found, _misfit_sd(found.undone(first, time_s), weight, noise_sd, usable)


def _weight(noise_sd: FloatArray, usable: BoolArray, weights: str, n_measured: int) -> FloatArray:
    """Return weights (R, M) that add to 1.

    The measured noise scatters by itself: what the transients do not scatter beyond that is taken out, so that transients of one
    noise get one weight.
    """
    weight: FloatArray = usable.astype(float)
    known = usable & (noise_sd > 0)
    if weights == "noise":
        log = np.log(np.where(known, noise_sd, 1.0) ** 2)
        n = np.maximum(known.sum(axis=-1, keepdims=True), 1)
        middle = (log * known).sum(axis=-1, keepdims=True) / n
        away = (log - middle) * known
        own = np.maximum((away**2).sum(axis=-1, keepdims=True) / n - _SCATTER / n_measured, 0.0)
        by_noise = (known | ~usable).all(axis=-1, keepdims=True)
        weight *= np.where(by_noise, np.exp(-away * own / (own + _SCATTER / n_measured)), 1.0)
    return weight / np.maximum(weight.sum(axis=-1, keepdims=True), np.finfo(float).tiny)


def _misfit_sd(aligned: ComplexArray, weight: FloatArray, noise_sd: FloatArray, usable: BoolArray) -> FloatArray:
    """Return how far the energy of each difference from the mean, in units of the noise, is from the median of all (R, M)."""
    mean = weight[:, None, :] @ aligned
    difference = aligned - mean
    energy = (difference.real**2 + difference.imag**2).sum(axis=-1)
    energy = energy / np.where(noise_sd > 0, noise_sd, 1.0) ** 2
    known = np.where(usable, energy, np.nan)
    known[~usable.any(axis=-1)] = 0.0
    away = energy - np.nanmedian(known, axis=-1, keepdims=True)
    spread = _MAD * np.nanmedian(np.abs(np.where(np.isnan(known), np.nan, away)), axis=-1, keepdims=True)
    return np.where(usable, np.divide(away, spread, out=np.zeros_like(away), where=spread > 0), np.nan)


def _require_positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        msg = f"{name} is {value}; it must be above 0."
        raise InputError(msg)
