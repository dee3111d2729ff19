r"""What is known of parameters before a fit, as a Gaussian of given sd around an expected value.

With noise of variance :math:`\sigma^2` per component, the logarithm of the posterior of x is, times :math:`-2\sigma^2`,

.. math:: C(x) + \sigma^2 \sum_j \frac{(x_j - e_j)^2}{s_j^2}

and so the expectation is one more term of the least-squares problem, and of its information, whose inverse times
:math:`\sigma^2` is the covariance: what the data do not tell, the expectation does, and its sd goes into that of all others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.core.bins import NormalEquations

__all__ = ["Penalty"]


@dataclass(frozen=True)
class Penalty:
    """`expected` e (P,) and `inverse_variance` (P,), s^-2 of each parameter, 0 where nothing is known."""

    expected: FloatArray
    inverse_variance: FloatArray

    def cost(self, x: FloatArray, noise_variance: FloatArray) -> FloatArray:
        """Return what is added to the cost at x (B, P), shape (B,)."""
        return ((x - self.expected) ** 2 * self.inverse_variance).sum(axis=-1) * noise_variance

    def added(self, at: NormalEquations, x: FloatArray, noise_variance: FloatArray) -> NormalEquations:
        """Return least-squares quantities at x with what is known; `noise_variance` (B,) is that of a component."""
        if not self.inverse_variance.any():
            return at
        weight = noise_variance[:, None] * self.inverse_variance
        for matrix in (at.information, at.hessian):
            np.einsum("bii->bi", matrix)[...] += weight
        return replace(
            at, cost=at.cost + self.cost(x, noise_variance), gradient=at.gradient - weight * (x - self.expected)
        )
