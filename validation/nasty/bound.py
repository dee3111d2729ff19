"""The Cramer-Rao bound of delta(alpha) - delta(beta), from numerical derivatives of the simulator at the truth.

With the Jacobian J of the signal by all that is unknown, the Fisher matrix is Re(J^H J) / sd^2, plus 1/sd^2 on its diagonal for
what a prior states. Unknown are shift, width and amplitude of every resonance (but NAD has the width of alpha, as priors say),
phase and offset; of the field's Gaussian and one-sided part, J, and the begin time those that `knows` does not name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasty.simulator import ALPHA, BETA, NAD, NAMES, PCR, Tissue, pcr_norm, signal

__all__ = ["Information", "information"]

STEPS = {"shift_ppm": 1e-5, "width_hz": 1e-3, "amplitude": 1e-5, "phase_rad": 1e-5, "offset_ppm": 1e-5}
STEPS |= {"begin_time_s": 1e-8, "gaussian_hz": 1e-2, "exponential_hz": 1e-3, "j_ab_hz": 1e-3}


@dataclass(frozen=True)
class Information:
    """Fisher information of rows (B, P, P) at an SNR of 1, and which parameter is which."""

    fisher: np.ndarray
    labels: tuple[tuple[str, int | None], ...]

    def bound_shift_alpha_beta_ppm(
        self, snr: float, *, knows: Sequence[str] = (), begin_time_sd_s: float = np.inf
    ) -> np.ndarray:
        """Return the bound of every row, (B,), where some parameters are known."""
        kept = [i for i, (name, _) in enumerate(self.labels) if name not in knows]
        labels = [self.labels[i] for i in kept]
        fisher = self.fisher[:, kept][:, :, kept] * snr**2
        if ("begin_time_s", None) in labels:
            i = labels.index(("begin_time_s", None))
            fisher[:, i, i] += begin_time_sd_s**-2.0
        scale = np.sqrt(np.einsum("bpp->bp", fisher))
        scale[scale == 0] = 1.0
        covariance = np.linalg.pinv(fisher / scale[:, :, None] / scale[:, None, :], hermitian=True)
        contrast = np.zeros(len(labels))
        contrast[labels.index(("shift_ppm", ALPHA))], contrast[labels.index(("shift_ppm", BETA))] = 1, -1
        return np.sqrt(np.einsum("bp,bpq,bq->b", contrast / scale, covariance, contrast / scale))


def information(tissue: Tissue, field_t: float) -> Information:
    """Return what signals at the truth tell of all parameters."""
    labels = [
        (name, k)
        for name in STEPS
        for k in (range(len(NAMES)) if getattr(tissue, name).ndim == 2 else (None,))
        if (name, k) not in (("shift_ppm", PCR), ("width_hz", NAD))  # PCr is where `offset_ppm` is
    ]
    jacobian = np.stack([_derivative(tissue, name, k, STEPS[name], field_t) for name, k in labels], axis=-1)
    fisher = (jacobian.conj().swapaxes(-1, -2) @ jacobian).real
    return Information(fisher / pcr_norm(tissue, field_t)[:, None, None] ** 2, tuple(labels))


def _derivative(tissue: Tissue, name: str, k: int | None, step: float, field_t: float) -> np.ndarray:
    value = getattr(tissue, name)
    change = np.zeros_like(value)
    change[(slice(None), k) if k is not None else slice(None)] = step
    if (name, k) == ("width_hz", ALPHA):
        change[:, NAD] = step
    changes = {"j_ab_hz": ("j_ab_hz", "j_bg_hz")}.get(name, (name,))
    after = tissue.but(**{n: getattr(tissue, n) + change for n in changes})
    before = tissue.but(**{n: getattr(tissue, n) - change for n in changes})
    return (signal(after, field_t) - signal(before, field_t)) / (2 * step)
