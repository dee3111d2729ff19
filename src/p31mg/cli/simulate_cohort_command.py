"""`p31mg simulate-cohort`: people with known truth, as a BIDS tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from p31mg.cli.names import CALIBRATION, PRIOR

__all__ = ["command"]


@click.command(name="simulate-cohort")
@click.argument("output", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--n", type=int, default=441, show_default=True, help="People.")
@click.option("--snr", type=float, default=300.0, show_default=True, help="SNR of PCr of the median person.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Of people and noise.")
@click.option(
    "--mean-mg", "mean_mg_mM", type=float, default=0.55, show_default=True, metavar="MM", help="Mean of true Mg2+."
)
@click.option("--sd-mg", "sd_mg_mM", type=float, default=0.09, show_default=True, metavar="MM", help="Its sd.")
@click.option(
    "--snr-spread", type=float, default=0.15, show_default=True, help="Sd of the logarithm of SNR among people."
)
@click.option(
    "--broadening", "broadening_hz", type=float, default=1.0, show_default=True, metavar="HZ", help="Mean of the shim."
)
@click.option(
    "--broadening-spread",
    "broadening_spread_hz",
    type=float,
    default=1.5,
    show_default=True,
    metavar="HZ",
    help="Its sd.",
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
    help="That sets the shifts.",
)
@click.option("--force", "overwrite", is_flag=True, help="Write over what is there.")
def command(output: Path, **options: Any) -> None:
    """Write people in whom published associations hold for true muscle Mg2+, each with a spectrum, to the BIDS tree OUT.

    \b
    p31mg simulate-cohort cohort/ --n 60 --snr 300 --seed 1
    """
    import p31mg

    p31mg.simulate_cohort(output=output, **options)
    click.echo(str(output / "participants.tsv"))
