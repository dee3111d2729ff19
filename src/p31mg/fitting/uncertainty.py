"""Noise, SNR and errors of fitted spectra, the same for every engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from p31mg.arrays import ComplexArray, FloatArray
from p31mg.core.covariance import covariance
from p31mg.core.noise import noise_sd_of_residual
from p31mg.core.signal import curvatures, model_sum, norms
from p31mg.fitting.batch_engine import EngineResult
from p31mg.fitting.problem import Problem

__all__ = ["Uncertainty", "uncertainty_of"]


@dataclass(frozen=True)
class Uncertainty:
    """For B spectra: `noise_sd` (B,) in units of the fit, `snr` (B, K), and of the reported parameters the Cramer-Rao bound
    and the estimated covariance for noise of sd 1, (B, 3K+1, 3K+1), NaN where the data do not determine them.
    """  # noqa: D205

    noise_sd: FloatArray
    snr: FloatArray
    unit_bound: FloatArray
    unit_covariance: FloatArray


def uncertainty_of(fid: ComplexArray, out: EngineResult, problem: Problem) -> Uncertainty:
    """Return the errors of signals (B, N) from what the fit left over and how it curves around its optimum."""
    lines, sampling = problem.lines, problem.sampling
    p = out.y @ problem.from_carrier.T
    residual = scipy.fft.fft(fid - model_sum(p, lines, sampling))
    at_reference = np.rint(p[:, problem.reference] * sampling.n_points * sampling.dwell_time_s).astype(np.intp)
    residual = np.take_along_axis(residual, (at_reference[:, None] + problem.band_bins) % sampling.n_points, axis=-1)
    noise_sd = noise_sd_of_residual(residual, sampling.n_points, out.sensitivity.shape[-1])
    snr = norms(p, lines, sampling) / noise_sd[:, None]
    return Uncertainty(noise_sd, snr, *_unit_covariances(p, fid, out, problem))


def _unit_covariances(
    p: FloatArray, fid: ComplexArray, out: EngineResult, problem: Problem
) -> tuple[FloatArray, FloatArray]:
    """Return Cramer-Rao bound and estimated covariance of the reported parameters for noise of sd 1, (B, 3K+1, 3K+1).

    The estimate comes from the observed information; where that is not positive definite, it is the bound.
    """
    expected, observed = curvatures(p, problem.sampling.blocks(fid), problem.lines, problem.sampling)
    to_core = problem.from_carrier @ out.sensitivity
    to_free = np.swapaxes(to_core, -1, -2)
    expected, observed = to_free @ expected @ to_core, to_free @ observed @ to_core
    bound = covariance(expected, out.held)
    estimate = covariance(observed, out.held, np.einsum("bii->bi", expected))
    estimate = np.where(np.isfinite(estimate), estimate, bound)
    back = np.swapaxes(out.sensitivity, -1, -2)
    return out.sensitivity @ bound @ back, out.sensitivity @ estimate @ back
