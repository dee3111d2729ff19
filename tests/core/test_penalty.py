"""What is known of parameters beforehand, against a cost written out and its differences."""

from __future__ import annotations

import numpy as np
import pytest

from p31mg.core.bins import BinModel
from p31mg.core.penalty import Penalty


@pytest.fixture
def problem(small_problem):
    return small_problem()


@pytest.fixture
def penalty(problem):
    expected, inverse_variance = np.zeros((2, len(problem.x)))
    expected[[3, 8]], inverse_variance[[3, 8]] = [10.0, 0.5], [0.25, 40.0]
    return Penalty(expected, inverse_variance)


def at(problem, penalty, x, variance=0.3):
    model = BinModel(problem.lines, problem.sampling, problem.bins)
    of_data = model.evaluate(x[None], problem.transform[None], np.array([True]))
    return penalty.added(of_data, x[None], np.array([variance]))


def test_cost_is_that_of_the_data_and_of_the_distance_from_what_is_expected(problem, penalty):
    residual = problem.data - np.fft.ifft(np.fft.fft(problem.data))  # nothing
    assert np.abs(residual).max() < 1e-12
    of_data = problem.evaluate(problem.x).cost[0]
    x = problem.x
    known = 0.3 * (0.25 * (x[3] - 10.0) ** 2 + 40.0 * (x[8] - 0.5) ** 2)
    assert at(problem, penalty, x).cost[0] == pytest.approx(of_data + known, rel=1e-14)


def test_gradient_and_hessian_are_those_of_the_cost(problem, penalty):
    here, steps = at(problem, penalty, problem.x), 1e-4 / np.sqrt(problem.evaluate(problem.x).diagonal[0])
    for j, step in enumerate(steps):
        ends = []
        for sign in (1.0, -1.0):
            x = problem.x.copy()
            x[j] += sign * step
            ends.append(at(problem, penalty, x))
        slope = (ends[0].cost[0] - ends[1].cost[0]) / (2 * step)
        assert slope == pytest.approx(-2 * here.gradient[0, j], rel=1e-5, abs=1e-6 / step)
        curvature = (ends[1].gradient[0] - ends[0].gradient[0]) / (2 * step)
        scale = np.sqrt(here.diagonal[0] * here.diagonal[0, j])
        np.testing.assert_allclose(curvature / scale, here.hessian[0, j] / scale, atol=2e-5)


def test_nothing_known_changes_nothing(problem):
    nothing = Penalty(*np.zeros((2, len(problem.x))))
    plain = problem.evaluate(problem.x, near=True)
    same = at(problem, nothing, problem.x)
    np.testing.assert_array_equal(same.hessian, plain.hessian)
    assert same.cost == plain.cost
