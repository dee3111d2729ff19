"""Figures of a study: one per fitted spectrum, the calibration with all points, the study at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.magnesium import Calibration, MagnesiumResult, free_magnesium

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["draw_study", "figure_stems", "position_of"]

_OF_STUDY = ("calibration", "study")


def figure_stems(names: Sequence[str]) -> dict[str, str]:
    """Return for each file the path of its figures below ``figures/``: without the ending, unless two files would then be one.

    Examples
    --------
    >>> figure_stems(["a/sub-01.nii.gz", "sub-02.nii", "sub-02.nii.gz"])
    {'a/sub-01.nii.gz': 'a/sub-01', 'sub-02.nii': 'sub-02.nii', 'sub-02.nii.gz': 'sub-02.nii.gz'}
    """
    stems = {name: _without_ending(name) for name in names}
    taken = Counter([*stems.values(), *_OF_STUDY])
    return {name: stem if taken[stem] == 1 else name for name, stem in stems.items()}


def _without_ending(name: str) -> str:
    for ending in (".gz", ".nii", ".txt", ".csv", ".tsv", ".dat", ".asc"):
        name = name.removesuffix(ending)
    return name


def position_of(axes: Mapping[str, int]) -> list[str]:
    """Return a position in a grid or series as parts of a name.

    Examples
    --------
    >>> position_of({"x": 3, "dyn": 12})
    ['x3', 'dyn12']
    """
    return [f"{axis}{at}" for axis, at in axes.items()]


def draw_study(table: pd.DataFrame, calibration: Calibration) -> Iterator[tuple[str, Figure]]:
    """Draw what belongs to the study as a whole, where something of it is valid."""
    from p31mg import plot
    from p31mg.plot.style import CALIBRATION_SIZE, STUDY_SIZE, figure_for_file

    valid = table[table["mg_is_valid"]]
    if not len(valid):
        return
    figure = figure_for_file(CALIBRATION_SIZE)
    plot.calibration(_magnesium(valid, calibration), figure.add_subplot())
    yield "calibration.png", figure
    figure = figure_for_file(STUDY_SIZE)
    plot.study(table, figure)
    yield "study.png", figure


def _magnesium(rows: pd.DataFrame, calibration: Calibration) -> MagnesiumResult:
    """Return the magnesium of rows of one table again, for drawing: as an array even if it is one."""
    columns = (calibration.quantity, f"sd_{calibration.quantity}", "ph", "sd_ph", "temperature_c")
    shift, sd, ph, sd_ph, temperature = (np.append(rows[c].to_numpy(float), np.nan) for c in columns)
    options: dict[str, Any] = {"level": float(rows["interval_level"].iloc[0])}
    if rows["kd_corrected"].any():
        strength, potassium = (np.append(rows[c].to_numpy(float), np.nan) for c in ("ionic_strength_M", "potassium_M"))
        options |= {"ph": ph, "sd_ph": sd_ph, "temperature_c": temperature, "correct_kd": True}
        options |= {"ionic_strength_M": strength, "potassium_M": potassium}
    return free_magnesium(shift, sd_ppm=sd, calibration=calibration, **options)
