r"""A calibration of your own: the two-site equation fitted to shifts of solutions of known free Mg2+.

.. math:: d([\mathrm{Mg}]) = d_{MgATP} + (d_{ATP} - d_{MgATP})\,w, \qquad w = \frac{1}{1 + [\mathrm{Mg}]/K_d}

Given Kd it is linear in the two limits, so a scan over Kd finds the best start; lmfit then fits the limits and ln Kd together, by
least squares of the residuals over their sd. The covariance of the three is what `TwoSiteCalibration` carries.
"""

from __future__ import annotations

import warnings
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from p31mg.arrays import FloatArray
from p31mg.errors import InputError, P31mgWarning, UnknownNameError
from p31mg.magnesium.arguments import broadcast_pair, numbers
from p31mg.magnesium.calibrations import LOWEST_FREE_MG_MM, Titration, TwoSiteCalibration

__all__ = ["calibrate"]

Model = Literal["two-site"]

_N_CONSTANTS = 3
_LARGEST_SD_LN_KD = 1.0
_UNLIKELY = 1e-3


def calibrate(
    shift_ppm: npt.ArrayLike,
    free_mg_mM: npt.ArrayLike,
    *,
    sd: npt.ArrayLike | None = None,
    model: Model = "two-site",
    id: str = "own",
    tissue: str = "phantom",
    source: str = "own titration",
    ph: float | None = None,
    temperature_c: float | None = None,
    ionic_strength_M: float | None = None,
    potassium_M: float | None = None,
) -> TwoSiteCalibration:
    """Fit a calibration to a titration: shifts of solutions whose free Mg2+ is known.

    Parameters
    ----------
    shift_ppm
        delta(alpha) - delta(beta) of each solution, in ppm. A solution with NaN is left out.
    free_mg_mM
        Its free Mg2+ in mM, 0 or above; without error.
    sd
        Sd of the shifts in ppm, one number or one each. Default None: estimated from the residuals, the same for all.
    model
        Default ``"two-site"``, the only one.
    id, tissue, source
        How the calibration is called in every result. Default ``"own"``, ``"phantom"``, ``"own titration"``.
    ph, temperature_c, ionic_strength_M, potassium_M
        Of the solutions (ionic strength and K+ in mol/l). Default None: not known; without them Kd cannot be corrected to
        other conditions.

    Returns
    -------
    TwoSiteCalibration
        With the sd of the constants and their correlation, which the errors of every Mg2+ then include, and with the
        titration. See `write_calibration` and `p31mg.plot.titration`.

    Raises
    ------
    InputError
        Too few solutions, lengths that differ, a negative concentration or sd, mol/l given for mM, or a titration that does not
        determine the three constants.
    UnknownNameError
        No model of that name.

    Warns
    -----
    P31mgWarning
        The residuals are larger than `sd` can explain: the model does not describe the solutions, or the sd is too small.

    Examples
    --------
    >>> import p31mg
    >>> free_mg_mM = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0]
    >>> shift_ppm = [9.458, 9.053, 8.762, 8.570, 8.468, 8.408, 8.383]
    >>> own = calibrate(shift_ppm, free_mg_mM, sd=0.003, id="own-phantom")
    >>> {name: round(value, 2) for name, value in own.constants.items()}
    {'atp_ppm': 10.93, 'mgatp_ppm': 8.35, 'kd_uM': 37.61}
    >>> float(p31mg.free_magnesium(8.55, sd_ppm=0.01, calibration=own).sd_calibration_mM.round(4))
    0.0033
    """
    if model not in get_args(Model):
        raise UnknownNameError(kind="model", name=model, known=get_args(Model))
    d, mg, sds = _solutions(shift_ppm, free_mg_mM, sd)
    constants, covariance, chi_square = _fit(
        d, mg, np.ones_like(d) if sds is None else sds, scale_covariance=sds is None
    )
    _require_determined(constants, covariance)
    if sds is not None:
        _warn_of_misfit(chi_square, d.size)
    sd_constants = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd_constants, sd_constants)
    return TwoSiteCalibration(
        id=id,
        tissue=tissue,
        source=source,
        ph=ph,
        temperature_c=temperature_c,
        ionic_strength_M=ionic_strength_M,
        potassium_M=potassium_M,
        atp_ppm=float(constants[0]),
        mgatp_ppm=float(constants[1]),
        kd_uM=float(constants[2]),
        sd_atp_ppm=float(sd_constants[0]),
        sd_mgatp_ppm=float(sd_constants[1]),
        sd_kd_uM=float(sd_constants[2]),
        correlation=(float(correlation[0, 1]), float(correlation[0, 2]), float(correlation[1, 2])),
        titration=Titration(
            free_mg_mM=tuple(mg.tolist()),
            shift_ppm=tuple(d.tolist()),
            sd_ppm=() if sds is None else tuple(sds.tolist()),
            reduced_chi_square=1.0 if sds is None else float(chi_square / max(d.size - _N_CONSTANTS, 1)),
        ),
    )


def _solutions(shift_ppm: object, free_mg_mM: object, sd: object) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Return shifts, concentrations and sds of the solutions of which everything is known."""
    d, mg = numbers("shift_ppm", shift_ppm).ravel(), numbers("free_mg_mM", free_mg_mM).ravel()
    if d.size != mg.size:
        msg = f"shift_ppm has {d.size} values and free_mg_mM {mg.size}; give one of each for every solution."
        raise InputError(msg)
    _, sds = broadcast_pair("shift_ppm", d, "sd", np.array(1.0) if sd is None else numbers("sd", sd))
    known = np.isfinite(d) & np.isfinite(mg) & np.isfinite(sds)
    d, mg, sds = d[known], mg[known], sds[known]
    least = _N_CONSTANTS + (sd is None)
    if np.unique(mg).size < least:
        msg = f"the titration has {np.unique(mg).size} different concentrations; the three constants need at least {least}."
        raise InputError(msg)
    for name, values, allowed in (("free_mg_mM", mg, mg >= 0), ("sd", sds, sds > 0), ("shift_ppm", d, d > 0)):
        if not allowed.all():
            rule = {"free_mg_mM": "0 mM or above", "sd": "above 0 ppm", "shift_ppm": "a positive number near 8.5"}[name]
            msg = f"{name} is {values[~allowed][0]:g}; it must be {rule}."
            raise InputError(msg)
    if mg.max() < LOWEST_FREE_MG_MM:
        msg = f"free_mg_mM is at most {mg.max():g}; that looks like mol/l: give mM (0.5, not 0.0005)."
        raise InputError(msg)
    return d, mg, None if sd is None else sds


def _fit(
    d: FloatArray, mg: FloatArray, sd: FloatArray, *, scale_covariance: bool
) -> tuple[FloatArray, FloatArray, float]:
    """Return the constants, their covariance (NaN where there is none) and chi-square."""
    import lmfit

    def residual(parameters: lmfit.Parameters) -> FloatArray:
        atp, mgatp, ln_kd = parameters.valuesdict().values()
        return (mgatp + (atp - mgatp) / (1 + 1e3 * mg / np.exp(ln_kd)) - d) / sd

    parameters = lmfit.Parameters()
    for name, value in zip(("atp", "mgatp", "ln_kd"), _start(d, mg, sd), strict=True):
        parameters.add(name, value=value)
    out = lmfit.minimize(residual, parameters, method="leastsq", scale_covar=scale_covariance)
    atp, mgatp, ln_kd = out.params.valuesdict().values()
    to_kd = np.array([1.0, 1.0, np.exp(ln_kd)])
    covariance = np.full((3, 3), np.nan) if out.covar is None else out.covar * np.outer(to_kd, to_kd)
    return np.array([atp, mgatp, np.exp(ln_kd)]), covariance, float(out.chisqr)


def _start(d: FloatArray, mg: FloatArray, sd: FloatArray) -> tuple[float, float, float]:
    """Return the limits and ln Kd (uM) of the best of many Kd."""
    kd_mM = np.geomspace(mg[mg > 0].min() / 30, 30 * mg.max(), 200)
    w = 1 / (1 + mg / kd_mM[:, None])
    design = np.stack([w, 1 - w], axis=-1) / sd[:, None]
    limits = np.linalg.pinv(design) @ (d / sd)
    chi_square = ((np.einsum("knl,kl->kn", design, limits) - d / sd) ** 2).sum(axis=-1)
    best = int(chi_square.argmin())
    return float(limits[best, 0]), float(limits[best, 1]), float(np.log(1e3 * kd_mM[best]))


def _require_determined(constants: FloatArray, covariance: FloatArray) -> None:
    atp, mgatp, kd = constants
    sd = np.sqrt(np.diag(covariance)) if np.isfinite(covariance).all() else np.full(3, np.inf)
    if 0 < mgatp < atp and sd[2] < _LARGEST_SD_LN_KD * kd and sd[:2].max() < atp - mgatp:
        return
    found = f"atp_ppm {atp:.4g} ± {sd[0]:.2g}, mgatp_ppm {mgatp:.4g} ± {sd[1]:.2g}, kd_uM {kd:.4g} ± {sd[2]:.2g}"
    msg = (
        f"the titration does not determine the constants: {found}; add solutions from well below to well above Kd, and check "
        "that the shift falls as free Mg2+ rises."
    )
    raise InputError(msg)


def _warn_of_misfit(chi_square: float, n_points: int) -> None:
    from scipy.special import chdtrc

    freedom = n_points - _N_CONSTANTS
    if freedom > 0 and chdtrc(freedom, chi_square) < _UNLIKELY:
        ratio = np.sqrt(chi_square / freedom)
        msg = (
            f"the residuals of the titration are {ratio:.1f} times the given sd; the model does not describe the solutions, "
            "or sd is too small, and with it the errors of the calibration."
        )
        warnings.warn(msg, P31mgWarning, stacklevel=3)
