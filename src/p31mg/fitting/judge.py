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
"""Root mean square of the residual around alpha and beta over the noise of the last half of the FID. It was above in 0.1 % of
4000 simulated spectra that the model describes; a begin time wrong by 0.05 ms makes it 1.7 and 2.1 in a 7 T
brain spectrum of SNR 170, 0.1 ms 2.7."""

WIDEST_PCR_PPM = 0.6
"""Beyond it the multiplets of ATP merge with their neighbours."""

WIDEST_ATP_PPM = 1.2
"""Of a line of alpha or beta. Beyond it, what was fitted is a hump and not a multiplet, or ATP that exchanges."""

LARGEST_CORRELATION = 0.6
"""Of the shift of alpha with that of a neighbour. Where NAD leaned on alpha so much that the two were mistaken for each other, it
was 0.7 to 0.8 in simulated muscle spectra; below 0.4 with NAD where it belongs, up to six times as much as usual."""

MOST_BEGIN_SHIFT_SD = 3.0
"""That a fitted begin time may lie from the stated one, in its sd."""


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
    problem: Problem,
    *,
    shift_alpha_beta_ppm: FloatArray,
    covariance_shift_ppm2: FloatArray,
    linewidth_hz: FloatArray,
    snr: FloatArray,
    at_bound: BoolArray,
    converged: BoolArray,
    moved: BoolArray,
    excess: FloatArray,
    is_broad: BoolArray,
    begin_shift_s: FloatArray,
) -> Quality:
    """Return the named booleans of spectra (B,).

    From covariance of the shifts (B, K, K), whole linewidths and SNR (B, K), which reported parameters sit on a bound (B, n),
    whether alpha or beta moved from its start value, the excess of the residual over the noise, whether a broad signal is left
    in it, and what the fit added to the begin time, each (B,).
    """
    k = len(problem.prior.names)
    alpha, beta = problem.alpha_beta
    decisive = [problem.reference, alpha, beta, k + alpha, k + beta, k + problem.reference]
    low, high = PLAUSIBLE_SHIFT_ALPHA_BETA_PPM
    linewidth_ppm = linewidth_hz / problem.spectrometer_frequency_mhz
    return Quality(
        converged=converged,
        moved=moved,
        at_bound=np.logical_or.reduce(at_bound[:, decisive], axis=-1),
        snr_ok=np.logical_and.reduce(snr[:, [alpha, beta]] >= RELIABLE_ATP_SNR, axis=-1),
        linewidth_ok=linewidth_ppm[:, problem.reference] < WIDEST_PCR_PPM,
        atp_linewidth_ok=np.logical_and.reduce(linewidth_ppm[:, [alpha, beta]] < WIDEST_ATP_PPM, axis=-1),
        shift_in_range=(shift_alpha_beta_ppm > low) & (shift_alpha_beta_ppm < high),
        residual_ok=(excess <= LARGEST_RESIDUAL) & ~is_broad,
        alpha_is_separate=_correlation_with_neighbours(covariance_shift_ppm2, problem) <= LARGEST_CORRELATION,
        begin_time_ok=_begin_time_ok(begin_shift_s, problem),
    )


def _correlation_with_neighbours(covariance: FloatArray, problem: Problem) -> FloatArray:
    """Return the largest correlation of alpha with a resonance whose window is next to its own, in magnitude, (B,)."""
    alpha, r = problem.alpha_beta[0], problem.prior.resonances
    low, high = r[alpha].shift_bounds_ppm
    near = [
        k
        for k, other in enumerate(r)
        if k != alpha and other.shift_bounds_ppm[0] < high + 1.0 and other.shift_bounds_ppm[1] > low - 1.0
    ]
    if not near:
        return np.zeros(len(covariance))
    variance = np.einsum("bkk->bk", covariance)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = covariance[:, alpha, near] / np.sqrt(variance[:, [alpha]] * variance[:, near])
    return np.abs(np.nan_to_num(correlation)).max(axis=-1)


def _begin_time_ok(begin_shift_s: FloatArray, problem: Problem) -> BoolArray:
    """Return where a fitted begin time agrees with what was known of it."""
    if problem.sd_begin_time_s == 0:
        return np.ones(len(begin_shift_s), dtype=bool)
    return ~(np.abs(begin_shift_s) > MOST_BEGIN_SHIFT_SD * problem.sd_begin_time_s)
