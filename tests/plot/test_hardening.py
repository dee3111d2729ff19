"""Correct tests that fail today, each with the number of the bug in the report."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import p31mg

STACK = p31mg.fit(p31mg.simulate([0.4, 0.6], snr=300, seed=1, n_points=512))


@pytest.mark.parametrize("index", [2, -3, "a", 1.5, (0, 0, 0)])
def test_index_that_picks_nothing_is_an_input_error(index: Any) -> None:
    """B13: IndexError of NumPy."""
    with pytest.raises(p31mg.InputError, match=r"batch shape \(2,\)"):
        p31mg.plot.fit(STACK, index)
    assert not plt.get_fignums()


@pytest.mark.parametrize("apodisation_hz", [np.nan, -5.0])
def test_apodisation_without_sense(apodisation_hz: float) -> None:
    """B13: ValueError of matplotlib; a negative one sharpens without a word."""
    with pytest.raises(p31mg.InputError, match="apodisation_hz"):
        p31mg.plot.fit(STACK, 0, apodisation_hz=apodisation_hz)


def test_table_that_is_not_of_batch_is_refused() -> None:
    """B13: KeyError."""
    with pytest.raises(p31mg.InputError, match="mg_is_valid"):
        p31mg.plot.study(STACK.to_dataframe())
