"""The rules by which a fit is believed or not: thresholds, status, quality. Each number stands here with its reason."""

from __future__ import annotations

import numpy as np

from p31mg.arrays import BoolArray, FloatArray, IntArray
from p31mg.constants import PLAUSIBLE_SHIFT_ALPHA_BETA_PPM
from p31mg.fitting.problem import Problem
from p31mg.fitting.status import FitStatus, Quality
from p31mg.fitting.survey import DETECTION_SNR

__all__ = ["judge", "quality_of"]

ATP_DETECTION_SNR = 4.5
"""As `DETECTION_SNR`, for alpha- and beta-ATP, which are looked for in few positions: where beta was missing, noise passed for
it once in 1000 simulated muscle spectra."""

RELIABLE_ATP_SNR = 9.0
"""Below it a fit of alpha or beta now and then settles on a peak of the noise: in simulated muscle spectra (``make validate``)
0.4 % to 2 % of the errors were then beyond 4 sd, and 95 % intervals held the truth in 91 to 93 %. With an SNR of beta above 9
they held it in 94 to 95 %."""

LARGEST_RESIDUAL = 1.35
"""Noise of the residual over that of the last half of the FID, in the same bins. It stayed below 1.34 in 9000 simulated spectra
that the model describes; a begin time wrong by 0.05 ms makes it 1.56 in a 7 T brain spectrum of SNR 170, 0.1 ms 2.5."""

WIDEST_PCR_PPM = 0.6
"""Beyond it the multiplets of ATP merge with their neighbours."""


def judge(
    converged: BoolArray,
    bound: FloatArray,
    at_bound: BoolArray,
    snr: FloatArray,
    problem: Problem,
) -> IntArray:
    """Return the status of fitted spectra: the first of these that holds."""
    atp = list(problem.alpha_beta)
    return np.select(
        [
            ~converged,
            snr[:, problem.reference] < DETECTION_SNR,
            (snr[:, atp] < ATP_DETECTION_SNR).any(axis=-1),
            ~(bound >= 0).all(axis=-1),
            at_bound[:, atp].any(axis=-1),
        ],
        [
            FitStatus.NOT_CONVERGED,
            FitStatus.NO_SIGNAL,
            FitStatus.ATP_NOT_FOUND,
            FitStatus.SINGULAR,
            FitStatus.AT_BOUND,
        ],
        FitStatus.OK,
    ).astype(np.intp)


def quality_of(
    shift_alpha_beta_ppm: FloatArray,
    pcr_linewidth_hz: FloatArray,
    snr: FloatArray,
    at_bound: BoolArray,
    converged: BoolArray,
    excess: FloatArray,
    is_broad: BoolArray,
    problem: Problem,
) -> Quality:
    """Return the named booleans of spectra (B,).

    From SNR (B, K), which reported parameters sit on a bound (B, 3K+1), the excess of the residual over the noise (B,),
    and whether a broad signal is left in it.
    """
    k = len(problem.prior.names)
    alpha, beta = problem.alpha_beta
    decisive = [problem.reference, alpha, beta, k + alpha, k + beta, k + problem.reference]
    low, high = PLAUSIBLE_SHIFT_ALPHA_BETA_PPM
    return Quality(
        converged=converged,
        at_bound=np.logical_or.reduce(at_bound[:, decisive], axis=-1),
        snr_ok=np.logical_and.reduce(snr[:, [alpha, beta]] >= RELIABLE_ATP_SNR, axis=-1),
        linewidth_ok=pcr_linewidth_hz < WIDEST_PCR_PPM * problem.spectrometer_frequency_mhz,
        shift_in_range=(shift_alpha_beta_ppm > low) & (shift_alpha_beta_ppm < high),
        residual_ok=(excess <= LARGEST_RESIDUAL) & ~is_broad,
    )
