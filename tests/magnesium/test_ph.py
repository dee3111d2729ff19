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
