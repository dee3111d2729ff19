"""A time course: Mg2+, pH, PCr, Pi and ADP."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.errors import InputError
from p31mg.plot.style import DATA, MODEL, RESONANCE, SERIES_SIZE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SeriesPlot", "series"]

_NEEDED = ("free_mg_mM", "interval_low_mM", "interval_high_mM", "mg_is_valid", "ph", "sd_ph")


@dataclass(frozen=True)
class SeriesPlot:
    """What `series` drew, by what the panels show: ``mg``, ``ph``, and where known ``pcr_pi`` and ``adp``."""

    figure: Figure
    axes: dict[str, Axes]


def series(course: pd.DataFrame, figure: Figure | None = None) -> SeriesPlot:
    """Draw a time course, one panel under the other. Mg2+ that is not valid is drawn as an open circle, without its interval.

    Parameters
    ----------
    course
        From `p31mg.time_course`.
    figure
        Figure to draw on. Default: a new one.

    Returns
    -------
    SeriesPlot
        The figure, and its axes by what they show.

    Raises
    ------
    InputError
        The table is not a time course.

    Examples
    --------
    >>> import p31mg
    >>> fit = p31mg.fit(p31mg.simulate(0.5, ph=[7.05, 6.9, 6.8], prior="muscle-3t", snr=400, seed=1))
    >>> drawn = series(p31mg.time_course(fit, p31mg.free_magnesium(fit), time_s=[0, 12, 24]))
    >>> list(drawn.axes), drawn.axes["adp"].get_xlabel()
    (['mg', 'ph', 'pcr_pi', 'adp'], 'time (s)')
    """
    missing = [c for c in _NEEDED if c not in course]
    if missing:
        msg = f"course lacks {', '.join(missing)}; give the table that p31mg.time_course returns."
        raise InputError(msg)
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=SERIES_SIZE, layout="constrained")
    names = ["mg", "ph", *(["pcr_pi", "adp"] if "adp_uM" in course else [])]
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    axes: dict[str, Axes] = dict(zip(names, panels, strict=True))
    is_timed = "time_s" in course
    x = course["time_s" if is_timed else course.columns[0]].to_numpy(float)
    _magnesium(axes["mg"], course, x)
    _with_sd(axes["ph"], x, course["ph"], course["sd_ph"], DATA, "pH")
    axes["ph"].set_ylabel("pH")
    if "adp_uM" in course:
        for column, label, colour in (("pcr_mM", "PCr", RESONANCE[0]), ("pi_mM", "Pi", RESONANCE[1])):
            axes["pcr_pi"].plot(x, course[column].to_numpy(float), ".-", color=colour, linewidth=0.9, label=label)
        axes["pcr_pi"].set_ylim(bottom=0)
        axes["pcr_pi"].set_ylabel("PCr, Pi (mM)")
        axes["pcr_pi"].legend(frameon=False, fontsize="small", ncols=2)
        _with_sd(axes["adp"], x, course["adp_uM"], course["sd_adp_uM"], DATA, "ADP")
        axes["adp"].set_ylim(bottom=0)
        axes["adp"].set_ylabel("ADP (µM)")
        axes["pcr_pi"].set_title(_assumed(course), loc="left", fontsize="x-small")
    panels[-1].set_xlabel("time (s)" if is_timed else f"{course.columns[0]} (number)")
    return SeriesPlot(figure, axes)


def _assumed(course: pd.DataFrame) -> str:
    """Return what the concentrations rest on, in lines."""
    return "\n".join(textwrap.wrap(f"assumed: {course['assumed'].iloc[0]}", 110)) if "assumed" in course else ""


def _magnesium(ax: Axes, course: pd.DataFrame, x: Any) -> None:
    mg, low, high = (course[c].to_numpy(float) for c in ("free_mg_mM", "interval_low_mM", "interval_high_mM"))
    valid = course["mg_is_valid"].to_numpy(bool)
    top = 1.6 * float(np.nanmax(mg[valid], initial=0.3))
    bars = np.array([mg - low, np.minimum(high, 10 * top) - mg])[:, valid]
    ax.errorbar(
        x[valid],
        mg[valid],
        yerr=np.maximum(np.nan_to_num(bars), 0),
        fmt="o",
        markersize=4,
        color=DATA,
        elinewidth=0.9,
        capsize=2,
    )
    ax.plot(x[~valid], mg[~valid], "o", markersize=4, markerfacecolor="none", color=MODEL, label="not valid")
    if (~valid & np.isfinite(mg)).any():
        ax.legend(frameon=False, fontsize="small")
    ax.set_ylim(0, top)
    ax.set_ylabel("free Mg²⁺ (mM)")
    ax.set_title(f"{int(valid.sum())} of {len(valid)} spectra with a valid Mg²⁺", loc="left", fontsize="medium")


def _with_sd(ax: Axes, x: Any, values: pd.Series[Any], sd: pd.Series[Any], colour: str, label: str) -> None:
    y, error = values.to_numpy(float), np.nan_to_num(sd.to_numpy(float))
    ax.errorbar(x, y, yerr=error, fmt=".-", color=colour, linewidth=0.9, elinewidth=0.7, label=label)
