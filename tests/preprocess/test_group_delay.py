"""A delay of a broken number of points: a pulse whose delayed form is known. Filters as they work are in tests/io."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg.preprocess import remove_group_delay


@pytest.mark.parametrize("delay", [0.0, 12.0, 67.9862, 3.25])
def test_pulse_comes_earlier(delay, clean):
    n = np.arange(512)

    def pulse(centre):
        return np.exp(-(((n - centre) / 12.0) ** 2) + 0.4j * (n - centre))

    spectra = p31mg.Spectra(np.stack([pulse(200.0), 2 * pulse(150.0)]), clean().acquisition)
    moved = remove_group_delay(spectra, delay)
    kept = 512 - int(np.ceil(delay))
    expected = np.stack([pulse(200.0 - delay), 2 * pulse(150.0 - delay)])[:, :kept]
    np.testing.assert_allclose(moved.fid, expected, rtol=0, atol=1e-10)
    assert moved.acquisition == spectra.acquisition
    assert moved.history[-1].parameters == {"delay_points": delay}


@pytest.mark.parametrize("delay", [-1.0, np.nan, np.inf, 1024.0])
def test_refused(delay, clean):
    with pytest.raises(p31mg.InputError, match=r"delay_points is .*; it must be 0 or above and below the 1024 points"):
        remove_group_delay(clean(), delay)
