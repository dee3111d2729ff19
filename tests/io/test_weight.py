"""Libraries of formats load when a file of that format is read, and not before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

LIBRARIES = ("nibabel", "nmrglue", "scipy", "pydicom", "spec2nii", "mapvbvd", "h5py", "pandas")


def loaded(code: str, *arguments: object) -> set[str]:
    """Return which of the libraries a fresh Python has loaded after some code."""
    code += f"\nimport sys\nsys.stdout.write(' '.join(m for m in {LIBRARIES!r} if m in sys.modules))"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split())


def test_import_loads_no_library_of_formats() -> None:
    assert loaded("import p31mg, p31mg.io, p31mg.io.formats, p31mg.io.vendor\np31mg.read, p31mg.write") == set()


@pytest.mark.parametrize(
    ("name", "libraries"),
    [("siemens_rda", set()), ("nifti_mrs", {"nibabel"})],
)
def test_reading_loads_what_it_needs(name: str, libraries: set[str], makers: ModuleType, tmp_path: Path) -> None:
    case = makers.CASES[name]
    path = case.make(tmp_path, makers.signal())
    code = f"import sys, p31mg\np31mg.read(sys.argv[1], **{case.given!r})"
    # nibabel and pandas bring more along: only what reads other formats must stay out
    assert loaded(code, path) - {"scipy", "pandas", "pydicom", "h5py"} == libraries
