"""`p31mg cohort`, `power`, `simulate-cohort`: the same numbers as in Python, and one sentence for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

import p31mg

Run = Callable[..., Result]


@pytest.fixture
def tables(shelf: Path) -> tuple[Path, Path]:
    return shelf / "people" / "results.csv", shelf / "people" / "participants.tsv"


def test_document_has_the_numbers_of_python(run: Run, tables: tuple[Path, Path]) -> None:
    options = ("--formula", "strength_nm ~ free_mg_mM + age", "--by", "sex", "--compare", "sex", "--format", "json")
    document = json.loads(run("cohort", *tables, *options).stdout)
    found = p31mg.cohort(*tables, "strength_nm ~ free_mg_mM + age", by="sex", compare="sex")
    pd.testing.assert_frame_equal(pd.DataFrame(document["associations"]), found.to_dataframe(), rtol=1e-9)
    assert [g["group"] for g in document["groups"]] == ["female", "male"]
    assert document["n_people"] == 40


def test_table_shows_both_slopes_and_stderr_who_is_left_out(
    run: Run, tables: tuple[Path, Path], tmp_path: Path
) -> None:
    results = pd.read_csv(tables[0])
    results.loc[3, "mg_is_valid"] = False
    results.to_csv(tmp_path / "results.csv", index=False)
    done = run("cohort", tmp_path / "results.csv", tables[1], "--compare", "sex")
    assert done.exit_code == 0
    (row,) = p31mg.cohort(tmp_path / "results.csv", tables[1]).to_dataframe().to_dict("records")
    assert all(f"{row[name]:.2f}" in done.stdout for name in ("beta", "corrected_beta", "reliability"))
    assert "sex male" in done.stdout
    assert done.stderr.splitlines() == [
        "left out: 1, magnesium is not valid (mg_is_valid)",
        "39 people with valid magnesium",
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--formula", "free_mg_mM ~ agee"), "p31mg: column of formula 'free_mg_mM ~ agee' 'agee' is not known"),
        (("--formula", "age"), "p31mg: formula is 'age'; write outcome ~ term + term"),
        (("--only", "session"), "'session' is not COLUMN=VALUE, as in session=ses-1"),
        (("--only", "session=ses-2"), "p31mg: only session=ses-2 leaves no row of the results"),
        (("--figure", "a.gif"), "p31mg: figure is a.gif; its name must end in .png, .pdf, .svg"),
        (("-o", "a.xlsx"), "p31mg: output is a.xlsx; its name must end in .csv or .json"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    options: tuple[str, ...], says: str, run: Run, tables: tuple[Path, Path]
) -> None:
    done = run("cohort", *tables, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("power", "--effect", 2), "p31mg: effect is 2; a correlation lies between -1 and 1"),
        (("power", "--effect", 0.2, "--figure", "a.png"), "p31mg: figure is a.png with 1 SNR"),
        (("simulate-cohort", "out", "--seed", 1, "--n", 2), "p31mg: n is 2; a cohort has at least 4 people"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    arguments: tuple[object, ...], says: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr
    assert not list(tmp_path.iterdir())
