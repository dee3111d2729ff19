r"""Cramer-Rao bounds.

The data are 2N real numbers, each with noise of standard deviation :math:`\sigma` (per component). The Fisher information
of the free parameters is :math:`J^T J/\sigma^2` with J the stacked real Jacobian, which is Re(J^H J) of the complex
one, so the bound on their covariance is

.. math:: \mathrm{cov}(x) \ge \sigma^2\, [\mathrm{Re}(J^H J)]^{-1}

with no factor of 2 (Cavassila et al. 2001, doi:10.1002/nbm.701). Parameters held at a bound are known, not estimated:
their rows are zero.
"""

from __future__ import annotations

import numpy as np

from p31mg.arrays import BoolArray, FloatArray
from p31mg.core.levenberg_marquardt import scaled

__all__ = ["cramer_rao"]


_MAX_INFLATION = 1e9
"""Variance inflation (diagonal of the inverse of the unit-diagonal H) beyond which double precision holds no answer."""


def cramer_rao(information: FloatArray, held: BoolArray, noise_sd: FloatArray) -> FloatArray:
    """Return the covariance bound of the free parameters, shape (B, P, P); all NaN where the problem is singular."""
    unit, scale = scaled(information, held)
    n_parameters = information.shape[-1]
    inverse = np.linalg.inv(unit + 1e-14 * np.eye(n_parameters))
    inflation = np.einsum("bii->bi", inverse)
    sound = (np.isfinite(inflation) & (inflation > 0) & (inflation < _MAX_INFLATION)).all(axis=-1)
    free = ~held
    covariance = inverse * scale[:, :, None] * scale[:, None, :] * (noise_sd**2)[:, None, None]
    covariance = np.where(free[:, :, None] & free[:, None, :], covariance, 0.0)
    covariance[~sound] = np.nan
    return covariance
