"""Free Mg2+ of people against what is known of them, by group, with lines and bands; and what a study can see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.cohorts.association import CohortResult, associate, groups_of
from p31mg.cohorts.formula import columns_of_people, parse
from p31mg.cohorts.joining import MG, SD, with_numbers
from p31mg.cohorts.power_of_a_study import PowerResult
from p31mg.errors import InputError, UnknownNameError
from p31mg.plot.style import COHORT_SIZE, DATA, POWER_SIZE, RESIDUAL, RESONANCE, axes_or_new

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.collections import FillBetweenPolyCollection
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["CohortPlot", "PowerPlot", "cohort", "power"]

_LABELS = {
    "free_mg_mM": "free Mg²⁺ of muscle (mM)",
    "serum_mg_mM": "total Mg of serum (mM)",
    "age": "age (years)",
    "strength_nm": "knee-extension strength (N m)",
    "testosterone_ng_dl": "testosterone (ng/dl)",
}
_COLOURS = (RESONANCE[5], RESONANCE[0], RESONANCE[1], RESONANCE[2])
_GRID = 100
_ROOM_OF_A_ROW, _BELOW = 0.055, 0.06


@dataclass(frozen=True)
class CohortPlot:
    """What `cohort` drew: points, line and band of each group, in order; and the rows of the associations that it says."""

    ax: Axes
    points: tuple[Line2D, ...]
    lines: tuple[Line2D, ...]
    bands: tuple[FillBetweenPolyCollection, ...]
    associations: pd.DataFrame


@dataclass(frozen=True)
class PowerPlot:
    """What `power` drew."""

    figure: Figure
    by_snr: Axes
    people: Axes


def cohort(
    result: CohortResult, x: str = "age", y: str = "free_mg_mM", *, by: str | None = None, ax: Axes | None = None
) -> CohortPlot:
    """Draw one column of a cohort against another, with least-squares lines and their bands, by group.

    The lines run through what was measured, with bands that need no equal variances (HC3). The legend has the standardised
    slope as measured and corrected for the error of Mg2+. Neither is adjusted for a third column: a model of several terms is in
    the table only. A cross shows the median error of Mg2+, one sd to each side.

    Parameters
    ----------
    result
        From `p31mg.cohort`.
    x, y
        Columns of ``result.people``. Default: Mg2+ against age.
    by
        Column of the groups. Default: that of `result`; everyone together where it has none.
    ax
        Axes to draw on. Default: a new figure.

    Returns
    -------
    CohortPlot
        The axes; points, lines and bands of each group; their associations.

    Raises
    ------
    UnknownNameError
        A column that is not there.
    InputError
        Text in x or y, a column without scatter, fewer than 10 people in a group.

    Examples
    --------
    >>> import p31mg
    >>> people = p31mg.simulate_cohort(60, snr=300, seed=1)
    >>> found = p31mg.cohort(people.measured(), people.participants, by="sex")
    >>> cohort(found).ax.get_ylabel()
    'free Mg²⁺ of muscle (mM)'
    """
    import pandas as pd

    by = result.by if by is None else by
    for name in (x, y, *(() if by is None else (by,))):
        if name not in result.people:
            raise UnknownNameError(kind="column", name=name, known=columns_of_people(result.people))
    people = with_numbers(result.people, [x, y]).dropna(subset=[x, y])
    for name in (x, y):
        if not pd.api.types.is_numeric_dtype(people[name]):
            msg = f"column {name} has no numbers; give columns of numbers as x and y, and groups as by."
            raise InputError(msg)
    groups: list[tuple[Any, pd.DataFrame]] = [("everyone", people)] if by is None else groups_of(people, by)
    ax = axes_or_new(ax, figsize=COHORT_SIZE)
    model = parse(f"{y} ~ {x}")
    drawn, rows = [], []
    for colour, (name, members) in zip(_cycled(len(groups)), groups, strict=True):
        (row,) = associate(model, members, str(name), True, result.level)
        rows.append(row)
        text = f"{name} (n {row['n']}): β {row['beta']:.2f}"
        if np.isfinite(row["corrected_beta"]) and row["corrected_beta"] != row["beta"]:
            text += f", corrected {row['corrected_beta']:.2f}"
        at = np.linspace(members[x].min(), members[x].max(), _GRID)
        line, low, high = _band(members[x].to_numpy(float), members[y].to_numpy(float), at, result.level)
        (points,) = ax.plot(members[x], members[y], "o", markersize=3, color=colour, alpha=0.45, markeredgewidth=0)
        band = ax.fill_between(at, low, high, color=colour, alpha=0.25, linewidth=0)
        (curve,) = ax.plot(at, line, color=colour, linewidth=1.6, label=text)
        drawn.append((points, curve, band))
    _show_error(ax, people, x, y)
    ax.set_xlabel(_LABELS.get(x, x))
    ax.set_ylabel(_LABELS.get(y, y))
    ax.margins(y=0.14)
    lowest, highest = ax.get_ylim()
    ax.set_ylim(lowest, highest + _ROOM_OF_A_ROW * (len(groups) + 1) * (highest - lowest))
    ax.legend(
        title=f"unadjusted lines as measured, {100 * result.level:g} % bands",
        title_fontsize="small",
        alignment="left",
        frameon=False,
        fontsize="small",
        loc="upper right",
    )
    points_, lines, bands = zip(*drawn, strict=True)
    return CohortPlot(ax, points_, lines, bands, pd.DataFrame(rows))


def _cycled(n: int) -> list[str]:
    return [DATA] if n == 1 else [_COLOURS[i % len(_COLOURS)] for i in range(n)]


def _band(x: Any, y: Any, at: Any, level: float) -> tuple[Any, Any, Any]:
    import statsmodels.api as sm

    found = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC3", use_t=True)
    frame = found.get_prediction(sm.add_constant(at)).summary_frame(alpha=1 - level)
    return tuple(frame[c].to_numpy() for c in ("mean", "mean_ci_lower", "mean_ci_upper"))


def _show_error(ax: Axes, people: pd.DataFrame, x: str, y: str) -> None:
    """Draw the median sd of Mg2+ in the lower left corner, below all points, where Mg2+ is on an axis."""
    if MG not in (x, y):
        return
    sd = float(people[SD].median())
    of_x, of_y = (sd if name == MG else 0.0 for name in (x, y))
    below = _BELOW * float(np.ptp(people[y]))
    place = (people[x].min() + of_x, people[y].min() - below - of_y)
    ax.errorbar(*place, xerr=of_x or None, yerr=of_y or None, fmt="none", color=RESIDUAL, elinewidth=1.2, capsize=3)
    ax.annotate(
        "± 1 sd of one measurement",
        (place[0] + of_x, place[1]),
        xytext=(8, -3),
        textcoords="offset points",
        fontsize="small",
        color=RESIDUAL,
    )


def power(result: PowerResult, figure: Figure | None = None) -> PowerPlot:
    """Draw test-retest ICC and power against SNR, and the people needed.

    Parameters
    ----------
    result
        From `p31mg.power`, with several SNR.
    figure
        Figure to draw on. Default: a new one.

    Returns
    -------
    PowerPlot
        The figure and its axes.

    Raises
    ------
    InputError
        One SNR only.

    Examples
    --------
    >>> import p31mg
    >>> power(p31mg.power(0.2, n=200, snr=[100, 200, 400])).people.get_xlabel()
    'PCr SNR (matched filter) of the median person'
    """
    if len(result.snr) < 2:
        msg = "the result has one SNR only; give p31mg.power several, as snr=[100, 200, 400]."
        raise InputError(msg)
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=POWER_SIZE, layout="constrained")
    by_snr, people = figure.subplots(1, 2)
    by_snr.plot(
        result.snr, result.reliability, "o-", markersize=3, color=RESONANCE[0], label="test-retest ICC = reliability"
    )
    if result.n is not None:
        by_snr.plot(
            result.snr, result.power, "o-", markersize=3, color=RESONANCE[5], label=f"power with {result.n} people"
        )
        by_snr.axhline(result.target, color=RESIDUAL, linewidth=0.8, linestyle="--")
    by_snr.set_ylim(0, 1.02)
    by_snr.set_ylabel("ICC" if result.n is None else "ICC, power")
    people.plot(
        result.snr, result.n_needed, "o-", markersize=3, color=DATA, label=f"people for a power of {result.target:g}"
    )
    if result.n is not None:
        people.axhline(result.n, color=RESIDUAL, linewidth=0.8, linestyle="--", label=f"{result.n} people")
    people.set_ylabel("people with valid Mg²⁺")
    people.set_yscale("log")
    for ax in (by_snr, people):
        ax.set_xscale("log")
        ax.set_xlabel("PCr SNR (matched filter) of the median person")
        ax.legend(frameon=False, fontsize="small")
        _label_log(ax.xaxis)
    _label_log(people.yaxis)
    by_snr.set_title(f"correlation with true Mg²⁺: {result.effect:g}", loc="left", fontsize="medium")
    return PowerPlot(figure, by_snr, people)


def _label_log(axis: Axis) -> None:
    """Give a logarithmic axis of one or two decades ticks at round numbers, and numbers that are written out."""
    from matplotlib.ticker import LogLocator

    axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")
