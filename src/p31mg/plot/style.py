"""Colours that survive print and colour blindness (Okabe & Ito), and axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "CALIBRATION_SIZE",
    "COHORT_SIZE",
    "DATA",
    "FIT_SIZE",
    "MAPS_SIZE",
    "MODEL",
    "POWER_SIZE",
    "RESIDUAL",
    "RESONANCE",
    "SERIES_SIZE",
    "STUDY_SIZE",
    "axes_or_new",
    "figure_for_file",
]

FIT_SIZE = (9.0, 7.0)
CALIBRATION_SIZE = (6.0, 4.5)
STUDY_SIZE = (11.0, 4.2)
MAPS_SIZE = (10.0, 6.2)
SERIES_SIZE = (7.5, 8.0)
COHORT_SIZE = (6.0, 4.5)
POWER_SIZE = (10.0, 4.2)

DATA = "#333333"
MODEL = "#D55E00"
RESIDUAL = "#888888"
RESONANCE = ("#0072B2", "#009E73", "#CC79A7", "#A6761D", "#56B4E9", "#D55E00", "#5E3C99", "#4D4D4D")


def axes_or_new(ax: Axes | None, figsize: tuple[float, float]) -> Axes:
    """Return `ax`, or the axes of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def figure_for_file(size: tuple[float, float]) -> Figure:
    """Return a figure that no window and no global state knows of."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")
