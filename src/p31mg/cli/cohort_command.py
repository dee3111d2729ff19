"""`p31mg cohort`: results and people to associations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p31mg.cli.options import force_option, format_option, output_option
from p31mg.cli.render import emit, print_table, require_figure, require_table

if TYPE_CHECKING:
    from p31mg.cohorts import CohortResult

__all__ = ["command"]


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
    "--robust/--no-robust", default=True, show_default=True, help="Errors of naive slopes that need no equal variances."
)
@click.option("--level", type=float, default=0.95, show_default=True, help="Of the intervals.")
@click.option(
    "--only", type=_Choice(), multiple=True, metavar="COLUMN=VALUE", help="Rows of RESULTS to use, as session=ses-1."
)
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the first formula here (.png, .pdf, .svg).")
@format_option
@output_option
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

    Each slope stands as measured (naive) and corrected for the error of Mg2+. Without PARTICIPANTS the columns that the study
    carried along are used.

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
    table = found.to_dataframe()
    document = {
        "associations": table.to_dict(orient="records"),
        "groups": found.groups.to_dict(orient="records"),
        "left_out": found.left_out.to_dict(orient="records"),
        "n_people": len(found.people),
        "level": found.level,
    }
    emit(output_format, output, table, document, lambda: _show(found))
    for row in found.left_out.itertuples():
        click.echo(f"left out: {row.n}, {row.reason}", err=True)
    click.echo(f"{len(found.people)} people with valid magnesium", err=True)
    if figure is not None:
        from p31mg.cohorts.formula import parse

        model = parse(formula[0])
        drawing = figure_for_file(COHORT_SIZE)
        p31mg.plot.cohort(found, model.terms[0][0].column, model.outcome.column, ax=drawing.add_subplot())
        write_whole(figure, drawing.savefig)
        click.echo(f"written: {figure}", err=True)


def _show(found: CohortResult) -> None:
    columns = [("formula", "left"), ("group", "left"), ("term", "left"), ("n", "right"), ("slope", "right")]
    columns += [("beta", "right"), ("p", "right"), ("R2", "right"), ("reliability", "right")]
    columns += [("corrected slope", "right"), ("corrected beta", "right"), ("p", "right"), ("R2", "right")]
    notes = (found.associations["note"] != "").any()
    rows = []
    for row in found.associations.to_dict(orient="records"):
        cells = [str(row[c]) for c in ("formula", "group", "term", "n")]
        for prefix in ("", "corrected_"):
            cells += [
                f"{row[f'{prefix}slope']:.4g}",
                f"{row[f'{prefix}beta']:.2f} ({row[f'{prefix}beta_low']:.2f} to {row[f'{prefix}beta_high']:.2f})",
                _p_text(row[f"{prefix}p_value"]),
                f"{row[f'{prefix}r2']:.3f}",
            ]
            cells += [f"{row['reliability']:.2f}"] if not prefix else []
        rows.append(cells + ([str(row["note"])] if notes else []))
    print_table([*columns, *([("note", "left")] if notes else [])], rows)
    if len(found.groups):
        heads = ["group", "n", "mean (mM)", "sd", "difference (mM)", "p", "d", "corrected d"]
        print_table(
            [(h, "left" if h == "group" else "right") for h in heads],
            [
                [
                    f"{g['column']} {g['group']}",
                    str(g["n"]),
                    f"{g['mean_mM']:.3f}",
                    f"{g['sd_mM']:.3f}",
                    *(
                        ["", "", "", ""]
                        if g["p_value"] != g["p_value"]
                        else [
                            f"{g['difference_mM']:.3f} ({g['difference_low_mM']:.3f} to {g['difference_high_mM']:.3f})",
                            _p_text(g["p_value"]),
                            f"{g['d']:.2f}",
                            f"{g['corrected_d']:.2f}",
                        ]
                    ),
                ]
                for g in found.groups.to_dict(orient="records")
            ],
        )


def _p_text(p: float) -> str:
    return "<0.0001" if p < 1e-4 else f"{p:.2g}"
