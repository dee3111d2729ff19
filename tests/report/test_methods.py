"""`methods.md`: every number is that of the study, every unknown is a marked blank, nothing is invented."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import p31mg
from p31mg.magnesium import calibration_record
from p31mg.report import header_fields, write_methods

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
    assert f"{len(study.table)} ³¹P spectra" in text
    assert (
        f"({a.spectrometer_frequency_mhz:g} MHz, spectral width {a.spectral_width_hz:g} Hz, 2048 complex points" in text
    )
    assert "first point 0.5 ms after" in text
    n_flagged = len(study.table) - len(valid) - failed.sum()
    assert (
        f"{len(valid)} were valid, {n_flagged} had a result that was flagged by these rules, and {failed.sum()} had none"
        in text
    )
    for column, digits in (("snr", 0), ("pcr_linewidth_hz", 1), ("free_mg_mM", 3), ("sd_shift_alpha_beta_ppm", 4)):
        values = valid[column].astype(float)
        assert f"{values.median():.{digits}f}" in text
        assert f"(range {values.min():.{digits}f} to {values.max():.{digits}f})" in text
    gupta = p31mg.calibrations()["gupta-1978"]
    assert gupta.source in text
    assert "kd_uM 38" in text
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
    assert "Intracellular pH was given, median" in text


def test_resonances_of_the_prior_from_high_ppm_to_low(study: Study, tmp_path: Path) -> None:
    resonances = {
        "beta_atp": {"chemical_shift_ppm": -16.1},
        "pcr": {"chemical_shift_ppm": 0.0},
        "pi": {"chemical_shift_ppm": 5},
    }
    text = flat(written(study, tmp_path, prior={"name": "own", "lineshape": "gaussian", "resonances": resonances}))
    assert "multiplets of Pi, PCr and β-ATP with Gaussian lines (prior knowledge `own`)" in text


def test_study_without_a_result(study: Study, tmp_path: Path) -> None:
    text = flat(written(study, tmp_path, table=study.table[study.table["status"] == "NOT_READ"]))
    assert "None of the 2 spectra was valid (2 NOT_READ)." in text
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
