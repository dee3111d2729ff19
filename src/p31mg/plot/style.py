"""Colours that survive print and colour blindness (Okabe & Ito), and axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DATA", "MODEL", "RESIDUAL", "RESONANCE", "axes_or_new"]

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
