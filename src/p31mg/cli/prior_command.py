"""`p31mg prior`: what the sets hold, whether a file of your own holds together, and priors from other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p31mg.cli.names import PRIOR
from p31mg.cli.options import force_option, format_option, output_option
from p31mg.cli.render import emit, print_table, require_free, require_table
from p31mg.errors import InputError

if TYPE_CHECKING:
    from p31mg.prior import Prior, Resonance

__all__ = ["check", "command", "import_", "show"]

_at_option = click.option(
    "--at",
    "at_mhz",
    type=float,
    metavar="MHZ",
    help="Spectrometer frequency that linewidths are scaled to, where the set is for any field.",
)


@click.group(name="prior")
def command() -> None:
    """Show, check and import prior knowledge: which peaks to expect, where, how wide, how split.

    \b
    p31mg prior show
    p31mg prior show heart --at 49.9
    p31mg prior check prior.toml
    p31mg prior import peaks.csv --spectrometer-frequency 120 -o peaks.toml
    """


@command.command(name="show")
@click.argument("prior", type=PRIOR, required=False, metavar="[NAME|FILE]")
@_at_option
@format_option
@output_option
@force_option
def show(prior: str | None, at_mhz: float | None, output_format: str, output: Path | None, force: bool) -> None:
    """Show the resonances of a prior with windows, widths, couplings and sources; without a name, which there are.

    \b
    p31mg prior show
    p31mg prior show muscle --at 25.85
    p31mg prior show brain-7t --format json
    """
    require_table(output, force)
    if prior is None:
        _show_all(output_format, output)
    else:
        _show_one(_loaded(prior, at_mhz), output_format, output, at_mhz)


@command.command(name="check")
@click.argument("file", type=PRIOR)
@_at_option
def check(file: str, at_mhz: float | None) -> None:
    """Check a prior file: refuse what does not hold together, and say what is likely to cost magnesium.

    \b
    p31mg prior check prior.toml
    """
    from p31mg.prior import advice

    prior = _loaded(file, at_mhz)
    click.echo(f"{file} holds together: {_head(prior, at_mhz)}")
    for sentence in advice(prior):
        click.echo(f"advice: {sentence}")


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--spectrometer-frequency",
    "spectrometer_frequency_mhz",
    type=float,
    required=True,
    metavar="MHZ",
    help="That the linewidths of FILE hold for; it turns the distance of lines in Hz into ppm.",
)
@click.option("--tissue", default="not stated", show_default=True, help="FILE does not state it.")
@click.option("--name", help="Of the prior. Default: that of FILE.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Prior file (.toml) to write.")
@force_option
def import_(
    file: Path, spectrometer_frequency_mhz: float, tissue: str, name: str | None, output: Path, force: bool
) -> None:
    """Import a prior-knowledge spreadsheet of pyAMARES (CSV): lines become multiplets with couplings.

    What is not as it was in FILE is said, and stands at the head of the file that is written.

    \b
    p31mg prior import peaks.csv --spectrometer-frequency 120 -o peaks.toml
    """
    import p31mg
    from p31mg.atomic import write_text
    from p31mg.prior import advice, prior_toml

    if output.suffix != ".toml":
        msg = f"output is {output}; the name of a prior file must end in .toml."
        raise InputError(msg)
    require_free(output, force)
    imported = p31mg.import_prior(file, spectrometer_frequency_mhz, tissue=tissue, name=name)
    text = prior_toml(imported.prior, imported.notes)
    write_text(output, text)
    click.echo(_head(imported.prior))
    for note in imported.notes:
        click.echo(f"note: {note}")
    for sentence in advice(imported.prior):
        click.echo(f"advice: {sentence}")
    click.echo(f"written: {output}", err=True)


def _loaded(prior: str, at_mhz: float | None) -> Prior:
    import p31mg

    loaded = p31mg.load_prior(prior)
    return loaded if at_mhz is None else loaded.at(at_mhz)


def _head(prior: Prior, at_mhz: float | None = None) -> str:
    from p31mg.prior import field_text

    where = f"{prior.field_strength_t:.4g} T" if at_mhz is None else f"{at_mhz:g} MHz ({prior.field_strength_t:.2f} T)"
    field = f"any field, widths at {where}" if prior.scales_with_field else field_text(prior)
    return (
        f"{prior.name}: {len(prior.names)} resonances, tissue {prior.tissue}, {field}, reference {prior.reference}, "
        f"{prior.lineshape} lines, ATP {prior.coupling}"
    )


def _show_all(output_format: str, output: Path | None) -> None:
    import p31mg
    from p31mg.prior import field_text

    known = p31mg.priors()

    def table() -> None:
        columns = [("name", "left"), ("field", "left"), ("tissue", "left"), ("description", "left")]
        print_table(columns, [[n, field_text(p), p.tissue, p.description] for n, p in known.items()])
        click.echo(
            "a set for any field is one for each, too: muscle-1.5t, heart-7t; or the path of a .toml file of your own"
        )

    frame = known.to_dataframe()
    emit(output_format, output, frame, {"priors": frame.to_dict(orient="records")}, table)


def _show_one(prior: Prior, output_format: str, output: Path | None, at_mhz: float | None) -> None:
    import dataclasses

    import pandas as pd

    def table() -> None:
        columns = [
            ("resonance", "left"),
            ("ppm", "right"),
            ("window", "left"),
            ("width (Hz)", "right"),
            ("bounds", "left"),
            ("amplitude", "right"),
            ("J (Hz)", "left"),
            ("source", "left"),
        ]
        print_table(columns, [_row(r) for r in prior.resonances], f"{_head(prior, at_mhz)}\n{prior.description}")
        for source in prior.sources:
            click.echo(source)

    rows = [dataclasses.asdict(r) for r in prior.resonances]
    document = {**dataclasses.asdict(prior), "resonances": rows}
    emit(output_format, output, pd.DataFrame([_flat(row) for row in rows]), document, table)


def _row(r: Resonance) -> list[str]:
    width = f"{r.linewidth_hz:.3g}"
    return [
        r.name,
        f"{r.chemical_shift_ppm:g}",
        "{:g} to {:g}".format(*r.shift_bounds_ppm),
        width if r.linewidth_as is None else f"{width} as {r.linewidth_as}",
        "{:.3g} to {:.3g}".format(*r.linewidth_bounds_hz),
        f"{r.amplitude:g}",
        ", ".join(f"{j:g}" for j in r.j_coupling_hz),
        r.source,
    ]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for CSV: a column for each end of an interval, couplings in one cell."""
    out: dict[str, Any] = {}
    for key, value in row.items():
        if key in ("shift_bounds_ppm", "linewidth_bounds_hz"):
            name, unit = key.rsplit("_", 1)
            out |= {f"{name}_low_{unit}": value[0], f"{name}_high_{unit}": value[1]}
        else:
            out[key] = " ".join(f"{j:g}" for j in value) if key == "j_coupling_hz" else value
    return out
