"""What is found in public spectra of people and of cells: the tables of ``docs/validation.md`` on real input.

    python validation/real_spectra.py                  tables to stdout, results to validation/real.json
    python validation/real_spectra.py --page           write the last results into the page
    python validation/real_spectra.py --figures build  every fit as a figure, into a folder that is not part of the repository

The spectra are not part of the repository: they are looked for in ``../shared/data`` from its root, or at ``$P31MG_REAL_DATA``.
"""

from __future__ import annotations

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from nasty import methods

import p31mg
from p31mg.prior import load_prior

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("P31MG_REAL_DATA", ROOT.parent / "shared" / "data"))
RESULTS = Path(__file__).with_name("real.json")
PAGE = ROOT / "docs" / "validation.md"
MARKS = ("<!-- real: begin (written by validation/real_spectra.py --page) -->\n", "<!-- real: end -->\n")

BRAIN = {"spectrometer_frequency_mhz": 120.0, "spectral_width_hz": 10_000.0, "begin_time_s": 3e-4}
BRAIN_PEER_PPM = 8.595
"""Of the AMARES table that came with the spectrum: its multiplets of alpha and beta."""
BRAIN_STATED_MS = (0.2, 0.3, 0.4)
HEART_STATED_MS = (2.3, 2.5, 2.7)
"""The header says 2.3, the laboratory's own script 2.6."""
BLOOD = {"begin_time_s": 2e-5, "sd_begin_time_s": 2e-5}
EXTRACT = {"begin_time_s": 6e-5, "sd_begin_time_s": 2e-5}
"""Of pulse and dead time, as the headers say; the filters add to it."""
EXTRACT_PRIOR = Path(__file__).with_name("extract-14t.toml")

ATP_SNR = 4.5
"""Voxels that are compared: alpha and beta above it, as the package asks of ATP that was found."""
POOLED_SNR = 8.0
"""Of PCr, in voxels from which the begin time of a grid is taken."""


@dataclass(frozen=True)
class Found:
    """The shift of each row with its error, whatever the flags say, and what the fit says of it."""

    shift: np.ndarray
    sd: np.ndarray
    fit: p31mg.FitResult

    @classmethod
    def of(cls, spectra: p31mg.Spectra, prior: p31mg.Prior, model: str) -> Found:
        """Fit, and take the difference of the centres also where the status is not OK."""
        fit = methods.MODELS[model](spectra, prior)
        a, b = fit.names.index("alpha_atp"), fit.names.index("beta_atp")
        c = fit.covariance_shift_ppm2
        variance = c[..., a, a] + c[..., b, b] - 2 * c[..., a, b]
        with np.errstate(invalid="ignore"):
            sd = np.where(np.isfinite(fit.sd_shift_alpha_beta_ppm), fit.sd_shift_alpha_beta_ppm, np.sqrt(variance))
        return cls(fit.chemical_shift_ppm[..., a] - fit.chemical_shift_ppm[..., b], sd, fit)

    @property
    def has_atp(self) -> np.ndarray:
        """Whether alpha and beta stand out and their shifts are determined."""
        atp = [self.fit.names.index(name) for name in ("alpha_atp", "beta_atp")]
        stands_out = (self.fit.snr_resonance[..., atp] >= ATP_SNR).all(axis=-1)
        return stands_out & (self.sd > 0) & ~self.fit.quality.at_bound

    def row(self, index: tuple[int, ...] = ()) -> dict[str, Any]:
        """Return one row as plain values."""
        fit, status = self.fit, p31mg.FitStatus(int(self.fit.status[index]))
        return {
            "shift_ppm": float(self.shift[index]),
            "sd_ppm": float(self.sd[index]),
            "snr": float(fit.snr[index]),
            "begin_time_ms": 1e3 * float(fit.begin_time_s[index]),
            "free_mg_mM": float(p31mg.free_magnesium(fit).free_mg_mM[index]),
            "status": status.name,
            "valid": bool(fit.is_valid[index]),
            "raised": fit.quality.raised(index) if status is p31mg.FitStatus.OK else [],
        }


def _at(spectra: p31mg.Spectra, begin_time_s: float, sd_s: float = methods.BEGIN_TIME_SD_S) -> p31mg.Spectra:
    stated = replace(spectra.acquisition, begin_time_s=begin_time_s, sd_begin_time_s=sd_s)
    return replace(spectra, acquisition=stated)


def _field_t(spectra: p31mg.Spectra) -> float:
    return spectra.acquisition.spectrometer_frequency_mhz / 17.235


def brain() -> list[dict[str, Any]]:
    """One spectrum at 7 T, which another program has fitted."""
    spectra = p31mg.read(DATA / "brain-7t" / "fid.txt", **BRAIN)  # type: ignore[arg-type]
    prior = load_prior("brain").at_field(_field_t(spectra))
    return [
        {"model": name, "stated_ms": ms, **Found.of(_at(spectra, 1e-3 * ms), prior, name).row()}
        for name in methods.MODELS
        for ms in BRAIN_STATED_MS
    ]


def heart() -> list[dict[str, Any]]:
    """Two grids of 8 by 8 voxels: status, and the shift of voxels with ATP, by model and by the begin time that is stated."""
    rows = []
    for subject in (1, 2):
        spectra = p31mg.read(DATA / "heart-3t" / f"subject-{subject}.nii.gz")
        prior = load_prior("heart").at_field(_field_t(spectra))
        voxels = Found.of(_at(spectra, 1e-3 * HEART_STATED_MS[0]), prior, methods.DEFAULT).has_atp
        for name in methods.MODELS:
            for ms in HEART_STATED_MS:
                rows.append(_grid(subject, name, ms, Found.of(_at(spectra, 1e-3 * ms), prior, name), voxels))
        for ms in HEART_STATED_MS:
            rows.append(_pooled(subject, ms, _at(spectra, 1e-3 * ms), prior, voxels))
    return rows


def _grid(subject: int, model: str, stated_ms: float, found: Found, voxels: np.ndarray) -> dict[str, Any]:
    fit, has = found.fit, voxels & (found.sd > 0) & np.isfinite(found.shift)
    return {
        "subject": subject,
        "model": model,
        "stated_ms": stated_ms,
        "statuses": _statuses(fit),
        "valid": int(fit.is_valid.sum()),
        "n_atp": int(has.sum()),
        **_agreement(found.shift[has], found.sd[has]),
        "begin_time_ms": _mean(1e3 * fit.begin_time_s[has], found.sd[has]),
    }


def _pooled(
    subject: int, stated_ms: float, spectra: p31mg.Spectra, prior: p31mg.Prior, voxels: np.ndarray
) -> dict[str, Any]:
    """Take one begin time for the grid from all voxels with PCr, and fit with it."""
    first = Found.of(spectra, prior, methods.DEFAULT).fit
    has = (first.snr >= POOLED_SNR) & (first.crlb_begin_time_s > 0) & ~first.quality.at_bound
    value, sd = first.begin_time_s[has], first.crlb_begin_time_s[has]
    pooled = _mean(value, sd)
    chi2 = float((((value - pooled) / sd) ** 2).sum() / (len(value) - 1))
    error = float(np.sqrt(max(chi2, 1.0) / (sd**-2.0).sum()))
    again = Found.of(_at(spectra, pooled, error), prior, methods.DEFAULT)
    row = _grid(subject, "one begin time for the grid", stated_ms, again, voxels)
    return {**row, "begin_time_ms": 1e3 * pooled, "begin_time_sd_ms": 1e3 * error, "begin_time_chi2": chi2}


def _statuses(fit: p31mg.FitResult) -> dict[str, int]:
    return dict(Counter(p31mg.FitStatus(int(s)).name for s in fit.status.ravel()))


def _mean(value: np.ndarray, sd: np.ndarray) -> float:
    return float(np.average(value, weights=sd**-2.0)) if len(value) else np.nan


def _agreement(shift: np.ndarray, sd: np.ndarray) -> dict[str, float]:
    """Return the weighted mean, its error and the reduced chi-square about it."""
    mean = _mean(shift, sd)
    chi2 = float((((shift - mean) / sd) ** 2).sum() / (len(shift) - 1)) if len(shift) > 1 else np.nan
    error = float((sd**-2.0).sum() ** -0.5) if len(shift) else np.nan
    return {"shift_ppm": mean, "sd_ppm": error, "chi2": chi2}


def blood() -> list[dict[str, Any]]:
    """Cells at 14.1 T at four times."""
    rows = []
    for number in (2, 5, 8, 11):
        spectra = p31mg.read(DATA / "blood-14t" / str(number), **BLOOD)
        prior = load_prior("blood").at_field(_field_t(spectra))
        rows += [{"spectrum": number, "model": name, **Found.of(spectra, prior, name).row()} for name in methods.MODELS]
    return rows


def extract() -> list[dict[str, Any]]:
    """Nearly Mg-free ATP in vitro, which must not look fine with a prior of something else."""
    spectra = p31mg.read(DATA / "extract-14t" / "data.fid", **EXTRACT)
    rows = []
    for which in ("muscle", "blood", EXTRACT_PRIOR):
        prior = load_prior(which)
        for name in methods.MODELS:
            found = Found.of(spectra, prior.at_field(_field_t(spectra)), name)
            ok = found.fit.status == p31mg.FitStatus.OK
            raised = Counter(word for i in np.flatnonzero(ok) for word in found.fit.quality.raised(int(i)))  # type: ignore[arg-type]
            rows.append(
                {
                    "prior": prior.name,
                    "model": name,
                    "valid": int(found.fit.is_valid.sum()),
                    "statuses": _statuses(found.fit),
                    "raised": dict(raised),
                    "shift_ppm": float(np.median(found.shift[ok])) if ok.any() else np.nan,
                    "lowest_ppm": float(found.shift[ok].min()) if ok.any() else np.nan,
                    "highest_ppm": float(found.shift[ok].max()) if ok.any() else np.nan,
                }
            )
    return rows


RUN: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "brain": brain,
    "heart": heart,
    "blood": blood,
    "extract": extract,
}


def _n(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form).replace("-", "−")


def _table(head: list[str], body: list[list[str]]) -> str:
    return "\n".join([f"| {' | '.join(r)} |" for r in (head, ["---"] * len(head), *body)]) + "\n"


def _verdict(row: dict[str, Any]) -> str:
    if row["valid"]:
        return "valid"
    return ", ".join(row["raised"]) if row["status"] == "OK" else row["status"]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items(), key=lambda item: -item[1]))


def tables(results: dict[str, Any]) -> str:
    """Return all tables in Markdown."""
    parts = []
    if "brain" in results:
        head = ["model", "stated (ms)", "begin time found (ms)", "shift (ppm)", "Mg (mM)", "SNR", ""]
        body = [
            [r["model"], _n(r["stated_ms"], "g"), _n(r["begin_time_ms"], ".3f"), _shift(r),
             _n(r["free_mg_mM"], ".2f"), _n(r["snr"], ".0f"), _verdict(r)]
            for r in results["brain"]
        ]  # fmt: skip
        body.insert(
            0, ["AMARES table that came with the spectrum", "0.3", "0.300", _n(BRAIN_PEER_PPM, ".3f"), "", "", ""]
        )
        parts.append(f"### Brain at 7 T\n\nPrior `brain`.\n\n{_table(head, body)}")
    if "heart" in results:
        head = [
            "person",
            "model",
            "stated (ms)",
            "begin time (ms)",
            "voxels",
            "mean shift (ppm)",
            "chi² of these",
        ]
        head += ["chi² of begin times", "valid", "status of the 64"]
        body = [
            [str(r["subject"]), r["model"], _n(r["stated_ms"], "g"), _begin(r), str(r["n_atp"]),
             _shift(r), _n(r["chi2"], ".2f"), _n(r.get("begin_time_chi2"), ".1f"),
             str(r["valid"]), _counted(r["statuses"])]
            for r in results["heart"]
        ]  # fmt: skip
        note = (
            f"Prior `heart`. Always the same voxels: those in which the default finds α and β above SNR {ATP_SNR:g} and at no "
            "bound, where the header's begin time is stated. Chi² is reduced, about the mean."
        )
        parts.append(f"### Heart and chest wall at 3 T\n\n{note}\n\n{_table(head, body)}")
    if "blood" in results:
        head = ["spectrum", "model", "begin time found (ms)", "shift (ppm)", "SNR of α", ""]
        body = [
            [str(r["spectrum"]), r["model"], _n(r["begin_time_ms"], ".3f"), _shift(r),
             _n(r["snr"], ".0f"), _verdict(r)]
            for r in results["blood"]
        ]  # fmt: skip
        parts.append(f"### Blood cells at 14.1 T\n\nPrior `blood`; stated begin time 0.020 ms.\n\n{_table(head, body)}")
    if "extract" in results:
        head = [
            "prior",
            "model",
            "valid of 70",
            "status",
            "flags of those with status OK",
            "their shift, median and range (ppm)",
        ]
        body = [
            [f"`{r['prior']}`", r["model"], str(r["valid"]), _counted(r["statuses"]), _counted(r["raised"]) or "-",
             f"{_n(r['shift_ppm'], '.2f')} ({_n(r['lowest_ppm'], '.2f')} to {_n(r['highest_ppm'], '.2f')})"]
            for r in results["extract"]
        ]  # fmt: skip
        parts.append(f"### Extract at 14.1 T\n\n{_table(head, body)}")
    return "\n".join(parts)


def _shift(row: dict[str, Any]) -> str:
    return f"{_n(row['shift_ppm'], '.3f')} ± {_n(row['sd_ppm'], '.3f')}"


def _begin(row: dict[str, Any]) -> str:
    text = _n(row["begin_time_ms"], ".3f")
    return f"{text} ± {_n(row['begin_time_sd_ms'], '.3f')}" if "begin_time_sd_ms" in row else text


def figures(folder: Path) -> None:
    """Draw every fit with status OK of the default model; for the eye, not for the repository."""
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    cases = {"brain": (p31mg.read(DATA / "brain-7t" / "fid.txt", **BRAIN), "brain")}  # type: ignore[arg-type]
    cases |= {f"heart-{i}": (p31mg.read(DATA / "heart-3t" / f"subject-{i}.nii.gz"), "heart") for i in (1, 2)}
    for i in (2, 5, 8, 11):
        cases[f"blood-{i}"] = (p31mg.read(DATA / "blood-14t" / str(i), **BLOOD), "blood")
    extracts = p31mg.read(DATA / "extract-14t" / "data.fid", **EXTRACT)
    cases["extract"] = (extracts[::23], EXTRACT_PRIOR)
    for name, (spectra, prior) in cases.items():
        found = Found.of(spectra, load_prior(prior).at_field(_field_t(spectra)), methods.DEFAULT)
        for index in map(tuple, np.argwhere(found.fit.status == p31mg.FitStatus.OK)):
            drawn = p31mg.plot.fit(found.fit, index, apodisation_hz=5.0)
            drawn.ax.figure.savefig(folder / f"{name}-{'-'.join(map(str, index)) or '0'}.png", dpi=80)
            plt.close("all")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, float):
        return float(f"{value:.5g}") if np.isfinite(value) else None
    return value


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(RUN), help="sections, with commas between them")
    parser.add_argument("--page", action="store_true", help="write the last results into docs/validation.md")
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help="draw the fits into this folder")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if arguments.page:
        text = PAGE.read_text(encoding="utf-8")
        before, _, rest = text.partition(MARKS[0])
        PAGE.write_text(
            f"{before}{MARKS[0]}\n{tables(results)}\n{MARKS[1]}{rest.partition(MARKS[1])[2]}", encoding="utf-8"
        )
        return
    if not DATA.is_dir():
        print(
            f"no real spectra at {DATA}; set P31MG_REAL_DATA to the folder that holds brain-7t and heart-3t",
            file=sys.stderr,
        )
        sys.exit(2)
    if arguments.figures:
        figures(arguments.figures)
        return
    for name in arguments.only.split(","):
        results[name] = [_plain(row) for row in RUN[name]()]
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(tables(results))


if __name__ == "__main__":
    main()
