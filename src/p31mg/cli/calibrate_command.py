"""`p31mg calibrate`: a titration to a calibration of your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p31mg.cli.options import force_option
from p31mg.cli.render import calibration_line, require_figure, require_free
from p31mg.errors import InputError, ReadError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["command"]


@click.command(name="calibrate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Calibration file (.toml) to write."
)
@click.option("--id", "id", default="own", show_default=True, metavar="NAME", help="How it is called in every result.")
@click.option("--sd", "sd_ppm", type=float, metavar="PPM", help="Sd of the shifts, where FILE has no column sd_ppm.")
@click.option("--tissue", default="phantom", show_default=True, help="What was titrated.")
@click.option("--source", default="own titration", show_default=True, help="Who measured it, where and when.")
@click.option("--ph", type=float, help="Of the solutions.")
@click.option("--temperature", "temperature_c", type=float, metavar="C", help="Of the solutions, degrees Celsius.")
@click.option("--ionic-strength", "ionic_strength_M", type=float, metavar="M", help="Of the solutions, mol/l.")
@click.option("--potassium", "potassium_M", type=float, metavar="M", help="K+ of the solutions, mol/l.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw titration and fit here (.png, .pdf, .svg).")
@force_option
def command(file: Path, output: Path, sd_ppm: float | None, figure: Path | None, force: bool, **options: Any) -> None:
    """Fit a two-site calibration to the titration in FILE, and write it as a file that --calibration takes.

    FILE is a CSV with the columns free_mg_mM and shift_ppm (delta(alpha) - delta(beta)), and perhaps sd_ppm.

    \b
    p31mg calibrate titration.csv -o own.toml --sd 0.003 --figure own.png
    p31mg mg 8.55 --sd 0.01 --calibration own.toml
    """
    import p31mg
    from p31mg.atomic import write_whole
    from p31mg.plot.style import CALIBRATION_SIZE, figure_for_file

    if output.suffix != ".toml":
        msg = f"output is {output}; the name of a calibration file must end in .toml."
        raise InputError(msg)
    require_free(output, force)
    require_figure(figure, force)
    table = _table(file)
    sd = table.get("sd_ppm", sd_ppm)
    if "sd_ppm" in table and sd_ppm is not None:
        msg = f"--sd is given, and {file} has a column sd_ppm; give one of them."
        raise InputError(msg)
    own = p31mg.calibrate(table["shift_ppm"], table["free_mg_mM"], sd=sd, **options)
    p31mg.write_calibration(own, output)
    click.echo(calibration_line(own))
    if own.titration is not None:
        click.echo(f"{own.titration.n_points} solutions, reduced chi-square {own.titration.reduced_chi_square:.2f}")
    click.echo(f"written: {output}", err=True)
    if figure is not None:
        drawing = figure_for_file(CALIBRATION_SIZE)
        p31mg.plot.titration(own, drawing.add_subplot())
        write_whole(figure, drawing.savefig)
        click.echo(f"written: {figure}", err=True)


def _table(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        table = pd.read_csv(file)
    except (OSError, ValueError) as error:
        msg = f"titration {file} cannot be read: {getattr(error, 'strerror', None) or error}."
        raise ReadError(msg) from error
    missing = [name for name in ("free_mg_mM", "shift_ppm") if name not in table]
    if missing:
        found = ", ".join(map(str, table.columns))
        msg = f"titration {file} has no column {missing[0]}; it needs free_mg_mM and shift_ppm. Found: {found}."
        raise ReadError(msg)
    return table
