r"""`simulate_cohort`: people in whom the published associations hold for true muscle Mg2+, and their spectra.

Standardised, within each sex, with age :math:`a`, Mg2+ :math:`x`, strength :math:`y` and independent standard normal
:math:`\varepsilon`,

.. math:: x = \rho_{xa}\,a + \sqrt{1-\rho_{xa}^2}\,\varepsilon_1, \qquad
          y = c_1 a + c_2 x + \sqrt{1 - c_1\rho_{ya} - c_2\rho_{yx}}\,\varepsilon_2,

with :math:`c` from the correlations wanted (:math:`c_1 + \rho_{xa}c_2 = \rho_{ya}`, :math:`\rho_{xa}c_1 + c_2 = \rho_{yx}`).
Women and men differ in mean; :math:`\rho_{xa}` within a sex is that which gives the published slope over all people, both sexes
in equal number. Serum Mg is independent of all but the testosterone of men, with which it has the published partial correlation
given age.

Published are the associations (see `Associations`). Everything else (means, scatter, size of the difference between the sexes,
how strength and testosterone fall with age) is chosen to be plausible, and nothing should be concluded from it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg._version import __version__
from p31mg.acquisition import Spectra
from p31mg.arrays import FloatArray
from p31mg.atomic import make_folder, write_text
from p31mg.errors import InputError, WriteError
from p31mg.fitting import FitResult, fit
from p31mg.io.documents import json_text
from p31mg.io.writing import write
from p31mg.magnesium import Calibration, free_magnesium
from p31mg.prior import Prior
from p31mg.simulation import SimulatedSpectra, simulate

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Associations", "SimulatedCohort", "draw_people", "simulate_cohort"]

_AGE = (24.0, 98.0)
_STRENGTH_NM = {"female": (95.0, 28.0), "male": (150.0, 42.0)}
_SERUM_MG_MM = (0.85, 0.06)
_TESTOSTERONE_NG_DL = {"female": (30.0, 10.0), "male": (450.0, 130.0)}
_PH = (7.03, 0.02)
_OFFSET_HZ, _PHASE_RAD = 5.0, 0.3


@dataclass(frozen=True, kw_only=True)
class Associations:
    """What holds for true muscle Mg2+ in the population that people are drawn from, standardised.

    Parameters
    ----------
    age
        Slope of Mg2+ on age in all people. -0.29: Cameron et al. 2019, doi:10.3389/fphys.2019.01454.
    strength_women, strength_men
        Correlation of Mg2+ and knee-extension strength within a sex. 0.31 and 0.20: the same.
    sex
        Women less men, in sds within a sex. -0.4 is assumed: published is only p < 0.001 among 441 people.
    serum_testosterone
        Partial correlation of serum Mg and testosterone of men, given age. 0.168: from slope/error 34.9/10.3 of 399 men over 65,
        Maggio et al. 2011 (InCHIANTI).
    strength_age, testosterone_age
        Correlations with age within a sex (the second for men). Assumed.

    Examples
    --------
    >>> Associations(age=0.0).strength_women
    0.31
    """

    age: float = -0.29
    strength_women: float = 0.31
    strength_men: float = 0.20
    sex: float = -0.4
    serum_testosterone: float = 0.168
    strength_age: float = -0.5
    testosterone_age: float = -0.2


@dataclass(frozen=True, repr=False)
class SimulatedCohort:
    """People with known truth.

    Attributes
    ----------
    participants
        What a study knows: participant_id, age, sex, strength_nm, serum_mg_mM, testosterone_ng_dl.
    truth
        What it does not: participant_id, true_free_mg_mM, and snr, broadening_hz, ph, frequency_offset_hz, phase_rad of the
        spectrum.
    spectra
        One per person, in the same order.

    Examples
    --------
    >>> simulate_cohort(20, snr=300, seed=1)
    <SimulatedCohort 20 people, SNR 252 to 373>
    """

    participants: pd.DataFrame
    truth: pd.DataFrame
    spectra: SimulatedSpectra

    def __repr__(self) -> str:
        snr = self.truth["snr"]
        return f"<SimulatedCohort {len(self.truth)} people, SNR {snr.min():.0f} to {snr.max():.0f}>"

    def measured(self, fitted: FitResult | None = None, **options: Any) -> pd.DataFrame:
        """Return the table of results that `p31mg.cohort` takes: the spectra fitted (or as they were), and Mg2+.

        `options` are those of `p31mg.free_magnesium`; the calibration is that of the simulation by default.
        """
        options.setdefault("calibration", self.spectra.truth.calibration)
        fitted = fit(self.spectra, prior=self.spectra.source.removeprefix("simulated, ")) if fitted is None else fitted
        table = free_magnesium(fitted, **options).to_dataframe()
        table.insert(0, "subject", self.participants["participant_id"].to_numpy())
        return table


def simulate_cohort(
    n: int = 441,
    *,
    snr: float = 300.0,
    seed: int | np.random.Generator | None = None,
    output: str | os.PathLike[str] | None = None,
    associations: Associations | Mapping[str, float] | None = None,
    mean_mg_mM: float = 0.55,
    sd_mg_mM: float = 0.09,
    snr_spread: float = 0.15,
    broadening_hz: float = 1.0,
    broadening_spread_hz: float = 1.5,
    prior: Prior | str | Path = "muscle-3t",
    calibration: Calibration | str | Path = "gupta-1978",
    n_points: int = 2048,
    overwrite: bool = False,
) -> SimulatedCohort:
    """Return people in whom published associations hold for true muscle Mg2+, each with a spectrum.

    Half are women; age is uniform from 24 to 98 years. See `p31mg.Associations` for what holds, and what of it is
    published.

    Parameters
    ----------
    n
        People, at least 4. Default 441, as in Cameron et al. 2019.
    snr
        Matched-filter SNR of PCr of the median person. Default 300, a good 3 T thigh spectrum.
    seed
        Of people and noise: an int for a repeatable cohort, or a Generator. Default None: others at each call.
    output
        Write a BIDS tree here: ``participants.tsv``, ``sub-001/mrs/sub-001_nuc-31P_unloc.nii.gz``, ..., and the truth below
        ``derivatives``. The folder is new or empty. Default None: nothing is written.
    associations
        What holds, or the parts of it that are not the published. Default None: as published.
    mean_mg_mM, sd_mg_mM
        Of true Mg2+ of all people; the sd is at most a quarter of the mean. Default 0.55 and 0.09 mM: near Ryschon et al. 1996,
        with an sd below theirs, which has measurement error in it.
    snr_spread
        Sd of the logarithm of SNR among people. Default 0.15.
    broadening_hz, broadening_spread_hz
        Mean and sd of what the shim adds to all linewidths, Hz; cut at 0. Default 1.0 and 1.5.
    prior, calibration, n_points
        As in `p31mg.simulate`.
    overwrite
        True: write where there is something. Default False.

    Returns
    -------
    SimulatedCohort
        `participants`, `truth`, `spectra`; ``measured()`` fits them.

    Raises
    ------
    InputError
        A number out of range, or associations that no people can have.
    WriteError
        The folder is not empty, or cannot be written.

    Examples
    --------
    >>> people = simulate_cohort(441, snr=300, seed=1)
    >>> people.participants["sex"].value_counts().to_dict()
    {'female': 221, 'male': 220}
    """
    _require_possible(n, snr, snr_spread, broadening_spread_hz, mean_mg_mM, sd_mg_mM)
    if not isinstance(associations, Associations):
        associations = _replaced(associations or {})
    folder = None if output is None else _empty_folder(Path(output), overwrite)
    rng = np.random.default_rng(seed)
    participants, mg = draw_people(n, associations, mean_mg_mM, sd_mg_mM, rng)
    spectra = simulate(
        mg,
        prior=prior,
        snr=snr * np.exp(snr_spread * rng.standard_normal(n)),
        seed=rng,
        phase_rad=_PHASE_RAD * rng.standard_normal(n),
        frequency_offset_hz=_OFFSET_HZ * rng.standard_normal(n),
        broadening_hz=(added := np.maximum(broadening_hz + broadening_spread_hz * rng.standard_normal(n), 0.0)),
        ph=_PH[0] + _PH[1] * rng.standard_normal(n),
        calibration=calibration,
        n_points=n_points,
    )
    truth = participants[["participant_id"]].assign(
        true_free_mg_mM=mg,
        snr=spectra.truth.snr,
        broadening_hz=added,
        ph=spectra.truth.ph,
        frequency_offset_hz=spectra.truth.frequency_offset_hz,
        phase_rad=spectra.truth.phase_rad,
    )
    people = SimulatedCohort(participants, truth, spectra)
    if folder is not None:
        _write_tree(people, folder)
    return people


def _require_possible(
    n: int, snr: float, snr_spread: float, broadening_spread_hz: float, mean_mg_mM: float, sd_mg_mM: float
) -> None:
    if n < 4:
        msg = f"n is {n}; a cohort has at least 4 people."
        raise InputError(msg)
    if not snr > 0:
        msg = f"snr is {snr:g}; it must be above 0 (infinite for no noise)."
        raise InputError(msg)
    for name, value in (("snr_spread", snr_spread), ("broadening_spread_hz", broadening_spread_hz)):
        if not value >= 0:
            msg = f"{name} is {value:g}; a spread is 0 or above."
            raise InputError(msg)
    if not 0 < sd_mg_mM <= mean_mg_mM / 4:
        msg = f"sd_mg_mM is {sd_mg_mM:g} at a mean of {mean_mg_mM:g} mM; it must be above 0 and at most a quarter of the mean."
        raise InputError(msg)


def _replaced(parts: Mapping[str, float]) -> Associations:
    unknown = [name for name in parts if name not in Associations.__dataclass_fields__]
    if unknown:
        known = ", ".join(Associations.__dataclass_fields__)
        msg = f"associations have {unknown[0]!r}, which is not known; they are {known}."
        raise InputError(msg)
    return Associations(**parts)


def draw_people(
    n: int, a: Associations, mean_mg_mM: float, sd_mg_mM: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, FloatArray]:
    """Return what is known of people, and their true Mg2+ (n,): `simulate_cohort` without spectra."""
    import pandas as pd

    is_woman = rng.permutation(np.arange(n) % 2 == 0)
    place = rng.uniform(-0.5, 0.5, n)
    age = np.sqrt(12.0) * place
    within = sd_mg_mM / np.sqrt(1 + a.sex**2 / 4)  # so that with the difference of the sexes the sd is that asked for
    with_age = a.age * sd_mg_mM / within
    mg = with_age * age + _noise_to_unit(with_age**2, "age and sex", n, rng)
    strength = np.empty(n)
    for who, rho in ((is_woman, a.strength_women), (~is_woman, a.strength_men)):
        c = np.linalg.solve([[1.0, with_age], [with_age, 1.0]], [a.strength_age, rho])
        explained = float(c @ [a.strength_age, rho])
        strength[who] = _noise_to_unit(explained, "strength_women, strength_men and strength_age", int(who.sum()), rng)
        strength[who] += c[0] * age[who] + c[1] * mg[who]
    serum = rng.standard_normal(n)
    left = 1 - a.testosterone_age**2
    with_serum = a.serum_testosterone * np.sqrt(max(left, 0.0)) * ~is_woman
    t = a.testosterone_age * age * ~is_woman + with_serum * serum
    explained = a.testosterone_age**2 + a.serum_testosterone**2 * left
    t += np.where(
        is_woman,
        rng.standard_normal(n),
        _noise_to_unit(explained, "serum_testosterone and testosterone_age", n, rng),
    )
    years = np.round(np.mean(_AGE) + (_AGE[1] - _AGE[0]) * place, 1)
    width = max(3, len(str(n)))
    participants = pd.DataFrame(
        {
            "participant_id": [f"sub-{i + 1:0{width}d}" for i in range(n)],
            "age": years,
            "sex": np.where(is_woman, "female", "male"),
            "strength_nm": _scaled(strength, is_woman, _STRENGTH_NM),
            "serum_mg_mM": np.round(_SERUM_MG_MM[0] + _SERUM_MG_MM[1] * serum, 3),
            "testosterone_ng_dl": _scaled(t, is_woman, _TESTOSTERONE_NG_DL),
        }
    )
    mean = mean_mg_mM + a.sex * within * (is_woman - 0.5)
    return participants, mean + within * mg


def _noise_to_unit(explained: float, names: str, n: int, rng: np.random.Generator) -> FloatArray:
    if not explained < 1:
        msg = f"associations {names} explain {100 * explained:.0f} % of the variance together; it must be less than 100 %."
        raise InputError(msg)
    return np.sqrt(1 - explained) * rng.standard_normal(n)


def _scaled(values: FloatArray, is_woman: Any, of_sex: Mapping[str, tuple[float, float]]) -> FloatArray:
    mean, sd = (np.where(is_woman, f, m) for f, m in zip(of_sex["female"], of_sex["male"], strict=True))
    return np.round(mean + sd * values, 1)


def _empty_folder(path: Path, overwrite: bool) -> Path:
    if not overwrite and path.exists() and (path.is_file() or any(path.iterdir())):
        msg = f"{path} exists and is not empty; choose another name, or say overwrite=True (--force) to write there."
        raise WriteError(msg)
    return make_folder(path)


def _write_tree(people: SimulatedCohort, folder: Path) -> None:
    """Write the BIDS tree; participants.tsv is the last, so that a tree without it is not whole."""
    make_folder(folder / "derivatives" / "simulation")
    try:
        for i, name in enumerate(people.participants["participant_id"]):
            (folder / name / "mrs").mkdir(parents=True, exist_ok=True)
            one = Spectra(people.spectra.fid[i], people.spectra.acquisition)
            write(one, folder / name / "mrs" / f"{name}_nuc-31P_unloc.nii.gz")
    except OSError as error:
        msg = f"output folder {folder} cannot be written: {error.strerror or error}."
        raise WriteError(msg) from error
    write_text(folder / "derivatives" / "simulation" / "truth.tsv", people.truth.to_csv(sep="\t", index=False))
    description = {"Name": "Simulated cohort of p31mg", "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    write_text(folder / "dataset_description.json", json_text(description))
    write_text(folder / "README.md", _README.format(version=__version__))
    write_text(folder / "participants.json", json_text({k: {"Description": v} for k, v in _COLUMNS.items()}))
    write_text(folder / "participants.tsv", people.participants.to_csv(sep="\t", index=False))


_COLUMNS = {
    "age": "years, simulated",
    "sex": "female or male, simulated",
    "strength_nm": "knee-extension strength, N m, simulated",
    "serum_mg_mM": "total magnesium of serum, mmol/l, simulated",
    "testosterone_ng_dl": "total testosterone, ng/dl, simulated",
}
_README = """# Simulated people

Made by p31mg {version}: no one was measured. Published associations hold for the true free Mg2+ of muscle, which stands in
`derivatives/simulation/truth.tsv`; means and scatter are plausible, no more.
"""
