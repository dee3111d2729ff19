"""What the commands print and write: JSON with the names of Python, CSV that pandas reads, numbers that can be checked."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import Result

import p31mg

Run = Callable[..., Result]


def document(result: Result) -> dict[str, Any]:
    """Return the JSON of stdout; NaN and Infinity, which JSON does not have, are refused."""

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} in JSON")

    return json.loads(result.stdout, parse_constant=refuse)


ACQUISITION_KEYS = {
    "spectrometer_frequency_mhz",
    "spectral_width_hz",
    "dwell_time_s",
    "begin_time_s",
    "begin_time_source",
    "sd_begin_time_s",
    "resonant_nucleus",
    "n_points",
    "batch_shape",
    "axis_names",
}
CALIBRATION_KEYS = {
    "id",
    "quantity",
    "constants",
    "sd_constants",
    "conditions",
    "shift_range_ppm",
    "tissue",
    "evidence",
    "source",
    "doi",
}
MAGNESIUM_KEYS = {
    "free_mg_mM",
    "sd_mM",
    "sd_measurement_mM",
    "sd_condition_mM",
    "sd_calibration_mM",
    "error_includes",
    "interval_low_mM",
    "interval_high_mM",
    "interval_level",
    "interval_open",
    "probability_beyond_free",
    "probability_beyond_bound",
    "p_mg",
    "in_range",
    "inputs_ok",
    "mg_is_valid",
    "ph",
    "sd_ph",
    "ph_source",
    "temperature_c",
    "sd_temperature_c",
    "kd_corrected",
    "kd_ratio",
    "ionic_strength_M",
    "potassium_M",
}
FIT_KEYS = {
    "status",
    "reason",
    "shift_alpha_beta_ppm",
    "sd_shift_alpha_beta_ppm",
    "shift_beta_pcr_ppm",
    "sd_shift_beta_pcr_ppm",
    "snr",
    "noise_sd",
    "reference_offset_ppm",
    "phase_deg",
    "converged",
    "at_bound",
    "snr_ok",
    "linewidth_ok",
    "shift_in_range",
    "is_valid",
    "n_iterations",
}


def test_fit_of_one_spectrum(run: Run, shelf: Path) -> None:
    file = shelf / "sub-01_unloc.nii.gz"
    result = run("fit", file, "--format", "json")
    assert result.exit_code == 0
    assert result.stderr == ""
    out = document(result)
    assert set(out["acquisition"]) == ACQUISITION_KEYS
    assert set(out["calibration"]) == CALIBRATION_KEYS
    assert (out["file"], out["prior"], out["engine"], out["temperature_c"]) == (str(file), "muscle-3t", "batch", 37.0)
    assert (out["n_spectra"], out["n_valid"]) == (1, 1)
    (row,) = out["spectra"]
    assert set(row) >= FIT_KEYS | MAGNESIUM_KEYS
    per_resonance = {
        f"{n}_{what}" for n in ("pcr", "beta_atp") for what in ("chemical_shift_ppm", "linewidth_hz", "snr")
    }
    assert set(row) >= per_resonance


def test_fit_prints_the_numbers_of_python(run: Run, shelf: Path) -> None:
    file = shelf / "sub-01_unloc.nii.gz"
    (row,) = document(run("fit", file, "--format", "json", "--calibration", "gupta-1984"))["spectra"]
    fit = p31mg.fit(p31mg.read(file))
    mg = p31mg.free_magnesium(fit, calibration="gupta-1984")
    assert row["shift_alpha_beta_ppm"] == float(fit.shift_alpha_beta_ppm)
    assert row["sd_shift_alpha_beta_ppm"] == float(fit.sd_shift_alpha_beta_ppm)
    assert row["free_mg_mM"] == float(mg.free_mg_mM)
    assert [row["interval_low_mM"], row["interval_high_mM"]] == mg.interval_mM.tolist()
    assert row["ph"] == float(mg.ph)


def test_fit_of_a_grid_has_a_row_for_the_empty_voxel(run: Run, shelf: Path) -> None:
    result = run("fit", shelf / "sub-01_csi.nii.gz", "--format", "json")
    assert result.exit_code == 1
    out = document(result)
    assert (out["n_spectra"], out["n_valid"]) == (4, 3)
    assert out["acquisition"]["axis_names"] == ["x", "y", "z"]
    empty = next(row for row in out["spectra"] if (row["x"], row["y"], row["z"]) == (1, 1, 0))
    assert (empty["status"], empty["is_valid"], empty["mg_is_valid"]) == ("NO_SIGNAL", False, False)
    assert [empty[k] for k in ("shift_alpha_beta_ppm", "free_mg_mM", "interval_low_mM", "ph")] == [None] * 4


def test_fit_of_a_grid_prints_a_table_with_the_reason_on_stderr(run: Run, shelf: Path) -> None:
    result = run("fit", shelf / "sub-01_csi.nii.gz")
    assert result.exit_code == 1
    assert sum(" OK" in line for line in result.stdout.splitlines()) == 3
    assert "NO_SIGNAL" not in result.stdout
    assert "1 without signal are not shown" in result.stdout
    assert result.stderr.startswith("1 of 4: no PCr peak stands out of the noise")


def test_every_printed_magnesium_has_its_calibration(run: Run, shelf: Path) -> None:
    for arguments in (("fit", shelf / "sub-01_unloc.nii.gz"), ("mg", 8.55)):
        out = run(*arguments, "--calibration", "gupta-1984").stdout
        for word in ("gupta-1984", "10.82", "8.32", "kd_uM 50", "evidence B", "Annu Rev Biophys", "pH", "37 C"):
            assert word in out


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        ((8.55,), "Kd as published"),
        ((8.55, "--calibration", "own.toml"), "Kd as given"),
        ((8.55, "--calibration", "own.toml", "--all"), "Kd as published; Kd as given"),
        ((-16.1, "--calibration", "iotti-1996"), "constants as published"),
    ],
)
def test_what_was_done_to_the_constants_is_said_of_every_calibration(
    arguments: tuple[object, ...], note: str, run: Run, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shelf)
    assert f"temperature 37 C; {note}\n" in run("mg", *arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "free_mg_mM", "p_mg"),
    [
        # Kd (d_ATP - d) / (d - d_MgATP): 0.038 x 2.36 / 0.20 and 0.050 x 2.27 / 0.23
        ((8.55,), 0.4484, 3.34833),
        ((8.55, "--calibration", "gupta-1984"), 0.493478, 3.30673),
        # pMg = 4.24 - 0.42 log10(2.44) + 0.84 log10(0.40)
        ((-16.14, "--calibration", "iotti-1996"), 0.180706, 3.743026),
        (("--calibration", "iotti-1996", -16.14), 0.180706, 3.743026),
        (("--format", "json", -16.18, "--calibration", "iotti-1996"), 0.1656, 3.7809),
    ],
)
def test_mg_by_hand(arguments: tuple[object, ...], free_mg_mM: float, p_mg: float, run: Run) -> None:
    (row,) = document(run("mg", *arguments, "--format", "json"))["values"]
    # digits of the numbers above
    assert row["free_mg_mM"] == pytest.approx(free_mg_mM, rel=3e-4)
    assert row["p_mg"] == pytest.approx(p_mg, abs=1e-4)


def test_mg_error_by_hand(run: Run) -> None:
    # slope 0.038 x 2.56 / 0.20^2 = 2.432 mM/ppm; the ends are the equation at 8.55 +- 1.959964 x 0.01
    result = run("mg", 8.55, "--sd", 0.01, "--format", "json")
    assert result.exit_code == 0
    (row,) = document(result)["values"]
    assert row["sd_mM"] == pytest.approx(0.02432, rel=1e-9)
    assert row["interval_low_mM"] == pytest.approx(0.038 * (2.36 - 0.01959964) / 0.21959964, rel=1e-6)
    assert row["interval_high_mM"] == pytest.approx(0.038 * (2.36 + 0.01959964) / 0.18040036, rel=1e-6)


def test_mg_document(run: Run) -> None:
    out = document(run("mg", 8.50, 8.60, "--ph", 7.1, "--temperature", 36, "--format", "json"))
    assert set(out) == {"calibration", "values"}
    assert set(out["calibration"]) == CALIBRATION_KEYS
    assert out["calibration"]["constants"] == {"atp_ppm": 10.91, "mgatp_ppm": 8.35, "kd_uM": 38.0}
    assert [set(row) for row in out["values"]] == [
        MAGNESIUM_KEYS | {"interval_mM", "shift_alpha_beta_ppm", "sd_shift_alpha_beta_ppm"}
    ] * 2
    assert all(row["interval_mM"] == [row["interval_low_mM"], row["interval_high_mM"]] for row in out["values"])
    assert [row["shift_alpha_beta_ppm"] for row in out["values"]] == [8.5, 8.6]
    assert {(row["ph"], row["ph_source"], row["temperature_c"]) for row in out["values"]} == {(7.1, "given", 36.0)}


def test_mg_out_of_range_among_others_is_null_and_exit_code_1(run: Run) -> None:
    result = run("mg", 8.30, 8.55, "--format", "json")
    assert result.exit_code == 1
    out_of_range, good = document(result)["values"]
    assert out_of_range["free_mg_mM"] is None
    assert (out_of_range["in_range"], good["in_range"]) == (False, True)
    assert good["free_mg_mM"] == pytest.approx(0.4484, rel=1e-9)


def test_mg_open_interval_is_null_in_json_and_a_bound_in_the_table(run: Run) -> None:
    (row,) = document(run("mg", 8.37, "--sd", 0.02, "--format", "json"))["values"]
    assert (row["interval_high_mM"], row["interval_open"], row["mg_is_valid"]) == (None, True, False)
    assert "∞" in run("mg", 8.37, "--sd", 0.02).stdout


def test_energetics_of_an_open_interval_are_not_known_where_they_need_magnesium(run: Run) -> None:
    arguments = ("mg", 8.37, "--sd", 0.02, "--ph", 7.0, "--pcr", 33, "--pi", 4.5, "--format", "json")
    for route, adp in (("lawson-veech-1979", pytest.approx(14.22, abs=0.01)), ("full", None)):
        (row,) = json.loads(run(*arguments, "--route", route).stdout)["energetics"]["values"]
        assert row["adp_uM"] == adp


def test_calibrations_document(run: Run) -> None:
    result = run("calibrations", "--format", "json")
    assert result.exit_code == 0
    known = {c["id"]: c for c in document(result)["calibrations"]}
    assert list(known) == list(p31mg.calibrations())
    assert all(set(c) == CALIBRATION_KEYS for c in known.values())
    assert known["gupta-1978"]["shift_range_ppm"] == [8.35, 10.91]


def test_calibrations_table_names_all(run: Run) -> None:
    out = run("calibrations").stdout
    assert all(name in out for name in p31mg.calibrations())


def test_info_document(run: Run, shelf: Path) -> None:
    result = run("info", shelf / "sub-01_csi.nii.gz", "--format", "json")
    assert result.exit_code == 0
    out = document(result)
    assert set(out) == {"file", "format", "acquisition", "doubts", "status_counts", "spectra"}
    assert out["format"] == "NIfTI-MRS"
    assert ["EchoTime" in doubt for doubt in out["doubts"]] == [True]
    assert set(out["acquisition"]) == ACQUISITION_KEYS
    assert out["acquisition"]["begin_time_source"] == "EchoTime"
    assert out["acquisition"]["batch_shape"] == [2, 2, 1]
    assert out["status_counts"] == {"OK": 3, "NO_SIGNAL": 1}
    assert [row["reference_offset_ppm"] is None for row in out["spectra"]] == [False, False, False, True]


def test_info_table_says_what_is_in_the_file(run: Run, shelf: Path) -> None:
    out = run("info", shelf / "sub-01_csi.nii.gz").stdout
    assert "51.705" in out
    assert "3 of 4 spectra have a peak above the noise" in out


COMMANDS = {
    "fit": lambda shelf: ("fit", shelf / "sub-01_csi.nii.gz"),
    "info": lambda shelf: ("info", shelf / "sub-01_csi.nii.gz"),
    "mg": lambda _: ("mg", 8.30, 8.55),
    "calibrations": lambda _: ("calibrations",),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_csv_is_read_by_pandas_with_the_rows_of_the_document(
    command: Callable[[Path], tuple[object, ...]], run: Run, shelf: Path
) -> None:
    table = pd.read_csv(io.StringIO(run(*command(shelf), "--format", "csv").stdout))
    out = document(run(*command(shelf), "--format", "json"))
    rows = next(out[key] for key in ("spectra", "values", "calibrations") if key in out)
    assert len(table) == len(rows)
    for name in set(rows[0]) & set(table.select_dtypes("float")):
        expected = [np.nan if row[name] is None else row[name] for row in rows]
        np.testing.assert_allclose(table[name], expected, rtol=1e-12)  # the digits that pandas reads


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_file_holds_what_would_be_printed(
    suffix: str, command: Callable[[Path], tuple[object, ...]], run: Run, shelf: Path, tmp_path: Path
) -> None:
    file = tmp_path / f"out.{suffix}"
    printed = run(*command(shelf), "--format", suffix)
    written = run(*command(shelf), "-o", file)
    assert file.read_text(encoding="utf-8") == printed.stdout
    assert written.stdout == ""
    assert f"written: {file}" in written.stderr
    assert written.exit_code == printed.exit_code


@pytest.mark.parametrize("output_format", ["csv", "json", "table"])
def test_batch_prints_all_rows_when_asked(output_format: str, run: Run, shelf: Path, tmp_path: Path) -> None:
    result = run("batch", shelf / "study", "-o", tmp_path, "--no-figures", "--format", output_format)
    assert result.exit_code == 0
    assert all(f"sub-{i:02d}.nii.gz" in result.stdout for i in (1, 2))
    if output_format == "csv":
        assert result.stdout == (tmp_path / "results.csv").read_text(encoding="utf-8")
    if output_format == "json":
        assert [row["file"] for row in document(result)["rows"]] == ["sub-01.nii.gz", "sub-02.nii.gz"]


def test_batch_says_on_stderr_what_it_left_out(run: Run, shelf: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "a.nii.gz").write_bytes((shelf / "study" / "sub-01.nii.gz").read_bytes())
    (folder / "b.txt").write_text("no numbers\n", encoding="utf-8")
    result = run("batch", folder, "-o", tmp_path / "results", "--no-figures", "--format", "json")
    assert result.exit_code == 1
    assert re.search(r"NOT_READ +1 +file b\.txt ", result.stderr)
    assert "1 of 2 spectra valid; results are in" in result.stderr
    good, bad = document(result)["rows"]
    assert (good["status"], bad["status"]) == ("OK", "NOT_READ")
    assert [bad[k] for k in ("noise_sd", "shift_alpha_beta_ppm", "n_iterations")] == [None] * 3
