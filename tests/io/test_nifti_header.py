"""What a NIfTI-MRS header says about the acquisition, and what counts when the user says something too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

import p31mg

ByHand = Callable[..., Path]


@pytest.mark.parametrize(("unit", "dwell_time"), [("sec", 2e-4), ("msec", 0.2), ("usec", 200.0), ("unknown", 2e-4)])
def test_dwell_time_has_the_unit_of_the_header(unit: str, dwell_time: float, by_hand: ByHand) -> None:
    acquisition = p31mg.read(by_hand(unit=unit, dwell_time=dwell_time, EchoTime=0.0)).acquisition
    np.testing.assert_allclose(acquisition.dwell_time_s, 2e-4, rtol=1e-15)


def test_single_precision_of_nifti_1_is_mended_by_the_spectral_width(by_hand: ByHand) -> None:
    file = by_hand(image=nibabel.Nifti1Image, dwell_time=1 / 5998.8, SpectralWidth=5998.8, EchoTime=0.0)
    assert p31mg.read(file).acquisition.spectral_width_hz == 5998.8


def test_single_precision_of_nifti_1_alone_is_as_good_as_it_gets(by_hand: ByHand) -> None:
    file = by_hand(image=nibabel.Nifti1Image, dwell_time=1 / 5998.8, EchoTime=0.0)
    # half a unit in the last place of a 24 bit mantissa
    np.testing.assert_allclose(p31mg.read(file).acquisition.spectral_width_hz, 5998.8, rtol=6e-8)


def test_rounded_spectral_width_gives_way_to_the_dwell_time(by_hand: ByHand) -> None:
    file = by_hand(dwell_time=1.667e-4, SpectralWidth=6000.0, EchoTime=0.0)
    assert p31mg.read(file).acquisition.dwell_time_s == pytest.approx(1.667e-4, rel=1e-15)


def test_single_precision_data_keep_their_values(by_hand: ByHand) -> None:
    data = np.random.default_rng(1).standard_normal((1, 1, 1, 64, 2)).astype(np.float32).view(np.complex64)[..., 0]
    spectra = p31mg.read(by_hand(data, EchoTime=0.0))
    assert spectra.fid.dtype == np.complex128
    np.testing.assert_array_equal(spectra.fid, data.ravel().conj())


def test_big_endian_file_is_read(by_hand: ByHand, tmp_path: Path) -> None:
    image = nibabel.load(by_hand(EchoTime=0.0))
    swapped = nibabel.Nifti2Image(np.asarray(image.dataobj), np.eye(4), image.header.as_byteswapped(">"))
    swapped.header.extensions.extend(image.header.extensions)
    swapped.to_filename(tmp_path / "big.nii")
    assert (tmp_path / "big.nii").read_bytes()[:4] == (540).to_bytes(4, "big")
    np.testing.assert_array_equal(p31mg.read(tmp_path / "big.nii").fid, np.asarray(image.dataobj).ravel().conj())


def test_sidecar_counts_where_the_extension_lacks(by_hand: ByHand) -> None:
    file = by_hand(name="a.nii.gz", extension=None)
    metadata = {"SpectrometerFrequency": [49.9], "ResonantNucleus": ["31P"], "EchoTime": 3e-4}
    file.with_name("a.json").write_text(json.dumps(metadata), encoding="utf-8")
    acquisition = p31mg.read(file).acquisition
    assert (acquisition.spectrometer_frequency_mhz, acquisition.begin_time_s) == (49.9, 3e-4)


def test_extension_counts_before_the_sidecar(by_hand: ByHand) -> None:
    file = by_hand(name="a.nii.gz", EchoTime=0.0)
    file.with_name("a.json").write_text('{"SpectrometerFrequency": [60.0]}', encoding="utf-8")
    assert p31mg.read(file).acquisition.spectrometer_frequency_mhz == 49.9


def test_axis_names_are_the_tags_of_the_file(by_hand: ByHand) -> None:
    data = np.full((1, 1, 1, 64, 2, 3), 1 + 1j)
    spectra = p31mg.read(by_hand(data, EchoTime=0.0, dim_5="DIM_COIL", dim_6="DIM_DYN"))
    assert (spectra.batch_shape, spectra.axis_names) == ((2, 3), ("coil", "dyn"))


@pytest.mark.parametrize(
    ("times", "begin_time_s", "source"),
    [
        ({"EchoTime": 5e-4}, 5e-4, "EchoTime"),
        ({"AcquisitionStartTime": 4e-4}, 4e-4, "AcquisitionStartTime"),
        ({"EchoTime": 5e-4, "AcquisitionStartTime": 2e-4}, 7e-4, "EchoTime + AcquisitionStartTime"),
        ({"EchoTime": 5e-3, "AcquisitionStartTime": 0.0}, 5e-3, "EchoTime + AcquisitionStartTime"),
        ({"EchoTime": 0.030, "AcquisitionStartTime": -2e-3}, -2e-3, "AcquisitionStartTime"),
        ({"EchoTime": 0.030, "AcquisitionStartTime": 0.0}, 0.0, "AcquisitionStartTime"),
    ],
)
def test_begin_time(times: dict[str, float], begin_time_s: float, source: str, by_hand: ByHand) -> None:
    acquisition = p31mg.read(by_hand(**times)).acquisition
    np.testing.assert_allclose(acquisition.begin_time_s, begin_time_s, rtol=1e-15)
    assert acquisition.begin_time_source == source


@pytest.mark.parametrize("times", [{}, {"EchoTime": 0.030}], ids=["none", "an echo alone"])
def test_begin_time_that_nobody_states_is_asked_for(times: dict[str, float], by_hand: ByHand) -> None:
    file = by_hand(**times)
    with pytest.raises(
        p31mg.MissingMetadataError, match=r"begin time .* give --begin-time S \(begin_time_s in Python\)"
    ):
        p31mg.read(file)
    assert p31mg.read(file, begin_time_s=6e-4).acquisition.begin_time_s == 6e-4


def test_missing_frequency_is_asked_for_and_filled(by_hand: ByHand) -> None:
    file = by_hand(extension=b'{"ResonantNucleus": ["31P"], "EchoTime": 0.0}')
    with pytest.raises(p31mg.MissingMetadataError, match=r"by-hand.nii.gz .* --spectrometer-frequency MHZ"):
        p31mg.read(file)
    assert p31mg.read(file, spectrometer_frequency_mhz=49.9).acquisition.spectrometer_frequency_mhz == 49.9


CONTRADICTIONS = [
    ("spectrometer_frequency_mhz", 60.0, r"spectrometer frequency 49.9 but 60 is given.*--override"),
    ("spectral_width_hz", 4000.0, r"spectral width 5000 but 4000 is given.*--override"),
    ("begin_time_s", 9e-4, r"begin time .* 0.0005 but 0.0009 is given.*--override"),
]


@pytest.mark.parametrize(("option", "value", "message"), CONTRADICTIONS)
def test_contradiction_is_refused(option: str, value: float, message: str, by_hand: ByHand) -> None:
    with pytest.raises(p31mg.ReadError, match=message):
        p31mg.read(by_hand(EchoTime=3e-4, AcquisitionStartTime=2e-4), **{option: value})


@pytest.mark.parametrize(("option", "value", "message"), CONTRADICTIONS)
def test_contradiction_is_taken_with_override(option: str, value: float, message: str, by_hand: ByHand) -> None:
    file = by_hand(EchoTime=3e-4, AcquisitionStartTime=2e-4)
    before, after = p31mg.read(file).acquisition, p31mg.read(file, override=True, **{option: value}).acquisition
    np.testing.assert_allclose(getattr(after, option), value, rtol=1e-15)
    others = {"spectrometer_frequency_mhz", "spectral_width_hz", "begin_time_s"} - {option}
    assert all(getattr(after, name) == getattr(before, name) for name in others)


def test_rounded_value_is_no_contradiction_and_the_file_counts(by_hand: ByHand) -> None:
    acquisition = p31mg.read(by_hand(EchoTime=0.0), spectrometer_frequency_mhz=49.92).acquisition
    assert acquisition.spectrometer_frequency_mhz == 49.9


def test_begin_time_of_the_user_replaces_an_echo_time(by_hand: ByHand) -> None:
    acquisition = p31mg.read(by_hand(EchoTime=2.3e-3), begin_time_s=2.6e-3).acquisition
    assert acquisition.begin_time_s == 2.6e-3
    assert acquisition.begin_time_source == "given"


@pytest.mark.parametrize("nucleus", [["1H"], "1H", ["13C"]])
def test_other_nucleus_is_refused(nucleus: Any, by_hand: ByHand) -> None:
    name = nucleus if isinstance(nucleus, str) else nucleus[0]
    with pytest.raises(p31mg.ReadError, match=rf"by-hand.nii.gz holds {name} spectra; p31mg fits 31P only"):
        p31mg.read(by_hand(ResonantNucleus=nucleus, EchoTime=0.0))


@pytest.mark.parametrize("name", ["nifti_mrs_tools_metab.nii.gz", "nifti_mrs_tools_quant_raw.nii.gz"])
def test_proton_files_of_other_makers_are_refused(name: str, real_data: Path) -> None:
    with pytest.raises(p31mg.ReadError, match=rf"{name} holds 1H spectra"):
        p31mg.read(real_data / "formats" / "nifti-mrs" / name)


@pytest.mark.parametrize("subject", ["subject-1", "subject-2"])
def test_heart_files_state_their_acquisition(subject: str, real_data: Path) -> None:
    spectra = p31mg.read(real_data / "heart-3t" / f"{subject}.nii.gz")
    assert (spectra.batch_shape, spectra.n_points) == ((8, 8, 1), 1024)
    assert spectra.axis_names == ("x", "y", "z")
    acquisition = spectra.acquisition
    assert acquisition.spectrometer_frequency_mhz == pytest.approx(49.8947, abs=1e-4)
    assert acquisition.spectral_width_hz == pytest.approx(5998.8, abs=0.1)
    assert (acquisition.begin_time_s, acquisition.begin_time_source) == (2.3e-3, "EchoTime")
