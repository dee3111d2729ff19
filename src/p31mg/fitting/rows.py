"""Rows of a fit, one per spectrum, filled chunk by chunk, and the `FitResult` that they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import BoolArray, FloatArray, IntArray
from p31mg.fitting.batch_engine import EngineResult
from p31mg.fitting.judge import judge, quality_of
from p31mg.fitting.problem import Problem
from p31mg.fitting.result import FitResult
from p31mg.fitting.status import FitStatus
from p31mg.fitting.uncertainty import Uncertainty
from p31mg.prior import OF_FIELD, Prior

__all__ = ["Rows", "result_of"]

_SHARE_OF_FIELD = 0.5
"""Gaussian width that a refit starts from, relative to the fitted linewidth of the reference."""


class Rows:
    """Rows of all spectra while chunks are fitted: reported parameters y, errors, and how it went.

    `problem` is the richest that any row is fitted by: its parameters are the columns. Those that a row's own problem lacks hold
    what they are there: a field without width or skew.
    """

    def __init__(self, n: int, problem: Problem) -> None:
        n_resonances, n_reported = len(problem.prior.names), problem.ties.shape[0]
        self.y = np.full((n, n_reported), np.nan)
        self.shift_covariance = np.full((n, n_resonances, n_resonances), np.nan)
        self.bound = np.full((n, n_reported), np.nan)
        self.bound_alpha_beta = np.full(n, np.nan)
        self.at_bound = np.zeros((n, n_reported), dtype=bool)
        self.noise_sd = np.full(n, np.nan)
        self.late_noise_sd = np.full(n, np.nan)
        self.first_point = np.zeros(n, dtype=np.intp)
        self.moved = np.zeros(n, dtype=bool)
        self.is_broad = np.zeros(n, dtype=bool)
        self.is_misshapen = np.zeros(n, dtype=bool)
        self.excess = np.full(n, np.nan)
        self.snr = np.full((n, n_resonances), np.nan)
        self.status = np.full(n, FitStatus.NO_SIGNAL, dtype=np.intp)
        self.converged = np.zeros(n, dtype=bool)
        self.n_iterations = np.zeros(n, dtype=np.intp)
        self.n_evaluations = np.zeros(n, dtype=np.intp)
        self.lmfit_results = np.full(n, None, dtype=object)
        self.problem = problem

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """Return the rows of the parts of a stack, given in order, as one."""
        if len(parts) == 1:
            return parts[0]
        whole = cls(0, parts[0].problem)
        for name, value in vars(whole).items():
            if isinstance(value, np.ndarray):
                setattr(whole, name, np.concatenate([getattr(part, name) for part in parts]))
        return whole

    @property
    def has_field(self) -> BoolArray:
        """Which rows were fitted with a field that broadens all lines."""
        if "field_skew_hz" not in self.problem.common:
            return np.zeros(len(self.y), dtype=bool)
        return np.asarray(self.y[:, 3 * len(self.problem.prior.names) + 1] > 0)

    def put(
        self, which: IntArray, out: EngineResult, uncertainty: Uncertainty, scale: FloatArray, problem: Problem
    ) -> BoolArray:
        """Write spectra fitted by `problem` to their rows, in the units of a result. `scale` is what 1 was in the fit.

        A row that holds a fit keeps it where another one did not converge. Returns which were written.
        """
        units, columns = _units(problem, scale), self._columns(problem)
        keep = out.converged | ~self.converged[which]
        which = which[keep]
        noise_variance = uncertainty.noise_sd**2
        shift_variance = noise_variance / problem.spectrometer_frequency_mhz**2
        bound = uncertainty.unit_bound * noise_variance[:, None] * units**2
        at_bound = _pressing(out, problem)
        for rows, values in ((self.y, out.y * units), (self.bound, bound), (self.at_bound, at_bound)):
            rows[which] = 0.0
            rows[which[:, None], columns] = values[keep]
        for row, value in (
            (self.shift_covariance, uncertainty.unit_covariance * shift_variance[:, None, None]),
            (self.bound_alpha_beta, uncertainty.unit_bound_alpha_beta * shift_variance),
            (self.noise_sd, uncertainty.noise_sd * scale),
            (self.snr, uncertainty.snr),
            (self.converged, out.converged),
            (self.status, judge(out.converged, bound, at_bound, uncertainty.snr, problem)),
        ):
            row[which] = value[keep]
        self.first_point[which] = problem.first_point
        self.n_iterations[which] += out.n_iterations[keep]
        self.n_evaluations[which] += out.n_evaluations[keep]
        return keep

    def start(self, which: IntArray, scale: FloatArray, problem: Problem) -> FloatArray:
        """Return where rows stand as start values of another problem, (B, n): lines that grow a field lose of their own width."""
        y = self.y[which][:, self._columns(problem)] / _units(problem, scale)
        if "gaussian_linewidth_hz" in problem.common:
            k, field = len(problem.prior.names), 3 * len(problem.prior.names) + 1
            grows = y[:, field] == 0
            y[grows, field] = _SHARE_OF_FIELD * y[grows, k + problem.reference]
            y[grows, k : 2 * k] *= 1.0 - _SHARE_OF_FIELD / 2
        return y

    def _columns(self, problem: Problem) -> IntArray:
        """Return the columns of the parameters of a problem."""
        before = 3 * len(problem.prior.names) + 1
        return np.concatenate(
            [np.arange(before), before + np.array([self.problem.common.index(n) for n in problem.common], int)]
        )


def _pressing(out: EngineResult, problem: Problem) -> BoolArray:
    """Return which parameters sit on a bound that says something: not a width that is all the field's, and none of the line."""
    at_bound = out.at_bound.copy()
    if problem.prior.lineshape in OF_FIELD:
        k = len(problem.prior.names)
        at_bound[:, k : 2 * k] &= out.y[:, k : 2 * k] > 1.001 * problem.expectation.linewidth_lower_hz
    return at_bound


def _units(problem: Problem, scale: FloatArray) -> FloatArray:
    """Return what one unit of each reported parameter is in the result, (B, n): ppm, Hz, data units, radians, seconds."""
    k = len(problem.prior.names)
    units = np.ones((len(scale), problem.ties.shape[0]))
    units[:, :k] = 1.0 / problem.spectrometer_frequency_mhz
    units[:, 2 * k : 3 * k] = scale[:, None]
    return units


def result_of(rows: Rows, spectra: Spectra, engine: str, prior: Prior) -> FitResult:
    """Return the rows in the batch shape, with the derived shifts and the quality of each row."""
    problem = rows.problem
    k = len(problem.prior.names)
    alpha, beta = problem.alpha_beta
    reference = problem.reference
    ok = rows.status == FitStatus.OK
    no_signal = rows.status == FitStatus.NO_SIGNAL
    rows.y[no_signal] = np.nan
    rows.shift_covariance[no_signal] = np.nan
    rows.bound[no_signal] = np.nan
    covariance = rows.shift_covariance
    sd = np.sqrt(rows.bound)
    shift = rows.y[:, :k].copy()
    sd_shift = sd[:, :k].copy()
    variance = covariance[:, alpha, alpha] + covariance[:, beta, beta] - 2 * covariance[:, alpha, beta]
    sd_beta = np.sqrt(covariance[:, beta, beta])
    offset, sd_offset = shift[:, reference].copy(), sd_shift[:, reference].copy()
    fitted = np.isfinite(offset)
    shift[fitted, reference] = 0.0
    shift += problem.reference_ppm
    offset -= problem.reference_ppm
    by_pcr = ok & (problem.prior.reference == "pcr")
    sd_shift[fitted, reference] = 0.0
    covariance[fitted, reference, :] = 0.0
    covariance[fitted, :, reference] = 0.0

    amplitude = rows.y[:, 2 * k : 3 * k]
    linewidth = rows.y[:, k : 2 * k].copy()
    sd_linewidth = sd[:, k : 2 * k].copy()
    vanished = amplitude <= 0
    for values in (shift, sd_shift, linewidth, sd_linewidth):
        values[vanished] = np.nan

    alpha_beta = np.where(ok, shift[:, alpha] - shift[:, beta], np.nan)
    shape = spectra.batch_shape
    begin_time_s = spectra.acquisition.begin_time_s
    common = _common(rows, sd, fitted, begin_time_s)
    quality = quality_of(
        problem,
        shift_alpha_beta_ppm=alpha_beta,
        covariance_shift_ppm2=covariance,
        linewidth_hz=_whole_linewidth_hz(linewidth, common["gaussian_linewidth_hz"][0][:, None]),
        snr=rows.snr,
        at_bound=rows.at_bound,
        converged=rows.converged,
        moved=rows.moved,
        excess=rows.excess,
        is_broad=rows.is_broad,
        begin_shift_s=common["begin_time_s"][0] - begin_time_s,
    )
    phase = np.angle(np.exp(1j * rows.y[:, 3 * k]))

    def shaped(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return values.reshape(shape + values.shape[1:])

    return FitResult(
        shift_alpha_beta_ppm=shaped(alpha_beta),
        sd_shift_alpha_beta_ppm=shaped(np.where(ok, np.sqrt(variance), np.nan)),
        crlb_shift_alpha_beta_ppm=shaped(np.where(ok, np.sqrt(rows.bound_alpha_beta), np.nan)),
        shift_beta_pcr_ppm=shaped(np.where(by_pcr, shift[:, beta], np.nan)),
        sd_shift_beta_pcr_ppm=shaped(np.where(by_pcr, sd_beta, np.nan)),
        chemical_shift_ppm=shaped(shift),
        crlb_chemical_shift_ppm=shaped(sd_shift),
        linewidth_hz=shaped(linewidth),
        crlb_linewidth_hz=shaped(sd_linewidth),
        amplitude=shaped(amplitude),
        crlb_amplitude=shaped(sd[:, 2 * k : 3 * k]),
        covariance_shift_ppm2=shaped(covariance),
        reference_offset_ppm=shaped(offset),
        crlb_reference_offset_ppm=shaped(sd_offset),
        phase_rad=shaped(phase),
        crlb_phase_rad=shaped(sd[:, 3 * k]),
        resonance_phase_rad=shaped(_phases(rows, phase)),
        **{name: shaped(value) for name, (value, _) in common.items()},
        **{f"crlb_{name}": shaped(bound) for name, (_, bound) in common.items()},
        noise_sd=shaped(rows.noise_sd),
        snr=shaped(rows.snr[:, reference]),
        snr_resonance=shaped(rows.snr),
        first_point=shaped(rows.first_point),
        status=shaped(rows.status),
        quality=quality.reshaped(shape),
        n_iterations=shaped(rows.n_iterations),
        n_evaluations=shaped(rows.n_evaluations),
        engine=engine,
        lmfit_results=shaped(rows.lmfit_results) if engine == "lmfit" else None,
        spectra=spectra,
        prior=prior,
        model_prior=problem.prior,
    )


def _common(
    rows: Rows, sd: FloatArray, fitted: BoolArray, begin_time_s: float
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return value and bound of what all resonances have in common, fitted or given, by name, each (n,)."""
    problem = rows.problem
    k = len(problem.prior.names)
    given = {
        "gaussian_linewidth_hz": 0.0,
        "field_skew_hz": 0.0,
        "j_coupling_hz": (*problem.prior["beta_atp"].j_coupling_hz, np.nan)[0],
        "begin_time_s": begin_time_s,
    }
    out: dict[str, tuple[FloatArray, FloatArray]] = {}
    for name, value in given.items():
        if name in problem.common:
            i = 3 * k + 1 + problem.common.index(name)
            out[name] = rows.y[:, i] + (begin_time_s if name == "begin_time_s" else 0.0), sd[:, i]
        else:
            out[name] = np.where(fitted, value, np.nan), np.where(fitted, 0.0, np.nan)
    return out


def _phases(rows: Rows, phase: FloatArray) -> FloatArray:
    """Return the phase of every resonance, (n, K): what is added to the common one is 0 unless phases are free."""
    problem = rows.problem
    phases = np.repeat(phase[:, None], len(problem.prior.names), axis=-1)
    for k, name in enumerate(problem.prior.names):
        if f"{name}_phase_rad" in problem.common:
            phases[:, k] += rows.y[:, 3 * len(problem.prior.names) + 1 + problem.common.index(f"{name}_phase_rad")]
    return np.angle(np.exp(1j * phases))


def _whole_linewidth_hz(lorentzian_hz: FloatArray, gaussian_hz: FloatArray) -> FloatArray:
    """Return the FWHM of a Voigt line to 0.02 % (Olivero & Longbothum 1977, doi:10.1016/0022-4073(77)90161-3)."""
    return 0.5346 * lorentzian_hz + np.sqrt(0.2166 * lorentzian_hz**2 + gaussian_hz**2)
