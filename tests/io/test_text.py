"""Two columns of numbers, however they are separated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import p31mg

OPTIONS = {"spectrometer_frequency_mhz": 120.0, "spectral_width_hz": 10_000.0, "begin_time_s": 3e-4}
POINTS = np.random.default_rng(5).standard_normal((70, 2))


def lines(separator: str = " ") -> list[str]:
    return [f"{re!r}{separator}{im!r}" for re, im in POINTS.tolist()]


def read_bytes(content: bytes, folder: Path, name: str = "fid.txt") -> p31mg.Spectra:
    file = folder / name
    file.write_bytes(content)
    return p31mg.read(file, **OPTIONS)


def plain(separator: str = " ") -> str:
    return "\n".join(lines(separator)) + "\n"


WAYS = {
    "blank": plain(),
    "blanks": plain("   "),
    "tab": plain("\t"),
    "comma": plain(","),
    "comma and blank": plain(", "),
    "semicolon": plain(";"),
    "no newline at the end": plain().rstrip(),
    "Windows newlines": plain().replace("\n", "\r\n"),
    "old Macintosh newlines": plain().replace("\n", "\r"),
    "byte order mark": "\ufeff" + plain(),
    "header": "real,imaginary\n" + plain(","),
    "byte order mark and header": "\ufeffreal imaginary\n" + plain(),
    "comments": "# scanner A, µs\n\n" + plain() + "# the end\n",
    "comment, then header": "# scanner A\nre im\n" + plain(),
    "comment after a point": plain().replace("\n", "  # first\n", 1),
    "empty lines": plain().replace("\n", "\n\n"),
}


@pytest.mark.parametrize("content", WAYS.values(), ids=WAYS.keys())
def test_every_way_of_writing_two_columns_gives_the_same_numbers(content: str, tmp_path: Path) -> None:
    spectra = read_bytes(content.encode(), tmp_path)
    np.testing.assert_array_equal(spectra.fid, POINTS[:, 0] + 1j * POINTS[:, 1])


@pytest.mark.parametrize("name", ["fid.csv", "fid.tsv", "fid.dat", "fid"])
def test_content_decides_and_not_the_name(name: str, tmp_path: Path) -> None:
    assert read_bytes(plain(",").encode(), tmp_path, name).n_points == len(POINTS)


def test_acquisition_is_what_was_given(tmp_path: Path) -> None:
    acquisition = read_bytes(plain().encode(), tmp_path).acquisition
    assert acquisition.spectrometer_frequency_mhz == 120.0
    assert acquisition.spectral_width_hz == 10_000.0
    assert acquisition.begin_time_s == 3e-4
    assert acquisition.begin_time_source == "given"


@pytest.mark.parametrize(
    ("option", "flag"),
    [
        ("spectrometer_frequency_mhz", "--spectrometer-frequency MHZ"),
        ("spectral_width_hz", "--spectral-width HZ"),
        ("begin_time_s", "--begin-time S"),
    ],
)
def test_what_text_cannot_state_is_asked_for(option: str, flag: str, tmp_path: Path) -> None:
    file = tmp_path / "fid.txt"
    file.write_text(plain(), encoding="utf-8")
    others = {name: value for name, value in OPTIONS.items() if name != option}
    with pytest.raises(
        p31mg.MissingMetadataError, match=rf"fid.txt does not state .* give {flag} \({option} in Python\)"
    ):
        p31mg.read(file, **others)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("spectral_width_hz", 0.0, "spectral width is 0 Hz; it must be above 0"),
        ("spectral_width_hz", -5000.0, "spectral width is -5000 Hz; it must be above 0"),
        ("spectral_width_hz", np.nan, "spectral_width_hz is nan; it must be a finite number"),
        ("spectrometer_frequency_mhz", 0.0, "spectrometer_frequency_mhz is 0.0; it must be a positive number"),
        ("spectrometer_frequency_mhz", -120.0, "spectrometer_frequency_mhz is -120.0; it must be a positive number"),
        ("spectrometer_frequency_mhz", np.inf, "spectrometer_frequency_mhz is inf; it must be a finite number"),
        ("begin_time_s", np.nan, "begin_time_s is nan; it must be a finite number"),
        ("begin_time_s", 300.0, "begin_time_s is 300; give it in seconds"),
    ],
)
def test_given_value_without_sense_is_refused(option: str, value: float, message: str, tmp_path: Path) -> None:
    file = tmp_path / "fid.txt"
    file.write_text(plain(), encoding="utf-8")
    with pytest.raises(p31mg.P31mgError, match=message):
        p31mg.read(file, **{**OPTIONS, option: value})


def test_brain_spectrum_has_all_its_points(real_data: Path) -> None:
    assert p31mg.read(real_data / "brain-7t" / "fid.txt", **OPTIONS).n_points == 1024
