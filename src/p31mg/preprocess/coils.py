r"""Coils to one signal: whitened singular value decomposition (Rodgers & Robson 2010, doi:10.1002/mrm.22230).

Coil c receives :math:`x_c(t) = s_c\, g(t) + n_c(t)`: one signal, its own sensitivity, and noise with the covariance
:math:`\Psi` among coils. With :math:`\Psi = L L^H` the whitened data :math:`z = L^{-1} x` have independent noise of equal sd, and
their first left singular vector u points along :math:`L^{-1} s`. The best linear combination is

.. math:: y(t) = \frac{s^H \Psi^{-1} x(t)}{s^H \Psi^{-1} s}, \qquad s \propto L u,

whose signal-to-noise ratio squared is the sum of those of the whitened coils. Scale and phase of s cannot be told from those of
g: the root mean square of :math:`|s_c|` is set to 1, and the phase of the most sensitive coil to 0.

**How well s is found.** Noise tilts u by an angle whose square is about (C - 1)/E, E being the energy of the signal over the
noise variance in the data that u is found from, more where these hold much noise. So it is found from few numbers that hold most
of the signal: the first points, and of their transform the bins that stand out of the noise, of all transients together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from p31mg.acquisition import ProcessingStep, Spectra
from p31mg.arrays import BoolArray, ComplexArray, FloatArray
from p31mg.errors import InputError
from p31mg.preprocess.axes import REPEATED_AXES, axis_of, require_spectra
from p31mg.preprocess.signal import evenly, lasting_points, standing_out

__all__ = ["combine_coils"]

_TAIL = 2
"""The noise is measured in the last of so many parts of the FID."""
_NOISE_SAMPLES_PER_COIL = 512
"""With n of them for each coil the SNR squared that is lost is about 1/n."""
_FEWEST_NOISE_SAMPLES_PER_COIL = 4
_LEAST_EIGENVALUE = 1e-10
"""Of the noise correlation, relative to the largest: below it coils are copies of each other, or hold no noise."""
_LOOKED_AT = 32
"""Stacks of coils that tell how long the signal lasts."""


def combine_coils(
    spectra: Spectra, axis: str | None = None, *, noise: Spectra | npt.ArrayLike | None = None
) -> Spectra:
    """Return one signal of those of several coils, with the highest signal-to-noise ratio that they hold together.

    Sensitivities are found in the data, for every position by itself and for all its repetitions together (axes called ``dyn``,
    ``repetition``, ``transient``, ``average``, ``phase_cycle``, ``meas``). Combine coils before transients are averaged: the
    coils share the drift.

    Parameters
    ----------
    spectra
        A stack with an axis of coils.
    axis
        Name of that axis. Default None: the one called ``coil`` or ``channel``.
    noise
        A scan without signal: `Spectra` with an axis of the same name, or complex samples of shape (coils, n). Default None: the
        last half of all FIDs. What is left of the signal there does little harm: it lies in the direction that is kept.

    Returns
    -------
    Spectra
        Without the axis of coils. ``history[-1].found`` holds `sensitivity` (..., coils), whose root mean square is 1: the
        amplitude is that of a coil of usual sensitivity; `noise_sd` (coils,) per component; and `explained` (...), the part of
        the whitened energy that is one signal: near 1 for a good spectrum, near 1/coils for noise. A coil that holds zeros only
        has weight 0. FIDs of which any coil holds NaN come out as NaN.

    Raises
    ------
    InputError
        No such axis, one coil only, too few samples of noise, or noise in which coils are copies of each other.

    References
    ----------
    Rodgers & Robson 2010, Magn Reson Med 63:881-891, doi:10.1002/mrm.22230.

    Examples
    --------
    >>> import numpy as np
    >>> import p31mg
    >>> one = p31mg.simulate(0.5, prior="muscle-3t", seed=1)
    >>> noise = np.random.default_rng(1).standard_normal((8, 2048, 2)) @ [0.01, 0.01j]
    >>> coils = p31mg.Spectra(np.exp(1j * np.arange(8))[:, None] * one.fid + noise, one.acquisition, ("coil",))
    >>> combined = combine_coils(coils)
    >>> combined.batch_shape, bool(p31mg.fit(combined).snr > 2.7 * p31mg.fit(coils).snr.mean())
    ((), True)
    """
    require_spectra(spectra)
    where = axis_of(spectra, axis, ("coil", "channel"))
    n_coils = spectra.batch_shape[where]
    if n_coils < 2:
        msg = f"axis {spectra.axis_names[where]!r} holds {n_coils} coil; there is nothing to combine."
        raise InputError(msg)
    others = tuple(name for i, name in enumerate(spectra.axis_names) if i != where)
    x = np.moveaxis(spectra.fid, where, -2)
    samples = _tail(x) if noise is None else _noise_samples(noise, spectra.axis_names[where], n_coils)
    in_use, noise_sd, whitener = _whitening(samples)
    repeated = tuple(i for i, name in enumerate(others) if name in REPEATED_AXES)
    direction, explained = _first_singular_vector(x, noise_sd, in_use, whitener, repeated)
    weights, sensitivity = _weights(direction, in_use, whitener)
    with np.errstate(invalid="ignore"):  # NaN stay NaN
        combined = weights[..., None, :] @ x
    step = ProcessingStep(
        name="combine_coils",
        method="RF coil combination",
        parameters={"axis": spectra.axis_names[where], "noise": "tail of the FID" if noise is None else "given"},
        found={
            "sensitivity": sensitivity.squeeze(axis=repeated),
            "noise_sd": noise_sd,
            "explained": explained.squeeze(axis=repeated),
        },
    )
    return spectra.processed(combined[..., 0, :], step, others)


def _tail(x: ComplexArray) -> ComplexArray:
    """Return samples (C, n) of the ends of FIDs (..., C, N) that are finite, not more than are needed."""
    n_coils, n_tail = x.shape[-2], x.shape[-1] // _TAIL
    wanted = max(1, _NOISE_SAMPLES_PER_COIL * n_coils // n_tail)
    some = evenly(x[..., -n_tail:], 2, wanted)
    good = np.isfinite(some).all(axis=(-2, -1)) & some.any(axis=(-2, -1))
    return np.moveaxis(some[good], 1, 0).reshape(n_coils, -1)


def _noise_samples(noise: Spectra | npt.ArrayLike, axis: str, n_coils: int) -> ComplexArray:
    """Return samples (C, n) of a scan without signal."""
    if isinstance(noise, Spectra):
        samples = np.moveaxis(noise.fid, axis_of(noise, axis, ()), 0)
        samples = samples.reshape(len(samples), -1)
    else:
        samples = np.asarray(noise)
    if samples.ndim != 2 or len(samples) != n_coils or not np.iscomplexobj(samples):
        msg = f"noise has shape {samples.shape} ({samples.dtype}); it must be complex, ({n_coils}, n), for {n_coils} coils."
        raise InputError(msg)
    if not np.isfinite(samples).all():
        msg = "noise holds NaN or Inf; leave those samples out."
        raise InputError(msg)
    return samples


def _whitening(samples: ComplexArray) -> tuple[BoolArray, FloatArray, ComplexArray]:
    """Return which coils hold noise at all, the noise sd of each per component (C,), and L^-1 (U, U) of those that do."""
    n_coils, n = samples.shape
    if n < _FEWEST_NOISE_SAMPLES_PER_COIL * n_coils:
        msg = (
            f"noise has {n} usable samples for each of {n_coils} coils; at least {_FEWEST_NOISE_SAMPLES_PER_COIL * n_coils} are "
            "needed: give a scan without signal as noise."
        )
        raise InputError(msg)
    covariance = samples @ samples.conj().T / (2 * n)
    noise_sd = np.sqrt(np.diagonal(covariance).real)
    in_use = noise_sd > 0
    correlation = covariance[np.ix_(in_use, in_use)] / np.outer(noise_sd[in_use], noise_sd[in_use])
    eigenvalues = np.linalg.eigvalsh(correlation)
    if in_use.sum() < 2 or eigenvalues[0] <= _LEAST_EIGENVALUE * eigenvalues[-1]:
        msg = (
            "the noise of the coils cannot be told: fewer than two hold any, or some are copies of others; give a scan without "
            "signal as noise, or leave out such coils."
        )
        raise InputError(msg)
    return in_use, noise_sd, np.linalg.inv(np.linalg.cholesky(correlation)) / noise_sd[in_use]


def _first_singular_vector(
    x: ComplexArray, noise_sd: FloatArray, in_use: BoolArray, whitener: ComplexArray, repeated: tuple[int, ...]
) -> tuple[ComplexArray, FloatArray]:
    """Return u (..., U) of whitened FIDs x (..., C, N), and the part of the energy in it (...).

    Repetitions share both: their axes have length 1.
    """
    scale = noise_sd[in_use][:, None]
    n_lasting = lasting_points(evenly(x, 2, _LOOKED_AT)[..., in_use, :] / scale)
    first = x[..., in_use, :n_lasting] / scale
    first[~np.isfinite(first).all(axis=(-2, -1))] = 0.0
    bins = np.fft.fft(first, norm="ortho")
    stands_out = standing_out(bins, (*repeated, bins.ndim - 2))
    stands_out |= ~stands_out.any(axis=-1, keepdims=True)  # where nothing does: all bins, for want of better
    used = stands_out.any(axis=tuple(range(stands_out.ndim - 1)))
    z = (whitener * scale[:, 0]) @ np.where(stands_out[..., used], bins[..., used], 0.0)
    gram = (z @ np.swapaxes(z.conj(), -1, -2)).sum(axis=repeated, keepdims=True)
    values, vectors = np.linalg.eigh(gram)
    total = values.sum(axis=-1)
    return vectors[..., -1], np.divide(values[..., -1], total, out=np.zeros_like(total), where=total > 0)


def _weights(direction: ComplexArray, in_use: BoolArray, whitener: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Return weights (..., C) that the data are multiplied with and added, and sensitivities (..., C)."""
    of_used = direction @ np.linalg.inv(whitener).T
    sensitivity = np.zeros((*direction.shape[:-1], len(in_use)), dtype=np.complex128)
    weights = np.zeros_like(sensitivity)
    best = np.take_along_axis(of_used, np.abs(of_used).argmax(axis=-1)[..., None], axis=-1)
    scale = np.sqrt((np.abs(of_used) ** 2).sum(axis=-1, keepdims=True) / len(in_use)) * best / np.abs(best)
    sensitivity[..., in_use] = of_used / scale
    # s = L u / scale, so s^H Psi^-1 x / s^H Psi^-1 s = scale u^H L^-1 x: u has norm 1
    weights[..., in_use] = scale * (direction.conj() @ whitener)
    return weights, sensitivity
