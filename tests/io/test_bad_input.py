"""Every bad file gives one error of ours, of the right class, that names the file and the value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import p31mg

ByHand = Callable[..., Path]
OPTIONS = {"spectrometer_frequency_mhz": 49.9, "spectral_width_hz": 5000.0, "begin_time_s": 5e-4}
GOOD = "0.5 -0.25\n" * 70


def refused(path: Path, error: type[Exception], message: str, **options: float) -> None:
    with pytest.raises(p31mg.P31mgError, match=message) as caught:
        p31mg.read(path, **options)
    assert caught.type is error
    assert path.name in str(caught.value)


TEXTS: dict[str, tuple[bytes, type[Exception], str]] = {
    "empty": (b"", p31mg.ReadError, "is empty"),
    "blank lines": (b"\n \n\n", p31mg.ReadError, "holds no points; two columns of numbers are needed"),
    "header alone": (b"real imaginary\n", p31mg.ReadError, "holds no points"),
    "prose": (
        b"Dear all,\nplease find attached\n",
        p31mg.ReadError,
        "line 2: 'please find attached' is not two numbers",
    ),
    "complex literals": (b"(0.5+0.1j)\n" * 140, p31mg.ReadError, "Write both as plain numbers in columns of their own"),
    "one column": (b"0.5\n" * 140, p31mg.ReadError, "real and imaginary part of a point. Export both parts"),
    "three columns": (b"1 2 3\n" * 70, p31mg.ReadError, "odd number of columns; then the first must be the time"),
    "commas and blanks": (b"0,5 0,25\n" * 70, p31mg.ReadError, "line 1: '0,5 0,25' mixes commas and blanks"),
    "a spectrum with its axis": (
        "".join(f"{10 - 0.1 * i:.2f} {i % 7}\n" for i in range(200)).encode(),
        p31mg.ReadError,
        "first column rises or falls in even steps like an axis",
    ),
    "short last line": (GOOD.encode() + b"0.5\n", p31mg.ReadError, "line 71: 1 columns where the lines before have 2"),
    "text cell": (GOOD.encode() + b"0.5 n/a\n", p31mg.ReadError, "line 71: '0.5 n/a' is not two numbers"),
    "NaN": (GOOD.encode() + b"nan 0\n", p31mg.ReadError, "line 71: 'nan 0' holds NaN or Inf"),
    "Inf": (GOOD.encode() + b"0 -inf\n", p31mg.ReadError, "line 71: '0 -inf' holds NaN or Inf"),
    "overflow": (GOOD.encode() + b"1e999 0\n", p31mg.ReadError, "line 71: '1e999 0' holds NaN or Inf"),
    "all zeros": (b"0 0\n" * 70, p31mg.ReadError, "holds only zeros"),
    "real part alone": (
        b"0.5 0\n-0.25 0\n" * 35,
        p31mg.ReadError,
        "whose imaginary part is nothing but zeros: every peak",
    ),
    "imaginary part alone": (b"0 0.5\n0 -0.25\n" * 35, p31mg.ReadError, "whose real part is nothing but zeros"),
    "63 points": (b"1 2\n" * 63, p31mg.ReadError, "fid has 63 points on its last axis, .*; at least 64 are needed"),
    "garbage": (np.random.default_rng(0).bytes(5000), p31mg.UnsupportedFormatError, "NIfTI-MRS, jMRUI text"),
    "UTF-16": (GOOD.encode("utf-16"), p31mg.UnsupportedFormatError, "none of the formats that p31mg reads"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00", p31mg.UnsupportedFormatError, "none of the formats that p31mg reads"),
}


@pytest.mark.parametrize(("content", "error", "message"), TEXTS.values(), ids=TEXTS.keys())
def test_bad_text(content: bytes, error: type[Exception], message: str, tmp_path: Path) -> None:
    file = tmp_path / "fid.txt"
    file.write_bytes(content)
    refused(file, error, message, **OPTIONS)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.npz", "a.csv"])
def test_real_part_alone_of_any_format(name: str, tmp_path: Path) -> None:
    whole = p31mg.simulate([0.4, 0.5], snr=300, seed=1, n_points=512)
    file = p31mg.write(p31mg.Spectra(whole.fid.real + 0j, whole.acquisition), tmp_path / name)
    refused(
        file, p31mg.ReadError, "part is nothing but zeros: every peak would have a mirror image .* Export both parts"
    )
    one_voxel = np.where([[True], [False]], whole.fid.real, whole.fid)
    p31mg.write(p31mg.Spectra(one_voxel, whole.acquisition), tmp_path / name)
    assert p31mg.read(file).batch_shape == (2,)


@pytest.mark.parametrize("path", [3, None, np.zeros(3), b"a.nii.gz"])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(p31mg.InputError, match=r"path is a \w+; give the name of a file or folder"):
        p31mg.read(path)


def test_missing_file(tmp_path: Path) -> None:
    refused(tmp_path / "no-such.nii.gz", p31mg.ReadError, "cannot be read: No such file or directory")


def test_folder_instead_of_file(tmp_path: Path) -> None:
    refused(tmp_path, p31mg.ReadError, r"is a folder and no dataset of its own; give a file, or use p31mg batch")


def test_path_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    refused(tmp_path / "file" / "a.nii.gz", p31mg.ReadError, "cannot be read: Not a directory")


HEADERS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "frequency as text": (
        {"SpectrometerFrequency": ["49.9"]},
        p31mg.ReadError,
        "states SpectrometerFrequency '49.9'; it must be a number",
    ),
    "frequency empty": (
        {"SpectrometerFrequency": []},
        p31mg.ReadError,
        r"states SpectrometerFrequency \[\]; it must be a number",
    ),
    "frequency NaN": ({"SpectrometerFrequency": [float("nan")]}, p31mg.ReadError, "states SpectrometerFrequency nan"),
    "frequency zero": ({"SpectrometerFrequency": [0.0]}, p31mg.ReadError, "spectrometer_frequency_mhz is 0.0"),
    "frequency negative": ({"SpectrometerFrequency": [-49.9]}, p31mg.ReadError, "spectrometer_frequency_mhz is -49.9"),
    "echo time as text": ({"EchoTime": "short"}, p31mg.ReadError, "states EchoTime 'short'; it must be a number"),
    "echo time in ms": ({"AcquisitionStartTime": 2.3}, p31mg.ReadError, "begin_time_s is 2.3005; give it in seconds"),
    "nucleus as number": ({"ResonantNucleus": [31]}, p31mg.ReadError, r"states ResonantNucleus \[31\]; .* such as 31P"),
    "width against dwell time": (
        {"SpectralWidth": 4000.0},
        p31mg.ReadError,
        "contradicts itself: SpectralWidth is 4000 Hz but the dwell time of the header means 5000 Hz",
    ),
    "dwell time zero": ({"dwell_time": 0.0}, p31mg.ReadError, "states a dwell time of 0 sec; it must be above 0"),
    "dwell time negative": ({"dwell_time": -2e-4}, p31mg.ReadError, "states a dwell time of -0.0002 sec"),
    "dwell time NaN": ({"dwell_time": np.nan}, p31mg.ReadError, "states a dwell time of nan sec"),
    "dwell time in ppm": ({"unit": "ppm"}, p31mg.ReadError, "states a dwell time of 0.0002 ppm"),
    "no JSON": ({"extension": None}, p31mg.UnsupportedFormatError, "no NIfTI-MRS header extension and no by-hand.json"),
    "broken JSON": ({"extension": b'{"EchoTime": '}, p31mg.ReadError, "header extension .* is not valid JSON"),
    "JSON list": ({"extension": b"[49.9]"}, p31mg.ReadError, "header extension .* holds list, not a JSON object"),
    "JSON in Latin-1": ({"extension": '{"a": "µ"}'.encode("latin-1")}, p31mg.ReadError, "is not valid JSON"),
    "JSON too deep": ({"extension": b"[" * 100_000}, p31mg.ReadError, "is not valid JSON"),
}


@pytest.mark.parametrize(("header", "error", "message"), HEADERS.values(), ids=HEADERS.keys())
def test_bad_header(header: dict[str, Any], error: type[Exception], message: str, by_hand: ByHand) -> None:
    refused(by_hand(**{"EchoTime": 5e-4, **header}), error, message)


DATA: dict[str, tuple[np.ndarray, type[Exception], str]] = {
    "real picture": (np.ones((4, 4, 4, 64)), p31mg.UnsupportedFormatError, "NIfTI image of float64, not spectra"),
    "integer picture": (
        np.ones((4, 4, 4), np.int16),
        p31mg.UnsupportedFormatError,
        "NIfTI image of int16, not spectra",
    ),
    "no time axis": (
        np.ones((4, 4, 64), complex),
        p31mg.ReadError,
        "has the dimensions .4, 4, 64.; NIfTI-MRS has",
    ),
    "63 points": (np.ones((1, 1, 1, 63), complex), p31mg.ReadError, "fid has 63 points .* at least 64 are needed"),
    "all zeros": (np.zeros((2, 1, 1, 64), complex), p31mg.ReadError, "holds only zeros"),
    "NaN everywhere": (np.full((2, 1, 1, 64), np.nan, complex), p31mg.ReadError, "holds NaN or Inf in every FID"),
    "Inf": (np.full((1, 1, 1, 64), complex(0, np.inf)), p31mg.ReadError, "holds NaN or Inf in every FID"),
}


@pytest.mark.parametrize(("data", "error", "message"), DATA.values(), ids=DATA.keys())
def test_bad_data(data: np.ndarray, error: type[Exception], message: str, by_hand: ByHand) -> None:
    refused(by_hand(data, EchoTime=5e-4), error, message)


@pytest.mark.parametrize("cut", [1, 2, 9, 30, 200, 400, 700, 900, -100, -40])
def test_truncated_gzip(cut: int, by_hand: ByHand) -> None:
    file = by_hand(EchoTime=5e-4)
    whole = file.read_bytes()
    assert len(whole) > 1000
    file.write_bytes(whole[:cut])
    with pytest.raises(p31mg.ReadError, match=r"truncated|none of the formats|holds no points") as caught:
        p31mg.read(file)
    assert file.name in str(caught.value)


@pytest.mark.parametrize("image", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("cut", [3, 4, 100, 347, 349, 355, 400, 541, 550, 600, -500, -1])
def test_truncated_nifti(cut: int, image: type, by_hand: ByHand) -> None:
    file = by_hand(name="a.nii", image=image, EchoTime=5e-4)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(p31mg.ReadError, match=r"truncated|none of the formats") as caught:
        p31mg.read(file)
    assert file.name in str(caught.value)


def test_broken_sidecar_is_named(by_hand: ByHand) -> None:
    file = by_hand(extension=None)
    file.with_name("by-hand.json").write_text("{", encoding="utf-8")
    with pytest.raises(p31mg.ReadError, match=r"by-hand.json is not valid JSON"):
        p31mg.read(file)


@given(content=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "fid"
    file.write_bytes(content)
    with pytest.raises(p31mg.ReadError, match="fid"):
        p31mg.read(file, **OPTIONS)
