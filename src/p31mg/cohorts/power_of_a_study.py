r"""`power`: what a study of so many people can see, given the SNR of their spectra.

The sd :math:`s` of Mg2+ at an SNR is that which the fit gives for simulated spectra of the mean Mg2+. Together with the sd of
true Mg2+ among people (:math:`\sigma_b`) and within one person from day to day (:math:`\sigma_w`),

.. math:: \lambda = \frac{\sigma_b^2}{\sigma_b^2 + \sigma_w^2 + s^2}

is the intraclass correlation of test and retest [1]_, and the reliability that lowers a correlation :math:`\rho` of true Mg2+ to
:math:`\rho\sqrt\lambda`.
By Fisher's transformation a two-sided test at level :math:`\alpha` in n people has the power

.. math:: \Phi(\delta - q) + \Phi(-\delta - q), \qquad
          \delta = \sqrt{n-3}\,\mathrm{artanh}(\rho\sqrt\lambda),\; q = \Phi^{-1}(1 - \alpha/2).

SNR grows with the square root of the number of transients.

References
----------
.. [1] Shrout PE, Fleiss JL, Psychol Bull 86:420, 1979: their ICC(1,1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import FloatArray
from p31mg.errors import InputError
from p31mg.fitting import fit
from p31mg.magnesium import Calibration, free_magnesium
from p31mg.prior import Prior
from p31mg.simulation import simulate

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PowerResult", "power", "sd_mg_at_snr"]

_N_SPECTRA = 24
_SNR_GRID = np.geomspace(60.0, 4000.0, 13)
_FEWEST = 4
_MOST = 10_000_000


@dataclass(frozen=True, kw_only=True, repr=False)
class PowerResult:
    """What a study can see, by SNR (all arrays have one value per SNR).

    Attributes
    ----------
    effect, n, target, level
        As asked for: correlation of true Mg2+, people (None: not given), power wanted, level of the test.
    snr
        (k,) SNR of PCr.
    sd_mg_mM
        (k,) sd of Mg2+ from the fit.
    reliability
        (k,) share of the variance of measured Mg2+ that is of people: test-retest ICC.
    measured_effect
        (k,) the effect as it is measured.
    power
        (k,) of a study of `n` people; NaN without `n`.
    n_needed
        (k,) people for the power wanted; infinite where no number does.
    snr_needed
        SNR at which `n` people give the power wanted: infinite where no SNR does, NaN without `n`.
    times_transients
        (k,) by how much the transients would have to be more (or could be fewer) for that.

    Examples
    --------
    >>> power(0.2, n=200, snr=[100, 400])
    <PowerResult effect 0.2, 200 people, SNR 100 to 400, power 0.3... to 0.7...>
    """

    effect: float
    n: int | None
    target: float
    level: float
    snr: FloatArray
    sd_mg_mM: FloatArray
    reliability: FloatArray
    measured_effect: FloatArray
    power: FloatArray
    n_needed: FloatArray
    snr_needed: float
    times_transients: FloatArray

    def __repr__(self) -> str:
        people = "" if self.n is None else f"{self.n} people, "
        snr = f"SNR {self.snr.min():g} to {self.snr.max():g}"
        said = (
            f"{self.n_needed.min():.0f} to {self.n_needed.max():.0f} people needed"
            if self.n is None
            else f"power {self.power.min():.2f} to {self.power.max():.2f}"
        )
        return f"<PowerResult effect {self.effect:g}, {people}{snr}, {said}>"

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per SNR."""
        import pandas as pd

        return pd.DataFrame(
            {
                "snr": self.snr,
                "sd_mg_mM": self.sd_mg_mM,
                "reliability": self.reliability,
                "effect": self.effect,
                "measured_effect": self.measured_effect,
                "n": np.nan if self.n is None else self.n,
                "power": self.power,
                "n_needed": self.n_needed,
                "snr_needed": self.snr_needed,
                "times_transients": self.times_transients,
            }
        )


def power(
    effect: float,
    *,
    n: int | None = None,
    snr: float | Sequence[float] | FloatArray = 300.0,
    target: float = 0.8,
    level: float = 0.05,
    mean_mg_mM: float = 0.55,
    sd_people_mM: float = 0.09,
    sd_days_mM: float = 0.0,
    prior: Prior | str | Path = "muscle-3t",
    calibration: Calibration | str | Path = "gupta-1978",
) -> PowerResult:
    """Return how likely a study is to see an effect, how many people it needs, and how many transients.

    For an association that is one column: a correlation, or the standardised slope of a model with one term. Weights and
    correction do not change the power much: they put the estimate in its place, what noise has hidden they do not bring back.

    Parameters
    ----------
    effect
        Correlation with true Mg2+, between -1 and 1 and not 0; -0.29 is that of age in Cameron et al. 2019.
    n
        People. Default None: only how many are needed.
    snr
        SNR of PCr, one or several. Default 300.
    target
        Power wanted, above `level` and below 1. Default 0.8.
    level
        Of the two-sided test. Default 0.05.
    mean_mg_mM, sd_people_mM
        Of true Mg2+ among people. Default 0.55 and 0.09, as in `p31mg.simulate_cohort`.
    sd_days_mM
        Sd of true Mg2+ of one person from day to day, which lowers the reliability as noise does. Default 0: not known.
    prior, calibration
        Of the spectra, as in `p31mg.simulate`.

    Returns
    -------
    PowerResult
        A value for each SNR.

    Raises
    ------
    InputError
        A number out of range.

    Examples
    --------
    >>> study = power(-0.29, n=441, snr=300)
    >>> bool(study.power[0] > 0.99), bool(study.n_needed[0] < 130)
    (True, True)
    """
    snrs = np.atleast_1d(np.asarray(snr, dtype=float)).ravel()
    _require_sense(effect, n, snrs, target, level, sd_people_mM, sd_days_mM)
    sd = sd_mg_at_snr(snrs, mean_mg_mM, prior, calibration)
    reliability = sd_people_mM**2 / (sd_people_mM**2 + sd_days_mM**2 + sd**2)
    measured = effect * np.sqrt(reliability)
    needed = _people_needed(measured, target, level)
    snr_needed, times = np.nan, np.full(snrs.shape, np.nan)
    power_ = np.full(snrs.shape, np.nan)
    if n is not None:
        power_ = _power(measured, n, level)
        snr_needed = _snr_needed(effect, n, target, level, mean_mg_mM, sd_people_mM, sd_days_mM, prior, calibration)
        times = (snr_needed / snrs) ** 2
    return PowerResult(
        effect=float(effect),
        n=n,
        target=target,
        level=level,
        snr=snrs,
        sd_mg_mM=sd,
        reliability=reliability,
        measured_effect=measured,
        power=power_,
        n_needed=needed,
        snr_needed=snr_needed,
        times_transients=times,
    )


def sd_mg_at_snr(
    snr: FloatArray,
    mean_mg_mM: float,
    prior: Prior | str | Path = "muscle-3t",
    calibration: Calibration | str | Path = "gupta-1978",
) -> FloatArray:
    """Return the sd (k,) of Mg2+ that the fit gives at each SNR (k,): the median over some noise.

    NaN where less than half of the fits are valid.
    """
    mg = np.full(_N_SPECTRA, mean_mg_mM)
    # the same noise at each SNR, so that nothing but SNR differs
    stacks = [simulate(mg, prior=prior, snr=s, seed=0, calibration=calibration) for s in snr]
    spectra = Spectra(np.stack([s.fid for s in stacks]), stacks[0].acquisition)
    fitted = fit(spectra, prior=prior)
    # the slope of the calibration at the mean, so that the skew of single fits does not count
    chosen = free_magnesium(fitted, calibration=calibration)
    sd_shift = np.where(fitted.is_valid, fitted.sd_shift_alpha_beta_ppm, np.nan)
    is_seen = (fitted.is_valid & chosen.in_range).mean(axis=1) >= 0.5
    result = np.full(len(snr), np.nan)
    if is_seen.any():
        result[is_seen] = np.nanmedian(sd_shift[is_seen], axis=1) * _slope(mean_mg_mM, calibration)
    return result


def _slope(mg: float, calibration: Calibration | str | Path) -> float:
    from p31mg.magnesium import get_calibration

    chosen = get_calibration(calibration)
    return float(np.abs(chosen.slope_mM_per_ppm(chosen.shift_ppm(np.array(mg)))))


def _power(measured: FloatArray, n: float | FloatArray, level: float) -> FloatArray:
    from scipy.stats import norm

    delta = np.sqrt(np.asarray(n) - 3.0) * np.arctanh(np.abs(measured))
    q = norm.isf(level / 2)
    return np.asarray(norm.cdf(delta - q) + norm.cdf(-delta - q))


def _people_needed(measured: FloatArray, target: float, level: float) -> FloatArray:
    """Return the least number of people for the power wanted: by the equation without the far tail, then one by one."""
    from scipy.stats import norm

    if not np.isfinite(measured).all():
        known = np.isfinite(measured)
        needed = np.full(measured.shape, np.nan)
        needed[known] = _people_needed(measured[known], target, level)
        return needed
    first = (norm.isf(level / 2) + norm.isf(1 - target)) ** 2 / np.arctanh(np.abs(measured)) ** 2 + 3
    n = np.ceil(np.maximum(first, _FEWEST))
    while (fewer := (n > _FEWEST) & (_power(measured, np.maximum(n - 1, _FEWEST), level) >= target)).any():
        n = n - fewer
    return n


def _snr_needed(
    effect: float,
    n: int,
    target: float,
    level: float,
    mean_mg_mM: float,
    sd_people_mM: float,
    sd_days_mM: float,
    prior: Prior | str | Path,
    calibration: Calibration | str | Path,
) -> float:
    from scipy.optimize import brentq

    reach = float(brentq(lambda z: float(_power(np.tanh(z), n, level)) - target, 1e-6, 10.0))
    reliability = (np.tanh(reach) / effect) ** 2
    of_noise = sd_people_mM**2 / reliability - sd_people_mM**2 - sd_days_mM**2
    if of_noise <= 0:
        return np.inf
    sd = sd_mg_at_snr(_SNR_GRID, mean_mg_mM, prior, calibration)
    known = np.isfinite(sd)
    if of_noise**0.5 > sd[known].max():
        return float(_SNR_GRID[known].min())
    if of_noise**0.5 < sd[known].min():
        return float(_SNR_GRID[-1] * sd[known].min() / of_noise**0.5)
    order = np.argsort(sd[known])
    return float(np.exp(np.interp(0.5 * np.log(of_noise), np.log(sd[known][order]), np.log(_SNR_GRID[known][order]))))


def _require_sense(
    effect: float, n: int | None, snr: FloatArray, target: float, level: float, sd_people_mM: float, sd_days_mM: float
) -> None:
    if not 0 < abs(effect) < 1:
        msg = f"effect is {effect:g}; a correlation lies between -1 and 1, and is not 0."
        raise InputError(msg)
    if n is not None and not _FEWEST <= n <= _MOST:
        msg = f"n is {n}; give a number of people from {_FEWEST}."
        raise InputError(msg)
    if not (snr > 0).all() or not snr.size:
        msg = f"snr is {snr[~(snr > 0)].tolist()}; it must be above 0."
        raise InputError(msg)
    if not 0 < level < target < 1:
        msg = f"level is {level:g} and target {target:g}; both lie between 0 and 1, the target above the level."
        raise InputError(msg)
    if not sd_people_mM > 0 or not sd_days_mM >= 0:
        msg = f"sd_people_mM is {sd_people_mM:g} and sd_days_mM {sd_days_mM:g}; the first is above 0, the second 0 or above."
        raise InputError(msg)
