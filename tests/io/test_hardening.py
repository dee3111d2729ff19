"""Correct tests that fail today, each with the number of the bug in the report."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import p31mg

ByHand = Callable[..., Path]
ACQUISITION = p31mg.Acquisition(spectrometer_frequency_mhz=51.705, dwell_time_s=2e-4, begin_time_s=4.5e-4)


def noise(*shape: int) -> np.ndarray:
    real, imaginary = np.random.default_rng(0).standard_normal((2, *shape))
    return real + 1j * imaginary


@pytest.mark.parametrize("position", [0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("bit", [1, 16, 128])
def test_damaged_gzip_is_refused(position: float, bit: int, tmp_path: Path) -> None:
    """B04: the checksum of gzip is never reached."""
    file = p31mg.write(p31mg.simulate(0.5, snr=300, seed=1), tmp_path / "a.nii.gz")
    content = bytearray(file.read_bytes())
    content[int(position * len(content))] ^= bit
    file.write_bytes(content)
    with pytest.raises(p31mg.ReadError, match=r"a.nii.gz is truncated or damaged"):
        p31mg.read(file)


@pytest.mark.parametrize("cut", [-8, -4, -1])
def test_gzip_without_its_end_is_refused(cut: int, by_hand: ByHand) -> None:
    """B04."""
    file = by_hand(EchoTime=5e-4)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(p31mg.ReadError, match=r"is truncated or damaged"):
        p31mg.read(file)


def patched(file: Path, offset: int, content: bytes) -> Path:
    whole = bytearray(file.read_bytes())
    whole[offset : offset + len(content)] = content
    file.write_bytes(whole)
    return file


@pytest.mark.parametrize(
    ("offset", "content"),
    [(500, (7).to_bytes(4, "little")), (500, b"\xff\xff\xff\x7f"), (24, (0).to_bytes(8, "little"))],
    ids=["unit code 7", "unit code 2**31 - 1", "dim[1] is 0"],
)
def test_header_without_sense_is_a_read_error(offset: int, content: bytes, by_hand: ByHand) -> None:
    """B03: KeyError from get_xyzt_units, ValueError from reshape."""
    file = patched(by_hand(name="a.nii", EchoTime=5e-4), offset, content)
    with pytest.raises(p31mg.ReadError, match=r"a.nii"):
        p31mg.read(file)


@pytest.mark.parametrize("key", ["SpectrometerFrequency", "EchoTime", "SpectralWidth"])
def test_number_too_large_for_a_float_is_a_read_error(key: str, by_hand: ByHand) -> None:
    """B03: OverflowError."""
    with pytest.raises(p31mg.ReadError, match=rf"{key}"):
        p31mg.read(by_hand(**{"EchoTime": 5e-4, key: 10**400}))


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b.nii"])
def test_impossible_name_is_a_read_error(name: str) -> None:
    """B13: OSError and ValueError of the operating system."""
    with pytest.raises(p31mg.ReadError, match=r"cannot be read"):
        p31mg.read(name)


def test_nibabel_says_nothing_of_its_own(by_hand: ByHand, caplog: pytest.LogCaptureFixture) -> None:
    """B11: nibabel logs to stderr beside our sentence."""
    file = patched(by_hand(name="a.nii", EchoTime=5e-4), 12, (7).to_bytes(2, "little"))
    with caplog.at_level(logging.DEBUG), pytest.raises(p31mg.ReadError, match=r"a.nii"):
        p31mg.read(file)
    assert caplog.records == []


@pytest.mark.parametrize("axis_names", [("spectrum",), ("axis_0", "axis_1"), ("dyn", "voxel")])
def test_axis_names_survive(axis_names: tuple[str, ...], tmp_path: Path) -> None:
    """B14: dim_5_info holds the name and is not read."""
    spectra = p31mg.Spectra(noise(*range(2, 2 + len(axis_names)), 64), ACQUISITION, axis_names)
    assert p31mg.read(p31mg.write(spectra, tmp_path / "a.nii")).axis_names == axis_names


@given(dwell_time_s=st.floats(1e-6, 1e-3))
def test_dwell_time_survives_exactly(dwell_time_s: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    """B22: read as 1 / (1 / dwell)."""
    acquisition = p31mg.Acquisition(spectrometer_frequency_mhz=49.9, dwell_time_s=dwell_time_s, begin_time_s=0.0)
    file = tmp_path_factory.mktemp("dwell") / "a.nii"
    assert p31mg.read(p31mg.write(p31mg.Spectra(noise(64), acquisition), file)).acquisition == acquisition


@pytest.mark.parametrize("option", ["spectrometer_frequency_mhz", "spectral_width_hz"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_given_nan_beside_a_stated_value_is_refused(option: str, value: float, by_hand: ByHand) -> None:
    """B12: NaN and Inf pass the test of agreement."""
    with pytest.raises(p31mg.P31mgError, match=rf"{value:g}"):
        p31mg.read(by_hand(EchoTime=0.0), **{option: value})


def test_first_point_with_a_bad_cell_is_no_header(tmp_path: Path) -> None:
    """B10: the point is dropped without a word, every later one is a dwell time too early."""
    file = tmp_path / "fid.txt"
    file.write_text("1.5 n/a\n" + "0.5 -0.25\n" * 70, encoding="utf-8")
    with pytest.raises(p31mg.ReadError, match=r"line 1: '1.5 n/a' is not two numbers"):
        p31mg.read(file, spectrometer_frequency_mhz=49.9, spectral_width_hz=5000.0, begin_time_s=0.0)


@pytest.mark.parametrize(
    ("written", "named"), [("a.nii.gz", "a.txt"), ("a.nii", "a"), ("a.nii.gz", "b.nii"), ("a.nii", "b.nii.gz")]
)
def test_content_decides_and_not_the_name(written: str, named: str, by_hand: ByHand) -> None:
    """B15: nibabel.load goes by the name."""
    file = by_hand(name=written, EchoTime=0.0)
    expected = p31mg.read(file)
    other = file.rename(file.with_name(named))
    np.testing.assert_array_equal(p31mg.read(other).fid, expected.fid)


def test_duplicate_dimension_tags_are_told_apart_or_refused(by_hand: ByHand) -> None:
    """B02: two axes of one name."""
    data = np.ones((1, 1, 1, 64, 2, 2), dtype=complex)
    try:
        names = p31mg.read(by_hand(data, EchoTime=0.0, dim_5="DIM_DYN", dim_6="DIM_DYN")).axis_names
    except p31mg.ReadError:
        return
    assert len(set(names)) == 2
