"""Tables, CSV and JSON on stdout or into a file; progress on stderr."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from p31mg.atomic import write_text
from p31mg.errors import InputError
from p31mg.io.documents import json_text
from p31mg.magnesium import constants_text
from p31mg.magnesium.inputs import PI_IS_FAINT

if TYPE_CHECKING:
    import pandas as pd

    from p31mg.arrays import BoolArray
    from p31mg.fitting import FitResult
    from p31mg.magnesium import Calibration, EnergeticsResult, MagnesiumResult

__all__ = [
    "calibration_line",
    "conditions_lines",
    "emit",
    "energetics_lines",
    "found_lines",
    "interval_text",
    "magnesium_text",
    "number_range",
    "print_table",
    "progress",
    "require_figure",
    "require_free",
    "require_table",
    "rows_of",
    "verdict",
    "warn_of_the_fit",
]

FIGURE_SUFFIXES = (".png", ".pdf", ".svg")

WIDTH_OF_A_FILE = 240
"""Columns of a table that goes to a file or a pipe, where nothing needs to be folded."""


def require_table(output: Path | None, force: bool) -> None:
    """Refuse, before any work, a name of a table that is neither CSV nor JSON, or that exists and is not to be replaced."""
    if output is not None and output.suffix not in (".csv", ".json"):
        msg = f"output is {output}; its name must end in .csv or .json."
        raise InputError(msg)
    require_free(output, force)


def require_figure(figure: Path | None, force: bool) -> None:
    """Refuse, before any work, a picture that could not be written, or that exists and is not to be replaced."""
    from p31mg.errors import WriteError

    if figure is None:
        return
    if figure.suffix not in FIGURE_SUFFIXES:
        msg = f"figure is {figure}; its name must end in {', '.join(FIGURE_SUFFIXES)}."
        raise InputError(msg)
    if not figure.parent.is_dir():
        msg = f"figure {figure} cannot be written: folder {figure.parent} does not exist."
        raise WriteError(msg)
    require_free(figure, force)


def require_free(path: Path | None, force: bool) -> None:
    """Refuse, before any work, to replace a file unless that is asked for."""
    from p31mg.errors import WriteError

    if path is not None and path.exists() and not force:
        msg = f"{path} exists and is not replaced; choose another name or give --force."
        raise WriteError(msg)


def emit(
    output_format: str, output: Path | None, table: pd.DataFrame, document: Mapping[str, Any], show: Callable[[], None]
) -> None:
    """Print results as asked for, or write them to a file: JSON there for ``.json`` or ``--format json``, CSV otherwise."""
    as_json = output_format == "json" or (output is not None and output.suffix == ".json")
    text = json_text(document) if as_json else table.to_csv(index=False)
    if output is not None:
        write_text(output, text)
        click.echo(f"written: {output}", err=True)
    elif output_format == "table":
        show()
    else:
        click.echo(text, nl=False)


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table of results with magnesium for a document: the columns, and ``interval_mM`` as in Python.

    The calibration, the same in all rows, stands beside them.
    """
    rows = []
    for row in table.to_dict(orient="records"):
        interval = [row["interval_low_mM"], row["interval_high_mM"]]
        named = {str(k): v for k, v in row.items() if not str(k).startswith("calibration")}
        rows.append({**named, "interval_mM": interval})
    return rows


def print_table(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], title: str = "", *, err: bool = False
) -> None:
    """Print a table; `columns` are (heading, "left" or "right"). `err`: on stderr."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if title:
        click.echo(title, err=err)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading, justify in columns:
        table.add_column(escape(heading), justify="left" if justify == "left" else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    stream = sys.stderr if err else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else WIDTH_OF_A_FILE
    text = io.StringIO()
    Console(file=text, width=width, highlight=False).print(table)
    click.echo("\n".join(line.rstrip() for line in text.getvalue().splitlines()), err=err)


def magnesium_text(free_mg_mM: float, low: float, high: float, in_range: bool = False) -> str:
    """Return the concentration for a table; where the interval has no upper end, what can be said: that it is above."""
    if np.isnan(free_mg_mM):
        return "not known" if in_range else "outside the range"
    return f"> {low:.3f}" if high == np.inf else f"{free_mg_mM:.3f}"


def interval_text(low: float, high: float) -> str:
    """Return an interval for a table, empty where there is none."""
    return "" if np.isnan(low) else f"{low:.3f} to {'∞' if high == np.inf else f'{high:.3f}'}"


def verdict(row: Mapping[str, Any] | pd.Series[Any]) -> str:
    """Return the status of a row of results, and which flags are raised where it is OK."""
    if row["status"] != "OK":
        return str(row["status"])
    flags = {
        "at bound": row["at_bound"],
        "low SNR": not row["snr_ok"],
        "did not move": not row["moved"],
        "broad": not (row["linewidth_ok"] and row["atp_linewidth_ok"]),
        "shift out of range": not (row["shift_in_range"] and row["in_range"]),
        "interval open": row["interval_open"],
        "pH not known for Kd": row["kd_corrected"] and not row["inputs_ok"],
        "residual above noise": not row["residual_ok"],
    }
    raised = [name for name, is_raised in flags.items() if is_raised]
    return "OK" if not raised else f"flagged: {', '.join(raised)}"


def calibration_line(calibration: Calibration) -> str:
    """Return name, constants, evidence and source of a calibration, as every printed Mg2+ needs them."""
    what = f"{constants_text(calibration)}; evidence {calibration.evidence}; {calibration.source}"
    return f"calibration {calibration.id}: {what}"


def conditions_lines(mg: MagnesiumResult, *others: MagnesiumResult) -> list[str]:
    """Return pH, temperature, what was done to Kd for them, and what has an error, as every printed Mg2+ needs them."""
    ph = f"{number_range(mg.ph)} ({mg.ph_source})" if np.isfinite(mg.ph).any() else "unknown"
    if mg.ph_source == PI_IS_FAINT:
        ph = PI_IS_FAINT
    elif mg.pi_is_faint.any():
        ph += f", {PI_IS_FAINT} in {int(mg.pi_is_faint.sum())} of {mg.pi_is_faint.size}"
    notes = dict.fromkeys(result.kd_note for result in (mg, *others))
    lines = [f"pH {ph}, temperature {number_range(mg.temperature_c)} C; {'; '.join(notes)}"]
    if mg.kd_corrected:
        lines[0] += f" (ionic strength {number_range(mg.ionic_strength_M)} M, K+ {number_range(mg.potassium_M)} M)"
    included = {text for result in (mg, *others) for text in result.error_includes.ravel().tolist()} - {"nothing"}
    if included:
        lines.append(f"errors included: {'; '.join(sorted(included))}")
    return lines


def energetics_lines(result: EnergeticsResult) -> list[str]:
    """Return what ADP and dG rest on."""
    return [f"energetics, route {result.route}: {'; '.join(result.assumed)}"]


def found_lines(result: FitResult) -> list[str]:
    """Return what the fit did beyond the plain model: begin time, first points and field, one line each."""
    from p31mg.prior import common_parameters

    fitted, common = np.isfinite(result.amplitude).all(axis=-1), common_parameters(result.model_prior)
    lines: list[str] = []
    if not fitted.any():
        return lines
    if "begin_time_s" in common:
        a = result.spectra.acquisition
        stated = f"stated {1e3 * a.begin_time_s:.3f}" + (
            f" ± {1e3 * a.sd_begin_time_s:.3f}" if a.sd_begin_time_s else ""
        )
        sd = 1e3 * result.crlb_begin_time_s[fitted]
        found = _spread(1e3 * result.begin_time_s[fitted], ".3f")
        lines.append(f"begin time fitted: {found} ± {_spread(sd, '.3f')} ms ({stated})")
    left_out = result.first_point[fitted]
    if left_out.any():
        n = _spread(left_out[left_out > 0], "d")
        lines.append(f"first points left out: {n}, in {int((left_out > 0).sum())} of {left_out.size}")
    if "gaussian_linewidth_hz" in common and result.prior.gaussian_linewidth_hz is None:
        width = result.gaussian_linewidth_hz[fitted]
        if (width > 0).any():
            found = _spread(width[width > 0], ".1f")
            lines.append(f"field fitted: lines broadened by {found} Hz, in {int((width > 0).sum())} of {width.size}")
    return lines


def warn_of_the_fit(result: FitResult) -> None:
    """Say on stderr where a fitted begin time contradicts the stated one, and where the frequency axis looks reversed."""
    from p31mg.fitting import FitStatus

    fitted = np.isfinite(result.amplitude).all(axis=-1)
    off = fitted & ~result.quality.begin_time_ok
    if off.any():
        click.echo(
            f"warning: {int(off.sum())} of {off.size}: the fitted begin time is more than 3 sd from the stated one; check it",
            err=True,
        )
    unseen = result.status == FitStatus.ATP_NOT_FOUND
    if unseen.any() and _looks_reversed(result, unseen):
        click.echo(
            "warning: ATP lies on the high side of PCr, so the sign of the frequency axis looks reversed; fit the conjugate "
            "(spectra.fid.conj() in Python)",
            err=True,
        )


def _looks_reversed(result: FitResult, unseen: BoolArray) -> bool:
    """Return whether ATP is seen in the conjugate of the best spectrum in which it was not found."""
    from p31mg.acquisition import Spectra
    from p31mg.preprocess import check_conjugation

    best = int(np.where(unseen, np.nan_to_num(result.snr), -1.0).argmax())
    fid = result.spectra.fid.reshape(-1, result.spectra.n_points)[best]
    return bool(check_conjugation(Spectra(fid, result.spectra.acquisition)).is_reversed)


def _spread(values: Any, form: str) -> str:
    """Return the least and the greatest of some numbers."""
    low, high = f"{values.min():{form}}", f"{values.max():{form}}"
    return low if low == high else f"{low} to {high}"


def number_range(values: Any) -> str:
    """Return the range of some numbers, or that none is known."""
    known = values[np.isfinite(values)]
    if not known.size:
        return "unknown"
    low, high = f"{known.min():.4g}", f"{known.max():.4g}"
    return low if low == high else f"{low} to {high}"


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function ``tell(what, done, total)`` that draws a bar on stderr, where stderr is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(TextColumn):
        """Files a second, where that is known yet."""

        def render(self, task: Any) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.3g}/s")

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda *_: None
        return
    bar = Progress(
        TextColumn("{task.description:>5}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(""),
        TimeRemainingColumn(),
        console=console,
    )
    tasks: dict[str, Any] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total, completed=done)  # what was done before is no speed
        bar.update(tasks[what], completed=done, total=total)

    with bar:
        yield tell
