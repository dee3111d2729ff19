"""`methods.md`: every number is that of the study, every unknown is a marked blank, nothing is invented."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import p31mg
from p31mg.fitting import judge
from p31mg.magnesium import calibration_record
from p31mg.prior import LINESHAPES
from p31mg.report import header_fields, write_methods
from p31mg.report.fitted import lineshape_text

from .conftest import Study


def written(study: Study, folder: Path, **changed: object) -> str:
    return write_methods(folder, changed.pop("table", study.table), {**study.provenance, **changed}).read_text("utf-8")


def flat(text: str) -> str:
    return " ".join(text.split())


def item(text: str, name: str) -> str:
    """Return what the table says to an item."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {name}")]
    return row.split(" | ", 1)[1].removesuffix(" |")


def test_paragraph_tells_the_numbers_of_the_study(study: Study, tmp_path: Path) -> None:
    text = flat(written(study, tmp_path))
    valid = study.table[study.table["mg_is_valid"]]
    failed = study.table["status"] != "OK"
    a = study.fit.spectra.acquisition
    assert "13 ³¹P spectra of 13 files (2 of 15 files could not be read) (51.705 MHz" in text
    assert f"Of {len(study.table)} spectra" in text
    assert (
        f"({a.spectrometer_frequency_mhz:g} MHz, spectral width {a.spectral_width_hz:g} Hz, 2048 complex points" in text
    )
    assert "first point 0.5 ms after" in text
    n_flagged = len(study.table) - len(valid) - failed.sum()
    assert f"{len(valid)} were valid, {n_flagged} had a result that was flagged by these rules" in text
    assert f", and {failed.sum()} had none (2 not read, 1 " in text
    for column, digits in (("snr", 0), ("pcr_linewidth_hz", 1), ("free_mg_mM", 3), ("sd_shift_alpha_beta_ppm", 4)):
        values = valid[column].astype(float)
        assert f"{values.median():.{digits}f}" in text
        assert f"(range {values.min():.{digits}f} to {values.max():.{digits}f})" in text
    gupta = p31mg.calibrations()["gupta-1978"]
    assert gupta.source in text
    assert (
        "(shift of free ATP 10.91 ppm, of MgATP 8.35 ppm, Kd 38 µM; pH 7.2, 37 °C, ionic strength 0.15 M, K⁺ 0.15 M;"
        in text
    )
    assert "without correction to pH, temperature or ions" in text
    assert "central at 95 % and contain the errors of shift;" in text


def test_what_nobody_told_is_blank(study: Study, tmp_path: Path) -> None:
    text = written(study, tmp_path)
    for name in ("b. Manufacturer", "c. Model", "a. Pulse sequence", "b. Place of the volume", "h. Shimming"):
        assert item(text, name) == "**[fill in]**"
    assert item(text, "a. Field strength").startswith("3 T, from the ³¹P frequency of 51.705 MHz")
    assert item(text, "d. Repetition time").startswith("TR **[fill in]**; first point 0.5 ms")
    assert [re.match(r"\| \*\*(\d)\.", line)[1] for line in text.splitlines() if line.startswith("| **")] == list(
        "1234"
    )


def test_headers_fill_what_they_tell(study: Study, tmp_path: Path) -> None:
    headers = {
        "Manufacturer": ["SIEMENS", "PHILIPS"],
        "SoftwareVersions": ["E11"],
        "RepetitionTime": "13.5",
        "TxCoil": ["a|b"],
    }
    text = written(study, tmp_path, headers=headers)
    assert item(text, "b. Manufacturer") == "SIEMENS, PHILIPS"
    assert item(text, "c. Model") == "**[fill in]**; software E11"
    assert item(text, "d. Coils") == r"³¹P; transmit a\|b; **[fill in]**"
    assert item(text, "d. Repetition time").startswith("TR 13.5 s; first point")


def test_no_field_that_identifies_is_taken(real_data: Path) -> None:
    spectra = p31mg.read(real_data / "heart-3t" / "subject-1.nii.gz")
    assert header_fields(spectra) == {
        "Manufacturer": "SIEMENS",
        "SoftwareVersions": "syngo MR E11",
        "TxCoil": "PT_20cm_31P",
        "RxCoil": "31P",
        "SequenceName": "*csi_fid",
        "RepetitionTime": "13.5",
        "ExcitationFlipAngle": "90",
    }
    identifying = (
        "PatientName PatientID PatientDoB PatientBirthDate PatientSex PatientWeight DeviceSerialNumber OriginalFile "
        "InstitutionName AcquisitionDate StudyDate StudyID ProtocolName"
    )
    personal = dict.fromkeys(identifying.split(), "Doe")
    assert header_fields(p31mg.Spectra(spectra.fid, spectra.acquisition, metadata=personal)) == {}


def test_every_row_of_the_table_has_two_cells(study: Study, tmp_path: Path) -> None:
    record = {**study.provenance["calibration"], "source": "A | B\nC"}
    lines = [line for line in written(study, tmp_path, calibration=record).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {3}
    assert len(lines) == 2 + 4 + 22


def test_another_quantity_another_correction(study: Study, tmp_path: Path) -> None:
    iotti = calibration_record(p31mg.calibrations()["iotti-1996"])
    assert "δβ − δPCr is the difference between the centres of the β-ATP multiplet and PCr" in flat(
        written(study, tmp_path, calibration=iotti)
    )
    table = study.table.assign(
        kd_corrected=True, kd_ratio=1.1, ionic_strength_M=0.25, potassium_M=0.12, ph_source="given"
    )
    text = flat(written(study, tmp_path, table=table))
    assert "with Kd corrected to pH, temperature, ionic strength 0.25 M and K⁺ 0.12 M" in text
    assert "(factor 1.1)" in text
    assert "or pH or temperature were not usable" in text
    assert "Intracellular pH was given, median" in text


def test_resonances_of_the_prior_from_high_ppm_to_low(study: Study, tmp_path: Path) -> None:
    resonances = {
        "beta_atp": {"chemical_shift_ppm": -16.1},
        "pcr": {"chemical_shift_ppm": 0.0},
        "pi": {"chemical_shift_ppm": 5},
    }
    text = flat(written(study, tmp_path, prior={"name": "own", "lineshape": "gaussian", "resonances": resonances}))
    assert "multiplets of Pi, PCr and β-ATP with Gaussian lines, couplings of ATP fitted" in text
    assert "(prior knowledge `own`)" in text


def test_study_without_a_result(study: Study, tmp_path: Path) -> None:
    text = flat(written(study, tmp_path, table=study.table[study.table["status"] == "NOT_READ"]))
    assert "None of the 2 spectra was valid (2 not read)." in text
    assert not re.search(r"\bnan\b", text)


def test_several_acquisitions_are_a_range(study: Study, tmp_path: Path) -> None:
    table = study.table.copy()
    table["n_points"] = np.where(np.arange(len(table)) < 3, 1024, 2048)
    assert "1024 to 2048 complex points" in flat(written(study, tmp_path, table=table))


def test_refusals(study: Study, tmp_path: Path) -> None:
    with pytest.raises(p31mg.InputError, match="table lacks snr"):
        written(study, tmp_path, table=study.table.drop(columns="snr"))
    with pytest.raises(p31mg.InputError, match=r"calibration record does not hold together \('constants'\)"):
        write_methods(tmp_path, study.table, {})
    with pytest.raises(p31mg.WriteError, match=r"methods\.md cannot be written: No such file or directory"):
        written(study, tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def with_fit(study: Study, fit: p31mg.FitResult, **options: object) -> tuple[pd.DataFrame, dict[str, object]]:
    """Return the table and the options of a study of one fit, one spectrum per file."""
    of_fit = fit.to_dataframe().drop(columns="spectrum")
    of_mg = p31mg.free_magnesium(fit).to_dataframe().drop(columns=["spectrum", *of_fit.columns], errors="ignore")
    table = pd.concat([of_fit, of_mg], axis=1)
    table.insert(0, "file", [f"s{i}.txt" for i in range(len(table))])
    return table, {"table": table, "options": {**study.provenance["options"], **options}}


def test_what_the_fit_did_and_not_what_it_usually_does(study: Study, tmp_path: Path) -> None:
    people = p31mg.simulate([0.4, 0.5], prior="muscle-3t", snr=300, seed=1)
    told = replace(people.acquisition, begin_time_s=4e-4, sd_begin_time_s=2e-4, begin_time_source="EchoTime")
    _, locked = with_fit(study, p31mg.fit(people))
    text = written(study, tmp_path, **locked)
    assert (
        "one zero-order phase in common and a first-order phase from the begin time, which was taken as exact"
        in flat(text)
    )
    assert "For the fit all points of the FID were used" in flat(text)
    assert "first point 0.5 ms after the centre of the excitation (simulated)" in flat(text)

    _, free = with_fit(study, p31mg.fit(people, phase_model="free", baseline=5), phase_model="free", baseline=5)
    text = written(study, tmp_path, **free)
    assert "a phase of its own for every resonance" in flat(text)
    assert "in common" not in text
    assert item(text, "b. Processing").startswith(
        "no filter and no zero filling by p31mg; the first 5 points of the FID were left out"
    )

    table, fitted = with_fit(study, p31mg.fit(p31mg.Spectra(people.fid, told)), phase_model="auto", baseline="auto")
    text = written(study, tmp_path, **fitted)
    low, high = sorted(f"{1e3 * t:.3f}" for t in table["begin_time_s"])
    said = f"at a begin time that was fitted around the one of EchoTime, {low} to {high} ms after the centre of the excitation"
    assert said in flat(text)
    assert said in item(text, "d. Repetition time")
    assert "which was fitted" in flat(text)
    assert (
        f"the first {table['first_point'].iloc[0]} points of the FID, in which broad signals have not yet decayed"
        in flat(text)
    )


def test_lines_that_a_field_broadened_are_told(study: Study, tmp_path: Path) -> None:
    prior = {"name": "muscle-3t", "lineshape": "lorentzian", "resonances": {}}
    assert "with Lorentzian lines, couplings" in flat(written(study, tmp_path, prior=prior))
    gaussian = study.table["gaussian_linewidth_hz"].copy()
    gaussian.iloc[[0, 1]] = [4.0, 6.5]
    text = flat(written(study, tmp_path, prior=prior, table=study.table.assign(gaussian_linewidth_hz=gaussian)))
    n_ok = (study.table["status"] == "OK").sum()
    assert f"(in 2 of {n_ok} spectra, whose PCr line was not Lorentzian, broadened all alike" in text
    assert "Gaussian width 4 to 6.5 Hz" in text


def test_limits_are_those_of_the_code(study: Study, tmp_path: Path) -> None:
    text = flat(written(study, tmp_path))
    for limit in (
        f"SNR below {judge.RELIABLE_ATP_SNR:g}",
        f"PCr line was wider than {judge.WIDEST_PCR_PPM:g} ppm",
        f"ATP wider than {judge.WIDEST_ATP_PPM:g} ppm",
        f"exceeded {judge.LARGEST_RESIDUAL:g} times the noise",
    ):
        assert limit in text


@pytest.mark.parametrize("lineshape", LINESHAPES)
def test_every_lineshape_has_a_name(lineshape: str) -> None:
    text = lineshape_text(pd.DataFrame({"status": ["OK"]}), {"lineshape": lineshape}, {"lineshape": "prior"}, "blank")
    assert lineshape.replace("asymmetric", "skewed").lower() in text.lower()


def test_groups_with_what_was_left_out_of_each(study: Study, tmp_path: Path) -> None:
    table = study.table.assign(Group=["a"] * 9 + ["b"] * 6, subject=[f"sub-{i // 2}" for i in range(15)])
    text = flat(written(study, tmp_path, table=table))
    a, b = table[table["Group"] == "a"], table[table["Group"] == "b"]
    assert f"By group: a: 9 spectra of 5 subjects, {(~a['mg_is_valid']).sum()} left out" in text
    assert re.search(rf"b: 6 spectra of 4 subjects, {(~b['mg_is_valid']).sum()} left out \([^)]*2 not read", text)


def test_grids_and_series_are_told(study: Study, tmp_path: Path) -> None:
    table = study.table.iloc[:12].copy()
    table["file"] = ["csi.nii.gz"] * 8 + ["dyn.nii.gz"] * 3 + ["one.nii.gz"]
    for at, axis in enumerate(("x", "y", "z")):
        grid = np.stack(np.unravel_index(np.arange(8), (4, 2, 1)))[at].tolist()
        table.insert(1 + at, axis, pd.array([*grid, 0, 0, 0, 0], dtype="Int64"))
    table.insert(4, "dyn", pd.array([None] * 8 + [0, 1, 2, None], dtype="Int64"))
    text = flat(written(study, tmp_path, table=table))
    assert "12 ³¹P spectra of 3 files" in text
    assert "each spectrum for itself (1 file is a grid of 4 × 2 × 1 voxels; 1 file is a series of 3 spectra)" in text


def test_one_value_is_no_range_and_no_name_comes_twice(study: Study, tmp_path: Path) -> None:
    resonances = {n: {"chemical_shift_ppm": s} for n, s in (("dpg_upfield", 5.4), ("dpg_downfield", 6.2), ("pcr", 0.0))}
    one = study.table[study.table["mg_is_valid"]].iloc[:1]
    text = flat(written(study, tmp_path, table=one, prior={"name": "own", "resonances": resonances}))
    assert "multiplets of 2,3-DPG and PCr with" in text
    assert "1 ³¹P spectrum of 1 file (" in text
    assert not re.search(r"range (\S+) to \1\b", text)
    assert "NOT_" not in text
