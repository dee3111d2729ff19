"""The examples that are pictures, copied beside the build, so that what they write does not lie among the sources."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["gallery_sources"]


def gallery_sources(examples: Path, folder: Path) -> str:
    """Copy ``plot_*.py`` and the head of the gallery into a folder; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    scripts = sorted(examples.glob("plot_*.py"))
    for old in folder.glob("plot_*.py"):
        if old.name not in {script.name for script in scripts}:
            old.unlink()
    for script in scripts:
        shutil.copy2(script, folder / script.name)
    shutil.copy2(Path(__file__).parents[1] / "gallery-header.rst", folder / "GALLERY_HEADER.rst")
    return str(folder)
