"""Covariances against the explicit inverse of the stacked real Jacobian. The core's are for noise of sd 1 per component."""

from __future__ import annotations

import numpy as np
import pytest

from p31mg.core.covariance import covariance

INVERSION = 1e-9
"""Relative to the standard deviations: the condition of the problem, about 1e4 after scaling, times rounding."""


@pytest.fixture
def problem(small_problem):
    return small_problem(n_points=128, bins=(-30, 25))


@pytest.fixture
def jacobian(problem, oracles):
    p = problem.physical(problem.x)
    stacked = oracles.jacobian(p, problem.oracle_lines, problem.times) @ problem.lines.ties
    return oracles.binned_parts(stacked, problem.bins)


def of(information, held=None, **options):
    """The covariance of one problem."""
    held = np.zeros(len(information), dtype=bool) if held is None else held
    return covariance(information[None], held[None], **options)[0]


def assert_same(actual, expected):
    sd = np.sqrt(np.diag(expected))
    np.testing.assert_array_less(np.abs(actual - expected), INVERSION * np.outer(sd, sd))


class TestBound:
    def test_is_that_of_the_stacked_real_jacobian(self, jacobian, oracles):
        assert_same(of(jacobian.T @ jacobian), oracles.cramer_rao(jacobian, noise_sd=1.0))

    def test_from_the_closed_forms_of_the_core(self, problem, jacobian, oracles):
        ties = problem.lines.ties
        expected, _ = problem.curvatures(problem.physical(problem.x))
        assert_same(of(ties.T @ expected @ ties), oracles.cramer_rao(jacobian, noise_sd=1.0))

    def test_counts_components_not_complex_points(self):
        """A constant whose real part is measured in N complex points has the variance sigma^2 / N, not half of it."""
        assert of(np.array([[50.0]]))[0, 0] == pytest.approx(1 / 50, rel=1e-12)

    def test_units_of_the_parameters_do_not_matter(self, jacobian):
        units = np.logspace(-9, 9, jacobian.shape[1])
        plain, scaled = of(jacobian.T @ jacobian), of((jacobian * units).T @ (jacobian * units))
        assert_same(scaled * np.outer(units, units), plain)

    def test_is_symmetric_and_positive(self, jacobian):
        matrix = of(jacobian.T @ jacobian)
        assert_same(matrix, matrix.T)
        assert (np.linalg.eigvalsh(matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))) > 0).all()


class TestHeld:
    def test_rows_are_zero_and_the_rest_is_smaller(self, jacobian, oracles):
        held = np.zeros(jacobian.shape[1], dtype=bool)
        held[[1, 6]] = True
        matrix = of(jacobian.T @ jacobian, held)
        assert not matrix[held].any()
        assert not matrix[:, held].any()
        assert_same(matrix[np.ix_(~held, ~held)], oracles.cramer_rao(jacobian[:, ~held], noise_sd=1.0))

    def test_parameter_without_influence_is_held(self, jacobian, oracles):
        without = np.column_stack([jacobian, np.zeros(len(jacobian))])
        matrix = of(without.T @ without)
        assert not matrix[-1].any()
        assert_same(matrix[:-1, :-1], oracles.cramer_rao(jacobian, noise_sd=1.0))

    def test_holding_one_of_two_equal_parameters_cures_the_singularity(self, jacobian):
        twice = jacobian.copy()
        twice[:, 3] = 2 * twice[:, 4]
        held = np.arange(jacobian.shape[1]) == 3
        assert np.isfinite(of(twice.T @ twice, held)).all()


class TestUnsound:
    def test_singular_is_nan_and_its_neighbours_are_not(self, jacobian):
        twice = jacobian.copy()
        twice[:, 3] = 2 * twice[:, 4]
        information = np.stack([jacobian.T @ jacobian, twice.T @ twice, jacobian.T @ jacobian])
        matrices = covariance(information, np.zeros((3, jacobian.shape[1]), dtype=bool))
        assert np.isnan(matrices[1]).all()
        assert np.isfinite(matrices[0]).all()
        np.testing.assert_array_equal(matrices[0], matrices[2])

    def test_curvature_that_is_not_positive_definite_is_nan(self):
        """A saddle: both diagonal elements above 0, one direction falls."""
        assert np.isnan(of(np.array([[1.0, 2.0], [2.0, 1.0]]))).all()

    def test_curvature_with_two_falling_directions_is_nan(self):
        """Their determinant is positive again."""
        saddle = np.array([[1.0, 2.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 2.0, 1.0]])
        assert np.isnan(of(saddle)).all()

    def test_curvature_whose_inverse_looks_like_variances_is_nan(self):
        """One direction falls, and yet all diagonal elements of the inverse are above 0."""
        saddle = np.array([[1.0, 2.0, 2.0], [2.0, 1.0, -2.0], [2.0, -2.0, 1.0]])
        assert (np.diag(np.linalg.inv(saddle)) > 0).all()
        both = covariance(np.stack([saddle, np.eye(3)]), np.zeros((2, 3), dtype=bool), np.ones((2, 3)))
        assert np.isnan(both[0]).all()
        np.testing.assert_allclose(both[1], np.eye(3), atol=1e-12)

    def test_scale_of_the_parameters_can_be_given(self, jacobian):
        information = jacobian.T @ jacobian
        given = of(information, diagonal=3.0 * np.diag(information)[None])
        assert_same(given, of(information))
