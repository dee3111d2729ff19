"""The work on one portion of a study: files in, finished rows out. It runs in this process, in another, or on another machine.

What comes out for a file depends on its content and the settings alone, never on the files it was worked on with, nor on who did
it: that is what lets a study be stopped, resumed and shared.
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from p31mg.acquisition import Acquisition, Spectra
from p31mg.arrays import FloatArray
from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T, PLAUSIBLE_PH, PLAUSIBLE_TEMPERATURE_C
from p31mg.errors import P31mgError, ReadError
from p31mg.fitting import FitResult, FitStatus, fit, index_columns
from p31mg.io.header import Given
from p31mg.io.reading import examine
from p31mg.magnesium import MagnesiumResult, free_magnesium
from p31mg.report import FitCurves, curves_of, fit_pictures, header_fields, of_file, place_files
from p31mg.study.figures import position_of
from p31mg.study.find import Input, sha256_of
from p31mg.study.options import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Extra", "FileResult", "Job", "Portion", "Task", "failed", "no_rows", "work"]

Extra = Literal["figures", "curves", "places"]
"""What is made of a fit besides its rows: pictures, curves for the report, maps of a grid or the course of a series."""

_MOST_PICTURES = 64
"""Of one file: a grid of more voxels has its maps, and the report shows the fit of each."""

_LIMITS = {
    "ph": PLAUSIBLE_PH,
    "temperature_c": PLAUSIBLE_TEMPERATURE_C,
    "sd_ph": (0.0, np.inf),
    "sd_temperature_c": (0.0, np.inf),
}


@dataclass(frozen=True)
class Task:
    """One input with what the subject table says of it, and the path without ending that its figures and maps have."""

    an_input: Input
    own: Mapping[str, float] = field(default_factory=dict)
    stem: str = ""


@dataclass(frozen=True)
class Job:
    """What one call of `work` does."""

    tasks: tuple[Task, ...]
    root: Path
    settings: Settings
    extras: frozenset[Extra] = frozenset()


@dataclass(frozen=True)
class FileResult:
    """What came out for one input.

    Parameters
    ----------
    name, own
        Of the input, and its own options.
    sha256
        Of every file of the input, by its path.
    columns
        Rows of the table, by column.
    axes
        Names of the batch axes, which are columns as well.
    notes
        What is doubtful about the file: sentences for the log.
    warnings
        What the fit warned of.
    headers
        What the methods section can say of the file.
    files
        Pictures, maps and series by their path below the output folder.
    curves
        Which of the curves of the portion are of it, and its rows there; None where nothing was fitted or none were asked for.
    """

    name: str
    own: Mapping[str, float]
    sha256: Mapping[str, str]
    columns: Mapping[str, list[Any]]
    axes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    curves: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Portion:
    """What came out of a job: the results of its inputs, and the curves of those that were fitted together."""

    results: tuple[FileResult, ...]
    curves: tuple[FitCurves, ...] = ()


@dataclass(frozen=True)
class _Read:
    """A task with its spectra."""

    task: Task
    sha256: Mapping[str, str]
    spectra: Spectra
    doubts: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        return int(np.prod(self.spectra.batch_shape, dtype=int))


def _require_folder(root: Path) -> None:
    if not root.is_dir():
        where = platform.node() or "this machine"
        msg = f"folder {root} of the spectra is not there (any more) on {where}; bring it back, and run the same again."
        raise ReadError(msg)


def work(job: Job) -> Portion:
    """Read, fit and convert the spectra of a job; the files of one acquisition in one call.

    Raises
    ------
    ReadError
        The folder of the study is not there: a disk that was taken away is no property of its files.
    """
    _require_folder(job.root)
    done: dict[str, FileResult] = {}
    curves: list[FitCurves] = []
    read: list[_Read] = []
    for task in job.tasks:
        one = _read(task, job)
        if isinstance(one, _Read):
            read.append(one)
        else:
            done[one.name] = one
    if done:  # was it the file that could not be read, or has the disk gone in the meantime?
        _require_folder(job.root)
    for members in _groups(read):
        done |= {r.name: r for r in _fitted(members, job, curves)}
    return Portion(tuple(done[task.an_input.name] for task in job.tasks), tuple(curves))


def failed(task: Task, reason: str, sha256: Mapping[str, str]) -> FileResult:
    """Return the row of an input of which there are no spectra."""
    columns = {
        "status": FitStatus.NOT_READ.name,
        "reason": " ".join(reason.split()),
        "is_valid": False,
        "mg_is_valid": False,
    }
    return FileResult(
        name=task.an_input.name,
        own=task.own,
        sha256=sha256,
        columns={name: [value] for name, value in columns.items()},
    )


def no_rows(settings: Settings) -> pd.DataFrame:
    """Return the columns of a fitted spectrum without any row, so that a study of which nothing was read has them too."""
    acquisition = Acquisition(
        spectrometer_frequency_mhz=LARMOR_FREQUENCY_31P_MHZ_PER_T * settings.prior.field_strength_t,
        dwell_time_s=1e-5,
        begin_time_s=0.0,
    )
    nothing = fit(Spectra(np.empty((0, 128), dtype=complex), acquisition), settings.prior)
    return _rows(nothing, _magnesium(nothing, settings, {}))


def _read(task: Task, job: Job) -> _Read | FileResult:
    path, sha256 = task.an_input.path, sha256_of(task.an_input, job.root)
    given = {name: task.own.get(name, value) for name, value in job.settings.reading.items()}
    try:
        examined = examine(path, Given(**given))
    except P31mgError as error:
        return failed(task, str(error).replace(str(path), task.an_input.name), sha256)
    return _Read(task, sha256, examined.spectra, examined.doubts)


def _groups(read: Iterable[_Read]) -> Iterable[list[_Read]]:
    """Return files that can be fitted in one call: same acquisition and number of points, and the same options of their own."""
    groups: dict[Any, list[_Read]] = {}
    for one in read:
        key = (one.spectra.acquisition, one.spectra.n_points, frozenset(one.task.own))
        groups.setdefault(key, []).append(one)
    return groups.values()


def _fitted(members: Sequence[_Read], job: Job, curves: list[FitCurves]) -> Iterator[FileResult]:
    """Yield the results of files of one acquisition, and add their curves to those of the portion."""
    settings = job.settings
    fid = np.concatenate([m.spectra.fid.reshape(-1, m.spectra.n_points) for m in members])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            history = tuple(step for m in members for step in m.spectra.history)
            spectra = Spectra(fid, members[0].spectra.acquisition, history=history)
            result = fit(spectra, settings.prior, **settings.fitting)
        except P31mgError as error:
            for m in members:
                yield failed(m.task, str(error), m.sha256)
            return
        mg = _magnesium(result, settings, _own_of_rows(members, settings))
    rows = _rows(result, mg)
    senseless = {m.task.an_input.name: _senseless(m.task.own) for m in members}
    of_rows = [text for m in members for text in [senseless[m.task.an_input.name]] * m.n_rows]
    rows["reason"] = _reasons(rows, mg, of_rows)
    warned = tuple(dict.fromkeys(str(w.message) for w in caught))
    by_column = {str(name): column.tolist() for name, column in rows.items()}
    of_fit = curves_of(result) if job.extras & {"figures", "curves"} else None
    if of_fit is not None and "curves" in job.extras:
        curves.append(of_fit)
    start = 0
    for m in members:
        part = slice(start, start + m.n_rows)
        positions = {name: values.tolist() for name, values in index_columns(m.spectra).items()}
        # where the begin time comes from does not part files that are fitted together
        source = {"begin_time_source": [m.spectra.acquisition.begin_time_source] * m.n_rows}
        yield FileResult(
            name=m.task.an_input.name,
            own=m.task.own,
            sha256=m.sha256,
            columns={**positions, **{name: values[part] for name, values in by_column.items()}, **source},
            axes=m.spectra.axis_names,
            notes=(*m.doubts, *([text] if (text := senseless[m.task.an_input.name]) else [])),
            warnings=warned,
            headers=header_fields(m.spectra),
            files=dict(_files(m, result, mg, of_fit, part, positions, job.extras)),
            curves=(len(curves) - 1, part.start, part.stop) if "curves" in job.extras else None,
        )
        start += m.n_rows


def _own_of_rows(members: Sequence[_Read], settings: Settings) -> dict[str, FloatArray]:
    """Return the options of their own that act on magnesium, one value for each row."""
    names = [name for name in members[0].task.own if name in settings.magnesium]
    sizes = [m.n_rows for m in members]
    return {name: np.repeat([m.task.own[name] for m in members], sizes) for name in names}


def _magnesium(result: FitResult, settings: Settings, own: Mapping[str, FloatArray]) -> MagnesiumResult:
    """Return the magnesium of a stack. A value of its own that makes no sense is not known, and flags its row."""
    makes_sense = np.ones(result.status.shape, dtype=bool)
    sensible = {}
    for name, values in own.items():
        low, high = _LIMITS[name]
        good = (values >= low) & (values <= high)
        sensible[name] = np.where(good, values, np.nan)
        makes_sense &= good
    mg = free_magnesium(result, calibration=settings.calibration, **{**settings.magnesium, **sensible})
    return replace(mg, inputs_ok=mg.inputs_ok & makes_sense)


def _senseless(own: Mapping[str, float]) -> str:
    """Return what of a file's own options is outside any sense, and so not used; empty where nothing is."""
    wrong = [
        f"{name} {own[name]:g} of the subject table is not used; it must lie between {low:g} and {high:g}"
        for name, (low, high) in _LIMITS.items()
        if name in own and not low <= own[name] <= high
    ]
    return "; ".join(wrong)


def _reasons(rows: pd.DataFrame, mg: MagnesiumResult, senseless: Sequence[str]) -> list[str]:
    """Return why rows have no result: that of the fit, or why Kd, and with it Mg2+, is not known."""
    no_kd = np.broadcast_to(np.isnan(mg.kd_ratio), len(rows)) & (rows["status"] == FitStatus.OK.name).to_numpy()
    unread = "pH could not be read from Pi, and Kd cannot be corrected without it"
    return [
        reason or ((of_row or unread) if is_unknown else "")
        for reason, of_row, is_unknown in zip(rows["reason"].tolist(), senseless, no_kd.tolist(), strict=True)
    ]


def _rows(result: FitResult, mg: MagnesiumResult) -> pd.DataFrame:
    """Return the rows of a stack: fit and magnesium."""
    import pandas as pd

    of_fit = result.to_dataframe().drop(columns="spectrum")
    of_mg = mg.to_dataframe().drop(columns=["spectrum", *of_fit.columns], errors="ignore")
    first = ["status", "reason", "shift_alpha_beta_ppm", "sd_shift_alpha_beta_ppm"]
    return pd.concat([of_fit[first], of_mg, of_fit.drop(columns=first)], axis=1)


def _files(
    m: _Read,
    result: FitResult,
    mg: MagnesiumResult,
    curves: FitCurves | None,
    part: slice,
    positions: Mapping[str, list[int]],
    extras: frozenset[Extra],
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of one input: a picture of every fitted spectrum, and what a grid or series is as a whole."""
    stem, draws = m.task.stem, "figures" in extras
    if draws and curves is not None and m.n_rows <= _MOST_PICTURES:
        fitted = [i for i in range(m.n_rows) if result.status[part.start + i] == FitStatus.OK]
        at = [position_of({axis: values[i] for axis, values in positions.items()}) for i in fitted]
        headings = [" ".join([m.task.an_input.name, *where]) for where in at]
        pictures = fit_pictures(result, curves, [part.start + i for i in fitted], headings)
        names = ["_".join([stem, *where]) for where in at]
        yield from ((f"figures/{name}.png", picture) for name, picture in zip(names, pictures, strict=True))
    if "places" in extras and m.n_rows > 1:
        rows = np.arange(part.start, part.stop)
        yield from place_files(*of_file(result, mg, rows, m.spectra), stem, figures=draws)
