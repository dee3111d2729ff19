"""`p31mg calibrations`: what there is, with source, range and evidence."""

from __future__ import annotations

from pathlib import Path

import click

from p31mg.cli.options import force_option, format_option, output_option
from p31mg.cli.render import emit, print_table, require_table
from p31mg.magnesium import calibration_record, conditions_text, constants_text

__all__ = ["command"]


@click.command(name="calibrations")
@format_option
@output_option
@force_option
def command(output_format: str, output: Path | None, force: bool) -> None:
    """List the calibrations with constants, range, source and evidence.

    \b
    p31mg calibrations
    p31mg calibrations --format json
    """
    import p31mg

    require_table(output, force)

    known = p31mg.calibrations()
    document = {"calibrations": [calibration_record(c) for c in known.values()]}

    def show() -> None:
        columns = [
            ("id", "left"),
            ("from", "left"),
            ("range (ppm)", "left"),
            ("constants", "left"),
            ("conditions", "left"),
            ("evidence", "left"),
            ("tissue", "left"),
            ("source", "left"),
        ]
        rows = [
            [
                c.id,
                c.quantity,
                "{:g} to {:g}".format(*c.shift_range_ppm),
                constants_text(c),
                conditions_text(c),
                c.evidence,
                c.tissue,
                c.source,
            ]
            for c in known.values()
        ]
        print_table(columns, rows)
        click.echo(
            "no errors of the constants are known; a calibration of your own can have them: p31mg calibrate --help"
        )
        click.echo("evidence A: equation and constants cross-checked against a second source")
        click.echo("evidence B: the constants that the field cites; the primary text could not be read")

    emit(output_format, output, known.to_dataframe(), document, show)
