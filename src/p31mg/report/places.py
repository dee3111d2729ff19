"""What a file of many spectra says besides its rows: maps of a grid, the time course of a series."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import IntArray
from p31mg.fitting import FitResult, Quality
from p31mg.io.formats.nifti_mrs import SPATIAL
from p31mg.io.maps import map_files
from p31mg.magnesium import MagnesiumResult, time_course
from p31mg.plot import maps, series
from p31mg.plot.style import MAPS_SIZE, SERIES_SIZE, figure_for_file

__all__ = ["of_file", "place_files"]

_Result = TypeVar("_Result", FitResult, MagnesiumResult, Quality)


def of_file(fit: FitResult, mg: MagnesiumResult, rows: IntArray, spectra: Spectra) -> tuple[FitResult, MagnesiumResult]:
    """Return what some rows of a stack (n,) say, in the shape of the spectra that they came from.

    Parameters
    ----------
    fit, mg
        Of the stack, shape (n,).
    rows
        Positions in the stack, in the raveled order of `spectra`.
    spectra
        Of one file.

    Returns
    -------
    fit, mg
        Their fields have the batch shape of `spectra`.

    Examples
    --------
    >>> import numpy as np
    >>> import p31mg
    >>> stack = p31mg.simulate([0.4, 0.5, 0.6], prior="muscle-3t", snr=300, seed=1)
    >>> fit = p31mg.fit(stack)
    >>> grid = p31mg.Spectra(stack.fid[1:].reshape(2, 1, 1, -1), stack.acquisition, ("x", "y", "z"))
    >>> of_file(fit, p31mg.free_magnesium(fit), np.array([1, 2]), grid)[0]
    <FitResult (2, 1, 1) prior 'muscle-3t' engine 'batch': 2 of 2 valid>
    """
    shape = spectra.batch_shape
    quality = _rows_of(fit.quality, rows, shape, len(fit.status))
    part = _rows_of(replace(fit, quality=quality), rows, shape, len(fit.status))
    return replace(part, spectra=spectra), replace(_rows_of(mg, rows, shape, len(fit.status)), index={})


def _rows_of(result: _Result, rows: IntArray, shape: tuple[int, ...], n: int) -> _Result:
    """Return a result with all its arrays (n, ...) cut to some rows and reshaped."""
    changed: dict[str, Any] = {}
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, np.ndarray) and value.shape[:1] == (n,):
            changed[field.name] = value[rows].reshape(shape + value.shape[1:])
    return replace(result, **changed)


def place_files(fit: FitResult, mg: MagnesiumResult, stem: str, *, figures: bool = True) -> Iterator[tuple[str, bytes]]:
    """Yield the files of one grid or series, by path below the folder of the study; nothing for a single spectrum.

    A grid gives ``maps/STEM_NAME.nii.gz`` (see `p31mg.write_maps`) and ``figures/STEM_maps.png``; a series of one voxel
    ``series/STEM.csv`` (see `p31mg.time_course`) and ``figures/STEM_series.png``. The same results give the same bytes.

    Parameters
    ----------
    fit, mg
        Of one file, in the shape of its spectra; see `of_file`.
    stem
        Path of the file without its ending.
    figures
        Whether to draw them. Default True.

    Yields
    ------
    path, content
        Path below the folder of the study, and the bytes of the file.
    """
    names, shape = fit.spectra.axis_names, fit.batch_shape
    if names[:3] == SPATIAL and np.prod(shape[:3]) > 1:
        for name, content in map_files(fit, mg).items():
            yield f"maps/{stem}_{name}.nii.gz", content
        if not figures:
            return
        figure = figure_for_file(MAPS_SIZE)
        maps(fit, mg, figure)
        yield f"figures/{stem}_maps.png", _png(figure)
    elif sum(n > 1 for n in shape) == 1:
        course = time_course(fit, mg)
        yield f"series/{stem}.csv", course.to_csv(index=False).encode()
        if not figures:
            return
        figure = figure_for_file(SERIES_SIZE)
        series(course, figure)
        yield f"figures/{stem}_series.png", _png(figure)


def _png(figure: Any) -> bytes:
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()
