"""`batch`: find files, read each, fit those of one acquisition together, write the results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.acquisition import Acquisition, Spectra
from p31mg.arrays import FloatArray
from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T, PLAUSIBLE_PH
from p31mg.errors import InputError, P31mgError, ReadError, UnknownNameError
from p31mg.fitting import ENGINES, FitResult, FitStatus, fit, index_columns
from p31mg.io import is_dataset_folder, is_spectrum_name, read
from p31mg.io.writing import make_folder
from p31mg.magnesium import Calibration, free_magnesium, get_calibration
from p31mg.prior import Prior, load_prior
from p31mg.study.output import figure_names, require_own, write_figures, write_tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["batch"]

_ANY_PH = 7.0
"""Stands for the pH that the spectra will tell, where only the other options are looked at."""

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)``, called while the work goes on."""


@dataclass(frozen=True)
class _File:
    """One file of the study: its spectra, or why there are none."""

    name: str
    spectra: Spectra | None
    reason: str = ""


def batch(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    prior: Prior | str | Path = "muscle-3t",
    calibration: Calibration | str | Path = "gupta-1978",
    ph: float | Mapping[str, float] | None = None,
    sd_ph: float | None = None,
    temperature_c: float = 37.0,
    sd_temperature_c: float | None = None,
    correct_kd: bool = False,
    ionic_strength_M: float | None = None,
    potassium_M: float | None = None,
    ph_equation: str = "taylor-1983",
    level: float = 0.95,
    engine: str = "batch",
    spectrometer_frequency_mhz: float | None = None,
    spectral_width_hz: float | None = None,
    begin_time_s: float | None = None,
    override: bool = False,
    figures: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Fit every spectrum below a folder and return one row per spectrum, failed ones too.

    Files whose names end like those of a format that `read` knows, and folders that are one dataset (Bruker, Varian), are
    taken, in the order of their names; hidden files and the output folder are not. A file that cannot be read is a row
    with status ``NOT_READ`` and the reason. Spectra of one acquisition are fitted in one call.

    Parameters
    ----------
    folder
        Where the spectra are, at any depth.
    output
        Folder for ``results.csv`` (the table), ``results.json`` (columns and provenance) and ``figures/``. Default None:
        nothing is written.
    prior, engine
        See `fit`.
    calibration, temperature_c, sd_ph, sd_temperature_c, correct_kd, ionic_strength_M, potassium_M, ph_equation, level
        See `free_magnesium`.
    ph
        One number for the study, or one for each file by its name below the folder. Default None: from Pi of each spectrum.
    spectrometer_frequency_mhz, spectral_width_hz, begin_time_s, override
        For all files; see `read`.
    figures
        Whether to draw a figure of every fitted spectrum (about a third of a second each). Default True.
    overwrite
        Let results made with other options be replaced. Default False: they are refused. The same options may be repeated.
    progress
        Called with what is being done, how many are done, and how many there are. Default None.

    Returns
    -------
    pandas.DataFrame
        Units are in the column names; ``results.json`` explains every column.

    Raises
    ------
    ReadError
        The folder does not exist or holds no spectra.
    WriteError
        The output folder cannot be written, is the folder of the spectra itself, holds a results.csv that is not ours, or
        results made with other options; nothing was fitted then.
    InputError
        Unknown prior, calibration or engine, a pH or temperature outside any sense, or a file without its pH.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import p31mg
    >>> with tempfile.TemporaryDirectory() as study:
    ...     for i, mg in enumerate([0.4, 0.6]):
    ...         spectrum = p31mg.simulate(mg, prior="muscle-3t", snr=300, seed=i)
    ...         _ = p31mg.write(spectrum, Path(study) / f"sub-{i}.nii.gz")
    ...     table = batch(study)
    >>> table[["file", "status"]]
               file status
    0  sub-0.nii.gz     OK
    1  sub-1.nii.gz     OK
    """
    tell = progress or _silent
    prior, chosen = load_prior(prior), get_calibration(calibration)
    magnesium: dict[str, Any] = {
        "sd_ph": sd_ph,
        "temperature_c": temperature_c,
        "sd_temperature_c": sd_temperature_c,
        "correct_kd": correct_kd,
        "ionic_strength_M": ionic_strength_M,
        "potassium_M": potassium_M,
        "ph_equation": ph_equation,
        "level": level,
    }
    _require_sense(engine, chosen, ph, magnesium)
    root = Path(folder)
    paths = _find(root, None if output is None else Path(output))
    _require_all_files(ph, [path.relative_to(root).as_posix() for path in paths])
    given = {
        "spectrometer_frequency_mhz": spectrometer_frequency_mhz,
        "spectral_width_hz": spectral_width_hz,
        "begin_time_s": begin_time_s,
        "override": override,
    }
    options = {"folder": str(folder), "engine": engine, "ph": ph, **magnesium, **given}
    options |= {"prior": prior.name, "calibration": chosen.id}
    out = None
    if output is not None:
        require_own(Path(output), root, options, overwrite=overwrite)
        out = make_folder(output)

    files = _read(root, paths, given, tell)
    fits: dict[str, FitResult] = {}
    tables: dict[str, pd.DataFrame] = {f.name: _failed(f.name, f.reason) for f in files if f.spectra is None}
    tell("fit", 0, len(files))
    for members in _groups(files):
        tell("fit", len(tables), len(files))
        try:
            result = fit(_stack(members), prior, engine=engine)  # type: ignore[arg-type]
        except P31mgError as error:
            tables |= {f.name: _failed(f.name, str(error)) for f in members}
            continue
        mg = free_magnesium(result, calibration=chosen, ph=_ph_of_rows(ph, members), **magnesium)
        tables |= _split(_rows(result, mg), members)
        fits |= {f.name: result for f in members}
    tell("fit", len(files), len(files))

    axes = list(dict.fromkeys(name for f in files if f.spectra is not None for name in f.spectra.axis_names))
    table = _joined([_no_rows(prior, chosen, level), *(tables[f.name] for f in files)], axes)
    if out is not None:
        write_tables(table, out, prior, chosen, options, figure_names(table, axes) if figures else [])
        if figures:
            write_figures(table, fits, axes, chosen, out, tell)
    return table


def _require_sense(
    engine: str, calibration: Calibration, ph: float | Mapping[str, float] | None, magnesium: Mapping[str, Any]
) -> None:
    """Refuse options that no file can make good, before any work."""
    if engine not in ENGINES:
        raise UnknownNameError(kind="engine", name=engine, known=ENGINES)
    by_file = isinstance(ph, Mapping)  # then a value that makes no sense flags the rows of its file
    for name, value in (("ph", None if by_file else ph), *magnesium.items()):
        if value is not None and np.ndim(value) > 0:
            msg = f"{name} has shape {np.shape(value)}; batch takes one number for the whole study."
            raise InputError(msg)
    checked = _ANY_PH if ph is None or isinstance(ph, Mapping) else ph
    free_magnesium(np.nan, calibration=calibration, ph=checked, **magnesium)


def _require_all_files(ph: float | Mapping[str, float] | None, names: list[str]) -> None:
    """Refuse a pH by file that does not name the files of the study."""
    if not isinstance(ph, Mapping):
        return
    missing, unknown = [n for n in names if n not in ph], [str(n) for n in ph if n not in names]
    if missing or unknown:
        what = f"has no value for {missing[0]}" if missing else f"names {unknown[0]}, which is not a file of the study"
        msg = f"ph {what}; give one value for each file, by its path below the folder as in the column file."
        raise InputError(msg)


def _ph_of_rows(ph: float | Mapping[str, float] | None, files: list[_File]) -> float | FloatArray | None:
    """Return the pH of every spectrum of some files, in the order of their stack."""
    if not isinstance(ph, Mapping):
        return ph
    sizes = [(f.name, int(np.prod(f.spectra.batch_shape, dtype=int))) for f in files if f.spectra is not None]
    values = np.array([float(ph[name]) for name, _ in sizes])
    values[(values < PLAUSIBLE_PH[0]) | (values > PLAUSIBLE_PH[1])] = np.nan  # not known, also where it is the only one
    return np.repeat(values, [size for _, size in sizes])


def _read(root: Path, paths: list[Path], given: dict[str, Any], tell: Progress) -> list[_File]:
    """Read every file, or note why it cannot be read."""
    files = []
    for i, path in enumerate(paths):
        tell("read", i, len(paths))
        name = path.relative_to(root).as_posix()
        try:
            files.append(_File(name, read(path, **given)))
        except ReadError as error:
            files.append(_File(name, None, str(error)))
    tell("read", len(paths), len(paths))
    return files


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total


def _find(root: Path, output: Path | None) -> list[Path]:
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        msg = f"folder {root} {what}; give the folder that holds the spectra."
        raise ReadError(msg)
    if is_dataset_folder(root):
        msg = (
            f"folder {root} is one dataset and no study; give it to p31mg fit (p31mg.read), or batch the folder above."
        )
        raise ReadError(msg)
    own = output.resolve() if output is not None else None
    paths = []
    for directory, folders, names in os.walk(root):
        here = Path(directory)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and (here / f).resolve() != own)
        datasets = [here / f for f in folders if is_dataset_folder(here / f)]
        paths += datasets
        folders[:] = [f for f in folders if here / f not in datasets]
        if own is not None and here.resolve() == own and here.resolve() != root.resolve():
            continue
        for name in names:
            is_result = name in ("results.csv", "truth.csv", "participants.tsv")
            if not name.startswith(".") and is_spectrum_name(here / name) and not is_result:
                paths.append(here / name)
    if not paths:
        msg = f"folder {root} holds no files that look like spectra (.nii.gz, .txt, .rda, ...) and no dataset folders."
        raise ReadError(msg)
    return sorted(paths, key=lambda p: p.relative_to(root).as_posix())


def _groups(files: list[_File]) -> Iterable[list[_File]]:
    """Yield files that can be fitted in one call: same acquisition, same number of points."""
    groups: dict[tuple[Acquisition, int], list[_File]] = {}
    for file in files:
        if file.spectra is not None:
            groups.setdefault((file.spectra.acquisition, file.spectra.n_points), []).append(file)
    return groups.values()


def _stack(files: list[_File]) -> Spectra:
    members = [f.spectra for f in files if f.spectra is not None]
    fid = np.concatenate([s.fid.reshape(-1, s.n_points) for s in members])
    history = tuple(step for s in members for step in s.history)
    return Spectra(fid, members[0].acquisition, history=history)


def _rows(result: FitResult, mg: Any) -> pd.DataFrame:
    import pandas as pd

    of_fit = result.to_dataframe().drop(columns="spectrum")
    of_mg = mg.to_dataframe().drop(columns=["spectrum", *of_fit.columns], errors="ignore")
    first = ["status", "reason", "shift_alpha_beta_ppm", "sd_shift_alpha_beta_ppm"]
    return pd.concat([of_fit[first], of_mg, of_fit.drop(columns=first)], axis=1)


def _split(rows: pd.DataFrame, files: list[_File]) -> dict[str, pd.DataFrame]:
    """Return the rows of each file with its name and, for grids and series, the position on each axis."""
    parts, start = {}, 0
    for file in files:
        if file.spectra is None:
            continue
        positions = index_columns(file.spectra)
        size = int(np.prod(file.spectra.batch_shape, dtype=int))
        part = rows.iloc[start : start + size].reset_index(drop=True)
        first = {"file": file.name, **positions, "row_in_fit": np.arange(start, start + size)}
        for i, (name, values) in enumerate(first.items()):
            part.insert(i, name, values)
        parts[file.name] = part
        start += size
    return parts


def _no_rows(prior: Prior, calibration: Calibration, level: float) -> pd.DataFrame:
    """Return the columns of a study without any row, so that a study of which nothing was read has them too."""
    acquisition = Acquisition(
        spectrometer_frequency_mhz=LARMOR_FREQUENCY_31P_MHZ_PER_T * prior.field_strength_t,
        dwell_time_s=1e-5,
        begin_time_s=0.0,
    )
    nothing = fit(Spectra(np.empty((0, 128), dtype=complex), acquisition), prior)
    rows = _rows(nothing, free_magnesium(nothing, calibration=calibration, level=level))
    rows.insert(0, "row_in_fit", np.empty(0, dtype=int))
    rows.insert(0, "file", np.empty(0, dtype=object))
    return rows


def _failed(name: str, reason: str) -> pd.DataFrame:
    import pandas as pd

    status = FitStatus.NOT_READ.name
    return pd.DataFrame([{"file": name, "status": status, "reason": reason, "is_valid": False, "mg_is_valid": False}])


def _joined(tables: list[pd.DataFrame], axes: list[str]) -> pd.DataFrame:
    """Return all rows in one table, columns in the order of the longest, truth values still booleans."""
    import pandas as pd

    widest = max(tables, key=lambda t: (len(t.columns), len(t)))
    extra = [c for t in tables for c in t.columns if c not in widest.columns]
    columns = [*widest.columns, *dict.fromkeys(extra)]
    flags = [c for c in columns if any(c in t and t[c].dtype == bool for t in tables)]
    table = pd.concat([t.reindex(columns=columns).astype(object) for t in tables], ignore_index=True)

    def typed(column: str) -> pd.Series[Any]:
        if column in flags:
            return table[column].where(table[column].notna(), other=False).astype(bool)
        values = table[column].infer_objects()
        return values.astype("Int64") if column in ("row_in_fit", "n_iterations", *axes) else values

    return pd.DataFrame({column: typed(column) for column in columns})
