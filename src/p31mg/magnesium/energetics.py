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
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from p31mg.arrays import FloatArray
from p31mg.constants import BODY_TEMPERATURE_C, PLAUSIBLE_PH
from p31mg.errors import InputError, UnknownNameError
from p31mg.magnesium.arguments import numbers
from p31mg.magnesium.speciation import (
    GAS_CONSTANT_KJ_PER_MOL_K,
    ZERO_CELSIUS_K,
    Conditions,
    binding_polynomial,
    constant,
    mean_bound_magnesium,
    mean_bound_protons,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EnergeticsResult", "Route", "concentrations_mM", "energetics"]

Route = Literal["lawson-veech-1979", "full"]

MUSCLE_ATP_MM: Final = 8.2
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
        (...,) from the sds that were given, propagated linearly; NaN where none of them bears on the quantity. Not included:
        errors of ATP, creatine and the constants.
    pcr_mM, pi_mM, ph, atp_mM, free_mg_mM, temperature_c, ionic_strength_M
        (...,) what was used; NaN in place of what could not be.
    route
        How the constant of creatine kinase was obtained.
    assumed
        What the numbers rest on besides the measurement, one phrase each.
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
    route: Route
    assumed: tuple[str, ...]

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

        columns: dict[str, Any] = {
            name: values.ravel() for name, values in vars(self).items() if isinstance(values, np.ndarray)
        }
        columns |= {"route": self.route, "assumed": "; ".join(self.assumed)}
        return pd.DataFrame(columns, index=pd.RangeIndex(self.adp_uM.size))

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


def energetics(
    pcr_mM: npt.ArrayLike,
    pi_mM: npt.ArrayLike,
    ph: npt.ArrayLike,
    *,
    atp_mM: npt.ArrayLike = MUSCLE_ATP_MM,
    creatine_mM: npt.ArrayLike | None = None,
    total_creatine_mM: npt.ArrayLike = MUSCLE_TOTAL_CREATINE_MM,
    free_mg_mM: npt.ArrayLike | None = None,
    temperature_c: npt.ArrayLike = BODY_TEMPERATURE_C,
    ionic_strength_M: npt.ArrayLike = 0.25,
    route: Route = "lawson-veech-1979",
    sd_pcr_mM: npt.ArrayLike | None = None,
    sd_pi_mM: npt.ArrayLike | None = None,
    sd_ph: npt.ArrayLike | None = None,
    sd_free_mg_mM: npt.ArrayLike | None = None,
) -> EnergeticsResult:
    """Compute free ADP and the free energy of ATP hydrolysis; creatine kinase is taken to be at equilibrium.

    Parameters
    ----------
    pcr_mM, pi_mM, ph
        Concentrations in mM (see `concentrations_mM`) and intracellular pH, of any shapes that broadcast. NaN in, NaN out.
    atp_mM
        Default 8.2, resting human muscle (Kemp, Meyerspeer & Moser 2007, NMR Biomed 20:555-565).
    creatine_mM
        Free creatine. Default None: `total_creatine_mM` less PCr, as 31P does not see it.
    total_creatine_mM
        Creatine with PCr. Default 42.5, resting human muscle (same source); not used where `creatine_mM` is given.
    free_mg_mM
        Free Mg2+, needed for the full route. The Lawson-Veech constant holds for 1 mM, and takes no other.
    temperature_c
        In degrees Celsius. Default 37.
    ionic_strength_M
        In mol/l. Default 0.25, at which the constants were compared with Alberty's table and with published K'CK.
    route
        ``"lawson-veech-1979"`` (default: what most published ADP rests on, and Mg2+ is not needed) or ``"full"``.
    sd_pcr_mM, sd_pi_mM, sd_ph, sd_free_mg_mM
        Standard deviations, taken as independent. Default None: without error.

    Returns
    -------
    EnergeticsResult
        Of the common shape of all inputs.

    Raises
    ------
    InputError
        A single number that is not above 0, a single pH outside 5 to 9, or a single PCr that leaves no creatine: in arrays these
        elements give NaN instead. Anywhere: a temperature or ionic strength outside any sense, a negative sd, free
        Mg2+ missing in the full route or given in the other, shapes that do not broadcast.
    UnknownNameError
        No route of that name.

    Examples
    --------
    >>> rest = energetics(33.0, 4.5, 7.0, free_mg_mM=0.5, route="full", sd_pcr_mM=1.0, sd_ph=0.02)
    >>> print(f"{rest.adp_uM:.1f} uM, sd {rest.sd_adp_uM:.1f}; {rest.dg_atp_kj_per_mol:.1f} kJ/mol")
    17.0 uM, sd 2.4; -63.3 kJ/mol
    >>> float(energetics(33.0, 4.5, 7.0).adp_uM.round(1))
    14.2
    """
    if route not in get_args(Route):
        raise UnknownNameError(kind="route", name=route, known=get_args(Route))
    _require_magnesium_fits(route, free_mg_mM, sd_free_mg_mM)
    state = Conditions(7.0, temperature_c=temperature_c, ionic_strength_M=ionic_strength_M, potassium_M=0.0)
    inputs = {
        "pcr_mM": _positive("pcr_mM", pcr_mM, "a concentration must be above 0 mM"),
        "pi_mM": _positive("pi_mM", pi_mM, "a concentration must be above 0 mM"),
        "ph": _nan_outside("ph", ph, PLAUSIBLE_PH, "a tissue pH is between 5 and 9"),
        "atp_mM": _positive("atp_mM", atp_mM, "a concentration must be above 0 mM (8.2 for muscle)"),
        "free_mg_mM": _positive(
            "free_mg_mM", _LAWSON_VEECH_FREE_MG_MM if free_mg_mM is None else free_mg_mM, "give mM above 0"
        ),
        "creatine": _positive(
            "total_creatine_mM" if creatine_mM is None else "creatine_mM",
            total_creatine_mM if creatine_mM is None else creatine_mM,
            "a concentration must be above 0 mM",
        ),
        "temperature_c": np.asarray(state.temperature_c, dtype=float),
        "ionic_strength_M": np.asarray(state.ionic_strength_M, dtype=float),
        "sd_pcr_mM": _sd("sd_pcr_mM", sd_pcr_mM),
        "sd_pi_mM": _sd("sd_pi_mM", sd_pi_mM),
        "sd_ph": _sd("sd_ph", sd_ph),
        "sd_free_mg_mM": _sd("sd_free_mg_mM", sd_free_mg_mM),
    }
    pcr, pi, acidity, atp, mg, given, celsius, strength, *sds = _broadcast(inputs)
    creatine = given if creatine_mM is not None else _creatine(given, pcr)

    conditions = Conditions(acidity, temperature_c=celsius, ionic_strength_M=strength, potassium_M=0.0)
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

    slopes = _slopes(conditions, mg, pcr, pi, creatine if creatine_mM is None else None, route)
    told = [sd is not None for sd in (sd_pcr_mM, sd_pi_mM, sd_ph, sd_free_mg_mM)]
    told_of_adp = [sd_pcr_mM is not None, False, sd_ph is not None, sd_free_mg_mM is not None]
    relative_sd_adp = _root_sum_square([s for s, _ in slopes], sds, told_of_adp)
    return EnergeticsResult(
        adp_uM=np.asarray(1e3 * adp_mM),
        dg_atp_kj_per_mol=np.asarray(-rt * np.log(k_atp * potential)),
        k_ck_apparent=np.asarray(k_ck),
        k_atp_apparent_M=np.asarray(k_atp),
        phosphorylation_potential_per_M=np.asarray(potential),
        creatine_mM=creatine,
        sd_adp_uM=np.asarray(1e3 * adp_mM * relative_sd_adp),
        sd_dg_atp_kj_per_mol=np.asarray(rt * _root_sum_square([s for _, s in slopes], sds, told)),
        pcr_mM=pcr,
        pi_mM=pi,
        ph=acidity,
        atp_mM=atp,
        free_mg_mM=mg,
        temperature_c=celsius,
        ionic_strength_M=strength,
        route=route,
        assumed=_assumed(inputs, route, creatine_given=creatine_mM is not None),
    )


def concentrations_mM(
    amplitude: npt.ArrayLike,
    names: Sequence[str],
    *,
    atp_mM: npt.ArrayLike = MUSCLE_ATP_MM,
    atp_resonance: str | Sequence[str] = "gamma_atp",
    saturation_correction: Mapping[str, float] | None = None,
) -> FloatArray:
    """Scale amplitudes of a spectrum to mM with ATP as the internal reference.

    Parameters
    ----------
    amplitude
        (..., K) amplitudes, in any unit common to a spectrum.
    names
        Names of the K resonances, as in `FitResult.names`.
    atp_mM
        Concentration of ATP, of the batch shape or a single number. Default 8.2, resting human muscle (Kemp,
        Meyerspeer & Moser 2007, NMR Biomed 20:555-565).
    atp_resonance
        Which resonance has the amplitude of ATP, or several whose mean is taken. Default ``"gamma_atp"``: alpha shares its
        place with NAD(H), and beta is the lowest and broadest and lies farthest from PCr, where the excitation
        is weakest. Gamma and alpha contain free ADP too, micromolar beside millimolar.
    saturation_correction
        Factor by resonance that multiplies its amplitude, for incomplete T1 relaxation and for the excitation; 1 where a
        resonance is not named. Default None: all fully relaxed. In a spectrum of short repetition time that is wrong, as PCr
        relaxes several times slower than ATP, and PCr comes out too low.

    Returns
    -------
    FloatArray
        (..., K) concentrations of phosphorus in mM: of NAD(H), which has two 31P, it is twice that of the molecule. NaN
        where the reference is NaN or not above 0.

    Raises
    ------
    InputError
        Amplitudes that do not fit the names, a factor or `atp_mM` that is not above 0, or a single spectrum whose reference
        amplitude is not above 0.
    UnknownNameError
        A reference or a factor for a resonance that is not among the names.

    Examples
    --------
    >>> concentrations_mM([33.0, 4.5, 8.0], ["pcr", "pi", "gamma_atp"], saturation_correction={"pcr": 1.1}).round(2)
    array([37.21,  4.61,  8.2 ])
    """
    signal = numbers("amplitude", amplitude)
    if signal.ndim == 0 or signal.shape[-1] != len(names):
        msg = f"amplitude has shape {signal.shape}; its last axis must have the {len(names)} resonances of names."
        raise InputError(msg)
    serving = (atp_resonance,) if isinstance(atp_resonance, str) else tuple(atp_resonance)
    if not serving:
        msg = "atp_resonance is empty; name the resonance of ATP, such as 'gamma_atp'."
        raise InputError(msg)
    correction = dict(saturation_correction or {})
    for name in (*serving, *correction):
        if name not in names:
            raise UnknownNameError(kind="resonance", name=name, known=names)
    for name, factor in correction.items():
        if not 0 < factor < np.inf:
            msg = f"saturation_correction of {name!r} is {factor}; it multiplies the amplitude and must be above 0 (1: relaxed)."
            raise InputError(msg)
    relaxed: FloatArray = signal * np.array([correction.get(name, 1.0) for name in names])
    reference = relaxed[..., [list(names).index(name) for name in serving]].mean(axis=-1)
    reference = _positive(
        f"amplitude of {' and '.join(serving)}", reference, "ATP is the reference and must be above 0"
    )
    atp = _positive("atp_mM", atp_mM, "a concentration must be above 0 mM (8.2 for muscle)")
    try:
        scale = np.broadcast_to(atp, reference.shape) / reference
    except ValueError as error:
        msg = f"atp_mM has shape {atp.shape}; it must be one number or have the shape {reference.shape} of the spectra."
        raise InputError(msg) from error
    return relaxed * scale[..., None]


def _slopes(
    conditions: Conditions,
    free_mg_mM: FloatArray,
    pcr_mM: FloatArray,
    pi_mM: FloatArray,
    derived_creatine_mM: FloatArray | None,
    route: Route,
) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Return the derivatives of ln ADP and of dG/RT by PCr, Pi, pH and free Mg2+."""
    h = {ligand: mean_bound_protons(ligand, conditions, free_mg_mM) for ligand in ("ATP", "ADP", "PCr", "Pi")}
    m = {ligand: mean_bound_magnesium(ligand, conditions, free_mg_mM) for ligand in ("ATP", "ADP", "PCr", "Pi")}
    h_atp, m_atp = -1 + h["ADP"] + h["Pi"] - h["ATP"], m["ADP"] + m["Pi"] - m["ATP"]
    if route == "full":
        h_ck, m_ck = 1 + h["ATP"] - h["ADP"] - h["PCr"], m["ATP"] - m["ADP"] - m["PCr"]
    else:
        h_ck, m_ck = np.ones_like(h_atp), np.zeros_like(m_atp)
    pcr = -1 / pcr_mM if derived_creatine_mM is None else -1 / pcr_mM - 1 / derived_creatine_mM
    return (
        (pcr, pcr),
        (np.zeros_like(pi_mM), 1 / pi_mM),
        (np.log(10) * h_ck, np.log(10) * (h_ck + h_atp)),
        (-m_ck / free_mg_mM, -(m_ck + m_atp) / free_mg_mM),
    )


def _root_sum_square(slopes: Sequence[FloatArray], sds: Sequence[FloatArray], told: Sequence[bool]) -> FloatArray:
    """Return the sd from the errors that were told; NaN where none was."""
    used = [(s * sd) ** 2 for s, sd, t in zip(slopes, sds, told, strict=True) if t]
    return np.asarray(np.sqrt(sum(used, np.zeros(slopes[0].shape)))) if used else np.full(slopes[0].shape, np.nan)


def _creatine(total_mM: FloatArray, pcr_mM: FloatArray) -> FloatArray:
    creatine = total_mM - pcr_mM
    if creatine.shape == () and creatine <= 0:
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


def _positive(name: str, value: object, hint: str) -> FloatArray:
    return _nan_outside(name, value, (np.nextafter(0.0, 1.0), np.finfo(float).max), hint)


def _nan_outside(name: str, value: object, limits: tuple[float, float], hint: str) -> FloatArray:
    """Refuse a single number outside the limits; in an array it becomes NaN."""
    values = numbers(name, value)
    inside = (values >= limits[0]) & (values <= limits[1])
    if values.shape == () and not inside and not np.isnan(values):
        msg = f"{name} is {values:g}; {hint}."
        raise InputError(msg)
    return np.where(inside, values, np.nan)


def _sd(name: str, value: object) -> FloatArray:
    sd = numbers(name, 0.0 if value is None else value)
    if (sd < 0).any():
        msg = f"{name} is {sd[sd < 0].flat[0]:g}; a standard deviation cannot be negative."
        raise InputError(msg)
    return sd


def _broadcast(values: Mapping[str, FloatArray]) -> list[FloatArray]:
    try:
        return [np.array(v) for v in np.broadcast_arrays(*values.values())]
    except ValueError as error:
        shapes = ", ".join(f"{name} {v.shape}" for name, v in values.items() if v.shape)
        msg = f"the shapes of the inputs are {shapes}; they must broadcast: give single numbers or equal shapes."
        raise InputError(msg) from error
