r"""Errors of fitted parameters: the Cramer-Rao bound, and the better estimate from the curvature of the fit itself.

The data are 2N real numbers, each with noise of standard deviation :math:`\sigma` (per component). The Fisher information of
the free parameters is :math:`I = J^T J/\sigma^2` with J the stacked real Jacobian, which is Re(J^H J) of the complex one. No
unbiased estimate has a smaller covariance than

.. math:: \mathrm{cov}(x) \ge \sigma^2\, [\mathrm{Re}(J^H J)]^{-1}

with no factor of 2 (Cavassila et al. 2001, doi:10.1002/nbm.701). Evaluated at the estimate it is too hopeful for lines that
rise little above the noise, where the model is not linear over one error bar. There the **observed** information, half the
second derivative of the cost that was really minimised, describes the scatter better (Efron & Hinkley 1978,
doi:10.1093/biomet/65.3.457). Both are the same at high SNR.

Parameters held at a bound are known, not estimated: their rows are zero.
"""

from __future__ import annotations

import numpy as np

from p31mg.arrays import BoolArray, FloatArray
from p31mg.core.levenberg_marquardt import scaled

__all__ = ["covariance"]

_MAX_INFLATION = 1e9
"""Variance inflation (diagonal of the inverse of the unit-diagonal H) beyond which double precision holds no answer."""

_JITTER = 1e-14
"""Keeps a matrix that is singular to rounding invertible; its inflation is then beyond the limit."""


def covariance(information: FloatArray, held: BoolArray, diagonal: FloatArray | None = None) -> FloatArray:
    """Return the covariance for noise of sd 1, shape (B, P, P); all NaN where the information is not positive definite.

    Parameters
    ----------
    information
        J^T J or the observed information, shape (B, P, P).
    held
        Parameters that are known, shape (B, P).
    diagonal
        Positive scale of the parameters, shape (B, P): the diagonal of J^T J. Default: that of `information`.
    """
    is_square = diagonal is None  # J^T J, which has no negative eigenvalue
    if diagonal is None:
        diagonal = np.einsum("bii->bi", information)
    held = held | ~(diagonal > 0)
    unit, scale = scaled(information, held, diagonal)
    sound = np.isfinite(unit).all(axis=(-2, -1))
    unit[~sound] = 0.0
    np.einsum("bii->bi", unit)[...] += _JITTER
    inverse = _inverse(unit)
    inflation = np.einsum("bii->bi", inverse)
    sound &= ((inflation > 0) & (inflation < _MAX_INFLATION)).all(axis=-1)
    if not is_square:
        likely = np.flatnonzero(sound)
        sound[likely] = _positive_definite(unit[likely])
    out = inverse * scale[:, :, None] * scale[:, None, :]
    out[~sound] = np.nan
    return out


def _inverse(matrices: FloatArray) -> FloatArray:
    """Return the inverses of symmetric, positive definite matrices (B, P, P), by halves.

    With blocks A, B, D and the Schur complement S = D - B^T A^-1 B. Two small inverses and a few products take half the time
    of LAPACK's general one, whose cost at this size is not arithmetic.
    """
    half = matrices.shape[-1] // 2
    if not half:
        return 1.0 / matrices
    corner = matrices[:, :half, half:]
    a = np.linalg.inv(matrices[:, :half, :half])
    across = a @ corner
    s = np.linalg.inv(matrices[:, half:, half:] - np.swapaxes(corner, -1, -2) @ across)
    out = np.empty_like(matrices)
    off = across @ s
    out[:, :half, :half] = a + off @ np.swapaxes(across, -1, -2)
    out[:, :half, half:] = -off
    out[:, half:, :half] = -np.swapaxes(off, -1, -2)
    out[:, half:, half:] = s
    return out


def _positive_definite(matrices: FloatArray) -> BoolArray:
    """Return which symmetric matrices (B, P, P) are positive definite: those of halves, where not all of them are."""
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        half = len(matrices) // 2
        if not half:
            return np.zeros(1, dtype=bool)
        return np.concatenate([_positive_definite(matrices[:half]), _positive_definite(matrices[half:])])
    return np.ones(len(matrices), dtype=bool)
