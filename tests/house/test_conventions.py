"""Correct tests that fail today, each with the number of the bug in the report."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import p31mg
import p31mg.plot

ROOT = Path(p31mg.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MODULES = [".".join(("p31mg", *f.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__") for f in FILES]
TREES = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in zip(MODULES, FILES, strict=True)}
CLASSES = [n for n in p31mg.__all__ if inspect.isclass(getattr(p31mg, n)) and n not in ("FitStatus",)]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_all(module: str) -> None:
    """B25."""
    assert hasattr(importlib.import_module(module), "__all__")


@pytest.mark.parametrize("module", MODULES)
def test_all_lists_every_public_function_and_class(module: str) -> None:
    """B25."""
    body = TREES[module].body
    defined = {n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith("_")}
    assert defined - set(getattr(importlib.import_module(module), "__all__", ())) == set()


@pytest.mark.parametrize("name", [n for n in CLASSES if not issubclass(getattr(p31mg, n), Exception)])
def test_public_class_shows_an_example(name: str) -> None:
    """B25."""
    assert ">>> " in inspect.getdoc(getattr(p31mg, name))


@pytest.mark.parametrize("name", p31mg.plot.__all__)
def test_public_plot_shows_an_example(name: str) -> None:
    """B25."""
    thing = getattr(p31mg.plot, name)
    assert inspect.isclass(thing) or ">>> " in inspect.getdoc(thing)
