"""Options that several commands share, named as in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["acquisition_options", "fit_options", "format_option", "magnesium_options"]

F = TypeVar("F", bound=Callable[..., Any])


def _all(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


acquisition_options = _all(
    click.option(
        "--spectrometer-frequency",
        "spectrometer_frequency_mhz",
        type=float,
        metavar="MHZ",
        help="31P frequency, where the file does not state it.",
    ),
    click.option(
        "--spectral-width",
        "spectral_width_hz",
        type=float,
        metavar="HZ",
        help="Spectral width, where the file does not state it.",
    ),
    click.option(
        "--begin-time",
        "begin_time_s",
        type=float,
        metavar="S",
        help="From the centre of the excitation to the first point, in s; goes before an EchoTime of the file.",
    ),
    click.option("--override", is_flag=True, help="Let these options replace what the file states."),
)

fit_options = _all(
    click.option(
        "--prior",
        default="muscle-3t",
        show_default=True,
        metavar="NAME|FILE",
        help="Prior knowledge: muscle-3t, brain-7t, or a TOML file of your own.",
    ),
    click.option(
        "--engine",
        type=click.Choice(["batch", "lmfit"]),
        default="batch",
        show_default=True,
        help="batch: the whole stack at once. lmfit: one by one.",
    ),
)

magnesium_options = _all(
    click.option(
        "--calibration",
        default="gupta-1978",
        show_default=True,
        metavar="NAME",
        help="See: p31mg calibrations.",
    ),
    click.option("--ph", type=float, help="Intracellular pH, for the record. Default: from Pi of the spectrum."),
    click.option(
        "--temperature",
        "temperature_c",
        type=float,
        default=37.0,
        show_default=True,
        metavar="C",
        help="Degrees Celsius, for the record.",
    ),
)

format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="Of what is printed.",
)
