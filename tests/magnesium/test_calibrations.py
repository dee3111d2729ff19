"""Calibrations: published numbers, and one contract that every calibration keeps."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

import p31mg
from p31mg.magnesium import get_calibration

GUPTA_1984_LIMITS = {"atp_ppm": 10.82, "mgatp_ppm": 8.32}
GUPTA_1978_CONSTANTS = {"atp_ppm": 10.91, "mgatp_ppm": 8.35, "kd_uM": 38.0}
MIXED = p31mg.TwoSiteCalibration(id="mixed", **GUPTA_1984_LIMITS, kd_uM=38.0)

SHIFTS_PPM = (8.40, 8.45, 8.50, 8.55, 8.60, 8.65, 8.70)
TWO_SITE_VECTORS_mM = {
    "gupta-1978": ("1.908", "0.935", "0.611", "0.448", "0.351", "0.286", "0.240"),
    "gupta-1984": ("1.512", "0.912", "0.644", "0.493", "0.396", "0.329", "0.279"),
    MIXED: ("1.149", "0.693", "0.490", "0.375", "0.301", "0.250", "0.212"),
}
NAMES_OF_FILES = sorted(
    file.name.removesuffix(".toml")
    for file in (resources.files("p31mg.magnesium") / "published").iterdir()
    if file.name.endswith(".toml")
)
IOTTI_VECTORS_mM = {-16.18: "0.1656", -16.05: "0.2273", -16.00: "0.2656", -15.88: "0.4554"}


class TestPublishedNumbers:
    """The test vectors of the calibrations page, to the digits printed there."""

    @pytest.mark.parametrize(
        ("calibration", "shift", "printed"),
        [(c, d, mg) for c, row in TWO_SITE_VECTORS_mM.items() for d, mg in zip(SHIFTS_PPM, row, strict=True)],
    )
    def test_two_sites(self, calibration, shift, printed):
        assert f"{p31mg.free_magnesium(shift, calibration=calibration).free_mg_mM:.3f}" == printed

    @pytest.mark.parametrize(("shift", "printed"), IOTTI_VECTORS_mM.items())
    def test_beta_shift(self, shift, printed):
        assert f"{p31mg.free_magnesium(shift, calibration='iotti-1996').free_mg_mM:.4f}" == printed

    def test_beta_shift_of_a_published_brain(self):
        assert f"{get_calibration('iotti-1996').shift_ppm(0.18):.4f}" == "-16.1417"

    def test_beta_shifts_of_a_published_pair_of_concentrations(self):
        """0.18 and 0.09 mM for beta peaks 0.46 ppm apart, both to two digits."""
        apart = get_calibration("iotti-1996").shift_ppm(0.18) - get_calibration("iotti-1996").shift_ppm(0.09)
        assert float(apart) == pytest.approx(0.46, abs=0.03)

    def test_limits_of_1978_are_the_measured_frequencies(self):
        constants = get_calibration("gupta-1978").constants
        assert round(441.9 / 40.5, 2) == constants["atp_ppm"]
        assert round(338.2 / 40.5, 2) == constants["mgatp_ppm"]

    def test_default_is_gupta_1978(self):
        assert p31mg.free_magnesium(8.55).calibration is get_calibration("gupta-1978")


OWN_BETA = p31mg.BetaShiftCalibration(
    id="own-beta",
    p_mg_0=4.0,
    low_ppm=-19.0,
    high_ppm=-15.5,
    low_exponent=0.5,
    high_exponent=1.0,
    tissue="phantom",
    source="own titration",
    evidence="user",
)
WITH_ERRORS = p31mg.TwoSiteCalibration(
    id="with-errors",
    atp_ppm=10.85,
    mgatp_ppm=8.31,
    kd_uM=44.0,
    sd_atp_ppm=0.03,
    sd_mgatp_ppm=0.01,
    sd_kd_uM=3.0,
    correlation=(0.1, -0.5, -0.6),
    doi="10.1000/own",
    ph=7.2,
    temperature_c=37.0,
    ionic_strength_M=0.15,
    potassium_M=0.1,
)
FALLING = {"two-site": True, "beta-shift": False}


@pytest.fixture(params=[*p31mg.calibrations().values(), MIXED, OWN_BETA, WITH_ERRORS], ids=lambda c: c.id)
def calibration(request):
    """Every packaged calibration, found by itself, and such as users make."""
    return request.param


class TestContract:
    """What holds for every calibration."""

    def equation(self, calibration, oracles, shift):
        if calibration.model == "two-site":
            return oracles.two_site_mg_mM(shift, **calibration.constants)
        c = calibration
        ratio = (shift - c.low_ppm) ** c.low_exponent / (c.high_ppm - shift) ** c.high_exponent
        return 1e3 * 10**-c.p_mg_0 * ratio

    @pytest.fixture
    def inside(self, calibration):
        """Shifts over the whole range but its very ends."""
        low, high = calibration.shift_range_ppm
        shifts = np.linspace(low, high, 41)[1:-1]
        shifts.flags.writeable = False
        return shifts

    def test_is_a_calibration(self, calibration):
        assert isinstance(calibration, p31mg.Calibration)
        assert get_calibration(calibration) is calibration

    def test_equation(self, calibration, oracles, inside):
        expected = [self.equation(calibration, oracles, float(d)) for d in inside]
        np.testing.assert_allclose(calibration.free_mg_mM(inside), expected, rtol=1e-12)

    def test_monotone(self, calibration, inside):
        steps = np.diff(calibration.free_mg_mM(inside))
        assert (steps < 0).all() if FALLING[calibration.model] else (steps > 0).all()

    def test_round_trip_from_shift(self, calibration, inside):
        back = calibration.shift_ppm(calibration.free_mg_mM(inside))
        np.testing.assert_allclose(back, inside, rtol=1e-13)

    def test_round_trip_from_magnesium(self, calibration):
        mg = np.geomspace(1e-2, 10.0, 31)
        # shifts are doubles near 10 ppm: next to the limit their rounding is 1e-13 of the distance to it
        np.testing.assert_allclose(calibration.free_mg_mM(calibration.shift_ppm(mg)), mg, rtol=1e-10)

    def test_slope(self, calibration, oracles, inside):
        low, high = calibration.shift_range_ppm
        steps = 1e-3 * np.minimum(inside - low, high - inside)
        numeric = np.diag(oracles.derivative(calibration.free_mg_mM, inside, steps))
        # steps of a thousandth of the distance to the pole: the next term of the series is 1e-11
        np.testing.assert_allclose(calibration.slope_mM_per_ppm(inside), numeric, rtol=1e-9)

    @pytest.mark.parametrize("method", ["free_mg_mM", "slope_mM_per_ppm"])
    def test_nan_outside_the_open_range(self, calibration, method):
        low, high = calibration.shift_range_ppm
        outside = [low, high, low - 1, high + 1, 0.0, np.inf, -np.inf, np.nan]
        assert np.isnan(getattr(calibration, method)(outside)).all()

    @pytest.mark.parametrize("method", ["free_mg_mM", "slope_mM_per_ppm"])
    @pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (0,), (2, 0)])
    def test_shapes(self, calibration, method, shape):
        middle = sum(calibration.shift_range_ppm) / 2
        values = getattr(calibration, method)(np.full(shape, middle))
        assert np.shape(values) == shape
        assert np.isfinite(values).all()

    @pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 0)])
    def test_shapes_of_the_inverse(self, calibration, shape):
        assert np.shape(calibration.shift_ppm(np.full(shape, 0.5))) == shape

    def test_one_nan_stays_one_nan(self, calibration, inside):
        with_nan = inside.copy()
        with_nan[3] = np.nan
        mg = calibration.free_mg_mM(with_nan)
        assert np.isnan(mg).tolist() == np.isnan(with_nan).tolist()
        shift = calibration.shift_ppm([0.5, np.nan])
        assert np.isnan(shift).tolist() == [False, True]

    @pytest.mark.parametrize("mg", [0.0, -0.1])
    def test_no_shift_for_magnesium_that_is_not_above_zero(self, calibration, mg):
        with pytest.raises(p31mg.InputError, match=rf"free_mg_mM is {mg:g}; a concentration must be above 0 mM"):
            calibration.shift_ppm([0.5, mg])

    def test_constants_rebuild_the_calibration(self, calibration):
        assert all(isinstance(v, float) for v in calibration.constants.values())
        record = {name: getattr(calibration, name) for name in ("id", "tissue", "source", "doi", "evidence")}
        if calibration.model == "two-site":
            record |= {f"sd_{name}": sd for name, sd in calibration.sd_constants.items()}
            record["correlation"] = calibration.correlation
        again = type(calibration)(**record, **calibration.conditions, **calibration.constants)
        assert again == calibration

    def test_file_holds_all_of_it(self, calibration, tmp_path):
        file = p31mg.write_calibration(calibration, tmp_path / "a.toml")
        assert get_calibration(file) == calibration
        assert get_calibration(str(file)) == calibration

    def test_source_and_evidence_are_stated(self, calibration):
        assert calibration.source
        assert calibration.tissue
        assert calibration.evidence in {"A", "B", "user"}

    def test_result_carries_calibration_and_constants(self, calibration):
        middle = sum(calibration.shift_range_ppm) / 2
        row = p31mg.free_magnesium(middle, calibration=calibration).to_dataframe().iloc[0]
        assert row["calibration"] == calibration.id
        assert row["calibration_evidence"] == calibration.evidence
        assert row["calibration_source"] == calibration.source
        assert {k: row[f"calibration_{k}"] for k in calibration.constants} == calibration.constants


class TestPackaged:
    """What a packaged calibration must have besides: it is cited, graded, and checked against known values."""

    @pytest.fixture(params=p31mg.calibrations())
    def name(self, request):
        return request.param

    def test_has_vectors(self, name):
        assert name in {*TWO_SITE_VECTORS_mM, "iotti-1996"}

    def test_is_cited_and_graded(self, name):
        calibration = p31mg.calibrations()[name]
        assert calibration.evidence in {"A", "B"}
        assert any(f"{year}" in calibration.source for year in range(1970, 2030))
        assert calibration.conditions["temperature_c"] == 37.0
        assert calibration.conditions["ph"] is not None

    def test_file_has_its_name(self, name):
        folder = resources.files("p31mg.magnesium") / "published"
        assert (folder / f"{name}.toml").is_file()
        assert len(p31mg.calibrations()) == sum(f.name.endswith(".toml") for f in folder.iterdir())

    @pytest.mark.parametrize(
        ("name", "constants", "evidence"),
        [
            ("gupta-1978", {"atp_ppm": 10.91, "mgatp_ppm": 8.35, "kd_uM": 38.0}, "B"),
            ("gupta-1984", {**GUPTA_1984_LIMITS, "kd_uM": 50.0}, "B"),
        ],
    )
    def test_constants(self, name, constants, evidence):
        calibration = p31mg.calibrations()[name]
        assert (calibration.constants, calibration.evidence) == (constants, evidence)
        assert calibration.covariance is None
        assert calibration.conditions == {
            "ph": 7.2,
            "temperature_c": 37.0,
            "ionic_strength_M": 0.15,
            "potassium_M": 0.15,
        }

    def test_iotti(self, oracles):
        calibration = p31mg.calibrations()["iotti-1996"]
        assert "not validated for muscle" in calibration.tissue
        assert calibration.evidence == "A"
        assert float(calibration.free_mg_mM(-16.1)) == pytest.approx(oracles.iotti_mg_mM(-16.1), rel=1e-13)


class TestErrorsOfConstants:
    def test_gradient(self):
        shifts = np.array([8.4, 8.55, 9.5])
        names = list(WITH_ERRORS.constants)
        for i, name in enumerate(names):
            step = 1e-6 * WITH_ERRORS.constants[name]
            ends = [
                p31mg.TwoSiteCalibration(
                    id="moved", **(WITH_ERRORS.constants | {name: WITH_ERRORS.constants[name] + s})
                ).free_mg_mM(shifts)
                for s in (-step, step)
            ]
            # central differences of 1e-6: rounding 1e-9, the next term of the series less
            np.testing.assert_allclose(
                WITH_ERRORS.gradient_mM(shifts)[:, i], (ends[1] - ends[0]) / (2 * step), rtol=1e-6
            )

    def test_covariance_is_that_of_sds_and_correlation(self):
        covariance = WITH_ERRORS.covariance
        np.testing.assert_allclose(np.sqrt(np.diag(covariance)), [0.03, 0.01, 3.0], rtol=1e-14)
        assert covariance[0, 2] == pytest.approx(-0.5 * 0.03 * 3.0, rel=1e-14)
        np.testing.assert_array_equal(covariance, covariance.T)

    def test_sd_of_the_expected_shift_against_draws(self):
        rng = np.random.default_rng(3)
        atp, mgatp, kd = rng.multivariate_normal(
            list(WITH_ERRORS.constants.values()), WITH_ERRORS.covariance, 200_000
        ).T
        for mg in (0.05, 0.5):
            drawn = mgatp + (atp - mgatp) / (1 + 1e3 * mg / kd)
            # five standard errors of an sd, and 0.3 % for the curvature over 7 % errors of Kd
            tolerance = 5 / np.sqrt(2 * 200_000) + 0.003
            assert float(WITH_ERRORS.sd_shift_ppm(mg)) == pytest.approx(drawn.std(), rel=tolerance)

    def test_unknown_errors_are_nan(self):
        assert np.isnan(get_calibration("gupta-1978").sd_shift_ppm([0.3, 0.5])).all()

    @pytest.mark.parametrize(
        ("errors", "message"),
        [
            ({"sd_kd_uM": -1.0}, r"calibration 'own' has sd_kd_uM -1\.0; a standard deviation"),
            ({"sd_atp_ppm": np.inf}, r"has sd_atp_ppm inf"),
            ({"correlation": (0.9, 0.9, -0.9)}, r"has correlation .*; it must be three numbers that errors can have"),
            ({"correlation": (0.1, 0.2)}, r"has correlation \(0\.1, 0\.2\); it must be three"),
            ({"correlation": (np.nan, 0.0, 0.0)}, r"has correlation \(nan"),
            ({"correlation": 0.5}, r"has correlation 0\.5; it must be three"),
            ({"correlation": ("a", 0.0, 0.0)}, r"has correlation \('a', .*; it must be three"),
            ({"sd_kd_uM": "3"}, r"has sd_kd_uM '3'; it must be a single number"),
            ({"ph": [7.0, 7.2]}, r"calibration 'own' has ph \[7\.0, 7\.2\]; it must be a single number"),
            ({"temperature_c": 310.0}, r"calibration 'own': temperature_c is 310; give degrees Celsius .*kelvin"),
            ({"ph": 70.0}, r"calibration 'own': ph is 70; a tissue pH is between 5 and 9"),
            ({"ionic_strength_M": 150.0}, r"ionic_strength_M is 150; give mol/l .*mmol/l"),
            ({"potassium_M": -0.1}, r"potassium_M is -0\.1; give mol/l"),
        ],
    )
    def test_refusals(self, errors, message):
        with pytest.raises(p31mg.InputError, match=message):
            p31mg.TwoSiteCalibration(id="own", atp_ppm=10.91, mgatp_ppm=8.35, kd_uM=38.0, **errors)


class TestRefusals:
    @pytest.mark.parametrize(
        "limits",
        [(8.35, 10.91), (8.35, 8.35), (10.91, -8.35), (10.91, 0.0), (np.nan, 8.35), (10.91, np.nan), (np.inf, 8.35)],
    )
    def test_limits_out_of_order(self, limits):
        with pytest.raises(p31mg.InputError, match=r"calibration 'own' has mgatp_ppm .*; 0 < mgatp_ppm < atp_ppm"):
            p31mg.TwoSiteCalibration(id="own", atp_ppm=limits[0], mgatp_ppm=limits[1], kd_uM=38.0)

    @pytest.mark.parametrize(
        ("constants", "message"),
        [
            ({"low_ppm": -15.0}, r"low_ppm -15\.0 and high_ppm -15\.5; low_ppm < high_ppm < 0"),
            ({"high_ppm": 1.0}, r"low_ppm -19\.0 and high_ppm 1\.0"),
            ({"low_exponent": 0.0}, r"exponents 0\.0 and 1\.0; they must be finite and the exponents above 0"),
            ({"p_mg_0": np.nan}, r"p_mg_0 nan"),
            ({"low_ppm": "-19"}, r"low_ppm '-19'; it must be a single number"),
        ],
    )
    def test_beta_shift(self, constants, message):
        with pytest.raises(p31mg.InputError, match=message):
            p31mg.BetaShiftCalibration(id="own", **(OWN_BETA.constants | constants))

    def test_mol_per_litre_for_mM(self):
        with pytest.raises(p31mg.InputError, match=r"free_mg_mM is 0\.0005 and none is above 0\.005; .*give mM"):
            get_calibration("gupta-1978").shift_ppm([0.0002, 0.0005])
        with pytest.raises(p31mg.InputError, match=r"free_mg_mM is 0\.0005"):
            p31mg.simulate(0.0005, seed=1)

    @pytest.mark.parametrize("name", ["atp_ppm", "mgatp_ppm", "kd_uM"])
    @pytest.mark.parametrize("value", ["38", [38.0, 39.0], None])
    def test_constants_are_numbers(self, name, value):
        with pytest.raises(p31mg.InputError, match=rf"calibration 'own' has {name} .*; it must be a single number"):
            p31mg.TwoSiteCalibration(id="own", **GUPTA_1978_CONSTANTS | {name: value})

    def test_millimolar_dissociation_constant(self):
        with pytest.raises(p31mg.InputError, match=r"kd_uM 0\.038; that looks like mmol/l: give micromol/l"):
            p31mg.TwoSiteCalibration(id="own", **GUPTA_1978_CONSTANTS | {"kd_uM": 0.038})

    @pytest.mark.parametrize("kd", [0.0, -38.0, np.nan, np.inf])
    def test_dissociation_constant(self, kd):
        with pytest.raises(
            p31mg.InputError, match=rf"calibration 'own' has kd_uM {kd}; it must be above 0, in micromol/l"
        ):
            p31mg.TwoSiteCalibration(id="own", atp_ppm=10.91, mgatp_ppm=8.35, kd_uM=kd)

    @pytest.mark.parametrize(
        ("typo", "nearest"), [("gupta-1987", "'gupta-1984', 'gupta-1978'"), ("iotti1996", "'iotti-1996'")]
    )
    def test_unknown_name_gives_the_nearest(self, typo, nearest):
        with pytest.raises(
            p31mg.UnknownNameError,
            match=rf"calibration '{typo}' is not known; the nearest are {nearest}\. All: gupta-1978",
        ):
            get_calibration(typo)

    def test_unknown_name_like_nothing_lists_all(self):
        every = ", ".join(NAMES_OF_FILES)
        with pytest.raises(p31mg.UnknownNameError, match=rf"'xyz' is not known\. All: {every}\."):
            get_calibration("xyz")


class TestTable:
    def test_one_row_per_calibration_with_everything_needed_to_cite_it(self):
        table = p31mg.calibrations().to_dataframe()
        assert table["id"].tolist() == NAMES_OF_FILES
        assert not table.isna().any(axis=None)
        table = table.set_index("id")
        assert table.loc["gupta-1978", "constants"] == "atp_ppm 10.91, mgatp_ppm 8.35, kd_uM 38"
        assert table.loc["iotti-1996", ["shift_min_ppm", "shift_max_ppm"]].tolist() == [-18.58, -15.74]

    def test_printing_names_source_and_evidence(self):
        text = repr(p31mg.calibrations())
        for calibration in p31mg.calibrations().values():
            assert calibration.id in text
            assert calibration.source in text
            assert f"evidence {calibration.evidence}" in text

    def test_html(self):
        html = p31mg.calibrations()._repr_html_()
        assert all(name in html for name in p31mg.calibrations())

    def test_missing_key(self):
        with pytest.raises(KeyError, match="gupta-1987"):
            p31mg.calibrations()["gupta-1987"]
