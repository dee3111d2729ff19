"""`write_report`: a study as one HTML file that needs no network.

Python decides what is said and where every point stands; `templates/report.html` says it, escaping all text; the small script
beside it sorts, filters and draws fits. The page allows exactly that script and that style, by their hashes, so that nothing
that came in with a file name could run even if it got through.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import os
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from p31mg._version import __version__
from p31mg.atomic import write_text
from p31mg.errors import InputError
from p31mg.io.documents import json_text, jsonable
from p31mg.magnesium import calibration_from_record, conditions_text, constants_text
from p31mg.plot.labels import label_of
from p31mg.report.charts import Chart, against_snr, by_group, calibration_chart, distribution, each_spectrum
from p31mg.report.curves import FitCurves
from p31mg.report.rows import FLAGS, Row, group_column, rows_of

if TYPE_CHECKING:
    import pandas as pd

    from p31mg.magnesium import Calibration

__all__ = ["write_report"]

_MOST_ROWS = 2_000
_MOST_CURVE_BYTES = 11_000_000
_MOST_PICTURE_BYTES = 3_000_000
_PICTURE_PIXELS, _PICTURE_COLOURS = 760, 48
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class _Reason:
    """Why spectra were left out, and which."""

    title: str
    advice: str
    rows: list[Row]


@dataclass(frozen=True)
class _Picture:
    """A figure of a grid or series: its name, where it is below the folder, and a small copy, empty where that is left out."""

    name: str
    address: str
    png: str


def write_report(
    output: str | os.PathLike[str],
    table: pd.DataFrame,
    columns: Mapping[str, str],
    provenance: Mapping[str, Any],
    curves: Mapping[str, FitCurves],
    *,
    group: str | None = None,
    title: str | None = None,
    figures: Sequence[str] = (),
) -> Path:
    """Write ``report.html``: the study at a glance, every spectrum with its fit, what was left out and why, and how it was made.

    Only what is named here is shown: file, position, group, the results and flags of each row, and the provenance as given. Other
    columns of the table, such as what a subject table brought along, reach the page only as `group`.

    Parameters
    ----------
    output
        Folder of the study; the file is ``report.html`` in it, whole or not there.
    table
        From `p31mg.batch`.
    columns
        What each column means: the record of ``results.json``.
    provenance
        How it was made; its ``"calibration"`` (see `p31mg.magnesium.calibration_record`) draws the curve, ``"options"`` and
        ``"versions"`` are shown as tables, all else as it is.
    curves
        For each file its `FitCurves`, one for each of its rows and in their order. Files without are listed without a picture.
        Curves beyond 11 MB of page are left out, those that need no look first.
    group
        Column to compare by. Default None: ``"group"`` where the table has it.
    title
        Of the page. Default None: the name of the study's folder.
    figures
        Maps of grids and time courses of series: PNG files by their path below `output`. Small copies are in the page, of the
        first 3 MB, and all are linked. Default none.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    InputError
        The table is not one of `p31mg.batch`, has no column `group`, or `curves` has not one curve for each row of a file.
    WriteError
        The file cannot be written.
    """
    if group is None:
        group = group_column(table)
    if group is not None and group not in table:
        msg = f"group is {group!r}, which is no column of the table; give one of its columns, or leave it out."
        raise InputError(msg)
    folder = str(provenance.get("options", {}).get("folder", ""))
    rows = sorted(rows_of(table, group, folder), key=lambda row: row.attention)
    _require_curves(rows, curves)
    calibration = calibration_from_record(provenance["calibration"]) if "calibration" in provenance else None
    text = _html(
        rows,
        columns,
        provenance,
        curves,
        calibration,
        group,
        title or Path(folder).name or "31P-MRS study",
        _pictures(Path(output), figures),
    )
    path = Path(output) / "report.html"
    return write_text(path, text)


def _html(
    rows: list[Row],
    columns: Mapping[str, str],
    provenance: Mapping[str, Any],
    curves: Mapping[str, FitCurves],
    calibration: Calibration | None,
    group: str | None,
    title: str,
    pictures: Sequence[_Picture],
) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("p31mg.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    style, script = _asset("report.css"), _asset("report.js")
    listed = rows[:_MOST_ROWS]
    counts = Counter(row.verdict for row in rows)
    payload, n_left_out = _payload(listed, curves)
    charts = _charts(rows, calibration, group)
    return environment.get_template("report.html").render(
        title=title,
        version=__version__,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        rows=listed,
        n_rows=len(rows),
        counts={verdict: counts.get(verdict, 0) for verdict in ("valid", "flagged", "failed")},
        mg=_summary(rows),
        level=_one_of(rows, "interval_level"),
        charts=charts,
        pictures=pictures,
        group=group,
        groups=sorted({row.group for row in rows if row.group}),
        reasons=_reasons(rows),
        columns=columns,
        calibration=calibration,
        constants=constants_text(calibration) if calibration else "",
        conditions=conditions_text(calibration) if calibration else "",
        payload=payload,
        n_without_picture=n_left_out,
        options=_flat(provenance.get("options", {})),
        versions=_flat(provenance.get("versions", {})),
        rest=_rest(provenance),
    )


def _number(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """Return a number for people: empty where not known.

    Examples
    --------
    >>> _number(0.51249), _number(float("nan")), _number(float("inf"))
    ('0.512', '', '∞')
    """
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞"
    return f"{value:{'+' if signed else ''}.{digits}f}"


def _asset(name: str) -> str:
    return (resources.files("p31mg.report") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return what a content security policy calls a script or style of this text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _summary(rows: Sequence[Row]) -> dict[str, float]:
    mg = [row.number("free_mg_mM") for row in rows if row.verdict == "valid"]
    if not mg:
        return {}
    return dict(zip(("low", "median", "high"), (float(q) for q in np.quantile(mg, [0.25, 0.5, 0.75])), strict=True))


def _one_of(rows: Sequence[Row], column: str) -> float:
    return next((row.number(column) for row in rows if math.isfinite(row.number(column))), math.nan)


def _charts(rows: Sequence[Row], calibration: Calibration | None, group: str | None) -> list[Chart]:
    if not any(row.verdict == "valid" for row in rows):
        return []
    middle = by_group(rows, group) if group is not None else each_spectrum(rows)
    charts = [distribution(rows), middle, against_snr(rows)]
    return [*charts, calibration_chart(rows, calibration)] if calibration is not None else charts


def _reasons(rows: Sequence[Row]) -> list[_Reason]:
    """Return why rows were left out: each reason of a failure, then each flag; a flagged row stands under all of its flags.

    Reasons that differ in the name of the file or in numbers are one; those of one status stand together.
    """
    failures: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if row.verdict == "failed":
            of_status = failures.setdefault(str(row.values["status"]), {})
            of_status.setdefault(_NUMBER.sub("0", _without_name(row)), []).append(row)
    found = [
        (status, [_Reason(status, _without_name(m[0]), m) for m in kinds.values()])
        for status, kinds in failures.items()
    ]
    for flag, (words, _, advice) in FLAGS.items():
        members = [row for row in rows if flag in row.flags]
        if members:
            found.append((words, [_Reason(words, advice, members)]))
    blocks = sorted((kinds for _, kinds in found), key=lambda kinds: -sum(len(kind.rows) for kind in kinds))
    return [kind for kinds in blocks for kind in sorted(kinds, key=lambda kind: -len(kind.rows))]


def _without_name(row: Row) -> str:
    """Return a reason without the name of its file, by which reasons that are one would differ."""
    name = PurePosixPath(row.file).name
    return row.reason.replace(row.file, "…").replace(name, "…") if name else row.reason


def _pictures(folder: Path, figures: Sequence[str]) -> list[_Picture]:
    """Return figures with small copies of them, up to as many bytes as the page should have."""
    pictures, left = [], _MOST_PICTURE_BYTES
    for name in figures:
        png = _small(folder / name) if left > 0 else ""
        left -= len(png)
        pictures.append(
            _Picture(name.removeprefix("figures/").removesuffix(".png"), quote(name), png if left >= 0 else "")
        )
    return pictures


def _small(path: Path) -> str:
    """Return a small copy of a PNG in few colours, as base64."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB")
    small.thumbnail((_PICTURE_PIXELS, _PICTURE_PIXELS))
    png = io.BytesIO()
    small.quantize(_PICTURE_COLOURS, dither=Image.Dither.NONE).save(png, format="png", optimize=True)
    return base64.b64encode(png.getvalue()).decode()


def _require_curves(rows: Sequence[Row], curves: Mapping[str, FitCurves]) -> None:
    counts = Counter(row.file for row in rows)
    for file, of_file in curves.items():
        if file not in counts or len(of_file) != counts[file]:
            n_rows = counts.get(file, 0)
            msg = f"curves has {len(of_file)} of file {file}, which has {n_rows} rows in the table; give one for each."
            raise InputError(msg)


def _payload(rows: Sequence[Row], curves: Mapping[str, FitCurves]) -> tuple[dict[str, Any], int]:
    """Return what the script draws: axes, and for each row its details and packed curves; and how many have no picture."""
    axes: list[dict[str, Any]] = []
    known: dict[tuple[Any, ...], int] = {}
    out: dict[str, Any] = {}
    n_left_out, n_bytes = 0, 0
    for row in rows:
        entry: dict[str, Any] = {"details": _details(row)}
        of_file = curves.get(row.file)
        if of_file is not None and of_file.step[row.place_in_file] > 0:
            packed = _packed(of_file, row.place_in_file)
            if n_bytes + len(packed) <= _MOST_CURVE_BYTES:
                n_bytes += len(packed)
                key = (float(of_file.ppm[0]), len(of_file.ppm), float(of_file.ppm[-1]), of_file.names)
                if key not in known:
                    known[key] = len(axes)
                    axes.append(
                        {
                            "first": key[0],
                            "last": key[2],
                            "n": key[1],
                            "names": [label_of(name) for name in of_file.names],
                        }
                    )
                centres = of_file.centre_ppm[row.place_in_file]
                entry |= {
                    "axis": known[key],
                    "fitted": bool(of_file.is_fitted[row.place_in_file]),
                    "centres": [round(float(c), 3) if np.isfinite(c) else None for c in centres],
                    "curves": packed,
                }
            else:
                n_left_out += 1
        out[str(row.index)] = entry
    return {"axes": axes, "rows": out}, n_left_out


def _packed(curves: FitCurves, place: int) -> str:
    """Return data and resonances of one spectrum: differences along ppm as little-endian 16-bit, deflated, base64."""
    both = np.concatenate([curves.data[place][None], curves.resonances[place]])
    steps = np.diff(both, axis=-1, prepend=np.int16(0)).astype("<i2")
    return base64.b64encode(zlib.compress(steps.tobytes(), 6)).decode()


def _details(row: Row) -> list[tuple[str, str]]:
    """Return what is said beside the picture of a fit."""

    def with_sd(column: str, digits: int) -> str:
        value, sd = row.number(column), row.number(f"sd_{column}")
        return _number(value, digits) + (f" ± {_number(sd, digits)}" if math.isfinite(sd) else "")

    low, high = row.number("interval_low_mM"), row.number("interval_high_mM")
    interval = "" if math.isnan(low) else f"{_number(low)} to {_number(high)} mM"
    level = row.number("interval_level")
    pairs = [
        ("free Mg²⁺", _number(row.number("free_mg_mM")) and f"{_number(row.number('free_mg_mM'))} mM"),
        (f"{level:.0%} interval" if math.isfinite(level) else "interval", interval),
        ("δα − δβ", with_sd("shift_alpha_beta_ppm", 4) and f"{with_sd('shift_alpha_beta_ppm', 4)} ppm"),
        ("pH", with_sd("ph", 2)),
        ("SNR of PCr", _number(row.number("snr"), 0)),
        (
            "width of PCr",
            _number(row.number("pcr_linewidth_hz"), 1) and f"{_number(row.number('pcr_linewidth_hz'), 1)} Hz",
        ),
        ("verdict", "; ".join([row.verdict, *row.words])),
    ]
    return [(name, text) for name, text in pairs if text]


def _flat(record: Any, before: str = "") -> list[tuple[str, str]]:
    """Return a nested record as pairs of name and text."""
    if isinstance(record, Mapping):
        return [pair for k, v in record.items() for pair in _flat(v, f"{before}.{k}" if before else str(k))]
    plain = jsonable(record)
    return [(before, "not given" if plain is None else str(plain))]


def _rest(provenance: Mapping[str, Any]) -> str:
    """Return all that the page does not show otherwise, but for the long list of input hashes."""
    shown = ("options", "versions", "columns", "figures", "calibration", "inputs_sha256")
    return json_text({k: v for k, v in provenance.items() if k not in shown})
