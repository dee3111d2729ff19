"""Power: against simulated studies, and the sense of each number."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg


def test_power_is_the_share_of_studies_that_see_it() -> None:
    from scipy import stats

    found = p31mg.power(0.25, n=90, snr=200)
    rng = np.random.default_rng(1)
    rho, n_studies = found.measured_effect[0], 4000
    x = rng.standard_normal((n_studies, 90))
    y = rho * x + np.sqrt(1 - rho**2) * rng.standard_normal(x.shape)
    r = np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(x, y, strict=True)])
    p = 2 * stats.t.sf(np.abs(r) * np.sqrt(88 / (1 - r**2)), 88)
    # its sd is 0.008
    assert (p < 0.05).mean() == pytest.approx(found.power[0], abs=0.03)


def test_sd_at_an_snr_is_the_error_of_a_cohort() -> None:
    people = p31mg.simulate_cohort(400, snr=400, seed=5)
    error = people.measured()["free_mg_mM"] - people.truth["true_free_mg_mM"]
    found = p31mg.power(0.2, snr=400)
    # the sd of an sd of 400 is 4 %, and more where the sds differ
    assert error.std() == pytest.approx(found.sd_mg_mM[0], rel=0.15)
    assert found.share_valid[0] == 1
    # with everyone at the mean and a perfect shim it would be too small
    alike = p31mg.power(0.2, snr=400, sd_people_mM=1e-4, snr_spread=0, broadening_hz=0, broadening_spread_hz=0)
    assert alike.sd_mg_mM[0] < 0.92 * found.sd_mg_mM[0]


def test_icc_is_the_correlation_of_test_and_retest() -> None:
    rng = np.random.default_rng(6)
    true = 0.55 + 0.09 * rng.standard_normal(150)
    snr, broadening = 300 * np.exp(0.15 * rng.standard_normal(150)), np.maximum(1 + 1.5 * rng.standard_normal(150), 0)
    spectra = p31mg.simulate(np.stack([true, true]), snr=snr, broadening_hz=broadening, seed=7)
    mg = p31mg.free_magnesium(p31mg.fit(spectra)).free_mg_mM
    (expected,) = p31mg.power(0.2, snr=300).reliability
    # the sd of a correlation of 0.8 in 150 people is 0.03
    assert np.corrcoef(mg)[0, 1] == pytest.approx(expected, abs=0.09)


@pytest.mark.parametrize(
    "worse", [{"snr_spread": 0.4}, {"broadening_hz": 3.0}, {"broadening_spread_hz": 4.0}, {"sd_days_mM": 0.05}]
)
def test_whatever_people_differ_in_lowers_the_reliability(worse: dict[str, float]) -> None:
    found = p31mg.power(0.2, snr=300, **worse)
    assert found.reliability < p31mg.power(0.2, snr=300).reliability - 0.003
    assert found.n_needed > p31mg.power(0.2, snr=300).n_needed


def test_more_signal_needs_fewer_people() -> None:
    found = p31mg.power(-0.29, n=120, snr=[100, 200, 400, 800])
    for rising in (found.reliability, found.power, -found.n_needed, -found.sd_mg_mM, -found.times_transients):
        assert (np.diff(rising) > 0).all()
    np.testing.assert_allclose(found.measured_effect, -0.29 * np.sqrt(found.reliability))
    np.testing.assert_allclose(found.times_transients, (found.snr_needed / found.snr) ** 2)


def test_numbers_needed_give_the_power_wanted() -> None:
    found = p31mg.power(0.2, snr=300, target=0.9, level=0.01)
    n = int(found.n_needed[0])
    assert p31mg.power(0.2, n=n, snr=300, level=0.01).power[0] >= 0.9
    assert p31mg.power(0.2, n=n - 1, snr=300, level=0.01).power[0] < 0.9
    of_snr = p31mg.power(0.2, n=n, snr=300, target=0.9, level=0.01).snr_needed
    # between the points of a grid
    assert p31mg.power(0.2, n=n, snr=of_snr, level=0.01).power[0] == pytest.approx(0.9, abs=0.01)


def test_too_few_people_need_an_snr_that_is_not_there() -> None:
    found = p31mg.power(0.2, n=50, snr=300)
    assert found.snr_needed == np.inf
    assert found.times_transients[0] == np.inf


def test_snr_at_which_nothing_is_seen_is_not_known() -> None:
    found = p31mg.power(0.2, n=100, snr=[20, 300])
    assert np.isnan(found.sd_mg_mM[0])
    assert found.share_valid[0] < 0.5
    assert np.isnan(found.n_needed[0])
    assert np.isfinite(found.n_needed[1])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"effect": 0}, "effect is 0; a correlation lies between -1 and 1, and is not 0"),
        ({"effect": 1.2}, "effect is 1.2"),
        ({"effect": 0.2, "n": 3}, "n is 3; give a number of people from 4"),
        ({"effect": 0.2, "snr": [100, -1]}, r"snr is \[-1.0\]; it must be above 0"),
        ({"effect": 0.2, "snr": [100, np.inf]}, r"snr is \[inf\]; it must be above 0, and finite"),
        ({"effect": 0.2, "target": 0.01}, "level is 0.05 and target 0.01"),
        (
            {"effect": 0.2, "sd_people_mM": 0},
            "sd_people_mM is 0 at a mean of 0.55 mM; it must be above 0 and at most a quarter",
        ),
        ({"effect": 0.2, "mean_mg_mM": 0.3}, "sd_people_mM is 0.09 at a mean of 0.3 mM"),
        ({"effect": 0.2, "sd_days_mM": -1}, "sd_days_mM is -1; it must be 0 or above"),
        ({"effect": 0.2, "broadening_hz": -1}, "broadening_hz is -1; it must be 0 or above"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(p31mg.InputError, match=says):
        p31mg.power(**options)


def test_power_without_an_effect_is_the_level() -> None:
    assert p31mg.power(1e-9, n=100, snr=300, level=0.1).power[0] == pytest.approx(0.1, rel=1e-6)


def test_snr_that_is_needed_gives_the_power_wanted_in_few_people() -> None:
    needed = p31mg.power(0.75, n=15, snr=300).snr_needed
    assert p31mg.power(0.75, n=15, snr=needed).power[0] == pytest.approx(0.8, abs=0.01)
