"""npz and CSV give back what was written, and NIfTI-MRS says what was done."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import ModuleType

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import p31mg

ACQUISITION = p31mg.Acquisition(
    spectrometer_frequency_mhz=51.705,
    dwell_time_s=1 / 4807.69230769231,
    begin_time_s=4.5e-4,
    begin_time_source="EchoTime",
)


def noise(*shape: int) -> np.ndarray:
    real, imaginary = np.random.default_rng(8).standard_normal((2, *shape))
    return real + 1j * imaginary


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
@pytest.mark.parametrize(
    ("shape", "axis_names"),
    [((), ()), ((1,), ("coil",)), ((3,), ("dyn",)), ((2, 3), ("coil", "dyn")), ((2, 1, 3, 2), ("x", "y", "z", "dyn"))],
)
def test_round_trip_is_exact(shape: tuple[int, ...], axis_names: tuple[str, ...], suffix: str, tmp_path: Path) -> None:
    spectra = p31mg.Spectra(noise(*shape, 64), ACQUISITION, axis_names)
    back = p31mg.read(p31mg.write(spectra, tmp_path / f"a{suffix}"))
    np.testing.assert_array_equal(back.fid, spectra.fid)
    assert back.acquisition == ACQUISITION
    assert back.acquisition.begin_time_source == "EchoTime"
    assert (back.batch_shape, back.axis_names) == (shape, axis_names)


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
@given(
    width=st.floats(500.0, 1e6),
    begin=st.floats(-0.1, 0.1),
    frequency=st.floats(10.0, 500.0),
    first=st.complex_numbers(allow_nan=False, allow_infinity=False),
)
def test_any_numbers_survive(
    suffix: str,
    width: float,
    begin: float,
    frequency: float,
    first: complex,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    acquisition = p31mg.Acquisition(spectrometer_frequency_mhz=frequency, dwell_time_s=1 / width, begin_time_s=begin)
    fid = noise(64)
    fid[0] = first
    file = tmp_path_factory.mktemp("any") / f"a{suffix}"
    back = p31mg.read(p31mg.write(p31mg.Spectra(fid, acquisition), file))
    np.testing.assert_array_equal(back.fid, fid)
    assert back.acquisition == acquisition


def test_rows_of_nan_survive_in_npz_and_are_refused_by_csv(tmp_path: Path) -> None:
    fid = noise(2, 64)
    fid[1] = np.nan
    spectra = p31mg.Spectra(fid, ACQUISITION)
    np.testing.assert_array_equal(p31mg.read(p31mg.write(spectra, tmp_path / "a.npz")).fid, fid)
    with pytest.raises(p31mg.InputError, match=r"NaN or Inf, which a CSV does not carry; write .npz or .nii.gz"):
        p31mg.write(spectra, tmp_path / "a.csv")
    assert [f.name for f in tmp_path.iterdir()] == ["a.npz"]


def header_of(file: Path) -> dict[str, object]:
    (extension,) = nibabel.load(file).header.extensions
    content = extension.get_content()
    return content if isinstance(content, dict) else json.loads(content)


def test_processing_is_recorded_step_by_step(makers: ModuleType, tmp_path: Path) -> None:
    spectra = p31mg.read(makers.siemens_rda(tmp_path, makers.signal()))
    once = p31mg.write(spectra, tmp_path / "once.nii.gz")
    (step,) = header_of(once)["ProcessingApplied"]
    assert (step["Program"], step["Version"], step["Method"]) == ("p31mg", p31mg.__version__, "Format conversion")
    assert "written from made.rda; begin time from TE; conjugated" in step["Details"]
    assert set(step) == {"Time", "Program", "Version", "Method", "Details"}
    twice = header_of(p31mg.write(p31mg.read(once), tmp_path / "twice.nii.gz"))["ProcessingApplied"]
    assert (len(twice), twice[0]) == (2, step)
    assert "written from once.nii.gz" in twice[1]["Details"]


@pytest.mark.parametrize(
    ("shape", "axis_names"), [((), ()), ((2, 3), ("coil", "dyn")), ((3, 2, 1, 4), ("x", "y", "z", "repeat"))]
)
def test_the_standard_s_own_validator_accepts_what_is_written(
    shape: tuple[int, ...], axis_names: tuple[str, ...], tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        validator = pytest.importorskip("nifti_mrs.validator", reason="nifti-mrs comes with p31mg[vendor]")
        from nifti_mrs.nifti_mrs import NIFTI_MRS
    file = p31mg.write(p31mg.Spectra(noise(*shape, 64), ACQUISITION, axis_names), tmp_path / "a.nii.gz")
    theirs = NIFTI_MRS(str(file))
    validator.validate_nifti_mrs(theirs.image)
    assert (theirs.nucleus, theirs.spectrometer_frequency) == (["31P"], [51.705])
    assert theirs.dwelltime == pytest.approx(ACQUISITION.dwell_time_s)
    assert [t for t in theirs.dim_tags if t] == {2: ["DIM_COIL", "DIM_DYN"], 4: ["DIM_USER_0"]}.get(len(shape), [])


def test_what_a_nifti_header_said_is_carried_over(makers: ModuleType, tmp_path: Path) -> None:
    file = makers.nifti_mrs(tmp_path, makers.signal(), RepetitionTime=2.0, kSpace=[False, False, False])
    header = header_of(p31mg.write(p31mg.read(file), tmp_path / "b.nii.gz"))
    assert (header["RepetitionTime"], header["kSpace"]) == (2.0, [False, False, False])
    assert header["EchoTime"] + header["AcquisitionStartTime"] == makers.BEGIN_TIME_S


@pytest.mark.parametrize("echo_time", [0.03, [0.03], 1], ids=["number", "list", "whole"])
def test_echo_time_of_an_echo_stays_what_it_was(echo_time: object, makers: ModuleType, tmp_path: Path) -> None:
    file = makers.nifti_mrs(tmp_path, makers.signal(), EchoTime=echo_time, AcquisitionStartTime=1e-4)
    back = p31mg.write(p31mg.read(file), tmp_path / "b.nii.gz")
    assert header_of(back)["EchoTime"] == echo_time
    assert p31mg.read(back).acquisition.begin_time_s == 1e-4


def test_names_of_patients_are_not_carried_into_other_formats(makers: ModuleType, tmp_path: Path) -> None:
    spectra = p31mg.read(makers.siemens_rda(tmp_path, makers.signal()))
    assert "PatientName" in spectra.metadata
    for name in ("a.nii", "a.npz", "a.csv"):
        assert b"PatientName" not in p31mg.write(spectra, tmp_path / name).read_bytes()


def test_names_of_patients_are_not_carried_from_nifti_to_nifti(makers: ModuleType, tmp_path: Path) -> None:
    personal = {"PatientName": "nobody", "PatientID": "nobody", "PatientDoB": "nobody", "OriginalFile": ["nobody.rda"]}
    spectra = p31mg.read(makers.nifti_mrs(tmp_path, makers.signal(), RepetitionTime=2.0, **personal))
    assert spectra.metadata["PatientName"] == "nobody"
    written = header_of(p31mg.write(spectra, tmp_path / "b.nii.gz"))
    assert written["RepetitionTime"] == 2.0
    assert not written.keys() & personal.keys()
    assert "nobody" not in json.dumps(written)


@pytest.mark.parametrize("name", ["nifti_mrs", "siemens_rda", "matlab", "paravision"])
@pytest.mark.parametrize("suffix", [".nii.gz", ".npz", ".csv"])
def test_stack_of_any_format_goes_through_every_writer(
    name: str, suffix: str, makers: ModuleType, tmp_path: Path
) -> None:
    case = makers.CASES[name]
    shape = (2, 3, 4)[: len(case.stack_axes)]
    spectra = p31mg.read(case.make(tmp_path, makers.signal(*shape)), **case.given)
    back = p31mg.read(p31mg.write(spectra, tmp_path / f"out{suffix}"))
    np.testing.assert_array_equal(back.fid, spectra.fid)
    assert (back.axis_names, back.acquisition) == (spectra.axis_names, spectra.acquisition)
