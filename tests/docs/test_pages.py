"""What the site is made of holds together, without building it: every page has a place, every public name and room is on one."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
import tomllib
from pathlib import Path, PurePosixPath

import pytest

import p31mg

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE = {"_build", "gallery", "generated", "backreferences"}
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if not MADE & set(page.relative_to(DOCS).parts)]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def toctrees(page: Path) -> list[Path]:
    entries = re.findall(r"^```\{toctree\}\n(.*?)^```", text(page), flags=re.M | re.S)
    names = [line for entry in entries for line in entry.splitlines() if line and not line.startswith(":")]
    targets = [re.sub(r".*<(.*)>", r"\1", name) for name in names]
    return [(page.parent / f"{target}.md").resolve() for target in targets if target != "gallery/index"]


def test_every_page_is_in_one_table_of_contents() -> None:
    listed = [target for page in PAGES for target in toctrees(page)]
    assert sorted(listed) == sorted(page for page in PAGES if page != DOCS / "index.md")


def test_every_public_name_is_in_the_reference() -> None:
    page = text(DOCS / "reference" / "python.md")
    listed: dict[str, set[str]] = {}
    for block in re.findall(r"^```\{eval-rst\}\n(.*?)^```", page, flags=re.M | re.S):
        (module,) = re.findall(r"currentmodule:: (\S+)", block)
        listed.setdefault(module, set()).update(re.findall(r"^   (\w+)$", block, flags=re.M))
    rooms = {name for name in p31mg.__all__ if inspect.ismodule(getattr(p31mg, name))}
    assert listed["p31mg"] == {n for n in p31mg.__all__ if n != "__version__"} - rooms
    for room in rooms:
        assert listed[f"p31mg.{room}"] == set(importlib.import_module(f"p31mg.{room}").__all__)


def test_every_figure_is_on_a_page() -> None:
    drawn = {name for page in PAGES for name in re.findall(r"\.\. plot:: (\S+)", text(page))}
    assert drawn == {script.name for script in (DOCS / "figures").glob("*.py")}


def test_contributing_names_every_room_in_the_order_of_the_layers() -> None:
    layers = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = [name.strip().removeprefix("p31mg.") for layer in layers for name in layer.split("|")]
    (block,) = re.findall(r"^```text\n(.*?)^```", text(ROOT / "CONTRIBUTING.md"), flags=re.M | re.S)
    named = [line.split()[0] for line in block.splitlines()]
    assert named == [room for room in rooms if room != "_version"]
    assert {folder.parent.name for folder in (ROOT / "src" / "p31mg").glob("*/__init__.py")} <= set(named)


def test_contributing_leads_to_a_calibration_in_one_click() -> None:
    for page in (ROOT / "CONTRIBUTING.md", DOCS / "index.md"):
        assert "developers/add-a-calibration" in text(page)


@pytest.mark.parametrize(
    ("record", "module", "mark"), [("nasty", "nasty.page", "nasty"), ("real", "real_spectra", "real")]
)
def test_validation_page_is_what_its_records_say(
    record: str, module: str, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``make validate-nasty`` and ``make validate-real`` write record and page; neither may change alone."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "validation"), *sys.path])
    results = json.loads(text(ROOT / "validation" / f"{record}.json"))
    tables = importlib.import_module(module).tables(results)
    (shown,) = re.findall(
        rf"<!-- {mark}: begin.*?-->\n(.*?)<!-- {mark}: end -->", text(DOCS / "validation.md"), flags=re.S
    )
    assert shown.strip() == tables.strip()


def test_performance_page_is_what_its_records_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    record = importlib.import_module("suite.record")
    shown = text(DOCS / "performance.md").split(record.BEGIN)[1].split(record.END)[0].strip()
    sections = re.findall(r"^### (\w+)$", shown, flags=re.M)
    assert set(sections) == {path.stem for path in record.RESULTS.glob("*.json")}
    assert shown == record.markdown(record.load(sections)).strip()


@pytest.fixture
def extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(DOCS / "_extensions"), *sys.path])


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize(
    ("target", "page", "expected"),
    [
        ("../examples/plot_spectrum_to_magnesium.py", "priors.md", "[a](gallery/plot_spectrum_to_magnesium.rst)"),
        ("../../CONTRIBUTING.md", "developers/release.md", "[a](../developers/index.md)"),
        ("../src/p31mg/prior/sets", "own-prior.md", "`a`"),
        ("../src/p31mg/errors.py", "own-prior.md", "[a](../src/p31mg/errors.py)"),
        ("formats.md", "batch.md", "[a](formats.md)"),
    ],
)
def test_links_out_of_the_docs_become_links_of_the_site(target: str, page: str, expected: str) -> None:
    pytest.importorskip("sphinx")
    from_sources = importlib.import_module("from_sources")
    assert from_sources.site_link("a", target, "", PurePosixPath(page), ROOT) == expected
