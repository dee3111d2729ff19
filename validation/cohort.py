"""What `p31mg.cohort` finds in people with known truth: the numbers of ``docs/cohort.md``, kept in ``validation/cohort.json``.

Run with ``make validate-cohort``; about four minutes on two quiet cores. Three parts:

* ``fits``: cohorts of 441 people, spectra simulated and fitted one by one: standardised slopes as measured and corrected,
  coverage, and attenuation beside the reliability that the sds predict. The same people by peak picking, for contrast.
  `p31mg.power` is held against the shares of these cohorts in which an association is seen.
* ``draws``: the same with normal errors of the shift in the place of spectra, so that there can be many: rate of false
  positives, coverage.
* ``methods``: the correction of the package beside SIMEX and beside moments alone.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core for each process, before NumPy loads

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import p31mg
from p31mg.cohorts.association import associate
from p31mg.cohorts.errors_in_mg import Error, mg_is_outcome, mg_is_predictor, no_error
from p31mg.cohorts.formula import parse
from p31mg.cohorts.joining import SD
from p31mg.cohorts.simulated import draw_people

N_PEOPLE = 441
N_COHORTS = 200
N_DRAWS = 2000
NO_NOISE = 1e6
N_OF_METHODS = 1000
FIT_SNR = (300.0, 200.0)
DRAW_SD_PPM = (0.0125, 0.0187)
METHOD_SD_PPM = (0.0125, 0.0187, 0.025, 0.032)
RECORD = Path(__file__).with_suffix(".json")
CALIBRATION = p31mg.calibrations()["gupta-1978"]

MODELS = {
    "age": ("free_mg_mM ~ age", None, -0.29),
    "strength, women": ("free_mg_mM ~ strength_nm", "female", 0.31),
    "strength, men": ("free_mg_mM ~ strength_nm", "male", 0.20),
    "strength on Mg, women": ("strength_nm ~ free_mg_mM", "female", 0.31),
    "serum (null)": ("free_mg_mM ~ serum_mg_mM", None, 0.0),
}
DRAWN_MODELS = ("age", "strength on Mg, women", "serum (null)")
KEPT = (
    "beta",
    "corrected_beta",
    "corrected_beta_low",
    "corrected_beta_high",
    "corrected_p_value",
    "reliability",
    "p_value",
)


def associations(people: pd.DataFrame, models: Sequence[str]) -> list[list[float]]:
    """Return the kept columns of each model."""
    rows = []
    for text, sex, _ in (MODELS[name] for name in models):
        members = people if sex is None else people[people["sex"] == sex]
        (row,) = associate(parse(text), members.reset_index(drop=True), "", True, 0.95)
        rows.append([row[k] for k in KEPT])
    return rows


def table_of(participants: pd.DataFrame, shift: np.ndarray, sd_shift: np.ndarray) -> pd.DataFrame:
    """Return people with Mg2+ from shifts, those whose 95 % interval is open left out, as in a study."""
    low, high = CALIBRATION.shift_range_ppm
    is_used = (shift - 1.96 * sd_shift > low) & (shift + 1.96 * sd_shift < high)
    used = participants[is_used].reset_index(drop=True).rename(columns={"participant_id": "subject"})
    shift, sd_shift = shift[is_used], sd_shift[is_used]
    sd = sd_shift * np.abs(CALIBRATION.slope_mM_per_ppm(shift))
    return used.assign(free_mg_mM=CALIBRATION.free_mg_mM(shift), sd_shift_alpha_beta_ppm=sd_shift, **{SD: sd})


def picked_shift(spectra: p31mg.SimulatedSpectra) -> np.ndarray:
    """Return the distance of the highest points of alpha and beta, as a careful reader of spectra would take it.

    Phases of order zero and one are taken from the truth; 15 Hz of line broadening makes one hump of each multiplet; four times
    zero filling.
    """
    t = spectra.time_s - spectra.acquisition.begin_time_s
    n = 4 * spectra.n_points
    fid = spectra.fid * np.exp(-np.pi * 15.0 * t)
    hz = np.fft.fftshift(np.fft.fftfreq(n, spectra.acquisition.dwell_time_s))
    turn = np.exp(-2j * np.pi * hz * spectra.acquisition.begin_time_s)
    spectrum = np.fft.fftshift(np.fft.fft(fid, n), axes=-1) * turn
    real = (spectrum * np.exp(-1j * spectra.truth.phase_rad)[:, None]).real
    ppm = (hz - spectra.truth.frequency_offset_hz[:, None]) / spectra.acquisition.spectrometer_frequency_mhz
    peaks = []
    for name in ("alpha_atp", "beta_atp"):
        centre = spectra.truth.chemical_shift_ppm[:, spectra.truth.names.index(name)].mean()
        inside = np.abs(ppm - centre) < 0.8
        at = np.where(inside, real, -np.inf).argmax(axis=-1)
        peaks.append(ppm[np.arange(len(ppm)), at])
    return peaks[0] - peaks[1]


def fitted_cohort(seed: int) -> list[dict[str, object]]:
    """Return, for each SNR, associations of one cohort by fits, by peak picking, and the errors of both shifts."""
    people = p31mg.simulate_cohort(N_PEOPLE, snr=NO_NOISE, seed=seed, n_points=1024)
    found = []
    for snr in FIT_SNR:
        rng = np.random.default_rng([seed, int(snr)])
        noise = rng.standard_normal((*people.spectra.fid.shape, 2)).view(complex)[..., 0]
        fid = people.spectra.fid + noise * people.spectra.truth.noise_sd[:, None] * NO_NOISE / snr
        spectra = dataclasses.replace(people.spectra, fid=fid)
        fit = p31mg.fit(p31mg.Spectra(fid, spectra.acquisition))
        true_shift = spectra.truth.shift_alpha_beta_ppm
        picked = picked_shift(spectra)
        error = picked - true_shift
        picked = picked - np.median(error)  # its bias, which a study would not know, is taken out
        participants = people.participants
        shift = np.where(fit.is_valid, fit.shift_alpha_beta_ppm, np.nan)
        by_fit = table_of(participants, shift, fit.sd_shift_alpha_beta_ppm)
        true_mg = people.truth.set_index("participant_id").loc[by_fit["subject"], "true_free_mg_mM"]
        by_picking = table_of(participants, picked, fit.sd_shift_alpha_beta_ppm)
        found.append(
            {
                "fit": associations(by_fit, MODELS),
                "picking": associations(by_picking, MODELS),
                "n": len(by_fit),
                "reliability": float(np.corrcoef(by_fit["free_mg_mM"], true_mg)[0, 1] ** 2),
                "slope_of_measured": float(np.polyfit(true_mg, by_fit["free_mg_mM"], 1)[0]),
                "z": float(np.nanstd((shift - true_shift) / fit.sd_shift_alpha_beta_ppm)),
                "sd_fit": float(np.nanstd(shift - true_shift)),
                "sd_picking": float(error.std()),
            }
        )
    return found


def drawn_people(seed: int, sd_ppm: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Return people whose shift has a normal error, and the true Mg2+ of those who are used."""
    rng = np.random.default_rng(seed)
    participants, true = draw_people(N_PEOPLE, p31mg.Associations(), 0.55, 0.09, rng)
    sd_shift = sd_ppm * np.exp(0.15 * rng.standard_normal(N_PEOPLE))
    shift = CALIBRATION.shift_ppm(true) + sd_shift * rng.standard_normal(N_PEOPLE)
    table = table_of(participants, shift, sd_shift)
    of = pd.Series(true, participants["participant_id"])
    return table, of[table["subject"]].to_numpy()


def drawn_cohort(seed: int, sd_ppm: float) -> list[list[float]]:
    """Return associations of people whose shift has a normal error."""
    return associations(drawn_people(seed, sd_ppm)[0], DRAWN_MODELS)


def simex(estimate: Callable[[np.ndarray], float], mg: np.ndarray, sd: np.ndarray, rng: np.random.Generator) -> float:
    """Return an estimate extrapolated to no error (Cook and Stefanski 1994): 40 additions of noise at each step, a parabola."""
    steps = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
    means = [
        np.mean([estimate(mg + np.sqrt(k) * sd * rng.standard_normal(len(mg))) for _ in range(40 if k else 1)])
        for k in steps
    ]
    return float(np.polyval(np.polyfit(steps, means, 2), -1.0))


def method_estimates(seed: int, sd_ppm: float) -> list[float]:
    """Return slopes by method: standardised on age, and of women's strength on Mg2+ over that with true Mg2+ in the mean."""
    people, true = drawn_people(seed, sd_ppm)
    rng = np.random.default_rng([seed, 2])
    scaled = np.array([True])

    def columns(frame: pd.DataFrame) -> tuple[np.ndarray, ...]:
        return tuple(frame[c].to_numpy(float) for c in ("free_mg_mM", SD, "sd_shift_alpha_beta_ppm"))

    def beta(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.corrcoef(x, y)[0, 1])

    def slope(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.cov(x, y)[0, 1] / x.var(ddof=1))

    mg, sd, sd_shift = columns(people)
    age = people["age"].to_numpy(float)
    z = np.column_stack([np.ones(len(age)), age])
    mg2, error = Error.from_measurements(mg, sd, sd_shift)
    share = 1 - (sd**2).mean() / mg.var(ddof=1)
    out = [
        beta(age, mg),
        beta(age, mg) / np.sqrt(share) if share > 0 else np.nan,
        simex(partial(beta, age), mg, sd, rng),
        float(mg_is_outcome(mg2, z, error, scaled)(np.ones(len(mg))).beta[0]),
    ]
    is_woman = (people["sex"] == "female").to_numpy()
    women, true_women = people[is_woman], true[is_woman]
    mg, sd, sd_shift = columns(women)
    strength = women["strength_nm"].to_numpy(float)
    mg2, error = Error.from_measurements(mg, sd, sd_shift)
    share = 1 - (sd**2).mean() / mg.var(ddof=1)
    z = np.column_stack([np.ones(len(mg2)), mg2])
    return [
        *out,
        slope(mg, strength),
        slope(mg, strength) / share if share > 0 else np.nan,
        simex(lambda m: slope(m, strength), mg, sd, rng),
        float(mg_is_predictor(strength, z, 1, error, scaled)(np.ones(len(mg))).slope[0]),
        float(no_error(strength, np.column_stack([np.ones(len(mg)), true_women]), scaled)(np.ones(len(mg))).slope[0]),
    ]


def summary(rows: np.ndarray, name: str, truth: float) -> dict[str, object]:
    """Return what many cohorts say of one model; `rows` are (cohorts, kept)."""
    of = {k: rows[:, i] for i, k in enumerate(KEPT)}
    seen = np.isfinite(of["corrected_beta"])
    inside = (of["corrected_beta_low"] < truth) & (truth < of["corrected_beta_high"])
    predicted = float(np.sqrt(of["reliability"][seen]).mean())
    result = {
        "model": name,
        "truth": truth,
        "naive_beta": float(of["beta"].mean()),
        "corrected_beta": float(of["corrected_beta"][seen].mean()),
        "standard_error": float(of["corrected_beta"][seen].std() / np.sqrt(seen.sum())),
        "coverage": float(inside[seen].mean()),
        "predicted_attenuation": predicted,
        "attenuation": float(of["beta"].mean() / truth) if truth else None,
        "rejected": float((of["corrected_p_value"][seen] < 0.05).mean()),
        "rejected_naive": float((of["p_value"] < 0.05).mean()),
        "without_correction": int((~seen).sum()),
    }
    show = {k: round(v, 4) if isinstance(v, float) else v for k, v in result.items()}
    print("  ", show, flush=True)
    return result


def summaries(all_rows: list[list[list[float]]], models: Sequence[str]) -> list[dict[str, object]]:
    """Return a summary for each model."""
    rows = np.array(all_rows, dtype=float)
    return [summary(rows[:, i], name, MODELS[name][2]) for i, name in enumerate(models)]


def keep(part: str, found: object) -> None:
    """Put a part into the record."""
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    RECORD.write_text(json.dumps({**record, part: found}, indent=1) + "\n", encoding="utf-8")


def run_fits(pool: ProcessPoolExecutor) -> None:
    """Print and keep what fits and peak picking find."""
    all_found = list(pool.map(fitted_cohort, range(N_COHORTS)))
    kept = []
    for i, snr in enumerate(FIT_SNR):
        found = [both[i] for both in all_found]
        means = {
            k: float(np.mean([f[k] for f in found]))
            for k in ("n", "reliability", "slope_of_measured", "z", "sd_fit", "sd_picking")
        }
        print(f"\nSNR {snr:g}, {N_COHORTS} cohorts of {N_PEOPLE}; {means}", flush=True)
        by_fit = summaries([f["fit"] for f in found], tuple(MODELS))
        print("   peak picking, corrected with the sds of the fits:", flush=True)
        by_picking = summaries([f["picking"] for f in found], tuple(MODELS))
        kept.append({"snr": snr, "n_cohorts": N_COHORTS, **means, "fit": by_fit, "picking": by_picking})
    keep("fits", kept)


def run_draws(pool: ProcessPoolExecutor) -> None:
    """Print and keep what many cohorts without spectra find."""
    kept = []
    for sd in DRAW_SD_PPM:
        print(f"\nshift sd {sd} ppm, {N_DRAWS} cohorts of {N_PEOPLE}", flush=True)
        rows = list(pool.map(partial(drawn_cohort, sd_ppm=sd), range(10_000, 10_000 + N_DRAWS), chunksize=20))
        kept.append({"sd_ppm": sd, "n_cohorts": N_DRAWS, "models": summaries(rows, DRAWN_MODELS)})
        keep("draws", kept)


def run_methods(pool: ProcessPoolExecutor) -> None:
    """Print and keep bias and error of methods of correction."""
    names = [
        f"{what}: {m}" for what in ("beta of age", "strength on Mg") for m in ("naive", "moments", "SIMEX", "p31mg")
    ]
    kept = []
    for sd in METHOD_SD_PPM:
        seeds = range(50_000, 50_000 + N_OF_METHODS)
        rows = np.array(list(pool.map(partial(method_estimates, sd_ppm=sd), seeds, chunksize=20)))
        truths = (-0.29,) * 4 + (rows[:, -1].mean(),) * 4
        print(f"\nshift sd {sd} ppm: bias and root mean square error, relative to the truth", flush=True)
        of_sd = []
        for values, name, truth in zip(rows.T, names, truths, strict=False):
            r = values[np.isfinite(values)] / truth - 1
            row = {"method": name, "bias": float(r.mean()), "rmse": float(np.sqrt((r**2).mean()))}
            row["failed"] = int(np.isnan(values).sum())
            print(f"   {name:26s} {100 * row['bias']:7.1f} % {100 * row['rmse']:7.1f} %   failed {row['failed']}")
            of_sd.append(row)
        kept.append({"sd_ppm": sd, "n_cohorts": N_OF_METHODS, "rows": of_sd})
    keep("methods", kept)


PARTS = {"fits": run_fits, "draws": run_draws, "methods": run_methods}


def main() -> None:
    """Run all parts, or those that are named."""
    with ProcessPoolExecutor(2) as pool:
        for part in sys.argv[1:] or PARTS:
            PARTS[part](pool)


if __name__ == "__main__":
    main()
