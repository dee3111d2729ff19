"""Spoiled files: only errors of p31mg come out. A seeded short part; `make fuzz` runs thousands per reader."""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import p31mg
from p31mg.io.source import LARGEST_FILE_BYTES

N_MUTATIONS = 24
LONGEST_S = 5.0
EVERYTHING = {"spectrometer_frequency_mhz": 49.9, "spectral_width_hz": 5000.0, "begin_time_s": 4.5e-4}
NAMES = (
    *(
        "nifti_mrs",
        "nifti_uncompressed",
        "matlab_compressed",
        "jmrui_text",
        "jmrui_binary",
        "siemens_rda",
        "lcmodel_raw",
        "philips_sdat",
        "text",
        "npy",
        "npz",
        "matlab",
    ),
    *("bruker", "paravision", "varian", "nmrpipe", "jcamp_dx", "spinsolve", "jeol"),
)


def outcome(path: Path, **given: float) -> str:
    """Return how reading ended; anything but a result or an error of ours fails the test by itself."""
    started = time.perf_counter()
    try:
        p31mg.read(path, **given)
        ended = "read"
    except p31mg.P31mgError as error:
        ended = type(error).__name__
        assert "\n\n" not in str(error)
        assert len(str(error)) < 20_000
    assert time.perf_counter() - started < LONGEST_S
    return ended


@pytest.mark.parametrize("name", NAMES)
def test_spoiled_files_are_read_or_refused(
    name: str, makers: ModuleType, mutations: ModuleType, tmp_path: Path
) -> None:
    case = makers.CASES[name]
    (tmp_path / "whole").mkdir()
    whole = case.make(tmp_path / "whole", makers.signal())
    ends = []
    for i in range(N_MUTATIONS):
        rng = np.random.default_rng([i, len(name), ord(name[0])])
        copy = shutil.copytree(tmp_path / "whole", tmp_path / "spoiled")
        mutations.spoil(copy / whole.name, rng)
        ends.append(outcome(copy / whole.name, **case.given))
        shutil.rmtree(copy)
    assert ends.count("read") < N_MUTATIONS // 2 + 4  # most mutations show


@pytest.mark.parametrize("name", NAMES)
def test_names_of_other_formats_mislead_nobody(name: str, makers: ModuleType, tmp_path: Path) -> None:
    case = makers.CASES[name]
    path = case.make(tmp_path, makers.signal())
    if case.is_folder or name in ("philips_sdat", "jmrui_binary"):
        return
    for suffix in (".nii.gz", ".rda", ".mat", ".7", ".dat", ".IMA", ".csv", ".mrui", ""):
        other = path.rename(tmp_path / f"Ω名{suffix}")
        assert outcome(other, **case.given) == "read"
        path = other


def gzip_bomb(file: Path, makers: ModuleType, stated_points: int, zeros: int) -> Path:
    """A NIfTI header that states so many points, and so many bytes of zeros behind it."""
    makers.nifti_mrs(file.parent, makers.signal(), name="whole.nii")
    head = bytearray((file.parent / "whole.nii").read_bytes()[:1000])
    struct.pack_into("<q", head, 16 + 8 * 4, stated_points)
    with gzip.open(file, "wb", compresslevel=9) as out:
        out.write(head)
        for _ in range(zeros // 2**20):
            out.write(bytes(2**20))
    return file


@pytest.mark.parametrize(
    ("points", "message"),
    [(128, r"holds more than the [\d,]+ bytes of its header"), (10**9, "points; p31mg reads up to")],
)
def test_gzip_bomb_is_not_unpacked(points: int, message: str, makers: ModuleType, tmp_path: Path) -> None:
    bomb = gzip_bomb(tmp_path / "bomb.nii.gz", makers, points, 30 * 2**20)
    started = time.perf_counter()
    with pytest.raises(p31mg.ReadError, match=message):
        p31mg.read(bomb)
    assert time.perf_counter() - started < 1.0


def test_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p31mg.io.formats.numpy_arrays.LARGEST_FILE_BYTES", 2**20)
    np.savez_compressed(tmp_path / "bomb.npz", fid=np.zeros(2**18, dtype=complex))
    assert (tmp_path / "bomb.npz").stat().st_size < 10_000
    with pytest.raises(p31mg.ReadError, match=r"unpacks to 1 arrays, 4,194,\d+ bytes; 1,048,576 at most"):
        p31mg.read(tmp_path / "bomb.npz")


def test_zip_that_lies_about_its_size_is_not_unpacked(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", fid=np.zeros(2**18, dtype=complex))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for place in [m.start() for m in re.finditer(b"PK\x01\x02", content)]:
        struct.pack_into("<I", content, place + 24, 100)
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(p31mg.ReadError, match=r"truncated|damaged"):
        p31mg.read(tmp_path / "a.npz")


def test_matlab_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p31mg.io.formats.matlab.LARGEST_FILE_BYTES", 2**20)
    packed = zlib.compress(bytes(2**23), 9)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    (tmp_path / "bomb.mat").write_bytes(head + struct.pack("<2I", 15, len(packed)) + packed)
    with pytest.raises(p31mg.ReadError, match="unpacks to more than 1,048,576 bytes"):
        p31mg.read(tmp_path / "bomb.mat")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".rda", ".mrui", ".txt", ".npy", ".dat", ".jdf", ""])
def test_three_gigabytes_of_nothing_are_refused_at_once(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"huge{suffix}"
    with file.open("wb") as out:
        out.truncate(3 * 2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert outcome(file, **EVERYTHING) != "read"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


@pytest.mark.parametrize("name", NAMES)
def test_a_good_beginning_does_not_open_three_gigabytes(name: str, makers: ModuleType, tmp_path: Path) -> None:
    case = makers.CASES[name]
    path = case.make(tmp_path, makers.signal())
    for file in [f for f in tmp_path.rglob("*") if f.is_file()]:
        whole = file.read_bytes()
        with file.open("r+b") as out:
            out.truncate(3 * 2**30)
        assert outcome(path, **case.given) != "read"
        file.write_bytes(whole)


def test_symlink_loop_is_refused(makers: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.nii").symlink_to(tmp_path / "b.nii")
    (tmp_path / "b.nii").symlink_to(tmp_path / "a.nii")
    with pytest.raises(p31mg.ReadError, match=r"a.nii cannot be read: Too many levels of symbolic links"):
        p31mg.read(tmp_path / "a.nii")
    folder = makers.bruker(tmp_path, makers.signal())
    (folder / "fid").unlink()
    (folder / "fid").symlink_to(folder / "fid")
    assert outcome(folder, **EVERYTHING) == "ReadError"


def test_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii")
    with pytest.raises(p31mg.ReadError, match="is a pipe, device or socket"):
        p31mg.read(tmp_path / "pipe.nii")
    with pytest.raises(p31mg.ReadError, match="is a pipe, device or socket"):
        p31mg.read("/dev/zero")


def test_permission_denied_is_one_sentence(makers: ModuleType, tmp_path: Path) -> None:
    """In a child that is not root, where that can be had."""
    if os.geteuid() != 0:
        file = makers.nifti_mrs(tmp_path, makers.signal())
        file.chmod(0)
        with pytest.raises(p31mg.ReadError, match="cannot be read: Permission denied"):
            p31mg.read(file)
        return
    file = makers.nifti_mrs(tmp_path, makers.signal())
    file.chmod(0)
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    code = (
        "import os, sys, p31mg, p31mg.io\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try:\n    p31mg.read(sys.argv[1])\n"
        "except p31mg.ReadError as error:\n    sys.stdout.write(str(error))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout == f"file {file} cannot be read: Permission denied."


def test_folder_in_the_place_of_a_file(makers: ModuleType, tmp_path: Path) -> None:
    folder = makers.varian(tmp_path, makers.signal())
    (folder / "fid").unlink()
    (folder / "fid").mkdir()
    assert outcome(folder, **EVERYTHING) == "ReadError"


def test_limit_leaves_room_for_what_it_is_meant_for(makers: ModuleType, tmp_path: Path) -> None:
    """32 coils with 128 transients of 2048 points are read; a hundredfold of it is not even tried."""
    file = tmp_path / "a.npy"
    np.save(file, np.full((32, 128, 64), 1 + 1j, dtype=np.complex64))
    assert p31mg.read(file, **EVERYTHING).batch_shape == (32, 128)
    assert LARGEST_FILE_BYTES >= 8 * 32 * 128 * 2048


@pytest.mark.skipif(importlib.util.find_spec("spec2nii") is None, reason="spec2nii is not installed")
@pytest.mark.parametrize(
    "head",
    [
        b"\0" * 128 + b"DICM" + b"\xff" * 400,
        b"GE_MED_NMR".rjust(44, b"\0") + b"\xff" * 3000,
        struct.pack("<2I", 200, 1) + b"Config\0" + b"\xff" * 3000,
        struct.pack("<4I2Q", 0, 1, 1, 1, 512, 1000) + b"\0" * 2000,
    ],
    ids=["dicom", "ge-pfile", "twix VB", "twix VD"],
)
def test_formats_of_scanner_makers_refuse_rubbish(
    head: bytes, tmp_path: Path, forking: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p31mg.io.vendor._converted", forking.converted_in_a_fork)
    (tmp_path / "scan.bin").write_bytes(head)
    with pytest.raises(p31mg.ReadError, match=r"scan.bin is not readable as (DICOM|GE P-file|Siemens twix): [^\n]+\.$"):
        p31mg.read(tmp_path / "scan.bin")
