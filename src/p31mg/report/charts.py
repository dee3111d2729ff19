"""Charts of a study as plain geometry, in pixels of a drawing of fixed size; the template makes SVG of it.

Every point knows its row, so that a click opens its spectrum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.report.rows import Row

if TYPE_CHECKING:
    from p31mg.magnesium import Calibration

__all__ = [
    "Bar",
    "Chart",
    "Point",
    "Tick",
    "against_snr",
    "by_group",
    "calibration_chart",
    "distribution",
    "each_spectrum",
]

_WIDTH, _HEIGHT = 440.0, 290.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 12.0, 12.0, 44.0
_LETTERS = 62
"""That fit below a chart."""
_FEW_GROUPS, _MOST_GROUPS = 4, 12
_MG = "free Mg²⁺ (mM)"
_SHIFT = {"shift_alpha_beta_ppm": "δα − δβ (ppm)", "shift_beta_pcr_ppm": "δβ − δPCr (ppm)"}


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in pixels, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Point:
    """A spectrum: where, its interval in y (and sd in x) in pixels, its row, and how good it is."""

    x: float
    y: float
    low: float
    high: float
    left: float
    right: float
    row: Row


@dataclass(frozen=True)
class Bar:
    """An upright box, for histograms and the middle half of groups."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart, ready to be drawn."""

    title: str
    caption: str
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    bars: list[Bar] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    medians: list[tuple[float, float, float]] = field(default_factory=list)
    path: str = ""
    width: float = _WIDTH
    height: float = _HEIGHT
    left: float = _LEFT
    right: float = _WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = _HEIGHT - _BOTTOM


class _Axis:
    """Values to pixels, on a linear or logarithmic axis."""

    def __init__(self, low: float, high: float, start: float, end: float, *, log: bool = False) -> None:
        self.log = log
        low, high = (math.log10(low), math.log10(high)) if log else (low, high)
        self.low, self.high, self.start, self.end = low, max(high, low + 1e-9), start, end

    def __call__(self, value: float) -> float:
        value = math.log10(value) if self.log else value
        share = min(max((value - self.low) / (self.high - self.low), -0.02), 1.02)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, n: int = 5) -> list[Tick]:
        """Return round values on the axis; a logarithmic one that is too short for 1, 2 and 5 has those of a linear one."""
        if self.log:
            decades = range(math.floor(self.low), math.ceil(self.high) + 1)
            values = [m * 10.0**d for d in decades for m in (1, 2, 5)]
            values = [v for v in values if self.low <= math.log10(v) <= self.high]
            if len(values) > 2:
                return [Tick(self(v), f"{v:g}") for v in values]
        low, high = (10.0**self.low, 10.0**self.high) if self.log else (self.low, self.high)
        raw = (high - low) / n
        power = 10.0 ** math.floor(math.log10(raw))
        step = power * next(m for m in (1, 2, 2.5, 5, 10) if m * power >= raw)
        digits = max(0, -math.floor(math.log10(step) + 1e-9) + (step / power == 2.5))
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        return [Tick(self(i * step), f"{i * step:.{digits}f}") for i in range(first, last + 1)]


def _x(low: float, high: float, *, log: bool = False) -> _Axis:
    return _Axis(low, high, _LEFT, _WIDTH - _RIGHT, log=log)


def _y(top: float) -> _Axis:
    return _Axis(0.0, top, _HEIGHT - _BOTTOM, _TOP)


def _mg(rows: Sequence[Row]) -> FloatArray:
    return np.array([row.number("free_mg_mM") for row in rows])


def _shown(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if math.isfinite(row.number("free_mg_mM"))]


def _top(rows: Sequence[Row]) -> float:
    """Return where the axis of Mg ends: all that is valid lies below, and most of the intervals."""
    valid = [row for row in rows if row.verdict == "valid"] or list(rows)
    ends = [row.number("interval_high_mM") for row in valid]
    known = [end for end in ends if math.isfinite(end)]
    highest = float(_mg(valid).max(initial=0.5))
    return 1.08 * max(highest, min(float(np.quantile(known, 0.95)), 2 * highest) if known else highest)


def _point(row: Row, x: float, y: _Axis, left: float | None = None, right: float | None = None) -> Point:
    mg, low, high = (row.number(c) for c in ("free_mg_mM", "interval_low_mM", "interval_high_mM"))
    bottom, top = (y(mg if math.isnan(end) else min(end, 2 * y.high)) for end in (low, high))
    return Point(x, y(mg), bottom, top, x if left is None else left, x if right is None else right, row)


def distribution(rows: Sequence[Row]) -> Chart:
    """Return the histogram of the valid spectra."""
    mg = _mg([row for row in rows if row.verdict == "valid"])
    edges = np.histogram_bin_edges(mg, bins="fd") if len(mg) > 1 else np.array([0.0, 1.0])
    if not 5 <= len(edges) <= 41:
        edges = np.linspace(edges[0], edges[-1], int(np.clip(len(edges), 5, 41)))
    counts, edges = np.histogram(mg, bins=edges)
    pad = 0.04 * float(edges[-1] - edges[0])
    x, y = _x(float(edges[0]) - pad, float(edges[-1]) + pad), _y(1.08 * max(int(counts.max(initial=0)), 1))
    bars = [
        Bar(x(a), y(int(n)), round(x(b) - x(a), 1), round(y(0) - y(int(n)), 1), f"{a:.3f} to {b:.3f} mM: {n}")
        for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    low, median, high = np.quantile(mg, [0.25, 0.5, 0.75]) if len(mg) else (math.nan,) * 3
    caption = f"Median {median:.3f} mM, middle half {low:.3f} to {high:.3f} mM." if len(mg) else "No valid spectrum."
    return Chart(
        title="Distribution",
        caption=caption,
        x_label=_MG,
        y_label="valid spectra",
        x_ticks=x.ticks(),
        y_ticks=[t for t in y.ticks(4) if "." not in t.text],
        bars=bars,
        medians=[(x(float(median)), _TOP, _HEIGHT - _BOTTOM)] if len(mg) else [],
    )


def by_group(rows: Sequence[Row], heading: str) -> Chart:
    """Return the valid spectra of each group side by side, with median and middle half; of too many groups `each_spectrum`."""
    valid = [row for row in rows if row.verdict == "valid"]
    if len({row.group for row in valid}) > _MOST_GROUPS:
        return each_spectrum(rows)
    names = sorted({row.group for row in valid}, key=lambda name: (name == "", name))
    x, y = _x(0.0, max(len(names), 1)), _y(_top(valid))
    wide = (x(1) - x(0)) / 2
    points, bars, medians, ticks = [], [], [], []
    for i, name in enumerate(names):
        members = [row for row in valid if row.group == name]
        centre = x(i + 0.5)
        count = f" ({len(members)})" if len(names) <= _FEW_GROUPS else ""
        ticks.append(Tick(centre, _short(name or "not given", int(_LETTERS / len(names)) - len(count)) + count))
        low, median, high = np.quantile(_mg(members), [0.25, 0.5, 0.75])
        text = f"{name or 'not given'}: median {median:.3f}, middle half {low:.3f} to {high:.3f} mM, n = {len(members)}"
        bars.append(Bar(centre - 0.62 * wide, y(high), 1.24 * wide, round(y(low) - y(high), 1), text))
        medians.append((centre - 0.62 * wide, y(float(median)), centre + 0.62 * wide))
        for k, row in enumerate(members):
            aside = ((k * 0.618034) % 1.0 - 0.5) * wide
            points.append(_point(row, round(centre + aside, 1), y))
    return Chart(
        title=f"By {heading}",
        caption="Line: median; box: middle half of the group's valid spectra.",
        x_label=heading,
        y_label=_MG,
        x_ticks=ticks,
        y_ticks=y.ticks(),
        bars=bars,
        points=points,
        medians=medians,
    )


def each_spectrum(rows: Sequence[Row]) -> Chart:
    """Return every valid spectrum with its interval, from low to high Mg."""
    valid = sorted((row for row in rows if row.verdict == "valid"), key=lambda row: row.number("free_mg_mM"))
    x, y = _x(0.0, len(valid) + 1.0), _y(_top(valid))
    return Chart(
        title="Each spectrum",
        caption="Valid spectra from low to high, each with its interval.",
        x_label="rank",
        y_label=_MG,
        x_ticks=[t for t in x.ticks() if "." not in t.text and t.text != "0"],
        y_ticks=y.ticks(),
        points=[_point(row, x(i + 1), y) for i, row in enumerate(valid)],
    )


def against_snr(rows: Sequence[Row]) -> Chart:
    """Return all spectra that have a Mg against the SNR of PCr; what is flagged stands apart."""
    shown = [row for row in _shown(rows) if row.number("snr") > 0]
    snr = np.array([row.number("snr") for row in shown])
    lowest, highest = (float(snr.min()), float(snr.max())) if len(snr) else (1.0, 1e3)
    x = _x(0.85 * lowest, 1.15 * highest, log=True)
    y = _y(_top(shown))
    return Chart(
        title="Against SNR",
        caption="A trend at low SNR is a warning: noise, not physiology. Open circles are flagged.",
        x_label="SNR of PCr (matched filter)",
        y_label=_MG,
        x_ticks=x.ticks(),
        y_ticks=y.ticks(),
        points=[_point(row, x(row.number("snr")), y) for row in shown],
    )


def calibration_chart(rows: Sequence[Row], calibration: Calibration) -> Chart:
    """Return the calibration curve with all spectra on it."""
    quantity = calibration.quantity
    shown = [row for row in _shown(rows) if math.isfinite(row.number(quantity))]
    shift = np.array([row.number(quantity) for row in shown])
    ratio = float(np.median([row.number("kd_ratio") for row in shown])) if shown else 1.0
    ratio = ratio if math.isfinite(ratio) else 1.0
    lowest, highest = calibration.shift_range_ppm
    top = _top(shown)
    ends = np.append(shift, calibration.shift_ppm(np.array([top, 0.4 * top]) / ratio))
    x, y = _x(max(ends.min(), lowest) - 0.005, min(ends.max(), highest) + 0.005), _y(top)
    grid = np.linspace(max(x.low, lowest + 1e-6), min(x.high, highest - 1e-6), 240)
    curve = ratio * np.asarray(calibration.free_mg_mM(grid))
    inside = np.isfinite(curve) & (curve <= 1.02 * top)
    path = " ".join(f"{x(d)},{y(m)}" for d, m in zip(grid[inside], curve[inside], strict=True))
    points = []
    for row, d in zip(shown, shift, strict=True):
        sd = row.number(f"sd_{quantity}")
        sd = sd if math.isfinite(sd) else 0.0
        points.append(_point(row, x(d), y, x(d - sd), x(d + sd)))
    return Chart(
        title="Calibration",
        caption=(
            f"Kd corrected, factor {ratio:.2f} (median): points of other conditions lie off the curve."
            if ratio != 1.0
            else "Bars: sd of the shift, and the interval of Mg²⁺."
        ),
        x_label=_SHIFT[quantity],
        y_label=_MG,
        x_ticks=x.ticks(),
        y_ticks=y.ticks(),
        points=points,
        path=path,
    )


def _short(text: str, length: int) -> str:
    return text if len(text) <= max(length, 3) else text[: max(length, 3) - 1] + "…"
