"""`p31mg cohort`, `power`, `simulate-cohort`: the same numbers as in Python, and one sentence for what is wrong."""

from __future__ import annotations

import json
import re
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
    assert document["doubts"] == []


def test_table_has_slopes_with_their_p_and_stderr_who_is_left_out(
    run: Run, tables: tuple[Path, Path], tmp_path: Path
) -> None:
    results = pd.read_csv(tables[0])
    results.loc[3, "mg_is_valid"] = False
    results.to_csv(tmp_path / "results.csv", index=False)
    done = run("cohort", tmp_path / "results.csv", tables[1], "--compare", "sex")
    assert done.exit_code == 0
    (row,) = p31mg.cohort(tmp_path / "results.csv", tables[1]).to_dataframe().to_dict("records")
    lines = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()]
    shown = {cells[0]: cells[1:] for cells in lines}
    assert f"n 39, R2 {row['r2']:.3f}, corrected {row['corrected_r2']:.3f}, reliability" in done.stdout
    for name, prefix in (("age", ""), ("corrected", "corrected_")):
        slope, p_value, beta = shown[name]
        # two digits of half an interval
        reach = (row[f"{prefix}slope_high"] - row[f"{prefix}slope_low"]) / 2
        for said, end in zip(re.findall(r"-?[\d.]+", slope), ("", "_low", "_high"), strict=True):
            assert float(said) == pytest.approx(row[f"{prefix}slope{end}"], abs=0.06 * reach)
        assert float(p_value) == pytest.approx(row[f"{prefix}p_value"], rel=0.06)
        assert beta == "{:.2f} ({:.2f} to {:.2f})".format(*(row[f"{prefix}beta{e}"] for e in ("", "_low", "_high")))
    assert len(shown["male"]) == 7
    assert done.stderr.splitlines() == [
        "left out: 1, magnesium is not valid (mg_is_valid): sub-004",
        "39 people with valid magnesium",
    ]


def test_names_of_many_who_are_left_out_are_cut_and_whole_in_the_document(
    run: Run, tables: tuple[Path, Path], tmp_path: Path
) -> None:
    pd.read_csv(tables[1], sep="\t").drop(index=range(7)).to_csv(tmp_path / "people.csv", index=False)
    done = run("cohort", tables[0], tmp_path / "people.csv", "-o", tmp_path / "out.json")
    assert "sub-005, ... (all: --format json)" in done.stderr
    assert "slope" in done.stdout  # beside the file
    (out,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["left_out"]
    assert out["subjects"].split(", ") == [f"sub-00{i}" for i in range(1, 8)]


def test_models_that_are_not_corrected_have_no_second_line_and_one_note(run: Run, tables: tuple[Path, Path]) -> None:
    interaction = "strength_nm ~ free_mg_mM*age"
    done = run("cohort", *tables, "--formula", "serum_mg_mM ~ age", "--formula", interaction, "--by", "sex")
    assert "nan" not in done.stdout
    assert "reliability" not in done.stdout
    assert done.stdout.count("corrected") == 2  # of the note
    assert done.stdout.count(f"note on {interaction}: not corrected") == 1


def test_figure_of_a_model_of_several_terms_is_said_to_be_unadjusted(
    run: Run, tables: tuple[Path, Path], tmp_path: Path
) -> None:
    several = ("--formula", "strength_nm ~ free_mg_mM + age + sex", "--figure", tmp_path / "several.png")
    assert "the figure is not adjusted for age, sex; the table is" in run("cohort", *tables, *several).stderr
    one = ("--formula", "strength_nm ~ free_mg_mM", "--figure", tmp_path / "one.png")
    assert "adjusted" not in run("cohort", *tables, *one).stderr


@pytest.mark.filterwarnings("always")
def test_doubts_are_notes(run: Run, tables: tuple[Path, Path], tmp_path: Path) -> None:
    people = pd.read_csv(tables[1], sep="\t")
    people.loc[3, "age"] = 999
    people.to_csv(tmp_path / "people.csv", index=False)
    done = run("cohort", tables[0], tmp_path / "people.csv")
    assert done.exit_code == 0
    assert done.stderr.startswith("p31mg: note: column age is 999 where the median is")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--formula", "free_mg_mM ~ agee"), "p31mg: formula 'free_mg_mM ~ agee': column 'agee' is not known"),
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
        (
            ("power", "--effect", 0.2, "--figure", "a.png"),
            "p31mg: figure a.png shows a curve against SNR and there is one SNR; repeat --snr",
        ),
        (("power", "--effect", 0.2, "--figure", "a.gif"), "p31mg: figure is a.gif; its name must end in .png"),
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
