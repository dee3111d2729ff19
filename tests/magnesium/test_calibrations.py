"""Calibrations: published numbers, and one contract that every calibration keeps."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg.magnesium import get_calibration

GUPTA_1984_LIMITS = {"atp_ppm": 10.82, "mgatp_ppm": 8.32}
MIXED = p31mg.TwoSiteCalibration(id="mixed", **GUPTA_1984_LIMITS, kd_uM=38.0)

SHIFTS_PPM = (8.40, 8.45, 8.50, 8.55, 8.60, 8.65, 8.70)
TWO_SITE_VECTORS_mM = {
    "gupta-1978": ("1.908", "0.935", "0.611", "0.448", "0.351", "0.286", "0.240"),
    "gupta-1984": ("1.512", "0.912", "0.644", "0.493", "0.396", "0.329", "0.279"),
    MIXED: ("1.149", "0.693", "0.490", "0.375", "0.301", "0.250", "0.212"),
}
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

    def test_limits_of_1978_are_the_measured_frequencies(self):
        constants = get_calibration("gupta-1978").constants
        assert round(441.9 / 40.5, 2) == constants["atp_ppm"]
        assert round(338.2 / 40.5, 2) == constants["mgatp_ppm"]

    def test_default_is_gupta_1978(self):
        assert p31mg.free_magnesium(8.55).calibration is get_calibration("gupta-1978")


class CalibrationContract:
    """What holds for every calibration. A subclass names one and re-derives its equation."""

    calibration: p31mg.Calibration
    falling: bool

    def equation(self, oracles, shift):
        raise NotImplementedError

    @pytest.fixture
    def inside(self):
        """Shifts over the whole range but its very ends."""
        low, high = self.calibration.shift_range_ppm
        shifts = np.linspace(low, high, 41)[1:-1]
        shifts.flags.writeable = False
        return shifts

    def test_is_a_calibration(self):
        assert isinstance(self.calibration, p31mg.Calibration)
        assert get_calibration(self.calibration) is self.calibration

    def test_equation(self, oracles, inside):
        expected = [self.equation(oracles, float(d)) for d in inside]
        np.testing.assert_allclose(self.calibration.free_mg_mM(inside), expected, rtol=1e-12)

    def test_monotone(self, inside):
        steps = np.diff(self.calibration.free_mg_mM(inside))
        assert (steps < 0).all() if self.falling else (steps > 0).all()

    def test_round_trip_from_shift(self, inside):
        back = self.calibration.shift_ppm(self.calibration.free_mg_mM(inside))
        np.testing.assert_allclose(back, inside, rtol=1e-13)

    def test_round_trip_from_magnesium(self):
        mg = np.geomspace(1e-2, 10.0, 31)
        # shifts are doubles near 10 ppm: next to the limit their rounding is 1e-13 of the distance to it
        np.testing.assert_allclose(self.calibration.free_mg_mM(self.calibration.shift_ppm(mg)), mg, rtol=1e-10)

    def test_slope(self, oracles, inside):
        low, high = self.calibration.shift_range_ppm
        steps = 1e-3 * np.minimum(inside - low, high - inside)
        numeric = np.diag(oracles.derivative(self.calibration.free_mg_mM, inside, steps))
        # steps of a thousandth of the distance to the pole: the next term of the series is 1e-11
        np.testing.assert_allclose(self.calibration.slope_mM_per_ppm(inside), numeric, rtol=1e-9)

    @pytest.mark.parametrize("method", ["free_mg_mM", "slope_mM_per_ppm"])
    def test_nan_outside_the_open_range(self, method):
        low, high = self.calibration.shift_range_ppm
        outside = [low, high, low - 1, high + 1, 0.0, np.inf, -np.inf, np.nan]
        assert np.isnan(getattr(self.calibration, method)(outside)).all()

    @pytest.mark.parametrize("method", ["free_mg_mM", "slope_mM_per_ppm"])
    @pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (0,), (2, 0)])
    def test_shapes(self, method, shape):
        middle = sum(self.calibration.shift_range_ppm) / 2
        values = getattr(self.calibration, method)(np.full(shape, middle))
        assert np.shape(values) == shape
        assert np.isfinite(values).all()

    @pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 0)])
    def test_shapes_of_the_inverse(self, shape):
        assert np.shape(self.calibration.shift_ppm(np.full(shape, 0.5))) == shape

    def test_one_nan_stays_one_nan(self, inside):
        with_nan = inside.copy()
        with_nan[3] = np.nan
        mg = self.calibration.free_mg_mM(with_nan)
        assert np.isnan(mg).tolist() == np.isnan(with_nan).tolist()
        shift = self.calibration.shift_ppm([0.5, np.nan])
        assert np.isnan(shift).tolist() == [False, True]

    @pytest.mark.parametrize("mg", [0.0, -0.1])
    def test_no_shift_for_magnesium_that_is_not_above_zero(self, mg):
        with pytest.raises(p31mg.InputError, match=rf"free_mg_mM is {mg:g}; a concentration must be above 0 mM"):
            self.calibration.shift_ppm([0.5, mg])

    def test_constants_rebuild_the_calibration(self):
        assert all(isinstance(v, float) for v in self.calibration.constants.values())
        record = {name: getattr(self.calibration, name) for name in ("id", "tissue", "source", "doi", "evidence")}
        again = type(self.calibration)(**record, **self.calibration.conditions, **self.calibration.constants)
        assert again == self.calibration

    def test_source_and_evidence_are_stated(self):
        assert self.calibration.source
        assert self.calibration.tissue
        assert self.calibration.evidence in {"A", "B", "user"}

    def test_result_carries_calibration_and_constants(self):
        middle = sum(self.calibration.shift_range_ppm) / 2
        row = p31mg.free_magnesium(middle, calibration=self.calibration).to_dataframe().iloc[0]
        assert row["calibration"] == self.calibration.id
        assert row["calibration_evidence"] == self.calibration.evidence
        assert row["calibration_source"] == self.calibration.source
        assert {k: row[f"calibration_{k}"] for k in self.calibration.constants} == self.calibration.constants


class TwoSiteContract(CalibrationContract):
    falling = True

    def equation(self, oracles, shift):
        return oracles.two_site_mg_mM(shift, **self.calibration.constants)


class TestGupta1978(TwoSiteContract):
    calibration = get_calibration("gupta-1978")

    def test_constants(self):
        assert self.calibration.constants == {"atp_ppm": 10.91, "mgatp_ppm": 8.35, "kd_uM": 38.0}
        assert self.calibration.evidence == "B"


class TestGupta1984(TwoSiteContract):
    calibration = get_calibration("gupta-1984")

    def test_constants(self):
        assert self.calibration.constants == {**GUPTA_1984_LIMITS, "kd_uM": 50.0}
        assert self.calibration.evidence == "B"


class TestTwoSitesOfAUser(TwoSiteContract):
    calibration = MIXED


class TestIotti1996(CalibrationContract):
    calibration = get_calibration("iotti-1996")
    falling = False

    def equation(self, oracles, shift):
        return oracles.iotti_mg_mM(shift)

    def test_says_what_it_is_for(self):
        assert "not validated for muscle" in self.calibration.tissue
        assert self.calibration.evidence == "A"


class TestBetaShiftOfAUser(CalibrationContract):
    calibration = p31mg.BetaShiftCalibration(
        id="own",
        p_mg_0=4.0,
        low_ppm=-19.0,
        high_ppm=-15.5,
        low_exponent=0.5,
        high_exponent=1.0,
        tissue="phantom",
        source="own titration",
        evidence="user",
    )
    falling = False

    def equation(self, _oracles, shift):
        return 1e3 * 10**-4.0 * (shift + 19.0) ** 0.5 / (-15.5 - shift)


def test_every_packaged_calibration_keeps_the_contract():
    contracts = [TestGupta1978, TestGupta1984, TestIotti1996]
    assert [c.calibration for c in contracts] == list(p31mg.calibrations().values())


class TestRefusals:
    @pytest.mark.parametrize(
        "limits",
        [(8.35, 10.91), (8.35, 8.35), (10.91, -8.35), (10.91, 0.0), (np.nan, 8.35), (10.91, np.nan), (np.inf, 8.35)],
    )
    def test_limits_out_of_order(self, limits):
        with pytest.raises(p31mg.InputError, match=r"calibration 'own' has mgatp_ppm .*; 0 < mgatp_ppm < atp_ppm"):
            p31mg.TwoSiteCalibration(id="own", atp_ppm=limits[0], mgatp_ppm=limits[1], kd_uM=38.0)

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
        with pytest.raises(
            p31mg.UnknownNameError, match=r"'xyz' is not known\. All: gupta-1978, gupta-1984, iotti-1996\."
        ):
            get_calibration("xyz")


class TestTable:
    def test_one_row_per_calibration_with_everything_needed_to_cite_it(self):
        table = p31mg.calibrations().to_dataframe()
        assert table["id"].tolist() == ["gupta-1978", "gupta-1984", "iotti-1996"]
        assert not table.isna().any(axis=None)
        assert table.loc[0, "constants"] == "atp_ppm 10.91, mgatp_ppm 8.35, kd_uM 38"
        assert table.loc[2, ["shift_min_ppm", "shift_max_ppm"]].tolist() == [-18.58, -15.74]

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
