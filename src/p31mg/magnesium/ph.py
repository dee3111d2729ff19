r"""Intracellular pH from the shift of inorganic phosphate, :math:`d = \delta_{Pi} - \delta_{PCr}`.

.. math:: \mathrm{pH} = \mathrm{p}K_a + \log_{10} \frac{d - d_A}{d_B - d}

with :math:`d_A, d_B` the shifts of H2PO4- and HPO4(2-). pH is a monotone function of the shift, so the ends of its interval are
the function at the ends of the shift's interval; beyond a limit they are infinite.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from p31mg.arrays import BoolArray, FloatArray
from p31mg.errors import InputError, UnknownNameError
from p31mg.magnesium.arguments import broadcast_pair, inside_or_nan, numbers, require_level, sd_or_nan
from p31mg.notebook import card, number, rows_shown, table

__all__ = ["PhEquation", "PhResult", "get_ph_equation", "ph_equations", "ph_from_pi"]


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
        d = inside_or_nan(shift_pi_pcr_ppm, (self.acid_ppm, self.base_ppm))
        return self.pka + np.log10((d - self.acid_ppm) / (self.base_ppm - d))

    def slope_per_ppm(self, shift_pi_pcr_ppm: npt.ArrayLike) -> FloatArray:
        """Return the derivative of `ph` in pH per ppm; NaN outside the two limiting shifts."""
        d = inside_or_nan(shift_pi_pcr_ppm, (self.acid_ppm, self.base_ppm))
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


@dataclass(frozen=True, kw_only=True)
class PhResult:
    """Intracellular pH of the shape of the shifts of Pi, with what it was read from.

    Attributes
    ----------
    ph, sd_ph
        (...,) pH and its sd, propagated linearly from that of the shift; NaN where it cannot be read.
    interval
        (..., 2) its ends at `level`, exact; an end is infinite where the shift's interval leaves the range of the equation.
    in_range
        (...,) True where the shift lies between those of H2PO4- and HPO4(2-).
    shift_pi_pcr_ppm, sd_shift_pi_pcr_ppm
        (...,) the shift that was used, and its sd.
    level
        Of the interval.
    equation
        The `PhEquation`, with constants, source and evidence.

    Examples
    --------
    >>> ph_from_pi(4.82, sd_ppm=0.01)
    <PhResult taylor-1983 (evidence B): pH 7.001, sd 0.008, 95% interval 6.986 to 7.016, from 4.8200 ppm>
    """

    ph: FloatArray
    sd_ph: FloatArray
    interval: FloatArray
    in_range: BoolArray
    shift_pi_pcr_ppm: FloatArray
    sd_shift_pi_pcr_ppm: FloatArray
    level: float
    equation: PhEquation

    def _repr_html_(self) -> str:
        shown = {
            "shift_pi_pcr_ppm": self.shift_pi_pcr_ppm,
            "ph": self.ph,
            "sd_ph": self.sd_ph,
            "low": self.interval[..., 0],
            "high": self.interval[..., 1],
        }
        n = self.ph.size
        rows = [
            [*(number(float(v.flat[i])) for v in shown.values()), str(self.in_range.flat[i])] for i in rows_shown(n)
        ]
        columns = [*((name, "right") for name in shown), ("in_range", "left")]
        e = self.equation
        notes = (f"{e.id} (evidence {e.evidence}); low and high: {self.level:.0%} interval", e.source)
        return card(f"PhResult {self.ph.shape}", table(columns, rows, n), notes=notes)

    def __repr__(self) -> str:
        head = f"<PhResult {self.equation.id} (evidence {self.equation.evidence})"
        if self.ph.shape:
            return f"{head}: {self.ph.shape}, {int(self.in_range.sum())} of {self.in_range.size} in range>"
        low, high = self.interval
        return (
            f"{head}: pH {float(self.ph):.3f}, sd {float(self.sd_ph):.3f}, {self.level:.0%} interval {low:.3f} to {high:.3f}, "
            f"from {float(self.shift_pi_pcr_ppm):.4f} ppm>"
        )


def ph_from_pi(
    shift_pi_pcr_ppm: npt.ArrayLike,
    *,
    sd_ppm: npt.ArrayLike | None = None,
    equation: str = DEFAULT_PH_EQUATION,
    level: float = 0.95,
) -> PhResult:
    """Return intracellular pH from the shift of inorganic phosphate; what it returns is a `ph` for `free_magnesium`.

    Parameters
    ----------
    shift_pi_pcr_ppm
        delta(Pi) - delta(PCr) in ppm, near 4.8, of any shape. NaN in, NaN out.
    sd_ppm
        Its sd, of a shape that broadcasts. Default None: no interval.
    equation
        ``"taylor-1983"`` (default, muscle) or ``"petroff-1985"`` (brain).
    level
        Of the interval, between 0 and 1. Default 0.95.

    Returns
    -------
    PhResult
        pH, sd and interval, of the shape of the shifts.

    Raises
    ------
    InputError
        A single shift outside the limits of the equation, a single negative sd, a level that is none. Among several such
        values become NaN.
    UnknownNameError
        No equation of that name.

    Examples
    --------
    >>> ph_from_pi([4.70, 4.82, 4.90]).ph.round(3)
    array([6.91 , 7.001, 7.065])
    """
    from scipy.special import ndtri

    chosen = get_ph_equation(equation)
    require_level(level)
    d = numbers("shift_pi_pcr_ppm", shift_pi_pcr_ppm)
    known = d[np.isfinite(d)]
    if d.size == 1 and known.size and not chosen.acid_ppm < known.flat[0] < chosen.base_ppm:
        msg = (
            f"shift_pi_pcr_ppm is {known.flat[0]:g}; pH equation {chosen.id!r} takes delta(Pi) - delta(PCr) between "
            f"{chosen.acid_ppm:g} (H2PO4-) and {chosen.base_ppm:g} ppm (HPO4 2-)."
        )
        raise InputError(msg)
    sd, _ = sd_or_nan("sd_ppm", sd_ppm)
    d, sd = broadcast_pair("shift_pi_pcr_ppm", d, "sd_ppm", sd)
    ends = d[..., None] + float(ndtri(0.5 + level / 2)) * sd[..., None] * np.array([-1.0, 1.0])
    interval = chosen.ph(ends)
    interval[ends <= chosen.acid_ppm], interval[ends >= chosen.base_ppm] = -np.inf, np.inf
    ph = chosen.ph(d)
    interval[np.isnan(ph)] = np.nan
    return PhResult(
        ph=ph,
        sd_ph=chosen.slope_per_ppm(d) * sd,
        interval=interval,
        in_range=np.isfinite(ph),
        shift_pi_pcr_ppm=np.array(d),
        sd_shift_pi_pcr_ppm=np.array(sd),
        level=level,
        equation=chosen,
    )


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
    if equation not in tuple(_EQUATIONS):  # what has no hash is no name either
        raise UnknownNameError(kind="pH equation", name=equation, known=_EQUATIONS)
    return _EQUATIONS[equation]
