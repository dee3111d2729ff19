"""`p31mg cohort`: results and people to associations."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p31mg.cli.options import force_option, format_option
from p31mg.cli.render import emit, print_table, require_figure, require_table

if TYPE_CHECKING:
    import pandas as pd

    from p31mg.cohorts import CohortResult

__all__ = ["command"]

_MOST_NAMES = 5


class _Choice(click.ParamType):  # type: ignore[type-arg]
    """``column=value``."""

    name = "choice"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        column, sign, wanted = str(value).partition("=")
        if not sign or not column:
            self.fail(f"{value!r} is not COLUMN=VALUE, as in session=ses-1.", param, ctx)
        return column, wanted


@click.command(name="cohort")
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("participants", required=False, type=click.Path(path_type=Path))
@click.option(
    "--formula",
    multiple=True,
    default=("free_mg_mM ~ age",),
    show_default=True,
    metavar="TEXT",
    help="outcome ~ term + term; terms are column, log(column), C(column), a:b, a*b. Repeat for more.",
)
@click.option("--by", metavar="COLUMN", help="Also within each group, as sex.")
@click.option("--compare", metavar="COLUMN", help="Compare Mg2+ of the groups of this column.")
@click.option(
    "--robust/--no-robust",
    default=True,
    show_default=True,
    help="Errors of slopes as measured that need no equal variances.",
)
@click.option("--level", type=float, default=0.95, show_default=True, help="Of the intervals.")
@click.option(
    "--only", type=_Choice(), multiple=True, metavar="COLUMN=VALUE", help="Rows of RESULTS to use, as session=ses-1."
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path),
    help="Draw outcome and first term of the first formula here, unadjusted (.png, .pdf, .svg).",
)
@format_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Also write the table here (.csv; .json with all names)."
)
@force_option
def command(
    results: Path,
    participants: Path | None,
    formula: tuple[str, ...],
    only: tuple[tuple[str, str], ...],
    figure: Path | None,
    output_format: str,
    output: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Associations of free Mg2+ in RESULTS (results.csv of p31mg batch) with what PARTICIPANTS says of people.

    Each slope stands as measured and, below it, corrected for the error of Mg2+; p is that of the slope, and beta, the slope in
    standard deviations, has an interval of its own. Without PARTICIPANTS the columns that the study carried along are used.

    \b
    p31mg cohort people/results.csv people/participants.tsv --formula "free_mg_mM ~ age" --by sex
    p31mg cohort people/results.csv people/participants.tsv \\
        --formula "strength_nm ~ free_mg_mM + age + sex" --compare sex --figure strength.png
    """
    import p31mg
    from p31mg.atomic import write_whole
    from p31mg.plot.style import COHORT_SIZE, figure_for_file

    require_table(output, force)
    require_figure(figure, force)
    found = p31mg.cohort(results, participants, formula, only=dict(only), **options)
    document = {
        "associations": found.associations.to_dict(orient="records"),
        "groups": found.groups.to_dict(orient="records"),
        "left_out": found.left_out.to_dict(orient="records"),
        "doubts": list(found.doubts),
        "n_people": len(found.people),
        "level": found.level,
    }
    if output is not None and output_format == "table":
        _show(found)
    emit(output_format, output, found.associations, document, lambda: _show(found))
    for row in found.left_out.to_dict(orient="records"):
        click.echo(f"left out: {row['n']}, {row['reason']}: {_names(row['subjects'])}", err=True)
    click.echo(f"{len(found.people)} people with valid magnesium", err=True)
    if figure is not None:
        from p31mg.cohorts.formula import parse

        model = parse(formula[0])
        drawing = figure_for_file(COHORT_SIZE)
        p31mg.plot.cohort(found, model.terms[0][0].column, model.outcome.column, ax=drawing.add_subplot())
        write_whole(figure, drawing.savefig)
        click.echo(f"written: {figure}", err=True)
        if len(model.terms) > 1:
            others = ", ".join(":".join(f.text for f in term) for term in model.terms[1:])
            click.echo(f"the figure is not adjusted for {others}; the table is", err=True)


def _names(subjects: str) -> str:
    """Return the first of the names, and where all are."""
    names = subjects.split(", ")
    return subjects if len(names) <= _MOST_NAMES else f"{', '.join(names[:_MOST_NAMES])}, ... (all: --format json)"


def _show(found: CohortResult) -> None:
    interval = f"({100 * found.level:g} % interval)"
    heads = [("", "left"), (f"slope {interval}", "left"), ("p", "right"), (f"beta {interval}", "left")]
    table = found.associations
    for (formula, group), rows in table.groupby(["formula", "group"], sort=False):
        first = rows.iloc[0]
        has_mg = bool(first["reliability"] == first["reliability"])
        said = f"n {first['n']}, R2 {first['r2']:.3f}"
        if has_mg:
            said += f", corrected {first['corrected_r2']:.3f}, reliability of Mg2+ {first['reliability']:.2f}"
        lines = []
        for row in rows.to_dict(orient="records"):
            lines.append([str(row["term"]), *_cells(row, "")])
            if has_mg:
                lines.append(["corrected", *_cells(row, "corrected_")])
        print_table(heads, lines, f"{formula}, {group}\n{said}")
    for formula, note in dict.fromkeys(zip(table["formula"], table["note"], strict=True)):
        if note:
            click.echo(f"note on {formula}: {note}")
    if len(found.groups):
        _show_groups(found.groups, interval)


def _cells(row: Mapping[Hashable, Any], prefix: str) -> list[str]:
    """Return slope, p and beta of a row, as measured or corrected."""
    slope, low, high = (row[f"{prefix}slope{end}"] for end in ("", "_low", "_high"))
    beta = "{:.2f} ({:.2f} to {:.2f})".format(*(row[f"{prefix}beta{end}"] for end in ("", "_low", "_high")))
    digits = 0 if not high > low else max(0, 2 - math.ceil(math.log10((high - low) / 2)))
    return [f"{slope:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})", _p_text(row[f"{prefix}p_value"]), beta]


def _show_groups(groups: pd.DataFrame, interval: str) -> None:
    lines = []
    for g in groups.to_dict(orient="records"):
        cells = [str(g["group"]), str(g["n"]), f"{g['mean_mM']:.3f}", f"{g['sd_mM']:.3f}"]
        if not math.isnan(g["p_value"]):
            cells += [f"{g['difference_mM']:.3f} ({g['difference_low_mM']:.3f} to {g['difference_high_mM']:.3f})"]
            cells += [
                _p_text(g["p_value"]),
                f"{g['d']:.2f}",
                "" if math.isnan(g["corrected_d"]) else f"{g['corrected_d']:.2f}",
            ]
        lines.append(cells)
    first = groups.iloc[0]
    heads = ["", "n", "mean", "sd", "difference", "p", "d", "true d"]
    click.echo(
        f"free Mg2+ in mM by {first['column']}; differences from {first['group']} {interval}, d in sds within groups"
    )
    print_table([(h, "left" if h in ("", "difference") else "right") for h in heads], lines)


def _p_text(p: float) -> str:
    return "<0.0001" if p < 1e-4 else f"{p:.2g}"
