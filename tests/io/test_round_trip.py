"""What `write` puts into a file, `read` gives back to the last bit, and the file itself keeps the standard."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import p31mg

ACQUISITION = p31mg.Acquisition(spectrometer_frequency_mhz=51.705, dwell_time_s=2e-4, begin_time_s=4.5e-4)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    real, imaginary = np.random.default_rng(seed).standard_normal((2, *shape))
    return real + 1j * imaginary


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("shape", "axis_names"),
    [
        ((), ()),
        ((3,), ("dyn",)),
        ((2, 3), ("coil", "dyn")),
        ((2, 3, 4), ("coil", "dyn", "meas")),
        ((3, 2, 1), ("x", "y", "z")),
        ((1, 3, 1), ("x", "y", "z")),
        ((2, 2, 2, 3), ("x", "y", "z", "dyn")),
    ],
)
def test_round_trip_is_exact(shape: tuple[int, ...], axis_names: tuple[str, ...], suffix: str, tmp_path: Path) -> None:
    spectra = p31mg.Spectra(noise(*shape, 64), ACQUISITION, axis_names)
    back = p31mg.read(p31mg.write(spectra, tmp_path / f"a{suffix}"))
    np.testing.assert_array_equal(back.fid, spectra.fid)
    assert back.acquisition == spectra.acquisition
    assert back.axis_names == axis_names


@given(
    fid=hnp.arrays(
        np.complex128,
        hnp.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=3).map(lambda shape: (*shape, 64)),
        elements=st.complex_numbers(allow_nan=False, allow_infinity=False),
    ).filter(lambda fid: fid.real.any() and fid.imag.any()),
    spectrometer_frequency_mhz=st.floats(10.0, 500.0),
    spectral_width_hz=st.floats(500.0, 1e6),
    begin_time_s=st.floats(-0.1, 0.1),
)
def test_any_numbers_survive(
    fid: np.ndarray,
    spectrometer_frequency_mhz: float,
    spectral_width_hz: float,
    begin_time_s: float,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    acquisition = p31mg.Acquisition(
        spectrometer_frequency_mhz=spectrometer_frequency_mhz,
        dwell_time_s=1 / spectral_width_hz,
        begin_time_s=begin_time_s,
    )
    file = tmp_path_factory.mktemp("round-trip") / "a.nii"
    back = p31mg.read(p31mg.write(p31mg.Spectra(fid, acquisition), file))
    np.testing.assert_array_equal(back.fid, fid)
    assert back.acquisition == acquisition


@given(dwell_time_s=st.floats(1e-6, 1e-3))
def test_dwell_time_survives_to_the_last_digit(dwell_time_s: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    acquisition = p31mg.Acquisition(spectrometer_frequency_mhz=49.9, dwell_time_s=dwell_time_s, begin_time_s=0.0)
    file = tmp_path_factory.mktemp("dwell") / "a.nii"
    back = p31mg.read(p31mg.write(p31mg.Spectra(noise(64), acquisition), file))
    # one unit in the last place: the file also holds the inverse, and the inverse of an inverse may be rounded
    np.testing.assert_allclose(back.acquisition.dwell_time_s, dwell_time_s, rtol=2.3e-16, atol=0)


def test_simulated_spectra_survive_a_second_round_trip(tmp_path: Path) -> None:
    spectra = p31mg.simulate([0.4, 0.6], prior="brain-7t", snr=100, seed=3)
    once = p31mg.read(p31mg.write(spectra, tmp_path / "a.nii.gz"))
    twice = p31mg.read(p31mg.write(once, tmp_path / "b.nii.gz"))
    np.testing.assert_array_equal(twice.fid, spectra.fid)
    assert twice.acquisition == spectra.acquisition


def test_nan_rows_of_a_stack_survive(tmp_path: Path) -> None:
    fid = noise(3, 64)
    fid[1] = np.nan
    back = p31mg.read(p31mg.write(p31mg.Spectra(fid, ACQUISITION), tmp_path / "a.nii"))
    np.testing.assert_array_equal(back.fid, fid)


def test_axis_of_length_one_is_left_out(tmp_path: Path) -> None:
    fid = noise(1, 64)
    back = p31mg.read(p31mg.write(p31mg.Spectra(fid, ACQUISITION), tmp_path / "a.nii"))
    assert back.batch_shape == ()
    np.testing.assert_array_equal(back.fid, fid[0])


def test_source_and_metadata_say_where_spectra_came_from(tmp_path: Path) -> None:
    file = p31mg.write(p31mg.Spectra(noise(64), ACQUISITION), tmp_path / "a.nii")
    back = p31mg.read(str(file))
    assert back.source == str(file)
    assert back.metadata["ConversionMethod"] == f"p31mg {p31mg.__version__}"


def test_written_file_keeps_the_standard(tmp_path: Path) -> None:
    spectra = p31mg.Spectra(noise(3, 2, 1, 4, 64), ACQUISITION, ("x", "y", "z", "dyn"))
    image = nibabel.load(p31mg.write(spectra, tmp_path / "a.nii.gz"))
    assert image.shape == (3, 2, 1, 64, 4)
    assert image.header.get_data_dtype() == np.complex128
    assert image.header.get_xyzt_units() == ("mm", "sec")
    assert image.header["pixdim"][4] == ACQUISITION.dwell_time_s
    assert bytes(image.header["intent_name"]).startswith(b"mrs_v0_")
    np.testing.assert_array_equal(np.asarray(image.dataobj), np.moveaxis(spectra.fid.conj(), -1, 3))
    (extension,) = image.header.extensions
    assert extension.get_code() == 44
    content = extension.get_content()
    metadata = content if isinstance(content, dict) else json.loads(content)
    assert metadata["SpectrometerFrequency"] == [51.705]
    assert metadata["ResonantNucleus"] == ["31P"]
    assert metadata["SpectralWidth"] == 1 / ACQUISITION.dwell_time_s
    assert metadata["EchoTime"] + metadata["AcquisitionStartTime"] == ACQUISITION.begin_time_s
    assert metadata["dim_5"] == "DIM_DYN"
