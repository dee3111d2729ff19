"""The table of a study: rows of all parts in the order of the files, and what its columns mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.fitting import FitStatus
from p31mg.study.find import ENTITIES, entities_of
from p31mg.study.subjects import Subjects

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "Row", "explained", "table_of"]

Row = tuple[str, Mapping[str, list[Any]]]
"""Name of a file, and its rows by column."""

COLUMNS: Mapping[str, str] = {
    "file": "path of the file below the study folder",
    "subject": "BIDS entity sub of the path",
    "session": "BIDS entity ses",
    "task": "BIDS entity task",
    "acquisition": "BIDS entity acq",
    "run": "BIDS entity run",
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


def table_of(
    rows: Iterable[Row],
    files: Sequence[str],
    empty: pd.DataFrame,
    axes: Mapping[str, Sequence[str]],
    subjects: Subjects,
) -> pd.DataFrame:
    """Return all rows in one table: file and who it is of, position, results, and the other columns of the subject table.

    Parameters
    ----------
    rows
        In any order of the files.
    files
        Their names in the order of the table.
    empty
        Columns of a result without any row, as `no_rows` gives them.
    axes
        Names of the batch axes of each file.
    subjects
        What else is known of the files.
    """
    import pandas as pd

    order = {name: i for i, name in enumerate(files)}
    place: list[int] = []
    collected: dict[str, list[Any]] = {}
    for name, columns in rows:
        n = len(columns["status"])
        for column in columns.keys() - collected.keys():
            collected[column] = [None] * len(place)
        for column, values in collected.items():
            values += columns.get(column) or [None] * n
        place += [order[name]] * n
    sequence = np.argsort(np.array(place, dtype=int), kind="stable")

    entities = {name: entities_of(name) for name in files}
    names = [files[place[i]] for i in sequence]
    found = [column for column in ENTITIES.values() if any(column in of_file for of_file in entities.values())]
    positions = list(dict.fromkeys(axis for name in files for axis in axes.get(name, ())))
    results = [str(c) for c in empty.columns]
    others = sorted(collected.keys() - set(positions) - set(results))

    def typed(column: str) -> pd.Series[Any]:
        values = collected.get(column, [])
        return _series([values[i] for i in sequence] if values else [None] * len(sequence), empty.get(column))

    table = {"file": pd.Series(names, dtype=object).infer_objects()}
    table |= {c: _series([entities[name].get(c) for name in names]) for c in found}
    table |= {c: typed(c) for c in (*positions, *results, *others)}
    table |= {c: _series([subjects.carried.get(name, {}).get(c) for name in names]) for c in subjects.columns}
    return pd.DataFrame(table)


def _series(values: list[Any], like: pd.Series[Any] | None = None) -> pd.Series[Any]:
    """Return a column: truth values of which a missing one is False, whole numbers, numbers, or whatever it is.

    Where all are missing, the column is as `like`.
    """
    import pandas as pd

    kinds = {type(v) for v in values} - {type(None)}
    if not kinds and like is not None and like.dtype != object:
        kinds = {bool} if like.dtype == bool else {int} if pd.api.types.is_integer_dtype(like) else {float}
    if kinds == {bool}:
        return pd.Series([v is True for v in values], dtype=bool)
    if kinds == {int}:
        return pd.Series(pd.array(values, dtype="Int64"))
    if kinds and kinds <= {int, float}:
        return pd.Series(np.array(values, dtype=float))
    return pd.Series([np.nan if v is None else v for v in values], dtype=object).infer_objects()
