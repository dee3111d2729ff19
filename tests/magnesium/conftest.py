"""What all tests of magnesium share."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg


@pytest.fixture(scope="session")
def fitted():
    """A grid of fits of which one voxel holds noise only."""
    spectra = p31mg.simulate(np.full((2, 3), 0.5), snr=300, seed=4, n_points=512, ph=[6.8, 7.0, 7.2])
    fid = spectra.fid.copy()
    fid[1, 2] = 1e-3 * np.random.default_rng(1).standard_normal(512)
    return p31mg.fit(p31mg.Spectra(fid, spectra.acquisition, axis_names=("x", "y")), prior="muscle-3t")
