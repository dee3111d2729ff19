"""`p31mg power`: how many people, how much SNR."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p31mg.cli.options import (
    calibration_option,
    force_option,
    format_option,
    mean_mg_option,
    prior_option,
    spread_options,
)
from p31mg.cli.render import emit, print_table, require_figure, require_table
from p31mg.errors import InputError

if TYPE_CHECKING:
    from p31mg.cohorts import PowerResult

__all__ = ["command"]


@click.command(name="power")
@click.option("--effect", type=float, required=True, help="Correlation with true Mg2+, as -0.29 for age.")
@click.option("--n", type=int, help="People with valid Mg2+. Default: only how many are needed.")
@click.option(
    "--snr",
    type=float,
    multiple=True,
    default=(300.0,),
    show_default=True,
    help="Of PCr of the median person; repeat for more.",
)
@click.option("--target", type=float, default=0.8, show_default=True, help="Power wanted.")
@click.option("--level", type=float, default=0.05, show_default=True, help="Of the two-sided test.")
@mean_mg_option
@click.option(
    "--sd-people",
    "sd_people_mM",
    type=float,
    default=0.09,
    show_default=True,
    metavar="MM",
    help="Its sd among people.",
)
@click.option(
    "--sd-days",
    "sd_days_mM",
    type=float,
    default=0.0,
    show_default=True,
    metavar="MM",
    help="Its sd in one person from day to day.",
)
@spread_options
@prior_option
@calibration_option("That gives Mg2+ from shifts.")
@click.option(
    "--figure", type=click.Path(path_type=Path), help="Draw it here, with two SNR or more (.png, .pdf, .svg)."
)
@format_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write the table here (.csv or .json).")
@force_option
def command(
    effect: float,
    snr: tuple[float, ...],
    figure: Path | None,
    output_format: str,
    output: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Say how likely a study is to see an association, how many people it takes, and how many transients.

    People differ in Mg2+, SNR and shim as in p31mg simulate-cohort. Reliability is the share of the variance of measured Mg2+
    that is of people, which is the ICC of test and retest.

    \b
    p31mg power --effect -0.29 --n 441 --snr 200
    p31mg power --effect 0.2 --n 200 --snr 100 --snr 200 --snr 400 --figure power.png
    """
    import p31mg
    from p31mg.atomic import write_whole
    from p31mg.plot.style import POWER_SIZE, figure_for_file

    require_table(output, force)
    require_figure(figure, force)
    if figure is not None and len(set(snr)) < 2:
        msg = f"figure {figure} shows a curve against SNR and there is one SNR; repeat --snr, as --snr 100 --snr 200 --snr 400."
        raise InputError(msg)
    snr = tuple(sorted(set(snr)))
    result = p31mg.power(effect, snr=list(snr), **options)
    table = result.to_dataframe()
    document = {"rows": table.to_dict(orient="records"), "target": result.target, "level": result.level}
    if output is not None and output_format == "table":
        _show(result)
    emit(output_format, output, table, document, lambda: _show(result))
    if figure is not None:
        drawing = figure_for_file(POWER_SIZE)
        p31mg.plot.power(result, drawing)
        write_whole(figure, drawing.savefig)
        click.echo(f"written: {figure}", err=True)


def _show(result: PowerResult) -> None:
    heads = ["SNR", "sd (mM)", "valid", "reliability", "effect", "people"]
    title = (
        f"correlation of {result.effect:g} with true Mg2+: effect as measured, people for a power of {result.target:g}"
    )
    if result.n is not None:
        heads += ["power", "transients"]
        title += f";\npower of {result.n} people, and how many times the transients they need for {result.target:g}"
    rows = []
    for row in result.to_dataframe().to_dict(orient="records"):
        cells = [f"{row['snr']:g}", f"{row['sd_mg_mM']:.3f}", f"{100 * row['share_valid']:.0f} %"]
        cells += [f"{row['reliability']:.2f}", f"{row['measured_effect']:.3f}", f"{row['n_needed']:.0f}"]
        if result.n is not None:
            times = row["times_transients"]
            cells += [f"{row['power']:.3f}", "no number" if times == float("inf") else f"{times:.2g}"]
        rows.append(["" if cell == "nan" else cell for cell in cells])
    print_table([(h, "right") for h in heads], rows, title)
