"""`fit`: validate, find start values, run an engine, judge what came out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.fft

from p31mg.acquisition import Spectra
from p31mg.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from p31mg.constants import PLAUSIBLE_SHIFT_ALPHA_BETA_PPM
from p31mg.core.covariance import covariance
from p31mg.core.noise import noise_sd_of_residual
from p31mg.core.signal import curvatures, model_sum, norms
from p31mg.errors import InputError, UnknownNameError
from p31mg.fitting.batch_engine import EngineResult, fit_stack
from p31mg.fitting.lmfit_engine import fit_each, in_data_units
from p31mg.fitting.problem import Problem
from p31mg.fitting.result import FitResult
from p31mg.fitting.status import FitStatus, Quality
from p31mg.fitting.survey import CHUNK, DETECTION_SNR, look
from p31mg.prior import Prior, load_prior

if TYPE_CHECKING:
    from lmfit import Parameters

__all__ = ["fit"]


ATP_DETECTION_SNR = 4.0
"""As `DETECTION_SNR`, for alpha- and beta-ATP, which are looked for in about 10 positions each."""

RELIABLE_ATP_SNR = 6.0
WIDEST_PCR_PPM = 0.6


def fit(
    spectra: Spectra,
    prior: Prior | str | Path = "muscle-3t",
    *,
    engine: Literal["batch", "lmfit"] = "batch",
    parameters: Parameters | None = None,
    max_iterations: int = 100,
) -> FitResult:
    """Fit all resonances of every spectrum jointly and return the ATP shifts with their errors.

    The model is that of the conventions page: exponentially damped multiplets with one common phase, the begin time in
    the model, no apodisation and no zero filling. Each spectrum finds its own frequency offset from its PCr.

    Parameters
    ----------
    spectra
        One spectrum or a stack; see `read`, `simulate` and `Spectra`.
    prior
        Name of a packaged prior, path of a TOML file, or a `Prior`. Default ``"muscle-3t"``.
    engine
        ``"batch"`` (default): the NumPy core on the whole stack. ``"lmfit"``: one by one with `lmfit`, slower, with
        parameters that can be edited.
    parameters
        For the lmfit engine: edited `lmfit_parameters`, used for every spectrum. Default None: automatic.
    max_iterations
        Of each spectrum. Default 100; convergence takes about 10.

    Returns
    -------
    FitResult
        Fields of the batch shape. A spectrum that cannot be fitted has NaN, a status and a reason; it never stops or
        changes another.

    Raises
    ------
    InputError
        Unknown engine or prior, `parameters` with the batch engine, or a spectral width that does not hold the windows.

    Notes
    -----
    The noise is measured in the residual, in the band of the resonances. ``crlb_*`` are Cramer-Rao bounds at the estimate;
    ``sd_*`` and covariances come from the observed information (the curvature of the fit itself), which describes the
    scatter better where lines rise little above the noise. Both hold for noise that is white in that band and a model that
    describes the data, with an exact begin time.

    References
    ----------
    Vanhamme, van den Boogaart, Van Huffel 1997, J Magn Reson 129:35-43, doi:10.1006/jmre.1997.1244 (AMARES).
    Cavassila et al. 2001, NMR Biomed 14:278-283, doi:10.1002/nbm.701 (Cramer-Rao bounds).

    Examples
    --------
    >>> import p31mg
    >>> spectra = p31mg.simulate(free_mg_mM=[0.3, 0.5, 0.8], prior="muscle-3t", snr=300, seed=1)
    >>> result = p31mg.fit(spectra, prior="muscle-3t")
    >>> bool((abs(result.shift_alpha_beta_ppm - spectra.truth.shift_alpha_beta_ppm) < 0.05).all())
    True
    """
    if engine not in ("batch", "lmfit"):
        raise UnknownNameError(kind="engine", name=engine, known=["batch", "lmfit"])
    if parameters is not None and engine != "lmfit":
        msg = 'parameters are given for engine "batch"; they belong to engine="lmfit".'
        raise InputError(msg)
    problem = Problem.of(spectra, load_prior(prior))
    _require_width(problem)

    fid = spectra.fid.reshape(-1, spectra.n_points)
    table = _Table(len(fid), problem)
    for start in range(0, len(fid), CHUNK):
        _fit_chunk(fid[start : start + CHUNK], problem, engine, parameters, max_iterations, table, start)
    return _result(table, spectra, problem, engine)


def _require_width(problem: Problem) -> None:
    width = 1.0 / problem.sampling.dwell_time_s
    e = problem.expectation
    reach = max(-e.shift_lower_hz.min(), e.shift_upper_hz.max())
    if reach > width / 2:
        msg = (
            f"spectral width is {width:g} Hz; prior {problem.prior.name!r} reaches {reach:.0f} Hz from PCr at "
            f"{problem.spectrometer_frequency_mhz:g} MHz and needs at least {2 * reach:.0f} Hz. "
            "Check the spectral width and the spectrometer frequency."
        )
        raise InputError(msg)


class _Table:
    """Rows of all spectra while chunks are fitted: reported parameters y, errors, and how it went."""

    def __init__(self, n: int, problem: Problem) -> None:
        n_resonances, n_reported = len(problem.prior.names), problem.ties.shape[0]
        self.y = np.full((n, n_reported), np.nan)
        self.covariance = np.full((n, n_reported, n_reported), np.nan)
        self.bound = np.full((n, n_reported), np.nan)
        self.bound_alpha_beta = np.full(n, np.nan)
        self.at_bound = np.zeros((n, n_reported), dtype=bool)
        self.noise_sd = np.full(n, np.nan)
        self.snr = np.full((n, n_resonances), np.nan)
        self.status = np.full(n, FitStatus.NO_SIGNAL, dtype=np.intp)
        self.converged = np.zeros(n, dtype=bool)
        self.n_iterations = np.zeros(n, dtype=np.intp)
        self.n_evaluations = np.zeros(n, dtype=np.intp)
        self.lmfit_results = np.full(n, None, dtype=object)


def _fit_chunk(
    fid: ComplexArray,
    problem: Problem,
    engine: str,
    parameters: Parameters | None,
    max_iterations: int,
    table: _Table,
    first: int,
) -> None:
    """Fit one chunk and write its rows, beginning at row `first`."""
    seen = look(fid, problem)
    chunk = slice(first, first + len(fid))
    table.status[chunk] = seen.status
    table.noise_sd[chunk] = seen.noise_sd
    table.snr[chunk, problem.reference] = seen.snr
    fid, scale, rows = seen.fid, seen.scale, first + seen.rows
    if not rows.size:
        return

    if engine == "batch":
        out = fit_stack(fid, problem.free(seen.y), problem, max_iterations)
    else:
        out, results = fit_each(fid, seen.y, problem, max_iterations, parameters, scale)
        table.lmfit_results[rows] = results

    p = out.y @ problem.from_carrier.T
    residual = scipy.fft.fft(fid - model_sum(p, problem.lines, problem.sampling))[:, problem.band_bins]
    noise = noise_sd_of_residual(residual, fid.shape[-1], problem.ties.shape[1])
    snr = norms(p, problem.lines, problem.sampling) / noise[:, None]

    for result, unit, sd in zip(table.lmfit_results[rows], scale, noise, strict=True):
        if result is not None:
            in_data_units(result, problem, float(unit), float(sd))

    units = _units(problem, scale)
    table.y[rows] = out.y * units
    bound, estimate = _unit_covariances(p, fid, out, problem)
    in_units = (noise**2)[:, None, None] * units[:, :, None] * units[:, None, :]
    bound = bound * in_units
    table.bound[rows] = np.einsum("bii->bi", bound)
    table.bound_alpha_beta[rows] = _variance_of_difference(bound, *_atp(problem))
    table.covariance[rows] = estimate * in_units
    table.at_bound[rows] = out.at_bound
    table.noise_sd[rows] = noise * scale
    table.snr[rows] = snr
    table.converged[rows] = out.converged
    table.n_iterations[rows] = out.n_iterations
    table.n_evaluations[rows] = out.n_evaluations
    table.status[rows] = _judge(out.converged, table.bound[rows], out.at_bound, snr, problem)


def _unit_covariances(
    p: FloatArray, fid: ComplexArray, out: EngineResult, problem: Problem
) -> tuple[FloatArray, FloatArray]:
    """Return Cramer-Rao bound and estimated covariance of the reported parameters for noise of sd 1, (B, 3K+1, 3K+1).

    The estimate comes from the observed information; where that is not positive definite, it is the bound.
    """
    expected, observed = curvatures(p, problem.sampling.blocks(fid), problem.lines, problem.sampling)
    to_core = problem.from_carrier @ out.sensitivity
    to_free = np.swapaxes(to_core, -1, -2)
    expected, observed = to_free @ expected @ to_core, to_free @ observed @ to_core
    bound = covariance(expected, out.held)
    estimate = covariance(observed, out.held, np.einsum("bii->bi", expected))
    estimate = np.where(np.isfinite(estimate), estimate, bound)
    back = np.swapaxes(out.sensitivity, -1, -2)
    return out.sensitivity @ bound @ back, out.sensitivity @ estimate @ back


def _variance_of_difference(covariance: FloatArray, first: int, second: int) -> FloatArray:
    """Return the variance of parameter `first` - `second`, shape (B,)."""
    both = covariance[:, first, second]
    return covariance[:, first, first] + covariance[:, second, second] - 2 * both


def _units(problem: Problem, scale: FloatArray) -> FloatArray:
    """Return what one unit of each reported parameter is in the result, (B, 3K+1): ppm, Hz, data units, radians."""
    k = len(problem.prior.names)
    units = np.ones((len(scale), 3 * k + 1))
    units[:, :k] = 1.0 / problem.spectrometer_frequency_mhz
    units[:, 2 * k : 3 * k] = scale[:, None]
    return units


def _atp(problem: Problem) -> list[int]:
    return [problem.prior.index("alpha_atp"), problem.prior.index("beta_atp")]


def _judge(
    converged: BoolArray,
    bound: FloatArray,
    at_bound: BoolArray,
    snr: FloatArray,
    problem: Problem,
) -> IntArray:
    """Return the status of fitted spectra: the first of these that holds."""
    atp = _atp(problem)
    return np.select(
        [
            ~converged,
            snr[:, problem.reference] < DETECTION_SNR,
            (snr[:, atp] < ATP_DETECTION_SNR).any(axis=-1),
            ~(bound >= 0).all(axis=-1),
            at_bound[:, atp].any(axis=-1),
        ],
        [
            FitStatus.NOT_CONVERGED,
            FitStatus.NO_SIGNAL,
            FitStatus.ATP_NOT_FOUND,
            FitStatus.SINGULAR,
            FitStatus.AT_BOUND,
        ],
        FitStatus.OK,
    ).astype(np.intp)


def _result(table: _Table, spectra: Spectra, problem: Problem, engine: str) -> FitResult:
    """Return the table in the batch shape, with the derived shifts and the quality of each row."""
    k = len(problem.prior.names)
    alpha, beta = _atp(problem)
    reference = problem.reference
    ok = table.status == FitStatus.OK
    no_signal = table.status == FitStatus.NO_SIGNAL
    table.y[no_signal] = np.nan
    table.covariance[no_signal] = np.nan

    table.bound[no_signal] = np.nan
    sd = np.sqrt(table.bound)
    sd_estimate = np.sqrt(np.einsum("bii->bi", table.covariance))
    shift = table.y[:, :k].copy()
    sd_shift = sd[:, :k].copy()
    shift_covariance = table.covariance[:, :k, :k].copy()
    offset, sd_offset = shift[:, reference].copy(), sd_shift[:, reference].copy()
    fitted = np.isfinite(offset)
    shift[fitted, reference] = 0.0
    sd_shift[fitted, reference] = 0.0
    shift_covariance[fitted, reference, :] = 0.0
    shift_covariance[fitted, :, reference] = 0.0

    amplitude = table.y[:, 2 * k : 3 * k]
    linewidth = table.y[:, k : 2 * k].copy()
    sd_linewidth = sd[:, k : 2 * k].copy()
    vanished = amplitude <= 0
    for values in (shift, sd_shift, linewidth, sd_linewidth):
        values[vanished] = np.nan

    variance = _variance_of_difference(table.covariance, alpha, beta)
    alpha_beta = np.where(ok, shift[:, alpha] - shift[:, beta], np.nan)
    low, high = PLAUSIBLE_SHIFT_ALPHA_BETA_PPM
    decisive = [alpha, beta, k + alpha, k + beta, k + reference]
    shape = spectra.batch_shape
    quality = Quality(
        converged=table.converged.reshape(shape),
        at_bound=table.at_bound[:, decisive].any(axis=-1).reshape(shape),
        snr_ok=(table.snr[:, [alpha, beta]] >= RELIABLE_ATP_SNR).all(axis=-1).reshape(shape),
        linewidth_ok=(linewidth[:, reference] < WIDEST_PCR_PPM * problem.spectrometer_frequency_mhz).reshape(shape),
        shift_in_range=((alpha_beta > low) & (alpha_beta < high)).reshape(shape),
    )
    phase = np.angle(np.exp(1j * table.y[:, -1]))

    def shaped(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values.reshape(shape + values.shape[1:])

    return FitResult(
        shift_alpha_beta_ppm=shaped(alpha_beta),
        sd_shift_alpha_beta_ppm=shaped(np.where(ok, np.sqrt(variance), np.nan)),
        crlb_shift_alpha_beta_ppm=shaped(np.where(ok, np.sqrt(table.bound_alpha_beta), np.nan)),
        shift_beta_pcr_ppm=shaped(np.where(ok, shift[:, beta], np.nan)),
        sd_shift_beta_pcr_ppm=shaped(np.where(ok, sd_estimate[:, beta], np.nan)),
        chemical_shift_ppm=shaped(shift),
        crlb_chemical_shift_ppm=shaped(sd_shift),
        linewidth_hz=shaped(linewidth),
        crlb_linewidth_hz=shaped(sd_linewidth),
        amplitude=shaped(amplitude),
        crlb_amplitude=shaped(sd[:, 2 * k : 3 * k]),
        covariance_shift_ppm2=shaped(shift_covariance),
        reference_offset_ppm=shaped(offset),
        crlb_reference_offset_ppm=shaped(sd_offset),
        phase_rad=shaped(phase),
        crlb_phase_rad=shaped(sd[:, -1]),
        noise_sd=shaped(table.noise_sd),
        snr=shaped(table.snr[:, reference]),
        snr_resonance=shaped(table.snr),
        status=shaped(table.status),
        quality=quality,
        n_iterations=shaped(table.n_iterations),
        n_evaluations=shaped(table.n_evaluations),
        engine=engine,
        lmfit_results=shaped(table.lmfit_results) if engine == "lmfit" else None,
        spectra=spectra,
        prior=problem.prior,
    )
