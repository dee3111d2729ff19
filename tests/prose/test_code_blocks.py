"""Every Python block of the prose runs, and every command that it shows exists with the options that it shows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest

import p31mg

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE = ("_build", "gallery", "generated")
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    + [page for page in DOCS.rglob("*.md") if not set(MADE) & set(page.parts)]
)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)


PYTHON = [(str(page.relative_to(ROOT)), i, code) for page in PAGES for i, code in enumerate(blocks(page, "python"))]
CONSOLE = [
    line.split("#")[0].strip()
    for page in PAGES
    for block in blocks(page, "console")
    for line in block.replace("\\\n", " ").splitlines()
]
TARGETS = {
    target for page in PAGES for target in re.findall(r"(?:\$ |`)make ([a-z][a-z-]*)", page.read_text(encoding="utf-8"))
}
COMMANDS = [line.removeprefix("$ ") for line in CONSOLE if line.startswith("$ p31mg ")]


@pytest.mark.parametrize(("page", "i", "code"), PYTHON, ids=[f"{page}-{i}" for page, i, _ in PYTHON])
def test_python_block_runs(page: str, i: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, f"{page}, block {i}", "exec"), {})


def test_calibration_file_of_the_docs_is_the_calibration_beside_it() -> None:
    from p31mg.magnesium.registry import parse_calibration

    (text,) = blocks(ROOT / "docs" / "own-calibration.md", "toml")
    (code,) = (code for _, _, code in PYTHON if "paper-2031" in code)
    names: dict[str, p31mg.TwoSiteCalibration] = {}
    exec(compile(code, "own-calibration.md", "exec"), names)
    found, own = parse_calibration(text), names["own"]
    assert (found.id, found.source, found.constants) == (own.id, own.source, own.constants)
    assert isinstance(found, p31mg.TwoSiteCalibration)
    assert found.sd_constants == own.sd_constants


@pytest.mark.parametrize("line", COMMANDS)
def test_command_exists_with_its_options(line: str) -> None:
    from p31mg.cli import main

    name, *rest = shlex.split(line)[1:]
    if name.startswith("-"):
        assert any(name in option.opts for option in main.params) or name in ("--help", "-h")
        return
    command = main.get_command(click.Context(main), name)
    assert command is not None
    if isinstance(command, click.Group):
        command = command.get_command(click.Context(command), rest[0])
        assert command is not None
    known = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}
    assert {word for word in rest if re.match(r"--?[a-z]", word)} <= known


def test_prior_file_of_the_docs_holds_together_without_advice() -> None:
    from p31mg.prior import advice, parse_prior

    (text,) = blocks(ROOT / "docs" / "own-prior.md", "toml")
    prior = parse_prior(text, "own-prior.md")
    assert advice(prior) == ()
    spectra = p31mg.simulate(0.5, prior=prior, snr=300, seed=1)
    assert p31mg.fit(spectra, prior=prior).is_valid


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert len(TARGETS) > 8
    assert {target for target in TARGETS if not re.search(rf"^{target}:", makefile, flags=re.M)} == set()


def test_prose_is_found() -> None:
    assert len(PYTHON) >= 1
    assert len(COMMANDS) >= 6


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            if (
                "gallery/" not in target and "generated/" not in target
            ):  # made with the site, whose own links are checked
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_example_script_makes_its_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import runpy

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["plot_spectrum_to_magnesium.py"])
    runpy.run_path(str(ROOT / "examples" / "plot_spectrum_to_magnesium.py"), run_name="__main__")
    assert (tmp_path / "spectrum-to-magnesium.png").stat().st_size > 10_000


def test_coverage_in_the_docs_is_that_of_the_record() -> None:
    record = json.loads((ROOT / "validation" / "magnesium.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "choosing-a-calibration.md").read_text(encoding="utf-8")

    def text(part: dict[str, float], digits: int = 1) -> str:
        return f"{100 * part['coverage']:.{digits}f} ± {100 * part['standard_error']:.{digits}f} %"

    of_snr = {tuple(b["snr"]): b for b in record["fits"]["bins"] if b["free_mg_mM"] == [0.2, 1.2]}
    order = [(60.0, 100.0), (100.0, 200.0), (200.0, 400.0), (400.0, 1000.0), (60.0, 1000.0)]
    for name, heading in (("valid_fit", "valid fits"), ("no_flag", "without any flag")):
        assert f"| {heading} | {' | '.join(text(of_snr[snr][name]) for snr in order)} |" in page
    assert f"{text(record['corrected'])} of the fits at SNR 100 to 1000" in page
    assert f"{text(record['all_errors'])} of 20,000 draws" in page
    high = next(b for b in record["fits"]["bins"] if b["free_mg_mM"] == [1.0, 1.2] and b["snr"] == [60.0, 100.0])
    assert (
        f"{text(high['no_flag'], 0)} of the unflagged intervals hold the truth, but {text(high['valid_fit'], 0)} of all"
        in page
    )


def test_numbers_of_the_chemistry_are_those_of_the_package() -> None:
    from p31mg.magnesium.speciation import CALIBRATION_CONDITIONS, Conditions, apparent_kd_mgatp_uM, kd_ratio

    lines = (ROOT / "docs" / "chemistry.md").read_text(encoding="utf-8").splitlines()

    def numbers(start: str) -> list[float]:
        (line,) = (line for line in lines if line.startswith(start))
        return [float(word) for word in re.findall(r"(?<=[| ])\d[\d.]*(?= )", line)]

    def printed(*conditions: Conditions, reference: Conditions = CALIBRATION_CONDITIONS) -> list[float]:
        return [float(f"{float(kd_ratio(c, reference)):.2f}") for c in conditions]

    ph = numbers("| pH |")
    assert ph == [6.4, 6.6, 6.8, 7.0, 7.2, 7.4]
    (ratios, *_), (by_state, *_) = (
        [n for n in lines if n.startswith(s)] for s in ("| Kd ratio | 1.51", "| Kd ratio | 1.29")
    )
    assert numbers(ratios) == printed(*map(Conditions, ph))
    without = [Conditions(value, potassium_M=0.0) for value in ph]
    assert numbers("| the same without K") == printed(*without, reference=Conditions(7.2, potassium_M=0.0))
    celsius, molar = numbers("| °C |")[:5], numbers("| °C |")[5:]
    of_state = [Conditions(7.2, temperature_c=c) for c in celsius] + [
        Conditions(7.2, ionic_strength_M=i) for i in molar
    ]
    assert numbers(by_state) == printed(*of_state)
    assert (
        f"a Kd of {float(apparent_kd_mgatp_uM(CALIBRATION_CONDITIONS)):.0f} µM at the reference conditions"
        in "\n".join(lines)
    )


def test_script_of_the_docs_makes_the_numbers_of_the_docs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import runpy

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["plot_cost_of_a_hundredth_ppm.py"])
    runpy.run_path(str(ROOT / "examples" / "plot_cost_of_a_hundredth_ppm.py"), run_name="__main__")
    assert (tmp_path / "cost-of-a-hundredth-ppm.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    page = (ROOT / "docs" / "choosing-a-calibration.md").read_text(encoding="utf-8")
    costs = re.search(r"^gupta-1978 0.3 mM (.*) % 0.5 mM (.*) % 1 mM (.*) %$", printed, flags=re.M)
    intervals = re.findall(r"^[\d.]+ mM, sd 0.01 ppm: (.* mM)$", printed, flags=re.M)
    assert costs is not None
    assert len(intervals) == 3
    for cost, interval in zip(costs.groups(), intervals, strict=True):
        assert f"| {cost} % | {interval} |" in page
