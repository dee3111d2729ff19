"""What tests of preparation share: clean spectra, noise, arrays of coils and stacks of transients with known truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import p31mg

N_POINTS = 1024


def _noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal((*shape, 2)).view(np.complex128)[..., 0]


def _sd(snr: float) -> float:
    """Return the noise sd per component at which a usual spectrum has this SNR."""
    return float(p31mg.simulate(0.5, snr=snr, n_points=N_POINTS).truth.noise_sd)


def _clean(mg=0.5, **options) -> p31mg.SimulatedSpectra:
    return p31mg.simulate(mg, n_points=N_POINTS, **options)


def _stack(fid: np.ndarray, *axis_names: str) -> p31mg.Spectra:
    fid = np.array(fid, dtype=complex)
    fid.flags.writeable = False
    return p31mg.Spectra(fid, _clean().acquisition, axis_names)


@pytest.fixture(scope="session")
def noise() -> Callable[..., np.ndarray]:
    """Complex noise of unit sd per component, of a shape."""
    return _noise


@pytest.fixture(scope="session")
def sd_at() -> Callable[[float], float]:
    return _sd


@pytest.fixture(scope="session")
def clean() -> Callable[..., p31mg.SimulatedSpectra]:
    """Simulate as `p31mg.simulate`, without noise, 1024 points."""
    return _clean


@pytest.fixture(scope="session")
def stack() -> Callable[..., p31mg.Spectra]:
    """Read-only spectra of the acquisition of `clean`, with named axes."""
    return _stack
