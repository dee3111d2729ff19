"""The subject table: joined by file or subject, values that act, values that are carried, and what does not match."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import p31mg
from p31mg.study.subjects import read_subjects

FILES = ["a/sub-01_run-1.nii.gz", "a/sub-01_run-2.nii.gz", "b/sub-02.nii.gz", "fid.txt"]


def joined(table: Any, names: list[str] = FILES, root: Path = Path("nowhere")) -> dict[str, dict[str, Any]]:
    return {name: dict(of_file) for name, of_file in read_subjects(table, root, names).carried.items()}


@pytest.mark.parametrize("subject", ["subject", "participant_id"])
@pytest.mark.parametrize("prefix", ["", "sub-"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_by_subject(subject: str, prefix: str, separator: str, tmp_path: Path) -> None:
    rows = [(subject, "age", "group"), (f"{prefix}01", "34", "a b"), (f"{prefix}02", "", "c")]
    (tmp_path / "t").write_text("\ufeff" + "".join(separator.join(row) + "\r\n" for row in rows), encoding="utf-8")
    found = joined(tmp_path / "t")
    assert found == {
        FILES[0]: {"age": 34, "group": "a b"},
        FILES[1]: {"age": 34, "group": "a b"},
        FILES[2]: {"age": None, "group": "c"},
    }


def test_by_subject_and_run() -> None:
    found = joined({"subject": ["01", "01"], "run": ["run-01", 2], "age": [1, 2]})
    assert found == {FILES[0]: {"age": 1}, FILES[1]: {"age": 2}}


def test_by_file_or_bare_name() -> None:
    found = joined({"file": [FILES[0], "sub-02.nii.gz", "./fid.txt", "a\\sub-01_run-2.nii.gz"], "age": [1, 2, 3, 4]})
    assert found == {FILES[0]: {"age": 1}, FILES[2]: {"age": 2}, FILES[3]: {"age": 3}, FILES[1]: {"age": 4}}


def test_bare_name_of_two_files_matches_neither() -> None:
    found = read_subjects({"file": ["s.txt"], "age": [1]}, Path(), ["a/s.txt", "b/s.txt"])
    assert found.files_without_row == ("a/s.txt", "b/s.txt")
    assert found.rows_without_file == ("s.txt",)


def test_subject_of_a_file_that_its_name_does_not_tell(tmp_path: Path) -> None:
    for name in ("x.nii.gz", "sub-02.nii.gz"):
        p31mg.write(p31mg.simulate(0.5, snr=300, seed=1, n_points=256), tmp_path / name)
    table = p31mg.batch(tmp_path, subjects={"file": ["x.nii.gz"], "subject": ["sub-77"], "age": [5]})
    assert table["subject"].tolist() == ["sub-02", "sub-77"]
    assert list(table.columns).count("subject") == 1


def test_unmatched_on_both_sides_are_reported(people: Path, tmp_path: Path) -> None:
    table = {"subject": ["01", "88", "99"], "age": [1, 2, 3]}
    p31mg.batch(people, tmp_path / "out", figures=False, report=False, subjects=table)
    log = (tmp_path / "out" / "batch.log").read_text(encoding="utf-8")
    assert "23 files (sub-00.nii.gz, sub-02.nii.gz, sub-03.nii.gz, sub-04.nii.gz, sub-05.nii.gz, ...): no row" in log
    assert "sub-88, sub-99 of the subject table: no file" in log
    record = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert record["subjects"]["rows_without_file"] == ["sub-88", "sub-99"]
    assert len(record["subjects"]["files_without_row"]) == 23
    assert record["columns"]["age"] == "column of the subject table"


def test_acquisition_by_file_is_that_of_the_file_alone(tmp_path: Path) -> None:
    one = p31mg.simulate(0.5, snr=300, seed=1, n_points=256)
    for name in ("a.txt", "b.txt", "c.txt"):
        np.savetxt(tmp_path / name, np.column_stack([one.fid.real, one.fid.imag]))
    own = {"file": ["a.txt", "b.txt"], "begin_time_s": [5e-4, 4e-4], "spectrometer_frequency_mhz": [51.705, 51.8]}
    table = p31mg.batch(tmp_path, subjects=own, spectral_width_hz=5000.0).set_index("file")
    assert table["status"].tolist() == ["OK", "OK", "NOT_READ"]
    assert table.loc[["a.txt", "b.txt"], "begin_time_s"].tolist() == [5e-4, 4e-4]
    assert "does not state the spectrometer frequency, begin time" in table.loc["c.txt", "reason"]
    for name, begin, frequency in zip(["a.txt", "b.txt"], [5e-4, 4e-4], [51.705, 51.8], strict=True):
        alone = p31mg.fit(
            p31mg.read(
                tmp_path / name, begin_time_s=begin, spectrometer_frequency_mhz=frequency, spectral_width_hz=5000.0
            )
        )
        assert table.loc[name, "shift_alpha_beta_ppm"] == float(alone.shift_alpha_beta_ppm)


@pytest.mark.usefixtures("small_portions")
def test_own_values_give_the_same_numbers_in_whatever_stack(people: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"subject": [f"{i:02d}" for i in range(24)], "ph": rng.uniform(6.5, 7.2, 24)})
    table["temperature_c"] = np.where(rng.random(24) < 0.5, 36.0 + rng.random(24), np.nan)
    options: dict[str, Any] = {"correct_kd": True, "sd_ph": 0.03, "subjects": table}
    by_portions = p31mg.batch(people, **options)
    for name in ("sub-01.nii.gz", "sub-09.nii.gz"):
        (tmp_path / name).write_bytes((people / name).read_bytes())
    alone = p31mg.batch(tmp_path, **options)
    rows = by_portions[by_portions["file"].isin(alone["file"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, alone, check_exact=True)


def test_column_of_the_name_of_an_axis_is_kept_apart(tmp_path: Path) -> None:
    series = p31mg.simulate([0.4, 0.5], snr=300, seed=1, n_points=256)
    named = p31mg.Spectra(series.fid, series.acquisition, ("dyn",))
    p31mg.write(named, tmp_path / "sub-01.nii.gz")
    table = p31mg.batch(tmp_path, subjects={"subject": ["01"], "dyn": ["slow"]})
    assert table["dyn"].tolist() == [0, 1]
    assert table["subject_dyn"].tolist() == ["slow", "slow"]


def test_decimal_commas() -> None:
    assert dict(read_subjects({"subject": ["02"], "ph": ["7,05"]}, Path(), FILES).own[FILES[2]]) == {"ph": 7.05}


@pytest.mark.parametrize("heading", ["pH", "PH", "ph", " pH "])
def test_option_column_is_found_in_any_case(heading: str) -> None:
    table = {"File": FILES, heading: [7.0, None, 7.2, "6,9"], "Temperature_C": [37, 37, 36, None]}
    known = read_subjects(table, Path(), FILES)
    assert [dict(known.own[name]) for name in FILES] == [
        {"ph": 7.0, "temperature_c": 37},
        {"temperature_c": 37},
        {"ph": 7.2, "temperature_c": 36},
        {"ph": 6.9},
    ]
    assert known.columns == ()
    assert known.acting_text(4) == [
        f"{heading.strip()} of 3 of 4 files from the subject table",
        "Temperature_C of 3 of 4 files from the subject table",
    ]


def test_participants_table_with_a_ph_in_capitals_acts_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    for name in ("sub-01", "sub-02"):
        p31mg.write(p31mg.simulate(0.5, snr=300, seed=1, n_points=256), tmp_path / "study" / f"{name}.nii.gz")
    (tmp_path / "study" / "participants.tsv").write_text("Participant_ID\tpH\n01\t6.8\nsub-02\tn/a\n")
    table = p31mg.batch(tmp_path / "study", tmp_path / "out", figures=False, report=False)
    assert [c for c in table.columns if c.lower() == "ph"] == ["ph"]
    assert table.loc[0, ["ph", "ph_source"]].tolist() == [6.8, "given"]
    assert table.loc[1, "ph_source"] == "taylor-1983"
    assert "pH of 1 of 2 files from the subject table" in (tmp_path / "out" / "batch.log").read_text("utf-8")
    assert json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))["subjects"]["acting"] == {"pH": 1}


def test_two_columns_of_the_same_meaning_are_refused() -> None:
    with pytest.raises(
        p31mg.InputError, match="subjects has the columns ph and pH, which mean the same; leave one out"
    ):
        read_subjects({"file": FILES[:1], "ph": [7.0], "pH": [7.1]}, Path(), FILES)
