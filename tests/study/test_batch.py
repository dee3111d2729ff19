"""`batch`: one row per spectrum, good or bad, each as if its file had been fitted alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import p31mg
from p31mg.study.columns import COLUMNS, explained

PNG = b"\x89PNG\r\n\x1a\n"
OPTIONS: dict[str, Any] = {"ph": 7.1, "temperature_c": 36.5, "calibration": "gupta-1984"}

NARROW = p31mg.Acquisition(spectrometer_frequency_mhz=49.9, dwell_time_s=2.5e-4, begin_time_s=3e-4)
FILES = [
    "a/b/sub-02.nii.gz",
    "a/sub-01.nii.gz",
    "broken.nii.gz",
    "fid.txt",
    "grid.nii.gz",
    "noise.nii.gz",
    "sub-03.nii.gz",
]


def person(free_mg_mM: float, seed: int, acquisition: p31mg.Acquisition | None = None) -> p31mg.Spectra:
    return p31mg.simulate(free_mg_mM, prior="muscle-3t", snr=400, seed=seed, acquisition=acquisition, n_points=1024)


def grid() -> p31mg.Spectra:
    """Return a grid of 3 x 2 voxels, the last one empty."""
    voxels = p31mg.simulate([[[0.4], [0.5]], [[0.6], [0.7]], [[0.5], [0.5]]], snr=300, seed=4, n_points=1024)
    fid = voxels.fid.copy()
    fid[2, 1, 0] = 0.0
    return p31mg.Spectra(fid, voxels.acquisition, ("x", "y", "z"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("study")
    (root / "a" / "b").mkdir(parents=True)
    p31mg.write(person(0.4, 1), root / "a" / "sub-01.nii.gz")
    p31mg.write(person(0.6, 2), root / "a" / "b" / "sub-02.nii.gz")
    p31mg.write(person(0.5, 3, NARROW), root / "sub-03.nii.gz")
    p31mg.write(grid(), root / "grid.nii.gz")
    empty = np.random.default_rng(5).standard_normal((1024, 2)).view(complex)[:, 0]
    p31mg.write(p31mg.Spectra(empty, person(0.4, 1).acquisition), root / "noise.nii.gz")
    (root / "broken.nii.gz").write_bytes((root / "sub-03.nii.gz").read_bytes()[:5000])
    np.savetxt(root / "fid.txt", empty.view(float).reshape(-1, 2))
    # not spectra, or not to be taken
    (root / "notes.md").write_text("scanner was serviced in May\n", encoding="utf-8")
    (root / ".hidden.nii.gz").write_bytes(b"x")
    (root / "results.csv").write_text("of an earlier study\n", encoding="utf-8")
    (root / ".cache").mkdir()
    (root / ".cache" / "sub-09.txt").write_text("x", encoding="utf-8")
    return root


@dataclass(frozen=True)
class Study:
    table: pd.DataFrame
    output: Path
    record: dict[str, Any]
    calls: list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def study(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    output = tmp_path_factory.mktemp("output") / "results"
    calls: list[tuple[str, int, int]] = []
    table = p31mg.batch(
        folder, output, figures=False, report=False, progress=lambda *call: calls.append(call), **OPTIONS
    )
    record = json.loads((output / "results.json").read_text(encoding="utf-8"))
    return Study(table, output, record, calls)


def test_one_row_per_spectrum_in_the_order_of_names(study: Study) -> None:
    per_file = study.table.groupby("file", sort=False).size()
    assert list(per_file.index) == FILES
    assert per_file.tolist() == [1, 1, 1, 1, 6, 1, 1]


def test_status_and_reason_of_every_row(study: Study) -> None:
    status = study.table.groupby("file")["status"].agg(list).to_dict()
    assert status == {
        "a/b/sub-02.nii.gz": ["OK"],
        "a/sub-01.nii.gz": ["OK"],
        "broken.nii.gz": ["NOT_READ"],
        "fid.txt": ["NOT_READ"],
        "grid.nii.gz": ["OK"] * 5 + ["ZERO_SIGNAL"],
        "noise.nii.gz": ["NO_SIGNAL"],
        "sub-03.nii.gz": ["OK"],
    }
    reason = dict(zip(study.table["file"], study.table["reason"], strict=True))
    assert "broken.nii.gz is truncated or damaged" in reason["broken.nii.gz"]
    assert "fid.txt does not state the spectrometer frequency, spectral width, begin time" in reason["fid.txt"]
    assert reason["noise.nii.gz"] == p31mg.FitStatus.NO_SIGNAL.message
    assert reason["grid.nii.gz"] == p31mg.FitStatus.ZERO_SIGNAL.message
    assert (study.table.loc[study.table["status"] == "OK", "reason"] == "").all()


def test_rows_without_a_fit_hold_nan_and_are_not_valid(study: Study) -> None:
    bad = study.table[study.table["status"] != "OK"]
    numbers = ["shift_alpha_beta_ppm", "sd_shift_alpha_beta_ppm", "free_mg_mM", "sd_mM", "interval_low_mM", "p_mg"]
    assert bad[numbers].isna().all(axis=None)
    assert not bad[["is_valid", "mg_is_valid", "in_range", "interval_open", "converged"]].any(axis=None)


def test_position_in_the_grid(study: Study) -> None:
    axes = study.table[["x", "y", "z"]]
    in_grid = study.table["file"] == "grid.nii.gz"
    assert axes[in_grid].to_numpy(int).tolist() == [[x, y, 0] for x in range(3) for y in range(2)]
    assert axes[~in_grid].isna().all(axis=None)


@pytest.mark.parametrize("name", [f for f in FILES if f not in ("broken.nii.gz", "fid.txt")])
def test_rows_are_those_of_each_file_alone(name: str, study: Study, folder: Path) -> None:
    fit = p31mg.fit(p31mg.read(folder / name))
    mg = p31mg.free_magnesium(fit, **OPTIONS)
    rows = study.table[study.table["file"] == name]
    for alone in (fit.to_dataframe(), mg.to_dataframe()):
        for column in alone.columns.drop("spectrum", errors="ignore"):
            expected, found = alone[column], rows[column]
            if pd.api.types.is_float_dtype(expected):
                np.testing.assert_array_equal(found.to_numpy(float), expected, err_msg=column)
            else:
                assert found.tolist() == expected.tolist(), column


def test_broken_file_changes_no_other_row(study: Study, folder: Path, tmp_path: Path) -> None:
    for name in FILES:
        if name not in ("broken.nii.gz", "fid.txt"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((folder / name).read_bytes())
    without = p31mg.batch(tmp_path, **OPTIONS)
    read = study.table[study.table["status"] != "NOT_READ"].reset_index(drop=True)
    pd.testing.assert_frame_equal(read, without, check_exact=True, check_dtype=False)


def test_every_column_is_explained(study: Study) -> None:
    assert set(study.record["columns"]) == set(study.table.columns)
    axes = {name for name, text in study.record["columns"].items() if text.startswith("position on the axis")}
    assert axes == {"x", "y", "z"}
    assert all(text.strip() for text in study.record["columns"].values())


NOT_HERE = ("session", "task", "acquisition", "run", "j_coupling_hz", "crlb_j_coupling_hz", "crlb_begin_time_s")


@pytest.mark.parametrize("column", [c for c in COLUMNS if c not in NOT_HERE])
def test_explained_column_exists(column: str, study: Study) -> None:
    assert column in study.table.columns


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("beta_atp_chemical_shift_ppm", ("centre", "beta_atp", "ppm")),
        ("beta_atp_crlb_chemical_shift_ppm", ("Cramer-Rao", "centre", "beta_atp", "ppm")),
        ("pcr_crlb_linewidth_hz", ("Cramer-Rao", "linewidth", "pcr", "Hz")),
        ("pi_amplitude", ("pi", "data units")),
        ("pi_snr", ("SNR", "pi")),
        ("calibration_kd_uM", ("kd_uM", "calibration")),
    ],
)
def test_explanation_names_quantity_resonance_and_unit(column: str, words: tuple[str, ...]) -> None:
    assert all(word in explained(column) for word in words)


def test_csv_is_the_table(study: Study) -> None:
    csv = pd.read_csv(study.output / "results.csv", dtype=str, keep_default_na=False)
    assert list(csv.columns) == list(study.table.columns)
    assert len(csv) == len(study.table)
    for name in study.table.columns:
        column = study.table[name]
        if pd.api.types.is_float_dtype(column):
            np.testing.assert_array_equal([float(text or "nan") for text in csv[name]], column, err_msg=name)
        else:
            assert csv[name].tolist() == ["" if value is pd.NA or value != value else str(value) for value in column], (
                name
            )


def test_types_of_the_table(study: Study) -> None:
    types = study.table.dtypes.astype(str)
    assert (types[["n_points", "n_iterations", "x", "y", "z"]] == "Int64").all()
    assert (types[["converged", "is_valid", "mg_is_valid", "interval_open", "in_range"]] == "bool").all()
    assert (types[["free_mg_mM", "interval_high_mM", "ph", "temperature_c"]] == "float64").all()


def test_record_says_how_the_study_was_made(study: Study, folder: Path) -> None:
    record = study.record
    assert record["options"] == {
        "folder": str(folder),
        "engine": "batch",
        "phase_model": "auto",
        "lineshape": "auto",
        "baseline": "auto",
        "ph": 7.1,
        "sd_ph": None,
        "temperature_c": 36.5,
        "sd_temperature_c": None,
        "correct_kd": False,
        "ionic_strength_M": None,
        "potassium_M": None,
        "ph_equation": "taylor-1983",
        "level": 0.95,
        "spectrometer_frequency_mhz": None,
        "spectral_width_hz": None,
        "begin_time_s": None,
        "sd_begin_time_s": None,
        "override": False,
        "prior": "muscle-3t",
        "calibration": "gupta-1984",
    }
    assert record["prior"]["name"] == "muscle-3t"
    assert (record["prior"]["reference"], record["prior"]["coupling"]) == ("pcr", "exact")
    prior = p31mg.load_prior("muscle-3t")
    assert list(record["prior"]["resonances"]) == list(prior.names)
    assert record["prior"]["resonances"]["beta_atp"]["shift_bounds_ppm"] == list(prior["beta_atp"].shift_bounds_ppm)
    assert record["calibration"]["id"] == "gupta-1984"
    assert record["calibration"]["constants"] == {"atp_ppm": 10.82, "mgatp_ppm": 8.32, "kd_uM": 50.0}
    assert "Annu Rev Biophys" in record["calibration"]["source"]
    assert record["versions"]["p31mg"] == p31mg.__version__
    assert {"python", "numpy", "scipy"} <= set(record["versions"])


def test_every_fitted_row_carries_its_calibration(study: Study) -> None:
    rows = study.table[study.table["status"] != "NOT_READ"]
    assert set(rows["calibration"]) == {"gupta-1984"}
    assert set(rows["calibration_kd_uM"]) == {50.0}
    assert set(rows["temperature_c"]) == {36.5}
    assert set(rows["ph"]) == {7.1}


def test_progress_counts_up_to_the_end(study: Study) -> None:
    assert study.calls[-2:] == [("write", 0, 1), ("write", 1, 1)]
    counts = [(done, total) for name, done, total in study.calls if name == "fit"]
    assert counts == sorted(counts)
    assert counts[0] == (0, len(FILES))
    assert counts[-1] == (len(FILES), len(FILES))


def test_tables_and_maps_are_written_without_figures(study: Study) -> None:
    assert sorted(p.name for p in study.output.iterdir()) == [
        ".p31mg",
        "batch.log",
        "maps",
        "results.csv",
        "results.json",
    ]


def test_without_output_nothing_is_written(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    p31mg.batch(folder)
    assert sorted(folder.rglob("*")) == before


def test_output_within_the_study_is_not_read_again(tmp_path: Path) -> None:
    p31mg.write(person(0.5, 1), tmp_path / "sub-01.nii.gz")
    first = p31mg.batch(tmp_path, tmp_path / "results", figures=False, report=False)
    (tmp_path / "results" / "exported.csv").write_text("1,2\n", encoding="utf-8")
    again = p31mg.batch(tmp_path, tmp_path / "results", figures=False, report=False)
    pd.testing.assert_frame_equal(first, again, check_exact=True)


def test_options_of_the_acquisition_fill_what_text_lacks(tmp_path: Path) -> None:
    fid = person(0.5, 1).fid
    np.savetxt(tmp_path / "sub-01.txt", np.column_stack([fid.real, fid.imag]))
    (row,) = p31mg.batch(
        tmp_path, spectrometer_frequency_mhz=51.705, spectral_width_hz=5000.0, begin_time_s=5e-4
    ).to_dict(orient="records")
    assert row["status"] == "OK"
    # text has 18 digits of a number that has 17
    assert row["shift_alpha_beta_ppm"] == pytest.approx(float(p31mg.fit(person(0.5, 1)).shift_alpha_beta_ppm), abs=1e-9)


def test_study_without_a_readable_file_has_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("", encoding="utf-8")
    table = p31mg.batch(tmp_path, tmp_path / "results")
    assert table["status"].tolist() == ["NOT_READ", "NOT_READ"]
    assert not table["mg_is_valid"].any()


def test_spectra_too_narrow_for_the_prior_are_rows_with_the_reason(tmp_path: Path) -> None:
    p31mg.write(person(0.5, 1), tmp_path / "good.nii.gz")
    narrow = p31mg.Acquisition(spectrometer_frequency_mhz=51.705, dwell_time_s=1e-3, begin_time_s=5e-4)
    p31mg.write(p31mg.Spectra(person(0.5, 2).fid, narrow), tmp_path / "narrow.nii.gz")
    good, bad = p31mg.batch(tmp_path).to_dict(orient="records")
    assert good["status"] == "OK"
    assert bad["status"] != "OK"
    assert "spectral width is 1000 Hz" in bad["reason"]
