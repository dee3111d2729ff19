"""People with a known error of Mg2+, and small tables that can be spoilt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import p31mg


@pytest.fixture(scope="session")
def people() -> p31mg.SimulatedCohort:
    return p31mg.simulate_cohort(120, snr=250, seed=3)


@pytest.fixture(scope="session")
def results(people: p31mg.SimulatedCohort) -> pd.DataFrame:
    return people.measured()


def drawn(n: int, seed: int, sd: float = 0.06, slope: float = -0.0012) -> pd.DataFrame:
    """Return people with Mg2+ that falls with age, an error whose sd differs by person, and strength that rises with Mg2+."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(24, 98, n)
    true = 0.6 + slope * (age - 61) + 0.08 * rng.standard_normal(n)
    sds = sd * rng.uniform(0.5, 1.5, n)
    return pd.DataFrame(
        {
            "subject": [f"sub-{i:05d}" for i in range(n)],
            "free_mg_mM": true + sds * rng.standard_normal(n),
            "sd_mM": sds,
            "age": age,
            "sex": np.where(rng.uniform(size=n) < 0.5, "female", "male"),
            "strength_nm": 100 + 200 * (true - 0.6) - 0.3 * (age - 61) + 20 * rng.standard_normal(n),
            "true": true,
        }
    )
