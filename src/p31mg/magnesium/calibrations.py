r"""Calibrations: published equations that turn a chemical shift into free Mg2+.

**Two sites** (Gupta). ATP exchanges fast between a Mg-bound and a Mg-free state, so the shift difference
:math:`d = \delta_\alpha - \delta_\beta` is the mean of their limits and tells the free fraction :math:`\phi`:

.. math::

    \phi = \frac{d - d_{MgATP}}{d_{ATP} - d_{MgATP}}, \qquad
    [\mathrm{Mg}^{2+}] = K_d \Big(\frac{1}{\phi} - 1\Big) = K_d\,\frac{d_{ATP} - d}{d - d_{MgATP}}, \qquad
    \frac{\mathrm{d}[\mathrm{Mg}]}{\mathrm{d}d} = -K_d\,\frac{d_{ATP} - d_{MgATP}}{(d - d_{MgATP})^2}

"Mg-free" lumps ATP4-, HATP3- and KATP3-: :math:`K_d` is an apparent constant at pH 7.2, 37 C and physiological K+.
Near :math:`d_{MgATP}` the value explodes and so does its error (Mosher et al. 1992, Magn Reson Med 24:163-169).

**Beta shift** (Iotti, brain). With :math:`d = \delta_\beta - \delta_{PCr}`,

.. math:: \mathrm{pMg} = 4.24 - \log_{10}\frac{(d + 18.58)^{0.42}}{(-15.74 - d)^{0.84}}

Evidence letters: A, equation and constants cross-checked numerically against a second source; B, the constants that the
field cites, whose primary text could not be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from p31mg.arrays import FloatArray
from p31mg.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BetaShiftCalibration",
    "Calibration",
    "CalibrationTable",
    "TwoSiteCalibration",
    "calibration_record",
    "calibrations",
    "get_calibration",
]

Quantity = Literal["shift_alpha_beta_ppm", "shift_beta_pcr_ppm"]

DEFAULT_CALIBRATION = "gupta-1978"


@runtime_checkable
class Calibration(Protocol):
    """What every calibration offers. Shifts are in ppm of `quantity`, magnesium in mM; any shape, element by element.

    Examples
    --------
    >>> isinstance(get_calibration("gupta-1978"), Calibration)
    True
    """

    @property
    def id(self) -> str:
        """Name to ask for it by."""

    @property
    def quantity(self) -> Quantity:
        """Which field of a fit it needs."""

    @property
    def tissue(self) -> str:
        """Tissue that it was made for."""

    @property
    def source(self) -> str:
        """Citation."""

    @property
    def evidence(self) -> str:
        """How sure the constants are: A or B, see the module."""

    @property
    def shift_range_ppm(self) -> tuple[float, float]:
        """Open interval of shifts outside which there is no magnesium."""

    @property
    def constants(self) -> dict[str, float]:
        """The numbers in the equation, by name with unit."""

    def free_mg_mM(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return free Mg2+; NaN outside `shift_range_ppm`."""

    def slope_mM_per_ppm(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return the derivative of `free_mg_mM`; NaN outside `shift_range_ppm`."""

    def shift_ppm(self, free_mg_mM: npt.ArrayLike) -> FloatArray:
        """Return the shift expected for a concentration above 0: the inverse of `free_mg_mM`."""


@dataclass(frozen=True, kw_only=True)
class TwoSiteCalibration:
    """Fast exchange between Mg-bound and Mg-free ATP, read from the alpha-beta shift difference.

    Parameters
    ----------
    id, tissue, source, evidence
        Name, tissue, citation, and how sure the constants are.
    atp_ppm, mgatp_ppm
        Shift difference without and with saturating Mg2+, in ppm.
    kd_uM
        Apparent dissociation constant of MgATP, in micromol/l.

    Raises
    ------
    InputError
        The limits are not in order or the constant is not positive.

    Examples
    --------
    >>> own = TwoSiteCalibration(id="own-phantom", atp_ppm=10.85, mgatp_ppm=8.30, kd_uM=45.0)
    >>> round(float(own.free_mg_mM(8.55)), 3)
    0.414
    """

    id: str
    atp_ppm: float
    mgatp_ppm: float
    kd_uM: float
    tissue: str = "any"
    source: str = "given by the user"
    evidence: str = "user"

    def __post_init__(self) -> None:
        if not 0 < self.mgatp_ppm < self.atp_ppm < np.inf:
            limits = f"mgatp_ppm {self.mgatp_ppm} and atp_ppm {self.atp_ppm}"
            msg = f"calibration {self.id!r} has {limits}; 0 < mgatp_ppm < atp_ppm is needed."
            raise InputError(msg)
        if not 0 < self.kd_uM < np.inf:
            msg = f"calibration {self.id!r} has kd_uM {self.kd_uM}; it must be above 0, in micromol/l (38 or 50 are usual)."
            raise InputError(msg)

    @property
    def quantity(self) -> Quantity:
        """Alpha-beta difference."""
        return "shift_alpha_beta_ppm"

    @property
    def shift_range_ppm(self) -> tuple[float, float]:
        """From fully bound to free ATP."""
        return self.mgatp_ppm, self.atp_ppm

    @property
    def constants(self) -> dict[str, float]:
        """Limits and apparent dissociation constant."""
        return {"atp_ppm": self.atp_ppm, "mgatp_ppm": self.mgatp_ppm, "kd_uM": self.kd_uM}

    def free_mg_mM(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return free Mg2+ in mM."""
        d = _inside(shift_ppm, self.shift_range_ppm)
        return 1e-3 * self.kd_uM * (self.atp_ppm - d) / (d - self.mgatp_ppm)

    def slope_mM_per_ppm(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return d[Mg]/d(shift) in mM per ppm: negative."""
        d = _inside(shift_ppm, self.shift_range_ppm)
        return -1e-3 * self.kd_uM * (self.atp_ppm - self.mgatp_ppm) / (d - self.mgatp_ppm) ** 2

    def shift_ppm(self, free_mg_mM: npt.ArrayLike) -> FloatArray:
        """Return the alpha-beta difference for a concentration in mM."""
        mg = _positive(free_mg_mM)
        return self.mgatp_ppm + (self.atp_ppm - self.mgatp_ppm) / (1.0 + mg / (1e-3 * self.kd_uM))


@dataclass(frozen=True, kw_only=True)
class BetaShiftCalibration:
    """Free Mg2+ from the beta shift relative to PCr, in the form of Iotti et al. 1996.

    Parameters
    ----------
    id, tissue, source, evidence
        Name, tissue, citation, and how sure the constants are.
    p_mg_0, low_ppm, high_ppm, low_exponent, high_exponent
        Constants of pMg = p_mg_0 - log10[(d - low_ppm)^low_exponent / (high_ppm - d)^high_exponent].

    Examples
    --------
    >>> get_calibration("iotti-1996").free_mg_mM([-16.18, -16.00]).round(4)
    array([0.1656, 0.2656])
    """

    id: str
    p_mg_0: float
    low_ppm: float
    high_ppm: float
    low_exponent: float
    high_exponent: float
    tissue: str
    source: str
    evidence: str

    @property
    def quantity(self) -> Quantity:
        """Beta against PCr."""
        return "shift_beta_pcr_ppm"

    @property
    def shift_range_ppm(self) -> tuple[float, float]:
        """Between the limits of the equation."""
        return self.low_ppm, self.high_ppm

    @property
    def constants(self) -> dict[str, float]:
        """Numbers of the equation."""
        names = ("p_mg_0", "low_ppm", "high_ppm", "low_exponent", "high_exponent")
        return {name: getattr(self, name) for name in names}

    def free_mg_mM(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return free Mg2+ in mM."""
        d = _inside(shift_ppm, self.shift_range_ppm)
        ratio = (d - self.low_ppm) ** self.low_exponent / (self.high_ppm - d) ** self.high_exponent
        return 1e3 * 10.0**-self.p_mg_0 * ratio

    def slope_mM_per_ppm(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return d[Mg]/d(shift) in mM per ppm: positive."""
        d = _inside(shift_ppm, self.shift_range_ppm)
        return self.free_mg_mM(d) * (self.low_exponent / (d - self.low_ppm) + self.high_exponent / (self.high_ppm - d))

    def shift_ppm(self, free_mg_mM: npt.ArrayLike) -> FloatArray:
        """Return the beta shift for a concentration in mM, by bisection of the monotone equation to rounding."""
        mg = _positive(free_mg_mM)
        low = np.full(mg.shape, np.nextafter(self.low_ppm, np.inf))
        high = np.full(mg.shape, np.nextafter(self.high_ppm, -np.inf))
        for _ in range(60):
            middle = 0.5 * (low + high)
            below = self.free_mg_mM(middle) < mg
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(np.isnan(mg), np.nan, 0.5 * (low + high))


def _inside(shift_ppm: npt.ArrayLike, limits: tuple[float, float]) -> FloatArray:
    d = np.asarray(shift_ppm, dtype=float)
    return np.where((d > limits[0]) & (d < limits[1]), d, np.nan)


def _positive(free_mg_mM: npt.ArrayLike) -> FloatArray:
    mg = np.asarray(free_mg_mM, dtype=float)
    if (mg <= 0).any():
        msg = f"free_mg_mM is {mg[mg <= 0].flat[0]:g}; a concentration must be above 0 mM."
        raise InputError(msg)
    return mg


_CALIBRATIONS: dict[str, Calibration] = {
    c.id: c
    for c in (
        TwoSiteCalibration(
            id="gupta-1978",
            atp_ppm=10.91,
            mgatp_ppm=8.35,
            kd_uM=38.0,
            tissue="any (muscle, erythrocytes)",
            source=(
                "Gupta, Benovic & Rose 1978, J Biol Chem 253:6172-6176 (441.9 and 338.2 Hz at 40.5 MHz); "
                "Gupta & Moore 1980, J Biol Chem 255:3987-3993"
            ),
            evidence="B",
        ),
        TwoSiteCalibration(
            id="gupta-1984",
            atp_ppm=10.82,
            mgatp_ppm=8.32,
            kd_uM=50.0,
            tissue="any (muscle, erythrocytes)",
            source="as cited after Gupta, Gupta & Moore 1984, Annu Rev Biophys Bioeng 13:221-246",
            evidence="B",
        ),
        BetaShiftCalibration(
            id="iotti-1996",
            p_mg_0=4.24,
            low_ppm=-18.58,
            high_ppm=-15.74,
            low_exponent=0.42,
            high_exponent=0.84,
            tissue="brain; not validated for muscle",
            source="Iotti et al. 1996, NMR Biomed 9:24-32",
            evidence="A",
        ),
    )
}


class CalibrationTable(Mapping[str, Calibration]):
    """All calibrations by id, printing as a table."""

    def __getitem__(self, key: str) -> Calibration:
        return _CALIBRATIONS[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_CALIBRATIONS)

    def __len__(self) -> int:
        return len(_CALIBRATIONS)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per calibration."""
        import pandas as pd

        return pd.DataFrame(
            {
                "id": c.id,
                "quantity": c.quantity,
                "shift_min_ppm": c.shift_range_ppm[0],
                "shift_max_ppm": c.shift_range_ppm[1],
                "tissue": c.tissue,
                "evidence": c.evidence,
                "constants": ", ".join(f"{k} {v:g}" for k, v in c.constants.items()),
                "source": c.source,
            }
            for c in self.values()
        )

    def __repr__(self) -> str:
        return "\n".join(
            f"{c.id}  {c.quantity}  {c.shift_range_ppm[0]:g} to {c.shift_range_ppm[1]:g} ppm  "
            f"evidence {c.evidence}  {c.tissue}  {c.source}"
            for c in self.values()
        )

    def _repr_html_(self) -> str:
        return self.to_dataframe().to_html(index=False)


def calibrations() -> CalibrationTable:
    """Return all calibrations by id, with constants, range, source and evidence.

    Examples
    --------
    >>> list(calibrations())
    ['gupta-1978', 'gupta-1984', 'iotti-1996']
    >>> calibrations()["gupta-1978"].constants
    {'atp_ppm': 10.91, 'mgatp_ppm': 8.35, 'kd_uM': 38.0}
    """
    return CalibrationTable()


def calibration_record(calibration: Calibration) -> dict[str, Any]:
    """Return everything that identifies a calibration, for files and documents."""
    return {
        "id": calibration.id,
        "quantity": calibration.quantity,
        "constants": calibration.constants,
        "shift_range_ppm": list(calibration.shift_range_ppm),
        "tissue": calibration.tissue,
        "evidence": calibration.evidence,
        "source": calibration.source,
    }


def get_calibration(calibration: Calibration | str) -> Calibration:
    """Return a calibration by its id; a calibration object is returned as it is.

    Raises
    ------
    UnknownNameError
        No calibration of that id; the nearest are named.

    Examples
    --------
    >>> get_calibration("gupta-1984").quantity
    'shift_alpha_beta_ppm'
    """
    if isinstance(calibration, Calibration):
        return calibration
    if not isinstance(calibration, str) or calibration not in _CALIBRATIONS:  # type: ignore[redundant-expr]
        raise UnknownNameError(kind="calibration", name=calibration, known=_CALIBRATIONS)
    return _CALIBRATIONS[calibration]
