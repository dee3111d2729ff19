"""Simulated people: what holds for their truth, and the tree that is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p31mg
from p31mg.cohorts.simulated import draw_people


@pytest.fixture(scope="module")
def many() -> tuple[pd.DataFrame, np.ndarray]:
    return draw_people(20_000, p31mg.Associations(), 0.55, 0.09, np.random.default_rng(1))


def partial(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
    x, y = (v - np.polyval(np.polyfit(z, v, 1), z) for v in (x, y))
    return float(np.corrcoef(x, y)[0, 1])


def test_published_associations_hold_for_true_mg(many) -> None:
    table, mg = many
    woman = (table["sex"] == "female").to_numpy()
    # the sd of a correlation in 20,000 people is 0.007, in half of them 0.01: four of these
    assert np.corrcoef(table["age"], mg)[0, 1] == pytest.approx(-0.29, abs=0.028)
    assert np.corrcoef(table["strength_nm"][woman], mg[woman])[0, 1] == pytest.approx(0.31, abs=0.04)
    assert np.corrcoef(table["strength_nm"][~woman], mg[~woman])[0, 1] == pytest.approx(0.20, abs=0.04)
    assert np.corrcoef(table["serum_mg_mM"], table["age"])[0, 1] == pytest.approx(0, abs=0.028)
    assert np.corrcoef(table["serum_mg_mM"], mg)[0, 1] == pytest.approx(0, abs=0.028)
    men = table[~woman]
    found = partial(*(men[c].to_numpy() for c in ("serum_mg_mM", "testosterone_ng_dl", "age")))
    assert found == pytest.approx(0.168, abs=0.04)
    difference = (mg[woman].mean() - mg[~woman].mean()) / np.sqrt((mg[woman].var() + mg[~woman].var()) / 2)
    assert difference == pytest.approx(-0.4, abs=0.06)
    assert (mg.mean(), mg.std()) == pytest.approx((0.55, 0.09), rel=0.02)
    assert table["age"].between(24, 98).all()
    assert (mg > 0).all()


def test_associations_can_be_others() -> None:
    others = p31mg.Associations(age=0.0, strength_women=-0.5)
    table, mg = draw_people(5000, others, 0.55, 0.09, np.random.default_rng(1))
    woman = (table["sex"] == "female").to_numpy()
    assert np.corrcoef(table["age"], mg)[0, 1] == pytest.approx(0, abs=0.056)
    assert np.corrcoef(table["strength_nm"][woman], mg[woman])[0, 1] == pytest.approx(-0.5, abs=0.06)
    one, two = (
        p31mg.simulate_cohort(8, seed=1, n_points=64, associations=a)
        for a in (others, {"age": 0, "strength_women": -0.5})
    )
    pd.testing.assert_frame_equal(one.participants, two.participants)


def test_same_seed_gives_the_same_people_and_noise() -> None:
    one, two, other = (p31mg.simulate_cohort(10, seed=s, n_points=64) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one.participants, two.participants)
    np.testing.assert_array_equal(one.spectra.fid, two.spectra.fid)
    assert not np.array_equal(one.spectra.fid, other.spectra.fid)


def test_spectra_have_the_mg_of_the_truth(people, results) -> None:
    error = results["free_mg_mM"] - people.truth["true_free_mg_mM"]
    z = (error / results["sd_mM"]).to_numpy()
    assert abs(z.mean()) < 0.4  # of 120
    assert 0.8 < z.std() < 1.25
    assert people.truth["snr"].median() == pytest.approx(250, rel=0.1)


def test_tree_is_a_study(tmp_path: Path) -> None:
    people = p31mg.simulate_cohort(12, snr=300, seed=4, output=tmp_path / "tree", n_points=1024)
    table = p31mg.batch(tmp_path / "tree", tmp_path / "out", figures=False, report=False)
    assert table["subject"].tolist() == people.participants["participant_id"].tolist()
    np.testing.assert_allclose(table["age"].astype(float), people.participants["age"])
    np.testing.assert_allclose(table["free_mg_mM"], people.measured()["free_mg_mM"], rtol=1e-9)
    found = p31mg.cohort(tmp_path / "out" / "results.csv", tmp_path / "tree" / "participants.tsv")
    assert found.to_dataframe().loc[0, "n"] == 12
    truth = pd.read_csv(tmp_path / "tree" / "derivatives" / "simulation" / "truth.tsv", sep="\t")
    np.testing.assert_allclose(truth["true_free_mg_mM"], people.truth["true_free_mg_mM"])


def test_folder_in_use_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(p31mg.WriteError, match=r"exists and is not empty; choose another name"):
        p31mg.simulate_cohort(4, seed=1, output=tmp_path, n_points=64)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    p31mg.simulate_cohort(4, seed=1, output=tmp_path, n_points=64, overwrite=True)
    assert (tmp_path / "participants.tsv").is_file()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"n": 3}, "n is 3; a cohort has at least 4 people"),
        ({"snr": 0}, "snr is 0; it must be above 0"),
        ({"snr_spread": -1}, "snr_spread is -1; a spread is 0 or above"),
        ({"sd_mg_mM": 0.2}, "sd_mg_mM is 0.2 at a mean of 0.55 mM"),
        ({"associations": {"agee": 1}}, "associations have 'agee', which is not known"),
        ({"associations": {"age": -1.0}}, r"associations age and sex explain 104 % of the variance"),
        ({"associations": {"strength_age": 0.9, "strength_men": 0.9}}, "strength_age explain"),
    ],
)
def test_people_that_cannot_be_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(p31mg.InputError, match=says):
        p31mg.simulate_cohort(seed=1, **options)
