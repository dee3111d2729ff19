"""`p31mg mg`: shifts to magnesium."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from p31mg.cli.options import format_option, magnesium_options
from p31mg.cli.render import (
    calibration_line,
    emit,
    interval_text,
    magnesium_text,
    print_table,
    require_table_name,
    rows_of,
)
from p31mg.magnesium import calibration_record

if TYPE_CHECKING:
    from p31mg.arrays import FloatArray
    from p31mg.magnesium import MagnesiumComparison

__all__ = ["command"]


class _NegativeNumbers(click.Command):
    """Takes ``-16.14`` for a number and not for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" not in args:
            options, shifts = [], []
            words = iter(args)
            for word in words:
                if not word.startswith("-") or _is_number(word):
                    shifts.append(word)
                    continue
                options.append(word)
                if "=" not in word and word not in ("-h", "--help", "--all"):
                    options.extend(itertools.islice(words, 1))
            args = [*options, "--", *shifts]
        return super().parse_args(ctx, args)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


@click.command(name="mg", cls=_NegativeNumbers)
@click.argument("shift", nargs=-1, required=True, type=float)
@click.option(
    "--sd",
    "sd_ppm",
    type=float,
    multiple=True,
    metavar="PPM",
    help="Sd of the shift; once for all, or once for each SHIFT.",
)
@magnesium_options
@click.option("--all", "every", is_flag=True, help="All calibrations that take such a shift, side by side.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Of the interval.")
@format_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write the table (.csv) or document (.json) here."
)
def command(
    shift: tuple[float, ...],
    sd_ppm: tuple[float, ...],
    calibration: str,
    ph: float | None,
    temperature_c: float,
    level: float,
    every: bool,
    output_format: str,
    output: Path | None,
) -> None:
    """Convert SHIFT (ppm) to free Mg2+.

    SHIFT is delta(alpha) - delta(beta), near 8.5; for iotti-1996 delta(beta) - delta(PCr), near -16.1.

    \b
    p31mg mg 8.55 --sd 0.01
    p31mg mg 8.50 8.55 8.60 --calibration gupta-1984 --format csv
    p31mg mg -16.14 --calibration iotti-1996
    p31mg mg 8.55 --sd 0.01 --all
    """
    import p31mg
    from p31mg.errors import InputError

    require_table_name(output)
    values = np.array(shift) if len(shift) > 1 else np.array(shift[0])
    if len(sd_ppm) not in (0, 1, len(shift)):
        msg = f"--sd is given {len(sd_ppm)} times for {len(shift)} shifts; give it once, or once for each."
        raise InputError(msg)
    sd = None if not sd_ppm else np.array(sd_ppm if len(sd_ppm) > 1 else sd_ppm[0])
    options: dict[str, Any] = {"sd_ppm": sd, "ph": ph, "temperature_c": temperature_c, "level": level}
    if every:
        _compare(p31mg.free_magnesium(values, calibration=_fitting(values), **options), output_format, output)
        return
    mg = p31mg.free_magnesium(values, calibration=calibration, **options)
    table = mg.to_dataframe()
    document = {
        "calibration": calibration_record(mg.calibration),
        "values": rows_of(table),
    }

    def show() -> None:
        columns = [
            (mg.calibration.quantity, "right"),
            ("Mg (mM)", "right"),
            ("sd (mM)", "right"),
            (f"{mg.level:.0%} interval (mM)", "right"),
            ("pMg", "right"),
        ]
        rows = [
            [
                f"{d:g}",
                magnesium_text(float(value), low, high),
                f"{sd:.3f}" if np.isfinite(sd) else "",
                interval_text(low, high),
                f"{p:.3f}" if np.isfinite(p) else "",
            ]
            for d, value, sd, (low, high), p in zip(
                mg.shift_ppm.ravel(),
                mg.free_mg_mM.ravel(),
                mg.sd_mM.ravel(),
                mg.interval_mM.reshape(-1, 2),
                mg.p_mg.ravel(),
                strict=True,
            )
        ]
        print_table(columns, rows)
        click.echo(calibration_line(mg.calibration))
        click.echo(f"pH {'not given' if ph is None else f'{ph:g}'}, temperature {temperature_c:g} C")

    emit(output_format, output, table, document, show)
    click.get_current_context().exit(0 if mg.is_valid.all() else 1)


def _fitting(values: FloatArray) -> list[str]:
    """Return the calibrations whose shifts have the sign of these."""
    import p31mg

    known = p31mg.calibrations().values()
    return [c.id for c in known if np.sign(c.shift_range_ppm[0]) == np.sign(np.ravel(values)[0])]


def _compare(results: MagnesiumComparison, output_format: str, output: Path | None) -> None:
    """Print one row per shift and calibration, and how far they are apart."""
    document = {
        name: {"calibration": calibration_record(r.calibration), "values": rows_of(r.to_dataframe())}
        for name, r in results.items()
    }

    def show() -> None:
        first = next(iter(results.values()))
        columns = [
            (first.calibration.quantity, "right"),
            ("calibration", "left"),
            ("Mg (mM)", "right"),
            (f"{first.level:.0%} interval (mM)", "right"),
            ("constants", "left"),
            ("evidence", "left"),
        ]
        rows = [
            [
                f"{result.shift_ppm.ravel()[i]:g}",
                name,
                magnesium_text(float(result.free_mg_mM.ravel()[i]), *result.interval_mM.reshape(-1, 2)[i]),
                interval_text(*result.interval_mM.reshape(-1, 2)[i]),
                ", ".join(f"{k} {v:g}" for k, v in result.calibration.constants.items()),
                result.calibration.evidence,
            ]
            for i in range(results.spread.size)
            for name, result in results.items()
        ]
        print_table(columns, rows)
        spread = results.spread[np.isfinite(results.spread)]
        if spread.size:
            click.echo(f"highest over lowest: up to {spread.max():.2f}")

    emit(output_format, output, results.to_dataframe(), {"results": document}, show)
    click.get_current_context().exit(0 if all(r.is_valid.all() for r in results.values()) else 1)
