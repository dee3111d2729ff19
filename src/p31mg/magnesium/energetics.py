r"""Free ADP from the creatine kinase equilibrium, and the free energy of ATP hydrolysis.

With P the binding polynomials of `p31mg.magnesium.speciation` (without K+) and concentrations of all species together,

.. math::

    [\mathrm{ADP}] &= \frac{[\mathrm{ATP}]\,[\mathrm{Cr}]}{[\mathrm{PCr}]\,K'_{CK}}, \qquad
    [\mathrm{Cr}] = [\mathrm{total\ creatine}] - [\mathrm{PCr}]

    \Delta G &= -RT \ln K'_{ATP} + RT \ln \frac{[\mathrm{ADP}]\,[\mathrm{Pi}]}{[\mathrm{ATP}]}, \qquad
    K'_{ATP} = \frac{K_{ATP}}{[H]}\,\frac{P_{ADP}\,P_{Pi}}{P_{ATP}}

**Two routes** to the apparent constant of creatine kinase:

* ``"lawson-veech-1979"``: :math:`K'_{CK} = 1.66\times10^9\,\mathrm{M^{-1}}\,[H]`, at 38 C and 1 mM free Mg2+ (Lawson & Veech
  1979, J Biol Chem 254:6528-6537; evidence B). It is used as it stands at every temperature, and 1 mM goes into
  :math:`K'_{ATP}` too.
* ``"full"``: :math:`K'_{CK} = K_{CK}\,[H]\,P_{ATP} / (P_{ADP}\,P_{PCr})`, with the free Mg2+, temperature and
  ionic strength of the tissue. :math:`K_{CK}` and :math:`K_{ATP}` stand in the same table as the complexes.

**They disagree.** At 38 C, ionic strength 0.25 mol/l, pH 7.0 and 1 mM Mg2+ the full route gives 186.8 where the literature
quotes 166. The 12 % is unresolved; ADP by the full route is lower by as much. Free Mg2+ matters more: at 37 C and 0.5 mM
the constant is 138.9, not 189.1.

**ATP cancels from dG.** By either route only [Cr]/[PCr] and :math:`K'_{CK}` stand for [ADP]/[ATP], so dG does not depend on the
ATP concentration that is assumed. In the full route the polynomials of ATP and ADP cancel too, and the hydrolysis of PCr is left:

.. math:: \Delta G = -RT \ln\frac{K_{CK} K_{ATP} P_{Pi}}{P_{PCr}} + RT \ln \frac{[\mathrm{Cr}]\,[\mathrm{Pi}]}{[\mathrm{PCr}]}

It moves little with pH and Mg2+.

**Errors** are propagated linearly with exact derivatives. The derivatives of ln P are the mean numbers of bound ions,
:math:`\partial \ln P/\partial \ln[H] = \bar n_H` and :math:`\partial \ln P/\partial \ln[Mg] = \bar n_{Mg}`, so

.. math::

    h_{CK} &= \frac{\partial \ln K'_{CK}}{\partial \ln [H]} = 1 + \bar n_H^{ATP} - \bar n_H^{ADP} - \bar n_H^{PCr}, \qquad
    h_{ATP} = \frac{\partial \ln K'_{ATP}}{\partial \ln [H]} = -1 + \bar n_H^{ADP} + \bar n_H^{Pi} - \bar n_H^{ATP}

    \frac{\partial \ln [\mathrm{ADP}]}{\partial [\mathrm{PCr}]} &= -\frac{1}{[\mathrm{PCr}]} - \frac{1}{[\mathrm{Cr}]}, \qquad
    \frac{\partial \ln [\mathrm{ADP}]}{\partial \mathrm{pH}} = h_{CK} \ln 10, \qquad
    \frac{1}{RT}\frac{\partial \Delta G}{\partial \mathrm{pH}} = (h_{CK} + h_{ATP}) \ln 10

with the same for Mg2+ without the leading 1; :math:`1/[\mathrm{Cr}]` is left out where creatine is given.

**From a fit** PCr and Pi are amplitudes over that of ATP, times the ATP concentration that is assumed. The amplitudes are
taken as independent; the error of the ATP amplitude and that of the assumed concentration scale PCr and Pi together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, get_args, overload, runtime_checkable

import numpy as np
import numpy.typing as npt

from p31mg.arrays import BoolArray, FloatArray
from p31mg.constants import BODY_TEMPERATURE_C, PLAUSIBLE_PH
from p31mg.errors import InputError, UnknownNameError
from p31mg.magnesium.arguments import sd_or_nan
from p31mg.magnesium.calibrations import LOWEST_FREE_MG_MM
from p31mg.magnesium.concentrations import MUSCLE_ATP_MM, concentration, concentrations_mM, positions
from p31mg.magnesium.result import MagnesiumResult
from p31mg.magnesium.speciation import (
    GAS_CONSTANT_KJ_PER_MOL_K,
    ZERO_CELSIUS_K,
    Conditions,
    binding_polynomial,
    constant,
    mean_bound_magnesium,
    mean_bound_protons,
)
from p31mg.notebook import card, number, rows_shown, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EnergeticsResult", "HasAmplitudes", "Route", "energetics"]

Route = Literal["lawson-veech-1979", "full"]

MUSCLE_TOTAL_CREATINE_MM: Final = 42.5

_LAWSON_VEECH_PER_M: Final = 1.66e9
_LAWSON_VEECH_FREE_MG_MM: Final = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class EnergeticsResult:
    """ADP and free energy of ATP hydrolysis, of the common shape of the inputs, with what they rest on.

    Attributes
    ----------
    adp_uM
        (...,) free ADP in micromol/l.
    dg_atp_kj_per_mol
        (...,) Gibbs energy of ATP hydrolysis in the cell: negative.
    k_ck_apparent
        (...,) [ATP][Cr] / ([ADP][PCr]) at equilibrium, dimensionless.
    k_atp_apparent_M
        (...,) [ADP][Pi] / [ATP] at equilibrium, in mol/l.
    phosphorylation_potential_per_M
        (...,) [ATP] / ([ADP][Pi]), in l/mol.
    creatine_mM
        (...,) as given, or total creatine less PCr.
    sd_adp_uM, sd_dg_atp_kj_per_mol
        (...,) from the sds that were given, propagated linearly; NaN where none of them bears on the quantity. Errors of the
        constants are not included.
    pcr_mM, pi_mM, ph, atp_mM, free_mg_mM, temperature_c, ionic_strength_M
        (...,) what was used; NaN in place of what could not be.
    is_valid
        (...,) True where there is ADP and the fit that it came from is valid.
    route
        How the constant of creatine kinase was obtained.
    assumed
        What the numbers rest on besides the measurement, one phrase each.
    index
        Columns that say where each value belongs, such as the voxel; from the fit.

    Examples
    --------
    >>> energetics(33.0, 4.5, 7.0).assumed[:3]
    ('creatine kinase at equilibrium', 'ATP 8.2 mM', 'creatine = 42.5 mM - PCr')
    """

    adp_uM: FloatArray
    dg_atp_kj_per_mol: FloatArray
    k_ck_apparent: FloatArray
    k_atp_apparent_M: FloatArray
    phosphorylation_potential_per_M: FloatArray
    creatine_mM: FloatArray
    sd_adp_uM: FloatArray
    sd_dg_atp_kj_per_mol: FloatArray
    pcr_mM: FloatArray
    pi_mM: FloatArray
    ph: FloatArray
    atp_mM: FloatArray
    free_mg_mM: FloatArray
    temperature_c: FloatArray
    ionic_strength_M: FloatArray
    is_valid: BoolArray
    route: Route
    assumed: tuple[str, ...]
    index: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per value, with the inputs, the route and the assumptions in every row.

        Examples
        --------
        >>> energetics(33.0, [4.5, 9.0], 7.0).to_dataframe()[["adp_uM", "dg_atp_kj_per_mol"]].round(1)
           adp_uM  dg_atp_kj_per_mol
        0    14.2              -63.0
        1    14.2              -61.2
        """
        import pandas as pd

        columns: dict[str, Any] = dict(self.index)
        columns |= {name: values.ravel() for name, values in vars(self).items() if isinstance(values, np.ndarray)}
        columns["energetics_is_valid"] = columns.pop("is_valid")
        columns |= {"route": self.route, "assumed": "; ".join(self.assumed)}
        return pd.DataFrame(columns, index=pd.RangeIndex(self.adp_uM.size))

    def _repr_html_(self) -> str:
        names = ("pcr_mM", "pi_mM", "ph", "adp_uM", "sd_adp_uM", "dg_atp_kj_per_mol", "sd_dg_atp_kj_per_mol")
        shown = [np.broadcast_to(getattr(self, name), self.adp_uM.shape) for name in names]
        rows = [[number(float(values.flat[i])) for values in shown] for i in rows_shown(self.adp_uM.size)]
        title = f"EnergeticsResult {self.adp_uM.shape}, {self.route}"
        drawn = table([(name, "right") for name in names], rows, self.adp_uM.size)
        return card(title, drawn, notes=("; ".join(self.assumed),))

    def __repr__(self) -> str:
        head = f"<EnergeticsResult {self.route}"
        if self.adp_uM.shape == ():
            return (
                f"{head}: ADP {float(self.adp_uM):.1f} uM, sd {float(self.sd_adp_uM):.1f}, "
                f"dG {float(self.dg_atp_kj_per_mol):.1f} kJ/mol, sd {float(self.sd_dg_atp_kj_per_mol):.1f}; "
                f"{'; '.join(self.assumed)}>"
            )
        valid = int(np.isfinite(self.adp_uM).sum())
        return f"{head}: {self.adp_uM.shape}, {valid} of {self.adp_uM.size} with ADP; {'; '.join(self.assumed)}>"


@runtime_checkable
class HasAmplitudes(Protocol):
    """The part of a fit that concentrations are computed from."""

    @property
    def amplitude(self) -> FloatArray:
        """(..., K) signal of every resonance."""

    @property
    def crlb_amplitude(self) -> FloatArray:
        """(..., K) its bound."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K resonances."""

    @property
    def is_valid(self) -> BoolArray:
        """Rows to be trusted."""


@overload
def energetics(
    pcr_mM: HasAmplitudes,
    pi_mM: MagnesiumResult,
    *,
    atp_mM: npt.ArrayLike = ...,
    sd_atp_mM: npt.ArrayLike | None = ...,
    creatine_mM: npt.ArrayLike | None = ...,
    total_creatine_mM: npt.ArrayLike = ...,
    sd_creatine_mM: npt.ArrayLike | None = ...,
    ionic_strength_M: npt.ArrayLike = ...,
    route: Route = ...,
    saturation_correction: Mapping[str, float] | None = ...,
    atp_resonance: str | Sequence[str] = ...,
) -> EnergeticsResult: ...
@overload
def energetics(
    pcr_mM: npt.ArrayLike,
    pi_mM: npt.ArrayLike,
    ph: npt.ArrayLike,
    *,
    atp_mM: npt.ArrayLike = ...,
    sd_atp_mM: npt.ArrayLike | None = ...,
    creatine_mM: npt.ArrayLike | None = ...,
    total_creatine_mM: npt.ArrayLike = ...,
    sd_creatine_mM: npt.ArrayLike | None = ...,
    free_mg_mM: npt.ArrayLike | None = ...,
    temperature_c: npt.ArrayLike = ...,
    ionic_strength_M: npt.ArrayLike = ...,
    route: Route = ...,
    sd_pcr_mM: npt.ArrayLike | None = ...,
    sd_pi_mM: npt.ArrayLike | None = ...,
    sd_ph: npt.ArrayLike | None = ...,
    sd_free_mg_mM: npt.ArrayLike | None = ...,
) -> EnergeticsResult: ...
def energetics(
    pcr_mM: HasAmplitudes | npt.ArrayLike,
    pi_mM: MagnesiumResult | npt.ArrayLike,
    ph: npt.ArrayLike | None = None,
    *,
    atp_mM: npt.ArrayLike = MUSCLE_ATP_MM,
    sd_atp_mM: npt.ArrayLike | None = None,
    creatine_mM: npt.ArrayLike | None = None,
    total_creatine_mM: npt.ArrayLike = MUSCLE_TOTAL_CREATINE_MM,
    sd_creatine_mM: npt.ArrayLike | None = None,
    free_mg_mM: npt.ArrayLike | None = None,
    temperature_c: npt.ArrayLike | None = None,
    ionic_strength_M: npt.ArrayLike = 0.25,
    route: Route = "lawson-veech-1979",
    sd_pcr_mM: npt.ArrayLike | None = None,
    sd_pi_mM: npt.ArrayLike | None = None,
    sd_ph: npt.ArrayLike | None = None,
    sd_free_mg_mM: npt.ArrayLike | None = None,
    saturation_correction: Mapping[str, float] | None = None,
    atp_resonance: str | Sequence[str] = "gamma_atp",
) -> EnergeticsResult:
    """Compute free ADP and the free energy of ATP hydrolysis; creatine kinase is taken to be at equilibrium.

    Parameters
    ----------
    pcr_mM, pi_mM, ph
        A fit and its `MagnesiumResult`, which bring pH, temperature, free Mg2+ and all errors along. Or numbers:
        concentrations in mM (see `concentrations_mM`) and intracellular pH, of any shapes that broadcast. NaN in, NaN out.
    atp_mM
        Default 8.2, resting human muscle (Kemp, Meyerspeer & Moser 2007, NMR Biomed 20:555-565). The reference of a fit.
    creatine_mM
        Free creatine. Default None: `total_creatine_mM` less PCr, as 31P does not see it.
    total_creatine_mM
        Creatine with PCr. Default 42.5, resting human muscle (same source); not used where `creatine_mM` is given.
    sd_atp_mM, sd_creatine_mM
        Of the ATP and of the (total) creatine that are assumed. Default None: without error.
    free_mg_mM
        Free Mg2+, needed for the full route; the Lawson-Veech constant holds for 1 mM, and takes no other. Default None: not
        known.
    temperature_c
        In degrees Celsius. Default 37, or that of the `MagnesiumResult`.
    ionic_strength_M
        In mol/l. Default 0.25, at which the constants were compared with Alberty's table and with published K'CK.
    route
        ``"lawson-veech-1979"`` (default: what most published ADP rests on, and Mg2+ is not needed) or ``"full"``.
    sd_pcr_mM, sd_pi_mM, sd_ph, sd_free_mg_mM
        Standard deviations, taken as independent. Default None: without error.
    saturation_correction, atp_resonance
        With a fit only: factors by name for signals not fully relaxed, and the reference; see `concentrations_mM`.
        Default: no correction, and gamma-ATP.

    Returns
    -------
    EnergeticsResult
        Of the common shape of all inputs.

    Raises
    ------
    InputError
        A single number that makes no sense: a concentration that is not above 0 or looks like mol/l, a pH outside 5 to 9, a
        negative sd, or PCr that leaves no creatine. In arrays and fits these elements give NaN instead. Anywhere: a
        temperature or ionic strength outside any sense, free Mg2+ missing in the full route or given in the other, shapes
        that do not broadcast.
    UnknownNameError
        No route of that name.

    Examples
    --------
    >>> rest = energetics(33.0, 4.5, 7.0, free_mg_mM=0.5, route="full", sd_pcr_mM=1.0, sd_ph=0.02)
    >>> print(f"{rest.adp_uM:.1f} uM, sd {rest.sd_adp_uM:.1f}; {rest.dg_atp_kj_per_mol:.1f} kJ/mol")
    17.0 uM, sd 2.4; -63.3 kJ/mol

    >>> import p31mg
    >>> fit = p31mg.fit(p31mg.simulate(0.5, prior="muscle-3t", snr=400, seed=2))
    >>> mg = p31mg.free_magnesium(fit)
    >>> energetics(fit, mg, route="full", saturation_correction={"pcr": 1.1, "pi": 1.2}).pcr_mM.shape
    ()
    """
    if route not in get_args(Route):
        raise UnknownNameError(kind="route", name=route, known=get_args(Route))
    shared: dict[str, Any] = {
        "atp_mM": atp_mM,
        "sd_atp_mM": sd_atp_mM,
        "creatine": total_creatine_mM if creatine_mM is None else creatine_mM,
        "sd_creatine": sd_creatine_mM,
        "ionic_strength_M": ionic_strength_M,
    }
    creatine_given = creatine_mM is not None
    numbers_only: dict[str, Any] = {
        "ph": ph,
        "free_mg_mM": free_mg_mM,
        "sd_pcr_mM": sd_pcr_mM,
        "sd_pi_mM": sd_pi_mM,
        "sd_ph": sd_ph,
        "sd_free_mg_mM": sd_free_mg_mM,
    }
    if isinstance(pcr_mM, HasAmplitudes):
        for name, value in {**numbers_only, "temperature_c": temperature_c}.items():
            if value is not None:
                msg = f"{name} is given with a fit, whose magnesium has its own; leave it out."
                raise InputError(msg)
        return _of_fit(
            pcr_mM, pi_mM, shared, route, saturation_correction, atp_resonance, creatine_given=creatine_given
        )
    if saturation_correction is not None or ph is None:
        what = "ph is missing" if ph is None else "saturation_correction is given"
        msg = f"{what}; with concentrations in mM give pH and no correction, or give a fit and its magnesium."
        raise InputError(msg)
    _require_magnesium_fits(route, free_mg_mM, sd_free_mg_mM)
    quantities = {
        **shared,
        **numbers_only,
        "pcr_mM": pcr_mM,
        "pi_mM": pi_mM,
        "temperature_c": BODY_TEMPERATURE_C if temperature_c is None else temperature_c,
    }
    return _compute(quantities, route, own=True, creatine_given=creatine_given)


def _of_fit(
    fit: HasAmplitudes,
    mg: object,
    shared: Mapping[str, Any],
    route: Route,
    saturation_correction: Mapping[str, float] | None,
    atp_resonance: str | Sequence[str],
    *,
    creatine_given: bool,
) -> EnergeticsResult:
    """Return the energetics of every spectrum of a fit."""
    if not isinstance(mg, MagnesiumResult):
        msg = f"with a fit comes its magnesium, and this is a {type(mg).__name__}; give energetics(fit, free_magnesium(fit))."
        raise InputError(msg)
    shape = np.shape(fit.is_valid)
    if mg.free_mg_mM.shape != shape:
        msg = f"the magnesium has shape {mg.free_mg_mM.shape} and the fit {shape}; give the magnesium of this fit."
        raise InputError(msg)
    pcr, pi = (positions(name, fit.names)[0] for name in ("pcr", "pi"))
    serving = positions(atp_resonance, fit.names)
    failed = np.isnan(mg.shift_ppm)[..., None]
    amplitude = np.where(failed | ~(fit.amplitude > 0), np.nan, fit.amplitude)
    mM = concentrations_mM(
        amplitude,
        fit.names,
        atp_mM=shared["atp_mM"],
        atp_resonance=atp_resonance,
        saturation_correction=saturation_correction,
    )
    relative = fit.crlb_amplitude / amplitude
    reference = mM[..., serving]
    of_reference = np.sqrt(((relative[..., serving] * reference) ** 2).sum(axis=-1)) / reference.sum(axis=-1)
    quantities = {
        **shared,
        "pcr_mM": mM[..., pcr],
        "pi_mM": mM[..., pi],
        "ph": mg.ph,
        "temperature_c": mg.temperature_c,
        "sd_pcr_mM": relative[..., pcr] * mM[..., pcr],
        "sd_pi_mM": relative[..., pi] * mM[..., pi],
        "sd_ph": mg.sd_ph if np.isfinite(mg.sd_ph).any() else None,
        "relative_sd_scale": of_reference,
    }
    if route == "full":
        quantities |= {"free_mg_mM": mg.free_mg_mM, "sd_free_mg_mM": mg.sd_mM}
    factors = ", ".join(f"{name} x{factor:g}" for name, factor in (saturation_correction or {}).items())
    return _compute(
        quantities,
        route,
        own=False,
        creatine_given=creatine_given,
        trusted=mg.is_valid if route == "full" else fit.is_valid,
        also_assumed=f"signals corrected for saturation: {factors}" if factors else "all signals fully relaxed",
        index=getattr(fit, "row_columns", {}),
    )


_SDS = ("sd_pcr_mM", "sd_pi_mM", "sd_ph", "sd_free_mg_mM", "sd_atp_mM", "sd_creatine", "relative_sd_scale")


def _compute(
    quantities: Mapping[str, Any],
    route: Route,
    *,
    own: bool,
    creatine_given: bool,
    trusted: BoolArray | None = None,
    also_assumed: str = "",
    index: Mapping[str, Any] | None = None,
) -> EnergeticsResult:
    """Return the energetics of quantities by name; `own`: single numbers are the user's, and refused if they make no sense."""
    mg = quantities.get("free_mg_mM")
    state = Conditions(
        7.0,
        temperature_c=quantities["temperature_c"],
        ionic_strength_M=quantities["ionic_strength_M"],
        potassium_M=0.0,
    )
    creatine_name = "creatine_mM" if creatine_given else "total_creatine_mM"
    inputs = {
        "pcr_mM": concentration("pcr_mM", quantities["pcr_mM"], own=own),
        "pi_mM": concentration("pi_mM", quantities["pi_mM"], own=own),
        "ph": concentration("ph", quantities["ph"], PLAUSIBLE_PH, "a tissue pH is between 5 and 9", own=own),
        "atp_mM": concentration("atp_mM", quantities["atp_mM"]),
        "free_mg_mM": concentration(
            "free_mg_mM", _LAWSON_VEECH_FREE_MG_MM if mg is None else mg, (LOWEST_FREE_MG_MM, np.inf), own=own
        ),
        "creatine": concentration(creatine_name, quantities["creatine"]),
        "temperature_c": np.asarray(state.temperature_c, dtype=float),
        "ionic_strength_M": np.asarray(state.ionic_strength_M, dtype=float),
    }
    sds = {name: quantities.get(name) for name in _SDS}
    inputs |= {name: np.array(0.0) if sd is None else sd_or_nan(name, sd)[0] for name, sd in sds.items()}
    pcr, pi, acid, atp, mg, given, celsius, strength, *errors = _broadcast(inputs)
    creatine = given if creatine_given else _creatine(given, pcr, own=own)

    conditions = Conditions(acid, temperature_c=celsius, ionic_strength_M=strength, potassium_M=0.0)
    hydrogen = conditions.hydrogen_M
    p = {ligand: binding_polynomial(ligand, conditions, mg) for ligand in ("ATP", "ADP", "PCr", "Pi")}
    k_ck: FloatArray
    if route == "full":
        k_ck = constant("creatine-kinase", celsius, strength) * hydrogen * p["ATP"] / (p["ADP"] * p["PCr"])
    else:
        k_ck = _LAWSON_VEECH_PER_M * hydrogen
    k_atp = constant("atp-hydrolysis", celsius, strength) / hydrogen * p["ADP"] * p["Pi"] / p["ATP"]
    rt = GAS_CONSTANT_KJ_PER_MOL_K * (celsius + ZERO_CELSIUS_K)
    adp_mM = atp * creatine / (pcr * k_ck)
    potential = 1e3 * atp / (adp_mM * pi)

    slopes = _slopes(
        _State(conditions, mg, pcr, pi, atp, creatine), route, creatine_given=creatine_given, scaled=not own
    )
    told = [sds[name] is not None for name in _SDS]
    # Pi does not bear on ADP, nor Mg2+ without the full route
    told_of_adp = [t and name != "sd_pi_mM" for t, name in zip(told, _SDS, strict=True)]
    relative_sd_adp = _root_sum_square([s for s, _ in slopes], errors, told_of_adp)
    assumed = _assumed(inputs, route, creatine_given=creatine_given)
    return EnergeticsResult(
        adp_uM=np.asarray(1e3 * adp_mM),
        dg_atp_kj_per_mol=np.asarray(-rt * np.log(k_atp * potential)),
        k_ck_apparent=np.asarray(k_ck),
        k_atp_apparent_M=np.asarray(k_atp),
        phosphorylation_potential_per_M=np.asarray(potential),
        creatine_mM=creatine,
        sd_adp_uM=np.asarray(1e3 * adp_mM * relative_sd_adp),
        sd_dg_atp_kj_per_mol=np.asarray(rt * _root_sum_square([s for _, s in slopes], errors, told)),
        pcr_mM=pcr,
        pi_mM=pi,
        ph=acid,
        atp_mM=atp,
        free_mg_mM=mg,
        temperature_c=celsius,
        ionic_strength_M=strength,
        is_valid=np.asarray(np.isfinite(adp_mM) & (True if trusted is None else trusted)),
        route=route,
        assumed=(*assumed, also_assumed) if also_assumed else assumed,
        index=index or {},
    )


class _State(NamedTuple):
    """What ADP and dG are computed from, all of one shape."""

    conditions: Conditions
    free_mg_mM: FloatArray
    pcr_mM: FloatArray
    pi_mM: FloatArray
    atp_mM: FloatArray
    creatine_mM: FloatArray


def _slopes(
    at: _State, route: Route, *, creatine_given: bool, scaled: bool
) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Return the derivatives of ln ADP and of dG/RT by what has an error, in the order of the sds.

    `scaled`: PCr and Pi are multiples of ATP, so its error scales them too.
    """
    h = {ligand: mean_bound_protons(ligand, at.conditions, at.free_mg_mM) for ligand in ("ATP", "ADP", "PCr", "Pi")}
    m = {ligand: mean_bound_magnesium(ligand, at.conditions, at.free_mg_mM) for ligand in ("ATP", "ADP", "PCr", "Pi")}
    h_atp, m_atp = -1 + h["ADP"] + h["Pi"] - h["ATP"], m["ADP"] + m["Pi"] - m["ATP"]
    if route == "full":
        h_ck, m_ck = 1 + h["ATP"] - h["ADP"] - h["PCr"], m["ATP"] - m["ADP"] - m["PCr"]
    else:
        h_ck, m_ck = np.ones_like(h_atp), np.zeros_like(m_atp)
    nothing = np.zeros_like(h_atp)
    pcr = -1 / at.pcr_mM if creatine_given else -1 / at.pcr_mM - 1 / at.creatine_mM
    scale = at.pcr_mM * pcr, at.pcr_mM * pcr + 1
    atp = ((1 + scale[0]) / at.atp_mM, scale[1] / at.atp_mM) if scaled else (1 / at.atp_mM, nothing)
    return (
        (pcr, pcr),
        (nothing, 1 / at.pi_mM),
        (np.log(10) * h_ck, np.log(10) * (h_ck + h_atp)),
        (-m_ck / at.free_mg_mM, -(m_ck + m_atp) / at.free_mg_mM),
        atp,
        (1 / at.creatine_mM, 1 / at.creatine_mM),
        scale,
    )


def _root_sum_square(slopes: Sequence[FloatArray], sds: Sequence[FloatArray], told: Sequence[bool]) -> FloatArray:
    """Return the sd from the errors that were told; NaN where none was."""
    used = [(s * sd) ** 2 for s, sd, t in zip(slopes, sds, told, strict=True) if t]
    return np.asarray(np.sqrt(sum(used, np.zeros(slopes[0].shape)))) if used else np.full(slopes[0].shape, np.nan)


def _creatine(total_mM: FloatArray, pcr_mM: FloatArray, *, own: bool) -> FloatArray:
    creatine = total_mM - pcr_mM
    if own and creatine.shape == () and creatine <= 0:
        msg = (
            f"pcr_mM is {pcr_mM:g} with total_creatine_mM {total_mM:g}, which leaves no creatine; "
            "give a total above PCr, or creatine_mM as measured."
        )
        raise InputError(msg)
    return np.where(creatine > 0, creatine, np.nan)


def _require_magnesium_fits(route: Route, free_mg_mM: object, sd_free_mg_mM: object) -> None:
    if route == "full" and free_mg_mM is None:
        msg = "free_mg_mM is None with route 'full', which needs it; give mM, or use route='lawson-veech-1979' (1 mM)."
        raise InputError(msg)
    for name, value in (("free_mg_mM", free_mg_mM), ("sd_free_mg_mM", sd_free_mg_mM)):
        if route != "full" and value is not None:
            msg = f"{name} is given with route {route!r}, whose constant holds for 1 mM; leave it out or use route='full'."
            raise InputError(msg)


def _assumed(inputs: Mapping[str, FloatArray], route: Route, *, creatine_given: bool) -> tuple[str, ...]:
    surroundings = f"{_text(inputs['temperature_c'])} C, ionic strength {_text(inputs['ionic_strength_M'])} M"
    if route == "full":
        constants = f"K'CK and K'ATP from binding polynomials at {surroundings}, free Mg2+ as given"
    else:
        constants = f"K'CK 1.66e9 [H+] of 38 C and 1 mM Mg2+ as it stands; K'ATP at {surroundings}, 1 mM Mg2+"
    return (
        "creatine kinase at equilibrium",
        f"ATP {_text(inputs['atp_mM'])} mM",
        "creatine as given" if creatine_given else f"creatine = {_text(inputs['creatine'])} mM - PCr",
        constants,
    )


def _text(values: FloatArray) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "unknown"
    low, high = known.min(), known.max()
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _broadcast(values: Mapping[str, FloatArray]) -> list[FloatArray]:
    try:
        return [np.array(v) for v in np.broadcast_arrays(*values.values())]
    except ValueError as error:
        shapes = ", ".join(f"{name} {v.shape}" for name, v in values.items() if v.shape)
        msg = f"the shapes of the inputs are {shapes}; they must broadcast: give single numbers or equal shapes."
        raise InputError(msg) from error
