"""Docstrings of every public name: each parameter and field is described, results and errors have sections, an example runs."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

MODULES = ("p31mg", "p31mg.plot", "p31mg.preprocess", "p31mg.report")
SHOWN_BY_OTHERS = ("curves_of", "place_files", "write_methods", "write_report")
"""Examples of these stand on the page of the report, where they have a study to work on."""


def public() -> dict[str, object]:
    found = {}
    for module in map(importlib.import_module, MODULES):
        things = {f"{module.__name__}.{name}": getattr(module, name) for name in module.__all__ if name[0] != "_"}
        found |= {name: thing for name, thing in things.items() if not inspect.ismodule(thing)}
    return found


PUBLIC = public()
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}
RESULTS = {
    name: thing
    for name, thing in PUBLIC.items()
    if dataclasses.is_dataclass(thing) and not name.endswith("Plot")  # whose fields are named by what is drawn
}


def described(sections: list[object]) -> set[str]:
    return {name.strip().lstrip("*") for entry in sections for name in entry.name.split(",")}


def test_there_are_public_names() -> None:
    assert len(FUNCTIONS) > 30
    assert len(RESULTS) > 10


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_describes_its_parameters_and_its_result(name: str) -> None:
    function = FUNCTIONS[name]
    doc = FunctionDoc(function)
    assert set(inspect.signature(function).parameters) - described(doc["Parameters"]) == set()
    assert all(entry.desc for entry in doc["Parameters"])
    assert doc["Returns"] or doc["Yields"] or "-> None" in str(inspect.signature(function))
    assert ">>> " in "\n".join(doc["Examples"]) or name.rsplit(".", 1)[1] in SHOWN_BY_OTHERS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_default_is_said(name: str) -> None:
    """And why, mostly: here, that it is said at all, of every parameter that has one and is not described with others."""
    function = FUNCTIONS[name]
    entries = {entry.name: " ".join(entry.desc) for entry in FunctionDoc(function)["Parameters"]}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is inspect.Parameter.empty or parameter.name not in entries:
            continue
        assert re.search(r"[Dd]efault|optional|See `|[Aa]s in `", entries[parameter.name]), parameter.name


@pytest.mark.parametrize("name", RESULTS)
def test_class_describes_its_fields(name: str) -> None:
    cls = RESULTS[name]
    doc = ClassDoc(cls, config={"show_class_members": False})
    own = {field.name for field in dataclasses.fields(cls) if not field.name.startswith("_")}
    own -= {
        field.name for base in cls.__bases__ if dataclasses.is_dataclass(base) for field in dataclasses.fields(base)
    }
    assert own - described(doc["Attributes"]) - described(doc["Parameters"]) == set()


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if inspect.isclass(thing)])
def test_methods_say_what_they_do(name: str) -> None:
    cls = PUBLIC[name]
    own = {key: value for key, value in vars(cls).items() if not key.startswith("_")}
    assert [key for key, value in own.items() if inspect.isfunction(value) and not inspect.getdoc(value)] == []
