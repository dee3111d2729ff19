"""Pictures of many fits for files: the same as `p31mg.plot.fit` shows, from curves, in half of the time or less.

Much of the time of a figure goes into finding its layout and into points that no screen shows. Here the layout is fixed, one
canvas serves all spectra, and the curves have as many points as a picture needs.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from p31mg.fitting import FitResult
from p31mg.plot.fit import draw, title_of
from p31mg.plot.style import FIT_SIZE
from p31mg.report.curves import FitCurves

__all__ = ["fit_pictures"]

_DPI = 90
_PLACE = (0.045, 0.075, 0.94, 0.815)
_COMPRESSION = 3


def fit_pictures(result: FitResult, curves: FitCurves, rows: Sequence[int], headings: Sequence[str]) -> Iterator[bytes]:
    """Yield a PNG of each of some fitted spectra.

    Parameters
    ----------
    result, curves
        A fit, and `curves_of` it.
    rows
        Positions in the raveled batch; something was fitted at each of them.
    headings
        What stands above each picture, such as the name of its file.

    Yields
    ------
    bytes
        A PNG.

    Examples
    --------
    >>> import p31mg
    >>> from p31mg.report import curves_of
    >>> fit = p31mg.fit(p31mg.simulate([0.4, 0.6], prior="muscle-3t", snr=300, seed=1))
    >>> [png[1:4] for png in fit_pictures(fit, curves_of(fit), [0, 1], ["sub-01", "sub-02"])]
    [b'PNG', b'PNG']
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=FIT_SIZE, dpi=_DPI)
    FigureCanvasAgg(figure)
    ax = figure.add_axes(_PLACE)
    for row, heading in zip(rows, headings, strict=True):
        for artist in (*ax.lines, *ax.texts):  # making the axes anew would cost a fifth of the time
            artist.remove()
        where: Any = tuple(int(i) for i in np.unravel_index(row, result.batch_shape)) if result.batch_shape else ()
        step = curves.step[row]
        draw(ax, curves.ppm, curves.data[row] * step, curves.resonances[row] * step, result, where)
        ax.set_title(f"{_plain(heading)}\n{title_of(result, where)}", loc="left", fontsize="medium")
        png = io.BytesIO()
        figure.savefig(png, format="png", pil_kwargs={"compress_level": _COMPRESSION})
        yield png.getvalue()


def _plain(text: str) -> str:
    """Return a name as it is: without the meaning that a figure gives to dollar signs."""
    return text.replace("$", r"\$")
