"""Correct tests that fail today, each with the number of the bug in the report."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
PROGRAM = Path(sys.executable).with_name("p31mg")


def tree(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.usefixtures("small_demo")
def test_force_does_not_delete_what_is_not_of_the_demo(run: Run, tmp_path: Path) -> None:
    """B05: truth.csv and spectra/ make any folder a demo."""
    (tmp_path / "spectra").mkdir()
    (tmp_path / "truth.csv").write_text("of my own phantom\n", encoding="utf-8")
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("precious", encoding="utf-8")
    run("demo", "-o", tmp_path, "--force")
    assert thesis.read_text(encoding="utf-8") == "precious"
    assert (tmp_path / "truth.csv").read_text(encoding="utf-8") == "of my own phantom\n"


def refused(result: Result) -> None:
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("p31mg: ")


@pytest.mark.usefixtures("small_demo")
def test_demo_behind_a_link_is_one_sentence(run: Run, tmp_path: Path) -> None:
    """B17: OSError of shutil.rmtree."""
    assert run("demo", "-o", tmp_path / "demo").exit_code == 0
    (tmp_path / "link").symlink_to(tmp_path / "demo")
    result = run("demo", "-o", tmp_path / "link", "--force")
    assert result.exit_code in (0, 2)


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_batch_without_spectra_makes_no_output(folder: str, run: Run, tmp_path: Path) -> None:
    """B06: the output folder is made before the study folder is looked at."""
    (tmp_path / "empty").mkdir()
    before = tree(tmp_path)
    refused(run("batch", tmp_path / folder, "-o", tmp_path / "results"))
    assert tree(tmp_path) == before


def test_batch_does_not_make_the_missing_study_folder(run: Run, tmp_path: Path) -> None:
    """B06: and then it says that the folder holds no spectra."""
    result = run("batch", tmp_path / "study", "-o", tmp_path / "study" / "results")
    refused(result)
    assert "does not exist" in result.stderr
    assert tree(tmp_path) == []


@pytest.mark.parametrize(
    ("option", "value"), [("--mg", "nan"), ("--mg", "inf"), ("--phase", "nan"), ("--offset", "nan"), ("--seed", "-1")]
)
def test_simulate_without_sense(option: str, value: str, run: Run, tmp_path: Path) -> None:
    """B09: files full of NaN with exit code 0; a traceback for the seed."""
    options = {"--mg": "0.5", "--snr": "100", "--seed": "1", option: value}
    refused(run("simulate", tmp_path / "s", *(word for pair in options.items() for word in pair)))
    assert tree(tmp_path) == []


def test_demo_with_a_negative_seed(run: Run, tmp_path: Path) -> None:
    """B09: a traceback, and an empty folder that --force then does not replace."""
    refused(run("demo", "-o", tmp_path / "demo", "--seed", -1))
    assert tree(tmp_path) == []


@pytest.mark.parametrize("option", ["--ph", "--temperature"])
@pytest.mark.parametrize("command", ["mg", "batch"])
def test_nan_is_no_ph_and_no_temperature(command: str, option: str, run: Run, shelf: Path, tmp_path: Path) -> None:
    """B08: accepted by mg; a traceback from json after the fits by batch."""
    arguments = {"mg": ("mg", 8.55), "batch": ("batch", shelf / "study", "-o", tmp_path / "r", "--no-figures")}
    refused(run(*arguments[command], option, "nan"))
    assert tree(tmp_path) == []


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", [("fit",), ("mg", "8.37", "--sd", "0.02")], ids=["fit", "mg"])
def test_terminal_without_greek(command: tuple[str, ...], encoding: str, shelf: Path) -> None:
    """B07: UnicodeEncodeError, as on Windows with output into a file."""
    arguments = [*command, str(shelf / "sub-01_unloc.nii.gz")] if command == ("fit",) else command
    done = subprocess.run(
        [PROGRAM, *arguments], capture_output=True, check=False, timeout=60,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    assert done.returncode == (0 if command == ("fit",) else 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("output_format", ["table", "json"])
def test_full_disk_behind_stdout_is_one_sentence(output_format: str) -> None:
    """B18: a traceback and exit code 1."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [PROGRAM, "mg", "8.55", "--format", output_format],
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert b"Traceback" not in done.stderr
    assert done.returncode == 2


def test_reader_that_goes_away_from_a_table_is_exit_code_0() -> None:
    """B19: rich ends the process with 1 before main can say 0."""
    with subprocess.Popen([PROGRAM, "mg", *["8.55"] * 5000], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.readline()
        done.stdout.close()
        assert done.stderr.read() == b""
    assert done.returncode == 0


@pytest.mark.parametrize("figure", ["fit.xyz", "missing/fit.png"])
def test_figure_that_cannot_be_written_prints_nothing(figure: str, run: Run, shelf: Path, tmp_path: Path) -> None:
    """B16: the table is on stdout already, or the file of -o written."""
    file = shelf / "sub-01_unloc.nii.gz"
    refused(run("fit", file, "--figure", tmp_path / figure, "-o", tmp_path / "out.csv"))
    assert tree(tmp_path) == []
    refused(run("fit", file, "--figure", tmp_path / figure))


@pytest.mark.parametrize("shift", ["-1.614e1", "-16.14"])
def test_negative_numbers_of_every_form(shift: str, run: Run) -> None:
    """B20: an exponent makes it an option."""
    assert run("mg", shift, "--calibration", "iotti-1996").exit_code == 0


def test_negative_numbers_keep_their_place(run: Run) -> None:
    """B20: others are moved before them."""
    out = run("mg", -16.14, "nan", -16.20, "--calibration", "iotti-1996", "--format", "csv").stdout.splitlines()
    assert [line.split(",")[0] for line in out[1:]] == ["-16.14", "", "-16.2"]


def test_info_of_noise_says_so(run: Run, shelf: Path, tmp_path: Path) -> None:
    """B21: 'PCr SNR 3 at +nan ppm from the carrier'."""
    import p31mg

    file = p31mg.write(p31mg.simulate(0.5, snr=1, seed=1), tmp_path / "a.nii")
    assert "+nan" not in run("info", file).stdout
