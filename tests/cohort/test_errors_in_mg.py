"""Regressions with a known error: against slow re-derivations, symmetries, and people whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from p31mg.cohorts import errors_in_mg
from p31mg.cohorts.errors_in_mg import Error, Statistics, jackknife_sd, mg_is_outcome, mg_is_predictor, no_error

from .conftest import drawn

FIELDS = list(Statistics.__dataclass_fields__)
SCALED = np.array([True, True])


def columns(table: pd.DataFrame, *names: str) -> np.ndarray:
    return np.column_stack([np.ones(len(table)), *(table[n] for n in names)])


def arrays(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return table["free_mg_mM"].to_numpy(), table["sd_mM"].to_numpy()


def estimators(table: pd.DataFrame, power: float = 0.0) -> dict[str, errors_in_mg.Estimator]:
    mg, sd = arrays(table)
    strength = table["strength_nm"].to_numpy()
    return {
        "no error": no_error(mg, columns(table, "age", "strength_nm"), SCALED),
        "outcome": mg_is_outcome(mg, columns(table, "age", "strength_nm"), Error(sd, power), SCALED),
        "predictor": mg_is_predictor(strength, columns(table, "age", "free_mg_mM"), 2, Error(sd, power), SCALED),
    }


KINDS = ["no error", "outcome", "predictor"]


@pytest.mark.parametrize("power", [0.0, 1.9])
@pytest.mark.parametrize("kind", KINDS)
def test_many_weights_give_what_each_gives(kind: str, power: float) -> None:
    estimate = estimators(drawn(60, 1), power)[kind]
    weights = np.random.default_rng(2).integers(0, 3, (5, 60)).astype(float)
    together = estimate(weights)
    for i, w in enumerate(weights):
        alone = estimate(w)
        for name in FIELDS:
            # rounds of the batch end together: more of them than one alone needs
            np.testing.assert_allclose(getattr(together, name)[i], getattr(alone, name), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_weight_two_is_a_person_twice(kind: str) -> None:
    table = drawn(60, 1)
    weights = np.random.default_rng(3).integers(0, 3, 60)
    repeated = table.loc[table.index.repeat(weights)].reset_index(drop=True)
    weighted, plain = estimators(table)[kind](weights.astype(float)), estimators(repeated)[kind](np.ones(len(repeated)))
    for name in FIELDS:
        np.testing.assert_allclose(getattr(weighted, name), getattr(plain, name), rtol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_jackknife_is_that_of_people_left_out_one_by_one(kind: str) -> None:
    table = drawn(40, 5)
    sd = jackknife_sd(estimators(table)[kind], 40)
    left = [estimators(table.drop(i).reset_index(drop=True))[kind](np.ones(39)) for i in range(40)]
    for name in FIELDS:
        values = np.array([getattr(one, name) for one in left])
        expected = np.sqrt(39 / 40 * ((values - values.mean(axis=0)) ** 2).sum(axis=0))
        np.testing.assert_allclose(getattr(sd, name), expected, rtol=1e-4)


def test_groups_of_people_give_nearly_the_same_jackknife(monkeypatch: pytest.MonkeyPatch) -> None:
    table = drawn(400, 6)
    one_by_one = jackknife_sd(estimators(table)["outcome"], 400).beta
    monkeypatch.setattr(errors_in_mg, "_MOST_GROUPS", 100)
    # the sd of an sd of 100 groups is 7 %
    np.testing.assert_allclose(jackknife_sd(estimators(table)["outcome"], 400).beta, one_by_one, rtol=0.25)


@pytest.mark.parametrize("kind", ["outcome", "predictor"])
def test_without_error_it_is_least_squares(kind: str) -> None:
    table = drawn(80, 7).assign(sd_mM=0.0)
    y, names = ("free_mg_mM", ["age", "strength_nm"]) if kind == "outcome" else ("strength_nm", ["age", "free_mg_mM"])
    plain = no_error(table[y].to_numpy(), columns(table, *names), SCALED)(np.ones(80))
    corrected = estimators(table)[kind](np.ones(80))
    for name in FIELDS:
        np.testing.assert_allclose(getattr(corrected, name), getattr(plain, name), rtol=1e-9)
    assert corrected.reliability == 1


def test_least_squares_and_its_statistics_are_those_of_statsmodels() -> None:
    table = drawn(80, 8)
    mg, z = table["free_mg_mM"].to_numpy(), columns(table, "age", "strength_nm")
    found, expected = no_error(mg, z, SCALED)(np.ones(80)), sm.OLS(mg, z).fit()
    np.testing.assert_allclose(found.slope, expected.params[1:], rtol=1e-10)
    np.testing.assert_allclose(found.scatter**2, expected.scale, rtol=1e-10)
    standard = (table[["free_mg_mM", "age", "strength_nm"]] - table.mean(numeric_only=True)) / table.std(
        numeric_only=True
    )
    of_standard = sm.OLS(standard["free_mg_mM"], sm.add_constant(standard[["age", "strength_nm"]])).fit()
    # the total variance here is explained + s2, with n - p in s2: a factor of 1 + 2/(n - 3) in the unexplained part
    np.testing.assert_allclose(found.beta, of_standard.params.iloc[1:], rtol=0.015)
    np.testing.assert_allclose(found.r2, expected.rsquared_adj, rtol=0.05)
    t = expected.tvalues[1:]
    partial = t / np.sqrt(t**2 + expected.df_resid)
    np.testing.assert_allclose(found.partial_r, partial, rtol=0.02)


def test_weighted_slopes_are_those_of_statsmodels_at_the_same_scatter() -> None:
    table = drawn(200, 9)
    mg, sd = arrays(table)
    z = columns(table, "age", "strength_nm")
    found = mg_is_outcome(mg, z, Error(sd), SCALED)(np.ones(200))
    expected = sm.WLS(mg, z, weights=1 / (found.scatter**2 + sd**2)).fit()
    np.testing.assert_allclose(found.slope, expected.params[1:], rtol=1e-7)
    # and the scatter is the root of its equation
    residual = mg - z @ expected.params
    w = 1 / (found.scatter**2 + sd**2)
    assert abs((w**2 * (residual**2 * 200 / 197 - sd**2 - found.scatter**2)).sum()) < 1e-5 * (w**2 * sd**2).sum()


def test_error_of_the_outcome_hides_the_standardised_slope_but_not_the_slope() -> None:
    table = drawn(40_000, 10, sd=0.08)
    mg, sd = arrays(table)
    z, ones = columns(table, "age"), np.ones(len(table))
    naive = no_error(mg, z, SCALED[:1])(ones)
    corrected = mg_is_outcome(mg, z, Error(sd), SCALED[:1])(ones)
    truth = no_error(table["true"].to_numpy(), z, SCALED[:1])(ones)
    # sd of a slope of 40,000 people: 2e-5; of beta 0.005 and somewhat more corrected
    assert naive.slope[0] == pytest.approx(truth.slope[0], abs=6e-5)
    assert corrected.slope[0] == pytest.approx(truth.slope[0], abs=6e-5)
    assert naive.beta[0] == pytest.approx(truth.beta[0] * np.sqrt(corrected.reliability), abs=0.01)
    assert abs(naive.beta[0]) < 0.8 * abs(truth.beta[0])
    assert corrected.beta[0] == pytest.approx(truth.beta[0], abs=0.015)
    assert corrected.r2 == pytest.approx(truth.r2, abs=0.01)
    assert corrected.scatter == pytest.approx(0.08, rel=0.03)


def test_error_of_the_predictor_hides_the_slope() -> None:
    table = drawn(40_000, 11, sd=0.08)
    _, sd = arrays(table)
    strength, ones = table["strength_nm"].to_numpy(), np.ones(len(table))
    z, true_z = columns(table, "age", "free_mg_mM"), columns(table, "age", "true")
    naive = no_error(strength, z, SCALED)(ones)
    corrected = mg_is_predictor(strength, z, 2, Error(sd), SCALED)(ones)
    truth = no_error(strength, true_z, SCALED)(ones)
    assert truth.slope[1] == pytest.approx(200, rel=0.03)
    assert naive.slope[1] < 0.6 * truth.slope[1]
    # two sd: 1.2 % of the slope of true Mg2+, about twice that corrected
    assert corrected.slope[1] == pytest.approx(truth.slope[1], rel=0.05)
    assert corrected.slope[0] == pytest.approx(
        truth.slope[0], rel=0.05
    )  # age takes over what Mg2+ lost, and gives it back
    assert abs(naive.slope[0]) > 1.1 * abs(truth.slope[0])
    np.testing.assert_allclose(corrected.beta, truth.beta, rtol=0.05)
    np.testing.assert_allclose(corrected.partial_r, truth.partial_r, rtol=0.05)
    assert corrected.r2 == pytest.approx(truth.r2, rel=0.05)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(0.1, 10), shift=st.floats(-50, 50), unit=st.floats(0.01, 100))
def test_what_is_common_to_all_changes_no_standardised_number(scale: float, shift: float, unit: float) -> None:
    """A calibration that is off by a factor scales Mg2+ and its sd; units of age and its origin are free."""
    table = drawn(60, 12)
    other = table.assign(
        free_mg_mM=scale * table["free_mg_mM"], sd_mM=scale * table["sd_mM"], age=unit * (table["age"] + shift)
    )
    for kind in KINDS:
        one, two = (estimators(t, 1.8)[kind](np.ones(60)) for t in (table, other))
        for name in ("beta", "partial_r", "r2", "reliability"):
            np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-6, atol=1e-9)


def two_site(true: np.ndarray, sd_shift: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Mg2+ and its first-order sd by a two-site equation, written here once more: 10.9 and 8.35 ppm, 50 uM."""
    shift = (10.9 + 8.35 * true / 0.05) / (1 + true / 0.05) + sd_shift * np.random.default_rng(seed).standard_normal(
        len(true)
    )
    mg = 0.05 * (10.9 - shift) / (shift - 8.35)
    return mg, sd_shift * 0.05 * (10.9 - 8.35) / (shift - 8.35) ** 2


def test_bias_of_large_errors_is_taken_out() -> None:
    rng = np.random.default_rng(13)
    true = 0.55 + 0.09 * rng.standard_normal(200_000)
    measured, sd = two_site(true, 0.0187, 14)
    mg, error = Error.from_measurements(measured, sd, np.full(len(true), 0.0187))
    assert error.power == pytest.approx(1.85, abs=0.1)

    def slope(values: np.ndarray) -> float:
        return float(np.cov(values, true)[0, 1] / true.var())

    assert slope(measured) > 1.02
    assert slope(mg) == pytest.approx(1, abs=0.012)
    assert measured.mean() - true.mean() > 0.005
    assert mg.mean() == pytest.approx(true.mean(), abs=0.0015)
    assert (error.sd**2).mean() == pytest.approx((mg - true).var(), rel=0.04)
    assert (sd**2).mean() > 1.05 * (mg - true).var()


def test_weights_do_not_follow_the_error() -> None:
    """Weights of the reported sd would pull the slope to zero, since a high value has a large sd."""
    rng = np.random.default_rng(15)
    age = rng.uniform(24, 98, 20_000)
    true = 0.6 - 0.002 * (age - 61) + 0.06 * rng.standard_normal(len(age))
    measured, sd = two_site(true, 0.0187, 16)
    z, ones = np.column_stack([np.ones(len(age)), age]), np.ones(len(age))
    mg, error = Error.from_measurements(measured, sd, np.full(len(age), 0.0187))
    slope = mg_is_outcome(mg, z, error, SCALED[:1])(ones).slope[0]
    by_reported = mg_is_outcome(measured, z, Error(sd), SCALED[:1])(ones).slope[0]
    truth = np.polyfit(age, true, 1)[0]
    assert slope == pytest.approx(truth, rel=0.04)
    assert abs(by_reported) < 0.93 * abs(truth)


def test_error_that_does_not_depend_on_mg_has_no_power() -> None:
    mg, sd = arrays(drawn(300, 17))
    unchanged, error = Error.from_measurements(mg, sd)
    assert error.power == 0
    np.testing.assert_array_equal(unchanged, mg)
    np.testing.assert_array_equal(error.sd, sd)


def test_error_as_large_as_the_scatter_leaves_no_truth() -> None:
    table = drawn(60, 18)
    mg, _ = arrays(table)
    found = mg_is_outcome(mg, columns(table, "age"), Error(np.full(60, 0.5)), SCALED[:1])(np.ones(60))
    assert found.scatter == 0
