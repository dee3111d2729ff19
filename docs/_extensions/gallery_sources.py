"""The examples that are pictures, copied beside the build, so that what they write does not lie among the sources."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

__all__ = ["gallery_sources", "with_heading"]


def gallery_sources(examples: Path, folder: Path) -> str:
    """Copy ``plot_*.py`` and the head of the gallery into a folder; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    scripts = sorted(examples.glob("plot_*.py"))
    for old in folder.glob("plot_*.py"):
        if old.name not in {script.name for script in scripts}:
            old.unlink()
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        (folder / script.name).write_text(with_heading(text), encoding="utf-8")
    shutil.copy2(Path(__file__).parents[1] / "gallery-header.rst", folder / "GALLERY_HEADER.rst")
    return str(folder)


def with_heading(script: str) -> str:
    """Return a script whose docstring begins with an underlined heading: its first sentence, where it has none."""
    if re.match(r'"""\n?[^\n]+\n=+\n', script):
        return script
    first, rest = script.removeprefix('"""').lstrip("\n").split("\n", 1)
    title = re.split(r"[.:] |\.?$", first.removesuffix('"""'))[0]
    return f'"""{title}\n{"=" * len(title)}\n\n{first}\n{rest}'
