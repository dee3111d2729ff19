"""`results.json`: what the columns of the table mean, and everything that is needed to make it again."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p31mg._version import __version__
from p31mg.io.documents import json_text, jsonable
from p31mg.magnesium import calibration_record
from p31mg.prior import Prior
from p31mg.study.columns import explained
from p31mg.study.options import Settings
from p31mg.study.subjects import Subjects

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["machine", "provenance", "versions"]


def provenance(
    table: pd.DataFrame, root: Path, settings: Settings, subjects: Subjects, headers: Iterable[Mapping[str, str]]
) -> dict[str, Any]:
    """Return the record of a study; `headers` are what the methods section can say of each file."""
    said: dict[str, set[str]] = {}
    for of_file in headers:
        for name, value in of_file.items():
            said.setdefault(name, set()).add(value)
    own = {name: "column of the subject table" for c in subjects.columns for name in (c, f"subject_{c}")}
    return {
        "columns": {str(c): own.get(str(c)) or explained(str(c)) for c in table.columns},
        "options": {"folder": str(root), **settings.record},
        "prior": _prior_record(settings.prior),
        "calibration": calibration_record(settings.calibration),
        "subjects": {
            **subjects.record,
            "acting": dict(subjects.acting),
            "files_without_row": list(subjects.files_without_row),
            "rows_without_file": list(subjects.rows_without_file),
        }
        if subjects.record
        else None,
        "status": {str(k): int(v) for k, v in table["status"].value_counts().sort_index().items()},
        "n_valid": int(table["mg_is_valid"].sum()),
        "headers": {name: sorted(values) for name, values in said.items()},
        "versions": versions(),
        "machine": machine(),
        "finished": datetime.now(tz=UTC).isoformat(timespec="seconds"),
    }


def versions() -> dict[str, str]:
    """Return the versions of p31mg and of what it computes with."""
    packages = ("numpy", "scipy", "lmfit", "pandas", "nibabel")
    return {
        "p31mg": __version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages},
    }


def machine() -> dict[str, Any]:
    """Return on what the numbers were made; no name of it and none of its user."""
    return {"system": platform.platform(), "processor": _processor(), "n_cpus": os.cpu_count()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _prior_record(prior: Prior) -> dict[str, Any]:
    """Return a prior with its resonances by name, and the SHA-256 of all of it."""
    whole: dict[str, Any] = jsonable(asdict(prior))
    digest = sha256(json_text(whole, sort_keys=True).encode()).hexdigest()
    return {**whole, "resonances": {r["name"]: r for r in whole["resonances"]}, "sha256": digest}
