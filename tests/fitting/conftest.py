"""What all tests of fits share: read-only spectra with known truth, and every array of a fit by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

import p31mg

N_POINTS = 512
"""Four times fewer than a usual measurement; at 5 kHz still 0.1 s, ten T2* of the narrowest line."""


def _simulated(mg=0.5, **options) -> p31mg.SimulatedSpectra:
    spectra = p31mg.simulate(mg, **{"snr": 300, "seed": 1, "n_points": N_POINTS, **options})
    spectra.fid.flags.writeable = False
    return spectra


def _stack_of(spectra: p31mg.Spectra, fid: np.ndarray) -> p31mg.Spectra:
    fid = np.array(fid, dtype=complex)
    fid.flags.writeable = False
    return p31mg.Spectra(fid, spectra.acquisition)


def _arrays(fit: p31mg.FitResult) -> dict[str, np.ndarray]:
    own = {f.name: getattr(fit, f.name) for f in dataclasses.fields(fit)}
    arrays = {name: v for name, v in own.items() if isinstance(v, np.ndarray) and v.dtype != object}
    return arrays | {f"quality.{name}": np.asarray(v) for name, v in fit.quality.columns().items()}


@pytest.fixture(scope="session")
def simulated() -> Callable[..., p31mg.SimulatedSpectra]:
    """Simulate as `p31mg.simulate`: SNR 300, seed 1 and few points unless said otherwise."""
    return _simulated


@pytest.fixture(scope="session")
def with_fid() -> Callable[..., p31mg.Spectra]:
    """Make spectra of the same acquisition with other, read-only signals."""
    return _stack_of


@pytest.fixture(scope="session")
def arrays() -> Callable[[p31mg.FitResult], dict[str, np.ndarray]]:
    """All arrays of a fit by name, those of its quality included."""
    return _arrays


@pytest.fixture(scope="session")
def muscle() -> p31mg.Prior:
    return p31mg.load_prior("muscle-3t")


@pytest.fixture(scope="session")
def first_order(muscle) -> p31mg.Prior:
    """Without noise a fit then finds the truth to rounding: lines of exact coupling are linear only near their expectation."""
    return dataclasses.replace(muscle, coupling="first-order")


@pytest.fixture(scope="session")
def changed() -> Callable[..., p31mg.Prior]:
    """Return a prior of which one resonance has other values."""

    def change(prior: p31mg.Prior, name: str, **values) -> p31mg.Prior:
        rows = (dataclasses.replace(r, **values) if r.name == name else r for r in prior.resonances)
        return dataclasses.replace(prior, resonances=tuple(rows))

    return change
