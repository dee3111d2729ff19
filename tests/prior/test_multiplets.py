"""First-order multiplets against splitting one coupling at a time."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from p31mg.prior import first_order_lines


@pytest.fixture(scope="module")
def multiplet():
    """The recursion of ``tests/oracles.py``, which importlib mode cannot import by name."""
    spec = importlib.util.spec_from_file_location("oracles", Path(__file__).parents[1] / "oracles.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.multiplet


COUPLINGS = [(), (16.0,), (16.0, 16.0), (15.0, 17.0), (16.0, 16.0, 16.0), (8.0, 2.0, 4.0), (0.0,), (16.0, 0.0)]


@pytest.mark.parametrize("couplings", COUPLINGS)
class TestLines:
    def test_offsets_and_weights(self, multiplet, couplings):
        offsets, weights = first_order_lines(couplings)
        expected = multiplet(couplings)
        np.testing.assert_allclose(offsets, list(expected), rtol=0, atol=1e-14)
        np.testing.assert_allclose(weights, list(expected.values()), rtol=1e-15)

    def test_weights_add_to_one_around_the_centre(self, couplings):
        offsets, weights = first_order_lines(couplings)
        assert weights.sum() == pytest.approx(1.0, rel=1e-15)
        assert offsets @ weights == pytest.approx(0.0, abs=1e-14)

    def test_symmetric(self, couplings):
        offsets, weights = first_order_lines(couplings)
        np.testing.assert_allclose(offsets, -offsets[::-1], atol=1e-14)
        np.testing.assert_allclose(weights, weights[::-1], rtol=1e-15)

    def test_second_moment_is_that_of_independent_splittings(self, couplings):
        offsets, weights = first_order_lines(couplings)
        assert offsets**2 @ weights == pytest.approx(sum(j**2 for j in couplings) / 4, abs=1e-12)


def test_pascals_triangle():
    _, weights = first_order_lines([16.0] * 4)
    np.testing.assert_allclose(weights, np.array([1, 4, 6, 4, 1]) / 16, rtol=1e-15)


def test_order_of_couplings_does_not_matter():
    for one, other in zip(first_order_lines([15.0, 17.0]), first_order_lines([17.0, 15.0]), strict=True):
        np.testing.assert_array_equal(one, other)
