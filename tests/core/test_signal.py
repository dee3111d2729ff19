"""Model, sums and least-squares quantities against loops over points, lines and parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from p31mg.core import signal

SAMPLINGS = {
    "from zero": {"n_points": 64, "begin_time_s": 0.0},
    "late start": {"n_points": 70, "begin_time_s": 2.3e-3},
    "negative begin time": {"n_points": 97, "begin_time_s": -3e-4},
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

ROUNDING = 1e-11
"""Relative to the largest element: geometric series and powers by doubling lose a few digits of the sixteen."""


@pytest.fixture(scope="module", params=SAMPLINGS.values(), ids=SAMPLINGS.keys())
def problem(request, small_problem):
    return small_problem(**request.param)


def assert_close(actual, expected, tolerance=ROUNDING):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


class TestModel:
    def test_sum_of_resonances_at_once(self, problem, oracles):
        p = problem.physical(problem.x) * np.array([[1.0], [0.9]])
        model = signal.model_sum(p, problem.lines, problem.sampling)
        for i in range(2):
            assert_close(model[i], oracles.fid(p[i], problem.oracle_lines, problem.times))

    def test_norms(self, problem):
        p = problem.physical(problem.x)
        model = signal.model_fid(p, problem.lines, problem.sampling)
        assert_close(signal.norms(p[None], problem.lines, problem.sampling)[0], np.linalg.norm(model, axis=-1))

    def test_sum_of_resonances_is_the_equation_of_the_conventions(self, problem, oracles):
        p = problem.physical(problem.x)
        model = signal.model_fid(p, problem.lines, problem.sampling)
        assert_close(model.sum(axis=0), oracles.fid(p, problem.oracle_lines, problem.times))

    @pytest.mark.parametrize("k", range(3))
    def test_each_resonance_is_the_equation_with_the_other_amplitudes_zero(self, problem, oracles, k):
        p = problem.physical(problem.x)
        alone = p.copy()
        alone[6:9] = np.where(np.arange(3) == k, p[6:9], 0.0)
        model = signal.model_fid(p, problem.lines, problem.sampling)
        assert_close(model[k], oracles.fid(alone, problem.oracle_lines, problem.times))

    def test_batch_axes_lead(self, problem):
        p = problem.physical(problem.x) * np.linspace(0.9, 1.1, 6).reshape(2, 3, 1)
        model = signal.model_fid(p, problem.lines, problem.sampling)
        assert model.shape == (2, 3, 3, problem.sampling.n_points)
        assert_close(model[1, 2], signal.model_fid(p[1, 2], problem.lines, problem.sampling))

    def test_ties(self, problem):
        assert_close(problem.lines.physical(problem.x), problem.physical(problem.x))


def direct_gram(oracles, problem, p, power):
    """Sum over the points of t^power conj(m_k) m_l, each m with unit amplitude and phase 0."""
    vectors = []
    for k in range(3):
        unit = np.concatenate([p[:6], np.arange(3) == k, [0.0]])
        vectors.append(oracles.fid(unit, problem.oracle_lines, problem.times))
    t = np.array(problem.times) ** power
    return np.array([[(t * np.conj(a) * b).sum() for b in vectors] for a in vectors])


def direct_moments(oracles, problem, p, power):
    t = np.array(problem.times) ** power
    out = []
    for k in range(3):
        unit = np.concatenate([p[:6], np.arange(3) == k, [0.0]])
        out.append((t * np.conj(oracles.fid(unit, problem.oracle_lines, problem.times)) * problem.data).sum())
    return np.array(out)


WIDTHS_HZ = {"narrow": 1.0, "usual": 20.0, "broad": 500.0}


class TestSums:
    """Closed forms against sums over the points, for every power of the time."""

    @pytest.mark.parametrize("power", [0, 1, 2])
    @pytest.mark.parametrize("width", WIDTHS_HZ.values(), ids=WIDTHS_HZ.keys())
    @pytest.mark.parametrize("n_points", [64, 97, 300])
    @pytest.mark.parametrize("begin_time_s", [-3e-4, 0.0, 2e-3])
    def test_gram(self, small_problem, oracles, begin_time_s, n_points, width, power):
        problem = small_problem(n_points=n_points, begin_time_s=begin_time_s)
        p = problem.physical(problem.x)
        p[3:6] = width
        # a line of 1 Hz is 1/71 of 1/(64 x 0.2 ms); each of the two divisions of the series loses that factor
        tolerance = ROUNDING if width > 1 else 1e-9
        assert_close(problem.gram(p)[power], direct_gram(oracles, problem, p, power), tolerance)

    @pytest.mark.parametrize("power", [0, 1, 2])
    @pytest.mark.parametrize("width", WIDTHS_HZ.values(), ids=WIDTHS_HZ.keys())
    @pytest.mark.parametrize("n_points", [64, 97, 300])
    @pytest.mark.parametrize("begin_time_s", [-3e-4, 0.0, 2e-3])
    def test_moments(self, small_problem, oracles, begin_time_s, n_points, width, power):
        problem = small_problem(n_points=n_points, begin_time_s=begin_time_s)
        p = problem.physical(problem.x)
        p[3:6] = width
        assert_close(problem.moments(p)[power], direct_moments(oracles, problem, p, power))


def gradient_by_loops(oracles, problem, x):
    """J^T r of the free parameters, with J by complex steps."""
    p = problem.physical(x)
    stacked = oracles.residual(p, problem.oracle_lines, problem.times, problem.data)
    return problem.lines.ties.T @ (oracles.jacobian(p, problem.oracle_lines, problem.times).T @ stacked)


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
    jacobian = oracles.jacobian(problem.physical(problem.x), problem.oracle_lines, problem.times) @ problem.lines.ties
    return jacobian.T @ jacobian


@pytest.fixture(scope="module")
def second(problem, oracles):
    """Half the second derivative of the cost by the free parameters."""
    return -oracles.derivative(lambda x: gradient_by_loops(oracles, problem, x), problem.x, steps_of(problem.x))


class TestLeastSquares:
    def test_cost_is_the_squared_residual(self, problem, oracles):
        stacked = oracles.residual(problem.physical(problem.x), problem.oracle_lines, problem.times, problem.data)
        cost = problem.evaluate(problem.x).cost[0]
        # the cost is the energy less what is explained: its rounding is relative to the energy
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
        np.testing.assert_allclose(diagonal, np.diag(information), rtol=1e-11)

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
        jacobian = oracles.jacobian(p, problem.oracle_lines, problem.times)
        expected = jacobian.T @ jacobian
        scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        np.testing.assert_array_less(np.abs(problem.curvatures(p)[0] - expected), ROUNDING * scale)

    def test_observed_is_half_the_second_derivative_of_the_cost(self, problem, oracles):
        p = problem.physical(problem.x)

        def gradient(p):
            stacked = oracles.residual(p, problem.oracle_lines, problem.times, problem.data)
            return oracles.jacobian(p, problem.oracle_lines, problem.times).T @ stacked

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
    x = np.stack([problem.x, 1.05 * problem.x, 0.95 * problem.x])
    data = np.stack([problem.data, 2j * problem.data, problem.data[::-1]])
    energy = (np.abs(data) ** 2).sum(axis=-1)
    near = np.array([True, False, True])
    stack = signal.evaluate(x, energy, problem.sampling.blocks(data), problem.lines, problem.sampling, near)
    for i in range(3):
        one = slice(i, i + 1)
        blocks = problem.sampling.blocks(data[one])
        alone = signal.evaluate(x[one], energy[one], blocks, problem.lines, problem.sampling, near[one])
        # matrix products of a stack may add in another order than those of one problem
        np.testing.assert_allclose(stack.cost[i], alone.cost[0], rtol=1e-13)
        np.testing.assert_allclose(stack.gradient[i], alone.gradient[0], rtol=1e-11)
        np.testing.assert_allclose(stack.hessian[i], alone.hessian[0], rtol=1e-11, atol=1e-14)
