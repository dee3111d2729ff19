"""The calibration curve with the measured points and their intervals on it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from p31mg.errors import InputError
from p31mg.magnesium import MagnesiumResult, constants_text
from p31mg.plot.style import CALIBRATION_SIZE, DATA, MODEL, axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D

__all__ = ["CalibrationPlot", "calibration"]

_AXIS_LABEL = {
    "shift_alpha_beta_ppm": "δα − δβ (ppm)",
    "shift_beta_pcr_ppm": "δβ − δPCr (ppm)",
}


@dataclass(frozen=True)
class CalibrationPlot:
    """What `calibration` drew."""

    ax: Axes
    curve: Line2D
    points: ErrorbarContainer


def calibration(mg: MagnesiumResult, ax: Axes | None = None) -> CalibrationPlot:
    """Draw the calibration of a result with every measured shift, its sd, and the interval of its magnesium.

    Intervals that reach past a limit of the calibration run out of the picture. Where Kd was corrected the curve is that of the
    median correction, and points of other conditions lie off it.

    Parameters
    ----------
    mg
        From `free_magnesium`, of any shape.
    ax
        Axes to draw on. Default: a new figure.

    Returns
    -------
    CalibrationPlot
        The axes, the curve, and the measured points.

    Raises
    ------
    InputError
        What is given is not the result of `free_magnesium` with one calibration.

    Examples
    --------
    >>> import p31mg
    >>> drawn = calibration(p31mg.free_magnesium([8.50, 8.60], sd_ppm=0.01))
    >>> drawn.ax.get_ylabel()
    'free Mg²⁺ (mM)'
    """
    if not isinstance(mg, MagnesiumResult):
        msg = (
            f"mg is a {type(mg).__name__}; give the result of p31mg.free_magnesium, or, for a calibration of your own, "
            "use p31mg.plot.titration."
        )
        raise InputError(msg)
    ax = axes_or_new(ax, figsize=CALIBRATION_SIZE)
    shift, free_mg = mg.shift_ppm.ravel(), mg.free_mg_mM.ravel()
    sd = np.nan_to_num(mg.sd_shift_ppm.ravel())
    ends = mg.interval_mM.reshape(-1, 2)
    shown = np.isfinite(free_mg)
    highest_mg = float(free_mg[shown].max(initial=0.4))
    top = min(1.15 * max(highest_mg, float(ends[np.isfinite(ends)].max(initial=0.0))), 2.5 * highest_mg)
    lowest, highest = mg.calibration.shift_range_ppm
    kd_ratio = float(np.median(mg.kd_ratio.ravel()[shown])) if shown.any() else 1.0
    at_top, at_bottom = mg.calibration.shift_ppm([top / kd_ratio, 0.15 * top / kd_ratio])
    used = [at_top, at_bottom, *shift[shown]]
    grid = np.linspace(max(min(used), lowest + 1e-6), min(max(used), highest - 1e-6), 600)
    name = f"{mg.calibration.id}, Kd x{kd_ratio:.2f} (median)" if mg.kd_corrected else mg.calibration.id
    (curve,) = ax.plot(grid, kd_ratio * mg.calibration.free_mg_mM(grid), color=MODEL, linewidth=1.4, label=name)
    has_sd = np.isfinite(ends[shown]).any(axis=-1)
    low = np.where(has_sd, free_mg[shown] - np.nan_to_num(ends[shown, 0]), 0.0)
    high = np.where(has_sd, np.nan_to_num(ends[shown, 1], posinf=10 * top) - free_mg[shown], 0.0)
    points = ax.errorbar(
        shift[shown],
        free_mg[shown],
        xerr=sd[shown],
        yerr=np.maximum(np.array([low, high]), 0.0),
        fmt="o",
        markersize=4,
        color=DATA,
        elinewidth=0.9,
        capsize=2,
        alpha=float(np.clip(30 / max(int(shown.sum()), 1), 0.15, 1.0)),
        label=f"measured, sd of the shift and {mg.level:.0%} interval",
    )
    ax.set_ylim(0, top)
    ax.set_xlabel(_AXIS_LABEL[mg.calibration.quantity])
    ax.set_ylabel("free Mg²⁺ (mM)")
    constants = constants_text(mg.calibration)
    heading = f"{mg.calibration.id} (evidence {mg.calibration.evidence})"
    ax.set_title("\n".join([heading, *textwrap.wrap(constants, 72)]), loc="left", fontsize="small")
    ax.legend(frameon=False, fontsize="small")
    return CalibrationPlot(ax, curve, points)
