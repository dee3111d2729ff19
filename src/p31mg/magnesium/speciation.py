r"""Which species ATP, ADP, AMP, PCr and Pi form with H+, Mg2+ and K+, and how that moves the apparent Kd of MgATP.

**Constants.** Each reaction has its constant at 25 C and zero ionic strength, its enthalpy :math:`\Delta H` and
:math:`\Delta z^2`, the sum of squared charges of the products less that of the reactants. With :math:`T` in kelvin, the
ionic strength :math:`I` in mol/l and the gas constant :math:`R`,

.. math::

    \ln K(T, 0) &= \ln K(298.15, 0) - \frac{\Delta H}{R}\Big(\frac{1}{T} - \frac{1}{298.15}\Big)

    \ln K(T, I) &= \ln K(T, 0) + A(T)\,\Delta z^2\,\frac{\sqrt I}{1 + 1.6\sqrt I}

    A(T) &= 1.10708 - 1.54508\times10^{-3}\,T + 5.95584\times10^{-6}\,T^2

(Alberty 2003, Thermodynamics of Biochemical Reactions, Wiley, eq. 3.7-3).

**Apparent constant.** With the dissociation constants :math:`K_{HATP}`, :math:`K_{MgATP}`, :math:`K_{MgHATP}` and
:math:`K_{KATP}`, the ratio [Mg2+] x [Mg-free ATP] / [Mg-bound ATP] is

.. math::

    K_d^{app} = \frac{1 + [H]/K_{HATP} + [K]/K_{KATP}}{1/K_{MgATP} + [H]/(K_{HATP}\,K_{MgHATP})}

**Binding polynomials.** The sum of all species of a ligand, over its free and most deprotonated one:

.. math::

    P_{ATP} = 1 + \frac{[H]}{K_{HATP}} + \frac{[K]}{K_{KATP}} + \frac{[Mg]}{K_{MgATP}} + \frac{[H][Mg]}{K_{HATP} K_{MgHATP}},
    \qquad
    P_{PCr} = 1 + \frac{[H]}{K_{HPCr}} + \frac{[Mg]}{K_{MgPCr}}

and likewise, without K+, for ADP (as ATP), AMP and Pi (as PCr). Each term over the sum is the fraction of its species, and

.. math::

    \bar n_H = \frac{\partial \ln P}{\partial \ln [H]}, \qquad \bar n_{Mg} = \frac{\partial \ln P}{\partial \ln [Mg]}

are the mean numbers of bound ions.

**Evidence.** A for ATP, ADP and AMP: constants of Teague, Golding & Dobson 1996 (J Exp Biol 199:509-512) as public
calculators use them; they reproduce every legible entry of Alberty's Table 1.2. Three cautions:

* The code that the phosphate constants were read in pairs H2PO4- with 12.2 and MgHPO4 with 8.19 kJ/mol, as if its rows were
  shifted by one. Alberty's 3.6 and 12.2 kJ/mol are used here.
* :math:`K_{KATP}` = 0.0981 mol/l is used as it stands: how it moves with temperature and ionic strength is not known here.
  K+ binding is known here for ATP alone, so K+ enters the polynomial of ATP and no other.
* These constants give the *ratio* of two apparent constants (`kd_ratio`), which corrects the Kd of a two-site calibration
  for pH, temperature, ionic strength and K+. They do not reset its absolute scale: compilations of such constants disagree
  with the Kd of the calibrations by up to four times. The limiting shifts of the species at 37 C are not known here either,
  so there is no shift model from first principles.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from p31mg.arrays import FloatArray
from p31mg.constants import BODY_TEMPERATURE_C, PLAUSIBLE_PH, PLAUSIBLE_TEMPERATURE_C
from p31mg.errors import InputError, UnknownNameError
from p31mg.magnesium.arguments import numbers

__all__ = [
    "CALIBRATION_CONDITIONS",
    "GAS_CONSTANT_KJ_PER_MOL_K",
    "Conditions",
    "Reaction",
    "apparent_kd_mgatp_uM",
    "binding_polynomial",
    "constant",
    "dissociation_constant_M",
    "get_reaction",
    "kd_ratio",
    "mean_bound_magnesium",
    "mean_bound_protons",
    "reactions",
    "species_fractions",
]

Kind = Literal["dissociation", "association", "equilibrium"]

GAS_CONSTANT_KJ_PER_MOL_K: Final = 8.314462618e-3
"""Molar gas constant of the SI, kJ/(mol K)."""

ZERO_CELSIUS_K: Final = 273.15

_REFERENCE_TEMPERATURE_K: Final = 298.15
_KATP_M: Final = 0.0981

_SENSIBLE_MOLARITY: Final = (0.0, 1.0)
"""Outside this range an ionic strength or K+ is a mistake, most often mmol/l. It is not the range of validity."""


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """A reaction with its constant, enthalpy and charges; see the module for the equations.

    Parameters
    ----------
    name
        Of the complex that forms or dissociates, or of the reaction.
    equation
        Left to right, as the constant is meant.
    kind
        ``"dissociation"``, ``"association"``, or ``"equilibrium"`` of other reactions.
    k_25c
        Constant at 25 C and zero ionic strength, in `unit`.
    unit
        Of the constant, with M for mol/l; water has none.
    enthalpy_kj_per_mol
        Of the reaction, at zero ionic strength.
    dz2
        Squared charges of the products less those of the reactants.

    Examples
    --------
    >>> get_reaction("HATP").equation
    'HATP3- = H+ + ATP4-'
    """

    name: str
    equation: str
    kind: Kind
    k_25c: float
    unit: str
    enthalpy_kj_per_mol: float
    dz2: int


_TABLE: tuple[tuple[str, str, Kind, float, str, float, int], ...] = (
    ("HATP", "HATP3- = H+ + ATP4-", "dissociation", 2.512e-8, "M", -6.30, 8),
    ("MgATP", "Mg2+ + ATP4- = MgATP2-", "association", 1.514e6, "1/M", 22.90, -16),
    ("MgHATP", "Mg2+ + HATP3- = MgHATP-", "association", 4.266e3, "1/M", 16.90, -12),
    ("HADP", "HADP2- = H+ + ADP3-", "dissociation", 6.607e-8, "M", -5.60, 6),
    ("MgADP", "Mg2+ + ADP3- = MgADP-", "association", 4.466e4, "1/M", 19.0, -12),
    ("MgHADP", "Mg2+ + HADP2- = MgHADP", "association", 3.163e2, "1/M", 12.50, -8),
    ("HAMP", "HAMP- = H+ + AMP2-", "dissociation", 1.862e-7, "M", -5.40, 4),
    ("MgAMP", "Mg2+ + AMP2- = MgAMP", "association", 6.165e2, "1/M", 11.30, -8),
    ("HPCr", "HPCr- = H+ + PCr2-", "dissociation", 8.854e-6, "M", 2.66, 4),
    ("MgPCr", "Mg2+ + PCr2- = MgPCr", "association", 2.320e2, "1/M", 8.19, -8),
    ("H2PO4", "H2PO4(-) = H+ + HPO4(2-)", "dissociation", 6.026e-8, "M", 3.6, 4),
    ("MgHPO4", "Mg2+ + HPO4(2-) = MgHPO4", "association", 5.128e2, "1/M", 12.2, -8),
    ("creatine-kinase", "ADP3- + PCr2- + H+ = ATP4- + Cr", "equilibrium", 2.580461e8, "1/M", -17.55, 2),
    ("atp-hydrolysis", "ATP4- + H2O = ADP3- + HPO4(2-) + H+", "equilibrium", 2.946e-1, "M2", -20.50, -2),
)

_REACTIONS = {
    name: Reaction(name=name, equation=equation, kind=kind, k_25c=k, unit=unit, enthalpy_kj_per_mol=dh, dz2=dz2)
    for name, equation, kind, k, unit, dh, dz2 in _TABLE
}


@dataclass(frozen=True)
class _Species:
    """A form of a ligand: how many ions it holds, and the complexes whose dissociation leads to the bare ligand."""

    name: str
    protons: int = 0
    magnesium: int = 0
    potassium: int = 0
    path: tuple[str, ...] = ()


_LIGANDS: dict[str, tuple[_Species, ...]] = {
    "ATP": (
        _Species("ATP"),
        _Species("HATP", protons=1, path=("HATP",)),
        _Species("KATP", potassium=1, path=("KATP",)),
        _Species("MgATP", magnesium=1, path=("MgATP",)),
        _Species("MgHATP", protons=1, magnesium=1, path=("MgHATP", "HATP")),
    ),
    "ADP": (
        _Species("ADP"),
        _Species("HADP", protons=1, path=("HADP",)),
        _Species("MgADP", magnesium=1, path=("MgADP",)),
        _Species("MgHADP", protons=1, magnesium=1, path=("MgHADP", "HADP")),
    ),
    "AMP": (
        _Species("AMP"),
        _Species("HAMP", protons=1, path=("HAMP",)),
        _Species("MgAMP", magnesium=1, path=("MgAMP",)),
    ),
    "PCr": (
        _Species("PCr"),
        _Species("HPCr", protons=1, path=("HPCr",)),
        _Species("MgPCr", magnesium=1, path=("MgPCr",)),
    ),
    "Pi": (
        _Species("HPO4"),
        _Species("H2PO4", protons=1, path=("H2PO4",)),
        _Species("MgHPO4", magnesium=1, path=("MgHPO4",)),
    ),
}


@dataclass(frozen=True, eq=False)
class Conditions:
    """The surroundings of a ligand, each of any shape that broadcasts with the others. NaN in, NaN out.

    Parameters
    ----------
    ph
        5 to 9. No default: it is what is measured, and Kd moves with it.
    temperature_c
        In degrees Celsius. Default 37, the temperature of the published calibrations.
    ionic_strength_M
        In mol/l. Default 0.15, that of a K+ salt at the default `potassium_M`; `energetics` has a default of its own.
    potassium_M
        K+ in mol/l. Default 0.15, the physiological K+ that the Kd of the calibrations includes; 0 leaves it out. It competes
        with H+ for ATP and so about halves the effect of pH: from pH 7.2 to 6.6 Kd rises 1.29 times, but 1.64 times without K+.

    Raises
    ------
    InputError
        A value outside any sense, or shapes that do not broadcast.

    Examples
    --------
    >>> Conditions(7.05)
    Conditions(ph=7.05, temperature_c=37.0, ionic_strength_M=0.15, potassium_M=0.15)
    """

    ph: npt.ArrayLike
    _: KW_ONLY
    temperature_c: npt.ArrayLike = BODY_TEMPERATURE_C
    ionic_strength_M: npt.ArrayLike = 0.15
    potassium_M: npt.ArrayLike = 0.15

    def __post_init__(self) -> None:
        checked = {
            "ph": _within("ph", self.ph, PLAUSIBLE_PH, "a tissue pH is between 5 and 9"),
            "temperature_c": _celsius(self.temperature_c),
            "ionic_strength_M": _molar("ionic_strength_M", self.ionic_strength_M),
            "potassium_M": _molar("potassium_M", self.potassium_M),
        }
        try:
            np.broadcast_shapes(*(values.shape for values in checked.values()))
        except ValueError as error:
            shapes = ", ".join(f"{name} {values.shape}" for name, values in checked.items())
            msg = (
                f"the shapes of the conditions are {shapes}; they must broadcast: give single numbers or equal shapes."
            )
            raise InputError(msg) from error
        for name, values in checked.items():
            object.__setattr__(self, name, values.copy() if values.ndim else float(values))

    @property
    def hydrogen_M(self) -> FloatArray:
        """H+ in mol/l, 10^-pH."""
        return np.asarray(10.0 ** -np.asarray(self.ph, dtype=float))


def reactions() -> tuple[str, ...]:
    """Return the names of all reactions.

    Examples
    --------
    >>> reactions()[:3]
    ('HATP', 'MgATP', 'MgHATP')
    """
    return tuple(_REACTIONS)


def get_reaction(reaction: Reaction | str) -> Reaction:
    """Return a reaction by its name; a reaction object is returned as it is.

    Raises
    ------
    UnknownNameError
        No reaction of that name; the nearest are named.
    """
    if isinstance(reaction, Reaction):
        return reaction
    if reaction not in _REACTIONS:
        raise UnknownNameError(kind="reaction", name=reaction, known=_REACTIONS)
    return _REACTIONS[reaction]


def constant(
    reaction: Reaction | str,
    temperature_c: npt.ArrayLike = BODY_TEMPERATURE_C,
    ionic_strength_M: npt.ArrayLike = 0.15,
) -> FloatArray:
    """Return the constant of a reaction, in the direction and unit of its table entry.

    Parameters
    ----------
    reaction
        Name (see `reactions`) or a reaction of your own.
    temperature_c
        In degrees Celsius, any shape. Default 37.
    ionic_strength_M
        In mol/l, of a shape that broadcasts. Default 0.15, as in `Conditions`.

    Returns
    -------
    FloatArray
        A dissociation constant (mol/l) for the H+ complexes, an association constant (l/mol) for the Mg2+ complexes: see
        `Reaction.kind` and `Reaction.unit`. `dissociation_constant_M` has one direction for all.

    Raises
    ------
    UnknownNameError
        No reaction of that name.
    InputError
        Temperature or ionic strength outside any sense.

    Examples
    --------
    >>> print(f"{constant('MgATP', 25.0, 0.25):.0f} per M")
    8138 per M
    """
    chosen = get_reaction(reaction)
    kelvin = _celsius(temperature_c) + ZERO_CELSIUS_K
    root = np.sqrt(_molar("ionic_strength_M", ionic_strength_M))
    per_kelvin = 1 / kelvin - 1 / _REFERENCE_TEMPERATURE_K
    van_t_hoff = -chosen.enthalpy_kj_per_mol / GAS_CONSTANT_KJ_PER_MOL_K * per_kelvin
    a = 1.10708 - 1.54508e-3 * kelvin + 5.95584e-6 * kelvin**2
    return np.asarray(chosen.k_25c * np.exp(van_t_hoff + a * chosen.dz2 * root / (1 + 1.6 * root)))


def dissociation_constant_M(
    complex_name: str,
    temperature_c: npt.ArrayLike = BODY_TEMPERATURE_C,
    ionic_strength_M: npt.ArrayLike = 0.15,
) -> FloatArray:
    """Return the constant for the loss of one ion from a complex, in mol/l.

    Parameters
    ----------
    complex_name
        ``"HATP"``, ``"MgATP"``, ``"MgHATP"`` (which loses Mg2+), ``"H2PO4"``, ... or ``"KATP"``, whose constant
        is the same everywhere.
    temperature_c, ionic_strength_M
        As for `constant`.

    Raises
    ------
    UnknownNameError
        No complex of that name.
    InputError
        Temperature or ionic strength outside any sense.

    Examples
    --------
    >>> print(f"{dissociation_constant_M('HATP', 37.0, 0.15):.3e} M")
    2.264e-07 M
    """
    if complex_name == "KATP":
        return np.full(
            np.broadcast(_celsius(temperature_c), _molar("ionic_strength_M", ionic_strength_M)).shape, _KATP_M
        )
    complexes = [name for name, reaction in _REACTIONS.items() if reaction.kind != "equilibrium"]
    if complex_name not in complexes:
        raise UnknownNameError(kind="complex", name=complex_name, known=[*complexes, "KATP"])
    k = constant(complex_name, temperature_c, ionic_strength_M)
    return k if _REACTIONS[complex_name].kind == "dissociation" else np.asarray(1 / k)


def apparent_kd_mgatp_uM(conditions: Conditions) -> FloatArray:
    """Return the apparent dissociation constant of MgATP, in micromol/l.

    For ratios: see `kd_ratio`, and the module on why the absolute value is not that of a calibration.

    Examples
    --------
    >>> apparent_kd_mgatp_uM(Conditions([6.6, 7.2], potassium_M=0.0)).round(1)
    array([95.5, 58.3])
    """
    state = conditions.temperature_c, conditions.ionic_strength_M
    hydrogen = conditions.hydrogen_M / dissociation_constant_M("HATP", *state)
    potassium = np.asarray(conditions.potassium_M, dtype=float) / dissociation_constant_M("KATP", *state)
    affinity = 1 / dissociation_constant_M("MgATP", *state) + hydrogen / dissociation_constant_M("MgHATP", *state)
    return np.asarray(1e6 * (1 + hydrogen + potassium) / affinity)


def kd_ratio(conditions: Conditions, reference: Conditions) -> FloatArray:
    """Return Kd of MgATP under some conditions over that under others: the factor that corrects the Kd of a calibration.

    Parameters
    ----------
    conditions
        Of the tissue.
    reference
        Of the calibration: `CALIBRATION_CONDITIONS` for the two-site calibrations of the package.

    Examples
    --------
    >>> kd_ratio(Conditions([6.6, 7.2]), CALIBRATION_CONDITIONS).round(2)
    array([1.29, 1.  ])
    """
    return np.asarray(apparent_kd_mgatp_uM(conditions) / apparent_kd_mgatp_uM(reference))


def binding_polynomial(ligand: str, conditions: Conditions, free_mg_mM: npt.ArrayLike) -> FloatArray:
    """Return P, the sum of all species of a ligand over its free and most deprotonated one.

    Parameters
    ----------
    ligand
        ``"ATP"``, ``"ADP"``, ``"AMP"``, ``"PCr"`` or ``"Pi"``.
    conditions
        pH, temperature, ionic strength and K+; K+ counts for ATP only.
    free_mg_mM
        Free Mg2+ in mM, 0 or above, of a shape that broadcasts with the conditions.

    Raises
    ------
    UnknownNameError
        No ligand of that name.
    InputError
        A negative concentration, or shapes that do not broadcast.

    Examples
    --------
    >>> round(float(binding_polynomial("ATP", Conditions(7.0, potassium_M=0.0), free_mg_mM=0.5)), 2)
    12.42
    """
    return np.asarray(sum((w for _, w in _weights(ligand, conditions, free_mg_mM)), np.zeros(())))


def species_fractions(ligand: str, conditions: Conditions, free_mg_mM: npt.ArrayLike) -> dict[str, FloatArray]:
    """Return the fraction of a ligand in each of its species; they add to 1.

    Parameters
    ----------
    ligand, conditions, free_mg_mM
        As for `binding_polynomial`.

    Examples
    --------
    >>> fractions = species_fractions("ATP", Conditions(7.0), free_mg_mM=0.5)
    >>> {name: round(float(fraction), 3) for name, fraction in fractions.items()}
    {'ATP': 0.072, 'HATP': 0.032, 'KATP': 0.11, 'MgATP': 0.784, 'MgHATP': 0.003}
    """
    weights = _weights(ligand, conditions, free_mg_mM)
    total = sum((w for _, w in weights), np.zeros(()))
    return {species.name: np.asarray(w / total) for species, w in weights}


def mean_bound_protons(ligand: str, conditions: Conditions, free_mg_mM: npt.ArrayLike) -> FloatArray:
    """Return the mean number of H+ bound to a ligand, d ln P / d ln [H+].

    Parameters
    ----------
    ligand, conditions, free_mg_mM
        As for `binding_polynomial`.
    """
    fractions = species_fractions(ligand, conditions, free_mg_mM)
    return np.asarray(sum((s.protons * fractions[s.name] for s in _LIGANDS[ligand]), np.zeros(())))


def mean_bound_magnesium(ligand: str, conditions: Conditions, free_mg_mM: npt.ArrayLike) -> FloatArray:
    """Return the mean number of Mg2+ bound to a ligand, d ln P / d ln [Mg2+].

    Parameters
    ----------
    ligand, conditions, free_mg_mM
        As for `binding_polynomial`.
    """
    fractions = species_fractions(ligand, conditions, free_mg_mM)
    return np.asarray(sum((s.magnesium * fractions[s.name] for s in _LIGANDS[ligand]), np.zeros(())))


def _weights(ligand: str, conditions: Conditions, free_mg_mM: npt.ArrayLike) -> list[tuple[_Species, FloatArray]]:
    """Return each species with its concentration over that of the bare ligand, all of the common shape."""
    if ligand not in _LIGANDS:
        raise UnknownNameError(kind="ligand", name=ligand, known=_LIGANDS)
    magnesium = numbers("free_mg_mM", free_mg_mM)
    bad = magnesium[(magnesium < 0) | np.isinf(magnesium)]
    if bad.size:
        msg = f"free_mg_mM is {bad.flat[0]:g}; a concentration must be finite and not below 0 mM."
        raise InputError(msg)
    ions = conditions.hydrogen_M, 1e-3 * magnesium, np.asarray(conditions.potassium_M, dtype=float)
    state = conditions.temperature_c, conditions.ionic_strength_M
    try:
        one = np.ones(np.broadcast_shapes(*(np.shape(values) for values in (*ions, *state))))
    except ValueError as error:
        msg = f"free_mg_mM has shape {magnesium.shape}; it must be one number or broadcast with the conditions."
        raise InputError(msg) from error
    constants = {name: dissociation_constant_M(name, *state) for s in _LIGANDS[ligand] for name in s.path}
    out: list[tuple[_Species, FloatArray]] = []
    for species in _LIGANDS[ligand]:
        weight: FloatArray = one
        for ion, count in zip(ions, (species.protons, species.magnesium, species.potassium), strict=True):
            weight = weight * ion**count
        for name in species.path:
            weight = weight / constants[name]
        out.append((species, weight))
    return out


def _within(name: str, value: object, limits: tuple[float, float], hint: str) -> FloatArray:
    values = numbers(name, value)
    bad = values[~np.isnan(values) & ~((values >= limits[0]) & (values <= limits[1]))]
    if bad.size:
        msg = f"{name} is {bad.flat[0]:g}; {hint}."
        raise InputError(msg)
    return values


def _celsius(temperature_c: object) -> FloatArray:
    hint = "give degrees Celsius between 0 and 60 (37 for a body; a value near 310 is kelvin)"
    return _within("temperature_c", temperature_c, PLAUSIBLE_TEMPERATURE_C, hint)


def _molar(name: str, value: object) -> FloatArray:
    return _within(
        name, value, _SENSIBLE_MOLARITY, "give mol/l between 0 and 1 (0.15 for a cell; a value near 150 is mmol/l)"
    )


CALIBRATION_CONDITIONS: Final = Conditions(7.2)
"""Conditions that the Kd of the two-site calibrations holds for: pH 7.2, 37 C, physiological K+."""
