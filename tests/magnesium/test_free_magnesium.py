"""`free_magnesium`: errors, intervals, what is refused and what is flagged, and the way from a fit."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg.magnesium import get_calibration, get_ph_equation

CALIBRATION_NAMES = ("gupta-1978", "gupta-1984", "iotti-1996")
MIDDLE_PPM = {"gupta-1978": 8.55, "gupta-1984": 8.55, "iotti-1996": -16.1}
N_DRAWS = 200_000


def draws_mM(shift, sd, calibration):
    """Magnesium of normal shifts; beyond the bound limit it is infinite, beyond the free limit zero."""
    shifts = shift + sd * np.random.default_rng(9).standard_normal(N_DRAWS)
    low, high = calibration.shift_range_ppm
    mg = calibration.free_mg_mM(shifts)
    falling = calibration.quantity == "shift_alpha_beta_ppm"
    mg[shifts <= low] = np.inf if falling else 0.0
    mg[shifts >= high] = 0.0 if falling else np.inf
    return mg


class TestInterval:
    @pytest.mark.parametrize("level", [0.5, 0.95])
    @pytest.mark.parametrize("sd", [0.003, 0.03])
    @pytest.mark.parametrize("name", CALIBRATION_NAMES)
    def test_ends_are_the_quantiles(self, name, sd, level):
        mg = p31mg.free_magnesium(MIDDLE_PPM[name], sd_ppm=sd, calibration=name, level=level)
        draws = draws_mM(MIDDLE_PPM[name], sd, mg.calibration)
        tail = (1 - level) / 2
        tolerance = 5 * np.sqrt(tail * (1 - tail) / N_DRAWS)  # five standard errors of a counted fraction
        low, high = mg.interval_mM
        assert (draws < low).mean() == pytest.approx(tail, abs=tolerance)
        assert (draws > high).mean() == pytest.approx(tail, abs=tolerance)

    def test_is_skewed_towards_high_magnesium(self):
        mg = p31mg.free_magnesium(8.45, sd_ppm=0.03)
        low, high = mg.interval_mM
        assert high - mg.free_mg_mM > 2 * (mg.free_mg_mM - low)

    @pytest.mark.parametrize(
        ("name", "shift", "open_end"),
        [
            ("gupta-1978", 8.37, np.inf),
            ("gupta-1984", 8.34, np.inf),
            ("iotti-1996", -15.76, np.inf),
            ("gupta-1978", 10.89, 0.0),
            ("iotti-1996", -18.56, 0.0),
        ],
    )
    def test_end_beyond_a_limit_is_infinite_or_zero_and_flagged(self, name, shift, open_end):
        mg = p31mg.free_magnesium(shift, sd_ppm=0.02, calibration=name)
        ends = shift + 1.959963984540054 * 0.02 * np.array([-1, 1])
        inside = mg.calibration.free_mg_mM(ends)
        expected = sorted([open_end, float(inside[np.isfinite(inside)][0])])
        np.testing.assert_allclose(mg.interval_mM, expected, rtol=1e-12)
        assert mg.interval_open
        assert mg.in_range
        assert not mg.is_valid

    def test_closed_away_from_the_limits(self):
        mg = p31mg.free_magnesium(8.55, sd_ppm=0.02)
        assert np.isfinite(mg.interval_mM).all()
        assert not mg.interval_open
        assert mg.is_valid

    def test_no_sd_no_interval(self):
        mg = p31mg.free_magnesium(8.55)
        assert np.isnan(mg.interval_mM).all()
        assert np.isnan(mg.sd_mM)
        assert mg.is_valid

    def test_no_error_no_width(self):
        mg = p31mg.free_magnesium(8.55, sd_ppm=0.0)
        np.testing.assert_array_equal(mg.interval_mM, [mg.free_mg_mM, mg.free_mg_mM])

    def test_wider_level_wider_interval(self):
        widths = [
            np.ptp(p31mg.free_magnesium(8.55, sd_ppm=0.02, level=level).interval_mM) for level in (0.5, 0.9, 0.99)
        ]
        assert (np.diff(widths) > 0).all()


@pytest.mark.parametrize("name", CALIBRATION_NAMES)
class TestPropagation:
    def test_sd_is_the_slope_times_the_sd_of_the_shift(self, name):
        d, sd = MIDDLE_PPM[name] + np.linspace(-0.05, 0.05, 5), 0.01
        mg = p31mg.free_magnesium(d, sd_ppm=sd, calibration=name)
        np.testing.assert_allclose(mg.sd_mM, np.abs(mg.calibration.slope_mM_per_ppm(d)) * sd, rtol=1e-14)

    def test_small_errors_scatter_as_stated(self, name):
        mg = p31mg.free_magnesium(MIDDLE_PPM[name], sd_ppm=1e-4, calibration=name)
        # five standard errors of a standard deviation
        draws = draws_mM(MIDDLE_PPM[name], 1e-4, mg.calibration)
        assert draws.std() == pytest.approx(float(mg.sd_mM), rel=5 / np.sqrt(2 * N_DRAWS))

    def test_p_mg(self, name):
        mg = p31mg.free_magnesium(MIDDLE_PPM[name], calibration=name)
        assert float(mg.p_mg) == pytest.approx(-np.log10(1e-3 * float(mg.free_mg_mM)), rel=1e-14)


class TestRefusals:
    @pytest.mark.parametrize(
        ("shift", "options", "message"),
        [
            (
                8.2,
                {},
                r"shift is 8\.2 ppm; calibration 'gupta-1978' takes delta\(alpha\).*between 8\.35 and 10\.91 ppm",
            ),
            (8.35, {}, r"shift is 8\.35 ppm; .*between 8\.35 and 10\.91"),
            (11.0, {}, r"shift is 11 ppm; .*between 8\.35 and 10\.91"),
            ([8.2], {}, r"shift is 8\.2 ppm"),
            (
                -15.0,
                {"calibration": "iotti-1996"},
                r"'iotti-1996' takes delta\(beta\).*between -18\.58 and -15\.74 ppm",
            ),
            (8.55, {"calibration": "iotti-1996"}, r"shift is 8\.55 ppm; .*a negative number near -16\.1"),
            (-16.1, {}, r"shift is -16\.1 ppm; .*a positive number near 8\.5"),
            ([-8.5, -8.6], {}, r"shift is -8\.5 ppm; .*a positive number"),
            ([8.5, 8.6], {"calibration": "iotti-1996"}, r"a negative number near -16\.1"),
            ("eight", {}, r"shift is 'eight'; it must be a number"),
            (8.55, {"sd_ppm": -0.01}, r"sd_ppm is -0\.01; a standard deviation cannot be negative"),
            (8.55, {"sd_ppm": np.inf}, r"sd_ppm is inf; a standard deviation cannot be negative or infinite"),
            (8.55, {"sd_ppm": "small"}, r"sd_ppm is 'small'; it must be a number"),
            (8.55, {"ph": 70}, r"ph is 70; a tissue pH is between 5 and 9"),
            ([8.5, 8.6], {"ph": 4.9}, r"ph is 4\.9"),
            (8.55, {"ph": np.nan}, r"ph is nan"),
            ([8.5, 8.6], {"sd_ppm": [0.01] * 3}, r"sd_ppm has shape \(3,\) and shift \(2,\)"),
            (8.55, {"temperature_c": 310}, r"temperature_c is 310; give degrees Celsius .*kelvin"),
            (8.55, {"temperature_c": -1}, r"temperature_c is -1"),
            (8.55, {"level": 1.5}, r"level is 1\.5; it must lie between 0 and 1"),
            (8.55, {"level": 0.0}, r"level is 0\.0"),
            (8.55, {"level": 95}, r"level is 95; .*0\.95 for a 95 % interval"),
            (8.55, {"level": np.nan}, r"level is nan"),
        ],
    )
    def test_input(self, shift, options, message):
        with pytest.raises(p31mg.InputError, match=message):
            p31mg.free_magnesium(shift, **options)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"calibration": "gupta-1987"}, r"calibration 'gupta-1987' is not known; the nearest are 'gupta-1984'"),
            ({"ph_equation": "taylor"}, r"pH equation 'taylor' is not known"),
        ],
    )
    def test_unknown_names(self, options, message):
        with pytest.raises(p31mg.UnknownNameError, match=message):
            p31mg.free_magnesium(8.55, **options)


class TestArrays:
    SHIFTS = np.array([[8.50, 8.20, 11.0], [np.nan, 8.60, -8.55]])

    def test_outside_the_range_is_nan_and_flagged(self):
        mg = p31mg.free_magnesium(self.SHIFTS, sd_ppm=0.01)
        expected = [[True, False, False], [False, True, False]]
        assert mg.in_range.tolist() == expected
        assert mg.is_valid.tolist() == expected
        for values in (mg.free_mg_mM, mg.sd_mM, mg.p_mg, mg.interval_mM[..., 0], mg.interval_mM[..., 1]):
            assert np.isfinite(values).tolist() == expected

    def test_each_element_as_alone(self):
        mg = p31mg.free_magnesium(self.SHIFTS, sd_ppm=0.01)
        alone = p31mg.free_magnesium(8.60, sd_ppm=0.01)
        for name in ("free_mg_mM", "sd_mM", "p_mg", "interval_mM"):
            np.testing.assert_array_equal(getattr(mg, name)[1, 1], getattr(alone, name))

    @pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (0,), (2, 0)])
    def test_shapes(self, shape):
        mg = p31mg.free_magnesium(np.full(shape, 8.55), sd_ppm=0.01, ph=7.0)
        for name in (
            "free_mg_mM",
            "sd_mM",
            "p_mg",
            "in_range",
            "is_valid",
            "shift_ppm",
            "ph",
            "sd_ph",
            "temperature_c",
        ):
            assert getattr(mg, name).shape == shape
        assert mg.interval_mM.shape == (*shape, 2)
        assert len(mg.to_dataframe()) == np.prod(shape, dtype=int)

    def test_sd_broadcasts(self):
        mg = p31mg.free_magnesium(8.55, sd_ppm=[0.01, 0.02])
        assert mg.free_mg_mM.shape == (2,)
        assert mg.sd_mM[1] == pytest.approx(2 * mg.sd_mM[0], rel=1e-14)

    def test_input_is_left_alone(self):
        shifts = self.SHIFTS.copy()
        shifts.flags.writeable = False
        mg = p31mg.free_magnesium(shifts, sd_ppm=0.01)
        mg.shift_ppm[0, 0] = 0.0
        np.testing.assert_array_equal(shifts, self.SHIFTS)

    def test_nan_alone(self):
        mg = p31mg.free_magnesium(np.nan)
        assert np.isnan(mg.free_mg_mM)
        assert not mg.in_range


class TestRecord:
    def test_ph_and_temperature_are_kept_and_change_nothing(self):
        plain, told = p31mg.free_magnesium(8.55), p31mg.free_magnesium(8.55, ph=6.6, temperature_c=20.0)
        assert told.free_mg_mM == plain.free_mg_mM
        assert (float(told.ph), float(told.temperature_c), told.ph_source) == (6.6, 20.0, "given")
        assert (float(plain.temperature_c), plain.ph_source) == (37.0, "unknown")
        assert np.isnan(plain.ph)

    def test_table_has_shift_errors_calibration_and_conditions(self):
        table = p31mg.free_magnesium([8.50, 8.20], sd_ppm=0.01, ph=7.0, level=0.9).to_dataframe()
        assert table["shift_alpha_beta_ppm"].tolist() == [8.50, 8.20]
        assert table["in_range"].tolist() == [True, False]
        for column, value in {
            "sd_shift_alpha_beta_ppm": 0.01,
            "interval_level": 0.9,
            "ph": 7.0,
            "ph_source": "given",
            "temperature_c": 37.0,
            "calibration": "gupta-1978",
            "calibration_kd_uM": 38.0,
        }.items():
            assert (table[column] == value).all()
        upper_shift = 8.50 + 1.6448536269514722 * 0.01
        assert table["interval_low_mM"][0] == pytest.approx(
            float(get_calibration("gupta-1978").free_mg_mM(upper_shift))
        )

    def test_table_names_the_quantity_of_the_calibration(self):
        table = p31mg.free_magnesium([-16.1], calibration="iotti-1996").to_dataframe()
        assert "shift_beta_pcr_ppm" in table
        assert "shift_alpha_beta_ppm" not in table

    def test_printing_one_value_tells_how_to_repeat_it(self):
        text = repr(p31mg.free_magnesium(8.55, sd_ppm=0.01, ph=7.05))
        for part in (
            "gupta-1978",
            "kd_uM 38",
            "evidence B",
            "0.448 mM",
            "95% interval",
            "8.5500 ppm",
            "pH 7.05",
            "37 C",
        ):
            assert part in text

    def test_printing_many_values_counts_the_valid(self):
        assert "2 of 3 valid" in repr(p31mg.free_magnesium([8.5, 8.6, 8.2], sd_ppm=0.01))


class TestFromAFit:
    @pytest.mark.parametrize(
        ("name", "quantity"), [("gupta-1978", "shift_alpha_beta_ppm"), ("iotti-1996", "shift_beta_pcr_ppm")]
    )
    def test_equals_its_numbers(self, fitted, name, quantity):
        from_fit = p31mg.free_magnesium(fitted, calibration=name)
        numbers = p31mg.free_magnesium(
            getattr(fitted, quantity), sd_ppm=getattr(fitted, f"sd_{quantity}"), calibration=name
        )
        for field in ("free_mg_mM", "sd_mM", "interval_mM", "p_mg", "in_range", "interval_open", "shift_ppm"):
            np.testing.assert_array_equal(getattr(from_fit, field), getattr(numbers, field))

    def test_row_that_failed_is_nan_and_not_valid(self, fitted):
        mg = p31mg.free_magnesium(fitted)
        assert np.isnan(mg.free_mg_mM).tolist() == [[False] * 3, [False, False, True]]
        assert mg.is_valid.tolist() == (mg.in_range & fitted.is_valid).tolist()
        assert not mg.is_valid[1, 2]
        assert len(mg.to_dataframe()) == 6

    @pytest.mark.parametrize("name", ["taylor-1983", "petroff-1985"])
    def test_ph_is_read_from_pi(self, fitted, oracles, name):
        mg = p31mg.free_magnesium(fitted, ph_equation=name)
        equation = get_ph_equation(name)
        pi = fitted.chemical_shift_ppm[..., fitted.names.index("pi")]
        assert mg.ph_source == name
        expected = oracles.titration_ph(float(pi[0, 1]), equation.pka, equation.acid_ppm, equation.base_ppm)
        assert mg.ph[0, 1] == pytest.approx(expected, rel=1e-14)
        assert np.isnan(mg.ph[1, 2])

    def test_ph_comes_near_the_truth(self, fitted):
        mg = p31mg.free_magnesium(fitted)
        z = (mg.ph[0] - [6.8, 7.0, 7.2]) / mg.sd_ph[0]
        assert (np.abs(z) < 4).all()

    def test_sd_of_ph_by_finite_differences(self, fitted):
        mg = p31mg.free_magnesium(fitted)
        k, step = fitted.names.index("pi"), 1e-5
        pi, sd = fitted.chemical_shift_ppm[0, :, k], fitted.crlb_chemical_shift_ppm[0, :, k]
        equation = get_ph_equation("taylor-1983")
        slope = (equation.ph(pi + step) - equation.ph(pi - step)) / (2 * step)
        # central differences of 1e-5 ppm: rounding 1e-10
        np.testing.assert_allclose(mg.sd_ph[0], slope * sd, rtol=1e-8)

    def test_given_ph_replaces_that_of_pi(self, fitted):
        mg = p31mg.free_magnesium(fitted, ph=7.1)
        assert (mg.ph == 7.1).all()
        assert mg.ph_source == "given"
        assert np.isnan(mg.sd_ph).all()

    def test_given_ph_broadcasts_to_the_grid(self, fitted):
        mg = p31mg.free_magnesium(fitted, ph=[6.9, 7.0, 7.1])
        assert mg.ph.tolist() == [[6.9, 7.0, 7.1]] * 2

    def test_prior_without_pi_leaves_ph_unknown(self):
        prior = p31mg.load_prior("muscle-3t")
        few = p31mg.Prior(
            **{name: getattr(prior, name) for name in ("name", "description", "tissue", "field_strength_t")},
            resonances=tuple(r for r in prior.resonances if r.name != "pi"),
        )
        fit = p31mg.fit(p31mg.simulate(0.5, prior=few, snr=300, seed=1, n_points=512), prior=few)
        mg = p31mg.free_magnesium(fit)
        assert mg.ph_source == "unknown"
        assert np.isnan(mg.ph)
        assert np.isfinite(mg.free_mg_mM)

    def test_refuses_an_sd_of_its_own(self, fitted):
        with pytest.raises(p31mg.InputError, match=r"sd_ppm is given with a fit, which has its own sd; leave it out"):
            p31mg.free_magnesium(fitted, sd_ppm=0.01)

    def test_refuses_a_ph_of_another_shape(self, fitted):
        with pytest.raises(
            p31mg.InputError, match=r"ph has shape \(4,\); it must be one number or have the shape \(2, 3\)"
        ):
            p31mg.free_magnesium(fitted, ph=[7.0] * 4)

    def test_anything_with_the_fields_of_a_fit_will_do(self):
        class Fields:
            shift_alpha_beta_ppm = np.array([8.55])
            sd_shift_alpha_beta_ppm = np.array([0.01])
            shift_beta_pcr_ppm = np.array([-16.1])
            sd_shift_beta_pcr_ppm = np.array([0.01])
            chemical_shift_ppm = np.array([[0.0, -7.5, -16.1]])
            names = ("pcr", "alpha_atp", "beta_atp")
            is_valid = np.array([False])

        mg = p31mg.free_magnesium(Fields())
        assert mg.free_mg_mM[0] == get_calibration("gupta-1978").free_mg_mM(8.55)
        assert not mg.is_valid.any()
