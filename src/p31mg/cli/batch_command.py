"""`p31mg batch`: a folder to a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p31mg.cli.options import acquisition_options, fit_options, magnesium_options
from p31mg.cli.render import progress

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["command"]


@click.command(name="batch")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@acquisition_options
@fit_options
@click.option(
    "--ph",
    metavar="PH|FILE",
    help="Intracellular pH, or a CSV with the columns file and ph. Default: from Pi of each spectrum.",
)
@magnesium_options
@click.option("--force", "overwrite", is_flag=True, help="Replace results that were made with other options.")
@click.option("--figures/--no-figures", default=True, show_default=True, help="Draw every fitted spectrum.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "json"]),
    default=None,
    help="Also print all rows. Default: a summary only.",
)
def command(folder: Path, output: Path, ph: str | None, output_format: str | None, **options: Any) -> None:
    """Fit every spectrum below FOLDER; write results.csv, results.json and figures/.

    \b
    p31mg batch study/ -o results/
    p31mg batch study/ -o results/ --begin-time 0.0005 --no-figures
    p31mg batch study/ -o results/ --correct-kd --ph ph.csv --sd-ph 0.03
    """
    import p31mg

    with progress() as tell:
        table = p31mg.batch(folder, output, ph=_ph(ph), progress=tell, **options)
    if output_format is not None:
        _print(table, output_format)
    n_valid = int(table["mg_is_valid"].sum())
    failed = table.loc[table["status"] != "OK", ["status", "reason"]].value_counts().reset_index()
    for status, reason, n in failed.itertuples(index=False):
        click.echo(f"{n:5d}  {status}: {reason}", err=True)
    n_flagged = int(((table["status"] == "OK") & ~table["mg_is_valid"]).sum())
    if n_flagged:
        click.echo(
            f"{n_flagged:5d}  fitted but flagged: see the columns snr_ok, at_bound, linewidth_ok, in_range, inputs_ok",
            err=True,
        )
    click.echo(f"{n_valid} of {len(table)} spectra valid; results are in {output}", err=True)
    click.get_current_context().exit(0 if n_valid == len(table) else 1)


def _ph(text: str | None) -> float | dict[str, float] | None:
    """Return a pH, or those of a file by the name of the spectrum."""
    import pandas as pd

    from p31mg.errors import InputError, ReadError

    if text is None:
        return None
    if not text.endswith(".csv"):
        try:
            return float(text)
        except ValueError as error:
            msg = f"ph is {text!r}; give a number, or a .csv file with the columns file and ph."
            raise InputError(msg) from error
    try:
        table = pd.read_csv(text)
        return dict(zip(table["file"].astype(str), table["ph"].astype(float), strict=True))
    except OSError as error:
        msg = f"pH file {text} cannot be read: {error.strerror or error}."
        raise ReadError(msg) from error
    except (KeyError, ValueError) as error:
        msg = f"pH file {text} must be a CSV with the columns file and ph, one number for each file."
        raise ReadError(msg) from error


def _print(table: pd.DataFrame, output_format: str) -> None:
    from p31mg.cli.render import print_table
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
