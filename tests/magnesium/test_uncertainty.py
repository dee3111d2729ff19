"""Errors from several sources: closed forms where there are any, a search where there are none, and draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

import p31mg
from p31mg.magnesium import uncertainty
from p31mg.magnesium.uncertainty import Conditioning, estimate, probability_beyond

LIMITS = {"atp_ppm": 10.91, "mgatp_ppm": 8.35, "kd_uM": 38.0}
Z_95 = 1.959963984540054
N_DRAWS = 1_000_000


def two_site(**errors: object) -> p31mg.TwoSiteCalibration:
    return p31mg.TwoSiteCalibration(id="own", **LIMITS, **errors)


ALL_ERRORS = {
    "sd_atp_ppm": 0.03,
    "sd_mgatp_ppm": 0.01,
    "sd_kd_uM": 4.0,
    "correlation": (0.1, -0.3, 0.5),
}


def at(shift: float, sd: float, calibration: p31mg.Calibration, sd_ln_kd: float = 0.0, level: float = 0.95):
    return estimate(np.array(shift), np.array(sd), calibration, level, Conditioning(sd_ln_kd=sd_ln_kd))


def drawn_mM(shift: float, sd: float, calibration: p31mg.TwoSiteCalibration, sd_ln_kd: float):
    """Magnesium of a million measurements; beyond a limit it is infinite or zero. Kd is log-normal."""
    rng = np.random.default_rng(11)
    scale = np.array([1.0, 1.0, calibration.kd_uM])
    covariance = calibration.covariance if calibration.covariance is not None else np.zeros((3, 3))
    means = [calibration.atp_ppm, calibration.mgatp_ppm, math.log(calibration.kd_uM)]
    atp, mgatp, ln_kd = rng.multivariate_normal(means, covariance / np.outer(scale, scale), N_DRAWS).T
    d = shift + sd * rng.standard_normal(N_DRAWS)
    mg = 1e-3 * np.exp(ln_kd + sd_ln_kd * rng.standard_normal(N_DRAWS)) * (atp - d) / (d - mgatp)
    mg[d <= mgatp], mg[d >= atp] = np.inf, 0.0
    return mg


CASES = {
    "muscle": (8.55, 0.01, two_site(**ALL_ERRORS), 0.05),
    "constants rule": (8.55, 0.001, two_site(**ALL_ERRORS), 0.0),
    "shift rules": (8.60, 0.04, two_site(**ALL_ERRORS), 0.02),
    "conditions rule": (8.55, 0.0, two_site(), 0.3),
    "near the limit": (8.41, 0.02, two_site(**ALL_ERRORS), 0.1),
    "far from it": (9.9, 0.05, two_site(**ALL_ERRORS), 0.2),
}


@pytest.mark.parametrize(("shift", "sd", "calibration", "sd_ln_kd"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("level", [0.68, 0.95])
def test_interval_against_a_million_draws(shift, sd, calibration, sd_ln_kd, level):
    low, high = at(shift, sd, calibration, sd_ln_kd, level).interval_mM
    drawn = drawn_mM(shift, sd, calibration, sd_ln_kd)
    tail = (1 - level) / 2
    # The profile is exact for one source and for what is linear; two curved ones together move some probability from one side
    # to the other: more where the density is higher
    moved = 0.0025 if level > 0.9 else 0.006
    assert (drawn < low).mean() == pytest.approx(tail, abs=moved)
    assert (drawn > high).mean() == pytest.approx(tail, abs=moved)
    assert ((drawn >= low) & (drawn <= high)).mean() == pytest.approx(level, abs=0.001 + 5 * math.sqrt(0.25 / N_DRAWS))


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("shift", [8.42, 8.55, 9.9, 10.7])
def test_end_is_the_extreme_on_the_sphere(shift, side):
    """Two sources leave an angle to search: the slow way."""
    sd, sd_ln_kd = 0.02, 0.3
    angle = np.linspace(0, 2 * np.pi, 200_001)
    d = shift + Z_95 * sd * np.cos(angle)
    mg = 0.038 * np.exp(Z_95 * sd_ln_kd * np.sin(angle)) * (10.91 - d) / (d - 8.35)
    found = at(shift, sd, two_site(), sd_ln_kd).interval_mM[(side + 1) // 2]
    # steps of 3e-5 about a flat extreme: 1e-9
    assert found == pytest.approx(mg.max() if side > 0 else mg.min(), rel=1e-8)


@pytest.mark.parametrize("shift", [8.42, 8.55, 9.9])
def test_shift_and_limits_alone_give_the_interval_of_fieller(shift):
    """Mg/Kd is a ratio of two correlated normal variables, and its interval the roots of a quadratic (Fieller)."""
    sd, sd_atp, sd_mgatp, r = 0.015, 0.03, 0.012, 0.4
    own = two_site(sd_atp_ppm=sd_atp, sd_mgatp_ppm=sd_mgatp, sd_kd_uM=0.0, correlation=(r, 0.0, 0.0))
    top, bottom = 10.91 - shift, shift - 8.35
    v_top, v_bottom = sd_atp**2 + sd**2, sd**2 + sd_mgatp**2
    v_both = -(sd**2) - r * sd_atp * sd_mgatp
    a, b, c = bottom**2 - Z_95**2 * v_bottom, top * bottom - Z_95**2 * v_both, top**2 - Z_95**2 * v_top
    root = math.sqrt(b * b - a * c)
    expected = [0.038 * (b - root) / a, 0.038 * (b + root) / a]
    np.testing.assert_allclose(at(shift, sd, own).interval_mM, expected, rtol=1e-8)


def test_kd_alone_gives_the_log_normal_interval():
    own = two_site(sd_kd_uM=6.0)
    expected = 0.4484 * np.exp(Z_95 * 6.0 / 38.0 * np.array([-1, 1]))
    np.testing.assert_allclose(at(8.55, 0.0, own).interval_mM, expected, rtol=1e-12)
    # and the conditions act as Kd does
    np.testing.assert_allclose(at(8.55, 0.0, two_site(), 6.0 / 38.0).interval_mM, expected, rtol=1e-12)


def test_vanishing_errors_of_constants_leave_the_interval_of_the_shift():
    tiny = two_site(sd_atp_ppm=1e-12, sd_mgatp_ppm=1e-12, sd_kd_uM=1e-12)
    for shift in (8.38, 8.55, 10.89):
        plain = p31mg.free_magnesium(shift, sd_ppm=0.02).interval_mM
        np.testing.assert_allclose(at(shift, 0.02, tiny).interval_mM, plain, rtol=1e-8)


class TestParts:
    def test_are_the_derivatives_times_the_errors(self):
        own, (shift, sd, sd_ln_kd) = two_site(**ALL_ERRORS), (8.55, 0.01, 0.05)
        parts = at(shift, sd, own, sd_ln_kd)
        g = own.gradient_mM(shift)
        assert float(parts.sd_measurement_mM) == pytest.approx(0.038 * 2.56 / 0.2**2 * sd, rel=1e-12)
        assert float(parts.sd_condition_mM) == pytest.approx(0.4484 * sd_ln_kd, rel=1e-12)
        assert float(parts.sd_calibration_mM) == pytest.approx(math.sqrt(g @ own.covariance @ g), rel=1e-12)
        squares = [float(getattr(parts, f"sd_{name}_mM")) ** 2 for name in ("measurement", "condition", "calibration")]
        assert float(parts.sd_mM) == pytest.approx(math.sqrt(sum(squares)), rel=1e-12)

    def test_small_errors_scatter_as_stated(self):
        own = two_site(sd_atp_ppm=0.003, sd_mgatp_ppm=0.001, sd_kd_uM=0.4, correlation=(0.1, -0.3, 0.5))
        drawn = drawn_mM(8.55, 0.001, own, 0.005)
        # five standard errors of an sd, and 0.1 % for the curvature over 1 % errors
        assert drawn.std() == pytest.approx(float(at(8.55, 0.001, own, 0.005).sd_mM), rel=5 / math.sqrt(2e6) + 1e-3)

    def test_what_is_not_known_is_nan_and_what_does_not_act_is_zero(self):
        plain = p31mg.free_magnesium([8.5, 8.6], sd_ppm=0.01)
        assert np.isnan(plain.sd_calibration_mM).all()
        assert (plain.sd_condition_mM == 0).all()
        np.testing.assert_array_equal(plain.sd_measurement_mM, plain.sd_mM)
        corrected = p31mg.free_magnesium([8.5, 8.6], sd_ppm=0.01, ph=7.0, correct_kd=True)
        assert np.isnan(corrected.sd_condition_mM).all()
        np.testing.assert_array_equal(corrected.sd_measurement_mM, corrected.sd_mM)

    def test_errors_of_constants_do_not_stand_in_for_that_of_the_shift(self):
        own = two_site(sd_kd_uM=4.0)
        unknown = p31mg.free_magnesium(8.55, calibration=own)
        assert np.isnan(unknown.sd_mM)
        assert np.isnan(unknown.interval_mM).all()
        assert float(unknown.sd_calibration_mM) == pytest.approx(0.4484 * 4 / 38, rel=1e-12)
        assert unknown.error_includes == "nothing"
        exact = p31mg.free_magnesium(8.55, calibration=own, sd_ppm=0.0)
        assert float(exact.sd_mM) == pytest.approx(float(unknown.sd_calibration_mM), rel=1e-12)

    def test_result_says_what_is_included(self):
        own = p31mg.TwoSiteCalibration(id="own", **LIMITS, sd_kd_uM=4.0, ph=7.2, temperature_c=37.0,
                                       ionic_strength_M=0.15, potassium_M=0.15)  # fmt: skip
        mg = p31mg.free_magnesium(
            [8.55, np.nan],
            sd_ppm=[0.01, np.nan],
            calibration=own,
            ph=7.0,
            sd_ph=0.03,
            sd_temperature_c=1.0,
            correct_kd=True,
        )
        assert mg.error_includes.tolist() == ["shift, pH, temperature, kd_uM", "nothing"]
        assert p31mg.free_magnesium(8.55, sd_ppm=0.01, ph=7.0, sd_ph=0.03).error_includes == "shift"


@given(
    shift=st.floats(8.36, 10.9),
    sd=st.floats(0.0, 0.1),
    sd_limits=st.tuples(st.floats(0.0, 0.05), st.floats(0.0, 0.05)),
    sd_kd=st.floats(0.0, 20.0),
    sd_ln_kd=st.floats(0.0, 0.5),
    level=st.floats(0.1, 0.99),
)
def test_interval_holds_the_value_and_grows(shift, sd, sd_limits, sd_kd, sd_ln_kd, level):
    own = two_site(sd_atp_ppm=sd_limits[0], sd_mgatp_ppm=sd_limits[1], sd_kd_uM=sd_kd)
    here = at(shift, sd, own, sd_ln_kd, level)
    low, high = here.interval_mM
    assert 0 <= low <= here.free_mg_mM * (1 + 1e-12)
    assert here.free_mg_mM <= high * (1 + 1e-12)
    for wider in (
        at(shift, sd, own, sd_ln_kd, 0.5 + level / 2),
        at(shift, sd + 0.01, own, sd_ln_kd, level),
        at(shift, sd, own, sd_ln_kd + 0.1, level),
    ):
        assert wider.interval_mM[0] <= low * (1 + 1e-9)
        assert wider.interval_mM[1] >= high * (1 - 1e-9)
    shift_alone = p31mg.free_magnesium(shift, sd_ppm=sd, calibration=two_site(), level=level).interval_mM
    assert low <= shift_alone[0] * (1 + 1e-9)
    assert high >= shift_alone[1] * (1 - 1e-9)


class TestBeyondTheLimits:
    @pytest.mark.parametrize(("shift", "sd"), [(8.38, 0.02), (8.55, 0.1), (10.88, 0.03), (9.6, 0.8)])
    def test_probability_by_the_error_function(self, shift, sd):
        own = two_site(sd_atp_ppm=0.02, sd_mgatp_ppm=0.01)
        above = 0.5 * math.erfc((10.91 - shift) / math.hypot(sd, 0.02) / math.sqrt(2))
        below = 0.5 * math.erfc((shift - 8.35) / math.hypot(sd, 0.01) / math.sqrt(2))
        found = probability_beyond(np.array(shift), np.array(sd), own)
        np.testing.assert_allclose(found, [above, below], rtol=1e-11, atol=1e-300)

    def test_of_the_beta_shift_the_bound_limit_is_the_high_one(self):
        mg = p31mg.free_magnesium(-15.76, sd_ppm=0.02, calibration="iotti-1996")
        free, bound = mg.probability_beyond
        assert free == 0
        assert bound == pytest.approx(0.158655, rel=1e-5)  # one sd

    @pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
    def test_end_is_open_where_it_exceeds_the_tail(self, level):
        shifts = np.linspace(8.351, 8.6, 50)
        for own in (two_site(), two_site(**ALL_ERRORS)):
            mg = p31mg.free_magnesium(shifts, sd_ppm=0.03, calibration=own, level=level)
            beyond = mg.probability_beyond.max(axis=-1)
            np.testing.assert_array_equal(mg.interval_open, beyond >= (1 - level) / 2)
            np.testing.assert_array_equal(np.isinf(mg.interval_mM[:, 1]), mg.interval_open)

    def test_out_of_range_it_says_how_far(self):
        mg = p31mg.free_magnesium([8.33, 8.55], sd_ppm=0.02)
        assert mg.probability_beyond[0, 1] == pytest.approx(0.841345, rel=1e-5)  # one sd on the other side
        table = mg.to_dataframe()
        assert table["probability_beyond_bound"].tolist() == mg.probability_beyond[:, 1].tolist()
        assert table["probability_beyond_free"].tolist() == mg.probability_beyond[:, 0].tolist()

    def test_without_an_sd_it_is_not_known(self):
        assert np.isnan(p31mg.free_magnesium(8.55).probability_beyond).all()


class TestManyValues:
    @pytest.mark.parametrize("own", [two_site(), two_site(**ALL_ERRORS)], ids=["shift", "all"])
    def test_blocks_do_not_show(self, own, monkeypatch):
        rng = np.random.default_rng(5)
        shift, sd = rng.uniform(8.3, 11.0, (7, 11)), rng.uniform(0, 0.05, (7, 11))
        conditioning = Conditioning(
            kd_ratio=rng.uniform(0.8, 1.5, (7, 11)), sd_ln_kd=0.05, gain=rng.uniform(1, 1.01, (7, 11))
        )
        whole = estimate(shift, sd, own, 0.9, conditioning)
        monkeypatch.setattr(uncertainty, "_BLOCK", 10)
        pieces = estimate(shift, sd, own, 0.9, conditioning)
        for name in vars(whole):
            # the walk stops when all of a block stand still, to 1e-9
            np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), rtol=1e-7)

    def test_gain_multiplies_the_error_of_the_logarithm(self):
        plain = estimate(np.array(8.55), np.array(0.01), two_site(), 0.95)
        more = estimate(np.array(8.55), np.array(0.01), two_site(), 0.95, Conditioning(gain=1.1))
        assert float(more.sd_mM) == pytest.approx(1.1 * float(plain.sd_mM), rel=1e-12)
        np.testing.assert_allclose(
            np.log(more.interval_mM / 0.4484), 1.1 * np.log(plain.interval_mM / 0.4484), rtol=1e-9
        )

    def test_calibration_without_kd_has_none_to_move(self):
        with pytest.raises(p31mg.InputError, match=r"calibration 'iotti-1996' has no Kd that conditions could move"):
            at(-16.1, 0.01, p31mg.calibrations()["iotti-1996"], 0.1)


@pytest.mark.parametrize(
    ("shift", "sd", "sd_ln_kd", "level"), [(8.5133, 0.00761, 0.812, 0.999), (10.6048, 0.02986, 1.544, 0.95)]
)
def test_long_way_along_a_limit_is_walked_to_its_end(shift, sd, sd_ln_kd, level):
    """Large errors a hair inside a limit: nothing drawn on the sphere lies beyond the ends."""
    own = two_site(sd_atp_ppm=0.15, sd_mgatp_ppm=0.045, sd_kd_uM=8.0)
    few = at(shift, sd, own, sd_ln_kd, level).interval_mM
    rng = np.random.default_rng(2)
    on_sphere = rng.standard_normal((5, 400_000))
    on_sphere *= ndtri(0.5 + level / 2) / np.sqrt((on_sphere**2).sum(axis=0))
    d, kappa, atp, mgatp, kd = (on_sphere.T * [sd, sd_ln_kd, 0.15, 0.045, 8.0 / 38.0]).T
    mg = 0.038 * np.exp(kappa + kd) * (10.91 + atp - shift - d) / (shift + d - 8.35 - mgatp)
    inside = (10.91 + atp > shift + d) & (shift + d > 8.35 + mgatp)
    assert few[0] <= mg[inside].min()
    assert few[1] >= mg[inside].max()
