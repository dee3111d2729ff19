"""`p31mg simulate-cohort`: people with known truth, as a BIDS tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from p31mg.cli.options import calibration_option, mean_mg_option, prior_option, spread_options

__all__ = ["command"]


@click.command(name="simulate-cohort")
@click.argument("output", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--n", type=int, default=441, show_default=True, help="People.")
@click.option("--snr", type=float, default=300.0, show_default=True, help="SNR of PCr of the median person.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Of people and noise.")
@mean_mg_option
@click.option("--sd-mg", "sd_mg_mM", type=float, default=0.09, show_default=True, metavar="MM", help="Its sd.")
@spread_options
@prior_option
@calibration_option("That sets the shifts.")
@click.option("--force", "overwrite", is_flag=True, help="Write over what is there.")
def command(output: Path, **options: Any) -> None:
    """Write people in whom published associations hold for true muscle Mg2+, each with a spectrum, to the BIDS tree OUT.

    \b
    p31mg simulate-cohort cohort/ --n 60 --snr 300 --seed 1
    """
    import p31mg

    p31mg.simulate_cohort(output=output, **options)
    click.echo(str(output / "participants.tsv"))
