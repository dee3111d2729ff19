"""A titration with the calibration that was fitted to it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.errors import InputError
from p31mg.magnesium import Calibration, TwoSiteCalibration, constants_text, get_calibration
from p31mg.plot.style import CALIBRATION_SIZE, DATA, MODEL, RESIDUAL, axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D

__all__ = ["TitrationPlot", "titration"]

_WITHIN_95 = 1.959964


@dataclass(frozen=True)
class TitrationPlot:
    """What `titration` drew."""

    ax: Axes
    curve: Line2D
    points: ErrorbarContainer
    residuals: ErrorbarContainer


def titration(calibration: Calibration | str | os.PathLike[str], ax: Axes | None = None) -> TitrationPlot:
    """Draw the solutions of a titration, the curve fitted to them with its 95 % band, the two limits, and what is left over.

    Parameters
    ----------
    calibration
        From `p31mg.calibrate`, or the ``.toml`` file that it was written to.
    ax
        Axes to draw on. Default: a new figure.

    Returns
    -------
    TitrationPlot
        The axes, the curve, the points and what is left over.

    Raises
    ------
    InputError
        The calibration was not fitted to a titration, or is none.
    ReadError
        The file cannot be read.

    Examples
    --------
    >>> import p31mg
    >>> own = p31mg.calibrate([9.458, 9.053, 8.762, 8.570, 8.468], [0.05, 0.1, 0.2, 0.4, 0.8], sd=0.003)
    >>> titration(own).ax.get_xlabel()
    'free Mg²⁺ (mM)'
    """
    calibration = get_calibration(calibration)
    measured = calibration.titration if isinstance(calibration, TwoSiteCalibration) else None
    if not isinstance(calibration, TwoSiteCalibration) or measured is None:
        msg = f"calibration {calibration.id!r} was not fitted to a titration; use p31mg.calibrate, or plot.calibration."
        raise InputError(msg)
    ax = axes_or_new(ax, figsize=CALIBRATION_SIZE)
    mg, shift = np.array(measured.free_mg_mM), np.array(measured.shift_ppm)
    lowest = mg[mg > 0].min()
    grid = np.geomspace(lowest / 2, 2 * mg.max(), 400)
    expected, sd = calibration.shift_ppm(grid), _WITHIN_95 * calibration.sd_shift_ppm(grid)
    ax.fill_between(grid, expected - sd, expected + sd, color=MODEL, alpha=0.25, linewidth=0)
    (curve,) = ax.plot(grid, expected, color=MODEL, linewidth=1.4, label=f"{calibration.id}, 95 % band")
    for limit, name, upright in ((calibration.atp_ppm, "free ATP", "bottom"), (calibration.mgatp_ppm, "MgATP", "top")):
        ax.axhline(limit, color=RESIDUAL, linewidth=0.8, linestyle="--")
        ax.annotate(name, (0.99, limit), xycoords=("axes fraction", "data"), ha="right", va=upright, fontsize="small")
    bars = _WITHIN_95 * np.array(measured.sd_ppm) if measured.sd_ppm else None
    shown = np.maximum(mg, lowest / 2)  # a solution without Mg2+ stands on the left edge
    style: dict[str, Any] = {"fmt": "o", "markersize": 4, "color": DATA, "elinewidth": 0.9, "capsize": 2}
    what = f"{measured.n_points} solutions, reduced χ² {measured.reduced_chi_square:.2f}"
    points = ax.errorbar(shown, shift, yerr=bars, label=what, **style)
    below = ax.inset_axes((0.5, 0.48, 0.47, 0.36))
    left_over = shift - np.where(mg > 0, calibration.shift_ppm(np.where(mg > 0, mg, 1.0)), calibration.atp_ppm)
    below.fill_between(grid, -sd, sd, color=MODEL, alpha=0.25, linewidth=0)
    residuals = below.errorbar(shown, left_over, yerr=bars, **style)
    below.axhline(0, color=MODEL, linewidth=0.9)
    below.set_xscale("log")
    below.set_xlim(lowest / 2.2, 2.2 * mg.max())
    reach = 1.3 * max(float(np.abs(left_over).max() + (0 if bars is None else bars.max())), 1e-4)
    below.set_ylim(-reach, reach)
    below.set_title("measured − curve (ppm)", loc="left", fontsize="small")
    below.tick_params(labelsize="small")
    ax.set_xscale("log")
    ax.set_xlim(lowest / 2.2, 2.2 * mg.max())
    ax.set_xlabel("free Mg²⁺ (mM)")
    ax.set_ylabel("δα − δβ (ppm)")
    ax.set_title(constants_text(calibration), loc="left", fontsize="small")
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 0.12))
    return TitrationPlot(ax, curve, points, residuals)
