"""Least-squares quantities on bins of the transform against loops over points, bins, lines and parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from p31mg.core.bins import BinModel, exponential_bins
from p31mg.core.signal import Sampling

SAMPLING = Sampling(97, 2e-4, 0.0)
CASES = {
    "from zero": {"n_points": 64, "begin_time_s": 0.0},
    "late start": {"n_points": 70, "begin_time_s": 2.3e-3, "bins": (-35, 35)},
    "negative begin time": {"n_points": 97, "begin_time_s": -3e-4, "bins": (-11, 17)},
}
FREE_NAMES = (
    "reference frequency",
    "doublet from reference",
    "four lines from reference",
    "reference width",
    "shared width",
    "reference amplitude",
    "doublet amplitude",
    "four lines amplitude",
    "phase",
)
N_FREE = len(FREE_NAMES)

ROUNDING = 1e-10
"""Relative to the largest element: differences of sums lose a few digits of the sixteen."""


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES.keys())
def problem(request, small_problem):
    return small_problem(**request.param)


@pytest.mark.parametrize("width_hz", [2.0, 20.0, 500.0])
@pytest.mark.parametrize("begin_time_s", [-3e-4, 0.0, 2e-3])
def test_transform_of_an_exponential(oracles, width_hz, begin_time_s):
    times = oracles.times_s(97, 2e-4, begin_time_s)
    signal_of_line = oracles.fid([130.0, width_hz, 1.0, 0.0], [(0, 0.0, 1.0)], times)
    sampling = replace(SAMPLING, begin_time_s=begin_time_s)
    actual = exponential_bins(np.array(2j * np.pi * 130.0 - np.pi * width_hz), np.arange(-48, 49), sampling)
    expected = oracles.binned(signal_of_line, range(-48, 49)) * np.sqrt(97)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def stacked_residual(oracles, problem, p):
    return oracles.binned_parts(oracles.residual(p, problem.oracle_lines, problem.times, problem.data), problem.bins)


def stacked_jacobian(oracles, problem, p):
    return oracles.binned_parts(oracles.jacobian(p, problem.oracle_lines, problem.times), problem.bins)


def gradient_by_loops(oracles, problem, x):
    """J^T r of the free parameters, with J by complex steps."""
    p = problem.physical(x)
    return problem.lines.ties.T @ (stacked_jacobian(oracles, problem, p).T @ stacked_residual(oracles, problem, p))


def steps_of(x):
    """A thousandth of each value: fourth-order differences are then good to 1e-8 of the slope."""
    return 1e-3 * np.abs(x)


DIFFERENCES = 1e-7
"""Relative; see `steps_of`."""


@pytest.fixture(scope="module")
def gradient(problem, oracles):
    return gradient_by_loops(oracles, problem, problem.x)


@pytest.fixture(scope="module")
def information(problem, oracles):
    """J^T J of the free parameters."""
    jacobian = stacked_jacobian(oracles, problem, problem.physical(problem.x)) @ problem.lines.ties
    return jacobian.T @ jacobian


@pytest.fixture(scope="module")
def second(problem, oracles):
    """Half the second derivative of the cost by the free parameters."""
    return -oracles.derivative(lambda x: gradient_by_loops(oracles, problem, x), problem.x, steps_of(problem.x))


class TestLeastSquares:
    def test_cost_is_the_squared_residual(self, problem, oracles):
        stacked = stacked_residual(oracles, problem, problem.physical(problem.x))
        cost = problem.evaluate(problem.x).cost[0]
        assert cost == pytest.approx(stacked @ stacked, rel=0, abs=1e-13 * problem.energy)

    @pytest.mark.parametrize("j", range(N_FREE), ids=FREE_NAMES)
    def test_gradient(self, problem, gradient, j):
        assert problem.evaluate(problem.x).gradient[0, j] == pytest.approx(gradient[j], rel=1e-10)

    @pytest.mark.parametrize("j", range(N_FREE), ids=FREE_NAMES)
    def test_gradient_is_minus_half_the_slope_of_the_cost(self, problem, information, oracles, j):
        slope = oracles.derivative(lambda x: problem.evaluate(x).cost, problem.x, steps_of(problem.x))[0, j]
        scale = np.sqrt(problem.energy * information[j, j])
        assert problem.evaluate(problem.x).gradient[0, j] == pytest.approx(-slope / 2, rel=0, abs=DIFFERENCES * scale)

    @pytest.mark.parametrize("near", [False, True])
    def test_diagonal_is_that_of_the_information(self, problem, information, near):
        diagonal = problem.evaluate(problem.x, near=near).diagonal[0]
        np.testing.assert_allclose(diagonal, np.diag(information), rtol=ROUNDING)

    @pytest.mark.parametrize("j", range(N_FREE), ids=FREE_NAMES)
    def test_far_hessian_is_the_information(self, problem, information, j):
        hessian = problem.evaluate(problem.x, near=False).hessian[0]
        scale = np.sqrt(np.diag(information) * information[j, j])
        np.testing.assert_array_less(np.abs(hessian[j] - information[j]), ROUNDING * scale)

    @pytest.mark.parametrize("j", range(N_FREE), ids=FREE_NAMES)
    def test_near_hessian_is_half_the_second_derivative_of_the_cost(self, problem, information, second, j):
        hessian = problem.evaluate(problem.x, near=True).hessian[0]
        scale = np.sqrt(np.diag(information) * information[j, j])
        np.testing.assert_array_less(np.abs(hessian[j] - second[j]), DIFFERENCES * scale)

    def test_hessians_differ_on_data_that_the_model_does_not_fit(self, problem):
        far, near = (problem.evaluate(problem.x, near=flag).hessian for flag in (False, True))
        assert np.abs(near - far).max() > 0.1 * np.abs(far).max()

    @pytest.mark.parametrize("near", [False, True])
    def test_hessians_are_symmetric(self, problem, near):
        hessian = problem.evaluate(problem.x, near=near).hessian[0]
        np.testing.assert_allclose(hessian, hessian.T, rtol=1e-13, atol=1e-15 * np.abs(hessian).max())

    def test_gradient_vanishes_on_data_of_the_model(self, problem, information, oracles):
        exact = oracles.fid(problem.physical(problem.x), problem.oracle_lines, problem.times)
        fitted = replace(problem, data=exact)
        scale = np.sqrt(np.diag(information) * fitted.energy)
        np.testing.assert_array_less(np.abs(fitted.evaluate(problem.x).gradient[0]), ROUNDING * scale)


class TestInformation:
    """Of the parameters p themselves, before ties."""

    def test_expected_is_that_of_the_stacked_jacobian(self, problem, oracles):
        p = problem.physical(problem.x)
        jacobian = stacked_jacobian(oracles, problem, p)
        expected = jacobian.T @ jacobian
        scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        np.testing.assert_array_less(np.abs(problem.curvatures(p)[0] - expected), ROUNDING * scale)

    def test_observed_is_half_the_second_derivative_of_the_cost(self, problem, oracles):
        p = problem.physical(problem.x)

        def gradient(p):
            return stacked_jacobian(oracles, problem, p).T @ stacked_residual(oracles, problem, p)

        second = -oracles.derivative(gradient, p, steps_of(p))
        diagonal = np.diag(problem.curvatures(p)[0])
        scale = np.sqrt(np.outer(diagonal, diagonal))
        np.testing.assert_array_less(np.abs(problem.curvatures(p)[1] - second), DIFFERENCES * scale)

    def test_both_agree_where_the_model_fits(self, problem, oracles):
        p = problem.physical(problem.x)
        exact = replace(problem, data=oracles.fid(p, problem.oracle_lines, problem.times))
        expected, observed = exact.curvatures(p)
        np.testing.assert_allclose(observed, expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


def test_problems_of_a_stack_are_evaluated_apart(small_problem):
    problem = small_problem()
    model = BinModel(problem.lines, problem.sampling, problem.bins)
    x = np.stack([problem.x, 1.05 * problem.x, 0.95 * problem.x])
    data = np.stack([problem.transform, 2j * problem.transform, problem.transform[::-1]])
    near = np.array([True, False, True])
    stack = model.evaluate(x, data, near)
    for i in range(3):
        one = slice(i, i + 1)
        alone = model.evaluate(x[one], data[one], near[one])
        for name in ("cost", "gradient", "information", "hessian"):
            np.testing.assert_array_equal(getattr(stack, name)[i], getattr(alone, name)[0])
