"""The result of a fit: arrays of the batch shape, nothing computed on construction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.core.signal import model_fid
from p31mg.errors import InputError
from p31mg.fitting.problem import Problem
from p31mg.fitting.status import FitStatus, Quality
from p31mg.notebook import card, number, rows_shown, sketch, table
from p31mg.prior import Prior, common_parameters

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FitResult", "index_columns"]

_MARGIN_PPM = 3.0
_SHOWN = {"shift_alpha_beta_ppm": 5, "sd_shift_alpha_beta_ppm": 2, "snr": 3}
"""What a notebook shows of each row, and to how many digits."""


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """Fitted parameters of a stack of spectra, with their errors and how each fit ended.

    ``...`` is the batch shape of the spectra; K the number of resonances, in the order of `names`. Where `status` is not
    ``OK`` the shifts that give magnesium are NaN; where nothing was fitted everything is.

    Attributes
    ----------
    shift_alpha_beta_ppm, sd_shift_alpha_beta_ppm
        (...,) delta(alpha) - delta(beta) between multiplet centres, in ppm, and its sd from the joint covariance of all
        parameters, the alpha-beta covariance included.
    crlb_shift_alpha_beta_ppm
        (...,) the Cramer-Rao bound of that sd.
    shift_beta_pcr_ppm, sd_shift_beta_pcr_ppm
        (...,) delta(beta) - delta(PCr), in ppm, and its sd. NaN for a prior whose reference is not PCr.
    chemical_shift_ppm, crlb_chemical_shift_ppm
        (..., K) multiplet centres from the fitted reference, and their bounds. The reference is where the prior has it, 0 for
        PCr, with bound 0. NaN where a resonance ended with amplitude 0.
    linewidth_hz, crlb_linewidth_hz
        (..., K) full width at half maximum of one line, in Hz; where a field broadens all lines, that is where
        `gaussian_linewidth_hz` is above 0, of its Lorentzian part.
    amplitude, crlb_amplitude
        (..., K) signal of the multiplet at time 0, in units of the data.
    covariance_shift_ppm2
        (..., K, K) covariance of `chemical_shift_ppm`, in ppm squared.
    reference_offset_ppm, crlb_reference_offset_ppm
        (...,) position of 0 ppm, that is of PCr, from the carrier, in ppm.
    phase_rad, crlb_phase_rad
        (...,) common zero-order phase, between -pi and pi.
    resonance_phase_rad
        (..., K) phase of every resonance: the common one, unless phases are free.
    gaussian_linewidth_hz, crlb_gaussian_linewidth_hz
        (...,) FWHM of the Gaussian part that all lines share, in Hz: that of the field. 0 where it was not needed.
    field_skew_hz, crlb_field_skew_hz
        (...,) skew of that field (`p31mg.core.envelope`), in Hz; 0 where it was not needed.
    j_coupling_hz, crlb_j_coupling_hz
        (...,) first coupling constant of beta-ATP, in Hz, fitted or (bound 0) given; NaN for a beta that is not coupled.
    begin_time_s, crlb_begin_time_s
        (...,) time from the excitation to the first point, in s, fitted or (bound 0) given.
    first_point
        (...,) first point of the FID that was fitted: above 0 where a broad signal under the peaks was left out with the points
        that hold it, or where the caller left some out.
    noise_sd
        (...,) sd of one component of one FID point, from the residual in the band of the resonances.
    snr, snr_resonance
        (...,) and (..., K) matched-filter SNR of the reference and of every resonance (see the conventions).
    status
        (...,) a `FitStatus` for each spectrum.
    quality
        `Quality`: named booleans, each (...,).
    n_iterations, n_evaluations
        (...,) of the engine.
    engine
        ``"batch"`` or ``"lmfit"``.
    lmfit_results
        For the lmfit engine, (...,) array of `lmfit.minimizer.MinimizerResult` (None where nothing was fitted); otherwise
        None. Amplitudes are in units of the data; `chisqr` and `covar` are in units of the largest point of the FID.
    spectra, prior
        What was fitted, with what.
    model_prior
        The prior as the richest model of any row has it: with the phase model, and a field where lineshapes were adapted.

    Examples
    --------
    >>> import p31mg
    >>> p31mg.fit(p31mg.simulate(0.5, prior="muscle-3t", snr=[100, 400], seed=2))
    <FitResult (2,) prior 'muscle-3t' engine 'batch': 2 of 2 valid>
    """

    shift_alpha_beta_ppm: FloatArray
    sd_shift_alpha_beta_ppm: FloatArray
    crlb_shift_alpha_beta_ppm: FloatArray
    shift_beta_pcr_ppm: FloatArray
    sd_shift_beta_pcr_ppm: FloatArray
    chemical_shift_ppm: FloatArray
    crlb_chemical_shift_ppm: FloatArray
    linewidth_hz: FloatArray
    crlb_linewidth_hz: FloatArray
    amplitude: FloatArray
    crlb_amplitude: FloatArray
    covariance_shift_ppm2: FloatArray
    reference_offset_ppm: FloatArray
    crlb_reference_offset_ppm: FloatArray
    phase_rad: FloatArray
    crlb_phase_rad: FloatArray
    resonance_phase_rad: FloatArray
    gaussian_linewidth_hz: FloatArray
    crlb_gaussian_linewidth_hz: FloatArray
    field_skew_hz: FloatArray
    crlb_field_skew_hz: FloatArray
    j_coupling_hz: FloatArray
    crlb_j_coupling_hz: FloatArray
    begin_time_s: FloatArray
    crlb_begin_time_s: FloatArray
    first_point: IntArray
    noise_sd: FloatArray
    snr: FloatArray
    snr_resonance: FloatArray
    status: IntArray
    quality: Quality
    n_iterations: IntArray
    n_evaluations: IntArray
    engine: str
    lmfit_results: Any
    spectra: Spectra = field(repr=False)
    prior: Prior = field(repr=False)
    model_prior: Prior = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the resonances, in the order of the last axis."""
        return self.prior.names

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the stack."""
        return self.status.shape

    @property
    def is_valid(self) -> BoolArray:
        """Status ``OK`` and every quality good: the rows whose magnesium can be used as it stands."""
        return (self.status == FitStatus.OK) & self.quality.is_valid

    @property
    def row_columns(self) -> dict[str, Any]:
        """What names and judges each spectrum in a table: its position on each batch axis, status, prior, begin time."""
        a = self.spectra.acquisition
        return {
            **index_columns(self.spectra),
            "status": [FitStatus(int(s)).name for s in self.status.ravel()],
            "prior": self.prior.name,
            "spectrometer_frequency_mhz": a.spectrometer_frequency_mhz,
            "begin_time_s": self._begin_time_of_rows,
        }

    @property
    def _begin_time_of_rows(self) -> Any:
        """Begin time that the shifts belong to: fitted, or that of the acquisition."""
        fitted = "begin_time_s" in common_parameters(self.model_prior)
        return self.begin_time_s.ravel() if fitted else self.spectra.acquisition.begin_time_s

    def model(self, index: int | tuple[int, ...] = ()) -> ComplexArray:
        """Return the fitted signal of every resonance of one spectrum, shape (K, n_points).

        Parameters
        ----------
        index
            Which spectrum of the batch; ``()`` for a single one.

        Raises
        ------
        InputError
            Nothing was fitted there.
        """
        parts = (self.chemical_shift_ppm, self.amplitude)
        try:
            shift, amplitude = (np.asarray(part[index], dtype=float) for part in parts)
        except (IndexError, TypeError) as error:
            msg = f"index is {index!r}; it must pick one spectrum of the batch shape {self.batch_shape}."
            raise InputError(msg) from error
        if shift.ndim != 1:
            msg = f"index is {index}; it must pick one spectrum of the batch shape {self.batch_shape}."
            raise InputError(msg)
        if not np.isfinite(amplitude).all():
            status = FitStatus(int(self.status[index]))
            msg = f"spectrum {index} has no fitted model: {status.message}."
            raise InputError(msg)
        problem = Problem.of(self.spectra, self.model_prior)
        return model_fid(self._core_parameters(problem, lambda a: a[index]), problem.lines, problem.sampling)

    def models(self, rows: IntArray, n_points: int | None = None) -> ComplexArray:
        """Return the fitted signal of every resonance of several spectra, shape (R, K, n_points).

        Parameters
        ----------
        rows
            (R,) positions in the raveled batch. Where nothing was fitted the signal is NaN.
        n_points
            How many points, from the first. Default None: all of the FID.
        """
        problem = Problem.of(self.spectra, self.model_prior)
        n_axes, n_rows = self.status.ndim, self.status.size
        p = self._core_parameters(problem, lambda a: a.reshape(n_rows, *a.shape[n_axes:])[rows])
        return model_fid(p, problem.lines, replace(problem.sampling, n_points=n_points or self.spectra.n_points))

    def _core_parameters(self, problem: Problem, pick: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return the parameters of the core for the spectra that `pick` takes from arrays of the batch, (..., n)."""
        shift, linewidth, amplitude = (
            np.asarray(pick(a), dtype=float) for a in (self.chemical_shift_ppm, self.linewidth_hz, self.amplitude)
        )
        common = [pick(self.phase_rad), *(pick(self._common(name)) for name in problem.common)]
        y = np.concatenate(
            [np.nan_to_num(shift), np.nan_to_num(linewidth, nan=1.0), amplitude, np.stack(common, axis=-1)], axis=-1
        )
        if problem.lines.fits_begin_time:
            y[..., -1] -= problem.sampling.begin_time_s
        y[..., : shift.shape[-1]] -= problem.reference_ppm
        y[..., problem.reference] = pick(self.reference_offset_ppm) + problem.reference_ppm
        y[..., : shift.shape[-1]] *= problem.spectrometer_frequency_mhz
        return y @ problem.from_carrier.T

    def _common(self, name: str) -> FloatArray:
        """Return a parameter that belongs to no resonance alone: of a phase, what is added to the common one."""
        if name.endswith("_phase_rad"):
            return self.resonance_phase_rad[..., self.names.index(name.removesuffix("_phase_rad"))] - self.phase_rad
        return np.asarray(getattr(self, name))

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per spectrum, failed ones too, with units in the column names.

        Examples
        --------
        >>> import p31mg
        >>> fit = p31mg.fit(p31mg.simulate(free_mg_mM=[0.3, 0.6], prior="muscle-3t", snr=300, seed=1))
        >>> fit.to_dataframe()[["spectrum", "status"]]
           spectrum status
        0         0     OK
        1         1     OK
        """
        import pandas as pd

        axes = index_columns(self.spectra)
        columns: dict[str, Any] = {}
        columns["status"] = [FitStatus(int(s)).name for s in self.status.ravel()]
        columns["reason"] = ["" if s == FitStatus.OK else FitStatus(int(s)).message for s in self.status.ravel()]
        for name in (
            "shift_alpha_beta_ppm",
            "sd_shift_alpha_beta_ppm",
            "shift_beta_pcr_ppm",
            "sd_shift_beta_pcr_ppm",
            "snr",
            "noise_sd",
            "reference_offset_ppm",
        ):
            columns[name] = getattr(self, name).ravel()
        columns["phase_deg"] = np.degrees(self.phase_rad).ravel()
        for k, resonance in enumerate(self.names):
            for name in ("chemical_shift_ppm", "linewidth_hz", "amplitude"):
                columns[f"{resonance}_{name}"] = getattr(self, name)[..., k].ravel()
                columns[f"{resonance}_crlb_{name}"] = getattr(self, f"crlb_{name}")[..., k].ravel()
            columns[f"{resonance}_snr"] = self.snr_resonance[..., k].ravel()
        columns["first_point"] = self.first_point.ravel()
        for name in common_parameters(self.model_prior):
            if name.endswith("_phase_rad"):
                k = self.names.index(name.removesuffix("_phase_rad"))
                columns[f"{self.names[k]}_phase_deg"] = np.degrees(self.resonance_phase_rad[..., k]).ravel()
                continue
            columns[name] = getattr(self, name).ravel()
            columns[f"crlb_{name}"] = getattr(self, f"crlb_{name}").ravel()
        columns |= {name: flag.ravel() for name, flag in self.quality.columns().items()}
        columns["is_valid"] = self.is_valid.ravel()
        columns["n_iterations"] = self.n_iterations.ravel()
        a = self.spectra.acquisition
        columns |= {
            "prior": self.prior.name,
            "engine": self.engine,
            "spectrometer_frequency_mhz": a.spectrometer_frequency_mhz,
            "spectral_width_hz": a.spectral_width_hz,
            "begin_time_s": self._begin_time_of_rows,
            "begin_time_source": a.begin_time_source,
            "n_points": self.spectra.n_points,
        }
        clash = axes.keys() & columns.keys()
        if clash:
            msg = f"axis_names of the spectra hold {sorted(clash)}, which are columns of the table; name those axes otherwise."
            raise InputError(msg)
        return pd.DataFrame({**axes, **columns}, index=pd.RangeIndex(self.status.size))

    def _repr_html_(self) -> str:
        axes = index_columns(self.spectra, rows_shown(self.status.size))
        columns = [*((name, "right") for name in axes), ("status", "left")]
        columns += [*((name, "right") for name in _SHOWN), ("is_valid", "left"), ("flags", "left")]
        rows = [
            [
                *(str(place[i]) for place in axes.values()),
                FitStatus(int(self.status.flat[i])).name,
                *(number(float(getattr(self, name).flat[i]), digits) for name, digits in _SHOWN.items()),
                str(self.is_valid.flat[i]),
                ", ".join(self._flags(i)),
            ]
            for i in rows_shown(self.status.size)
        ]
        ended = np.unique(self.status[self.status != FitStatus.OK])
        failed = [
            f"{FitStatus(int(s)).name}: {int((self.status == s).sum())}, {FitStatus(int(s)).message}" for s in ended
        ]
        title = f"FitResult {self.batch_shape}: {int(self.is_valid.sum())} of {self.status.size} valid"
        known = f"prior {self.prior.name}, engine {self.engine}, {self.spectra.source}".rstrip(", ")
        return card(title, self._sketch(), table(columns, rows, self.status.size), notes=(known, *failed))

    def _flags(self, row: int) -> list[str]:
        """Return what is doubtful about a row of the raveled batch that was fitted."""
        where = tuple(int(k) for k in np.unravel_index(row, self.batch_shape))
        return self.quality.raised(where) if self.status[where] == FitStatus.OK else []

    def _sketch(self) -> str:
        """Return a drawing of data and model of a single spectrum, phased, with PCr at its place."""
        if self.batch_shape != () or not np.isfinite(self.amplitude).all():
            return ""
        ppm = self.spectra.ppm
        turned = 2 * np.pi * ppm * self.spectra.acquisition.spectrometer_frequency_mhz * float(self.begin_time_s)
        unturn = np.exp(-1j * (float(self.phase_rad) + turned))
        data, model = (
            (np.fft.fftshift(np.fft.fft(fid)) * unturn).real for fid in (self.spectra.fid, self.model().sum(axis=0))
        )
        ppm = ppm - float(self.reference_offset_ppm)
        centres = [r.chemical_shift_ppm for r in self.prior.resonances]
        seen = (ppm > min(centres) - _MARGIN_PPM) & (ppm < max(centres) + _MARGIN_PPM)
        return sketch(ppm[seen], data[seen], model[seen], "data and, in orange, model, ppm from PCr")

    def __repr__(self) -> str:
        n_valid = int(self.is_valid.sum())
        text = f"<FitResult {self.batch_shape} prior {self.prior.name!r} engine {self.engine!r}: "
        if self.batch_shape == ():
            status = FitStatus(int(self.status))
            if status is not FitStatus.OK:
                return f"{text}{status.name}, {status.message}>"
            shift, sd = float(self.shift_alpha_beta_ppm), float(self.sd_shift_alpha_beta_ppm)
            return f"{text}alpha-beta {shift:.4f} +- {sd:.4f} ppm, SNR {float(self.snr):.0f}>"
        return f"{text}{n_valid} of {self.status.size} valid>"


def index_columns(spectra: Spectra, rows: Sequence[int] | None = None) -> dict[str, Any]:
    """Return the position on each batch axis, by axis name, of every spectrum or of some rows; empty for a single one."""
    if spectra.batch_shape == ():
        return {}
    places = np.arange(np.prod(spectra.batch_shape, dtype=int)) if rows is None else np.asarray(rows, dtype=int)
    return dict(zip(spectra.axis_names, np.unravel_index(places, spectra.batch_shape), strict=True))
