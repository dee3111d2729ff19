"""The data model of prior knowledge: `Resonance` and `Prior`, frozen and validated."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np

from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T
from p31mg.errors import PriorKnowledgeError
from p31mg.notebook import card, table

__all__ = ["ATP_CHAIN", "COUPLINGS", "LINESHAPES", "OF_FIELD", "Prior", "Resonance"]

LINESHAPES = ("lorentzian", "gaussian", "voigt", "asymmetric")
OF_FIELD = ("voigt", "asymmetric")
COUPLINGS = ("first-order", "exact")
ATP_CHAIN = ("alpha_atp", "beta_atp", "gamma_atp")


@dataclass(frozen=True, kw_only=True)
class Resonance:
    """What is known of one resonance before the fit.

    Parameters
    ----------
    name
        Name in tables and of parameters, for example ``"beta_atp"``.
    chemical_shift_ppm
        Expected centre of the multiplet, in ppm from PCr. Where the fit starts, and what the simulator uses for
        resonances that magnesium does not move.
    shift_bounds_ppm
        Lowest and highest centre of the *multiplet* that the fit may return, in ppm from the fitted PCr. Single lines of
        a multiplet are never bounded: that would pin the centre.
    linewidth_hz
        Expected full width at half maximum of one line, in Hz.
    linewidth_bounds_hz
        Lowest and highest width that the fit may return, in Hz.
    amplitude
        Expected amplitude relative to the reference resonance; for the start values and the simulator only.
    j_coupling_hz
        Coupling constants in Hz, one per coupled neighbour; empty for a singlet. In ATP: of alpha, those to beta and perhaps
        gamma; of beta, those to alpha and gamma; of gamma, those to beta and perhaps alpha.
    linewidth_as
        Name of another resonance whose linewidth this one shares, or None for a width of its own.
    source
        Where the numbers come from.

    Raises
    ------
    PriorKnowledgeError
        A number is not finite, an interval is empty, or the expected value lies outside its interval.

    Examples
    --------
    >>> Resonance(name="pi", chemical_shift_ppm=4.9, shift_bounds_ppm=(4.4, 5.4), linewidth_hz=12.0,
    ...           linewidth_bounds_hz=(3.0, 60.0), amplitude=0.12).j_coupling_hz
    ()
    """

    name: str
    chemical_shift_ppm: float
    shift_bounds_ppm: tuple[float, float]
    linewidth_hz: float
    linewidth_bounds_hz: tuple[float, float]
    amplitude: float
    j_coupling_hz: tuple[float, ...] = ()
    linewidth_as: str | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            msg = f"name {self.name!r} must be lower case letters, digits and underscores, starting with a letter."
            raise PriorKnowledgeError(msg)
        self._inside("chemical_shift_ppm", "shift_bounds_ppm")
        self._inside("linewidth_hz", "linewidth_bounds_hz")
        if not self.linewidth_bounds_hz[0] > 0:
            self._refuse("linewidth_bounds_hz", self.linewidth_bounds_hz, "the lower bound must be above 0 Hz")
        if not (np.isfinite(self.amplitude) and self.amplitude > 0):
            self._refuse("amplitude", self.amplitude, "it must be above 0, relative to the reference resonance")
        if not all(np.isfinite(j) and j >= 0 for j in self.j_coupling_hz):
            self._refuse("j_coupling_hz", self.j_coupling_hz, "couplings are in Hz and not negative")

    def _inside(self, value_name: str, bounds_name: str) -> None:
        value, (low, high) = getattr(self, value_name), getattr(self, bounds_name)
        if not np.isfinite(value):
            self._refuse(value_name, value, "it must be a finite number")
        if not (np.isfinite([low, high]).all() and low < high):
            self._refuse(bounds_name, (low, high), "give two finite numbers, the lower first")
        if not low <= value <= high:
            self._refuse(value_name, value, f"it must lie within {bounds_name} [{low:g}, {high:g}]")

    def _refuse(self, key: str, value: object, why: str) -> None:
        msg = f"{key} of resonance {self.name!r} is {value}; {why}."
        raise PriorKnowledgeError(msg)


@dataclass(frozen=True, kw_only=True)
class Prior:
    """A set of resonances for one tissue and field.

    Parameters
    ----------
    name
        Name of the set, for example ``"muscle-3t"``.
    description
        One sentence for tables.
    tissue
        Tissue that the numbers hold for.
    field_strength_t
        Field that the linewidths hold for, in tesla.
    resonances
        The resonances; must contain ``alpha_atp``, ``beta_atp`` and the reference.
    reference
        Name of the resonance that all others are found from. Default ``"pcr"``, which is 0 ppm. Where there is no PCr (liver,
        blood), another one, and all shifts are given as if it lay at its `chemical_shift_ppm`; their differences are measured
        as ever.
    sources
        Literature that the numbers come from.
    lineshape
        ``"lorentzian"`` (default), ``"gaussian"`` (`linewidth_hz` of each resonance is then that of a Gaussian), or ``"voigt"``:
        `linewidth_hz` is that of the Lorentzian part, and one Gaussian part, that of the field, is common to all lines;
        ``"asymmetric"``: as Voigt, but the field that all lines share may be skewed, as a poor shim leaves it.
    gaussian_linewidth_hz, gaussian_linewidth_bounds_hz
        For a Voigt or asymmetric lineshape: expected FWHM of the common Gaussian part, and its bounds, in Hz. Otherwise None.
    search_ppm
        How far 0 ppm may lie from the carrier. Default 3 ppm: grids of the heart have offsets of 2.
    scales_with_field
        Whether `at` scales all linewidths, expected values and bounds, in proportion to the field. Default False: the prior holds
        for its field only.
    coupling
        Of ATP. ``"first-order"`` (default): symmetric multiplets; at 1.5 T they bias the alpha-beta difference by 0.02 to 0.04
        ppm. ``"exact"``: the lines of the three-spin system at the spectrometer's frequency; the packaged sets have it.
    j_coupling_bounds_hz
        Bounds of the first coupling constant of ``beta_atp``, in Hz; all couplings are then fitted, in fixed ratios. Default
        None: couplings stay as they are given.
    j_coupling_sd_hz
        How well that coupling is known, as a standard deviation, Hz. Default None: anything within the bounds is as likely.
    begin_time_bounds_s
        Bounds of what the fit may add to the begin time, in seconds. Default None: the begin time of the acquisition is exact.
    free_phases
        Whether every resonance has a phase of its own. Default False: one phase is common to all.

    Raises
    ------
    PriorKnowledgeError
        A name appears twice, a needed resonance is missing, `linewidth_as` names no independent resonance, or what belongs to a
        lineshape or to couplings is missing or given without them.

    Examples
    --------
    >>> from p31mg.prior import load_prior
    >>> load_prior("muscle-3t").names
    ('pcr', 'pi', 'pde', 'pme', 'gamma_atp', 'alpha_atp', 'beta_atp', 'nad')
    """

    name: str
    description: str
    tissue: str
    field_strength_t: float
    resonances: tuple[Resonance, ...] = field(repr=False)
    reference: str = "pcr"
    sources: tuple[str, ...] = field(default=(), repr=False)
    lineshape: str = "lorentzian"
    gaussian_linewidth_hz: float | None = None
    gaussian_linewidth_bounds_hz: tuple[float, float] | None = None
    search_ppm: float = 3.0
    scales_with_field: bool = False
    coupling: str = "first-order"
    j_coupling_bounds_hz: tuple[float, float] | None = None
    j_coupling_sd_hz: float | None = None
    begin_time_bounds_s: tuple[float, float] | None = None
    free_phases: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.field_strength_t < np.inf:
            msg = f"field_strength_t is {self.field_strength_t}; it must be above 0, in tesla."
            raise PriorKnowledgeError(msg)
        if not 0 < self.search_ppm < np.inf:
            msg = f"search_ppm is {self.search_ppm}; it must be above 0, in ppm."
            raise PriorKnowledgeError(msg)
        for name in self.names:
            if self.names.count(name) > 1:
                msg = f"resonance {name!r} appears more than once; give each resonance one name."
                raise PriorKnowledgeError(msg)
        for needed in (self.reference, "alpha_atp", "beta_atp"):
            if needed not in self.names:
                msg = f"resonance {needed!r} is missing; a prior needs it to find magnesium. Found: {', '.join(self.names)}."
                raise PriorKnowledgeError(msg)
        for resonance in self.resonances:
            owner = resonance.linewidth_as
            if owner is not None and (owner not in self.names or self[owner].linewidth_as is not None):
                msg = (
                    f"linewidth_as of resonance {resonance.name!r} is {owner!r}; "
                    "it must name a resonance with a linewidth of its own."
                )
                raise PriorKnowledgeError(msg)
        if self.reference == "pcr" and self["pcr"].chemical_shift_ppm != 0:
            msg = "chemical_shift_ppm of the reference 'pcr' must be 0: all shifts are relative to it."
            raise PriorKnowledgeError(msg)
        self._check_lineshape()
        self._check_coupling()
        self._check_common()

    def _check_lineshape(self) -> None:
        if self.lineshape not in LINESHAPES:
            msg = f"lineshape is {self.lineshape!r}; it must be one of {', '.join(LINESHAPES)}."
            raise PriorKnowledgeError(msg)
        given = (self.gaussian_linewidth_hz, self.gaussian_linewidth_bounds_hz)
        if self.lineshape in OF_FIELD and None in given:
            msg = f"the lineshape {self.lineshape!r} needs gaussian_linewidth_hz and gaussian_linewidth_bounds_hz; give both."
            raise PriorKnowledgeError(msg)
        if self.lineshape not in OF_FIELD and given != (None, None):
            msg = f"gaussian_linewidth_hz belongs to the lineshape voigt or asymmetric, not to {self.lineshape!r}; leave it out."
            raise PriorKnowledgeError(msg)

    def _check_coupling(self) -> None:
        if self.coupling not in COUPLINGS:
            msg = f"coupling is {self.coupling!r}; it must be one of {', '.join(COUPLINGS)}."
            raise PriorKnowledgeError(msg)
        if self.coupling == "first-order":
            return
        if "gamma_atp" not in self.names:
            msg = "coupling is 'exact', but gamma_atp is missing: ATP is a system of three spins; add it, or write 'first-order'."
            raise PriorKnowledgeError(msg)
        alpha, beta, gamma = (self[name].j_coupling_hz for name in ATP_CHAIN)
        if len(beta) != 2 or not 1 <= len(alpha) == len(gamma) <= 2 or not (alpha[0] > 0 and gamma[0] > 0):
            msg = (
                "coupling is 'exact'; it needs j_coupling_hz of beta_atp (to alpha and gamma), of alpha_atp (to beta) and of "
                f"gamma_atp (to beta), above 0, but they are {list(beta)}, {list(alpha)} and {list(gamma)}."
            )
            raise PriorKnowledgeError(msg)
        if (alpha[0], gamma[0], *alpha[1:]) != (*beta, *gamma[1:]):
            msg = (
                f"j_coupling_hz of resonance 'beta_atp' is {list(beta)}, but alpha_atp has {list(alpha)} and gamma_atp "
                f"{list(gamma)}; with coupling 'exact' the two ends of a coupling must agree."
            )
            raise PriorKnowledgeError(msg)

    @property
    def atp_couplings_hz(self) -> tuple[float, float, float]:
        """J(alpha-beta), J(alpha-gamma) and J(beta-gamma) of a prior whose `coupling` is exact."""
        alpha, beta = self["alpha_atp"].j_coupling_hz, self["beta_atp"].j_coupling_hz
        return beta[0], (*alpha, 0.0)[1], beta[1]

    def _check_common(self) -> None:
        """Check the parameters that are common to all resonances: expected value and bounds."""
        j = self["beta_atp"].j_coupling_hz
        if self.j_coupling_bounds_hz is not None and not j:
            msg = (
                "j_coupling_bounds_hz is given, but beta_atp has no j_coupling_hz; give both, or leave the bounds out."
            )
            raise PriorKnowledgeError(msg)
        for name, value, least in (
            ("gaussian_linewidth_bounds_hz", self.gaussian_linewidth_hz, 0.0),
            ("j_coupling_bounds_hz", j[0] if j else None, 0.0),
            ("begin_time_bounds_s", 0.0, -np.inf),
        ):
            bounds = getattr(self, name)
            if bounds is None:
                continue
            low, high = bounds
            if not (np.isfinite([low, high]).all() and low < high and low > least):
                above = " above 0" if least == 0 else ""
                msg = f"{name} is {(low, high)}; give two finite numbers{above}, the lower first."
                raise PriorKnowledgeError(msg)
            if value is None or not low <= value <= high:
                msg = f"{name} is {(low, high)}; the expected value {value} must lie within."
                raise PriorKnowledgeError(msg)
        sd_j = self.j_coupling_sd_hz
        if sd_j is not None and (self.j_coupling_bounds_hz is None or not 0 < sd_j < np.inf):
            msg = f"j_coupling_sd_hz is {sd_j}; it must be above 0, in Hz, and goes with j_coupling_bounds_hz."
            raise PriorKnowledgeError(msg)
        if self.free_phases and self.begin_time_bounds_s is not None:
            msg = "free_phases and begin_time_bounds_s are both given; with free phases there is no begin time to find."
            raise PriorKnowledgeError(msg)

    def at(self, spectrometer_frequency_mhz: float) -> Prior:
        """Return the prior at a spectrometer frequency: itself, or with linewidths scaled where it `scales_with_field`.

        A width in ppm is then the same at every field. That is so for what the inhomogeneity of the field adds, which is most
        of it; T2 shortens towards higher fields too.

        Examples
        --------
        >>> from p31mg.prior import load_prior
        >>> muscle = load_prior("muscle")
        >>> [round(muscle.at(mhz)["pcr"].linewidth_hz, 1) for mhz in (25.85, 51.7, 120.6)]
        [4.0, 8.0, 18.7]
        """
        return self.at_field(spectrometer_frequency_mhz / LARMOR_FREQUENCY_31P_MHZ_PER_T)

    def at_field(self, field_strength_t: float) -> Prior:
        """Return what `at` returns, for a field in tesla."""
        if not (np.isfinite(field_strength_t) and field_strength_t > 0):
            msg = f"field_strength_t is {field_strength_t}; it must be above 0, in tesla."
            raise PriorKnowledgeError(msg)
        if not self.scales_with_field or field_strength_t == self.field_strength_t:
            return self
        factor = field_strength_t / self.field_strength_t

        def scaled(pair: tuple[float, float]) -> tuple[float, float]:
            return factor * pair[0], factor * pair[1]

        rows = (
            replace(r, linewidth_hz=factor * r.linewidth_hz, linewidth_bounds_hz=scaled(r.linewidth_bounds_hz))
            for r in self.resonances
        )
        gaussian, bounds = self.gaussian_linewidth_hz, self.gaussian_linewidth_bounds_hz
        return replace(
            self,
            field_strength_t=field_strength_t,
            resonances=tuple(rows),
            gaussian_linewidth_hz=None if gaussian is None else factor * gaussian,
            gaussian_linewidth_bounds_hz=None if bounds is None else scaled(bounds),
        )

    def __repr__(self) -> str:
        field = f"any field (widths at {self.field_strength_t:.4g} T)" if self.scales_with_field else ""
        field = field or f"{self.field_strength_t:.4g} T"
        return (
            f"<Prior {self.name!r}: {len(self.names)} resonances, {self.tissue}, {field}, reference {self.reference!r}>"
        )

    def _repr_html_(self) -> str:
        columns = [("resonance", "left"), ("ppm", "right"), ("window (ppm)", "right"), ("width (Hz)", "right")]
        columns += [("window (Hz)", "right"), ("amplitude", "right"), ("J (Hz)", "left"), ("width as", "left")]
        rows = [
            [
                r.name,
                f"{r.chemical_shift_ppm:g}",
                "{:g} to {:g}".format(*r.shift_bounds_ppm),
                f"{r.linewidth_hz:.3g}",
                "{:.3g} to {:.3g}".format(*r.linewidth_bounds_hz),
                f"{r.amplitude:g}",
                ", ".join(f"{j:g}" for j in r.j_coupling_hz),
                r.linewidth_as or "",
            ]
            for r in self.resonances
        ]
        lines = f"{self.lineshape} lines, ATP {self.coupling}"
        return card(repr(self).strip("<>"), table(columns, rows), notes=(self.description, lines, *self.sources))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the resonances: the order of the last axis of every result."""
        return tuple(r.name for r in self.resonances)

    def index(self, name: str) -> int:
        """Return the position of a resonance on the last axis of a result."""
        return self.names.index(name)

    def __getitem__(self, name: str) -> Resonance:
        return self.resonances[self.index(name)]
