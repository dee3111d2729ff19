"""What a study leaves behind: `results.csv`, `results.json` and `figures/`, each file whole or not there."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg._version import __version__
from p31mg.errors import WriteError
from p31mg.fitting import FitResult, FitStatus
from p31mg.io.documents import json_text, jsonable
from p31mg.io.writing import make_folder, write_whole
from p31mg.magnesium import Calibration, MagnesiumResult, calibration_record, free_magnesium
from p31mg.prior import Prior

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "explained", "figure_names", "require_own", "write_figures", "write_tables"]

COLUMNS: Mapping[str, str] = {
    "file": "path of the file below the study folder",
    "row_in_fit": "position of the spectrum in the stack that was fitted in one call",
    "status": "how the fit ended: " + ", ".join(s.name for s in FitStatus),
    "reason": "why there is no result; empty where status is OK",
    "shift_alpha_beta_ppm": "delta(alpha-ATP) - delta(beta-ATP) between multiplet centres, ppm",
    "sd_shift_alpha_beta_ppm": "its standard deviation from the joint covariance, ppm",
    "shift_beta_pcr_ppm": "delta(beta-ATP) - delta(PCr), ppm",
    "sd_shift_beta_pcr_ppm": "its standard deviation, ppm",
    "free_mg_mM": "free intracellular Mg2+ by the calibration of the row, mM",
    "sd_mM": "its standard deviation from all errors in error_includes, mM",
    "sd_measurement_mM": "the part of it that comes from the shift, mM",
    "sd_condition_mM": "the part that comes from pH and temperature; 0 where Kd is not corrected for them, mM",
    "sd_calibration_mM": "the part that comes from the constants of the calibration; empty where their errors are not known, mM",
    "error_includes": "what has an error in sd_mM and in the interval",
    "interval_low_mM": "lower end of the interval at interval_level, from the errors in error_includes, mM",
    "interval_high_mM": "upper end; infinite where it lies beyond a limit of the calibration, mM",
    "interval_level": "probability that the interval aims at",
    "interval_open": "true where an end of the interval lies beyond a limit of the calibration",
    "probability_beyond_free": "probability of a shift beyond that of free ATP, where there would be no Mg2+",
    "probability_beyond_bound": "probability of a shift beyond that of MgATP, where Mg2+ could be anything high",
    "p_mg": "-log10 of free Mg2+ in mol/l",
    "in_range": "true where the shift lies within the range of the calibration",
    "inputs_ok": "false where pH could not be read from Pi, or an sd, pH or temperature made no sense",
    "mg_is_valid": "true where in_range, is_valid, not interval_open and everything known that acts: the rows to use",
    "ph": "intracellular pH",
    "sd_ph": "its standard deviation: as given, or from that of the Pi shift alone",
    "ph_source": "given, the equation that read it from Pi, or unknown",
    "temperature_c": "temperature, degrees Celsius",
    "sd_temperature_c": "its standard deviation, degrees Celsius",
    "kd_corrected": "true where Kd was corrected to pH, temperature, ionic strength and K+",
    "kd_ratio": "factor of Kd by which it was; 1 where it was not",
    "ionic_strength_M": "ionic strength that Kd was corrected to, mol/l",
    "potassium_M": "K+ that Kd was corrected to, mol/l",
    "calibration": "name of the calibration",
    "calibration_evidence": "how sure its constants are: A, B or user",
    "calibration_source": "its citation",
    "snr": "matched-filter SNR of PCr per component",
    "noise_sd": "noise of one component of one FID point, data units",
    "reference_offset_ppm": "PCr from the carrier, ppm",
    "prior": "name of the prior knowledge",
    "engine": "engine of the fit",
    "spectrometer_frequency_mhz": "31P frequency of the acquisition, MHz",
    "spectral_width_hz": "spectral width of the acquisition, Hz",
    "begin_time_s": "from the centre of the excitation to the first point, s",
    "begin_time_source": "where the begin time comes from: given, or the field of the file",
    "n_points": "complex points of the FID",
    "phase_deg": "zero-order phase common to all peaks, degrees",
    "converged": "true where the last step was shorter than 1e-4 standard errors",
    "at_bound": "true where shift or width of alpha, beta or PCr sits on a bound",
    "snr_ok": "true where alpha- and beta-ATP have an SNR of at least 9",
    "linewidth_ok": "true where the PCr line is narrower than 0.6 ppm",
    "shift_in_range": "true where shift_alpha_beta_ppm lies between 8.32 and 10.91",
    "residual_ok": "true where the residual is at most 1.35 times the noise of the last half of the FID",
    "is_valid": "true where status is OK and all of these flags are good",
    "n_iterations": "iterations of the fit",
}
_BY_ENDING = {
    "_crlb_chemical_shift_ppm": "Cramer-Rao bound of the centre of {}, ppm",
    "_crlb_linewidth_hz": "Cramer-Rao bound of the linewidth of {}, Hz",
    "_crlb_amplitude": "Cramer-Rao bound of the amplitude of {}, data units",
    "_chemical_shift_ppm": "centre of {} from PCr, ppm",
    "_linewidth_hz": "full width at half maximum of one line of {}, Hz",
    "_amplitude": "signal of {} at time 0, data units",
    "_snr": "matched-filter SNR of {} per component",
}


def explained(column: str) -> str:
    """Return what a column holds, with its unit.

    Examples
    --------
    >>> explained("beta_atp_linewidth_hz")
    'full width at half maximum of one line of beta_atp, Hz'
    """
    if column in COLUMNS:
        return COLUMNS[column]
    for ending, text in _BY_ENDING.items():
        if column.endswith(ending):
            return text.format(column.removesuffix(ending))
    if column.startswith("calibration_"):
        return f"constant {column.removeprefix('calibration_')} of the calibration"
    return f"position on the axis {column!r} of the file"


def require_own(output: Path, folder: Path, options: Mapping[str, Any], *, overwrite: bool) -> None:
    """Refuse an output folder in which something would be lost.

    Raises
    ------
    WriteError
        It is the folder of the spectra, or holds a ``results.csv`` of somebody else or, without `overwrite`, one made with
        other options.
    """
    if output.resolve() == folder.resolve():
        msg = f"output folder {output} is the folder of the spectra; choose another, it may lie within."
        raise WriteError(msg)
    if not (output / "results.csv").exists():
        return
    earlier = _record_of(output)
    if earlier is None:
        msg = f"output folder {output} holds a results.csv that p31mg did not write; choose another folder."
        raise WriteError(msg)
    now, before = jsonable(options), earlier["options"]
    changed = [name for name in now if now[name] != before.get(name)]
    if changed and not overwrite:
        differences = ", ".join(f"{name} {before.get(name)!r} then, {now[name]!r} now" for name in changed)
        msg = (
            f"output folder {output} holds results made with other options ({differences}); choose another folder, or "
            "replace them with --force (overwrite=True in Python)."
        )
        raise WriteError(msg)


def _record_of(output: Path) -> dict[str, Any] | None:
    """Return the record of an earlier run in a folder, None if there is none that p31mg wrote."""
    try:
        record = json.loads((output / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = (
        isinstance(record, dict) and isinstance(record.get("options"), dict) and "p31mg" in record.get("versions", {})
    )
    return record if is_ours else None


def write_tables(
    table: pd.DataFrame,
    output: Path,
    prior: Prior,
    calibration: Calibration,
    options: Mapping[str, Any],
    figures: Sequence[str],
) -> None:
    """Write the table as CSV, and as JSON what its columns mean and how it was made.

    Figures that an earlier run recorded are removed: what is in the folder belongs to the table.
    """
    record = {
        "figures": list(figures),
        "columns": {str(c): explained(str(c)) for c in table.columns},
        "options": dict(options),
        "prior": _prior_record(prior),
        "calibration": calibration_record(calibration),
        "versions": {
            "p31mg": __version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("numpy", "scipy", "lmfit", "pandas", "nibabel")},
        },
    }
    _remove_figures(output)
    write_whole(output / "results.csv", lambda name: table.to_csv(name, index=False))
    text = json_text(record, sort_keys=True)
    write_whole(output / "results.json", lambda name: Path(name).write_text(text, encoding="utf-8"))


def _remove_figures(output: Path) -> None:
    """Remove the figures that the record of an earlier run names, and nothing that lies outside their folder."""
    folder = (output / "figures").resolve()
    names = (_record_of(output) or {}).get("figures", [])
    for name in names if isinstance(names, list) else []:
        file = (folder / str(name)).resolve()
        if file.is_relative_to(folder) and file.is_file():
            file.unlink()


def _prior_record(prior: Prior) -> dict[str, Any]:
    return {
        "name": prior.name,
        "description": prior.description,
        "field_strength_t": prior.field_strength_t,
        "scales_with_field": prior.scales_with_field,
        "reference": prior.reference,
        "coupling": prior.coupling,
        "sources": list(prior.sources),
        "resonances": {
            r.name: {
                "chemical_shift_ppm": r.chemical_shift_ppm,
                "shift_bounds_ppm": list(r.shift_bounds_ppm),
                "linewidth_hz": r.linewidth_hz,
                "linewidth_bounds_hz": list(r.linewidth_bounds_hz),
                "linewidth_as": r.linewidth_as,
                "j_coupling_hz": list(r.j_coupling_hz),
            }
            for r in prior.resonances
        },
    }


def write_figures(
    table: pd.DataFrame,
    fits: Mapping[str, FitResult],
    axes: Sequence[str],
    calibration: Calibration,
    output: Path,
    tell: Callable[[str, int, int], None],
) -> None:
    """Write one picture per fitted spectrum, in folders as the files are, the calibration and the study at a glance."""
    from p31mg import plot
    from p31mg.plot.style import CALIBRATION_SIZE, FIT_SIZE, STUDY_SIZE, figure_for_file

    folder = make_folder(output / "figures")
    usable = table[table["status"] == FitStatus.OK.name]
    names = figure_names(table, axes)
    for done, (name, (_, row)) in enumerate(zip(names, usable.iterrows(), strict=False)):
        tell("draw", done, len(usable))
        figure = figure_for_file(FIT_SIZE)
        drawn = plot.fit(fits[row["file"]], int(row["row_in_fit"]), figure.add_subplot())
        drawn.ax.set_title(f"{row['file']}\n{drawn.ax.get_title(loc='left')}", loc="left", fontsize="medium")
        path = folder / name
        write_whole(make_folder(path.parent) / path.name, figure.savefig)
    valid = table[table["mg_is_valid"]]
    if len(valid):
        figure = figure_for_file(CALIBRATION_SIZE)
        plot.calibration(_magnesium(valid, calibration), figure.add_subplot())
        write_whole(folder / "calibration.png", figure.savefig)
        figure = figure_for_file(STUDY_SIZE)
        plot.study(table, figure)
        write_whole(folder / "study.png", figure.savefig)
    tell("draw", len(usable), len(usable))


def _magnesium(rows: pd.DataFrame, calibration: Calibration) -> MagnesiumResult:
    """Return the magnesium of rows of one table again, for drawing: as an array even if it is one."""
    columns = (calibration.quantity, f"sd_{calibration.quantity}", "ph", "sd_ph", "temperature_c")
    shift, sd, ph, sd_ph, temperature = (np.append(rows[c].to_numpy(float), np.nan) for c in columns)
    options: dict[str, Any] = {"level": float(rows["interval_level"].iloc[0])}
    if rows["kd_corrected"].any():
        strength, potassium = (np.append(rows[c].to_numpy(float), np.nan) for c in ("ionic_strength_M", "potassium_M"))
        options |= {"ph": ph, "sd_ph": sd_ph, "temperature_c": temperature, "correct_kd": True}
        options |= {"ionic_strength_M": strength, "potassium_M": potassium}
    return free_magnesium(shift, sd_ppm=sd, calibration=calibration, **options)


def figure_names(table: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    """Return the paths of all figures of a table below ``figures/``: one per fitted spectrum, then those of the study."""
    stems = _stems(list(dict.fromkeys(table["file"])))
    usable = table[table["status"] == FitStatus.OK.name]
    names = ["_".join([stems[row["file"]], *_position(row, axes)]) + ".png" for _, row in usable.iterrows()]
    return [*names, "calibration.png", "study.png"] if table["mg_is_valid"].any() else names


def _stems(files: Sequence[str]) -> dict[str, str]:
    """Return for each file the path of its figures: without the ending, unless two files would then be one."""
    stems = {file: _without_ending(file) for file in files}
    taken = Counter([*stems.values(), "calibration", "study"])
    return {file: stem if taken[stem] == 1 else file for file, stem in stems.items()}


def _without_ending(file: str) -> str:
    for ending in (".gz", ".nii", ".txt", ".csv", ".tsv", ".dat", ".asc"):
        file = file.removesuffix(ending)
    return file


def _position(row: pd.Series[Any], axes: Sequence[str]) -> list[str]:
    import pandas as pd

    return [f"{c}{int(row[c])}" for c in axes if pd.notna(row[c])]
