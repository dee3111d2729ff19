"""Rows of the table, results as JSON, and the page that shows them."""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "Row", "load", "machine", "markdown", "printed", "save", "talk", "write_table"]

RESULTS = Path(__file__).parents[1] / "results"
BEGIN, END = "<!-- figures: begin (written by benchmarks/run.py --table) -->", "<!-- figures: end -->"


@dataclass(frozen=True)
class Row:
    """One line of the table. `reached` is None where there is no goal or nothing was measured."""

    what: str
    goal: str
    measured: str
    reached: bool | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """In words."""
        return {True: "yes", False: "no", None: "-"}[self.reached]


def talk(text: str) -> None:
    """Tell what goes on, on stderr."""
    print(text, file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    names = ("p31mg", "numpy", "scipy")
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "n_cpus": os.cpu_count(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in names},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def save(section: str, rows: list[Row], figures: dict[str, Any], *, quick: bool) -> Path:
    """Write one section to the folder of results."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{section}.json"
    content = {"section": section, "quick": quick, **machine(), "rows": [asdict(r) for r in rows], "figures": figures}
    path.write_text(json.dumps(content, indent=1, default=float) + "\n", encoding="utf-8")
    return path


def load(sections: list[str]) -> list[dict[str, Any]]:
    """Return the results that there are, in the order of the sections."""
    paths = [RESULTS / f"{section}.json" for section in sections]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def printed(rows: list[Row]) -> str:
    """Return rows as text in columns."""
    cells = [("", "goal", "measured", "reached"), *((r.what, r.goal, r.measured, r.verdict) for r in rows)]
    width = [max(len(cell[i]) for cell in cells) for i in range(4)]
    lines = ["  ".join(text.ljust(w) for text, w in zip(cell, width, strict=True)).rstrip() for cell in cells]
    for i, row in enumerate(rows):
        if row.note:
            lines[i + 1] += f"\n    {row.note}"
    return "\n".join(lines)


def markdown(results: list[dict[str, Any]]) -> str:
    """Return all results as a table for the page."""
    lines = []
    for result in results:
        versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        kind = " A quick run: fewer repetitions and draws." if result["quick"] else ""
        lines += [
            f"### {result['section']}",
            "",
            f"{result['date'][:10]}, {result['cpu']}, Python {result['python']}, {versions}.{kind}",
            "",
            "| | goal | measured | reached |",
            "|---|---|---|---|",
        ]
        for row in (Row(**r) for r in result["rows"]):
            note = f" ({row.note})" if row.note else ""
            lines.append(f"| {row.what}{note} | {row.goal} | {row.measured} | {row.verdict} |")
        lines.append("")
    return "\n".join(lines)


def write_table(page: Path, results: list[dict[str, Any]]) -> None:
    """Replace the part of a page between the two marks."""
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        msg = f"{page} has no marks for the table; it needs the lines {BEGIN!r} and {END!r}."
        raise SystemExit(msg)
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n\n{markdown(results)}\n{END}{after}", encoding="utf-8")
