"""What is published says what it needs and what it is."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest

import p31mg

ROOT = Path(__file__).parents[2]
SOURCE = Path(p31mg.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

NAME_OF = {"PIL": "pillow"}
BY_VENDOR = {"spec2nii", "pydicom", "nifti_mrs", "mapvbvd"}
"""What the extra `vendor` brings: spec2nii, and what it reads files with."""


def distribution(requirement: str) -> str:
    return re.split(r"[<>=\[; ]", requirement)[0].lower()


def imported() -> set[str]:
    """Return the top packages that the source imports anywhere."""
    names = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add((node.module or "").split(".")[0])
    return names - set(sys.stdlib_module_names) - {"p31mg"}


def test_every_package_that_is_imported_is_declared() -> None:
    extras = PROJECT["optional-dependencies"]
    declared = {distribution(r) for r in [*PROJECT["dependencies"], *extras["cohort"], *extras["dask"]]}
    needed = {NAME_OF.get(name, name).lower() for name in imported() - BY_VENDOR}
    assert needed - declared == set()
    assert declared - needed == set()


def test_every_dependency_has_a_lowest_version_and_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    runtime = block[: block.index("]\n")].splitlines()[1:]
    assert len(runtime) == len(PROJECT["dependencies"])
    assert all(re.search(r'^    "[\w-]+>=[\d.]+", *# \S', line) for line in runtime)


def test_metadata_of_what_is_installed() -> None:
    metadata = importlib.metadata.metadata("p31mg")
    assert metadata["Version"] == p31mg.__version__
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert {"cohort", "dask", "vendor", "test"} <= set(metadata.get_all("Provides-Extra"))
    minor = [c for c in metadata.get_all("Classifier") if re.fullmatch(r".* :: 3\.\d+", c)]
    assert len(minor) >= 3


def test_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {p31mg.__version__}\n" in citation


@pytest.mark.parametrize(
    ("package", "folder", "names"),
    [
        ("p31mg.magnesium", "published", {"gupta-1978.toml", "gupta-1984.toml", "iotti-1996.toml"}),
        ("p31mg.prior", "sets", {"blood.toml", "brain.toml", "heart.toml", "liver.toml", "muscle.toml"}),
        ("p31mg.report", "templates", {"methods.md", "report.css", "report.html", "report.js"}),
    ],
)
def test_data_files_are_installed(package: str, folder: str, names: set[str]) -> None:
    assert names <= {file.name for file in (resources.files(package) / folder).iterdir()}
