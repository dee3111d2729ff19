"""`p31mg mg`: shifts to magnesium."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from p31mg.cli.options import (
    ENERGETICS_OPTIONS,
    MAGNESIUM_OPTIONS,
    energetics_options,
    force_option,
    format_option,
    magnesium_options,
    output_option,
    ph_option,
    taken,
)
from p31mg.cli.render import (
    calibration_line,
    conditions_lines,
    emit,
    energetics_lines,
    interval_text,
    magnesium_text,
    print_table,
    require_table,
    rows_of,
)
from p31mg.errors import InputError
from p31mg.magnesium import calibration_record, constants_text

if TYPE_CHECKING:
    from p31mg.arrays import FloatArray
    from p31mg.magnesium import EnergeticsResult, MagnesiumComparison, MagnesiumResult, PhResult

__all__ = ["command"]

_TOLD_FROM = 1e-3
"""A probability beyond a limit is printed from here on."""


class _NegativeNumbers(click.Command):
    """Takes ``-16.14`` for a number and not for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" not in args:
            alone = {"-h", "--help"}
            alone |= {word for p in self.params if isinstance(p, click.Option) and p.is_flag for word in p.opts}
            options, shifts = [], []
            words = iter(args)
            for word in words:
                if not word.startswith("-") or _is_number(word):
                    shifts.append(word)
                    continue
                options.append(word)
                if "=" not in word and word not in alone:
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
@ph_option
@click.option("--pi-shift", "pi_shift_ppm", type=float, metavar="PPM", help="delta(Pi) - delta(PCr), to read pH from.")
@click.option("--sd-pi-shift", "sd_pi_shift_ppm", type=float, metavar="PPM", help="Sd of that shift.")
@magnesium_options
@click.option("--all", "every", is_flag=True, help="All calibrations that take such a shift, side by side.")
@click.option("--pcr", "pcr_mM", type=float, metavar="MM", help="PCr; with --pi also ADP and dG of ATP hydrolysis.")
@click.option("--pi", "pi_mM", type=float, metavar="MM", help="Inorganic phosphate.")
@energetics_options
@format_option
@output_option
@force_option
def command(
    shift: tuple[float, ...],
    sd_ppm: tuple[float, ...],
    ph: float | None,
    pi_shift_ppm: float | None,
    sd_pi_shift_ppm: float | None,
    every: bool,
    pcr_mM: float | None,
    pi_mM: float | None,
    output_format: str,
    output: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Convert SHIFT (ppm) to free Mg2+.

    SHIFT is delta(alpha) - delta(beta), near 8.5; for iotti-1996 delta(beta) - delta(PCr), near -16.1.

    \b
    p31mg mg 8.55 --sd 0.01
    p31mg mg 8.50 8.55 8.60 --calibration gupta-1984 --format csv
    p31mg mg -16.14 --calibration iotti-1996
    p31mg mg 8.55 --sd 0.01 --all
    p31mg mg 8.55 --sd 0.01 --correct-kd --pi-shift 4.60 --sd-pi-shift 0.02
    p31mg mg 8.55 --sd 0.01 --calibration own.toml --level 0.68
    p31mg mg 8.55 --ph 7.0 --pcr 33 --pi 4.5 --route full
    """
    import p31mg

    require_table(output, force)
    magnesium, assumed = taken(options, MAGNESIUM_OPTIONS), taken(options, ENERGETICS_OPTIONS)
    values = np.array(shift) if len(shift) > 1 else np.array(shift[0])
    if len(sd_ppm) not in (0, 1, len(shift)):
        msg = f"--sd is given {len(sd_ppm)} times for {len(shift)} shifts; give it once, or once for each."
        raise InputError(msg)
    magnesium["sd_ppm"] = None if not sd_ppm else np.array(sd_ppm if len(sd_ppm) > 1 else sd_ppm[0])
    magnesium["ph"] = _ph(ph, pi_shift_ppm, sd_pi_shift_ppm, magnesium["ph_equation"])
    if (pcr_mM is None) != (pi_mM is None):
        msg = "--pcr and --pi are given one without the other; energetics needs both, in mM."
        raise InputError(msg)
    if every and pcr_mM is not None:
        msg = "--pcr and --pi are given with --all; energetics goes with one calibration: leave one of them out."
        raise InputError(msg)
    if every:
        chosen = _all(values, magnesium.pop("calibration"))
        _compare(p31mg.free_magnesium(values, calibration=chosen, **magnesium), output_format, output)
        return
    mg = p31mg.free_magnesium(values, **magnesium)
    energy = None if pcr_mM is None or pi_mM is None else _energetics(mg, pcr_mM, pi_mM, assumed)
    table = mg.to_dataframe()
    document = {"calibration": calibration_record(mg.calibration), "values": rows_of(table)}
    if energy is not None:
        rows = energy.to_dataframe()
        table = table.join(rows.drop(columns=list(table), errors="ignore"))
        document["energetics"] = {"assumed": list(energy.assumed), "values": rows.to_dict(orient="records")}

    def show() -> None:
        _show(mg)
        if energy is not None:
            _show_energetics(energy)

    emit(output_format, output, table, document, show)
    click.get_current_context().exit(0 if mg.is_valid.all() else 1)


def _ph(
    ph: float | None, pi_shift_ppm: float | None, sd_pi_shift_ppm: float | None, equation: str
) -> float | PhResult | None:
    """Return pH as given, or as read from Pi."""
    import p31mg

    if pi_shift_ppm is None:
        if sd_pi_shift_ppm is not None:
            msg = "--sd-pi-shift is given without --pi-shift; give both."
            raise InputError(msg)
        return ph
    if ph is not None:
        msg = "--ph and --pi-shift are both given; give one of them."
        raise InputError(msg)
    return p31mg.ph_from_pi(pi_shift_ppm, sd_ppm=sd_pi_shift_ppm, equation=equation)


def _energetics(mg: MagnesiumResult, pcr_mM: float, pi_mM: float, assumed: dict[str, Any]) -> EnergeticsResult:
    """Return ADP and dG at the pH, and by the full route the Mg2+, of every shift."""
    import p31mg

    if mg.ph_source == "unknown":
        msg = "--pcr and --pi are given without pH; energetics needs it: give --ph or --pi-shift."
        raise InputError(msg)
    found: dict[str, Any] = {"sd_ph": mg.sd_ph if np.isfinite(mg.sd_ph).any() else None}
    if assumed["route"] == "full":
        found |= {
            "free_mg_mM": np.where(mg.interval_open, np.nan, mg.free_mg_mM),
            "sd_free_mg_mM": mg.sd_mM if np.isfinite(mg.sd_mM).any() else None,
        }
    # numbers of the user's own stay single numbers, which are refused where they make no sense
    return p31mg.energetics(pcr_mM, pi_mM, mg.ph, temperature_c=mg.temperature_c, **assumed, **found)


def _all(values: FloatArray, calibration: str) -> list[Any]:
    """Return the calibrations whose shifts have the sign of these, and one of the user's own."""
    import p31mg

    known = p31mg.calibrations()
    fitting = [c.id for c in known.values() if np.sign(c.shift_range_ppm[0]) == np.sign(np.ravel(values)[0])]
    return fitting if calibration in known else [*fitting, calibration]


def _show(mg: MagnesiumResult) -> None:
    """Print one row per shift, with the parts of the error where there are several."""
    parts = {"shift": mg.sd_measurement_mM}
    parts |= {"pH, T": mg.sd_condition_mM} if mg.kd_corrected else {}
    parts |= {"constants": mg.sd_calibration_mM} if np.isfinite(mg.sd_calibration_mM).any() else {}
    parts = parts if len(parts) > 1 else {}
    beyond = mg.probability_beyond.max(axis=-1).ravel()
    tell_beyond = bool((beyond >= _TOLD_FROM).any())
    columns = [
        (mg.calibration.quantity, "right"),
        ("Mg (mM)", "right"),
        ("sd (mM)", "right"),
        *((f"of {name}", "right") for name in parts),
        (f"{mg.level:.0%} interval (mM)", "right"),
        ("pMg", "right"),
        *([("beyond limit", "right")] if tell_beyond else []),
    ]
    # beside an open interval they are those of a number that is not printed
    sd_mM, p_mg = (np.where(mg.interval_open, np.nan, values).ravel() for values in (mg.sd_mM, mg.p_mg))
    intervals = mg.interval_mM.reshape(-1, 2)
    rows = [
        [
            f"{d:g}",
            _magnesium_text(mg, i),
            _three_digits(sd_mM[i]),
            *(_three_digits(part.ravel()[i]) for part in parts.values()),
            interval_text(*intervals[i]),
            _three_digits(p_mg[i]),
            *([f"{beyond[i]:.1%}" if np.isfinite(beyond[i]) else ""] if tell_beyond else []),
        ]
        for i, d in enumerate(mg.shift_ppm.ravel())
    ]
    print_table(columns, rows)
    for line in [calibration_line(mg.calibration), *conditions_lines(mg)]:
        click.echo(line)


def _magnesium_text(mg: MagnesiumResult, i: int) -> str:
    if mg.in_range.ravel()[i] or np.isnan(mg.shift_ppm.ravel()[i]):
        low, high = mg.interval_mM.reshape(-1, 2)[i]
        return magnesium_text(float(mg.free_mg_mM.ravel()[i]), low, high, in_range=True)
    low, high = mg.calibration.shift_range_ppm
    return f"outside the range {low:g} to {high:g} ppm"


def _three_digits(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else ""


def _show_energetics(energy: EnergeticsResult) -> None:
    columns = [("pH", "right"), ("free Mg (mM)", "right"), ("ADP ± sd (µM)", "right"), ("ΔG ± sd (kJ/mol)", "right")]
    rows = [
        [
            f"{row['ph']:.3f}",
            _with_sd(row["free_mg_mM"], np.nan, 3),
            _with_sd(row["adp_uM"], row["sd_adp_uM"], 1),
            _with_sd(row["dg_atp_kj_per_mol"], row["sd_dg_atp_kj_per_mol"], 2),
        ]
        for _, row in energy.to_dataframe().iterrows()
    ]
    print_table(columns, rows)
    for line in energetics_lines(energy):
        click.echo(line)


def _with_sd(value: float, sd: float, digits: int) -> str:
    if np.isnan(value):
        return "unknown"
    return f"{value:.{digits}f}" + (f" ± {sd:.{digits}f}" if np.isfinite(sd) else "")


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
            ("sd (mM)", "right"),
            (f"{first.level:.0%} interval (mM)", "right"),
            ("constants", "left"),
            ("evidence", "left"),
        ]
        rows = [
            [
                f"{result.shift_ppm.ravel()[i]:g}",
                name,
                magnesium_text(float(result.free_mg_mM.ravel()[i]), *result.interval_mM.reshape(-1, 2)[i]),
                "" if result.interval_open.ravel()[i] else _three_digits(result.sd_mM.ravel()[i]),
                interval_text(*result.interval_mM.reshape(-1, 2)[i]),
                constants_text(result.calibration),
                result.calibration.evidence,
            ]
            for i in range(results.spread.size)
            for name, result in results.items()
        ]
        print_table(columns, rows)
        for line in conditions_lines(*results.values()):
            click.echo(line)
        spread = results.spread[np.isfinite(results.spread)]
        if spread.size:
            click.echo(
                f"highest over lowest: up to {spread.max():.2f}; the errors do not include the choice of calibration"
            )

    emit(output_format, output, results.to_dataframe(), {"results": document}, show)
    click.get_current_context().exit(0 if all(r.is_valid.all() for r in results.values()) else 1)
