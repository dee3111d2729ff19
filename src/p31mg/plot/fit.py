"""One fitted spectrum: what was measured, what the model says, what is left over, and the resonances drawn apart."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import ComplexArray, FloatArray
from p31mg.errors import InputError
from p31mg.fitting import FitResult
from p31mg.plot.labels import colours_of, label_of
from p31mg.plot.style import DATA, FIT_SIZE, MODEL, RESIDUAL, axes_or_new
from p31mg.preprocess import apodise, displayed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

__all__ = ["FitPlot", "draw", "fit", "title_of"]

_ZERO_FILL = 2
_MARGIN_PPM = 2.0
_PAD = 0.035
_NEAR_BETA_PPM = 2.0
_MAGNIFIED = 0.35
_MAGNIFIED_BASE = 0.3
_HIGHEST = 0.9
"""Height of the enlarged beta-ATP, of the line that it stands on, and of the top of its noise, in that of PCr."""
_MOST_TIMES = 50
_ROW_PT = 9.0
"""Height of a row of labels, in points: in a small panel it takes a larger share."""


@dataclass(frozen=True)
class FitPlot:
    """What `fit` drew: lines in the order data, model, residual, then one per resonance, and the labels."""

    ax: Axes
    data: Line2D
    model: Line2D
    residual: Line2D
    resonances: tuple[Line2D, ...]
    labels: tuple[Text, ...]


def fit(
    result: FitResult, index: int | tuple[int, ...] = 0, ax: Axes | None = None, *, apodisation_hz: float = 0.0
) -> FitPlot:
    """Draw one fitted spectrum, phased, ppm running right to left with PCr at 0.

    Phase and begin time are taken out for the eye, of data and model alike; the fit itself saw the FID as it is. The points
    lost in the begin time leave a rolling baseline, which the model has too.

    Parameters
    ----------
    result
        From `p31mg.fit`.
    index
        Which spectrum of the batch. Default 0, which is also the single one.
    ax
        Axes to draw on. Default: a new figure.
    apodisation_hz
        Line broadening for display only, of data and model alike, in Hz. Default 0: none.

    Returns
    -------
    FitPlot
        The axes, and the lines of data, model, residual and resonances.

    Raises
    ------
    InputError
        Nothing was fitted at `index` (the message says why), or there is no such index.

    Examples
    --------
    >>> import p31mg
    >>> result = p31mg.fit(p31mg.simulate(0.5, prior="muscle-3t", snr=200, seed=1))
    >>> drawn = fit(result)
    >>> drawn.ax.get_xlabel()
    'chemical shift from PCr (ppm)'
    """
    if not (np.isfinite(apodisation_hz) and apodisation_hz >= 0):
        msg = f"apodisation_hz is {apodisation_hz}; it must be 0 or above, in Hz."
        raise InputError(msg)
    if result.batch_shape == () and index not in (0, ()):
        msg = f"index is {index!r}, but this is the fit of a single spectrum; leave index out."
        raise InputError(msg)
    where = () if result.batch_shape == () else index
    signals = result.model(where)
    measured = result.spectra.fid[where]
    ppm, spectra = _displayed(np.vstack([measured[None], signals]), result, where, apodisation_hz)
    drawn = draw(axes_or_new(ax, figsize=FIT_SIZE), ppm, spectra[0], spectra[1:], result, where)
    drawn.ax.set_title(title_of(result, where), loc="left", fontsize="medium")
    return drawn


def draw(
    ax: Axes, ppm: FloatArray, data: FloatArray, resonances: FloatArray, result: FitResult, where: int | tuple[int, ...]
) -> FitPlot:
    """Draw data (P,) and resonances (K, P) of one spectrum, with the names of `result` at their fitted places."""
    model = resonances.sum(axis=0)
    centres = [r.chemical_shift_ppm for r in result.prior.resonances]
    left, right = max(centres) + _MARGIN_PPM, min(centres) - _MARGIN_PPM
    seen = (ppm < left) & (ppm > right)
    pad = _PAD * float(np.ptp(data[seen]))
    residual = data - model
    residual += data[seen].min() - residual[seen].max() - pad
    floor = residual[seen].min() - resonances[:, seen].max() - pad
    (data_line,) = ax.plot(ppm, data, color=DATA, linewidth=0.9, label="data")
    (model_line,) = ax.plot(ppm, model, color=MODEL, linewidth=1.1, label="model")
    (residual_line,) = ax.plot(ppm, residual, color=RESIDUAL, linewidth=0.7, label="residual")
    lines = tuple(
        ax.plot(ppm, resonance + floor, color=colour, linewidth=1.0)[0]
        for resonance, colour in zip(resonances, colours_of(result.names), strict=True)
    )
    _magnify_beta(ax, ppm, data, model, result, where)
    bottom = floor + resonances[:, seen].min()
    top = max(data[seen].max(), model[seen].max()) + pad
    row = _row_height(ax, top - bottom)
    labels = _label(ax, result, where, bottom - row * np.array([0.2, 1.2]))
    ax.set_xlim(left, right)
    ax.set_ylim(bottom - 2.4 * row, top)
    ax.set_xlabel("chemical shift from PCr (ppm)")
    ax.set_ylabel("real spectrum (a.u.)")
    ax.set_yticks([])
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.legend(loc="upper left", frameon=False, fontsize="small")
    return FitPlot(ax, data_line, model_line, residual_line, lines, labels)


def _row_height(ax: Axes, span: float) -> float:
    """Return the height of a row of labels, in the units of data that fill `span` above two and a half of them."""
    height_pt = 72 * ax.bbox.height / ax.figure.dpi
    share = min(_ROW_PT / height_pt, 0.2)
    return span * share / (1 - 2.4 * share)


def _magnify_beta(
    ax: Axes, ppm: FloatArray, data: FloatArray, model: FloatArray, result: FitResult, where: int | tuple[int, ...]
) -> None:
    """Draw beta-ATP once more, above its place and so large that its shape is seen beside PCr.

    Not where it was not found. Where it is noisy it is enlarged less, so that it neither runs into the spectrum below it nor
    out of the picture.
    """
    if not np.isfinite(result.shift_alpha_beta_ppm[where]):
        return
    centre = float(result.chemical_shift_ppm[where][result.names.index("beta_atp")])
    near = np.abs(ppm - centre) < _NEAR_BETA_PPM
    height, whole = float(np.abs(model[near]).max(initial=0.0)), float(np.abs(model).max())
    lowest, highest = float(data[near].min()), float(data[near].max())
    gap = _PAD * whole
    room = (_HIGHEST * whole - highest - gap) / (highest - lowest)
    times = int(min(_MAGNIFIED * whole / height, room)) if height > 0 else 1
    if times < 2 or times > _MOST_TIMES:
        return
    base = max(_MAGNIFIED_BASE * whole, highest + gap - times * lowest)
    ax.plot(ppm[near], base + times * data[near], color=DATA, linewidth=0.9)
    ax.plot(ppm[near], base + times * model[near], color=MODEL, linewidth=1.1)
    top = base + times * max(highest, height)
    ax.text(centre, top + gap, f"{label_of('beta_atp')} ×{times}", ha="center", va="bottom", fontsize="x-small")


def _displayed(
    signals: ComplexArray, result: FitResult, where: int | tuple[int, ...], apodisation_hz: float
) -> tuple[FloatArray, FloatArray]:
    """Return the ppm axis and the phased real spectra of signals (n, N)."""
    begun = replace(result.spectra.acquisition, begin_time_s=float(result.begin_time_s[where]))
    spectra = Spectra(signals, begun)
    if apodisation_hz > 0:
        spectra = apodise(spectra, apodisation_hz)
    phase_rad, reference_ppm = float(result.phase_rad[where]), float(result.reference_offset_ppm[where])
    ppm, drawn = displayed(spectra, phase_rad=phase_rad, reference_ppm=reference_ppm, zero_fill=_ZERO_FILL)
    return ppm, drawn.real


def _label(ax: Axes, result: FitResult, where: int | tuple[int, ...], heights: FloatArray) -> tuple[Text, ...]:
    """Name every resonance under its line, in two staggered rows at `heights`."""
    shifts = np.where(
        np.isfinite(result.chemical_shift_ppm[where]),
        result.chemical_shift_ppm[where],
        [r.chemical_shift_ppm for r in result.prior.resonances],
    )
    colours, named = colours_of(result.names), [label_of(name) for name in result.names]
    order = {int(k): place for place, k in enumerate(np.argsort(shifts))}
    return tuple(
        ax.text(
            float(shifts[k]),
            float(heights[order[k] % 2]),
            "" if label_of(name) in named[:k] else label_of(name),
            ha="center",
            va="top",
            fontsize="x-small",
            color=colours[k],
        )
        for k, name in enumerate(result.names)
    )


def title_of(result: FitResult, where: int | tuple[int, ...]) -> str:
    """Return shift, SNR and raised flags of one spectrum, or why there is no shift."""
    shift, sd = float(result.shift_alpha_beta_ppm[where]), float(result.sd_shift_alpha_beta_ppm[where])
    if not np.isfinite(shift):
        from p31mg.fitting import FitStatus

        return textwrap.fill(f"no shift: {FitStatus(int(result.status[where])).message}", 90)
    flags = result.quality.raised(where)
    verdict = f"\nflagged: {', '.join(flags)}" if flags else ""
    reference = label_of(result.prior.reference)
    return f"δα − δβ = {shift:.3f} ± {sd:.3f} ppm (sd), {reference} SNR {float(result.snr[where]):.0f}{verdict}"
