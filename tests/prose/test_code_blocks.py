"""Every Python block of the prose runs, and every command that it shows exists with the options that it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)


PYTHON = [(page.name, i, code) for page in PAGES for i, code in enumerate(blocks(page, "python"))]
CONSOLE = [
    line.split("#")[0].strip()
    for page in PAGES
    for block in blocks(page, "console")
    for line in block.replace("\\\n", " ").splitlines()
]
COMMANDS = [line.removeprefix("$ ") for line in CONSOLE if line.startswith("$ p31mg ")]


@pytest.mark.parametrize(("page", "i", "code"), PYTHON, ids=[f"{page}-{i}" for page, i, _ in PYTHON])
def test_python_block_runs(page: str, i: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, f"{page}, block {i}", "exec"), {})


@pytest.mark.parametrize("line", COMMANDS)
def test_command_exists_with_its_options(line: str) -> None:
    from p31mg.cli import main

    name, *rest = shlex.split(line)[1:]
    if name.startswith("-"):
        assert any(name in option.opts for option in main.params) or name in ("--help", "-h")
        return
    command = main.get_command(click.Context(main), name)
    assert command is not None
    known = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}
    assert {word for word in rest if re.match(r"--?[a-z]", word)} <= known


def test_prose_is_found() -> None:
    assert len(PYTHON) >= 1
    assert len(COMMANDS) >= 6


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_example_script_makes_its_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import runpy

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["plot_spectrum_to_magnesium.py"])
    runpy.run_path(str(ROOT / "examples" / "plot_spectrum_to_magnesium.py"), run_name="__main__")
    assert (tmp_path / "spectrum-to-magnesium.png").stat().st_size > 10_000
