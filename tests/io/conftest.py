"""NIfTI-MRS files made with nibabel alone, so that the reader is not tested by its own writer."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nibabel
import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Extension

NiftiByHand = Callable[..., Path]

MANDATORY = {"SpectrometerFrequency": [49.9], "ResonantNucleus": ["31P"]}


@pytest.fixture
def by_hand(tmp_path: Path) -> NiftiByHand:
    """Write data (x, y, z, time, ...) and header fields; `extension` replaces the JSON text, None leaves it out."""

    def write(
        data: Any = None,
        name: str = "by-hand.nii.gz",
        *,
        dwell_time: float = 2e-4,
        unit: str = "sec",
        image: type = nibabel.Nifti2Image,
        extension: bytes | None = b"",
        **metadata: Any,
    ) -> Path:
        if data is None:
            data = np.random.default_rng(0).standard_normal((1, 1, 1, 64, 2)).view(complex)[..., 0]
        out = image(data, np.eye(4))
        out.header.set_xyzt_units("mm", unit)
        out.header["pixdim"][4] = dwell_time
        if extension is not None:
            content = extension or json.dumps({**MANDATORY, **metadata}).encode()
            out.header.extensions.append(Nifti1Extension(44, content))
        path = tmp_path / name
        out.to_filename(path)
        return path

    return write


@pytest.fixture(scope="session")
def makers() -> ModuleType:
    """``makers.py``: importlib mode has no path to import it by name."""
    return _beside("makers")


@pytest.fixture(scope="session")
def mutations() -> ModuleType:
    """``mutations.py``, which the long run of `make fuzz` uses too."""
    return _beside("mutations")


@pytest.fixture(scope="session")
def forking() -> ModuleType:
    """``forking.py``."""
    return _beside("forking")


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
