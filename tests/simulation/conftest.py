"""The oracles for simulated spectra."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def oracles() -> ModuleType:
    """``tests/oracles.py``: importlib mode has no path to import it by name."""
    spec = importlib.util.spec_from_file_location("oracles", Path(__file__).parents[1] / "oracles.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
