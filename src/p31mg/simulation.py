"""Spectra with known truth: the signal model of the conventions page, shifts from magnesium, noise per component."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from p31mg.acquisition import Acquisition, Spectra
from p31mg.arrays import ComplexArray, FloatArray
from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T, PLAUSIBLE_PH
from p31mg.core.signal import Sampling, model_fid
from p31mg.errors import InputError
from p31mg.magnesium import Calibration, get_calibration, get_ph_equation
from p31mg.magnesium.arguments import numbers
from p31mg.prior import Prior, common_range, line_structure, load_prior

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SimulatedSpectra", "Truth", "default_acquisition", "simulate"]


N_POINTS = 2048


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What went into simulated spectra; ``...`` is their batch shape, K the resonances in the order of `names`.

    Attributes
    ----------
    names
        Of the resonances.
    free_mg_mM
        (...,) free Mg2+, in mM.
    shift_alpha_beta_ppm
        (...,) delta(alpha) - delta(beta), in ppm.
    chemical_shift_ppm, linewidth_hz, amplitude
        (..., K) multiplet centres from PCr, FWHM of one line in Hz, signal of the multiplet at time 0.
    phase_rad, frequency_offset_hz, ph
        (...,) as they were given.
    snr, noise_sd
        (...,) matched-filter SNR of the reference, and the sd of one component of one point.
    calibration
        Name of the calibration that turned Mg2+ into shifts.

    Examples
    --------
    >>> truth = simulate([0.3, 0.5], prior="muscle-3t", snr=100, seed=1).truth
    >>> truth.chemical_shift_ppm.shape, truth.shift_alpha_beta_ppm.round(3).tolist()
    ((2, 8), [8.638, 8.531])
    """

    names: tuple[str, ...]
    free_mg_mM: FloatArray
    shift_alpha_beta_ppm: FloatArray
    chemical_shift_ppm: FloatArray
    linewidth_hz: FloatArray
    amplitude: FloatArray
    phase_rad: FloatArray
    frequency_offset_hz: FloatArray
    ph: FloatArray
    snr: FloatArray
    noise_sd: FloatArray
    calibration: str

    def __repr__(self) -> str:
        mg = self.free_mg_mM
        found = f"{mg.min():g} to {mg.max():g}" if mg.size else "no"
        return f"<Truth {mg.shape} of {len(self.names)} resonances: {found} mM free Mg2+ by {self.calibration}>"

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per spectrum."""
        import pandas as pd

        columns = {
            "free_mg_mM": self.free_mg_mM,
            "shift_alpha_beta_ppm": self.shift_alpha_beta_ppm,
            "snr": self.snr,
            "noise_sd": self.noise_sd,
            "phase_deg": np.degrees(self.phase_rad),
            "frequency_offset_hz": self.frequency_offset_hz,
            "ph": self.ph,
        }
        columns |= {f"{n}_chemical_shift_ppm": self.chemical_shift_ppm[..., k] for k, n in enumerate(self.names)}
        columns |= {f"{n}_linewidth_hz": self.linewidth_hz[..., k] for k, n in enumerate(self.names)}
        return pd.DataFrame({name: np.ravel(values) for name, values in columns.items()})


@dataclass(frozen=True, repr=False)
class SimulatedSpectra(Spectra):
    """`Spectra` that know their `truth`.

    Attributes
    ----------
    truth
        A `Truth` of the batch shape; all else is as in `Spectra`.

    Examples
    --------
    >>> simulate(0.5, prior="muscle-3t", snr=100, seed=1)
    <SimulatedSpectra () x 2048 points, 51.705 MHz, 5000 Hz, begin time 0.5 ms>
    """

    truth: Truth = field(kw_only=True)


def simulate(
    free_mg_mM: npt.ArrayLike,
    *,
    prior: Prior | str | Path = "muscle-3t",
    snr: npt.ArrayLike = np.inf,
    seed: int | np.random.Generator | None = None,
    phase_rad: npt.ArrayLike = 0.0,
    frequency_offset_hz: npt.ArrayLike = 0.0,
    broadening_hz: npt.ArrayLike = 0.0,
    ph: npt.ArrayLike = 7.05,
    amplitude: npt.ArrayLike | None = None,
    calibration: Calibration | str | Path = "gupta-1978",
    acquisition: Acquisition | None = None,
    n_points: int = N_POINTS,
) -> SimulatedSpectra:
    """Return spectra of a prior set for given magnesium, with their truth.

    Alpha-ATP stays where the prior has it and beta-ATP moves by the inverse of the calibration (for a calibration of the beta
    shift, beta itself is set). Pi moves with pH. Everything else is the prior's expectation. All arguments that are arrays
    broadcast to the batch shape.

    Parameters
    ----------
    free_mg_mM
        Free Mg2+ in mM, above 0.
    prior
        Name, path or `Prior`: the resonances, their widths, couplings and amplitudes. Default ``"muscle-3t"``.
    snr
        Matched-filter SNR of the reference (PCr) as in the conventions. Default infinite: no noise.
    seed
        Of the noise: an int for repeatable noise, or a Generator. Default None: different noise at each call.
    phase_rad
        Zero-order phase, radians. Default 0.
    frequency_offset_hz
        Position of PCr from the carrier, Hz. Default 0.
    broadening_hz
        Added to the linewidth of every resonance, as a worse shim does; may be negative. Default 0.
    ph
        Sets the shift of Pi by the equation of Taylor 1983. Default 7.05, resting muscle.
    amplitude
        Amplitudes, shape (..., K). Default None: the prior's, PCr = 1.
    calibration
        That turns magnesium into shift: a name, the path of a TOML file, or a calibration. Default ``"gupta-1978"``.
    acquisition
        Default None: the prior's field, a spectral width of about 100 ppm (5 kHz at 3 T), begin time 0.5 ms.
    n_points
        Default 2048.

    Returns
    -------
    SimulatedSpectra
        FIDs of shape (..., n_points), with their `truth`.

    Raises
    ------
    InputError
        Magnesium, SNR or a linewidth that is not above 0.
    UnknownNameError
        Unknown prior or calibration.

    Examples
    --------
    >>> spectra = simulate([0.3, 0.5, 0.8], prior="muscle-3t", snr=300, seed=1)
    >>> spectra.truth.shift_alpha_beta_ppm.round(3).tolist()
    [8.638, 8.531, 8.466]
    """
    prior = load_prior(prior)
    chosen = get_calibration(calibration)
    mg, snr_, phase, offset, broadening, ph_ = _broadcast(
        free_mg_mM=free_mg_mM,
        snr=snr,
        phase_rad=phase_rad,
        frequency_offset_hz=frequency_offset_hz,
        broadening_hz=broadening_hz,
        ph=ph,
    )
    if ((ph_ < PLAUSIBLE_PH[0]) | (ph_ > PLAUSIBLE_PH[1])).any():
        msg = f"ph is {ph_.min():g} to {ph_.max():g}; a tissue pH is between 5 and 9."
        raise InputError(msg)
    if not (snr_ > 0).all():
        msg = f"snr is {snr_[~(snr_ > 0)].flat[0]:g}; it must be above 0 (infinite for no noise)."
        raise InputError(msg)
    if acquisition is None:
        acquisition = default_acquisition(prior)
    hz = acquisition.spectrometer_frequency_mhz
    prior = prior.at(hz)

    shift = _shifts(prior, mg, ph_, chosen)
    linewidth = np.array([r.linewidth_hz for r in prior.resonances]) + broadening[..., None]
    if not (linewidth > 0).all():
        msg = f"broadening_hz is {broadening.min():g}; it leaves a linewidth of {linewidth.min():g} Hz, which must be above 0."
        raise InputError(msg)
    amplitudes = _amplitudes(prior, amplitude, shift.shape)

    expected = common_range(prior)[0]
    common = np.broadcast_to(expected, (*phase.shape, len(expected)))
    p = np.concatenate([shift * hz + offset[..., None], linewidth, amplitudes, phase[..., None], common], axis=-1)
    sampling = Sampling(n_points, acquisition.dwell_time_s, acquisition.begin_time_s)
    per_resonance = _signals(p, prior, shift, hz, sampling)
    reference_height = np.linalg.norm(per_resonance[..., prior.index(prior.reference), :], axis=-1)
    noise_sd = reference_height / snr_
    fid = per_resonance.sum(axis=-2)
    rng = _generator(seed)
    noise = rng.standard_normal((2, *fid.shape))
    fid = fid + noise_sd[..., None] * (noise[0] + 1j * noise[1])
    alpha, beta = prior.index("alpha_atp"), prior.index("beta_atp")
    truth = Truth(
        names=prior.names,
        free_mg_mM=mg,
        shift_alpha_beta_ppm=shift[..., alpha] - shift[..., beta],
        chemical_shift_ppm=shift,
        linewidth_hz=linewidth,
        amplitude=amplitudes,
        phase_rad=phase,
        frequency_offset_hz=offset,
        ph=ph_,
        snr=snr_,
        noise_sd=noise_sd,
        calibration=chosen.id,
    )
    return SimulatedSpectra(fid, acquisition, source=f"simulated, {prior.name}", truth=truth)


def _signals(
    p: FloatArray, prior: Prior, shift_ppm: FloatArray, frequency_mhz: float, sampling: Sampling
) -> ComplexArray:
    """Return the signal of each resonance, (..., K, N), with the lines of coupled spins exact at the shifts of each spectrum."""
    if prior.coupling == "first-order":
        return model_fid(p, line_structure(prior, frequency_mhz), sampling)
    k = len(prior.names)
    places = shift_ppm.reshape(-1, k)
    distinct, which = np.unique(places, axis=0, return_inverse=True)
    out = np.empty((len(places), k, sampling.n_points), dtype=np.complex128)
    rows = p.reshape(-1, p.shape[-1])
    for i, place in enumerate(distinct):
        lines = line_structure(prior, frequency_mhz, shift_ppm=place)
        of_place = which.ravel() == i  # NumPy 2.0 gives it the shape of places
        out[of_place] = model_fid(rows[of_place], lines, sampling)
    return out.reshape(*p.shape[:-1], k, sampling.n_points)


def _broadcast(**arguments: npt.ArrayLike) -> list[FloatArray]:
    """Return arguments as arrays of one shape, all finite but for an infinite SNR."""
    arrays = {name: numbers(name, value) for name, value in arguments.items()}
    for name, values in arrays.items():
        bad = values[np.isnan(values) | (np.isinf(values) & (name != "snr"))]
        if bad.size:
            msg = f"{name} is {bad.flat[0]}; it must be finite."
            raise InputError(msg)
    try:
        return [np.array(v) for v in np.broadcast_arrays(*arrays.values())]
    except ValueError as error:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in arrays.items() if values.ndim)
        msg = f"the shapes of {shapes} do not broadcast; give numbers, or arrays of one shape."
        raise InputError(msg) from error


def _amplitudes(prior: Prior, amplitude: npt.ArrayLike | None, shape: tuple[int, ...]) -> FloatArray:
    if amplitude is None:
        amplitude = [r.amplitude for r in prior.resonances]
    values = np.asarray(amplitude, dtype=float)
    if values.shape[-1:] != shape[-1:] or values.ndim > len(shape) or not (values >= 0).all():
        msg = f"amplitude has shape {values.shape}; give {shape[-1]} numbers, not negative, one for each of {prior.names}."
        raise InputError(msg)
    try:
        return np.array(np.broadcast_to(values, shape))
    except ValueError as error:
        msg = f"amplitude has shape {values.shape}; it must broadcast to {shape}."
        raise InputError(msg) from error


def _generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (ValueError, TypeError) as error:
        msg = f"seed is {seed!r}; it must be a whole number, not negative, or a numpy Generator."
        raise InputError(msg) from error


def default_acquisition(prior: Prior) -> Acquisition:
    """Return a usual pulse-acquire measurement at the field of a prior: about 100 ppm wide, begin time 0.5 ms."""
    frequency = round(LARMOR_FREQUENCY_31P_MHZ_PER_T * prior.field_strength_t, 3)
    width_khz = max(1, round(0.1 * frequency))
    return Acquisition(
        spectrometer_frequency_mhz=frequency,
        dwell_time_s=1e-3 / width_khz,
        begin_time_s=5e-4,
        begin_time_source="simulated",
    )


def _shifts(prior: Prior, mg: FloatArray, ph: FloatArray, calibration: Calibration) -> FloatArray:
    shift = np.tile(np.array([r.chemical_shift_ppm for r in prior.resonances]), (*mg.shape, 1))
    from_mg = calibration.shift_ppm(mg)
    alpha, beta = prior.index("alpha_atp"), prior.index("beta_atp")
    shift[..., beta] = shift[..., alpha] - from_mg if calibration.quantity == "shift_alpha_beta_ppm" else from_mg
    if "pi" in prior.names:
        shift[..., prior.index("pi")] = get_ph_equation("taylor-1983").shift_pi_pcr_ppm(ph)
    return shift
