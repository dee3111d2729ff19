"""`fit`: validate, find start values, run an engine, judge what came out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import ComplexArray, FloatArray, IntArray
from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T
from p31mg.errors import InputError, P31mgWarning, UnknownNameError
from p31mg.fitting.batch_engine import fit_stack
from p31mg.fitting.ladder import Ladder
from p31mg.fitting.lmfit_engine import fit_each, in_data_units
from p31mg.fitting.models import Choice, with_couplings, with_phase_model
from p31mg.fitting.problem import Problem
from p31mg.fitting.result import FitResult
from p31mg.fitting.rows import Rows, result_of
from p31mg.fitting.survey import CHUNK, Look, look
from p31mg.fitting.uncertainty import uncertainty_of
from p31mg.fitting.workers import for_each
from p31mg.prior import Prior, load_prior

if TYPE_CHECKING:
    from lmfit import Parameters

__all__ = ["ENGINES", "fit"]

ENGINES = ("batch", "lmfit")

_LEAST_PART, _LARGEST_PART = 128, 2048
"""Spectra that a worker takes at once: enough to be worth a process, few enough for workers to end together."""

_LARGEST_BLOCK = 31 * 2**20
"""Bytes, just below the most that glibc's limits grow to."""


def fit(
    spectra: Spectra,
    prior: Prior | str | Path = "muscle-3t",
    *,
    engine: Literal["batch", "lmfit"] = "batch",
    phase_model: Literal["auto", "locked", "begin-time", "free"] = "auto",
    lineshape: Literal["auto", "prior"] = "auto",
    baseline: Literal["auto", "none"] | int = "auto",
    parameters: Parameters | None = None,
    max_iterations: int = 100,
    workers: int = 1,
) -> FitResult:
    """Fit all resonances of every spectrum jointly and return the ATP shifts with their errors.

    The model is that of the conventions page: damped multiplets whose phases follow from one and the begin time, no apodisation
    and no zero filling. Where a spectrum asks for more, it gets it (``docs/fitting.md``). Each finds its own offset from PCr.

    Parameters
    ----------
    spectra
        One spectrum or a stack; see `read`, `simulate` and `Spectra`.
    prior
        Name of a packaged prior, path of a TOML file, or a `Prior`. Default ``"muscle-3t"``.
    engine
        ``"batch"`` (default): the NumPy core on the whole stack. ``"lmfit"``: one by one with `lmfit`, slower, with
        parameters that can be edited.
    phase_model
        ``"locked"``: all phases follow from one and the begin time, which is exact. ``"begin-time"``: the begin time is fitted,
        with the sd that the acquisition states (flat within 1 ms where it states none). ``"free"``: a phase for every resonance;
        says least and asks least. Default ``"auto"``: as the prior says, or else ``"begin-time"`` where the begin time has an sd
        and ``"locked"`` where it has none.
    lineshape
        Default ``"auto"``: the couplings of ATP are fitted around what the prior expects (sd 3 Hz); where the reference shows
        that its line is not Lorentzian, the spectrum is fitted again with lines that an inhomogeneous, perhaps skewed field
        broadens all alike; see `FitResult.gaussian_linewidth_hz`. ``"prior"``: lineshape and couplings of the prior.
    baseline
        Default ``"auto"``: where the first points hold a broad signal (wider than 6 ppm), the spectrum is fitted again without
        them, the model reaching back; see `FitResult.first_point`. ``"none"``: all points. A number: that many first points are
        left out.
    parameters
        For the lmfit engine: edited `lmfit_parameters`, used for every spectrum. Default None: automatic.
    max_iterations
        Of each spectrum. Default 100; convergence takes about 5, three times as many at low SNR.
    workers
        Processes that share the stack (engine ``"batch"`` on Linux, forked for the call) or threads. Default 1. Worth it from
        some hundred spectra on. The result does not depend on it, to the last bit.

    Returns
    -------
    FitResult
        Fields of the batch shape. A spectrum that cannot be fitted has NaN, a status and a reason; it never stops or
        changes another.

    Raises
    ------
    InputError
        Unknown engine or prior, `parameters` with the batch engine, or a spectral width that does not hold the windows.

    Warns
    -----
    P31mgWarning
        The prior is for another field than that of the data, or something was done to the spectra that makes the errors wrong
        (see `Spectra.history`).

    Notes
    -----
    Fitted are the bins of the discrete Fourier transform in the windows of the prior and 1.5 ppm around them, of the points in
    which PCr has not decayed: what is left out would tell 0.1 % of what is known of the shifts. The noise is measured in the
    residual there. ``crlb_*`` are Cramer-Rao bounds at the estimate; ``sd_*`` and covariances come from the observed information
    (the curvature of the fit itself) and grow by 30/SNR^2 of each resonance, which describes the scatter where lines rise
    little above the noise. Both hold for noise that is white in those bins and a model that describes the data; what is known of
    the begin time and the couplings beforehand, as a Gaussian, is in both.

    The result of a spectrum is the same to the last bit in whatever stack it is fitted.

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
    if not isinstance(spectra, Spectra):
        msg = (
            f"spectra is a {type(spectra).__name__}; give p31mg.Spectra(fid, acquisition), or what p31mg.read returns."
        )
        raise InputError(msg)
    if engine not in ENGINES:
        raise UnknownNameError(kind="engine", name=engine, known=ENGINES)
    if parameters is not None and engine != "lmfit":
        msg = 'parameters are given for engine "batch"; they belong to engine="lmfit".'
        raise InputError(msg)
    if not (isinstance(max_iterations, (int, np.integer)) and max_iterations >= 1):  # type: ignore[redundant-expr]
        msg = f"max_iterations is {max_iterations!r}; it must be a whole number, at least 1."
        raise InputError(msg)
    if not (isinstance(workers, (int, np.integer)) and workers >= 1):  # type: ignore[redundant-expr]
        msg = f"workers is {workers!r}; it must be a whole number, at least 1."
        raise InputError(msg)
    if parameters is not None:  # they name the parameters of one model
        lineshape, baseline = "prior", "none" if baseline == "auto" else baseline
    choice = Choice(phase_model, lineshape, baseline)
    if not isinstance(baseline, str) and baseline > spectra.n_points // 2:
        msg = f"baseline is {baseline}; of {spectra.n_points} points at most half can be left out."
        raise InputError(msg)
    given = load_prior(prior).at(spectra.acquisition.spectrometer_frequency_mhz)
    knowledge = with_phase_model(given, phase_model, spectra.acquisition)
    if parameters is None and lineshape == "auto":
        knowledge = with_couplings(knowledge)
    whole = Problem.of(spectra, knowledge)
    ladder = Ladder.of(whole, choice)
    _require_width(ladder.lean)
    _warn_of_another_field(whole)
    _warn_of_processing(spectra)

    _keep_freed_memory()
    fid = spectra.fid.reshape(-1, spectra.n_points)

    def fit_part(part: slice) -> Rows:
        rows = Rows(len(fid[part]), ladder.richest)
        _Climb(fid[part], rows, ladder, whole, engine, max_iterations, parameters).fit()
        return rows

    parts = _parts(len(fid), workers)
    rows = Rows.joined(for_each(fit_part, parts, workers, processes=engine == "batch"))
    return result_of(rows, spectra, engine, given)


@dataclass
class _Climb:
    """Fits signals (n, N) from the lean model to the richer ones that they ask for, and writes what comes out to their rows."""

    fid: ComplexArray
    rows: Rows
    ladder: Ladder
    whole: Problem
    engine: str
    max_iterations: int
    parameters: Parameters | None

    def __post_init__(self) -> None:
        self.scale = np.full(len(self.fid), np.nan)  # what 1 is in the fit

    def fit(self) -> None:
        rows = self.rows
        seen = _look_at_all(self.fid, self.ladder.lean, rows)
        self.scale[seen.rows] = seen.scale
        self._fit_rows(self.ladder.lean, seen.rows, seen.y)
        for problem, needs_it in self.ladder.steps():
            which = np.flatnonzero(needs_it(rows))
            if which.size:  # else nothing of this model is prepared
                self._fit_rows(problem, which, rows.start(which, self.scale[which], problem))

    def _fit_rows(self, problem: Problem, which: IntArray, start: FloatArray) -> None:
        for short, part in _portions(problem, start):
            self._fit_portion(short, which[part], start[part])

    def _fit_portion(self, problem: Problem, which: IntArray, start: FloatArray) -> None:
        rows, scale = self.rows, self.scale[which]
        noise_sd = rows.late_noise_sd[which] / scale
        spectrum = problem.transformed(self.fid, which, scale)
        results: Sequence[Any] = [None] * len(which)
        if self.engine == "batch":
            out = fit_stack(spectrum, start, problem, self.max_iterations, noise_sd**2)
        else:
            out, results = fit_each(spectrum, start, problem, self.max_iterations, noise_sd**2, self.parameters, scale)
        uncertainty = uncertainty_of(out, problem, self.whole.sampling)
        written = rows.put(which, out, uncertainty, scale, problem)
        evidence = self.ladder.evidence(problem)
        residual = evidence.left_over(spectrum, out.y)
        for row, value in (
            (rows.moved, (out.y[:, problem.alpha_beta] != start[:, problem.alpha_beta]).any(axis=-1)),
            (rows.excess, evidence.excess(residual, noise_sd)),
            (rows.is_broad, evidence.broad(residual, noise_sd)),
            (rows.is_misshapen, evidence.misshapen(residual, out.y, noise_sd)),
        ):
            row[which[written]] = value[written]
        for row, result, unit, sd, is_of_row in zip(which, results, scale, uncertainty.noise_sd, written, strict=True):
            if result is not None and is_of_row:
                in_data_units(result, problem, float(unit), float(sd))
                rows.lmfit_results[row] = result


def _parts(n: int, workers: int) -> list[slice]:
    """Return the parts of a stack that workers take one after the other; one for a single worker."""
    each = max(_LEAST_PART, min(_LARGEST_PART, -(-n // workers))) if workers > 1 else max(n, 1)
    return [slice(first, first + each) for first in range(0, max(n, 1), each)]


def _keep_freed_memory() -> None:
    """Keep glibc's malloc from giving every large array back to the system.

    Its limits grow to the largest block that was ever freed. One that is never touched costs nothing and saves the
    page faults of a large fit. Other allocators do not mind.
    """
    block = np.empty(_LARGEST_BLOCK, dtype=np.uint8)
    del block


def _look_at_all(fid: ComplexArray, problem: Problem, rows: Rows) -> Look:
    """Return the first look at all signals (n, N), and write what it tells to the rows."""
    seen = Look.joined([look(fid[i : i + CHUNK], problem) for i in range(0, max(len(fid), 1), CHUNK)])
    rows.status[:] = seen.status
    rows.noise_sd[:] = rows.late_noise_sd[:] = seen.noise_sd
    rows.snr[:, problem.reference] = seen.snr
    return seen


def _portions(problem: Problem, start: FloatArray) -> list[tuple[Problem, IntArray]]:
    """Return which signals to fit together, and with how many of their points, by start values (B, n)."""
    length = problem.enough_for(start[:, len(problem.prior.names) + problem.reference])
    portions = []
    for i, short in enumerate(problem.shortened):
        alike = np.flatnonzero(length == i)
        portions += [(short, alike[first : first + CHUNK]) for first in range(0, len(alike), CHUNK)]
    return portions


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


def _warn_of_another_field(problem: Problem) -> None:
    field_t = problem.spectrometer_frequency_mhz / LARMOR_FREQUENCY_31P_MHZ_PER_T
    of_prior = problem.prior.field_strength_t
    if not 0.75 < field_t / of_prior < 1.33:
        msg = (
            f"prior {problem.prior.name!r} is for {of_prior:g} T, but {problem.spectrometer_frequency_mhz:g} MHz is "
            f"{field_t:.1f} T: linewidths and neighbours differ; choose a prior of that field, or one for any, "
            "as 'muscle'."
        )
        warnings.warn(msg, P31mgWarning, stacklevel=3)


def _warn_of_processing(spectra: Spectra) -> None:
    """Repeat what each step of the history has to say about a fit, once."""
    for caution in dict.fromkeys(step.caution for step in spectra.history if step.caution):
        warnings.warn(caution, P31mgWarning, stacklevel=3)
