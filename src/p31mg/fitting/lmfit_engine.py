"""The engine for one spectrum at a time whose parameters a user may edit: `lmfit` on the sampled signal.

It fits the same bins of the transform as the NumPy core but shares no arithmetic with it: model and Jacobian are written out
point by point in the time domain and transformed, and the minimiser is the trust-region-reflective one of SciPy. Agreement of
the two engines is a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import ComplexArray, FloatArray, IntArray
from p31mg.core.bins import NormalEquations
from p31mg.core.signal import model_fid
from p31mg.core.start import take_bins
from p31mg.errors import InputError
from p31mg.fitting.batch_engine import EngineResult
from p31mg.fitting.problem import LARGEST_SKEW_PER_HZ, Problem
from p31mg.fitting.status import FitStatus
from p31mg.fitting.survey import look
from p31mg.prior import Prior, load_prior

if TYPE_CHECKING:
    from lmfit import Parameters

__all__ = ["fit_each", "in_data_units", "lmfit_parameters"]


def lmfit_parameters(spectra: Spectra, prior: Prior | str = "muscle-3t") -> Parameters:
    """Return the `lmfit.Parameters` of a fit, with start values from one spectrum, ready to be edited.

    Parameters
    ----------
    spectra
        One spectrum, batch shape ().
    prior
        Name of a packaged prior, path of a TOML file, or a `Prior`. Default ``"muscle-3t"``.

    Returns
    -------
    lmfit.Parameters
        ``reference_offset_ppm`` (PCr from the carrier), ``phase_rad``, and per resonance ``<name>_shift_ppm`` (from
        PCr, or what the prior has as reference; not for itself), ``<name>_linewidth_hz`` and ``<name>_amplitude``; and what the
        prior lets all resonances have in common. Change value, bounds, `vary` or
        `expr`, and pass them to ``p31mg.fit(..., engine="lmfit", parameters=...)``.

    Raises
    ------
    InputError
        `spectra` is a stack.

    Examples
    --------
    >>> import p31mg
    >>> spectrum = p31mg.simulate(free_mg_mM=0.5, prior="muscle-3t", snr=300, seed=1)
    >>> parameters = lmfit_parameters(spectrum, "muscle-3t")
    >>> parameters["nad_shift_ppm"].set(value=-8.2, vary=False)
    >>> fit = p31mg.fit(spectrum, prior="muscle-3t", engine="lmfit", parameters=parameters)
    >>> round(float(fit.chemical_shift_ppm[fit.names.index("nad")]), 3)
    -8.2
    """
    if spectra.batch_shape != ():
        msg = f"spectra has the batch shape {spectra.batch_shape}; lmfit_parameters takes one spectrum, shape ()."
        raise InputError(msg)
    problem = Problem.of(spectra, load_prior(prior))
    seen = look(spectra.fid[None], problem)
    if not seen.rows.size:
        msg = f"spectra has no start values: {FitStatus(int(seen.status[0])).message}."
        raise InputError(msg)
    return _rescaled(_parameters(problem, seen.y[0]), _names(problem), float(seen.scale[0]))


def fit_each(
    spectrum: ComplexArray,
    start: FloatArray,
    problem: Problem,
    max_iterations: int,
    noise_variance: FloatArray,
    edited: Parameters | None,
    scale: FloatArray,
) -> tuple[EngineResult, list[Any]]:
    """Fit transforms (B, n_points) of signals of order 1 one by one from reported start values (B, 3K+1).

    `noise_variance` (B,) weighs what is known of the begin time. `edited` replaces start values and bounds (the same for all);
    its amplitudes are in units of the data, which are `scale` (B,) times those of the signals.
    """
    import lmfit

    names = _names(problem)
    centre, _ = problem.nearest_bin(start)
    bins = (centre[:, None] + problem.bins) % problem.sampling.n_points
    results, rows = [], []
    for transform, which, y, unit, variance in zip(spectrum, bins, start, scale, noise_variance, strict=True):
        parameters = _parameters(problem, y) if edited is None else _rescaled(edited, names, 1.0 / unit)
        _require_names(parameters, names)
        minimiser = lmfit.Minimizer(
            _residual,
            parameters,
            fcn_args=(
                transform[which],
                which,
                problem,
                names,
                np.sqrt(variance * problem.reported_penalty.inverse_variance),
            ),
            scale_covar=False,
            nan_policy="raise",
        )
        result = minimiser.minimize(
            method="least_squares",
            Dfun=_jacobian,
            x_scale="jac",
            ftol=1e-15,
            xtol=1e-12,
            gtol=1e-15,
            max_nfev=10 * max_iterations,
        )
        rows.append(_row(result, problem, names))
        results.append(result)
    y, at_bound, sensitivity, held, converged, evaluations = (np.array(c) for c in zip(*rows, strict=True))
    centre, seen = problem.nearest_bin(y)
    data = take_bins(spectrum, centre, problem.bins)
    at = problem.reported_model.evaluate(seen, data, curved=True)
    cost, at = at.cost, _along(sensitivity, problem.reported_penalty.added(at, seen, noise_variance))
    at = replace(at, cost=cost)
    return EngineResult(y, at_bound, sensitivity, held, at, converged, evaluations, evaluations), results


def _along(sensitivity: FloatArray, at: NormalEquations) -> NormalEquations:
    """Return the least-squares quantities of the varied parameters from those of the reported ones."""
    back = np.swapaxes(sensitivity, -1, -2)
    gradient = (back @ at.gradient[..., None])[..., 0]
    return NormalEquations(at.cost, gradient, back @ at.information @ sensitivity, back @ at.hessian @ sensitivity)


def _names(problem: Problem) -> list[str]:
    """Return the parameter names in the order of the reported parameters y."""
    prior = problem.prior
    shifts = ["reference_offset_ppm" if n == prior.reference else f"{n}_shift_ppm" for n in prior.names]
    widths = [f"{n}_linewidth_hz" for n in prior.names]
    return [*shifts, *widths, *(f"{n}_amplitude" for n in prior.names), "phase_rad", *problem.common]


def _units(problem: Problem) -> FloatArray:
    """Return what one unit of each lmfit parameter is in reported parameters: MHz for ppm, 1 otherwise."""
    k = len(problem.prior.names)
    return np.concatenate([np.full(k, problem.spectrometer_frequency_mhz), np.ones(problem.ties.shape[0] - k)])


def _parameters(problem: Problem, y: FloatArray) -> Parameters:
    import lmfit

    k = len(problem.prior.names)
    names, values = _names(problem), y / _units(problem)
    shift_bounds = np.array([r.shift_bounds_ppm for r in problem.prior.resonances]) - problem.reference_ppm
    shift_bounds[problem.reference] += values[problem.reference]
    widths = np.array([r.linewidth_bounds_hz for r in problem.prior.resonances])
    amplitudes, phase = np.tile([0.0, np.inf], (k, 1)), [[-np.inf, np.inf]]
    lower, upper = np.concatenate([shift_bounds, widths, amplitudes, phase, problem.common_bounds.T]).T
    parameters = lmfit.Parameters()
    for name, value, low, high in zip(names, values, lower, upper, strict=True):
        parameters.add(name, value=float(np.clip(value, low, high)), min=float(low), max=float(high))
    for resonance in problem.prior.resonances:
        if resonance.linewidth_as:
            ratio = resonance.linewidth_hz / problem.prior[resonance.linewidth_as].linewidth_hz
            expression = f"{ratio!r} * {resonance.linewidth_as}_linewidth_hz"
            parameters[f"{resonance.name}_linewidth_hz"].set(expr=expression, min=0.0, max=np.inf)
    if "field_skew_hz" in names:
        largest = LARGEST_SKEW_PER_HZ * parameters["gaussian_linewidth_hz"].value
        parameters.add("field_skew_share", value=float(parameters["field_skew_hz"].value / largest), min=-1.0, max=1.0)
        expression = f"field_skew_share * {LARGEST_SKEW_PER_HZ!r} * gaussian_linewidth_hz"
        parameters["field_skew_hz"].set(expr=expression, min=-np.inf, max=np.inf)
    return parameters


def _require_names(parameters: Parameters, names: Sequence[str]) -> None:
    missing = [n for n in names if n not in parameters]
    if missing:
        msg = (
            f"parameters lack {', '.join(missing)}; start from p31mg.lmfit_parameters(spectrum, prior) "
            "with the same prior and edit those."
        )
        raise InputError(msg)


def _values(parameters: Parameters, problem: Problem, names: Sequence[str]) -> FloatArray:
    return np.array([parameters[n].value for n in names]) * _units(problem)


def _residual(
    parameters: Parameters,
    data: ComplexArray,
    bins: IntArray,
    problem: Problem,
    names: Sequence[str],
    known: FloatArray,
) -> FloatArray:
    """Return what the model leaves of the data, and of what is known of the parameters (`known`, weights by their order)."""
    y = _values(parameters, problem, names)
    signal = model_fid(problem.from_carrier @ y, problem.lines, problem.sampling).sum(axis=0)
    left = _stacked(np.fft.fft(signal)[bins] - data) / np.sqrt(problem.sampling.n_points)
    return np.concatenate([left, (known * (y - problem.reported_penalty.expected))[known > 0]])


def _jacobian(
    parameters: Parameters,
    data: ComplexArray,
    bins: IntArray,
    problem: Problem,
    names: Sequence[str],
    known: FloatArray,
) -> FloatArray:
    """Return the Jacobian of `_residual` for the varying parameters: per resonance, then along the ties."""
    del data
    lines = problem.lines
    k = lines.n_resonances
    p = problem.from_carrier @ _values(parameters, problem, names)
    time = problem.sampling.time_s + lines.begin_shift_s(p)
    exponents = lines.exponents(p)
    shapes = lines.turns(p)[:, None] * np.exp(exponents[:, None] * time)  # of every line, with unit amplitude
    signals = lines.amplitudes(p)[:, None] * shapes
    columns = lines.slope.T @ (time * signals)
    columns[2 * k : 3 * k] = lines.by_amplitude.T @ shapes
    columns += 1j * (lines.phase_slope.T @ signals)
    if lines.fits_begin_time:
        columns[-1] = exponents @ signals
    by_reported = np.fft.fft(columns)[:, bins].T @ problem.from_carrier
    by_reported /= np.sqrt(problem.sampling.n_points)
    sensitivity = _sensitivity(parameters, problem, names)
    return np.concatenate([_stacked((by_reported @ sensitivity).T).T, (known[:, None] * sensitivity)[known > 0]])


def _stacked(signal: np.ndarray[Any, Any]) -> FloatArray:
    return np.concatenate([signal.real, signal.imag], axis=-1)


def _sensitivity(parameters: Parameters, problem: Problem, names: Sequence[str]) -> FloatArray:
    """Return d(reported)/d(varying), shape (3K+1, n_varying), through whatever expressions tie the parameters."""
    varying = [n for n in parameters if parameters[n].vary and not parameters[n].expr]
    if not any(p.expr for p in parameters.values()) and set(varying) <= set(names):
        return (np.array(names)[:, None] == np.array(varying)[None, :]) * _units(problem)[:, None]
    columns = []
    for name in varying:
        value = parameters[name].value
        step = 1e-5 * max(abs(value), 1.0)
        ends = []
        for end in (value + step, value - step):
            parameters[name].value = end
            parameters.update_constraints()
            ends.append(_values(parameters, problem, names))
        parameters[name].value = value
        columns.append((ends[0] - ends[1]) / (2 * step))
    parameters.update_constraints()
    return np.stack(columns, axis=-1)


def _row(result: Any, problem: Problem, names: Sequence[str]) -> tuple[Any, ...]:
    """Return the columns of `EngineResult` for one spectrum."""
    y = _values(result.params, problem, names)
    at_bound = np.array([_on_edge(result.params[n]) for n in names])
    sensitivity = _sensitivity(result.params.copy(), problem, names)
    held = np.array([_on_edge(result.params[n]) for n in result.var_names])
    return y, at_bound, sensitivity, held, bool(result.success), int(result.nfev)


def _on_edge(parameter: Any) -> bool:
    reach = 1e-6 * max(abs(parameter.value), 1e-6)
    return bool(parameter.vary and (parameter.value - parameter.min < reach or parameter.max - parameter.value < reach))


def _rescaled(parameters: Parameters, names: Sequence[str], factor: float) -> Parameters:
    out = parameters.copy()
    for name in names:
        if name.endswith("_amplitude") and name in out and not out[name].expr:
            p = out[name]
            p.set(value=float(p.value * factor), min=p.min * factor, max=p.max * factor)
    return out


def in_data_units(result: Any, problem: Problem, unit: float, noise_sd: float) -> None:
    """Give the parameters of an lmfit result amplitudes in units of the data, and errors for the noise that was measured.

    `unit` is what 1 was in the fit; `noise_sd` is in that unit.
    """
    names = _names(problem)
    result.params = _rescaled(result.params, names, unit)
    for name, parameter in result.params.items():
        if parameter.stderr is not None:
            parameter.stderr *= noise_sd * (unit if name.endswith("_amplitude") else 1.0)
