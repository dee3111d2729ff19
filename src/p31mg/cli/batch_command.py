"""`p31mg batch`: a folder to a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p31mg.cli.options import acquisition_options, fit_options, magnesium_options, ph_option
from p31mg.cli.render import print_table, progress

if TYPE_CHECKING:
    import pandas as pd

    from p31mg.study.run import Study

__all__ = ["command"]

_MOST_REASONS, _LONGEST_REASON, _MOST_NOTES = 10, 100, 3


@click.command(name="batch")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@click.option(
    "--subjects",
    type=click.Path(path_type=Path),
    metavar="TABLE",
    help="CSV or TSV with a column file or subject, and pH, age, group, ... of each. Default: FOLDER/participants.tsv.",
)
@acquisition_options
@fit_options
@ph_option
@magnesium_options
@click.option("--figures/--no-figures", default=True, show_default=True, help="Draw every fitted spectrum.")
@click.option("--report/--no-report", default=True, show_default=True, help="Write report.html and methods.md.")
@click.option("--bids", is_flag=True, help="Make the results a BIDS derivatives dataset as well.")
@click.option("--force", "overwrite", is_flag=True, help="Replace results that were made with other options.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: as many as are worth while."
)
@click.option("--dask", "client", metavar="ADDRESS", help="Let the Dask cluster of this scheduler do the work.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "json"]),
    default=None,
    help="Also print all rows. Default: a summary only.",
)
def command(folder: Path, output: Path, output_format: str | None, **options: Any) -> None:
    """Fit every spectrum below FOLDER; write results.csv, results.json, report.html, methods.md and figures/.

    A run that was stopped goes on where it was when the same is called again.

    \b
    p31mg batch study/ -o results/
    p31mg batch study/ -o results/ --begin-time 0.0005 --no-figures
    p31mg batch study/ -o results/ --correct-kd --subjects people.csv --sd-ph 0.03
    """
    from p31mg.study.run import run_study

    try:
        with progress() as tell:
            study = run_study(folder, output, progress=tell, **options)
    except KeyboardInterrupt:
        click.echo("p31mg: stopped.", err=True)
        click.echo("p31mg: the same command goes on where this one was stopped.", err=True)
        click.get_current_context().exit(130)
    table = study.table
    if output_format is not None:
        _print(table, output_format)
    _summarise(study)
    click.get_current_context().exit(0 if table["mg_is_valid"].all() else 1)


def _summarise(study: Study) -> None:
    """Say on stderr how it went: how many are valid, and what is the matter with the others."""
    from p31mg.report.rows import FLAGS

    table = study.table
    fitted = table["status"] == "OK"
    flagged = fitted & ~table["mg_is_valid"]
    acts = {"inputs_ok": table["kd_corrected"].astype(bool)}  # pH and temperature do, where Kd is corrected to them
    rows = [("valid", table["mg_is_valid"])]
    rows += [
        (f"flagged: {text}", flagged & acts.get(c, fitted) & (table[c] == bad)) for c, (text, bad, _) in FLAGS.items()
    ]
    rows += [(str(status), table["status"] == status) for status in dict.fromkeys(table.loc[~fitted, "status"])]
    cells = [line for text, which in rows if which.any() for line in _lines(text, table[which])]
    print_table([("spectra", "left"), ("", "right"), ("", "left")], cells, err=True)
    for line in _remarks(study):
        click.echo(line, err=True)
    valid = table.loc[table["mg_is_valid"], "free_mg_mM"]
    if len(valid):
        low, middle, high = valid.quantile([0.25, 0.5, 0.75])
        click.echo(f"free Mg2+ {middle:.3f} mM (median of the valid; half of them {low:.3f} to {high:.3f})", err=True)
    click.echo(f"{len(valid)} of {len(table)} spectra valid; results are in {study.output}", err=True)


def _lines(text: str, rows: pd.DataFrame) -> list[list[str]]:
    """Return the lines of some rows in the summary: how many there are, and each reason with how many have it."""
    told: dict[
        str, list[str]
    ] = {}  # by reason without the name of the file, by which reasons that are one would differ
    for file, reason in zip(rows["file"], rows["reason"].fillna("").astype(str), strict=True):
        if reason and text != "valid":
            told.setdefault(reason.replace(str(file), "..."), []).append(reason)
    reasons = Counter({whole[0] if len(whole) == 1 else shared: len(whole) for shared, whole in told.items()})
    shown = [(_cut(reason), n) for reason, n in reasons.most_common(_MOST_REASONS)]
    if len(shown) == 1 and shown[0][1] == len(rows):
        return [[text, str(len(rows)), shown[0][0]]]
    more = len(reasons) - len(shown)
    lines = [[text, str(len(rows)), ""], *(["", "", f"{n} x {reason}"] for reason, n in shown)]
    return [*lines, ["", "", f"and {more} other reasons in results.csv"]] if more else lines


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 3].rstrip()}..."


def _remarks(study: Study) -> list[str]:
    """Return one line for each thing that the log tells more of."""
    shown, n_more = study.notes[:_MOST_NOTES], len(study.notes[_MOST_NOTES:])
    remarks = {
        f"{study.n_resumed} of {study.n_files} files were finished before": study.n_resumed,
        **dict.fromkeys(study.subjects.acting_text(study.n_files), True),
        f"{_counted(study.subjects.files_without_row)} without a row in the subject table": study.subjects.files_without_row,
        f"{_counted(study.subjects.rows_without_file)} of the subject table without a file": study.subjects.rows_without_file,
        **dict.fromkeys((f"note: {note}" for note in shown), True),
        f"{n_more} more {'note' if n_more == 1 else 'notes'} in batch.log": n_more,
    }
    return [text for text, is_said in remarks.items() if is_said]


def _counted(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _print(table: pd.DataFrame, output_format: str) -> None:
    from p31mg.io.documents import json_text

    if output_format == "csv":
        click.echo(table.to_csv(index=False), nl=False)
    elif output_format == "json":
        click.echo(json_text({"rows": table.to_dict(orient="records")}), nl=False)
    else:
        chosen = ["file", "status", "shift_alpha_beta_ppm", "sd_shift_alpha_beta_ppm", "free_mg_mM", "snr"]
        shown = [c for c in chosen if c in table]
        rows = [
            [f"{v:.4g}" if isinstance(v, float) else str(v) for v in row]
            for row in table[shown].itertuples(index=False)
        ]
        print_table([(c, "left" if c in ("file", "status") else "right") for c in shown], rows)
