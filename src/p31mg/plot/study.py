"""Free Mg2+ of a whole study, row by row with its interval, and against SNR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from p31mg.errors import InputError
from p31mg.plot.style import DATA, MODEL, RESIDUAL, STUDY_SIZE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["StudyPlot", "study"]

_COLUMNS = ("free_mg_mM", "interval_low_mM", "interval_high_mM", "snr", "mg_is_valid")


@dataclass(frozen=True)
class StudyPlot:
    """What `study` drew."""

    figure: Figure
    by_row: Axes
    by_snr: Axes


def study(table: pd.DataFrame, figure: Figure | None = None) -> StudyPlot:
    """Draw free Mg2+ of every valid row of a batch table with its interval: in the order of the table, and against SNR.

    A column ``true_free_mg_mM``, where there is one, is drawn beside the estimates.

    Parameters
    ----------
    table
        From `p31mg.batch`.
    figure
        Figure to draw on. Default: a new one.

    Returns
    -------
    StudyPlot
        The figure and its two axes.

    Raises
    ------
    InputError
        The table is not one of `p31mg.batch`.

    Examples
    --------
    >>> import tempfile
    >>> import p31mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = p31mg.write(p31mg.simulate(0.5, prior="muscle-3t", snr=300, seed=1), f"{folder}/a.nii.gz")
    ...     drawn = study(p31mg.batch(folder))
    >>> drawn.by_row.get_ylabel()
    'free Mg²⁺ (mM)'
    """
    missing = [c for c in _COLUMNS if c not in table]
    if missing:
        msg = f"table lacks {', '.join(missing)}; give the table that p31mg.batch returns."
        raise InputError(msg)
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=STUDY_SIZE, layout="constrained")
    from matplotlib.ticker import LogLocator

    by_row, by_snr = figure.subplots(1, 2, sharey=True)
    is_shown = table["mg_is_valid"].to_numpy(bool)
    rows = table[is_shown].reset_index(drop=True)
    mg = rows["free_mg_mM"].to_numpy(float)
    low, high = (rows[f"interval_{end}_mM"].to_numpy(float) for end in ("low", "high"))
    top = 1.6 * float(np.nanmax(mg, initial=0.5))
    errors = np.array([np.maximum(mg - low, 0), np.maximum(np.minimum(high, 10 * top) - mg, 0)])
    for ax, x in ((by_row, np.flatnonzero(is_shown) + 1), (by_snr, rows["snr"].to_numpy(float))):
        ax.errorbar(
            x,
            mg,
            yerr=errors,
            fmt="o",
            markersize=4,
            color=DATA,
            elinewidth=0.9,
            capsize=2,
            label="estimate, 95 % interval",
        )
        if "true_free_mg_mM" in rows:
            ax.plot(x, rows["true_free_mg_mM"], "_", markersize=11, markeredgewidth=2, color=MODEL, label="truth")
    by_row.axhline(
        float(np.median(mg)) if len(mg) else 0.0, color=RESIDUAL, linewidth=0.8, linestyle="--", label="median"
    )
    by_row.set_ylim(0, top)
    by_row.set_xlabel("row of the table")
    by_snr.set_xlabel("PCr SNR (matched filter)")
    by_snr.set_xscale("log")
    by_snr.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    by_snr.xaxis.set_major_formatter("{x:g}")
    by_snr.xaxis.set_minor_formatter("")
    by_row.set_ylabel("free Mg²⁺ (mM)")
    n_left_out = len(table) - len(rows)
    by_row.set_title(f"{len(rows)} valid spectra, {n_left_out} left out", loc="left", fontsize="medium")
    by_row.legend(frameon=False, fontsize="small")
    return StudyPlot(figure, by_row, by_snr)
