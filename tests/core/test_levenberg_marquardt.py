"""The solver on problems whose solution is known from elsewhere; nothing here knows of spectra."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.optimize

from p31mg.core.bins import NormalEquations
from p31mg.core.levenberg_marquardt import minimise

INFINITE = np.inf


@dataclass
class Problem:
    """Residual r(x), its Jacobian, and sum r_i times the second derivative of r_i; counts its evaluations."""

    residual: Callable
    jacobian: Callable
    curvature: Callable
    start: tuple[float, ...]
    lower: tuple[float, ...] = (-INFINITE, -INFINITE)
    upper: tuple[float, ...] = (INFINITE, INFINITE)
    calls: int = field(default=0, compare=False)

    def equations(self, x, near):
        self.calls += 1
        r, jacobian = np.asarray(self.residual(x)), np.asarray(self.jacobian(x))
        information = jacobian.T @ jacobian
        hessian = information + near * np.asarray(self.curvature(x))
        return r @ r, -jacobian.T @ r, information, hessian


def solve(*problems, max_iterations=200, tolerance=1e-12, degrees_of_freedom=10):
    """Minimise problems as one batch."""

    def evaluate(x, which, near):
        rows = [problems[i].equations(row, flag) for i, row, flag in zip(which, x, near, strict=True)]
        return NormalEquations(*(np.array(column) for column in zip(*rows, strict=True)))

    return minimise(
        evaluate,
        *(np.array([getattr(p, name) for p in problems], dtype=float) for name in ("start", "lower", "upper")),
        energy=np.array([float(np.sum(np.square(p.residual(np.zeros(2))))) for p in problems]),
        degrees_of_freedom=degrees_of_freedom,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )


def no_curvature(x):
    return np.zeros((2, 2))


DESIGN = np.random.default_rng(4).standard_normal((12, 2)) * [1.0, 1e4]
TARGET = DESIGN @ [3.0, -2e-4] + 0.1 * np.random.default_rng(5).standard_normal(12)
LINEAR_SOLUTION = np.linalg.lstsq(DESIGN, TARGET, rcond=None)[0]


def linear(**changes):
    return Problem(lambda x: TARGET - DESIGN @ x, lambda _: -DESIGN, no_curvature, **{"start": (0.0, 0.0), **changes})


def rosenbrock(**changes):
    return Problem(
        residual=lambda x: [10 * (x[1] - x[0] ** 2), 1 - x[0]],
        jacobian=lambda x: [[-20 * x[0], 10.0], [-1.0, 0.0]],
        curvature=lambda x: [[-200 * (x[1] - x[0] ** 2), 0.0], [0.0, 0.0]],
        **{"start": (-1.2, 1.0), **changes},
    )


TIME = np.linspace(0, 3, 20)
DECAY = 2.0 * np.exp(-1.3 * TIME) + 0.05 * np.random.default_rng(6).standard_normal(20)


def decay(**changes):
    """DECAY against a exp(-b t): a problem with a residual left over."""

    def residual(x):
        return DECAY - x[0] * np.exp(-x[1] * TIME)

    def jacobian(x):
        e = np.exp(-x[1] * TIME)
        return np.stack([-e, x[0] * TIME * e], axis=-1)

    def curvature(x):
        te, r = TIME * np.exp(-x[1] * TIME), residual(x)
        mixed = r @ te
        return [[0.0, mixed], [mixed, -x[0] * (r @ (TIME * te))]]

    return Problem(residual, jacobian, curvature, **{"start": (1.0, 0.5), **changes})


def uphill(**changes):
    """A gradient that lies: every step away from the start makes the cost larger."""
    return Problem(
        residual=lambda x: [2 + abs(x[0] - 1) + abs(x[1] - 1), 1.0],
        jacobian=lambda _: [[1.0, 1.0], [0.5, -0.5]],
        curvature=no_curvature,
        **{"start": (1.0, 1.0), **changes},
    )


class TestSolutions:
    def test_linear_problem_of_badly_scaled_columns(self):
        solution = solve(linear())
        assert solution.converged.all()
        np.testing.assert_allclose(solution.x[0], LINEAR_SOLUTION, rtol=1e-10)

    def test_rosenbrock_valley(self):
        solution = solve(rosenbrock())
        assert solution.converged.all()
        np.testing.assert_allclose(solution.x[0], [1.0, 1.0], rtol=1e-10)

    def test_decay_with_noise_agrees_with_scipy(self):
        expected = scipy.optimize.least_squares(decay().residual, (1.0, 0.5), xtol=1e-14, ftol=1e-14, gtol=1e-14).x
        # the minimum of a sum of squares is flat: a comparison of costs cannot place it better than sqrt(1e-16)
        np.testing.assert_allclose(solve(decay()).x[0], expected, rtol=1e-7)

    def test_quantities_returned_are_those_at_the_solution(self):
        problem = decay()
        solution = solve(problem)
        cost, gradient, information, _ = problem.equations(solution.x[0], near=False)
        diagonal = np.diag(information)
        # one last step before: at most 0.01 standard errors in x, its square in the cost
        assert solution.at.cost[0] == pytest.approx(cost, rel=1e-5)
        np.testing.assert_allclose(solution.at.gradient[0], gradient, atol=1e-2 * np.sqrt(cost * diagonal.max()))
        np.testing.assert_allclose(solution.at.diagonal[0], diagonal, rtol=1e-2)

    @pytest.mark.parametrize("factor", [1e-9, 1e9])
    def test_scale_of_the_residual_changes_nothing(self, factor):
        plain = decay()
        scaled = Problem(
            lambda x: factor * plain.residual(x),
            lambda x: factor * plain.jacobian(x),
            lambda x: factor**2 * np.asarray(plain.curvature(x)),
            plain.start,
        )
        one, other = solve(plain), solve(scaled)
        assert one.n_iterations == other.n_iterations
        # rounding of factor times residual only
        np.testing.assert_allclose(other.x, one.x, rtol=1e-12)


class TestBounds:
    def test_start_is_moved_into_the_bounds(self):
        solution = solve(rosenbrock(start=(7.0, -7.0), lower=(-2.0, -2.0), upper=(2.0, 2.0)), max_iterations=0)
        np.testing.assert_array_equal(solution.x[0], [2.0, -2.0])

    def test_inactive_bounds_change_nothing(self):
        free, bounded = solve(decay()), solve(decay(lower=(0.0, 0.0), upper=(100.0, 100.0)))
        np.testing.assert_array_equal(free.x, bounded.x)
        assert not bounded.held.any()

    def test_rosenbrock_against_an_upper_bound(self):
        solution = solve(rosenbrock(upper=(0.5, INFINITE)))
        assert solution.converged.all()
        # what a damping of 1e-3 leaves of a last step of 1e-4 standard errors, which are 0.05 here
        np.testing.assert_allclose(solution.x[0], [0.5, 0.25], rtol=1e-8)
        assert solution.held.tolist() == [[True, False]]

    @pytest.mark.parametrize(
        ("lower", "upper"),
        [
            ((-INFINITE, -INFINITE), (2.5, INFINITE)),
            ((3.5, -INFINITE), (INFINITE, INFINITE)),
            ((-INFINITE, -1e-4), (INFINITE, INFINITE)),
            ((3.5, -INFINITE), (4.0, -3e-4)),
        ],
        ids=["first from above", "first from below", "second from below", "both"],
    )
    def test_linear_problem_agrees_with_scipy(self, lower, upper):
        expected = scipy.optimize.lsq_linear(DESIGN, TARGET, (lower, upper), tol=1e-15)
        solution = solve(linear(lower=lower, upper=upper))
        assert solution.converged.all()
        # scipy's own answer stops at about 1e-8
        np.testing.assert_allclose(solution.x[0], expected.x, rtol=1e-7)

    def test_parameter_without_influence_is_held_where_it_started(self):
        problem = Problem(lambda x: [x[0] - 3.0, 1.0], lambda _: [[1.0, 0.0], [0.0, 0.0]], no_curvature, (0.0, 5.0))
        solution = solve(problem)
        assert solution.converged.all()
        assert solution.held.tolist() == [[False, True]]
        np.testing.assert_allclose(solution.x[0], [3.0, 5.0], rtol=1e-12)


class TestStopping:
    def test_problem_that_never_falls_ends_at_its_start_and_not_converged(self):
        solution = solve(uphill())
        assert not solution.converged.any()
        np.testing.assert_array_equal(solution.x[0], [1.0, 1.0])
        assert solution.n_iterations[0] < 200

    @pytest.mark.parametrize("most", [0, 1, 3])
    def test_max_iterations(self, most):
        solution = solve(rosenbrock(), max_iterations=most)
        assert solution.n_iterations.tolist() == [most]
        assert not solution.converged.any()

    def test_evaluations_are_those_really_made(self):
        problems = [rosenbrock(), linear(), decay(), uphill()]
        solution = solve(*problems)
        assert solution.n_evaluations.tolist() == [p.calls for p in problems]
        # the last step of a problem that converges is taken without a further evaluation
        np.testing.assert_array_equal(solution.n_evaluations, solution.n_iterations + 1 - solution.converged)

    def test_start_at_the_solution_needs_one_iteration(self):
        solution = solve(linear(start=tuple(LINEAR_SOLUTION)))
        assert solution.converged.all()
        assert solution.n_iterations.tolist() == [1]

    def test_cost_never_rises(self):
        costs = [solve(rosenbrock(), max_iterations=n).at.cost[0] for n in range(25)]
        assert (np.diff(costs) <= 0).all()

    def test_no_problems_at_all(self):
        empty = np.empty((0, 2))
        none = NormalEquations(np.empty(0), empty, np.empty((0, 2, 2)), np.empty((0, 2, 2)))

        def evaluate(x, which, near):
            return none

        solution = minimise(
            evaluate,
            empty,
            empty,
            empty,
            energy=np.empty(0),
            degrees_of_freedom=1,
            tolerance=1e-10,
            max_iterations=5,
        )
        assert solution.x.shape == (0, 2)
        assert solution.converged.shape == (0,)


class TestBatch:
    MIXTURE = (rosenbrock, linear, uphill, decay)

    @pytest.mark.parametrize("i", range(4))
    def test_outcome_does_not_depend_on_the_neighbours(self, i):
        together = solve(*(make() for make in self.MIXTURE))
        alone = solve(self.MIXTURE[i]())
        np.testing.assert_array_equal(together.x[i], alone.x[0])
        np.testing.assert_array_equal(together.held[i], alone.held[0])
        for name in ("converged", "n_iterations", "n_evaluations"):
            assert getattr(together, name)[i] == getattr(alone, name)[0]

    def test_inputs_are_left_alone(self):
        start = np.array([[-1.2, 1.0]])
        start.flags.writeable = False
        bound = np.full((1, 2), INFINITE)
        problem = rosenbrock()

        def evaluate(x, which, near):
            return NormalEquations(*(np.array([v]) for v in problem.equations(x[0], near[0])))

        solution = minimise(
            evaluate,
            start,
            -bound,
            bound,
            energy=np.ones(1),
            degrees_of_freedom=1,
            tolerance=1e-12,
            max_iterations=100,
        )
        np.testing.assert_allclose(solution.x[0], [1.0, 1.0], rtol=1e-10)
        np.testing.assert_array_equal(start, [[-1.2, 1.0]])
