"""For the eye: apodisation, zero filling, phase and begin time. A fit wants the FID as it was measured.

Apodisation weights the points, so that the noise of neighbouring bins is no longer independent, and broadens the lines.
Zero filling adds points that hold neither signal nor noise. Neither adds anything to what is known of a shift, and the errors
of a fit that takes all points for measured ones are wrong (``make validate-preprocess`` measures by how much). The steps say so
to `fit`, which repeats it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from p31mg.acquisition import ProcessingStep, Spectra, frequency_axis_hz, ppm_axis
from p31mg.arrays import ComplexArray, FloatArray
from p31mg.errors import InputError, UnknownNameError
from p31mg.preprocess.axes import require_spectra

__all__ = ["CAUTIONS", "apodise", "displayed", "phase", "zero_fill"]

_SHAPES = ("exponential", "gaussian")
_LONGEST = 2**22

CAUTIONS = {
    "Apodization": (
        "the spectra were apodised: their noise is no longer the same in all points, and the sd of a fit are too small "
        "(1.5 times after 5 Hz, 2.5 times after 20 Hz at 3 T); fit the spectra as they were measured"
    ),
    "Zero-filling": (
        "the spectra were zero-filled: the points that were added hold no noise, so that a misfit cannot be told from it "
        "(residual_ok), and the sd of a fit are wrong where the signal lasts as long as the points that were measured; fit the "
        "spectra as they were measured"
    ),
}
"""What a step of this method, in the words of NIfTI-MRS, does to a fit."""


def apodise(
    spectra: Spectra, linewidth_hz: float, shape: Literal["exponential", "gaussian"] = "exponential"
) -> Spectra:
    """Return spectra whose lines are broadened by a known width, and whose noise is lower: for display.

    The weight is 1 at the centre of the excitation: amplitudes at time 0 stay what they are. Do not fit what comes out; `fit`
    warns when asked to.

    Parameters
    ----------
    spectra
        One spectrum or a stack.
    linewidth_hz
        What is added to the full width at half maximum of a Lorentzian line, in Hz, for an exponential weight; the width of the
        Gaussian that lines are convolved with, for a Gaussian one. Above 0.
    shape
        ``"exponential"`` (default) or ``"gaussian"``.

    Returns
    -------
    Spectra
        New ones, of the same shape; the step stands in their `history`.

    Raises
    ------
    InputError
        A width that is not above 0, or an unknown shape.

    Examples
    --------
    >>> import p31mg
    >>> apodise(p31mg.simulate(0.5, prior="muscle-3t", seed=1), 10.0).history[-1].method
    'Apodization'
    """
    require_spectra(spectra)
    if not (np.isfinite(linewidth_hz) and linewidth_hz > 0):
        msg = f"linewidth_hz is {linewidth_hz}; it must be above 0."
        raise InputError(msg)
    if shape not in _SHAPES:
        raise UnknownNameError(kind="shape", name=shape, known=_SHAPES)
    x = np.pi * linewidth_hz * spectra.time_s
    weight = np.exp(-x) if shape == "exponential" else np.exp(-(x**2) / (4 * np.log(2)))
    step = ProcessingStep(
        name="apodise",
        method="Apodization",
        parameters={"linewidth_hz": float(linewidth_hz), "shape": shape},
        caution=CAUTIONS["Apodization"],
    )
    return spectra.processed(spectra.fid * weight, step)


def zero_fill(spectra: Spectra, factor: int = 2) -> Spectra:
    """Return spectra with zeros behind the last point, so that the transform is drawn on a finer grid: for display.

    Parameters
    ----------
    spectra
        One spectrum or a stack.
    factor
        How many times as many points, a whole number above 1. Default 2: beyond it the curve is only smoother.

    Returns
    -------
    Spectra
        New ones, with `factor` times the points; the step stands in their `history`.

    Raises
    ------
    InputError
        A factor that is not a whole number above 1, or more than 4,194,304 points.

    Examples
    --------
    >>> import p31mg
    >>> zero_fill(p31mg.simulate(0.5, prior="muscle-3t", seed=1)).n_points
    4096
    """
    require_spectra(spectra)
    if not (isinstance(factor, (int, np.integer)) and 1 < factor <= _LONGEST // spectra.n_points):  # type: ignore[redundant-expr]
        msg = f"factor is {factor!r}; it must be a whole number above 1 that makes at most {_LONGEST:,} points."
        raise InputError(msg)
    fid = np.zeros((*spectra.batch_shape, factor * spectra.n_points), dtype=np.complex128)
    fid[..., : spectra.n_points] = spectra.fid
    step = ProcessingStep(
        name="zero_fill",
        method="Zero-filling",
        parameters={"factor": int(factor)},
        found={"measured_points": spectra.n_points},
        caution=CAUTIONS["Zero-filling"],
    )
    return spectra.processed(fid, step)


def phase(spectra: Spectra, phase_rad: npt.ArrayLike) -> Spectra:
    """Return spectra turned back by a zero-order phase. A fit finds the phase itself and needs none of this.

    Parameters
    ----------
    spectra
        One spectrum or a stack.
    phase_rad
        What the signal is turned by and is to be taken out, in radians, as `FitResult.phase_rad` says it; a number or an array
        that broadcasts to the batch shape.

    Returns
    -------
    Spectra
        New ones, of the same shape; the step stands in their `history`.

    Raises
    ------
    InputError
        A phase that is not finite, or of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import p31mg
    >>> turned = p31mg.simulate(0.5, prior="muscle-3t", phase_rad=1.0, seed=1)
    >>> bool(np.allclose(phase(turned, 1.0).fid, p31mg.simulate(0.5, prior="muscle-3t", seed=1).fid))
    True
    """
    require_spectra(spectra)
    angle = _per_spectrum("phase_rad", phase_rad, spectra)
    step = ProcessingStep(name="phase", method="Phasing", parameters={"phase_rad": angle})
    return spectra.processed(spectra.fid * np.exp(-1j * angle)[..., None], step)


def displayed(
    spectra: Spectra, *, phase_rad: npt.ArrayLike = 0.0, reference_ppm: float = 0.0, zero_fill: int = 2
) -> tuple[FloatArray, ComplexArray]:
    r"""Return the ppm axis (n,) and the complex spectra (..., n) as they are drawn: phased, absorption in the real part.

    The zero-order phase and the first-order phase of the begin time are taken out,
    :math:`e^{-i(\varphi + 2\pi f t_0)}`. The points that the begin time cost stay missing: they leave a rolling baseline.

    Parameters
    ----------
    spectra
        One spectrum or a stack.
    phase_rad
        Zero-order phase, radians, as `FitResult.phase_rad` says it; broadcasts to the batch shape. Default 0.
    reference_ppm
        Position of PCr from the carrier, which becomes 0 on the axis. Default 0.
    zero_fill
        How many times as many points the transform has. Default 2.

    Returns
    -------
    ppm
        Axis, shape (n,), ascending, PCr at 0.
    spectrum
        Complex, shape (..., n).

    Raises
    ------
    InputError
        A phase that is not finite, or of another shape.

    Examples
    --------
    >>> import p31mg
    >>> ppm, spectrum = displayed(p31mg.simulate(0.5, prior="muscle-3t", phase_rad=1.0, seed=1), phase_rad=1.0)
    >>> ppm.shape, bool(abs(ppm[spectrum.real.argmax()]) < 0.05)
    ((4096,), True)
    """
    require_spectra(spectra)
    a = spectra.acquisition
    n = zero_fill * spectra.n_points
    angle = _per_spectrum("phase_rad", phase_rad, spectra)
    turn = np.exp(-1j * (angle[..., None] + 2 * np.pi * frequency_axis_hz(n, a.dwell_time_s) * a.begin_time_s))
    spectrum = np.fft.fftshift(np.fft.fft(spectra.fid, n), axes=-1) * turn
    return ppm_axis(n, a.dwell_time_s, a.spectrometer_frequency_mhz, reference_ppm), spectrum


def _per_spectrum(name: str, values: npt.ArrayLike, spectra: Spectra) -> FloatArray:
    array = np.asarray(values, dtype=float)
    if not np.isfinite(array).all():
        msg = f"{name} holds {array[~np.isfinite(array)].flat[0]}; it must be finite, in radians."
        raise InputError(msg)
    try:
        return np.broadcast_to(array, spectra.batch_shape)
    except ValueError as error:
        msg = f"{name} has shape {array.shape}; it must broadcast to the batch shape {spectra.batch_shape}."
        raise InputError(msg) from error
