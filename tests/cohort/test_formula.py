"""Formulas: what they mean, beside statsmodels' own, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import p31mg
from p31mg.cohorts.formula import design, parse

from .conftest import drawn


@pytest.mark.parametrize(
    "text",
    [
        "free_mg_mM ~ age",
        "free_mg_mM ~ age + sex",
        "strength_nm ~ free_mg_mM*sex + age",
        "log(strength_nm) ~ log(age) + free_mg_mM:age",
        "free_mg_mM ~ C(site)",
        "free_mg_mM ~ C(site)*sex",
        "free_mg_mM~1+age",
        "free_mg_mM ~ age*age",
        "free_mg_mM ~ sex*sex + age",
        "free_mg_mM ~ sex*age + age:sex",
    ],
)
def test_formula_means_what_it_means_in_statsmodels(text: str) -> None:
    table = drawn(90, 1).assign(site=np.arange(90) % 3)
    found = design(parse(text), table)
    theirs = smf.ols(text.replace("log(", "np.log("), table).fit()
    np.testing.assert_allclose(found.outcome, theirs.model.endog)
    ours = np.linalg.lstsq(found.columns, found.outcome, rcond=None)[0]
    np.testing.assert_allclose(found.columns @ ours, theirs.fittedvalues, rtol=1e-9)
    assert len(found.names) == len(theirs.params) - 1


def test_names_say_which_level() -> None:
    found = design(parse("free_mg_mM ~ sex*age"), drawn(60, 2))
    assert found.names == ("sex[male]", "age", "sex[male]:age")
    assert found.is_scaled.tolist() == [False, True, True]
    assert design(parse("free_mg_mM ~ C(site)"), drawn(60, 2).assign(site=np.arange(60.0) % 3)).names == (
        "site[1]",
        "site[2]",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("free_mg_mM", "write outcome ~ term"),
        ("~ age", "write outcome ~ term"),
        ("free_mg_mM ~ ", "write outcome ~ term"),
        ("free_mg_mM ~ 1", "has no term"),
        ("free_mg_mM ~ age ~ sex", "write outcome ~ term"),
        ("free_mg_mM ~ a*b*c*d*e", r"crosses 5 factors with \*; at most 4"),
        ("free_mg_mM ~ sex + age**2", r"has the power 'age\*\*2'; make a column of it"),
        ("free_mg_mM ~ age - sex", r"the term 'age - sex'; terms are column"),
        ("free_mg_mM ~ __import__('os').getcwd()", r"the term \"__import__"),
        ("free_mg_mM ~ exp(age)", r"the term 'exp\(age\)'"),
        ("C(sex) ~ age", "has a category as outcome"),
        ("age ~ age + sex", "has age on both sides"),
    ],
)
def test_what_is_no_formula_is_refused(text: str, says: str) -> None:
    with pytest.raises(p31mg.InputError, match=says):
        parse(text)


TABLE = drawn(30, 3)


@pytest.mark.parametrize(
    ("change", "text", "says"),
    [
        ({}, "free_mg_mM ~ agee", r"formula 'free_mg_mM ~ agee': column 'agee' is not known; the nearest are 'age'"),
        (
            {"age": 50.0},
            "free_mg_mM ~ age",
            r"column age is 50 in all 30 rows; leave it out of formula 'free_mg_mM ~ age'",
        ),
        (
            {"sex": ["other", *TABLE["sex"][1:]]},
            "free_mg_mM ~ sex",
            r"column sex\[other\] differs from the others only in subject sub-00000; at least 3 people",
        ),
        ({"sex": "female"}, "free_mg_mM ~ sex", r"column sex is 'female' in all 30 rows"),
        ({"twin": 2 * TABLE["age"]}, "free_mg_mM ~ age + twin", r"column twin .* says what the columns before it say"),
        ({"age": TABLE["age"] - 60}, "free_mg_mM ~ log(age)", r"column age is not above 0 in subjects sub-"),
        ({}, "free_mg_mM ~ log(sex)", r"column sex has text, of which there is no logarithm"),
        ({}, "free_mg_mM ~ C(age)", r"column age has 30 different values as a category; at most 10"),
    ],
)
def test_columns_that_do_not_do_are_refused(change: dict[str, object], text: str, says: str) -> None:
    table: pd.DataFrame = TABLE.assign(**change)
    with pytest.raises(p31mg.InputError, match=says):
        design(parse(text), table)
