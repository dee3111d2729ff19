"""Bad input ends in exit code 2 and one sentence on stderr: no traceback, nothing on stdout, nothing written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

import p31mg

Run = Callable[..., Result]

TEXT_OPTIONS = ("--spectrometer-frequency", 51.705, "--spectral-width", 5000, "--begin-time", 5e-4)
GOOD = "0.5 -0.25\n" * 70


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


@pytest.fixture
def refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command in `tmp_path`, make sure that it is refused as it should be, and return the sentence."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> str:
        before = tree(tmp_path)
        result = run(*arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("p31mg: ")
        assert tree(tmp_path) == before
        return line.removeprefix("p31mg: ")

    return call


def spectrum() -> p31mg.Spectra:
    return p31mg.simulate(0.5, prior="muscle-3t", snr=300, seed=1)


def truncated(folder: Path) -> Path:
    file = p31mg.write(spectrum(), folder / "truncated.nii.gz")
    file.write_bytes(file.read_bytes()[:5000])
    return file


def text(folder: Path, content: str) -> Path:
    file = folder / "fid.txt"
    file.write_text(content, encoding="utf-8")
    return file


def with_value(folder: Path, value: complex) -> Path:
    good = spectrum()
    return p31mg.write(p31mg.Spectra(np.full_like(good.fid, value), good.acquisition), folder / "value.nii.gz")


def other_nucleus(folder: Path) -> Path:
    file = p31mg.write(spectrum(), folder / "proton.nii")
    file.write_bytes(file.read_bytes().replace(b'["31P"]', b'["1H"] '))
    return file


FILES: dict[str, tuple[Callable[[Path], Path], tuple[object, ...], str]] = {
    "missing": (lambda f: f / "no-such.nii.gz", (), "file .*no-such.nii.gz cannot be read: No such file or directory"),
    "empty": (lambda f: text(f, ""), TEXT_OPTIONS, "file .*fid.txt is empty"),
    "truncated": (truncated, (), "truncated.nii.gz is truncated or damaged"),
    "wrong columns": (lambda f: text(f, "1 2 3\n" * 70), TEXT_OPTIONS, "odd number of columns"),
    "NaN in text": (lambda f: text(f, GOOD + "nan 0\n"), TEXT_OPTIONS, "line 71: 'nan 0' holds NaN or Inf"),
    "Inf in text": (lambda f: text(f, GOOD + "0 inf\n"), TEXT_OPTIONS, "line 71: '0 inf' holds NaN or Inf"),
    "NaN": (lambda f: with_value(f, np.nan), (), "value.nii.gz holds NaN or Inf in every FID"),
    "Inf": (lambda f: with_value(f, np.inf), (), "value.nii.gz holds NaN or Inf in every FID"),
    "all zeros": (lambda f: with_value(f, 0), (), "value.nii.gz holds only zeros"),
    "63 points": (lambda f: text(f, "1 2\n" * 63), TEXT_OPTIONS, "63 points on its last axis.*at least 64"),
    "width zero": (
        lambda f: text(f, GOOD),
        (*TEXT_OPTIONS, "--spectral-width", 0),
        "spectral width is 0 Hz; it must be above 0",
    ),
    "width negative": (
        lambda f: text(f, GOOD),
        (*TEXT_OPTIONS, "--spectral-width", -5000),
        "spectral width is -5000 Hz; it must be above 0",
    ),
    "no frequency": (
        lambda f: text(f, GOOD),
        TEXT_OPTIONS[2:],
        "spectrometer frequency; give --spectrometer-frequency",
    ),
    "no width": (
        lambda f: text(f, GOOD),
        TEXT_OPTIONS[:2],
        "spectral width.*; give --spectral-width HZ",
    ),
    "other frequency": (
        lambda f: p31mg.write(spectrum(), f / "a.nii.gz"),
        ("--spectrometer-frequency", 120),
        "a.nii.gz states the spectrometer frequency 51.705 but 120 is given; .*--override",
    ),
    "other nucleus": (other_nucleus, (), "proton.nii holds 1H spectra; p31mg fits 31P only"),
    "a folder": (lambda f: f, (), "is a folder and no dataset of its own; give a file"),
}


@pytest.mark.parametrize("command", ["fit", "info"])
@pytest.mark.parametrize(("make", "options", "message"), FILES.values(), ids=FILES.keys())
def test_bad_file(
    command: str,
    make: Callable[[Path], Path],
    options: tuple[object, ...],
    message: str,
    refused: Callable[..., str],
    tmp_path: Path,
) -> None:
    assert re.search(message, refused(command, make(tmp_path), *options, "-o", tmp_path / "out.csv"))


def test_fit_asks_for_a_begin_time(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "give --begin-time S" in refused("fit", text(tmp_path, GOOD), *TEXT_OPTIONS[:4], "-o", tmp_path / "out.csv")


ARGUMENTS: dict[str, tuple[tuple[object, ...], str]] = {
    "unknown prior": (("--prior", "muscle-3T"), "prior 'muscle-3T' is not known; the nearest are 'muscle-3t'"),
    "missing prior file": (("--prior", "own.toml"), "prior file own.toml cannot be read: No such file or directory"),
    "unknown calibration": (
        ("--calibration", "gupta-1987"),
        "calibration 'gupta-1987' is not known; the nearest are 'gupta-1984', 'gupta-1978'",
    ),
    "pH 70": (("--ph", 70), "ph is 70; a tissue pH is between 5 and 9"),
    "kelvin": (("--temperature", 310), "temperature_c is 310; give degrees Celsius .* kelvin"),
    "unknown engine": (("--engine", "lm"), "'lm' is not one of 'batch', 'lmfit'; see p31mg (fit|batch) --help"),
    "unknown option": (("--calibraton", "gupta-1978"), "No such option:? '?--calibraton'?"),
}


@pytest.mark.parametrize(("arguments", "message"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_bad_argument_of_fit(
    arguments: tuple[object, ...], message: str, refused: Callable[..., str], shelf: Path
) -> None:
    assert re.search(message, refused("fit", shelf / "sub-01_unloc.nii.gz", *arguments, "-o", "out.csv"))


@pytest.mark.parametrize(("arguments", "message"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_bad_argument_of_batch(
    arguments: tuple[object, ...], message: str, refused: Callable[..., str], shelf: Path
) -> None:
    assert re.search(message, refused("batch", shelf / "study", *arguments, "-o", "results"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (8.55, "--calibration", "gupta"),
            "calibration 'gupta' is not known; .* All: gupta-1978, gupta-1984, iotti-1996",
        ),
        ((8.55, "--ph", 70), "ph is 70; a tissue pH is between 5 and 9"),
        ((8.55, "--temperature", 310), "temperature_c is 310; give degrees Celsius"),
        ((8.55, "--sd", -0.01), "sd_ppm is -0.01; a standard deviation cannot be negative"),
        ((8.55, "--level", 95), "level is 95.*; it must lie between 0 and 1"),
        ((7.0,), "shift is 7 ppm; .* between 8.35 and 10.91 ppm"),
        ((-16.14,), "shift is -16.14 ppm; .* a positive number near 8.5"),
        ((8.55, "--calibration", "iotti-1996"), "shift is 8.55 ppm; .* a negative number near -16.1"),
        (("eight",), "'eight' is not a valid float; see p31mg mg --help"),
        ((8.55, "--correct-kd"), "ph is not given and there is no Pi to read it from"),
        ((8.55, "--correct-kd", "--ph", 4), "ph is 4; a tissue pH is between 5 and 9"),
        ((-16.1, "--calibration", "iotti-1996", "--correct-kd", "--ph", 7), "'iotti-1996' has no Kd"),
        ((8.55, "--ionic-strength", 0.2), "ionic_strength_M is given, which only acts with correct_kd=True"),
        ((8.55, "--correct-kd", "--ph", 7, "--potassium", 150), "potassium_M is 150; give mol/l .* mmol/l"),
        ((8.55, "--pi-shift", 6.0), "shift_pi_pcr_ppm is 6; pH equation 'taylor-1983' takes .* between 3.27"),
        ((8.55, "--pi-shift", 4.8, "--ph", 7), "--ph and --pi-shift are both given"),
        ((8.55, "--sd-pi-shift", 0.01), "--sd-pi-shift is given without --pi-shift"),
        ((8.55, "--sd-ph", 0.1), "sd_ph is given without ph"),
        ((8.55, "--ph-equation", "taylor"), "pH equation 'taylor' is not known; the nearest are 'taylor-1983'"),
        ((8.55, "--calibration", "none.toml"), "calibration file none.toml cannot be read: No such file or directory"),
        ((8.55, "--ph", 7, "--pcr", 33), "--pcr and --pi are given one without the other"),
        ((8.55, "--pcr", 33, "--pi", 4.5), "--pcr and --pi are given without pH"),
        ((8.55, "--ph", 7, "--pcr", 0.033, "--pi", 4.5), "pcr_mM is 0.033; .* looks like mol/l: give mM"),
        ((8.55, "--ph", 7, "--pcr", 33, "--pi", 4.5, "--all"), "--pcr and --pi are given with --all"),
        ((8.55, "--sd", 0.01, "--sd", 0.01), "--sd is given 2 times for 1 shifts"),
        ((), "Missing argument 'SHIFT...'; see p31mg mg --help"),
    ],
)
def test_bad_argument_of_mg(arguments: tuple[object, ...], message: str, refused: Callable[..., str]) -> None:
    assert re.search(message, refused("mg", *arguments, "-o", "out.csv"))


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (None, (), "titration none.csv cannot be read: No such file or directory"),
        ("", (), "titration t.csv cannot be read: No columns"),
        ("mg,shift\n1,2\n", (), "titration t.csv has no column free_mg_mM; it needs .* Found: mg, shift"),
        ("free_mg_mM,shift_ppm\n0.1,9.0\n0.2,8.8\n", (), "2 different concentrations; .* at least 4"),
        ("free_mg_mM,shift_ppm\n0.1,high\n", (), "shift_ppm is .*; it must be a number"),
        ("free_mg_mM,shift_ppm,sd_ppm\n0.1,9.0,0.01\n", ("--sd", 0.01), "--sd is given, and t.csv has a column sd_ppm"),
        ("free_mg_mM,shift_ppm\n0.1,9.0\n", ("-o", "own.txt"), "the name of a calibration file must end in .toml"),
        ("free_mg_mM,shift_ppm\n0.1,9.0\n", ("--figure", "own.gif"), "figure is own.gif; its name must end in .png"),
    ],
)
def test_bad_titration(
    content: str | None, arguments: tuple[object, ...], message: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    file = "none.csv" if content is None else "t.csv"
    assert re.search(message, refused("calibrate", file, "-o", "own.toml", *arguments))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,ph\nsub-01.nii.gz,7.0\n", "has the columns name, ph; one must be file or subject"),
        ("file,ph\nsub-01.nii.gz,acid\n", "has ph 'acid' for sub-01.nii.gz; it must be a number, or empty"),
        ("file,ph\nsub-01.nii.gz,7\n./sub-01.nii.gz,7\n", "has more than one row for sub-01.nii.gz"),
        ("subject,snr\n01,7\n", "has the column snr, which is one of the results; rename it"),
        ("", "people.csv is no table"),
        (None, "subject table people.csv cannot be read: No such file or directory"),
    ],
)
def test_bad_subject_table(
    content: str | None, message: str, refused: Callable[..., str], shelf: Path, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "people.csv").write_text(content, encoding="utf-8")
    assert re.search(message, refused("batch", shelf / "study", "-o", "results", "--subjects", "people.csv"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--energetics", "--saturation", "pcr"), "saturation is 'pcr'; give PEAK=FACTOR"),
        (("--energetics", "--saturation", "PCr=1.2"), "resonance 'PCr' is not known"),
        (("--energetics", "--saturation", "pcr=0"), "saturation_correction of 'pcr' is 0.0; .* above 0"),
        (("--energetics", "--atp", 0.0082), "atp_mM is 0.0082; .* looks like mol/l"),
        (("--saturation", "pcr=1.2"), "saturation acts only with --energetics"),
    ],
)
def test_bad_energetics_of_fit(
    arguments: tuple[object, ...], message: str, refused: Callable[..., str], shelf: Path
) -> None:
    assert re.search(message, refused("fit", shelf / "sub-01_unloc.nii.gz", *arguments, "-o", "out.csv"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mg", 0, "--snr", 100, "--seed", 1), "free_mg_mM is 0; a concentration must be above 0 mM"),
        (("--mg", -1, "--snr", 100, "--seed", 1), "free_mg_mM is -1; a concentration must be above 0 mM"),
        (("--mg", 0.5, "--snr", 0, "--seed", 1), "snr is 0; it must be above 0"),
        (
            ("--mg", 0.5, "--snr", 100, "--seed", 1, "--broadening", -50),
            "broadening_hz is -50; it leaves a linewidth of",
        ),
        (("--mg", 0.5, "--snr", 100, "--seed", 1, "--prior", "brains"), "prior 'brains' is not known; .*'brain'"),
        (("--snr", 100, "--seed", 1), "Missing option '--mg'; see p31mg simulate --help"),
    ],
)
@pytest.mark.parametrize("out", ["folder", "a.nii.gz"])
def test_bad_argument_of_simulate(
    out: str, arguments: tuple[object, ...], message: str, refused: Callable[..., str]
) -> None:
    assert re.search(message, refused("simulate", out, *arguments))


WRITING = {
    "fit": lambda shelf, out: ("fit", shelf / "sub-01_unloc.nii.gz", "-o", out / "a.csv"),
    "info": lambda shelf, out: ("info", shelf / "sub-01_unloc.nii.gz", "-o", out / "a.csv"),
    "batch": lambda shelf, out: ("batch", shelf / "study", "-o", out / "results"),
    "mg": lambda _, out: ("mg", 8.55, "-o", out / "a.csv"),
    "calibrations": lambda _, out: ("calibrations", "-o", out / "a.csv"),
    "simulate folder": lambda _, out: ("simulate", out / "s", "--mg", 0.5, "--snr", 100, "--seed", 1),
    "simulate file": lambda _, out: ("simulate", out / "s.nii", "--mg", 0.5, "--snr", 100, "--seed", 1),
    "demo": lambda _, out: ("demo", "-o", out / "demo"),
}


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING.keys())
def test_output_below_a_file(
    command: Callable[[Path, Path], tuple[object, ...]], refused: Callable[..., str], shelf: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert re.search("cannot be written: Not a directory", refused(*command(shelf, tmp_path / "file")))


def test_output_folder_that_is_a_file(refused: Callable[..., str], shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert re.search("output folder file cannot be written", refused("batch", shelf / "study", "-o", "file"))


def test_width_that_does_not_hold_the_prior(refused: Callable[..., str], shelf: Path) -> None:
    file = shelf / "sub-01_unloc.nii.gz"
    sentence = refused("fit", file, "--spectral-width", 1000, "--override")
    assert re.search(r"spectral width is 1000 Hz; .* needs at least \d+ Hz", sentence)


def test_unknown_command(refused: Callable[..., str]) -> None:
    assert refused("fti") == "No such command 'fti'; see p31mg --help."
