"""Energetics: published numbers, an equilibrium solved species by species, errors against draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

import p31mg
from p31mg.magnesium import EnergeticsResult, concentrations_mM, energetics

ROUTES = ("lawson-veech-1979", "full")
N_DRAWS = 200_000

# name: constant at 25 C and no ionic strength, enthalpy in kJ/mol, dz2
TABLE = {
    "HATP": (2.512e-8, -6.30, 8),
    "MgATP": (1.514e6, 22.90, -16),
    "MgHATP": (4.266e3, 16.90, -12),
    "HADP": (6.607e-8, -5.60, 6),
    "MgADP": (4.466e4, 19.0, -12),
    "MgHADP": (3.163e2, 12.50, -8),
    "HPCr": (8.854e-6, 2.66, 4),
    "MgPCr": (2.320e2, 8.19, -8),
    "H2PO4": (6.026e-8, 3.6, 4),
    "MgHPO4": (5.128e2, 12.2, -8),
    "CK": (2.580461e8, -17.55, 2),
    "ATPase": (2.946e-1, -20.50, -2),
}
GAS = 8.314462618e-3


def k(name: str, temperature_c: float, ionic_strength_M: float) -> float:
    constant, dh, dz2 = TABLE[name]
    t, root = temperature_c + 273.15, math.sqrt(ionic_strength_M)
    a = 1.10708 - 1.54508e-3 * t + 5.95584e-6 * t * t
    return constant * math.exp(-dh / GAS * (1 / t - 1 / 298.15) + a * root * dz2 / (1 + 1.6 * root))


def bare(ph: float, mg_M: float, t: float, i: float) -> dict[str, float]:
    """Fraction of ATP, ADP, PCr and Pi that holds neither H+ nor Mg2+."""
    h = 10.0**-ph
    out = {}
    for ligand, acid, salt, acid_salt in (
        ("ATP", "HATP", "MgATP", "MgHATP"),
        ("ADP", "HADP", "MgADP", "MgHADP"),
        ("PCr", "HPCr", "MgPCr", None),
        ("Pi", "H2PO4", "MgHPO4", None),
    ):
        protonated = h / k(acid, t, i)
        species = [1.0, protonated, mg_M * k(salt, t, i), protonated * mg_M * k(acid_salt, t, i) if acid_salt else 0.0]
        out[ligand] = 1.0 / sum(species)
    return out


def slow_energetics(
    pcr: float, pi: float, ph: float, *, atp: float, creatine: float, mg: float, t: float, i: float
) -> tuple[float, float]:
    """ADP in uM, by moving ADP until the fully ionic reaction is at equilibrium, and dG of ionic ATP hydrolysis in kJ/mol."""
    h, b = 10.0**-ph, bare(ph, 1e-3 * mg, t, i)

    def affinity(log_adp_M: float) -> float:
        quotient = (1e-3 * atp * b["ATP"] * 1e-3 * creatine) / (
            math.exp(log_adp_M) * b["ADP"] * 1e-3 * pcr * b["PCr"] * h
        )
        return math.log(quotient / k("CK", t, i))

    adp_M = math.exp(brentq(affinity, math.log(1e-12), math.log(1.0), xtol=1e-14, rtol=1e-14))
    quotient = adp_M * b["ADP"] * 1e-3 * pi * b["Pi"] * h / (1e-3 * atp * b["ATP"])
    return 1e6 * adp_M, GAS * (t + 273.15) * math.log(quotient / k("ATPase", t, i))


def options_of(route: str, mg: float = 0.6) -> dict[str, object]:
    return {"route": route} | ({"free_mg_mM": mg} if route == "full" else {})


class TestPublishedNumbers:
    @pytest.mark.parametrize(
        ("temperature_c", "free_mg_mM", "printed"), [(38.0, 1.0, "186.8"), (37.0, 1.0, "189.1"), (37.0, 0.5, "138.9")]
    )
    def test_constant_of_creatine_kinase(self, temperature_c, free_mg_mM, printed):
        result = energetics(
            33.0, 4.5, 7.0, free_mg_mM=free_mg_mM, temperature_c=temperature_c, ionic_strength_M=0.25, route="full"
        )
        assert f"{float(result.k_ck_apparent):.1f}" == printed

    def test_constant_of_lawson_and_veech(self):
        for temperature_c in (25.0, 37.0, 38.0):
            result = energetics(33.0, 4.5, 7.0, temperature_c=temperature_c)
            assert float(result.k_ck_apparent) == pytest.approx(166.0, rel=1e-12)

    @pytest.mark.parametrize(
        ("options", "adp", "dg"),
        [
            ({"route": "lawson-veech-1979"}, "14.2", "-63.0"),
            ({"route": "full", "free_mg_mM": 1.0}, "12.5", "-63.3"),
            ({"route": "full", "free_mg_mM": 0.5}, "17.0", "-63.3"),
        ],
    )
    def test_resting_muscle(self, options, adp, dg):
        result = energetics(33.0, 4.5, 7.0, atp_mM=8.2, creatine_mM=9.5, **options)
        assert f"{float(result.adp_uM):.1f}" == adp
        assert f"{float(result.dg_atp_kj_per_mol):.1f}" == dg
        assert round(float(result.dg_atp_kj_per_mol)) == -63

    def test_defaults_are_those_of_the_example(self):
        result = energetics(33.0, 4.5, 7.0)
        assert (float(result.atp_mM), float(result.creatine_mM), float(result.temperature_c)) == (8.2, 9.5, 37.0)
        assert (float(result.ionic_strength_M), float(result.free_mg_mM), result.route) == (
            0.25,
            1.0,
            "lawson-veech-1979",
        )


class TestFullRoute:
    @pytest.mark.parametrize("ph", [6.2, 7.0, 7.3])
    @pytest.mark.parametrize("free_mg_mM", [0.1, 0.5, 2.0])
    @pytest.mark.parametrize(("temperature_c", "strength"), [(37.0, 0.25), (25.0, 0.1)])
    def test_equilibrium_of_the_ions(self, ph, free_mg_mM, temperature_c, strength):
        result = energetics(
            20.0,
            12.0,
            ph,
            atp_mM=7.0,
            creatine_mM=18.0,
            free_mg_mM=free_mg_mM,
            temperature_c=temperature_c,
            ionic_strength_M=strength,
            route="full",
        )
        adp_uM, dg = slow_energetics(20.0, 12.0, ph, atp=7.0, creatine=18.0, mg=free_mg_mM, t=temperature_c, i=strength)
        assert float(result.adp_uM) == pytest.approx(adp_uM, rel=1e-10)
        assert float(result.dg_atp_kj_per_mol) == pytest.approx(dg, rel=1e-10)

    def test_dg_is_that_of_phosphocreatine(self):
        """ATP cancels: hydrolysis of ATP and of PCr have the same dG at equilibrium of creatine kinase."""
        ph, mg = np.array([6.4, 7.0, 7.4])[:, None], np.array([0.2, 0.5, 1.0])
        result = energetics(33.0, 4.5, ph, free_mg_mM=mg, route="full")
        for (row, column), dg in np.ndenumerate(result.dg_atp_kj_per_mol):
            b = bare(float(ph[row, 0]), 1e-3 * float(mg[column]), 37.0, 0.25)
            standard = k("CK", 37.0, 0.25) * k("ATPase", 37.0, 0.25) * b["PCr"] / b["Pi"]
            expected = GAS * 310.15 * math.log(9.5e-3 * 4.5e-3 / 33e-3 / standard)
            assert dg == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("route", ROUTES)
class TestBothRoutes:
    def test_at_equilibrium_dg_of_hydrolysis_vanishes(self, route):
        result = energetics(33.0, 4.5, 7.1, **options_of(route))
        rt = GAS * 310.15
        expected = -rt * math.log(float(result.k_atp_apparent_M) * float(result.phosphorylation_potential_per_M))
        assert float(result.dg_atp_kj_per_mol) == pytest.approx(expected, rel=1e-12)

    def test_concentrations_are_at_equilibrium(self, route):
        r = energetics(25.0, 10.0, 6.9, **options_of(route))
        ratio = r.atp_mM * r.creatine_mM / (1e-3 * r.adp_uM * r.pcr_mM)
        assert float(ratio) == pytest.approx(float(r.k_ck_apparent), rel=1e-12)
        potential = 1e-3 * r.atp_mM / (1e-6 * r.adp_uM * 1e-3 * r.pi_mM)
        assert float(potential) == pytest.approx(float(r.phosphorylation_potential_per_M), rel=1e-12)

    def test_dg_does_not_depend_on_the_assumed_atp(self, route):
        r = energetics(33.0, 4.5, 7.0, atp_mM=[4.0, 8.2, 16.4], **options_of(route))
        np.testing.assert_allclose(r.dg_atp_kj_per_mol, r.dg_atp_kj_per_mol[1], rtol=1e-13)
        np.testing.assert_allclose(r.adp_uM / r.atp_mM, r.adp_uM[1] / 8.2, rtol=1e-13)

    @given(
        pcr=st.floats(1.0, 38.0),
        pi=st.floats(0.5, 40.0),
        ph=st.floats(6.0, 7.6),
        factor=st.floats(1.01, 1.1),
        mg=st.floats(0.05, 3.0),
    )
    def test_directions(self, route, pcr, pi, ph, factor, mg):
        options = options_of(route, mg)
        here = energetics(pcr, pi, ph, **options)
        more_pcr = energetics(pcr * factor, pi, ph, **options)
        more_pi = energetics(pcr, pi * factor, ph, **options)
        alkaline = energetics(pcr, pi, ph * factor, **options)
        assert more_pcr.adp_uM < here.adp_uM < alkaline.adp_uM
        assert more_pi.adp_uM == here.adp_uM
        assert more_pcr.dg_atp_kj_per_mol < here.dg_atp_kj_per_mol < more_pi.dg_atp_kj_per_mol
        assert here.phosphorylation_potential_per_M > more_pi.phosphorylation_potential_per_M

    @pytest.mark.parametrize("creatine_mM", [None, 12.0])
    def test_sd_against_draws(self, route, creatine_mM):
        centre = {"pcr_mM": 31.0, "pi_mM": 5.0, "ph": 7.02}
        sd = {"pcr_mM": 0.15, "pi_mM": 0.05, "ph": 0.006}
        options = {"route": route, "creatine_mM": creatine_mM}
        if route == "full":
            centre["free_mg_mM"], sd["free_mg_mM"] = 0.5, 0.008
        rng = np.random.default_rng(3)
        result = energetics(**centre, **options, **{f"sd_{name}": value for name, value in sd.items()})
        draws = energetics(**{name: rng.normal(value, sd[name], N_DRAWS) for name, value in centre.items()}, **options)
        # five standard errors of an sd from this many draws, and 0.3 % for the curvature over about 2 % errors
        tolerance = 5 / np.sqrt(2 * N_DRAWS) + 0.003
        assert float(result.sd_adp_uM) == pytest.approx(draws.adp_uM.std(), rel=tolerance)
        assert float(result.sd_dg_atp_kj_per_mol) == pytest.approx(draws.dg_atp_kj_per_mol.std(), rel=tolerance)

    def test_without_sds_there_is_no_sd(self, route):
        result = energetics(33.0, 4.5, 7.0, **options_of(route))
        assert np.isnan(result.sd_adp_uM)
        assert np.isnan(result.sd_dg_atp_kj_per_mol)

    def test_unknown_sd_of_one_input_is_an_unknown_sd(self, route):
        result = energetics(33.0, 4.5, 7.0, sd_pcr_mM=1.0, sd_ph=[0.01, np.nan], **options_of(route))
        assert np.isnan(result.sd_adp_uM).tolist() == [False, True]
        assert np.isfinite(result.adp_uM).all()

    @pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (0,), (2, 0)])
    def test_shapes(self, route, shape):
        result = energetics(np.full(shape, 33.0), 4.5, 7.0, sd_ph=0.01, **options_of(route))
        arrays = {name: value for name, value in vars(result).items() if isinstance(value, np.ndarray)}
        assert {"adp_uM", "dg_atp_kj_per_mol", "sd_adp_uM", "creatine_mM", "free_mg_mM", "temperature_c"} <= set(arrays)
        assert {value.shape for value in arrays.values()} == {shape}
        assert len(result.to_dataframe()) == np.prod(shape, dtype=int)

    def test_inputs_broadcast_and_each_element_is_as_alone(self, route):
        result = energetics(
            [[33.0], [20.0]], [4.5, 9.0, 12.0], 7.0, temperature_c=[37.0, 30.0, 25.0], **options_of(route)
        )
        alone = energetics(20.0, 12.0, 7.0, temperature_c=25.0, **options_of(route))
        assert result.adp_uM.shape == (2, 3)
        for name in ("adp_uM", "dg_atp_kj_per_mol", "k_ck_apparent", "phosphorylation_potential_per_M"):
            assert getattr(result, name)[1, 2] == pytest.approx(float(getattr(alone, name)), rel=1e-14)

    def test_nan_in_nan_out(self, route):
        nan = np.nan
        result = energetics([nan, 33.0, 33.0, 33.0], [4.5, nan, 4.5, 4.5], [7.0, 7.0, nan, 7.0], **options_of(route))
        assert np.isnan(result.adp_uM).tolist() == [True, False, True, False]
        assert np.isnan(result.dg_atp_kj_per_mol).tolist() == [True, True, True, False]
        assert np.isnan(energetics(nan, 4.5, 7.0, **options_of(route)).adp_uM)

    def test_in_arrays_what_cannot_be_is_nan(self, route):
        pcr = np.array([33.0, 45.0, 42.5, 0.0, -1.0, np.inf, 33.0, 33.0])
        ph = np.array([7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 3.0, 7.0])
        pi = np.array([4.5, 4.5, 4.5, 4.5, 4.5, 4.5, 4.5, 0.0])
        result = energetics(pcr, pi, ph, sd_pcr_mM=1.0, **options_of(route))
        assert np.isfinite(result.adp_uM).tolist() == [True, *[False] * 6, True]
        assert np.isfinite(result.dg_atp_kj_per_mol).tolist() == [True, *[False] * 7]
        assert np.isfinite(result.sd_adp_uM).tolist() == [True, *[False] * 6, True]

    def test_input_is_left_alone(self, route):
        pcr = np.array([33.0, -1.0])
        pcr.flags.writeable = False
        result = energetics(pcr, 4.5, 7.0, **options_of(route))
        result.pcr_mM[0] = 0.0
        assert pcr.tolist() == [33.0, -1.0]


@pytest.mark.parametrize(
    ("route", "name"),
    [*((route, name) for route in ROUTES for name in ("pcr_mM", "pi_mM", "ph")), ("full", "free_mg_mM")],
)
@pytest.mark.parametrize("ph", [6.3, 7.0, 7.5])
@pytest.mark.parametrize("creatine_mM", [None, 12.0])
def test_derivative(route, name, ph, creatine_mM):
    centre = {"pcr_mM": 25.0, "pi_mM": 8.0, "ph": ph, "creatine_mM": creatine_mM} | options_of(route)
    step = 1e-5 * centre[name]
    up, down = (energetics(**(centre | {name: centre[name] + s})) for s in (step, -step))
    result = energetics(**centre, **{f"sd_{name}": 1.0})
    # central differences of 1e-5: rounding about 1e-10, curvature less
    numeric = abs(float(up.dg_atp_kj_per_mol - down.dg_atp_kj_per_mol)) / (2 * step)
    assert float(result.sd_dg_atp_kj_per_mol) == pytest.approx(numeric, rel=1e-6)
    numeric = abs(float(up.adp_uM - down.adp_uM)) / (2 * step)
    if name == "pi_mM":
        assert numeric == 0
        assert np.isnan(result.sd_adp_uM)
    else:
        assert float(result.sd_adp_uM) == pytest.approx(numeric, rel=1e-6)


class TestRecord:
    def test_what_was_assumed(self):
        text = "; ".join(energetics(33.0, 4.5, 7.0).assumed)
        for part in (
            "equilibrium",
            "ATP 8.2 mM",
            "creatine = 42.5 mM - PCr",
            "1.66e9",
            "38 C and 1 mM",
            "37 C",
            "0.25 M",
        ):
            assert part in text
        full = energetics(33.0, 4.5, 7.0, creatine_mM=9.0, atp_mM=[7.0, 9.0], free_mg_mM=0.5, route="full")
        text = "; ".join(full.assumed)
        for part in ("creatine as given", "ATP 7 to 9 mM", "binding polynomials", "free Mg2+ as given"):
            assert part in text
        assert "ATP unknown mM" in energetics(33.0, 4.5, 7.0, atp_mM=np.nan).assumed

    def test_printing_one_value(self):
        text = repr(energetics(33.0, 4.5, 7.0, sd_ph=0.02))
        for part in ("lawson-veech-1979", "ADP 14.2 uM, sd 0.7", "dG -63.0 kJ/mol", "42.5 mM - PCr"):
            assert part in text

    def test_printing_many_values_counts_those_with_adp(self):
        assert "(3,), 2 of 3 with ADP" in repr(energetics([33.0, 30.0, np.nan], 4.5, 7.0))

    def test_table(self):
        table = energetics([33.0, 20.0], 4.5, 7.0).to_dataframe()
        assert table["adp_uM"].round(1).tolist() == [14.2, 55.6]
        assert (table["route"] == "lawson-veech-1979").all()
        assert table["assumed"].str.contains("42.5 mM - PCr", regex=False).all()

    def test_result_is_frozen(self):
        result = energetics(33.0, 4.5, 7.0)
        assert isinstance(result, EnergeticsResult)
        with pytest.raises(AttributeError, match="cannot assign"):
            result.route = "full"


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"pcr_mM": 0.0}, r"pcr_mM is 0; a concentration must be above 0 mM"),
            ({"pcr_mM": "high"}, r"pcr_mM is 'high'; it must be a number"),
            ({"pi_mM": -1.0}, r"pi_mM is -1; a concentration must be above 0 mM"),
            ({"pi_mM": np.inf}, r"pi_mM is inf; a concentration"),
            ({"ph": 70.0}, r"ph is 70; a tissue pH is between 5 and 9"),
            ({"atp_mM": 0.0}, r"atp_mM is 0; .*8\.2 for muscle"),
            ({"creatine_mM": -2.0}, r"creatine_mM is -2; a concentration must be above 0 mM"),
            ({"total_creatine_mM": 0.0}, r"total_creatine_mM is 0; a concentration"),
            (
                {"pcr_mM": 45.0},
                r"pcr_mM is 45 with total_creatine_mM 42\.5, which leaves no creatine; give a total above PCr",
            ),
            ({"pcr_mM": 42.5}, r"pcr_mM is 42\.5 with total_creatine_mM 42\.5"),
            ({"temperature_c": 310.0}, r"temperature_c is 310; give degrees Celsius .*kelvin"),
            ({"temperature_c": [37.0, 310.0]}, r"temperature_c is 310; give degrees Celsius .*kelvin"),
            ({"ionic_strength_M": 250}, r"ionic_strength_M is 250; give mol/l .*mmol/l"),
            ({"route": "full"}, r"free_mg_mM is None with route 'full', which needs it; give mM, or use route='lawson"),
            ({"route": "full", "free_mg_mM": 0.0}, r"free_mg_mM is 0; a concentration must be above 0 mM"),
            (
                {"free_mg_mM": 0.5},
                r"free_mg_mM is given with route 'lawson-veech-1979', whose constant holds for 1 mM; leave",
            ),
            ({"sd_free_mg_mM": 0.1}, r"sd_free_mg_mM is given with route 'lawson-veech-1979'"),
            ({"sd_pcr_mM": -0.1}, r"sd_pcr_mM is -0\.1; a standard deviation cannot be negative"),
            ({"sd_ph": -0.2}, r"sd_ph is -0\.2; a standard deviation"),
            ({"pcr_mM": 0.033}, r"pcr_mM is 0\.033; .*looks like mol/l: give mM"),
            (
                {"route": "full", "free_mg_mM": 0.0005},
                r"free_mg_mM is 0\.0005; .*looks like mol/l: give mM \(0\.5, not",
            ),
            ({"pcr_mM": [33.0, 30.0], "ph": [7.0, 7.0, 7.0]}, r"pcr_mM \(2,\), ph \(3,\); they must broadcast"),
        ],
    )
    def test_input(self, changes, message):
        with pytest.raises(p31mg.InputError, match=message):
            energetics(**({"pcr_mM": 33.0, "pi_mM": 4.5, "ph": 7.0} | changes))

    def test_unknown_route_gives_the_nearest(self):
        with pytest.raises(
            p31mg.UnknownNameError, match=r"route 'lawson-veech' is not known; the nearest are 'lawson-veech-1979'"
        ):
            energetics(33.0, 4.5, 7.0, route="lawson-veech")


NAMES = ("pcr", "pi", "gamma_atp", "alpha_atp", "beta_atp")
AMPLITUDE = np.array([[66.0, 9.0, 16.4, 18.0, 14.0], [30.0, 5.0, 8.0, 8.2, 8.4]])


class TestConcentrations:
    def test_gamma_is_the_reference(self):
        mM = concentrations_mM(AMPLITUDE, NAMES)
        assert mM.shape == AMPLITUDE.shape
        np.testing.assert_allclose(mM[0], AMPLITUDE[0] / 2, rtol=1e-14)
        np.testing.assert_allclose(mM[:, 2], 8.2, rtol=1e-14)

    @pytest.mark.parametrize(
        ("reference", "atp"),
        [
            ("beta_atp", [14.0, 8.4]),
            ("alpha_atp", [18.0, 8.2]),
            (("gamma_atp", "alpha_atp", "beta_atp"), [48.4 / 3, 8.2]),
        ],
    )
    def test_another_reference(self, reference, atp):
        mM = concentrations_mM(AMPLITUDE, NAMES, atp_resonance=reference, atp_mM=5.0)
        np.testing.assert_allclose(mM, 5.0 * AMPLITUDE / np.array(atp)[:, None], rtol=1e-14)

    def test_saturation_multiplies_the_signal_and_the_reference(self):
        plain = concentrations_mM(AMPLITUDE, NAMES)
        corrected = concentrations_mM(AMPLITUDE, NAMES, saturation_correction={"pcr": 1.8, "gamma_atp": 1.2})
        np.testing.assert_allclose(corrected / plain, [[1.5, 1 / 1.2, 1, 1 / 1.2, 1 / 1.2]] * 2, rtol=1e-14)

    def test_undoes_saturation(self):
        """A spectrum pulsed fast, with the steady state of each T1, comes back as the relaxed one."""
        seen = {name: 1 - math.exp(-2.0 / t1) for name, t1 in {"pcr": 3.8, "pi": 4.3, "gamma_atp": 0.56}.items()}
        signal = AMPLITUDE * [seen.get(name, 1.0) for name in NAMES]
        mM = concentrations_mM(signal, NAMES, saturation_correction={name: 1 / s for name, s in seen.items()})
        np.testing.assert_allclose(mM, concentrations_mM(AMPLITUDE, NAMES), rtol=1e-13)

    def test_scale_of_the_spectrum_does_not_matter(self):
        np.testing.assert_allclose(
            concentrations_mM(1e-6 * AMPLITUDE, NAMES), concentrations_mM(AMPLITUDE, NAMES), rtol=1e-14
        )

    @pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
    def test_shapes(self, shape):
        assert concentrations_mM(np.full((*shape, 5), 3.0), NAMES).shape == (*shape, 5)

    def test_atp_per_spectrum(self):
        mM = concentrations_mM(AMPLITUDE, NAMES, atp_mM=[8.2, 4.1])
        assert mM[:, 2].tolist() == pytest.approx([8.2, 4.1])

    def test_spectra_without_a_reference_are_nan(self):
        signal = AMPLITUDE.copy()
        signal[1, 2] = 0.0
        assert np.isnan(concentrations_mM(signal, NAMES)).tolist() == [[False] * 5, [True] * 5]
        assert np.isnan(concentrations_mM(np.full(5, np.nan), NAMES)).all()

    def test_resonance_that_failed_is_nan_alone(self):
        signal = AMPLITUDE.copy()
        signal[0, 1] = np.nan
        assert np.isnan(concentrations_mM(signal, NAMES)).tolist() == [[False, True, False, False, False], [False] * 5]

    def test_goes_into_energetics(self):
        mM = concentrations_mM(AMPLITUDE, NAMES)
        result = energetics(mM[..., 0], mM[..., 1], 7.0)
        assert f"{result.adp_uM[0]:.1f}" == "14.2"

    @pytest.mark.parametrize(
        ("amplitude", "options", "message"),
        [
            (AMPLITUDE[:, :4], {}, r"amplitude has shape \(2, 4\); its last axis must have the 5 resonances"),
            (3.0, {}, r"amplitude has shape \(\); its last axis"),
            ("large", {}, r"amplitude is 'large'; it must be a number"),
            (np.zeros(5), {}, r"amplitude of gamma_atp is 0; ATP is the reference and must be above 0"),
            (AMPLITUDE, {"atp_mM": 0.0}, r"atp_mM is 0; a concentration must be above 0 mM"),
            (
                AMPLITUDE,
                {"atp_mM": [8.2] * 3},
                r"atp_mM has shape \(3,\); it must be one number or have the shape \(2,\)",
            ),
            (AMPLITUDE, {"atp_resonance": ()}, r"atp_resonance is empty; name the resonance of ATP"),
            (AMPLITUDE, {"saturation_correction": {"pcr": 0.0}}, r"saturation_correction of 'pcr' is 0\.0; .*above 0"),
            (AMPLITUDE, {"saturation_correction": {"pi": np.nan}}, r"saturation_correction of 'pi' is nan"),
        ],
    )
    def test_refusals(self, amplitude, options, message):
        with pytest.raises(p31mg.InputError, match=message):
            concentrations_mM(amplitude, NAMES, **options)

    @pytest.mark.parametrize(
        "options",
        [
            {"atp_resonance": "gama_atp"},
            {"saturation_correction": {"gama_atp": 1.1}},
            {"atp_resonance": ["pcr", "gama_atp"]},
        ],
    )
    def test_unknown_resonance_gives_the_nearest(self, options):
        with pytest.raises(
            p31mg.UnknownNameError, match=r"resonance 'gama_atp' is not known; the nearest are 'gamma_atp'"
        ):
            concentrations_mM(AMPLITUDE, NAMES, **options)
