"""Rules for the source, checked on its syntax tree."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import p31mg

ROOT = Path(p31mg.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MODULES = [".".join(("p31mg", *f.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__") for f in FILES]
TREES = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in zip(MODULES, FILES, strict=True)}


def test_source_is_found() -> None:
    assert {"p31mg", "p31mg.io.formats.text", "p31mg.core.signal", "p31mg.cli.main"} <= set(MODULES)


def called(tree: ast.Module) -> set[str]:
    """Return the plain names that a module calls."""
    return {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}


def imported(tree: ast.Module) -> set[str]:
    """Return the top packages that a module imports anywhere."""
    names = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_printed_or_evaluated(module: str) -> None:
    assert called(TREES[module]) & {"print", "eval", "exec", "compile", "breakpoint", "input"} == set()


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_pickled(module: str) -> None:
    assert imported(TREES[module]) & {"pickle", "dill", "shelve", "marshal", "joblib"} == set()


@pytest.mark.parametrize("module", MODULES)
def test_no_exception_is_swallowed(module: str) -> None:
    handlers = [n for n in ast.walk(TREES[module]) if isinstance(n, ast.ExceptHandler)]
    bare = [h.lineno for h in handlers if h.type is None]
    silent = [h.lineno for h in handlers if all(isinstance(s, (ast.Pass, ast.Continue)) for s in h.body)]
    assert (bare, silent) == ([], [])


@pytest.mark.parametrize("module", [m for m in MODULES if hasattr(importlib.import_module(m), "__all__")])
def test_all_lists_names_that_exist(module: str) -> None:
    loaded = importlib.import_module(module)
    assert len(set(loaded.__all__)) == len(loaded.__all__)
    assert [name for name in loaded.__all__ if not hasattr(loaded, name)] == []


@pytest.mark.parametrize("module", [m for m in MODULES if m != "p31mg._version"])
def test_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(TREES[module])
