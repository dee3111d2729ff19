"""Other formats on the command line: convert, info with its doubts, fit and batch of dataset folders."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import Result

import p31mg

Run = Callable[..., Result]
MAKERS = Path(__file__).parents[1] / "io" / "makers.py"
BEGIN = ("--begin-time", 4.5e-4)


@pytest.fixture(scope="module")
def makers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("makers", MAKERS)
    module = importlib.util.module_from_spec(spec)
    sys.modules["makers"] = module
    spec.loader.exec_module(module)
    return module


def muscle(makers: ModuleType, **more: object) -> np.ndarray:
    """Return the FID of a muscle, acquired as the makers say."""
    acquisition = p31mg.Acquisition(
        spectrometer_frequency_mhz=makers.FREQUENCY_MHZ,
        dwell_time_s=makers.DWELL_TIME_S,
        begin_time_s=makers.BEGIN_TIME_S,
    )
    given = {"snr": 300, "seed": 4, "n_points": 1024, **more}
    return p31mg.simulate(0.5, prior="muscle-3t", acquisition=acquisition, **given).fid


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".npz", ".csv"])
@pytest.mark.parametrize("name", ["bruker", "varian", "siemens_rda", "philips_sdat", "jcamp_dx"])
def test_convert_gives_a_file_that_needs_no_options(
    name: str, suffix: str, run: Run, makers: ModuleType, tmp_path: Path
) -> None:
    case = makers.CASES[name]
    path = case.make(tmp_path, muscle(makers))
    out = tmp_path / f"out{suffix}"
    options = BEGIN if case.asked_for else ()
    result = run("convert", path, out, *options)
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"written: {out} <Spectra () x 1024 points, 49.9 MHz, 5000 Hz, begin time 0.45 ms>" in result.stderr
    np.testing.assert_array_equal(p31mg.read(out).fid, p31mg.read(path, **case.given).fid)


def test_convert_refuses_the_name_before_it_reads(run: Run, tmp_path: Path) -> None:
    result = run("convert", tmp_path / "absent.txt", tmp_path / "out.xlsx")
    assert result.exit_code == 2
    assert "the name must end in .nii or .nii.gz (NIfTI-MRS), .npz or .csv" in result.stderr


def test_convert_replaces_nothing_unless_told(run: Run, makers: ModuleType, tmp_path: Path) -> None:
    path = makers.siemens_rda(tmp_path, muscle(makers))
    (tmp_path / "out.npz").write_text("mine", encoding="utf-8")
    result = run("convert", path, tmp_path / "out.npz")
    assert result.exit_code == 2
    assert "out.npz exists and is not replaced; choose another name or give --force" in result.stderr
    assert (tmp_path / "out.npz").read_text(encoding="utf-8") == "mine"
    assert run("convert", path, tmp_path / "out.npz", "--force").exit_code == 0
    assert p31mg.read(tmp_path / "out.npz").n_points == 1024


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("out.npz",), "does not state the begin time .*; give --begin-time S"),
        (("out.txt", *BEGIN), "the name must end in .nii or .nii.gz .*, .npz or .csv"),
        (("no/such/out.npz", *BEGIN), "cannot be written: No such file or directory"),
    ],
)
def test_convert_refuses_in_one_sentence(
    arguments: tuple[object, ...], message: str, run: Run, makers: ModuleType, tmp_path: Path
) -> None:
    path = makers.bruker(tmp_path, muscle(makers))
    result = run("convert", path, tmp_path / str(arguments[0]), *arguments[1:])
    assert result.exit_code == 2
    assert result.stderr.startswith("p31mg: ")
    assert re.search(message, result.stderr)


def doubts(run: Run, path: Path, *options: object) -> list[str]:
    result = run("info", path, *options, "--format", "json")
    assert result.exit_code == 0
    return json.loads(result.stdout)["doubts"]


def test_info_has_no_doubt_about_a_good_spectrum(run: Run, makers: ModuleType, tmp_path: Path) -> None:
    assert doubts(run, makers.bruker(tmp_path, muscle(makers)), *BEGIN) == []


def test_info_looks_at_a_file_without_a_begin_time(run: Run, makers: ModuleType, tmp_path: Path) -> None:
    path = makers.bruker(tmp_path, muscle(makers))
    out = json.loads(run("info", path, "--format", "json").stdout)
    assert out["acquisition"]["begin_time_s"] is None
    assert out["acquisition"]["begin_time_source"] == "unknown"
    (doubt,) = out["doubts"]
    assert doubt.startswith(
        "the file does not state the begin time; a fit will ask for --begin-time. It is DE = 6.5 us"
    )
    assert "begin_time_s                 unknown" in run("info", path).stdout


def test_info_suspects_a_conjugated_file(run: Run, makers: ModuleType, tmp_path: Path) -> None:
    (doubt,) = doubts(run, makers.bruker(tmp_path, muscle(makers).conj()), *BEGIN)
    assert doubt.startswith("the sign of the frequency axis looks reversed: ATP appears on the high side of PCr")


def test_info_misses_pcr_and_signal(run: Run, makers: ModuleType, tmp_path: Path) -> None:
    n = np.arange(1024)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((1024, 2)).view(complex)[:, 0]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one_line = makers.bruker(tmp_path / "a", np.exp(-n / 100) + 0.01 * noise)
    (doubt,) = doubts(run, one_line, *BEGIN)
    assert doubt.startswith("PCr was not found: no ATP lies beside the highest peak")
    (doubt,) = doubts(run, makers.bruker(tmp_path / "b", 0.1 * noise), *BEGIN)
    assert doubt == "no peak stands out of the noise: the SNR is too low for a 31P spectrum"


def test_info_says_that_the_snr_is_low(run: Run, makers: ModuleType, tmp_path: Path) -> None:
    (doubt,) = doubts(run, makers.bruker(tmp_path, muscle(makers, snr=25)), *BEGIN)
    assert "at most; beta-ATP is lost below about 50" in doubt


def test_info_table_names_format_and_doubts(run: Run, makers: ModuleType, tmp_path: Path) -> None:
    out = run("info", makers.siemens_rda(tmp_path, muscle(makers))).stdout
    assert "Siemens RDA" in out
    assert "doubt: the begin time 0.45 ms comes from TE, which is often nominal" in out


def test_every_command_takes_a_folder_that_is_one_dataset(run: Run, makers: ModuleType, tmp_path: Path) -> None:
    fid = muscle(makers)
    folder = makers.varian(tmp_path, fid)
    result = run("fit", folder, *BEGIN, "--format", "json")
    assert result.exit_code == 0
    (row,) = json.loads(result.stdout)["spectra"]
    assert row["is_valid"]
    assert row["shift_alpha_beta_ppm"] == pytest.approx(8.55, abs=0.05)


def test_batch_of_one_dataset_says_that_it_is_one(makers: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(p31mg.ReadError, match=r"made.fid is one dataset and no study; give it to p31mg fit"):
        p31mg.batch(makers.varian(tmp_path, muscle(makers)))


def test_batch_takes_files_and_folders_of_every_format_together(makers: ModuleType, tmp_path: Path) -> None:
    fid = muscle(makers)
    study = tmp_path / "study"
    study.mkdir()
    names = ("nifti_mrs", "siemens_rda", "philips_sdat", "bruker", "varian", "spinsolve", "jeol", "jmrui_binary")
    for name in names:
        makers.CASES[name].make(study, fid)
    table = p31mg.batch(study, begin_time_s=makers.BEGIN_TIME_S)
    assert sorted(table["file"]) == sorted(
        ["fid.nii.gz", "made.rda", "made.SDAT", "11", "made.fid", "made", "made.jdf", "made.mrui"]
    )
    assert (table["status"] == "OK").all()
    assert np.ptp(table["shift_alpha_beta_ppm"].astype(float)) < 1e-4  # single precision and digitisers
