"""The model against its equation, point by point."""

from __future__ import annotations

import numpy as np
import pytest

from p31mg.core import signal
from p31mg.core.tables import Tables

ROUNDING = 1e-11
"""Relative to the largest element."""

SAMPLINGS = {
    "from zero": {"n_points": 64, "begin_time_s": 0.0},
    "late start": {"n_points": 70, "begin_time_s": 2.3e-3},
    "negative begin time": {"n_points": 97, "begin_time_s": -3e-4},
}


@pytest.fixture(scope="module", params=SAMPLINGS.values(), ids=SAMPLINGS.keys())
def problem(request, small_problem):
    return small_problem(**request.param)


def assert_close(actual, expected, tolerance=ROUNDING):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


class TestModel:
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
        lines, p = problem.lines, problem.physical(problem.x)
        exponents, amplitudes, phases, begin_shift_s = Tables.of(lines).lines_at(problem.x[None])
        assert_close(exponents[:, 0], lines.exponents(p))
        assert_close(amplitudes[:, 0], lines.amplitudes(p))
        assert_close(lines.weight * np.exp(1j * phases[:, 0]), lines.turns(p))
        assert_close(begin_shift_s, lines.begin_shift_s(p))


def test_rows_of_a_product_do_not_depend_on_how_many_there_are():
    rng = np.random.default_rng(2)
    rows, matrix = rng.standard_normal((131, 96)), rng.standard_normal((96, 150))
    together = signal.row_by_row(rows, matrix)
    for n in (1, 2, 5, 33):
        parts = [signal.row_by_row(rows[i : i + n], matrix) for i in range(0, 131, n)]
        np.testing.assert_array_equal(np.concatenate(parts), together)
    assert_close(together, rows @ matrix)
