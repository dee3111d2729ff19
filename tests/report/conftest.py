"""A small study, made without files: good spectra, flagged ones, noise, files that were not read, and a name that is code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

import p31mg
from p31mg.magnesium import calibration_record
from p31mg.report import FitCurves, curves_of

NASTY = "</script><script>alert(1)</script>&amp;\"'.nii.gz"


@dataclass(frozen=True)
class Study:
    """What `write_report` and its neighbours are given."""

    table: pd.DataFrame
    columns: Mapping[str, str]
    provenance: dict[str, Any]
    curves: dict[str, FitCurves]
    fit: p31mg.FitResult


def study_of(fit: p31mg.FitResult, files: list[str], not_read: Mapping[str, str]) -> Study:
    """Return the study of one fitted stack, one spectrum per file, and of files that were not read."""
    mg = p31mg.free_magnesium(fit)
    of_fit = fit.to_dataframe().drop(columns="spectrum")
    of_mg = mg.to_dataframe().drop(columns=["spectrum", *of_fit.columns], errors="ignore")
    table = pd.concat([of_fit, of_mg], axis=1)
    table.insert(0, "file", files)
    failed = pd.DataFrame(
        [
            {"file": f, "status": "NOT_READ", "reason": r, "is_valid": False, "mg_is_valid": False}
            for f, r in not_read.items()
        ]
    )
    whole = pd.concat([table.astype(object), failed.astype(object)], ignore_index=True)
    for name in ("is_valid", "mg_is_valid"):
        whole[name] = whole[name].astype(bool)
    curves = curves_of(fit)
    provenance = {
        "calibration": calibration_record(mg.calibration),
        "options": {
            "folder": "/home/somebody/thigh study/",
            "engine": "batch",
            "ph": None,
            "prior": "muscle-3t",
            "level": 0.95,
        },
        "versions": {"p31mg": p31mg.__version__},
        "prior": {"name": "muscle-3t", "note": "<b>bold</b>"},
    }
    columns = {str(c): f"what {c} means" for c in whole.columns}
    return Study(whole, columns, provenance, {f: curves[i : i + 1] for i, f in enumerate(files)}, fit)


@pytest.fixture(scope="session")
def study() -> Study:
    """Return 12 people, one nearly without signal, one of noise only, and two broken files."""
    n = 12
    rng = np.random.default_rng(8)
    snr = np.array([400, 350, 300, 260, 220, 200, 180, 160, 140, 120, 62, 45.0])
    free_mg_mM = rng.uniform(0.35, 0.75, n)
    free_mg_mM[9] = 3.0  # so near saturation that an interval is open
    people = p31mg.simulate(free_mg_mM, snr=snr, seed=11, phase_rad=rng.uniform(-3, 3, n))
    noise = rng.normal(size=(1, people.n_points, 2)).view(complex)[..., 0]
    fit = p31mg.fit(p31mg.Spectra(np.concatenate([people.fid, noise]), people.acquisition))
    files = [f"sub-{i + 1:02d}/mrs/sub-{i + 1:02d}_unloc.nii.gz" for i in range(n)]
    files[3] = NASTY
    broken = {
        "broken.txt": "file /home/somebody/thigh study/broken.txt holds no points.",
        "cut.nii.gz": "file /home/somebody/thigh study/cut.nii.gz is truncated or damaged; export or convert it again.",
    }
    return study_of(fit, [*files, "noise.nii.gz"], broken)
