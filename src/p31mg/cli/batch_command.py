"""`p31mg batch`: a folder to a study."""

from __future__ import annotations

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

_FLAGS = {
    "low SNR of ATP": ("snr_ok", False),
    "a shift or width at its bound": ("at_bound", True),
    "broad lines": ("linewidth_ok", False),
    "residual above noise": ("residual_ok", False),
    "shift out of range": ("in_range", False),
    "interval open": ("interval_open", True),
    "pH or temperature not usable": ("inputs_ok", False),
}


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
        click.echo("p31mg: the same command goes on where this one was stopped.", err=True)
        raise
    table = study.table
    if output_format is not None:
        _print(table, output_format)
    _summarise(study)
    click.get_current_context().exit(0 if table["mg_is_valid"].all() else 1)


def _summarise(study: Study) -> None:
    """Say on stderr how it went: how many are valid, and what is the matter with the others."""
    table = study.table
    fitted = table["status"] == "OK"
    rows = [("valid", table["mg_is_valid"])]
    rows += [
        (f"flagged: {text}", fitted & ~table["mg_is_valid"] & (table[c] == bad)) for text, (c, bad) in _FLAGS.items()
    ]
    rows += [(str(status), table["status"] == status) for status in dict.fromkeys(table.loc[~fitted, "status"])]
    cells = [[text, str(int(which.sum())), _first(table, which)] for text, which in rows if which.any()]
    print_table([("spectra", "left"), ("", "right"), ("", "left")], cells, err=True)
    for line in _remarks(study):
        click.echo(line, err=True)
    valid = table.loc[table["mg_is_valid"], "free_mg_mM"]
    if len(valid):
        low, middle, high = valid.quantile([0.25, 0.5, 0.75])
        click.echo(f"free Mg2+ {middle:.3f} mM (median of the valid; half of them {low:.3f} to {high:.3f})", err=True)
    click.echo(f"{len(valid)} of {len(table)} spectra valid; results are in {study.output}", err=True)


def _first(table: pd.DataFrame, which: pd.Series[bool]) -> str:
    """Return the reason or the name of the first of some rows, and that there are others."""
    reasons = [str(r) for r in table.loc[which, "reason"].dropna().unique() if r]
    if not reasons:
        return ""
    return reasons[0] if len(reasons) == 1 else f"{reasons[0]} ({len(reasons) - 1} other reasons in results.csv)"


def _remarks(study: Study) -> list[str]:
    """Return one line for each thing that the log tells more of."""
    n_notes = len(study.notes)
    remarks = {
        f"{study.n_resumed} of {study.n_files} files were finished before": study.n_resumed,
        **dict.fromkeys(study.subjects.acting_text(study.n_files), True),
        f"{_counted(study.subjects.files_without_row)} without a row in the subject table": study.subjects.files_without_row,
        f"{_counted(study.subjects.rows_without_file)} of the subject table without a file": study.subjects.rows_without_file,
        f"{n_notes} {'note' if n_notes == 1 else 'notes'} on the files: see batch.log": n_notes,
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
