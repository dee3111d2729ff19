"""pH from Pi."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg.magnesium import get_ph_equation, ph_equations

CONSTANTS = {"taylor-1983": (6.75, 3.27, 5.69), "petroff-1985": (6.77, 3.29, 5.68)}
SHIFTS_PPM = (4.70, 4.82, 4.90)
VECTORS = {"taylor-1983": ("6.910", "7.001", "7.065"), "petroff-1985": ("6.928", "7.020", "7.085")}


def test_all_equations_are_tested():
    assert set(ph_equations()) == set(CONSTANTS) == set(VECTORS)


@pytest.mark.parametrize("name", CONSTANTS)
class TestEquation:
    def test_published_numbers_to_the_printed_digits(self, name):
        assert tuple(f"{ph:.3f}" for ph in get_ph_equation(name).ph(SHIFTS_PPM)) == VECTORS[name]

    def test_constants(self, name):
        equation = get_ph_equation(name)
        assert (equation.pka, equation.acid_ppm, equation.base_ppm) == CONSTANTS[name]
        assert equation.source
        assert equation.evidence == "B"

    def test_titration_curve(self, name, oracles):
        shifts = np.linspace(3.4, 5.6, 23)
        expected = [oracles.titration_ph(float(d), *CONSTANTS[name]) for d in shifts]
        np.testing.assert_allclose(get_ph_equation(name).ph(shifts), expected, rtol=1e-14)

    def test_inverse(self, name):
        ph = np.linspace(5.5, 8.5, 13)
        equation = get_ph_equation(name)
        np.testing.assert_allclose(equation.ph(equation.shift_pi_pcr_ppm(ph)), ph, rtol=1e-12)

    def test_slope(self, name, oracles):
        shifts = np.linspace(3.6, 5.4, 10)
        equation = get_ph_equation(name)
        numeric = np.diag(oracles.derivative(equation.ph, shifts, np.full(10, 1e-3)))
        # fourth-order differences of 0.001 ppm, 0.3 ppm from the pole
        np.testing.assert_allclose(equation.slope_per_ppm(shifts), numeric, rtol=1e-9)

    @pytest.mark.parametrize("method", ["ph", "slope_per_ppm"])
    def test_nan_outside_the_limits(self, name, method):
        _, acid, base = CONSTANTS[name]
        assert np.isnan(getattr(get_ph_equation(name), method)([acid, base, 0.0, 9.0, np.nan])).all()


def test_unknown_equation_gives_the_nearest():
    with pytest.raises(
        p31mg.UnknownNameError, match=r"pH equation 'taylor-1938' is not known; the nearest are 'taylor-1983'"
    ):
        get_ph_equation("taylor-1938")


class TestReading:
    """`ph_from_pi`: pH with its sd and interval."""

    @pytest.mark.parametrize("equation", ["taylor-1983", "petroff-1985"])
    @pytest.mark.parametrize("level", [0.68, 0.95])
    def test_ends_are_the_quantiles(self, equation, level):
        d, sd, n = 4.6, 0.15, 200_000
        reading = p31mg.ph_from_pi(d, sd_ppm=sd, equation=equation, level=level)
        drawn = get_ph_equation(equation).ph(d + sd * np.random.default_rng(2).standard_normal(n))
        tail = (1 - level) / 2
        tolerance = 5 * np.sqrt(tail * (1 - tail) / n)  # five standard errors of a counted fraction
        low, high = reading.interval
        assert (drawn < low).mean() == pytest.approx(tail, abs=tolerance)
        assert (drawn > high).mean() == pytest.approx(tail, abs=tolerance)

    def test_sd_is_the_slope_times_that_of_the_shift(self):
        reading = p31mg.ph_from_pi([4.6, 4.8], sd_ppm=[0.01, 0.02])
        ends = [p31mg.ph_from_pi(np.array([4.6, 4.8]) + s).ph for s in (-1e-6, 1e-6)]
        # central differences of 1e-6 ppm: rounding 1e-9
        np.testing.assert_allclose(reading.sd_ph, (ends[1] - ends[0]) / 2e-6 * [0.01, 0.02], rtol=1e-7)

    def test_end_beyond_a_limit_is_infinite(self):
        low, high = p31mg.ph_from_pi(3.30, sd_ppm=0.05).interval
        assert low == -np.inf
        assert np.isfinite(high)
        assert p31mg.ph_from_pi(5.68, sd_ppm=0.05).interval[1] == np.inf

    def test_without_an_sd_there_is_no_interval(self):
        reading = p31mg.ph_from_pi(4.8)
        assert np.isnan(reading.interval).all()
        assert np.isnan(reading.sd_ph)

    @pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (0,)])
    def test_shapes(self, shape):
        reading = p31mg.ph_from_pi(np.full(shape, 4.8), sd_ppm=0.01)
        for name in ("ph", "sd_ph", "in_range", "shift_pi_pcr_ppm", "sd_shift_pi_pcr_ppm"):
            assert getattr(reading, name).shape == shape
        assert reading.interval.shape == (*shape, 2)

    def test_among_many_outside_is_nan_and_not_in_range(self):
        reading = p31mg.ph_from_pi([4.8, 3.0, np.nan, 6.0], sd_ppm=[0.01, 0.01, 0.01, -0.01])
        assert reading.in_range.tolist() == [True, False, False, False]
        for values in (reading.ph, reading.sd_ph, reading.interval[:, 0], reading.interval[:, 1]):
            assert np.isfinite(values).tolist() == [True, False, False, False]

    @pytest.mark.parametrize(
        ("shift", "options", "message"),
        [
            (
                3.27,
                {},
                r"shift_pi_pcr_ppm is 3\.27; pH equation 'taylor-1983' takes .* between 3\.27 \(H2PO4-\) and 5\.69 ppm",
            ),
            (
                5.7,
                {"equation": "petroff-1985"},
                r"5\.7; pH equation 'petroff-1985' takes .* between 3\.29 .* and 5\.68",
            ),
            ([6.0], {}, r"shift_pi_pcr_ppm is 6;"),
            ("low", {}, r"shift_pi_pcr_ppm is 'low'; it must be a number"),
            (4.8, {"sd_ppm": -0.1}, r"sd_ppm is -0\.1; a standard deviation cannot be negative"),
            (4.8, {"level": 2}, r"level is 2; it must lie between 0 and 1"),
            ([4.8, 4.9], {"sd_ppm": [0.1] * 3}, r"sd_ppm has shape \(3,\) and shift_pi_pcr_ppm \(2,\)"),
        ],
    )
    def test_refusals(self, shift, options, message):
        with pytest.raises(p31mg.InputError, match=message):
            p31mg.ph_from_pi(shift, **options)

    def test_outside_there_is_no_interval_although_one_end_may_be_inside(self):
        reading = p31mg.ph_from_pi([3.25, 4.8, 5.70], sd_ppm=0.02)
        assert np.isnan(reading.interval).all(axis=-1).tolist() == [True, False, True]

    def test_result_does_not_change_with_its_inputs(self):
        shifts, sds = np.array([4.7, 4.8]), np.array([0.01, 0.02])
        reading = p31mg.ph_from_pi(shifts, sd_ppm=sds)
        shifts[:], sds[:] = 0.0, 0.0
        assert reading.shift_pi_pcr_ppm.tolist() == [4.7, 4.8]
        assert reading.sd_shift_pi_pcr_ppm.tolist() == [0.01, 0.02]

    def test_list_is_no_equation(self):
        with pytest.raises(p31mg.UnknownNameError, match=r"pH equation \['taylor-1983'\] is not known"):
            p31mg.ph_from_pi(4.8, equation=["taylor-1983"])

    def test_unknown_equation(self):
        with pytest.raises(p31mg.UnknownNameError, match=r"pH equation 'taylor' is not known"):
            p31mg.ph_from_pi(4.8, equation="taylor")

    def test_printing(self):
        assert "2 of 3 in range" in repr(p31mg.ph_from_pi([4.8, 4.9, 6.0]))
        text = repr(p31mg.ph_from_pi(4.82, sd_ppm=0.01))
        assert all(part in text for part in ("taylor-1983", "evidence B", "pH 7.001", "4.8200 ppm"))
