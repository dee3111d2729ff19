"""A first look at spectra: is there a signal, where is PCr, how far above the noise. Every fit begins with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import ComplexArray, FloatArray, IntArray
from p31mg.core.noise import noise_sd_of_bins
from p31mg.core.start import take_bins
from p31mg.fitting.problem import Problem
from p31mg.fitting.status import FitStatus
from p31mg.prior import Prior, load_prior

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHUNK", "DETECTION_SNR", "Look", "Survey", "look", "survey"]


DETECTION_SNR = 5.0
"""Matched-filter height of PCr, in noise sd, below which there is no signal: noise alone reaches it once in 5000 spectra
(about 60 independent positions, each beyond 5 sd with probability exp(-5^2/2))."""

CHUNK = 512
"""Spectra handled together: enough to share the cost of every step, few enough for 100 MB at 2048 points."""


@dataclass(frozen=True)
class Look:
    """A chunk of B signals seen for the first time.

    `status` (B,), ``OK`` where there is a signal; `snr`, `noise_sd` (B,), NaN where nothing could be measured. For the F
    signals found: their `rows` in the chunk, their `scale` (F,), the largest part of any point, and start values `y`
    (F, 3K+1) for the signals divided by it.
    """

    status: IntArray
    snr: FloatArray
    noise_sd: FloatArray
    rows: IntArray
    scale: FloatArray
    y: FloatArray

    @classmethod
    def joined(cls, parts: Sequence[Look]) -> Look:
        """Return one look at the chunks of a stack, given in order."""
        first = np.cumsum([0] + [len(part.status) for part in parts[:-1]])
        together = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)}
        together["rows"] = np.concatenate([part.rows + start for part, start in zip(parts, first, strict=True)])
        return cls(**together)


def look(fid: ComplexArray, problem: Problem) -> Look:
    """Return the first look at signals (B, N)."""
    n, brief = len(fid), problem.brief
    parts = np.ascontiguousarray(fid).view(np.float64)
    scale = np.maximum(parts.max(axis=-1, initial=0.0), -parts.min(axis=-1, initial=0.0))
    usable = np.isfinite(scale) & (scale > 0)
    status = np.full(n, FitStatus.NO_SIGNAL, dtype=np.intp)
    status[scale == 0] = FitStatus.ZERO_SIGNAL
    status[~np.isfinite(scale)] = FitStatus.NOT_FINITE
    snr, noise_sd = np.full(n, np.nan), np.full(n, np.nan)

    rows, scale = np.flatnonzero(usable), scale[usable]
    if not rows.size:
        return Look(status, snr, noise_sd, rows, scale, np.empty((0, problem.ties.shape[0])))
    start = brief.finder.find(brief.transformed(fid, rows, scale))
    late = problem.late
    centre = np.rint(start.p[:, problem.reference] / late.sampling.bin_hz).astype(np.intp)
    noise = noise_sd_of_bins(
        take_bins(late.transformed(fid[:, -late.sampling.n_points :], rows, scale), centre, late.bins),
        late.sampling.n_points,
    )
    found = start.reference_height >= DETECTION_SNR * noise
    noise_sd[rows] = noise * scale
    with np.errstate(divide="ignore", invalid="ignore"):  # a signal without any noise has an infinite SNR
        snr[rows] = start.reference_height / noise
    status[rows[found]] = FitStatus.OK
    return Look(status, snr, noise_sd, rows[found], scale[found], problem.reported(start.p)[found])


@dataclass(frozen=True)
class Survey:
    """What a first look found; arrays of the batch shape. `reference_offset_ppm` is NaN where nothing stands out."""

    status: IntArray
    snr: FloatArray
    noise_sd: FloatArray
    reference_offset_ppm: FloatArray
    spectra: Spectra

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per spectrum."""
        import pandas as pd

        from p31mg.fitting.result import index_columns

        status = [FitStatus(int(s)) for s in self.status.ravel()]
        return pd.DataFrame(
            {
                **index_columns(self.spectra),
                "status": [s.name for s in status],
                "reason": ["" if s is FitStatus.OK else s.message for s in status],
                "snr": self.snr.ravel(),
                "noise_sd": self.noise_sd.ravel(),
                "reference_offset_ppm": self.reference_offset_ppm.ravel(),
            }
        )


def survey(spectra: Spectra, prior: Prior | str | Path = "muscle-3t") -> Survey:
    """Look for the pattern of a prior in every spectrum, without fitting.

    Parameters
    ----------
    spectra
        One spectrum or a stack.
    prior
        Whose pattern to look for. Default ``"muscle-3t"``; PCr and ATP look alike enough everywhere.
    """
    problem = Problem.of(spectra, load_prior(prior))
    fid = spectra.fid.reshape(-1, spectra.n_points)
    seen = Look.joined([look(fid[i : i + CHUNK], problem) for i in range(0, max(len(fid), 1), CHUNK)])
    offset = np.full(len(fid), np.nan)
    offset[seen.rows] = seen.y[:, problem.reference] / problem.spectrometer_frequency_mhz - problem.reference_ppm

    return Survey(
        status=seen.status.reshape(spectra.batch_shape),
        snr=seen.snr.reshape(spectra.batch_shape),
        noise_sd=seen.noise_sd.reshape(spectra.batch_shape),
        reference_offset_ppm=offset.reshape(spectra.batch_shape),
        spectra=spectra,
    )
