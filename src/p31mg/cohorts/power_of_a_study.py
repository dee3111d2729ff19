r"""`power`: what a study of so many people can see, given the SNR of their spectra.

People differ in true Mg2+, in SNR and in shim, and with them in the sd :math:`s_i` of their Mg2+, which rises about as the
square of Mg2+ and with the linewidth. It is that which the fit gives for simulated spectra of people drawn evenly from these
distributions. Together with the sd of true Mg2+ among people (:math:`\sigma_b`) and within one person from day to day
(:math:`\sigma_w`),

.. math:: \lambda = \frac{\sigma_b^2}{\sigma_b^2 + \sigma_w^2 + \overline{s_i^2}}

is the intraclass correlation of test and retest [1]_, and the reliability that lowers a correlation :math:`\rho` of true Mg2+ to
:math:`\rho\sqrt\lambda`. The mean square counts: with everyone at the mean Mg2+, the median SNR and a perfect shim
:math:`\lambda` would be 0.82 at an SNR of 300, where whole cohorts have 0.77 (``make validate-cohort``).
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
from p31mg.magnesium import Calibration, free_magnesium, get_calibration
from p31mg.prior import Prior
from p31mg.simulation import simulate

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Population", "PowerResult", "power"]

_N_PEOPLE = 128
_NO_NOISE = 1e9
_SNR_GRID = np.geomspace(60.0, 4000.0, 13)
_LEAST_SHARE = 0.5
_FEWEST = 4
_MOST = 10_000_000
_FARTHEST = 40.0


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
        (k,) sd of one measurement of Mg2+ from the fit, the root of the mean square over people.
    share_valid
        (k,) of people whose Mg2+ is valid; the others are left out of a study.
    reliability
        (k,) share of the variance of measured Mg2+ that is of people: test-retest ICC.
    measured_effect
        (k,) the effect as it is measured.
    power
        (k,) of a study of `n` people; NaN without `n`.
    n_needed
        (k,) people with valid Mg2+ for the power wanted; NaN where no fit is valid.
    snr_needed
        SNR at which `n` people give the power wanted: infinite where no SNR does, NaN without `n`.
    times_transients
        (k,) by how much the transients would have to be more (or could be fewer) for that.

    Examples
    --------
    >>> power(0.2, n=200, snr=[100, 400])
    <PowerResult effect 0.2, 200 people, SNR 100 to 400, power 0.2... to 0.7...>
    """

    effect: float
    n: int | None
    target: float
    level: float
    snr: FloatArray
    sd_mg_mM: FloatArray
    share_valid: FloatArray
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
                "share_valid": self.share_valid,
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


@dataclass(frozen=True, kw_only=True)
class Population:
    """People whose spectra a study would measure; see `power` for what the numbers are."""

    mean_mg_mM: float
    sd_people_mM: float
    snr_spread: float
    broadening_hz: float
    broadening_spread_hz: float
    prior: Prior | str | Path
    calibration: Calibration | str | Path

    def sd_mg(self, snr: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return at each median SNR (k,) the root mean square of the sds of Mg2+ (k,), and the share that is valid (k,).

        NaN where less than half of the people are.
        """
        mg, snr_of_person, broadening = self._people()
        clean = simulate(
            mg,
            snr=_NO_NOISE * snr_of_person,
            prior=self.prior,
            broadening_hz=broadening,
            calibration=self.calibration,
            seed=0,
        )
        # the same noise at each SNR, so that nothing but SNR differs
        noise = np.random.default_rng(0).standard_normal((*clean.fid.shape, 2)).view(complex)[..., 0]
        noise *= _NO_NOISE * clean.truth.noise_sd[:, None]
        fitted = fit(Spectra(clean.fid + noise / snr[:, None, None], clean.acquisition), prior=self.prior)
        found = free_magnesium(fitted, calibration=self.calibration)
        is_used = fitted.is_valid & found.in_range & ~found.interval_open
        chosen = get_calibration(self.calibration)
        # the slope of the calibration at true Mg2+, so that the skew of single fits does not count
        sd = fitted.sd_shift_alpha_beta_ppm * np.abs(chosen.slope_mM_per_ppm(chosen.shift_ppm(mg)))
        share = is_used.mean(axis=1)
        square = np.where(is_used, sd**2, 0.0).mean(axis=1) / np.where(share >= _LEAST_SHARE, share, np.nan)
        return np.sqrt(square), share

    def _people(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return true Mg2+, SNR over the median, and broadening of people evenly drawn: quantiles, each in its own order."""
        from scipy.stats import norm

        quantiles = norm.ppf((np.arange(_N_PEOPLE) + 0.5) / _N_PEOPLE)
        rng = np.random.default_rng(0)
        of_mg, of_snr, of_shim = (rng.permutation(quantiles) for _ in range(3))
        return (
            self.mean_mg_mM + self.sd_people_mM * of_mg,
            np.exp(self.snr_spread * of_snr),
            np.maximum(self.broadening_hz + self.broadening_spread_hz * of_shim, 0.0),
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
    snr_spread: float = 0.15,
    broadening_hz: float = 1.0,
    broadening_spread_hz: float = 1.5,
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
        People with valid Mg2+. Default None: only how many are needed.
    snr
        SNR of PCr of the median person, one or several. Default 300.
    target
        Power wanted, above `level` and below 1. Default 0.8.
    level
        Of the two-sided test. Default 0.05.
    mean_mg_mM, sd_people_mM
        Of true Mg2+ among people; the sd is at most a quarter of the mean. Default 0.55 and 0.09, as in `p31mg.simulate_cohort`.
    sd_days_mM
        Sd of true Mg2+ of one person from day to day, which lowers the reliability as noise does. Default 0: not known.
    snr_spread, broadening_hz, broadening_spread_hz
        How people differ in SNR (sd of its logarithm) and shim (mean and sd of what it adds to all linewidths, Hz), as in
        `p31mg.simulate_cohort`. Default 0.15, 1.0 and 1.5.
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
    _require_sense(effect, n, snrs, target, level)
    _require_people(mean_mg_mM, sd_people_mM, sd_days_mM, snr_spread, broadening_hz, broadening_spread_hz)
    people = Population(
        mean_mg_mM=mean_mg_mM,
        sd_people_mM=sd_people_mM,
        snr_spread=snr_spread,
        broadening_hz=broadening_hz,
        broadening_spread_hz=broadening_spread_hz,
        prior=prior,
        calibration=calibration,
    )
    sd, share_valid = people.sd_mg(snrs)
    of_days = sd_people_mM**2 + sd_days_mM**2
    reliability = sd_people_mM**2 / (of_days + sd**2)
    measured = effect * np.sqrt(reliability)
    z = np.arctanh(np.abs(measured))
    delta = _delta_needed(target, level)
    power_, snr_needed = np.full(snrs.shape, np.nan), np.nan
    if n is not None:
        power_ = _power(np.sqrt(n - 3) * z, level)
        # of the reliability that n people need, the variance that it leaves to the fit
        snr_needed = _snr_of_sd(people, sd_people_mM**2 * (effect / np.tanh(delta / np.sqrt(n - 3))) ** 2 - of_days)
    return PowerResult(
        effect=float(effect),
        n=n,
        target=target,
        level=level,
        snr=snrs,
        sd_mg_mM=sd,
        share_valid=share_valid,
        reliability=reliability,
        measured_effect=measured,
        power=power_,
        n_needed=np.maximum(np.ceil((delta / z) ** 2 + 3), _FEWEST),
        snr_needed=snr_needed,
        times_transients=(snr_needed / snrs) ** 2,
    )


def _power(delta: FloatArray | float, level: float) -> FloatArray:
    from scipy.stats import norm

    q = norm.isf(level / 2)
    return np.asarray(norm.cdf(delta - q) + norm.cdf(-delta - q))


def _delta_needed(target: float, level: float) -> float:
    """Return the distance from no effect, in standard errors of Fisher's z, that gives the power wanted."""
    from scipy.optimize import brentq

    return float(brentq(lambda delta: float(_power(delta, level)) - target, 0.0, _FARTHEST))


def _snr_of_sd(people: Population, variance: float) -> float:
    """Return the SNR at which the sd of Mg2+ has this square: infinite if it is not above 0."""
    if variance <= 0:
        return np.inf
    sd, _ = people.sd_mg(_SNR_GRID)
    known = np.isfinite(sd)
    if variance**0.5 > sd[known].max():
        return float(_SNR_GRID[known].min())
    if variance**0.5 < sd[known].min():
        return float(_SNR_GRID[-1] * sd[known].min() / variance**0.5)
    order = np.argsort(sd[known])
    return float(np.exp(np.interp(0.5 * np.log(variance), np.log(sd[known][order]), np.log(_SNR_GRID[known][order]))))


def _require_sense(effect: float, n: int | None, snr: FloatArray, target: float, level: float) -> None:
    if not 0 < abs(effect) < 1:
        msg = f"effect is {effect:g}; a correlation lies between -1 and 1, and is not 0."
        raise InputError(msg)
    if n is not None and not _FEWEST <= n <= _MOST:
        msg = f"n is {n}; give a number of people from {_FEWEST}."
        raise InputError(msg)
    if not (np.isfinite(snr) & (snr > 0)).all() or not snr.size:
        msg = f"snr is {snr[~(np.isfinite(snr) & (snr > 0))].tolist()}; it must be above 0, and finite."
        raise InputError(msg)
    if not 0 < level < target < 1:
        msg = f"level is {level:g} and target {target:g}; both lie between 0 and 1, the target above the level."
        raise InputError(msg)


def _require_people(mean_mg_mM: float, sd_people_mM: float, sd_days_mM: float, *spreads: float) -> None:
    if not 0 < sd_people_mM <= mean_mg_mM / 4:
        msg = f"sd_people_mM is {sd_people_mM:g} at a mean of {mean_mg_mM:g} mM; "
        msg += "it must be above 0 and at most a quarter of the mean."
        raise InputError(msg)
    names = ("sd_days_mM", "snr_spread", "broadening_hz", "broadening_spread_hz")
    for name, value in zip(names, (sd_days_mM, *spreads), strict=True):
        if not value >= 0:
            msg = f"{name} is {value:g}; it must be 0 or above."
            raise InputError(msg)
