"""Options that several commands share, named as in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from p31mg.cli.names import CALIBRATION, PH_EQUATION, PRIOR

__all__ = [
    "ENERGETICS_OPTIONS",
    "FIT_OPTIONS",
    "MAGNESIUM_OPTIONS",
    "acquisition_options",
    "calibration_option",
    "energetics_options",
    "fit_options",
    "force_option",
    "format_option",
    "magnesium_options",
    "mean_mg_option",
    "output_option",
    "ph_option",
    "prior_option",
    "spread_options",
    "taken",
]

F = TypeVar("F", bound=Callable[..., Any])


def _all(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


class _Baseline(click.ParamType):  # type: ignore[type-arg]
    """``auto``, ``none`` or a number of points."""

    name = "baseline"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | int:
        if value in ("auto", "none"):
            return str(value)
        if not str(value).isdecimal():
            self.fail(f"{value!r} is not auto, none or a number of points.", param, ctx)
        return int(value)


def calibration_option(help_text: str) -> Callable[[F], F]:
    """Return the option that names a calibration, with what it does in a command."""
    return click.option(
        "--calibration",
        type=CALIBRATION,
        default="gupta-1978",
        show_default=True,
        metavar="NAME|FILE",
        help=help_text,
    )


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
    click.option(
        "--sd-begin-time",
        "sd_begin_time_s",
        type=float,
        metavar="S",
        help="How well the begin time is known, in s; above 0 the fit finds it. Default: 0; for an EchoTime 0.0003.",
    ),
    click.option("--override", is_flag=True, help="Let these options replace what the file states."),
)

FIT_OPTIONS = ("engine", "phase_model", "lineshape", "baseline")

fit_options = _all(
    click.option(
        "--prior",
        type=PRIOR,
        default="muscle-3t",
        show_default=True,
        metavar="NAME|FILE",
        help="Prior knowledge: muscle, brain, heart, liver, blood (any field), muscle-3t (one), or a TOML file.",
    ),
    click.option(
        "--engine",
        type=click.Choice(["batch", "lmfit"]),
        default="batch",
        show_default=True,
        help="batch: the whole stack at once. lmfit: one by one.",
    ),
    click.option(
        "--phase-model",
        type=click.Choice(["auto", "locked", "begin-time", "free"]),
        default="auto",
        show_default=True,
        help="locked: the begin time is exact. begin-time: it is fitted. free: a phase for each resonance. "
        "auto: begin-time where it has an sd.",
    ),
    click.option(
        "--lineshape",
        type=click.Choice(["auto", "prior"]),
        default="auto",
        show_default=True,
        help="auto: lines that the field has broadened, where the spectrum shows it. prior: those of the prior.",
    ),
    click.option(
        "--baseline",
        type=_Baseline(),
        default="auto",
        show_default=True,
        metavar="auto|none|N",
        help="auto: first points with a broad signal are left out. none: all points. N: so many are left out.",
    ),
)

ph_option = click.option("--ph", type=float, help="Intracellular pH. Default: from Pi of the spectrum.")

MAGNESIUM_OPTIONS = (
    "calibration",
    "sd_ph",
    "temperature_c",
    "sd_temperature_c",
    "correct_kd",
    "ionic_strength_M",
    "potassium_M",
    "ph_equation",
    "level",
)
"""Names of what `magnesium_options` gives, which are those of `free_magnesium`."""

magnesium_options = _all(
    calibration_option("See: p31mg calibrations; or a TOML file of your own."),
    click.option("--sd-ph", type=float, help="Sd of the pH. Default: from the fit, where pH is."),
    click.option(
        "--ph-equation",
        type=PH_EQUATION,
        default="taylor-1983",
        show_default=True,
        metavar="NAME",
        help="Reads pH from Pi; petroff-1985 was made in brain.",
    ),
    click.option(
        "--temperature",
        "temperature_c",
        type=float,
        default=37.0,
        show_default=True,
        metavar="C",
        help="Degrees Celsius.",
    ),
    click.option("--sd-temperature", "sd_temperature_c", type=float, metavar="C", help="Sd of the temperature."),
    click.option(
        "--correct-kd",
        is_flag=True,
        help="Correct Kd of a two-site calibration to pH, temperature, ionic strength and K+. Without it they are only recorded.",
    ),
    click.option(
        "--ionic-strength",
        "ionic_strength_M",
        type=float,
        metavar="M",
        help="In mol/l, with --correct-kd. Default: that of the calibration.",
    ),
    click.option(
        "--potassium", "potassium_M", type=float, metavar="M", help="K+ in mol/l, with --correct-kd. Default: the same."
    ),
    click.option("--level", type=float, default=0.95, show_default=True, help="Of the interval."),
)

ENERGETICS_OPTIONS = ("route", "atp_mM", "sd_atp_mM", "total_creatine_mM", "sd_creatine_mM")
"""Names of what `energetics_options` gives, which are those of `energetics`."""

energetics_options = _all(
    click.option(
        "--route",
        type=click.Choice(["lawson-veech-1979", "full"]),
        default="lawson-veech-1979",
        show_default=True,
        help="Constant of creatine kinase: of 1 mM Mg2+, or with the Mg2+ found.",
    ),
    click.option("--atp", "atp_mM", type=float, default=8.2, show_default=True, metavar="MM", help="ATP, assumed."),
    click.option("--sd-atp", "sd_atp_mM", type=float, metavar="MM", help="Sd of ATP."),
    click.option(
        "--total-creatine",
        "total_creatine_mM",
        type=float,
        default=42.5,
        show_default=True,
        metavar="MM",
        help="Creatine with PCr, assumed.",
    ),
    click.option("--sd-creatine", "sd_creatine_mM", type=float, metavar="MM", help="Sd of the creatine."),
)


def taken(options: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return some of the options by name, and remove them from the others."""
    return {name: options.pop(name) for name in names}


format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="Of what is printed.",
)

prior_option = click.option(
    "--prior", type=PRIOR, default="muscle-3t", show_default=True, metavar="NAME|FILE", help="What tissue and field."
)


mean_mg_option = click.option(
    "--mean-mg", "mean_mg_mM", type=float, default=0.55, show_default=True, metavar="MM", help="Mean of true Mg2+."
)

spread_options = _all(
    click.option(
        "--snr-spread", type=float, default=0.15, show_default=True, help="Sd of the logarithm of SNR among people."
    ),
    click.option(
        "--broadening",
        "broadening_hz",
        type=float,
        default=1.0,
        show_default=True,
        metavar="HZ",
        help="Mean of the shim.",
    ),
    click.option(
        "--broadening-spread",
        "broadening_spread_hz",
        type=float,
        default=1.5,
        show_default=True,
        metavar="HZ",
        help="Its sd.",
    ),
)
"""How people differ in SNR and shim, as `power` and `simulate_cohort` take it."""

output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write the table (.csv) or document (.json) here."
)

force_option = click.option("--force", is_flag=True, help="Replace files that exist.")
