"""Shared by all tests: where the real spectra are, figures closed after each test, seeds fixed."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy loads: test processes already share the cores

import matplotlib as mpl
import pytest
from hypothesis import settings

mpl.use("Agg")
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of public spectra that are not part of the project; the test is skipped where it is absent."""
    root = Path(__file__).parents[1]
    folder = Path(os.environ.get("P31MG_REAL_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real spectra at {folder}; set P31MG_REAL_DATA to the folder that holds brain-7t and heart-3t")
    return folder


@pytest.fixture(scope="session")
def oracles() -> ModuleType:
    """``tests/oracles.py``: importlib mode has no path to import it by name."""
    spec = importlib.util.spec_from_file_location("oracles", Path(__file__).with_name("oracles.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
