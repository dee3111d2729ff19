r"""Intracellular pH from the shift of inorganic phosphate, :math:`d = \delta_{Pi} - \delta_{PCr}`.

.. math:: \mathrm{pH} = \mathrm{p}K_a + \log_{10} \frac{d - d_A}{d_B - d}

with :math:`d_A, d_B` the shifts of H2PO4- and HPO4(2-).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from p31mg.arrays import FloatArray
from p31mg.errors import UnknownNameError

__all__ = ["PhEquation", "get_ph_equation", "ph_equations"]


DEFAULT_PH_EQUATION = "taylor-1983"


@dataclass(frozen=True, kw_only=True)
class PhEquation:
    """Titration of inorganic phosphate with its constants.

    Examples
    --------
    >>> get_ph_equation("taylor-1983").ph([4.70, 4.82, 4.90]).round(3)
    array([6.91 , 7.001, 7.065])
    """

    id: str
    pka: float
    acid_ppm: float
    base_ppm: float
    tissue: str
    source: str
    evidence: str

    def ph(self, shift_pi_pcr_ppm: npt.ArrayLike) -> FloatArray:
        """Return pH for delta(Pi) - delta(PCr) in ppm; NaN outside the two limiting shifts."""
        d = np.asarray(shift_pi_pcr_ppm, dtype=float)
        d = np.where((d > self.acid_ppm) & (d < self.base_ppm), d, np.nan)
        return self.pka + np.log10((d - self.acid_ppm) / (self.base_ppm - d))

    def slope_per_ppm(self, shift_pi_pcr_ppm: npt.ArrayLike) -> FloatArray:
        """Return the derivative of `ph`."""
        d = np.asarray(shift_pi_pcr_ppm, dtype=float)
        d = np.where((d > self.acid_ppm) & (d < self.base_ppm), d, np.nan)
        return (1 / (d - self.acid_ppm) + 1 / (self.base_ppm - d)) / np.log(10)

    def shift_pi_pcr_ppm(self, ph: npt.ArrayLike) -> FloatArray:
        """Return the shift expected at a pH: the inverse of `ph`."""
        ratio = 10.0 ** (np.asarray(ph, dtype=float) - self.pka)
        return (self.acid_ppm + ratio * self.base_ppm) / (1 + ratio)


_EQUATIONS = {
    e.id: e
    for e in (
        PhEquation(
            id="taylor-1983",
            pka=6.75,
            acid_ppm=3.27,
            base_ppm=5.69,
            tissue="muscle",
            source="Taylor et al. 1983, Mol Biol Med 1:77-94",
            evidence="B",
        ),
        PhEquation(
            id="petroff-1985",
            pka=6.77,
            acid_ppm=3.29,
            base_ppm=5.68,
            tissue="brain",
            source="Petroff et al. 1985, Neurology 35:781-788",
            evidence="B",
        ),
    )
}


def ph_equations() -> tuple[str, ...]:
    """Return the ids of all pH equations.

    Examples
    --------
    >>> ph_equations()
    ('taylor-1983', 'petroff-1985')
    """
    return tuple(_EQUATIONS)


def get_ph_equation(equation: str) -> PhEquation:
    """Return a pH equation by its id.

    Raises
    ------
    UnknownNameError
        No equation of that id.
    """
    if equation not in _EQUATIONS:
        raise UnknownNameError(kind="pH equation", name=equation, known=_EQUATIONS)
    return _EQUATIONS[equation]
