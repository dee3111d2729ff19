"""What a notebook shows of a result: short tables and a sketch of a spectrum, as HTML that loads and runs nothing.

All text is escaped. Colours are those of the page, so that it is read on a dark page too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

__all__ = ["MOST_ROWS", "card", "number", "rows_shown", "sketch", "table"]

MOST_ROWS = 10
"""Of a table: the rest is counted."""

_WIDTH, _HEIGHT, _FOOT = 520, 130, 18
_BINS = 400
_FAINT = "opacity:0.65"


def number(value: float, digits: int = 4) -> str:
    """Return a number to so many significant digits, zeros at the end too, and a dash for one that is not known.

    Examples
    --------
    >>> number(8.54967), number(float("nan")), number(float("inf"))
    ('8.550', '–', '∞')
    """
    if np.isnan(value):
        return "–"
    return f"{value:#.{digits}g}".removesuffix(".") if np.isfinite(value) else f"{'-' if value < 0 else ''}∞"


def rows_shown(n: int) -> range:
    """Return which of `n` rows a table shows.

    Examples
    --------
    >>> len(rows_shown(3)), len(rows_shown(100_000))
    (3, 10)
    """
    return range(min(n, MOST_ROWS))


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], n_rows: int = 0) -> str:
    """Return a table whose columns are name and side, left or right; it says how many of `n_rows` it does not show."""
    head = "".join(f'<th style="text-align:{side}">{escape(name)}</th>' for name, side in columns)
    shown = [
        "".join(
            f'<td style="text-align:{side}">{escape(cell)}</td>' for (_, side), cell in zip(columns, row, strict=True)
        )
        for row in rows
    ]
    body = "".join(f"<tr>{row}</tr>" for row in shown)
    more = n_rows - len(shown)
    foot = f'<div style="{_FAINT}">and {more:,} more rows: to_dataframe() has all</div>' if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"


def card(title: str, *parts: str, notes: Sequence[str] = ()) -> str:
    """Return a title, parts that are HTML already, and notes below them."""
    below = "".join(f'<div style="{_FAINT}">{escape(note)}</div>' for note in notes if note)
    return f'<div class="p31mg"><div><b>{escape(title)}</b></div>{"".join(parts)}{below}</div>'


def sketch(
    ppm: npt.ArrayLike, values: npt.ArrayLike, overlay: npt.ArrayLike | None = None, label: str = "spectrum"
) -> str:
    """Return a spectrum as a small drawing, ppm running right to left, with a second curve over it if there is one.

    Parameters
    ----------
    ppm
        (P,) ascending.
    values
        (P,) what is drawn; where it is not finite nothing is.
    overlay
        (P,) drawn in a colour of its own over it. Default None: nothing.
    label
        What it shows, for those who cannot see it.
    """
    x, y = np.asarray(ppm, dtype=float), np.asarray(values, dtype=float)
    if not np.isfinite(y).any() or np.ptp(y[np.isfinite(y)]) == 0:
        return ""
    curves = [y] if overlay is None else [y, np.asarray(overlay, dtype=float)]
    low, high = (f([f(c[np.isfinite(c)]) for c in curves]) for f in (min, max))
    colours = ("currentColor", "#D55E00")
    lines = "".join(
        f'<polyline fill="none" stroke="{colour}" stroke-width="1" points="{_points(x, c, low, high)}"/>'
        for c, colour in zip(curves, colours, strict=False)
    )
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}" width="{_WIDTH}" '
        f'style="max-width:100%;height:auto;display:block">{lines}{_axis(x)}</svg>'
    )


def _points(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating], low: float, high: float) -> str:
    """Return lowest and highest value of each of some hundred bins, in the order of the page."""
    parts = np.array_split(np.arange(x.size)[::-1], min(_BINS, x.size))
    known = [part[np.isfinite(y[part])] for part in parts]
    ends = [sorted({int(k[y[k].argmin()]), int(k[y[k].argmax()])}, reverse=True) for k in known if k.size]
    picked = np.array([i for pair in ends for i in pair])
    left, width = x[-1], np.ptp(x)
    across = _WIDTH * (left - x[picked]) / width
    down = 2 + (_HEIGHT - 4) * (high - y[picked]) / (high - low)
    return " ".join(f"{a:.1f},{d:.1f}" for a, d in zip(across, down, strict=True))


def _axis(x: npt.NDArray[np.floating]) -> str:
    """Return the axis with ticks at round numbers, and its unit."""
    low, high = float(x[0]), float(x[-1])
    step = next(s for s in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1e4, 1e6) if (high - low) / s <= 8)
    ticks: npt.NDArray[np.floating] = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    out = [f'<line x1="0" x2="{_WIDTH}" y1="{_HEIGHT}" y2="{_HEIGHT}" stroke="currentColor" stroke-width="0.7"/>']
    for tick in ticks:
        across = _WIDTH * (high - tick) / (high - low)
        out.append(
            f'<line x1="{across:.1f}" x2="{across:.1f}" y1="{_HEIGHT}" y2="{_HEIGHT + 4}" stroke="currentColor" '
            f'stroke-width="0.7"/>'
        )
        if 12 < across < _WIDTH - 50:
            out.append(_text(across, f"{tick:g}".replace("-", "−"), "middle"))
    return "".join([*out, _text(_WIDTH, "ppm", "end")])


def _text(across: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{across:.1f}" y="{_HEIGHT + 15}" font-size="11" fill="currentColor" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
