"""Noise, SNR and errors of fitted spectra, the same for every engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.core.covariance import covariance
from p31mg.core.noise import noise_sd_of_residual
from p31mg.core.signal import Sampling, norms, row_by_row
from p31mg.fitting.batch_engine import EngineResult
from p31mg.fitting.problem import Problem

__all__ = ["Uncertainty", "uncertainty_of"]


FINITE_SNR = 30.0
"""The position of a line scatters by more than the curvature at its estimate says: to second order in the noise its variance is
larger by a factor 1 + c/SNR^2, SNR being that of the resonance. With this c, z-scores of the alpha-beta difference of simulated
muscle spectra have an sd of 0.99 to 1.05 in every range of the SNR of beta above 9 (``make validate``), without it up to 1.17."""


@dataclass(frozen=True)
class Uncertainty:
    """For B spectra, the last three for noise of sd 1 and NaN where the data do not determine them.

    `noise_sd` (B,) in units of the fit; `snr` (B, K); `unit_bound` (B, n), Cramer-Rao bounds of the variances of the reported
    parameters; `unit_bound_alpha_beta` (B,), that of the difference; `unit_covariance` (B, K, K), estimated, of the shifts.
    """

    noise_sd: FloatArray
    snr: FloatArray
    unit_bound: FloatArray
    unit_bound_alpha_beta: FloatArray
    unit_covariance: FloatArray


def uncertainty_of(out: EngineResult, problem: Problem, sampling: Sampling) -> Uncertainty:
    """Return the errors of fitted signals from what the fit left over and how it curves around its optimum.

    The covariance comes from the observed information; where that is not positive definite, it is the bound. Its diagonal grows
    by `FINITE_SNR`. `sampling` is that of all points, which the SNR is defined for, be they fitted or not.
    """
    noise_sd = noise_sd_of_residual(out.at.cost, len(problem.bins), out.sensitivity.shape[-1])
    with np.errstate(divide="ignore", invalid="ignore"):  # a signal without any noise has an infinite SNR
        snr = norms(row_by_row(out.y, problem.from_carrier.T), problem.lines, sampling) / noise_sd[:, None]
    bound = covariance(out.at.information, out.held)
    estimate = covariance(out.at.hessian, out.held, out.at.diagonal)
    lost = ~np.isfinite(estimate[:, 0, 0])
    estimate[lost] = bound[lost]
    of_shifts = out.sensitivity[:, : len(problem.prior.names)]
    covariance_of_shifts = of_shifts @ estimate @ np.swapaxes(of_shifts, -1, -2)
    growth = FINITE_SNR / np.where(snr > 0, snr, np.inf) ** 2
    np.einsum("bkk->bk", covariance_of_shifts)[...] *= 1.0 + growth
    alpha, beta = problem.alpha_beta
    of_difference = of_shifts[:, alpha] - of_shifts[:, beta]
    return Uncertainty(
        noise_sd=noise_sd,
        snr=snr,
        unit_bound=((out.sensitivity @ bound) * out.sensitivity).sum(axis=-1),
        unit_bound_alpha_beta=((of_difference[:, None] @ bound)[:, 0] * of_difference).sum(axis=-1),
        unit_covariance=covariance_of_shifts,
    )
