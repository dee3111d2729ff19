"""`batch`: what there is to do, what of it is done, do the rest, put it together.

`find_inputs` and `read_subjects` say what belongs to the study and what is known of it; `Parts.take_finished` what an earlier run
has finished; `work_off` does the rest in portions, each of which counts once it is on the disk; `_finish` makes one table of the
parts, and what is made of that.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from p31mg.atomic import make_folder, write_text, write_whole
from p31mg.errors import InputError, P31mgWarning, WriteError
from p31mg.io.documents import json_text
from p31mg.report import write_methods, write_report
from p31mg.study.bids import derivatives, without_subject
from p31mg.study.cluster import on_cluster
from p31mg.study.dispatch import Keeper, Progress, work_off
from p31mg.study.figures import draw_study, figure_stems
from p31mg.study.find import find_inputs
from p31mg.study.folder import locked, prepare, remove_earlier, require_own
from p31mg.study.log import write_log
from p31mg.study.options import Options, Settings, with_signature
from p31mg.study.parts import Entry, Parts
from p31mg.study.pools import Pool, on_this_machine
from p31mg.study.portions import n_workers, portions
from p31mg.study.record import provenance
from p31mg.study.subjects import Subjects, SubjectTable, read_subjects
from p31mg.study.table import table_of
from p31mg.study.work import Extra, Task, no_rows

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client

__all__ = ["Study", "batch", "run_study"]


@dataclass(frozen=True)
class Study:
    """A finished study: its table, where it is, how many of its files were there already, and what was doubtful."""

    table: pd.DataFrame
    output: Path | None
    n_files: int
    n_resumed: int
    notes: tuple[str, ...]
    subjects: Subjects


@with_signature
def batch(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    subjects: SubjectTable | None = None,
    figures: bool = True,
    report: bool = True,
    bids: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    client: Client | str | None = None,
    progress: Progress | None = None,
    **options: Unpack[Options],
) -> pd.DataFrame:
    """Fit every spectrum below a folder and return one row per spectrum, failed ones too.

    Files whose names end like those of a format that `read` knows, and folders that are one dataset (Bruker, Varian), are
    taken, in the order of their names; hidden files, folders with results of p31mg, and what BIDS marks as something else are
    not. A file that cannot be read is a row with status ``NOT_READ`` and the reason. BIDS entities in the path become the columns
    subject, session, task, acquisition and run.

    What is finished is kept in the output folder. A run that was stopped, however, goes on where it was when the same is called
    again, and ends with the same ``results.csv`` to the last byte. Files that changed or are new are worked on again.

    Parameters
    ----------
    folder
        Where the spectra are, at any depth.
    output
        Folder for ``results.csv`` (the table), ``results.json`` (columns and provenance), ``report.html``, ``methods.md``,
        ``figures/`` and ``batch.log``. Default None: nothing is written.
    subjects
        What is known of files or subjects: a CSV or TSV file, a DataFrame or a mapping of columns. Its column ``file`` or
        ``subject`` (``participant_id``) says where a row belongs. The columns ``ph``, ``sd_ph``, ``temperature_c``,
        ``sd_temperature_c``, ``spectrometer_frequency_mhz``, ``spectral_width_hz``, ``begin_time_s`` and
        ``sd_begin_time_s`` act in place of the option of that name; all others are carried into the results.
        Default None: ``participants.tsv``, if there is one.
    prior, engine, phase_model, lineshape, baseline
        See `fit`.
    calibration, ph, sd_ph, temperature_c, sd_temperature_c, correct_kd, ionic_strength_M, potassium_M, ph_equation, level
        See `free_magnesium`; one value for the study.
    spectrometer_frequency_mhz, spectral_width_hz, begin_time_s, sd_begin_time_s, override
        For all files; see `read`.
    figures
        Whether to draw the fits (about a tenth of a second each), of files with up to 64 spectra one by one. Default True.
    report
        Whether to write ``report.html``, one page with all fits, and ``methods.md``, a paragraph for the paper. Default True.
    bids
        Whether to write the results as a BIDS derivatives dataset as well. Default False.
    overwrite
        Let results made with other options be replaced. Default False: they are refused.
    workers
        Processes on this machine, at most one for each core and each file that is left to do: more are not started. Default
        None: this one for what takes it a few seconds, all cores for more. The results do not depend on it.
    client
        A `distributed.Client`, or the address of the scheduler of a Dask cluster, whose workers do the work. Default None.
    progress
        Called with what is being done (``"fit"``: files; ``"write"``: table and report), how much of it is done, and how much
        there is. Default None.

    Returns
    -------
    pandas.DataFrame
        Units are in the column names; ``results.json`` explains every column.

    Raises
    ------
    ReadError
        The folder does not exist or holds no spectra, or the subject table cannot be read.
    WriteError
        The output folder cannot be written, is the folder of the spectra itself, holds a results.csv that is not ours or results
        made with other options, or another run writes there. What was finished before stays whole.
    InputError
        Unknown prior, calibration or engine, a pH or temperature outside any sense, a subject table that does not hold together.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import p31mg
    >>> with tempfile.TemporaryDirectory() as study:
    ...     for i, mg in enumerate([0.4, 0.6]):
    ...         spectrum = p31mg.simulate(mg, prior="muscle-3t", snr=300, seed=i)
    ...         _ = p31mg.write(spectrum, Path(study) / f"sub-{i}.nii.gz")
    ...     table = batch(study, subjects={"subject": ["sub-0", "sub-1"], "age": [34, 71]})
    >>> table[["subject", "status", "age"]]
      subject status  age
    0   sub-0     OK   34
    1   sub-1     OK   71
    """
    return run_study(
        folder,
        output,
        subjects=subjects,
        figures=figures,
        report=report,
        bids=bids,
        overwrite=overwrite,
        workers=workers,
        client=client,
        progress=progress,
        **options,
    ).table


def run_study(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str] | None,
    *,
    subjects: SubjectTable | None = None,
    figures: bool = True,
    report: bool = True,
    bids: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    client: Client | str | None = None,
    progress: Progress | None = None,
    **options: Unpack[Options],
) -> Study:
    """Do what `batch` does, and return what it leaves behind."""
    settings, root = Settings.of(options), Path(folder)
    if workers is not None and client is not None:
        msg = "workers and client are both given; the workers of a cluster are its own: leave workers out."
        raise InputError(msg)
    out = None if output is None else Path(output)
    own_files = [Path(p) for p in (out, subjects) if isinstance(p, (str, os.PathLike))]
    inputs = find_inputs(root, own_files)
    names = [i.name for i in inputs]
    known = read_subjects(subjects, root, names)
    if out is not None:
        require_own(out, root, settings, overwrite=overwrite)
    own_notes = _bids_notes(names, known) if bids and out is not None else []
    stems = figure_stems(names)
    tasks = [Task(i, known.own.get(i.name, {}), stems[i.name]) for i in inputs]
    wanted: dict[Extra, bool] = {"figures": figures, "curves": report, "places": True}
    extras = frozenset(extra for extra, is_wanted in wanted.items() if is_wanted and out is not None)

    with ExitStack() as stack:
        if out is None:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p31mg-")))
        else:
            state = stack.enter_context(locked(out))
            prepare(out, state, root, settings)
        parts = Parts(state, settings.digest, out or state)
        parts.take_finished(tasks, root, extras)
        n_resumed = len(parts.entries)
        left = [t for t in tasks if t.an_input.name not in parts.entries]
        keeper = Keeper(parts, progress, len(tasks))
        try:
            if left:
                pool = stack.enter_context(_pool(left, workers, client, root, extras))
                work_off(portions(left, root, settings, extras), pool, keeper)
        except WriteError as error:
            msg = f"{error} What was finished is whole; make room, and the same goes on from there."
            raise WriteError(msg) from error
        finally:
            if out is not None:
                with suppress(WriteError):  # it would hide what happened
                    write_log(out, parts.entries, known, names, own_notes)
        table = table_of(parts.rows(), names, no_rows(settings), {n: e.axes for n, e in parts.entries.items()}, known)
        entries = [parts.entries[name] for name in names]
        notes = tuple(dict.fromkeys([*own_notes, *(note for e in entries for note in (*e.warnings, *e.notes))]))
        study = Study(table, out, len(names), n_resumed, notes, known)
        if out is None:
            for text in dict.fromkeys(text for e in entries for text in e.warnings):
                warnings.warn(text, P31mgWarning, stacklevel=4)
        else:
            tell = progress or _silent
            tell("write", 0, 1)
            _finish(study, out, root, settings, parts, extras, bids=bids)
            tell("write", 1, 1)
    return study


def _bids_notes(names: Sequence[str], known: Subjects) -> list[str]:
    """Return which files the BIDS dataset leaves out, as nothing says who they are of."""
    left_out = without_subject(names, known.carried)
    if not left_out:
        return []
    shown = ", ".join(left_out[:3]) + (", ..." if len(left_out) > 3 else "")
    return [f"{len(left_out)} of {len(names)} files have no BIDS subject and are left out of the derivatives: {shown}"]


def _of_places(entries: Iterable[Entry], extras: frozenset[Extra]) -> list[str]:
    """Return the figures of grids and series."""
    names = [name for e in entries if e.axes for name in e.wanted(extras)]
    return sorted(name for name in names if name.endswith(("_maps.png", "_series.png")))


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total


def _pool(
    tasks: Sequence[Task], workers: int | None, client: Client | str | None, root: Path, extras: frozenset[Extra]
) -> AbstractContextManager[Pool]:
    if client is not None:
        return on_cluster(client, root)
    return on_this_machine(n_workers(tasks, extras, workers))


def _finish(
    study: Study, out: Path, root: Path, settings: Settings, parts: Parts, extras: frozenset[Extra], *, bids: bool
) -> None:
    """Write what is made of all rows, and remove what is no longer part of the study."""
    table, entries = study.table, parts.entries.values()
    write_whole(out / "results.csv", lambda name: table.to_csv(name, index=False))
    record = provenance(table, root, settings, study.subjects, [e.headers for e in entries])
    files = [name for e in entries for name in e.wanted(extras)]
    if "figures" in extras:
        for name, figure in draw_study(table, settings.calibration):
            write_whole(make_folder(out / "figures") / name, figure.savefig)
            files.append(f"figures/{name}")
    if "curves" in extras:
        page = write_report(out, table, record["columns"], record, parts.curves, figures=_of_places(entries, extras))
        files += [page.name, write_methods(out, table, record).name]
    if bids:
        for name, content in derivatives(table, record["columns"], study.subjects.columns, root.resolve().name):
            write_text(make_folder((out / name).parent) / Path(name).name, content)
            files.append(name)
    remove_earlier(out, files)
    inputs = {path: digest for e in entries for path, digest in e.sha256.items()}
    whole = {**record, "inputs_sha256": dict(sorted(inputs.items())), "files": sorted(files)}
    write_text(out / "results.json", json_text(whole))
    parts.remove_others()
