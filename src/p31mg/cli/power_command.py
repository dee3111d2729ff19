"""`p31mg power`: how many people, how much SNR."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p31mg.cli.names import CALIBRATION, PRIOR
from p31mg.cli.options import force_option, format_option, output_option
from p31mg.cli.render import emit, print_table, require_figure, require_table
from p31mg.errors import InputError

if TYPE_CHECKING:
    from p31mg.cohorts import PowerResult

__all__ = ["command"]


@click.command(name="power")
@click.option("--effect", type=float, required=True, help="Correlation with true Mg2+, as -0.29 for age.")
@click.option("--n", type=int, help="People. Default: only how many are needed.")
@click.option("--snr", type=float, multiple=True, default=(300.0,), show_default=True, help="Of PCr; repeat for more.")
@click.option("--target", type=float, default=0.8, show_default=True, help="Power wanted.")
@click.option("--level", type=float, default=0.05, show_default=True, help="Of the two-sided test.")
@click.option(
    "--mean-mg", "mean_mg_mM", type=float, default=0.55, show_default=True, metavar="MM", help="Mean of true Mg2+."
)
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
@click.option(
    "--prior", type=PRIOR, default="muscle-3t", show_default=True, metavar="NAME|FILE", help="What tissue and field."
)
@click.option(
    "--calibration",
    type=CALIBRATION,
    default="gupta-1978",
    show_default=True,
    metavar="NAME|FILE",
    help="That gives Mg2+ from shifts.",
)
@click.option(
    "--figure", type=click.Path(path_type=Path), help="Draw it here, with two SNR or more (.png, .pdf, .svg)."
)
@format_option
@output_option
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

    \b
    p31mg power --effect -0.29 --n 441 --snr 200
    p31mg power --effect 0.2 --n 200 --snr 100 --snr 200 --snr 400 --figure power.png
    """
    import p31mg
    from p31mg.atomic import write_whole
    from p31mg.plot.style import POWER_SIZE, figure_for_file

    require_table(output, force)
    require_figure(figure, force)
    if figure is not None and len(snr) < 2:
        msg = f"figure is {figure} with {len(snr)} SNR; it shows two SNR or more: repeat --snr."
        raise InputError(msg)
    result = p31mg.power(effect, snr=list(snr), **options)
    table = result.to_dataframe()
    document = {"rows": table.to_dict(orient="records"), "target": result.target, "level": result.level}
    emit(output_format, output, table, document, lambda: _show(result))
    if figure is not None:
        drawing = figure_for_file(POWER_SIZE)
        p31mg.plot.power(result, drawing)
        write_whole(figure, drawing.savefig)
        click.echo(f"written: {figure}", err=True)


def _show(result: PowerResult) -> None:
    heads = ["SNR", "sd of Mg2+ (mM)", "ICC", "effect measured", f"people for power {result.target:g}"]
    if result.n is not None:
        heads += [f"power of {result.n}", "transients for it"]
    rows = []
    for row in result.to_dataframe().to_dict(orient="records"):
        cells = [f"{row['snr']:g}", f"{row['sd_mg_mM']:.3f}", f"{row['reliability']:.2f}"]
        cells += [f"{row['measured_effect']:.3f}", f"{row['n_needed']:.0f}"]
        if result.n is not None:
            times = row["times_transients"]
            cells += [f"{row['power']:.3f}", "no number" if times == float("inf") else f"{times:.2g} times"]
        rows.append(cells)
    print_table([(h, "right") for h in heads], rows)
