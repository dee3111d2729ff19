r"""Calibrations: published equations that turn a chemical shift into free Mg2+.

**Two sites** (Gupta). ATP exchanges fast between a Mg-bound and a Mg-free state, so the shift difference
:math:`d = \delta_\alpha - \delta_\beta` is the mean of their limits and tells the free fraction :math:`\phi`:

.. math::

    & \phi = \frac{d - d_{MgATP}}{d_{ATP} - d_{MgATP}}, \qquad
    [\mathrm{Mg}^{2+}] = K_d \Big(\frac{1}{\phi} - 1\Big) = K_d\,\frac{d_{ATP} - d}{d - d_{MgATP}}, \\
    & \frac{\mathrm{d}[\mathrm{Mg}]}{\mathrm{d}d} = -K_d\,\frac{d_{ATP} - d_{MgATP}}{(d - d_{MgATP})^2}

"Mg-free" lumps ATP4-, HATP3- and KATP3-: :math:`K_d` is an apparent constant at pH 7.2, 37 C and physiological K+.
Near :math:`d_{MgATP}` the value explodes and so does its error (Mosher et al. 1992, Magn Reson Med 24:163-169).

**Beta shift** (Iotti, brain). With :math:`d = \delta_\beta - \delta_{PCr}`,

.. math:: \mathrm{pMg} = 4.24 - \log_{10}\frac{(d + 18.58)^{0.42}}{(-15.74 - d)^{0.84}}

The published constants are files in the folder `published`, of the form that `registry` reads and writes for those of
a user too.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from p31mg.arrays import FloatArray
from p31mg.errors import InputError
from p31mg.magnesium.arguments import inside_or_nan
from p31mg.magnesium.speciation import Conditions
from p31mg.notebook import card, table

__all__ = [
    "BetaShiftCalibration",
    "Calibration",
    "Quantity",
    "Titration",
    "TwoSiteCalibration",
]

Quantity = Literal["shift_alpha_beta_ppm", "shift_beta_pcr_ppm"]

_ANY_PH = 7.0

LOWEST_FREE_MG_MM = 0.005
"""Where no concentration reaches this, mol/l were given for mM: tissue has 0.2 to 2 mM."""

_LOWEST_KD_UM = 0.5
"""Below this mmol/l were given: even without other ions Kd of MgATP is 0.7 micromol/l."""


@runtime_checkable
class Calibration(Protocol):
    """What every calibration offers. Shifts are in ppm of `quantity`, magnesium in mM; any shape, element by element.

    Examples
    --------
    >>> import p31mg
    >>> isinstance(p31mg.calibrations()["gupta-1978"], Calibration)
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
        """How sure the constants are: A or B, see the docs on choosing a calibration; ``"user"`` for one of your own."""

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
class Titration:
    """Solutions of known free Mg2+ that a calibration was fitted to, and how well it describes them.

    Attributes
    ----------
    free_mg_mM, shift_ppm
        Concentration and shift of each solution.
    sd_ppm
        Sd of the shifts that was given; empty where it was estimated from the residuals.
    reduced_chi_square
        Of the residuals over `sd_ppm`; near 1 where the model and the sd are right. 1 where the sd was estimated.

    Examples
    --------
    >>> Titration(free_mg_mM=(0.2, 0.5), shift_ppm=(8.8, 8.5), sd_ppm=(0.01, 0.01), reduced_chi_square=1.1).n_points
    2
    """

    free_mg_mM: tuple[float, ...]
    shift_ppm: tuple[float, ...]
    sd_ppm: tuple[float, ...]
    reduced_chi_square: float

    @property
    def n_points(self) -> int:
        """Number of solutions."""
        return len(self.free_mg_mM)


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """What every calibration is named by, rests on and was measured in; None is not known."""

    id: str
    tissue: str = "any"
    source: str = "given by the user"
    doi: str = ""
    evidence: str = "user"
    ph: float | None = None
    temperature_c: float | None = None
    ionic_strength_M: float | None = None
    potassium_M: float | None = None

    def _require_numbers(self, **values: object) -> None:
        for name, value in values.items():
            if not isinstance(value, Real):
                msg = f"calibration {self.id!r} has {name} {value!r}; it must be a single number."
                raise InputError(msg)

    def _require_conditions(self) -> None:
        known = {name: value for name, value in self.conditions.items() if value is not None}
        self._require_numbers(**known)
        try:
            Conditions(**({"ph": _ANY_PH} | known))
        except InputError as error:
            msg = f"calibration {self.id!r}: {error}"
            raise InputError(msg) from error

    @property
    def conditions(self) -> dict[str, float | None]:
        """PH, temperature, ionic strength and K+ that the constants hold for; None is not known."""
        return {name: getattr(self, name) for name in ("ph", "temperature_c", "ionic_strength_M", "potassium_M")}

    @property
    def constants(self) -> dict[str, float]:
        """The numbers in the equation, by name with unit."""
        raise NotImplementedError

    def __repr__(self) -> str:
        constants = ", ".join(f"{name} {value:.6g}" for name, value in self.constants.items())
        return f"<{type(self).__name__} {self.id!r}: {constants}, evidence {self.evidence}>"

    def _repr_html_(self) -> str:
        sd: dict[str, float] = getattr(self, "sd_constants", {})
        columns = [("constant", "left"), ("value", "right"), ("sd", "right")]
        rows = [[n, f"{v:.6g}", f"{sd[n]:.2g}" if n in sd else "not known"] for n, v in self.constants.items()]
        known = ", ".join(f"{name} {value:g}" for name, value in self.conditions.items() if value is not None)
        notes = (f"tissue {self.tissue}, evidence {self.evidence}", known, self.source, self.doi)
        return card(f"{type(self).__name__} {self.id}", table(columns, rows), notes=notes)


@dataclass(frozen=True, kw_only=True, repr=False)
class TwoSiteCalibration(_Origin):
    """Fast exchange between Mg-bound and Mg-free ATP, read from the alpha-beta shift difference.

    Parameters
    ----------
    id, tissue, source, doi, evidence
        Name, tissue, citation, and how sure the constants are.
    ph, temperature_c, ionic_strength_M, potassium_M
        Conditions that Kd holds for, needed to correct it to others. Default None: not known.
    atp_ppm, mgatp_ppm
        Shift difference without and with saturating Mg2+, in ppm.
    kd_uM
        Apparent dissociation constant of MgATP, in micromol/l.
    sd_atp_ppm, sd_mgatp_ppm, sd_kd_uM
        Standard deviations of the constants. Default None: not known. Where some are known, the others count as 0.
    correlation
        Of the errors of ATP with MgATP, ATP with Kd, and MgATP with Kd. Default 0.
    titration
        What `p31mg.calibrate` fitted it to. Default None.
    model
        Kind of equation, as calibration files have it: always ``"two-site"``.

    Raises
    ------
    InputError
        The limits are not in order, a constant is no positive number, Kd looks like mmol/l, or the errors are none.

    Examples
    --------
    >>> own = TwoSiteCalibration(id="own-phantom", atp_ppm=10.85, mgatp_ppm=8.30, kd_uM=45.0, sd_kd_uM=3.0)
    >>> round(float(own.free_mg_mM(8.55)), 3)
    0.414
    """

    model: ClassVar[str] = "two-site"

    atp_ppm: float
    mgatp_ppm: float
    kd_uM: float
    sd_atp_ppm: float | None = None
    sd_mgatp_ppm: float | None = None
    sd_kd_uM: float | None = None
    correlation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    titration: Titration | None = None

    def __post_init__(self) -> None:
        self._require_conditions()
        self._require_numbers(**self.constants, **{f"sd_{name}": sd for name, sd in self.sd_constants.items()})
        if not 0 < self.mgatp_ppm < self.atp_ppm < np.inf:
            limits = f"mgatp_ppm {self.mgatp_ppm} and atp_ppm {self.atp_ppm}"
            msg = f"calibration {self.id!r} has {limits}; 0 < mgatp_ppm < atp_ppm is needed."
            raise InputError(msg)
        if not 0 < self.kd_uM < np.inf:
            msg = f"calibration {self.id!r} has kd_uM {self.kd_uM}; it must be above 0, in micromol/l (38 or 50 are usual)."
            raise InputError(msg)
        if self.kd_uM < _LOWEST_KD_UM:
            msg = f"calibration {self.id!r} has kd_uM {self.kd_uM}; that looks like mmol/l: give micromol/l (38 or 50 are usual)."
            raise InputError(msg)
        for name, sd in self.sd_constants.items():
            if not 0 <= sd < np.inf:
                msg = (
                    f"calibration {self.id!r} has sd_{name} {sd}; a standard deviation must be finite and not negative."
                )
                raise InputError(msg)
        if not _is_correlation(self.correlation):
            msg = (
                f"calibration {self.id!r} has correlation {self.correlation}; it must be three numbers that errors can have: "
                "ATP with MgATP, ATP with Kd, MgATP with Kd."
            )
            raise InputError(msg)
        object.__setattr__(self, "correlation", tuple(float(r) for r in self.correlation))

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

    @property
    def sd_constants(self) -> dict[str, float]:
        """Standard deviations of the constants, those that are known."""
        known = {name: getattr(self, f"sd_{name}") for name in self.constants}
        return {name: sd for name, sd in known.items() if sd is not None}

    @property
    def covariance(self) -> FloatArray | None:
        """Covariance (3, 3) of the constants in their order; None where no sd is known."""
        if not self.sd_constants:
            return None
        sd = np.array([self.sd_constants.get(name, 0.0) for name in self.constants])
        return _correlation_matrix(self.correlation) * np.outer(sd, sd)

    def gradient_mM(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return the derivatives of `free_mg_mM` by the constants in their order, shape (..., 3)."""
        d = inside_or_nan(shift_ppm, self.shift_range_ppm)
        mg = self.free_mg_mM(d)
        return np.stack([mg / (self.atp_ppm - d), mg / (d - self.mgatp_ppm), mg / self.kd_uM], axis=-1)

    def sd_shift_ppm(self, free_mg_mM: npt.ArrayLike) -> FloatArray:
        """Return the sd of the expected shift by the errors of the constants; NaN where none are known."""
        if self.covariance is None:
            return np.full(np.shape(free_mg_mM), np.nan)
        span = self.atp_ppm - self.mgatp_ppm
        w = (self.shift_ppm(free_mg_mM) - self.mgatp_ppm) / span
        g = np.stack([w, 1 - w, span * w * (1 - w) / self.kd_uM], axis=-1)
        return np.sqrt(np.einsum("...i,ij,...j->...", g, self.covariance, g))

    def free_mg_mM(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return free Mg2+ in mM."""
        d = inside_or_nan(shift_ppm, self.shift_range_ppm)
        return 1e-3 * self.kd_uM * (self.atp_ppm - d) / (d - self.mgatp_ppm)

    def slope_mM_per_ppm(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return d[Mg]/d(shift) in mM per ppm: negative."""
        d = inside_or_nan(shift_ppm, self.shift_range_ppm)
        return -1e-3 * self.kd_uM * (self.atp_ppm - self.mgatp_ppm) / (d - self.mgatp_ppm) ** 2

    def shift_ppm(self, free_mg_mM: npt.ArrayLike) -> FloatArray:
        """Return the alpha-beta difference for a concentration in mM."""
        mg = _positive(free_mg_mM)
        return self.mgatp_ppm + (self.atp_ppm - self.mgatp_ppm) / (1.0 + mg / (1e-3 * self.kd_uM))


@dataclass(frozen=True, kw_only=True, repr=False)
class BetaShiftCalibration(_Origin):
    """Free Mg2+ from the beta shift relative to PCr, in the form of Iotti et al. 1996.

    Parameters
    ----------
    id, tissue, source, doi, evidence
        Name, tissue, citation, and how sure the constants are.
    ph, temperature_c, ionic_strength_M, potassium_M
        Conditions that the constants hold for. Default None: not known.
    p_mg_0, low_ppm, high_ppm, low_exponent, high_exponent
        Constants of pMg = p_mg_0 - log10[(d - low_ppm)^low_exponent / (high_ppm - d)^high_exponent].

    Raises
    ------
    InputError
        The limits are not in order, or an exponent is no positive number.

    Examples
    --------
    >>> import p31mg
    >>> p31mg.calibrations()["iotti-1996"].free_mg_mM([-16.18, -16.00]).round(4)
    array([0.1656, 0.2656])
    """

    model: ClassVar[str] = "beta-shift"

    p_mg_0: float
    low_ppm: float
    high_ppm: float
    low_exponent: float
    high_exponent: float

    def __post_init__(self) -> None:
        self._require_conditions()
        self._require_numbers(**self.constants)
        if not -np.inf < self.low_ppm < self.high_ppm < 0:
            limits = f"low_ppm {self.low_ppm} and high_ppm {self.high_ppm}"
            msg = f"calibration {self.id!r} has {limits}; low_ppm < high_ppm < 0 is needed."
            raise InputError(msg)
        if not (0 < self.low_exponent < np.inf and 0 < self.high_exponent < np.inf and np.isfinite(self.p_mg_0)):
            numbers = f"p_mg_0 {self.p_mg_0} and exponents {self.low_exponent} and {self.high_exponent}"
            msg = f"calibration {self.id!r} has {numbers}; they must be finite and the exponents above 0."
            raise InputError(msg)

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
        d = inside_or_nan(shift_ppm, self.shift_range_ppm)
        ratio = (d - self.low_ppm) ** self.low_exponent / (self.high_ppm - d) ** self.high_exponent
        return 1e3 * 10.0**-self.p_mg_0 * ratio

    def slope_mM_per_ppm(self, shift_ppm: npt.ArrayLike) -> FloatArray:
        """Return d[Mg]/d(shift) in mM per ppm: positive."""
        d = inside_or_nan(shift_ppm, self.shift_range_ppm)
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


def _positive(free_mg_mM: npt.ArrayLike) -> FloatArray:
    mg = np.asarray(free_mg_mM, dtype=float)
    if (mg <= 0).any():
        msg = f"free_mg_mM is {mg[mg <= 0].flat[0]:g}; a concentration must be above 0 mM."
        raise InputError(msg)
    known = mg[np.isfinite(mg)]
    if known.size and known.max() < LOWEST_FREE_MG_MM:
        msg = (
            f"free_mg_mM is {known.max():g} and none is above {LOWEST_FREE_MG_MM}; that looks like mol/l: "
            "give mM (0.5, not 0.0005)."
        )
        raise InputError(msg)
    return mg


def _correlation_matrix(correlation: tuple[float, ...]) -> FloatArray:
    atp_mgatp, atp_kd, mgatp_kd = correlation
    return np.array([[1.0, atp_mgatp, atp_kd], [atp_mgatp, 1.0, mgatp_kd], [atp_kd, mgatp_kd, 1.0]])


def _is_correlation(correlation: tuple[float, ...]) -> bool:
    three = np.shape(correlation) == (3,) and all(isinstance(r, Real) and np.isfinite(r) for r in correlation)
    return three and bool(np.linalg.eigvalsh(_correlation_matrix(correlation)).min() > -1e-9)
