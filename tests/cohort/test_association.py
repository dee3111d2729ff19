"""`cohort`: the tidy table, joined tables, counts of everyone left out, bad input."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import p31mg

from .conftest import drawn

Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def test_naive_rows_are_those_of_statsmodels(people, results) -> None:
    found = p31mg.cohort(results, people.participants, "free_mg_mM ~ age + sex").to_dataframe().set_index("term")
    joined = results.merge(people.participants, left_on="subject", right_on="participant_id")
    for robust, kind in ((True, "HC3"), (False, "nonrobust")):
        table = p31mg.cohort(results, people.participants, "free_mg_mM ~ age + sex", robust=robust)
        found = table.to_dataframe().set_index("term")
        theirs = smf.ols("free_mg_mM ~ age + sex", joined).fit(cov_type=kind, use_t=True)
        for ours, name in (("age", "age"), ("sex[male]", "sex[T.male]")):
            assert found.loc[ours, "slope"] == pytest.approx(theirs.params[name], rel=1e-8)
            assert found.loc[ours, "sd_slope"] == pytest.approx(theirs.bse[name], rel=1e-8)
            assert found.loc[ours, "p_value"] == pytest.approx(theirs.pvalues[name], rel=1e-6)
            low, high = theirs.conf_int().loc[name]
            assert found.loc[ours, ["slope_low", "slope_high"]].tolist() == pytest.approx([low, high], rel=1e-8)


def test_corrected_is_larger_and_less_sure(people, results) -> None:
    (row,) = p31mg.cohort(results, people.participants).to_dataframe().to_dict("records")
    assert 0.4 < row["reliability"] < 0.9
    assert row["corrected_beta"] / row["beta"] == pytest.approx(row["reliability"] ** -0.5, rel=0.1)
    assert row["corrected_beta_high"] - row["corrected_beta_low"] > row["beta_high"] - row["beta_low"]
    assert row["corrected_r2"] > row["r2"]
    assert row["note"] == ""


@pytest.mark.parametrize("prefix", ["", "corrected_"])
def test_p_is_that_of_the_interval_of_the_slope(prefix: str, people, results) -> None:
    """At the level 1 - p an end of the interval is 0."""
    (row,) = p31mg.cohort(results, people.participants).to_dataframe().to_dict("records")
    level = 1 - row[f"{prefix}p_value"]
    (row,) = p31mg.cohort(results, people.participants, level=level).to_dataframe().to_dict("records")
    ends = row[f"{prefix}slope_low"], row[f"{prefix}slope_high"]
    assert min(map(abs, ends)) < 1e-6 * abs(row[f"{prefix}slope"])


def test_level_widens_all_intervals(people, results) -> None:
    (wide,), (narrow,) = (
        p31mg.cohort(results, people.participants, level=level).to_dataframe().to_dict("records")
        for level in (0.99, 0.8)
    )
    for name in ("slope", "beta", "corrected_slope", "corrected_beta"):
        assert wide[name] == narrow[name]
        assert (
            wide[f"{name}_low"] < narrow[f"{name}_low"] < narrow[name] < narrow[f"{name}_high"] < wide[f"{name}_high"]
        )


@pytest.mark.parametrize("robust", [True, False])
def test_model_without_muscle_mg_is_not_corrected(robust: bool, people, results) -> None:
    table = p31mg.cohort(results, people.participants, "serum_mg_mM ~ age", robust=robust).to_dataframe()
    (row,) = table.to_dict("records")
    corrected = {name.removeprefix("corrected_"): value for name, value in row.items() if name.startswith("corrected_")}
    assert corrected == {name: row[name] for name in corrected}
    assert np.isnan(row["reliability"])
    assert row["note"] == ""


@pytest.mark.parametrize(
    "text", ["strength_nm ~ log(free_mg_mM)", "strength_nm ~ free_mg_mM*age", "log(free_mg_mM) ~ age"]
)
def test_model_that_cannot_be_corrected_says_so(text: str, people, results) -> None:
    found = p31mg.cohort(results, people.participants, text).to_dataframe()
    assert found["corrected_beta"].isna().all()
    assert found["beta"].notna().all()
    assert (
        found["note"]
        == "not corrected: free_mg_mM is corrected only where it stands alone, as the outcome or as one term"
    ).all()


def test_errors_that_explain_all_are_said(people, results) -> None:
    vague = results.assign(sd_mM=1.0, sd_measurement_mM=1.0, sd_shift_alpha_beta_ppm=1.0)
    vague.loc[0, "sd_measurement_mM"] = 1.01
    (row,) = p31mg.cohort(vague, people.participants).to_dataframe().to_dict("records")
    assert np.isnan(row["corrected_beta"])
    assert row["note"].startswith("the errors of magnesium are as large as its scatter")


def test_error_of_the_calibration_is_no_noise(people, results) -> None:
    """It is the same for all people, so it must not count as loss of reliability."""
    with_it = results.assign(sd_calibration_mM=0.2, sd_mM=np.hypot(results["sd_measurement_mM"], 0.2))
    one, two = (p31mg.cohort(r, people.participants).to_dataframe() for r in (results, with_it))
    pd.testing.assert_frame_equal(one, two)


def test_error_of_conditions_is_noise(people, results) -> None:
    with_it = results.assign(sd_condition_mM=0.04)
    one, two = (p31mg.cohort(r, people.participants).to_dataframe() for r in (results, with_it))
    assert two.loc[0, "reliability"] < one.loc[0, "reliability"] - 0.05


def test_error_of_a_person_is_that_of_shift_and_conditions_together(people, results) -> None:
    found = p31mg.cohort(results.assign(sd_measurement_mM=0.03, sd_condition_mM=0.04), people.participants)
    np.testing.assert_allclose(found.people["sd_of_person_mM"], 0.05)


def test_groups_are_fitted_one_by_one(people, results) -> None:
    found = p31mg.cohort(results, people.participants, "free_mg_mM ~ strength_nm + sex", by="sex").to_dataframe()
    assert found["group"].tolist() == ["everyone", "everyone", "sex female", "sex male"]
    women = people.participants[people.participants["sex"] == "female"]
    alone = p31mg.cohort(results, women, "free_mg_mM ~ strength_nm").to_dataframe()
    numbers = found.columns.drop(["formula", "group"])
    pd.testing.assert_series_equal(found.loc[2, numbers], alone.loc[0, numbers], check_names=False)


def test_comparison_of_groups(people, results) -> None:
    from scipy import stats

    found = p31mg.cohort(results, people.participants, compare="sex").groups
    mg = results.set_index(people.participants["sex"])["free_mg_mM"]
    test = stats.ttest_ind(mg["male"], mg["female"], equal_var=False)
    row = found.iloc[1]
    assert row["difference_mM"] == pytest.approx(mg["male"].mean() - mg["female"].mean())
    assert row["p_value"] == pytest.approx(test.pvalue)
    interval = test.confidence_interval(0.95)
    assert row[["difference_low_mM", "difference_high_mM"]].tolist() == pytest.approx([interval.low, interval.high])
    assert row["p_value_all_groups"] == pytest.approx(test.pvalue)
    assert abs(row["corrected_d"]) > abs(row["d"])


def test_scatter_and_d_of_groups_are_those_of_true_mg() -> None:
    people = p31mg.simulate_cohort(600, snr=200, seed=5)
    group = pd.Series(np.where(np.arange(600) % 2, "b", "a"))
    results = people.measured()
    true = people.truth["true_free_mg_mM"] + 0.04 * (group == "b")  # the same error bars, a little further apart
    moved = results.assign(free_mg_mM=results["free_mg_mM"] + 0.04 * (group == "b"))
    found = p31mg.cohort(moved, people.participants.assign(group=group), compare="group").groups
    assert len(found) == 2
    of_truth = true.groupby(group).std()
    np.testing.assert_allclose(found["corrected_sd_mM"], of_truth, rtol=0.06)
    assert (found["sd_mM"] > 1.2 * of_truth.to_numpy()).all()
    means = true.groupby(group).mean()
    d = (means["b"] - means["a"]) / np.sqrt((of_truth**2).mean())
    assert found["corrected_d"][1] == pytest.approx(d, abs=0.12)  # of a difference whose sd is 0.09


def test_everyone_left_out_is_counted(people, results) -> None:
    spoilt = results.copy()
    spoilt.loc[0, "mg_is_valid"] = False
    spoilt.loc[1, ["mg_is_valid", "interval_open"]] = [False, True]
    spoilt.loc[2, ["mg_is_valid", "status"]] = [False, "NO_SIGNAL"]
    spoilt.loc[3, ["sd_mM", "sd_measurement_mM"]] = np.nan
    participants = people.participants.drop(index=4)
    participants.loc[5, "age"] = np.nan
    participants.loc[len(participants) + 9] = ["sub-999", 50, "male", 100.0, 0.8, 400.0]
    found = p31mg.cohort(spoilt, participants)
    counts = dict(zip(found.left_out["subjects"], found.left_out["reason"], strict=True))
    assert counts == {
        "sub-005": "spectrum, but no row in participants",
        "sub-999": "in participants, but no spectrum",
        "sub-001": "magnesium is not valid (mg_is_valid)",
        "sub-002": "interval of magnesium is open: high Mg2+ is left out more often than low",
        "sub-003": "no fit (status)",
        "sub-004": "sd of magnesium is not known",
        "sub-006": "nothing in age (free_mg_mM ~ age)",
    }
    assert found.to_dataframe().loc[0, "n"] == len(results) - 6
    assert repr(found) == "<CohortResult 115 people, 1 association, 7 left out>"


def test_files_are_read_as_tables_are(people, results, tmp_path: Path) -> None:
    results.to_csv(tmp_path / "results.csv", index=False)
    people.participants.to_csv(tmp_path / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    one = p31mg.cohort(results, people.participants, by="sex").to_dataframe()
    two = p31mg.cohort(tmp_path / "results.csv", str(tmp_path / "participants.tsv"), by="sex").to_dataframe()
    pd.testing.assert_frame_equal(one, two, rtol=1e-9)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_are_read(separator: str, people, results, tmp_path: Path) -> None:
    people.participants.to_csv(tmp_path / "people.csv", sep=separator, decimal=",", index=False)
    pd.testing.assert_frame_equal(
        p31mg.cohort(results, tmp_path / "people.csv").to_dataframe(),
        p31mg.cohort(results, people.participants).to_dataframe(),
    )


@pytest.mark.parametrize("key", ["subject", "participant_id", "Participant_ID", "sub"])
def test_names_match_with_and_without_sub(key: str, people, results) -> None:
    bare = people.participants.assign(participant_id=people.participants["participant_id"].str.removeprefix("sub-"))
    found = p31mg.cohort(results, bare.rename(columns={"participant_id": key}))
    assert found.left_out.empty


def test_covariates_may_be_in_the_results(people, results) -> None:
    carried = results.assign(age=people.participants["age"])
    pd.testing.assert_frame_equal(
        p31mg.cohort(carried).to_dataframe(), p31mg.cohort(results, people.participants).to_dataframe()
    )


def test_participants_go_before_what_was_carried_and_it_is_told(people, results) -> None:
    age = people.participants["age"]
    carried = results.assign(age=age.mask(age.index.isin([2, 5]), age + 1), sex=people.participants["sex"].str.upper())
    says = (
        "column age is in results and in participants, with other values for subjects sub-003, sub-006; "
        "those of participants are used"
    )
    with pytest.warns(p31mg.P31mgWarning, match=says):
        found = p31mg.cohort(carried, people.participants)
    assert found.doubts == (says,)  # sex is not used
    pd.testing.assert_frame_equal(found.to_dataframe(), p31mg.cohort(results, people.participants).to_dataframe())
    # the same as text, and where one of them is empty, is no conflict
    carried["age"] = age.mask(age.index == 4).astype(str).replace("nan", "n/a")
    assert p31mg.cohort(carried.replace("n/a", np.nan), people.participants).doubts == ()


def test_rows_are_chosen_where_a_person_has_several(people, results) -> None:
    twice = pd.concat([results.assign(session="ses-1"), results.assign(session="ses-2", free_mg_mM=0.5)])
    with pytest.raises(
        p31mg.InputError, match=r"results have sub-001 in rows 1, 121 \(120 subjects .*--only session=ses-1\)"
    ):
        p31mg.cohort(twice, people.participants)
    found = p31mg.cohort(twice, people.participants, only={"session": "ses-1"}).to_dataframe()
    pd.testing.assert_frame_equal(found, p31mg.cohort(results, people.participants).to_dataframe())


BAD_PARTICIPANTS: dict[str, tuple[Spoil, str]] = {
    "twice": (lambda t: pd.concat([t, t.iloc[[6]]]), r"participants have sub-007 in rows 7, 121; give one row each"),
    "no name": (
        lambda t: t.assign(participant_id=t["participant_id"].mask(t.index.isin([2, 9]))),
        r"participants has no participant_id in rows 3, 10; say who these are",
    ),
    "no key": (
        lambda t: t.drop(columns="participant_id"),
        r"participants has no column subject \(or participant_id, subject_id, sub\)",
    ),
    "text": (
        lambda t: t.assign(age=t["age"].astype(object).mask(t.index == 4, "sixty")),
        r"column age has text among numbers, 'sixty', in subject sub-005 \(row 5\); give numbers",
    ),
    "comma": (
        lambda t: t.assign(age=t["age"].astype(str).str.replace(".", ",")),
        r"column age has a decimal comma, '\d+,\d', in subjects sub-001 \(row 1\), .* and 115 more; write a decimal point",
    ),
    "headings": (lambda t: t.head(0), "participants has headings and no rows"),
    "infinite": (
        lambda t: t.assign(age=t["age"].mask(t.index == 4, np.inf)),
        r"column age is infinite in subject sub-005 \(row 5\)",
    ),
    "constant": (lambda t: t.assign(age=50.0), r"column age is 50 in all 120 rows"),
    "empty": (lambda t: t.assign(age=np.nan), r"column age of formula 'free_mg_mM ~ age' is empty in all rows"),
    "few": (
        lambda t: t.head(9),
        r"formula 'free_mg_mM ~ age' has 9 people with nothing missing; at least 10 are needed",
    ),
    "others": (
        lambda t: t.assign(participant_id="x" + t["participant_id"]),
        r"no subject of results is in participants: results have sub-001, ...; participants have sub-xsub-001",
    ),
    "result": (
        lambda t: t.assign(free_mg_mM=0.5),
        r"participants have the column free_mg_mM, which is one of the results",
    ),
}


@pytest.mark.parametrize("name", BAD_PARTICIPANTS)
def test_bad_participants_are_refused(name: str, people, results) -> None:
    spoil, says = BAD_PARTICIPANTS[name]
    with pytest.raises(p31mg.InputError, match=says):
        p31mg.cohort(results, spoil(people.participants))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"by": "sexx"},
            r"column of groups 'sexx' is not known; the nearest are 'sex'. All: subject, free_mg_mM, ph, age",
        ),
        ({"by": "strength_nm"}, r"column strength_nm has \d+ different values; groups are at most 10. Make it a term"),
        ({"by": "age"}, r"column age has \d+ different values; groups are at most 10. Make it a term"),
        ({"compare": "sexx"}, "column of groups 'sexx' is not known"),
        ({"level": 95}, r"level is 95; it must lie between 0 and 1"),
        ({"only": {"visit": "1"}}, r"only names the column visit, which results do not have"),
        ({"only": {"subject": "1"}}, r"only subject=1 leaves no row of the results; subject is sub-001, sub-002"),
        (
            {"formula": "sex ~ free_mg_mM"},
            "outcome sex of formula .* has 'female', 'male'; an outcome is a column of numbers",
        ),
        (
            {"formula": "free_mg_mM ~ agee"},
            "formula 'free_mg_mM ~ agee': column 'agee' is not known; the nearest are 'age'",
        ),
        ({"formula": "free_mg_mM ~ sex", "by": "sex"}, r"has nothing left within each sex"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], says: str, people, results) -> None:
    with pytest.raises(p31mg.InputError, match=says):
        p31mg.cohort(results, people.participants, **options)


@pytest.mark.parametrize("option", ["by", "compare"])
def test_one_sex_only_is_refused(option: str, people, results) -> None:
    women = people.participants[people.participants["sex"] == "female"]
    with pytest.raises(
        p31mg.InputError, match=r"column sex is 'female' in all 60 rows; there are no groups to tell apart"
    ):
        p31mg.cohort(results, women, **{option: "sex"})


@pytest.mark.parametrize("column", ["free_mg_mM", "sd_measurement_mM", "sd_condition_mM", "sd_shift_alpha_beta_ppm"])
def test_negative_mg_and_sds_are_refused(column: str, people, results) -> None:
    spoilt = results.assign(**{column: results[column].mask(results.index == 1, -0.1)})
    with pytest.raises(p31mg.InputError, match=rf"results have {column} below 0 in subject sub-002"):
        p31mg.cohort(spoilt, people.participants)


def test_status_of_participants_is_not_that_of_the_fit(people, results) -> None:
    invalid = results.assign(status="OK", mg_is_valid=results.index != 4)
    found = p31mg.cohort(invalid, people.participants.assign(status="patient"))
    assert found.left_out["reason"].tolist() == ["magnesium is not valid (mg_is_valid)"]
    assert found.left_out["subjects"].tolist() == ["sub-005"]


def test_error_of_conditions_is_not_taken_from_participants(people, results) -> None:
    with pytest.raises(p31mg.InputError, match=r"participants have the column sd_condition_mM, which is one of"):
        p31mg.cohort(results, people.participants.assign(sd_condition_mM=0.05))


def test_columns_that_are_there_twice_are_refused(people, results, tmp_path: Path) -> None:
    people.participants.assign(**{"age ": 50.0}).to_csv(tmp_path / "people.csv", index=False)
    with pytest.raises(p31mg.InputError, match=r"people\.csv has the column age twice; rename one"):
        p31mg.cohort(results, tmp_path / "people.csv")


def doubts_of(results: pd.DataFrame, participants: pd.DataFrame, formula: str) -> tuple[str, ...]:
    """Return the doubts, which are the warnings as well."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = p31mg.cohort(results, participants, formula)
    assert [str(w.message) for w in told] == list(found.doubts)
    assert {w.category for w in told} <= {p31mg.P31mgWarning}
    return found.doubts


@pytest.mark.parametrize(
    ("spoil", "formula", "says"),
    [
        (
            lambda t: t.assign(age=t["age"].mask(t.index.isin([3, 5]), 999)),
            "free_mg_mM ~ age",
            "column age is 999 where the median is 6...: subjects sub-004, sub-006; if it is a code for nothing",
        ),
        (
            lambda t: t.assign(age=t["age"].mask(t.index.isin([3, 5]), -1)),
            "free_mg_mM ~ age",
            "column age is -1 where all others are above 0: subjects sub-004, sub-006; if it is a code for nothing",
        ),
        (
            lambda t: t.assign(sex=1 + (t["sex"] == "male")),
            "free_mg_mM ~ sex",
            r"column sex has the numbers 1, 2 and one slope for all; if they are codes, write C\(sex\)",
        ),
        (
            lambda t: t.assign(sex=t["sex"].mask(t.index < 9, t["sex"].str.title() + " ")),
            "free_mg_mM ~ age + sex",
            "column sex has '(Female|Male) ', taken as '(female|male)'",
        ),
        (
            lambda t: t.assign(sex=t["sex"].mask((t.index < 30) & (t["sex"] == "female"), "F")),
            "free_mg_mM ~ sex",
            "column sex has 'F' and 'female'; if they are the same, give them one name",
        ),
        (
            lambda t: t.assign(
                age=np.where(t.index < 70, 50.0, 50.0 + t.index % 7).astype(float) + 900 * (t.index == 8)
            ),
            "free_mg_mM ~ age",
            "column age is 950 where the median is 50: subject sub-009",
        ),
        (lambda t: t, "free_mg_mM ~ sd_mM", "column sd_mM is of the measurement, not of people, and is taken as exact"),
        (lambda t: t, "p_mg ~ age", "column p_mg is of the measurement"),
        (lambda t: t, "free_mg_mM ~ age:sex", r"has age:sex without age and sex alone; age\*sex has all"),
        (lambda t: t, "free_mg_mM ~ sex + age:sex", "has age:sex without age alone"),
    ],
)
def test_what_looks_like_a_mistake_is_told(spoil: Spoil, formula: str, says: str, people, results) -> None:
    told = doubts_of(results, spoil(people.participants), formula)
    assert told
    assert all(re.search(says, text) for text in told)


@pytest.mark.parametrize(
    "formula",
    [
        "free_mg_mM ~ age*sex",
        "free_mg_mM ~ C(site) + flag",
        "log(strength_nm) ~ free_mg_mM",
        "site ~ age",
        "serum_mg_mM ~ ph",
        "free_mg_mM ~ change",
    ],
)
def test_what_is_usual_is_not_told(formula: str, people, results) -> None:
    numbers = people.participants.assign(site=people.participants.index % 3, flag=people.participants.index // 7 % 2)
    numbers["change"] = numbers["age"] - numbers["age"].median()
    assert doubts_of(results, numbers, formula) == ()


def test_one_spelling_makes_one_group(people, results) -> None:
    shouted = people.participants.assign(
        sex=people.participants["sex"].mask(people.participants.index < 9, people.participants["sex"].str.upper())
    )
    with pytest.warns(p31mg.P31mgWarning, match="taken as"):
        found = p31mg.cohort(results, shouted, "free_mg_mM ~ sex + age", by="sex").to_dataframe()
    expected = p31mg.cohort(results, people.participants, "free_mg_mM ~ sex + age", by="sex").to_dataframe()
    pd.testing.assert_frame_equal(found, expected)


def test_columns_of_the_measurement_are_those_of_the_study(people, results) -> None:
    from p31mg.cohorts.formula import is_technical
    from p31mg.study.columns import COLUMNS, is_result

    entities = {"subject", "session", "task", "acquisition", "run"}
    assert {c for c in COLUMNS if not is_technical(c)} == {"free_mg_mM", "ph", *entities}
    assert [c for c in results if is_result(c) != is_technical(c)] == ["subject", "spectrum", "free_mg_mM", "ph"]
    assert not any(map(is_technical, people.participants))


def test_sd_of_the_measurement_is_enough_and_goes_first(people, results) -> None:
    expected = p31mg.cohort(results, people.participants).to_dataframe()
    pd.testing.assert_frame_equal(
        p31mg.cohort(results.drop(columns="sd_mM"), people.participants).to_dataframe(), expected
    )
    alone = results.drop(columns="sd_measurement_mM").assign(sd_mM=results["sd_measurement_mM"], sd_condition_mM=0.5)
    pd.testing.assert_frame_equal(p31mg.cohort(alone, people.participants).to_dataframe(), expected)
    with pytest.raises(p31mg.InputError, match="results lack the sd of Mg2"):
        p31mg.cohort(alone.drop(columns="sd_mM"), people.participants)


def test_empty_columns_are_named_each(people, results) -> None:
    people_ = people.participants.copy()
    people_.loc[:1, "age"] = np.nan
    people_.loc[1:2, "strength_nm"] = np.nan
    people_.loc[3, "sex"] = None
    found = p31mg.cohort(results, people_, "free_mg_mM ~ age + strength_nm", compare="sex").left_out
    assert found[["reason", "subjects"]].to_numpy().tolist() == [
        ["nothing in age (free_mg_mM ~ age + strength_nm)", "sub-001"],
        ["nothing in age, strength_nm (free_mg_mM ~ age + strength_nm)", "sub-002"],
        ["nothing in strength_nm (free_mg_mM ~ age + strength_nm)", "sub-003"],
        ["nothing in sex, by which groups are compared", "sub-004"],
    ]


def test_results_without_mg_are_refused(people) -> None:
    with pytest.raises(
        p31mg.InputError, match=r"results lack the column free_mg_mM; give first the table that p31mg.batch makes"
    ):
        p31mg.cohort(people.participants, people.participants)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff\xfe\x00", "is no text in UTF-8; save it as CSV or TSV in UTF-8"),
        (b"", "is no table"),
        (b"subject,age\nsub-001,61,5\nsub-002,50,5\n", "has more cells in its rows than headings; with decimal commas"),
    ],
)
def test_files_that_are_no_tables_are_refused(content: bytes | None, says: str, results, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "people.tsv").write_bytes(content)
    with pytest.raises(p31mg.ReadError, match=says):
        p31mg.cohort(results, tmp_path / "people.tsv")


def test_intervals_cover_the_truth() -> None:
    """Of 100 cohorts of 100; the sd of a share of 0.95 is 2.2 %."""
    inside = naive_inside = 0
    # within everyone var(true) = 0.0012^2 74^2/12 + 0.08^2
    truth = -0.0012 * 74 / 12**0.5 / np.sqrt((0.0012 * 74) ** 2 / 12 + 0.08**2)
    for seed in range(100):
        (row,) = p31mg.cohort(drawn(100, 1000 + seed, sd=0.08)).to_dataframe().to_dict("records")
        inside += row["corrected_beta_low"] < truth < row["corrected_beta_high"]
        naive_inside += row["beta_low"] < truth < row["beta_high"]
    assert 0.89 <= inside / 100 <= 0.99
    assert naive_inside < inside


def test_without_statsmodels_the_extra_is_named(people, results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.api", None)
    with pytest.raises(
        p31mg.InputError, match=r"associations need statsmodels; install it with: pip install 'p31mg\[cohort\]'"
    ):
        p31mg.cohort(results, people.participants)
