"""Every option of every command changes something, and none is missing here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import Result

import p31mg
from p31mg.cli import main

Run = Callable[..., Result]
Arguments = tuple[object, ...]

ACQUISITION: dict[str, tuple[Arguments, Arguments]] = {
    "--spectrometer-frequency": (("--override",), ("--spectrometer-frequency", 51.0)),
    "--spectral-width": (("--override",), ("--spectral-width", 5050)),
    "--begin-time": ((), ("--begin-time", 7e-4)),
    "--sd-begin-time": ((), ("--sd-begin-time", 2e-4)),
    "--override": (("--spectrometer-frequency", 51.0), ("--override",)),
}
FIT = {
    "--prior": ((), ("--prior", "brain-7t")),
    "--engine": ((), ("--engine", "lmfit")),
    "--phase-model": ((), ("--phase-model", "free")),
    "--lineshape": ((), ("--lineshape", "prior")),
    "--baseline": ((), ("--baseline", 8)),
}
MAGNESIUM: dict[str, tuple[Arguments, Arguments]] = {
    "--calibration": ((), ("--calibration", "gupta-1984")),
    "--ph": ((), ("--ph", 6.9)),
    "--sd-ph": ((), ("--sd-ph", 0.05)),
    "--ph-equation": ((), ("--ph-equation", "petroff-1985")),
    "--temperature": ((), ("--temperature", 35)),
    "--sd-temperature": ((), ("--sd-temperature", 1)),
    "--correct-kd": ((), ("--correct-kd",)),
    "--ionic-strength": (("--correct-kd",), ("--ionic-strength", 0.2)),
    "--potassium": (("--correct-kd",), ("--potassium", 0.1)),
    "--level": ((), ("--level", 0.5)),
}
PEOPLE = "the subject table of the shelf"
# a plain number has no Pi to read pH from
WITH_PH: dict[str, tuple[Arguments, Arguments]] = {
    "--sd-ph": (("--ph", 6.9), ("--sd-ph", 0.05)),
    "--ph-equation": (("--pi-shift", 4.8), ("--ph-equation", "petroff-1985")),
    "--pi-shift": ((), ("--pi-shift", 4.8)),
    "--sd-pi-shift": (("--pi-shift", 4.8), ("--sd-pi-shift", 0.01)),
    "--correct-kd": (("--ph", 6.9), ("--correct-kd",)),
    "--ionic-strength": (("--ph", 6.9, "--correct-kd"), ("--ionic-strength", 0.2)),
    "--potassium": (("--ph", 6.9, "--correct-kd"), ("--potassium", 0.1)),
}


def energetics(*base: object) -> dict[str, tuple[Arguments, Arguments]]:
    return {
        "--route": (base, ("--route", "full")),
        "--atp": (base, ("--atp", 7.0)),
        "--sd-atp": (base, ("--sd-atp", 0.5)),
        "--total-creatine": (base, ("--total-creatine", 45.0)),
        "--sd-creatine": (base, ("--sd-creatine", 2.0)),
    }


PRINTING: dict[str, tuple[Arguments, Arguments]] = {
    "--format": ((), ("--format", "csv")),
    "--output": ((), ("--output", "out.csv")),
}
OPTIONS = {
    "fit": {
        **ACQUISITION,
        **FIT,
        **MAGNESIUM,
        **PRINTING,
        **energetics("--energetics"),
        "--figure": ((), ("--figure", "fit.png")),
        "--energetics": ((), ("--energetics",)),
        "--combine-coils": ((), ("--combine-coils",)),  # refused: tests/cli/test_preparation.py has a file of coils
        "--average": ((), ("--average", "dyn")),
        "--saturation": (("--energetics",), ("--saturation", "pcr=1.2")),
    },
    "info": {**ACQUISITION, **PRINTING},
    "mg": {
        **MAGNESIUM,
        **WITH_PH,
        **PRINTING,
        **energetics("--ph", 7.0, "--pcr", 30.0, "--pi", 4.5),
        "--pcr": (("--ph", 7.0), ("--pcr", 30.0, "--pi", 4.5)),
        "--pi": (("--ph", 7.0, "--pcr", 30.0), ("--pi", 4.5)),
        "--sd": ((), ("--sd", 0.01)),
        "--level": (("--sd", 0.01), ("--level", 0.5)),
        "--all": ((), ("--all",)),
    },
    "calibrations": PRINTING,
    "calibrate": {
        "--output": ((), ("--output", "other.toml")),
        "--id": ((), ("--id", "phantom-2026")),
        "--sd": ((), ("--sd", 0.002)),
        "--tissue": ((), ("--tissue", "cuvette")),
        "--source": ((), ("--source", "measured in May")),
        "--ph": ((), ("--ph", 7.1)),
        "--temperature": ((), ("--temperature", 25)),
        "--ionic-strength": ((), ("--ionic-strength", 0.12)),
        "--potassium": ((), ("--potassium", 0.1)),
        "--figure": ((), ("--figure", "own.png")),
    },
    "batch": {
        **ACQUISITION,
        **FIT,
        **MAGNESIUM,
        "--output": ((), ("--output", "elsewhere")),
        "--format": ((), ("--format", "csv")),
        "--force": (("--ph", 6.9), ("--force",)),
        "--figures": ((), ("--figures",)),
        "--subjects": ((), ("--subjects", PEOPLE)),
        "--report": ((), ("--report",)),
        "--bids": ((), ("--bids",)),
        "--workers": ((), ("--workers", 2)),
        "--dask": ((), ("--dask", "tcp://127.0.0.1:1")),
    },
    "simulate": {
        "--mg": ((), ("--mg", 0.8)),
        "--snr": ((), ("--snr", 50)),
        "--seed": ((), ("--seed", 2)),
        "--prior": ((), ("--prior", "brain-7t")),
        "--calibration": ((), ("--calibration", "gupta-1984")),
        "--phase": ((), ("--phase", 30)),
        "--offset": ((), ("--offset", 10)),
        "--broadening": ((), ("--broadening", 3)),
        "--force": (("out",), ("--force",)),
    },
    "cohort": {
        **PRINTING,
        "--formula": ((), ("--formula", "free_mg_mM ~ strength_nm")),
        "--by": ((), ("--by", "sex")),
        "--compare": ((), ("--compare", "sex")),
        "--robust": (("--no-robust",), ("--robust",)),
        "--level": ((), ("--level", 0.5)),
        "--only": ((), ("--only", "session=ses-2")),
        "--figure": ((), ("--figure", "age.png")),
    },
    "simulate-cohort": {
        "--n": ((), ("--n", 5)),
        "--snr": ((), ("--snr", 50)),
        "--seed": ((), ("--seed", 2)),
        "--mean-mg": ((), ("--mean-mg", 0.7)),
        "--sd-mg": ((), ("--sd-mg", 0.05)),
        "--snr-spread": ((), ("--snr-spread", 0.5)),
        "--broadening": ((), ("--broadening", 4)),
        "--broadening-spread": ((), ("--broadening-spread", 4)),
        "--prior": ((), ("--prior", "brain-7t")),
        "--calibration": ((), ("--calibration", "gupta-1984")),
        "--force": (("out",), ("--force",)),
    },
    "power": {
        **PRINTING,
        "--effect": ((), ("--effect", 0.2)),
        "--n": ((), ("--n", 100)),
        "--snr": ((), ("--snr", 150)),
        "--target": ((), ("--target", 0.9)),
        "--level": ((), ("--level", 0.01)),
        "--mean-mg": ((), ("--mean-mg", 0.7)),
        "--sd-people": ((), ("--sd-people", 0.05)),
        "--sd-days": ((), ("--sd-days", 0.05)),
        "--snr-spread": ((), ("--snr-spread", 0.5)),
        "--broadening": ((), ("--broadening", 4)),
        "--broadening-spread": ((), ("--broadening-spread", 4)),
        "--prior": ((), ("--prior", "brain-7t")),
        "--calibration": ((), ("--calibration", "gupta-1984")),
        "--figure": (("--snr", 100, "--snr", 300), ("--figure", "power.png")),
    },
    "demo": {
        "--output": ((), ("--output", "elsewhere")),
        "--seed": ((), ("--seed", 7)),
        "--force": (("--output", "earlier"), ("--force",)),
    },
}
CASES = [(command, option) for command, options in OPTIONS.items() for option in options]


@pytest.mark.parametrize("command", OPTIONS)
def test_every_option_is_tried(command: str) -> None:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    declared = {max(p.opts, key=len) for p in found.params if isinstance(p, click.Option)}
    # tests/cli/test_replacing.py has the files that are there
    assert declared - {"--force"} == set(OPTIONS[command]) - {"--force"}


@pytest.mark.filterwarnings("ignore:prior 'brain-7t' is for 7 T")
@pytest.mark.parametrize(("command", "option"), [c for c in CASES if c[0] in ("fit", "info", "mg")])
def test_option_changes_the_document(
    command: str, option: str, run: Run, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subject = (8.55,) if command == "mg" else (shelf / "sub-01_unloc.nii.gz",)
    base, extra = OPTIONS[command][option]
    as_json = () if option == "--format" else ("--format", "json")

    def observe(*arguments: object) -> object:
        result = run(command, *subject, *arguments, *as_json)
        files = sorted(p.name for p in tmp_path.iterdir())
        if not result.stdout or option == "--format":
            return result.exit_code, result.stdout, files
        document = json.loads(result.stdout)
        # the acquisition and the numbers: a mere echo of the option elsewhere in the document does not count
        energy = document.get("energetics", {}).get("values")
        rows = document.get("values", document.get("spectra"))
        return result.exit_code, document.get("acquisition"), rows, energy, files

    without, with_it = observe(*base), observe(*base, *extra)
    assert without != with_it


@pytest.mark.parametrize("option", OPTIONS["calibrations"])
def test_option_of_calibrations(option: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, extra = PRINTING[option]
    assert run("calibrations").stdout != run("calibrations", *extra).stdout


@pytest.mark.parametrize("option", OPTIONS["calibrate"])
def test_option_changes_the_calibration(
    option: str, run: Run, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def observe(*arguments: object) -> dict[str, str]:
        assert run("calibrate", shelf / "titration.csv", "--output", "own.toml", *arguments).exit_code == 0
        texts = {p.name: p.read_text(encoding="utf-8") if p.suffix == ".toml" else "" for p in tmp_path.iterdir()}
        for name in texts:
            Path(name).unlink()
        return texts

    assert observe() != observe(*OPTIONS["calibrate"][option][1])


@pytest.mark.parametrize("option", OPTIONS["cohort"])
def test_option_changes_the_associations(
    option: str, run: Run, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def observe(*arguments: object) -> object:
        result = run("cohort", shelf / "people" / "results.csv", shelf / "people" / "participants.tsv", *arguments)
        return result.exit_code, result.stdout, sorted(p.name for p in tmp_path.iterdir())

    base, extra = OPTIONS["cohort"][option]
    as_json = () if option == "--format" else ("--format", "json")
    assert observe(*base, *as_json) != observe(*base, *extra, *as_json)


@pytest.mark.parametrize("option", OPTIONS["power"])
def test_option_changes_the_power(option: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def observe(*arguments: object) -> object:
        result = run("power", *arguments)
        rows = json.loads(result.stdout)["rows"] if as_json and result.stdout else result.stdout
        return result.exit_code, rows, sorted(p.name for p in tmp_path.iterdir())

    base, extra = OPTIONS["power"][option]
    effect = () if option == "--effect" else ("--effect", -0.29)
    as_json = () if option == "--format" else ("--format", "json")
    assert observe("--effect", -0.29, *base, *as_json) != observe(*effect, *base, *extra, *as_json)


@pytest.mark.parametrize("option", [o for o in OPTIONS["simulate-cohort"] if o != "--force"])
def test_option_changes_the_people(option: str, run: Run, tmp_path: Path) -> None:
    required = {"--n": ("--n", 4), "--seed": ("--seed", 1)}

    def observe(folder: Path, options: dict[str, Arguments]) -> object:
        assert run("simulate-cohort", folder, *(word for pair in options.values() for word in pair)).exit_code == 0
        fid = p31mg.read(folder / "sub-001" / "mrs" / "sub-001_nuc-31P_unloc.nii.gz").fid
        return len(list(folder.glob("sub-*"))), fid.tobytes()

    _, extra = OPTIONS["simulate-cohort"][option]
    assert observe(tmp_path / "a", required) != observe(tmp_path / "b", {**required, option: extra})


def test_people_are_replaced_by_force_alone(run: Run, tmp_path: Path) -> None:
    command = ("simulate-cohort", tmp_path / "out", "--n", 4, "--seed", 1)
    assert run(*command).exit_code == 0
    refused = run(*command)
    assert refused.exit_code == 2
    assert "is not empty" in refused.stderr
    assert run(*command, "--force").exit_code == 0


@pytest.mark.filterwarnings("ignore:prior 'brain-7t' is for 7 T")
@pytest.mark.parametrize("option", [o for o in OPTIONS["batch"] if o not in ("--force", "--workers", "--dask")])
def test_option_changes_the_study(
    option: str, run: Run, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    base, extra = OPTIONS["batch"][option]

    def observe(output: str, *arguments: object) -> object:
        result = run("batch", shelf / "study", "--output", output, "--no-figures", "--no-report", *arguments)
        table = Path(output, "results.csv")
        names = sorted(f.name for f in Path(output).iterdir()) if Path(output).is_dir() else []
        return result.exit_code, result.stdout, table.is_file() and table.read_bytes(), names

    extra = [shelf / "people.csv" if word is PEOPLE else word for word in extra]
    without, with_it = observe("without", *base), observe("with", *base, *extra)
    assert without != with_it


@pytest.mark.parametrize("option", [o for o in OPTIONS["simulate"] if o != "--force"])
def test_option_changes_the_simulated_spectrum(option: str, run: Run, tmp_path: Path) -> None:
    required = {"--mg": ("--mg", 0.5), "--snr": ("--snr", 100), "--seed": ("--seed", 1)}
    _, extra = OPTIONS["simulate"][option]

    def observe(file: Path, options: dict[str, Arguments]) -> np.ndarray:
        assert run("simulate", file, *(word for pair in options.values() for word in pair)).exit_code == 0
        return p31mg.read(file).fid

    without = observe(tmp_path / "a.nii", required)
    with_it = observe(tmp_path / "b.nii", {**required, option: extra})
    assert not np.array_equal(without, with_it)


def test_results_of_other_options_are_replaced_by_force_alone(run: Run, shelf: Path, tmp_path: Path) -> None:
    command = ("batch", shelf / "study", "--output", tmp_path / "out", "--no-figures")
    run(*command)
    results = (tmp_path / "out" / "results.csv").read_bytes()
    again = run(*command)
    assert again.exit_code in (0, 1)
    refused = run(*command, "--ph", 6.9)
    assert refused.exit_code == 2
    assert "holds results made with other options (ph None then, 6.9 now)" in refused.stderr
    assert (tmp_path / "out" / "results.csv").read_bytes() == results
    assert run(*command, "--ph", 6.9, "--force").exit_code in (0, 1)
    assert (tmp_path / "out" / "results.csv").read_bytes() != results


@pytest.mark.parametrize("out", ["folder", "one.nii.gz"])
def test_simulated_spectra_are_replaced_by_force_alone(out: str, run: Run, tmp_path: Path) -> None:
    command = ("simulate", tmp_path / out, "--mg", 0.5, "--snr", 100, "--seed")
    assert run(*command, 1).exit_code == 0
    refused = run(*command, 2)
    assert refused.exit_code == 2
    assert "add --force to write there" in refused.stderr
    assert run(*command, 2, "--force").exit_code == 0


@pytest.mark.usefixtures("small_demo")
@pytest.mark.parametrize("option", OPTIONS["demo"])
def test_option_changes_the_demo(option: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    base, extra = OPTIONS["demo"][option]
    first = run("demo", "--output", "earlier")
    assert first.exit_code == 0
    second = run("demo", *(base or ("--output", "later")), *extra)
    assert second.exit_code == 0
    if option == "--seed":
        assert first.stdout.split("\n\n")[0] != second.stdout.split("\n\n")[0]
    if option == "--output":
        assert (tmp_path / "elsewhere").is_dir()
