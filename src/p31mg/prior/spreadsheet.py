"""Import of prior knowledge from the spreadsheets of pyAMARES (Xu et al., BSD licence): one column per *line*.

.. code-block:: text

    # any line may be a comment
    Index,         BATP,   BATP2,        BATP3,     PCr, ...
    Initial Values
    amplitude,     1.41,   BATP/2,       BATP/2,    4.37
    chemicalshift, -16.15, BATP-15Hz,    BATP+15Hz, 0
    linewidth,     58.1,   BATP,         BATP,      15.4
    phase,         0,      BATP,         BATP,      BATP
    g,             0,      0,            0,         0
    Bounds
    chemicalshift, "(-16.3,-16.0)", ...

A cell is a number, or an expression in the columns of the same row (`p31mg.prior.expressions`). Columns whose names differ by a
number at the end and whose shifts are tied become one multiplet: its centre is the weighted mean of its lines, its couplings are
what makes those lines. Windows go with the centre. What p31mg has no word for is named in `ImportedPrior.notes`.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T
from p31mg.errors import PriorKnowledgeError, ReadError
from p31mg.prior.expressions import Linear, parse_expression
from p31mg.prior.model import ATP_CHAIN, Prior, Resonance
from p31mg.prior.multiplets import first_order_lines

__all__ = ["ImportedPrior", "import_prior"]

_ROWS = ("amplitude", "chemicalshift", "linewidth", "phase", "g")
_NAMES = {
    "alpha_atp": ("aatp", "alphaatp", "atpa", "atpalpha", "alpha"),
    "beta_atp": ("batp", "betaatp", "atpb", "atpbeta", "beta"),
    "gamma_atp": ("gatp", "gammaatp", "atpg", "atpgamma", "gamma"),
    "pcr": ("pcr", "phosphocreatine"),
    "pi": ("pi", "pin", "piin", "ipi"),
    "pi_extracellular": ("pex", "piex", "pie", "epi"),
    "nad": ("nad", "nadh", "nadp", "nadph"),
}
_OWN_NAME = {other: name for name, others in _NAMES.items() for other in others}
_OFFSET_HZ, _WEIGHT = 0.6, 0.06
"""How far lines may lie from those that couplings make."""
_FIXED_PPM, _FIXED_SHARE = 1e-3, 1e-3
_OPEN_PPM, _OPEN_FACTOR = 0.5, 10.0
_AVERAGED_J_HZ = 3.0


@dataclass(frozen=True)
class ImportedPrior:
    """A prior from another program's file, and a sentence for everything that is not as it was there."""

    prior: Prior
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Line:
    """One column: expressions and bounds (None where there are none) by row."""

    name: str
    initial: Mapping[str, Linear]
    bounds: Mapping[str, tuple[float, float] | None]

    @property
    def base(self) -> str:
        return re.sub(r"_?\d+$", "", self.name)


def import_prior(
    path: str | os.PathLike[str],
    spectrometer_frequency_mhz: float,
    *,
    tissue: str = "not stated",
    name: str | None = None,
) -> ImportedPrior:
    """Return the prior of a pyAMARES spreadsheet (CSV).

    Parameters
    ----------
    path
        CSV file, separated by commas or semicolons.
    spectrometer_frequency_mhz
        That its linewidths hold for, and that turns the distance of lines in Hz into ppm.
    tissue
        The file does not state it. Default ``"not stated"``.
    name
        Of the prior. Default: that of the file.

    Returns
    -------
    ImportedPrior
        `prior`, and `notes`: every difference to the spreadsheet, a sentence each.

    Raises
    ------
    ReadError
        The file cannot be read, or is an Excel workbook.
    PriorKnowledgeError
        A cell, a multiplet or the whole does not hold together; the message names column and row.

    Examples
    --------
    >>> import tempfile
    >>> table = '''Index,PCr,AATP,AATP2,BATP,BATP2,BATP3
    ... Initial Values
    ... amplitude,4,1,AATP,1,BATP/2,BATP/2
    ... chemicalshift,0,-7.35,AATP-16Hz,-16.1,BATP-16Hz,BATP+16Hz
    ... linewidth,8,16,AATP,18,BATP,BATP
    ... Bounds
    ... chemicalshift,"(-0.5,0.5)","(-7.7,-7.0)",,"(-17,-15.6)",,
    ... linewidth,"(2,80)","(3,80)",,"(3,80)",,
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "muscle.csv"
    ...     _ = file.write_text(table)
    ...     imported = import_prior(file, 51.7)
    >>> alpha = imported.prior["alpha_atp"]
    >>> alpha.j_coupling_hz, round(alpha.chemical_shift_ppm, 3)
    ((16.0,), -7.505)
    >>> imported.notes
    ('ATP is in first order: alpha, beta and gamma have [1, 2, 0] couplings, not 1, 2 and 1',)
    """
    path = Path(path)
    if not (np.isfinite(spectrometer_frequency_mhz) and spectrometer_frequency_mhz > 0):
        msg = f"spectrometer_frequency_mhz is {spectrometer_frequency_mhz}; it must be above 0, in MHz."
        raise PriorKnowledgeError(msg)
    lines = _read(path)
    return _Importer(path.name, lines, spectrometer_frequency_mhz).imported(
        tissue, _plain_name(name or path.stem).replace("_", "-")
    )


def _read(path: Path) -> list[_Line]:
    if path.suffix.lower() in (".xlsx", ".xls", ".ods"):
        msg = f"prior {path} is a workbook; save its sheet as CSV and import that."
        raise ReadError(msg)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        msg = f"prior {path} cannot be read: {reason}."
        raise ReadError(msg) from error
    separator = ";" if text.count(";") > text.count(",") else ","
    rows = [_without_comment(row) for row in csv.reader(text.splitlines(), delimiter=separator)]
    rows = [row for row in rows if any(row)]
    marks = [_key(row[0]) for row in rows]
    if (
        not rows
        or "initialvalues" not in marks
        or "bounds" not in marks
        or marks.index("bounds") < marks.index("initialvalues")
    ):
        msg = (
            f"prior {path} is not a pyAMARES spreadsheet; it must have the rows 'Initial Values' and 'Bounds' "
            "below the names of the lines."
        )
        raise PriorKnowledgeError(msg)
    first, second = marks.index("initialvalues"), marks.index("bounds")
    names = [n for n in rows[0][1:] if n]
    for n in names:
        if names.count(n) > 1 or not re.fullmatch(r"[A-Za-z_]\w*", n):
            msg = f"prior {path}: column {n!r} must have a name of its own, of letters, digits and underscores."
            raise PriorKnowledgeError(msg)
    initial, bounds = _table(rows[first + 1 : second]), _table(rows[second + 1 :])
    missing = [row for row in _ROWS[:3] if row not in initial]
    if missing:
        msg = f"prior {path} lacks the row {missing[0]!r} of initial values."
        raise PriorKnowledgeError(msg)
    return [
        _Line(
            name=n,
            initial={row: _expression(initial[row], i, f"prior {path}, {row} of {n}") for row in initial},
            bounds={row: _bounds(bounds[row], i, f"prior {path}, bounds of the {row} of {n}") for row in bounds},
        )
        for i, n in enumerate(names)
    ]


def _without_comment(row: list[str]) -> list[str]:
    cells = [cell.strip() for cell in row]
    for i, cell in enumerate(cells):
        if "#" in cell:
            return [*cells[:i], cell.split("#")[0].strip(" \"'")]
    return cells


def _key(cell: str) -> str:
    return re.sub(r"[^a-z]", "", cell.lower())


def _table(rows: list[list[str]]) -> dict[str, list[str]]:
    return {_key(row[0]): row[1:] for row in rows if _key(row[0]) in _ROWS}


def _expression(cells: list[str], column: int, where: str) -> Linear:
    text = cells[column] if column < len(cells) else ""
    try:
        return parse_expression(text)
    except ValueError as error:
        msg = f"{where} is {text!r}; {error}. It must be a number, or a sum of other columns' names and numbers, as BATP-15Hz."
        raise PriorKnowledgeError(msg) from error


def _bounds(cells: list[str], column: int, where: str) -> tuple[float, float] | None:
    """Return the interval in a cell: ``(low, high)``, one end left open, or one number for both; None for an empty cell."""
    text = cells[column].strip() if column < len(cells) else ""
    if not text:
        return None
    parts = [part.strip() for part in text.strip("()[]").split(",")]
    try:
        low, high = (float(part) if part else np.nan for part in (parts if len(parts) == 2 else [parts[0]] * 2))
    except ValueError as error:
        msg = f"{where} is {text!r}; it must be two numbers, as (-16.3, -16.0)."
        raise PriorKnowledgeError(msg) from error
    if len(parts) > 2 or low > high:
        msg = f"{where} is {text!r}; it must be two numbers, the lower first."
        raise PriorKnowledgeError(msg)
    return low, high


def _plain_name(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"peak_{plain}"


class _Importer:
    """Turns lines into resonances; collects what could not be kept."""

    def __init__(self, file: str, lines: list[_Line], frequency_mhz: float) -> None:
        self.file = file
        self.lines = {line.name: line for line in lines}
        self.mhz = frequency_mhz
        self.head_of: dict[str, str] = {}
        self.notes: list[str] = []

    def refused(self, why: str) -> PriorKnowledgeError:
        return PriorKnowledgeError(f"prior {self.file}: {why}")

    def value(self, name: str, row: str, seen: tuple[str, ...] = ()) -> float:
        """Return the initial value of a line; shifts in ppm, with Hz turned into ppm."""
        if name not in self.lines:
            msg = f"{row} of {seen[-1]} refers to {name}, which is no column."
            raise self.refused(msg)
        if name in seen:
            msg = f"{row} of {name} is tied to itself."
            raise self.refused(msg)
        e = self.lines[name].initial[row]
        hz = e.hz / self.mhz if row == "chemicalshift" else e.hz
        return e.plain + hz + sum(factor * self.value(n, row, (*seen, name)) for n, factor in e.names.items())

    def root(self, name: str, row: str) -> str:
        """Return the line that a parameter is in the end a multiple of, or that it shares its shift with."""
        tied = list(self.lines[name].initial[row].names)
        return name if len(tied) != 1 else self.root(tied[0], row)

    def imported(self, tissue: str, name: str) -> ImportedPrior:
        for n in self.lines:  # unknown names and circles, before anything follows them
            for row in self.lines[n].initial:
                self.value(n, row)
        groups = self._groups()
        names = self._resonance_names(groups)
        if "pcr" not in names.values():
            msg = f"no column is PCr; found {', '.join(names.values())}. A prior needs it as reference."
            raise self.refused(msg)
        rows = [self._resonance(head, members, names) for head, members in groups.items()]
        rows = self._from_pcr(rows)
        rows, coupling = self._exact_or_not(rows)
        self._note_what_is_lost(groups)
        prior = Prior(
            name=name,
            description=f"Imported from {self.file}.",
            tissue=tissue,
            field_strength_t=round(self.mhz / LARMOR_FREQUENCY_31P_MHZ_PER_T, 4),
            resonances=tuple(rows),
            sources=(f"{self.file}, a pyAMARES spreadsheet at {self.mhz:g} MHz.",),
            coupling=coupling,
        )
        return ImportedPrior(prior, tuple(self.notes))

    def _groups(self) -> dict[str, list[str]]:
        """Return the lines of each multiplet by the one that the others hang on."""
        groups: dict[str, list[str]] = {}
        for name, line in self.lines.items():
            root = self.root(name, "chemicalshift")
            same = root != name and self.lines[root].base == line.base
            if not same and line.initial["chemicalshift"].names:
                self.notes.append(f"the shift of {name} is tied to another peak; here it is free within its window")
            self.head_of[name] = root if same else name
            groups.setdefault(self.head_of[name], []).append(name)
        return groups

    def _resonance_names(self, groups: Mapping[str, list[str]]) -> dict[str, str]:
        names: dict[str, str] = {}
        for head in groups:
            base = self.lines[head].base
            own = _OWN_NAME.get(re.sub(r"[^a-z]", "", base.lower()), _plain_name(base))
            names[head] = own if own not in names.values() else _plain_name(head)
        return names

    def _resonance(self, head: str, members: list[str], names: Mapping[str, str]) -> Resonance:
        shifts = np.array([self.value(n, "chemicalshift") for n in members])
        amplitudes = np.array([self.value(n, "amplitude") for n in members])
        if not (amplitudes > 0).all():
            msg = f"amplitude of {head} is {amplitudes.min():g}; it must be above 0."
            raise self.refused(msg)
        weights = amplitudes / amplitudes.sum()
        centre = float(weights @ shifts)
        couplings = self._couplings(head, self.mhz * (shifts - centre), weights)
        width = self.value(head, "linewidth")
        owner = self.head_of[self.root(head, "linewidth")]
        for n in members:
            if not np.isclose(self.value(n, "linewidth"), width):
                self.notes.append(
                    f"the linewidth of {n} is its own; here all lines of {names[head]} have that of {head}"
                )
        moved = centre - self.value(head, "chemicalshift")
        return Resonance(
            name=names[head],
            chemical_shift_ppm=round(centre, 6),
            shift_bounds_ppm=self._shift_bounds(head, moved, centre),
            linewidth_hz=width,
            linewidth_bounds_hz=self._width_bounds(head, width),
            amplitude=float(amplitudes.sum()),
            j_coupling_hz=couplings,
            linewidth_as=None if owner == head else names[owner],
            source=f"column{'s' if len(members) > 1 else ''} {', '.join(members)}",
        )

    def _couplings(self, head: str, offsets_hz: np.ndarray, weights: np.ndarray) -> tuple[float, ...]:
        """Return the couplings whose first-order lines these are."""
        order = np.argsort(offsets_hz)
        offsets_hz, weights = offsets_hz[order], weights[order]
        steps = [round(float(step), 4) for step in np.diff(offsets_hz)]
        equal = tuple(steps)
        candidates = [equal, (steps[0] + steps[1], steps[0])] if len(steps) == 3 else [equal]
        for couplings in candidates:
            made, shares = first_order_lines(couplings)
            close = made.shape == offsets_hz.shape and np.abs(made - offsets_hz).max() < _OFFSET_HZ
            if close and np.abs(shares - weights).max() < _WEIGHT:
                return tuple(round(j, 4) for j in couplings)
        made_of = ", ".join(f"{o:+.1f} Hz ({w:.2f})" for o, w in zip(offsets_hz, weights, strict=True))
        msg = (
            f"the lines of {head}, {made_of}, are no multiplet of couplings to spins 1/2; give its lines by their distances "
            "in Hz with the weights of one, as 1:1 or 1:2:1."
        )
        raise self.refused(msg)

    def _shift_bounds(self, head: str, moved: float, centre: float) -> tuple[float, float]:
        low, high = self.lines[head].bounds.get("chemicalshift") or (np.nan, np.nan)
        if low == high:
            self.notes.append(f"the shift of {head} is fixed; here it has a window of {2 * _FIXED_PPM:g} ppm")
            return centre - _FIXED_PPM, centre + _FIXED_PPM
        if np.isnan(low) or np.isnan(high):
            self.notes.append(f"the shift of {head} has no bound on a side; here {_OPEN_PPM:g} ppm from its value")
        low = centre - _OPEN_PPM if np.isnan(low) else low + moved
        return round(low, 6), round(centre + _OPEN_PPM if np.isnan(high) else high + moved, 6)

    def _width_bounds(self, head: str, width: float) -> tuple[float, float]:
        low, high = self.lines[head].bounds.get("linewidth") or (np.nan, np.nan)
        if low == high:
            self.notes.append(f"the linewidth of {head} is fixed; here it may change by {_FIXED_SHARE:.1%}")
            return width * (1 - _FIXED_SHARE), width * (1 + _FIXED_SHARE)
        if not low > 0 or np.isnan(high):
            self.notes.append(
                f"the linewidth of {head} has no bound on a side; here {_OPEN_FACTOR:g} times or a tenth of its value"
            )
        return low if low > 0 else width / _OPEN_FACTOR, width * _OPEN_FACTOR if np.isnan(high) else high

    def _from_pcr(self, rows: list[Resonance]) -> list[Resonance]:
        pcr = next(r for r in rows if r.name == "pcr")
        zero = pcr.chemical_shift_ppm
        if zero != 0:
            self.notes.append(f"PCr is at {zero:g} ppm; here it is 0, and all shifts are from it")

        def moved(value: float) -> float:
            return round(value - zero, 6)

        return [
            replace(
                r,
                chemical_shift_ppm=moved(r.chemical_shift_ppm),
                shift_bounds_ppm=(moved(r.shift_bounds_ppm[0]), moved(r.shift_bounds_ppm[1])),
                amplitude=round(r.amplitude / pcr.amplitude, 6),
            )
            for r in rows
        ]

    def _exact_or_not(self, rows: list[Resonance]) -> tuple[list[Resonance], str]:
        """Return ATP as a spin system where its couplings make one: the two ends of a coupling get their mean."""
        atp = {r.name: r for r in rows if r.name in ATP_CHAIN}
        shape = [len(atp[n].j_coupling_hz) if n in atp else 0 for n in ATP_CHAIN]
        if shape != [1, 2, 1]:
            self.notes.append(f"ATP is in first order: alpha, beta and gamma have {shape} couplings, not 1, 2 and 1")
            return rows, "first-order"
        (alpha,), (to_alpha, to_gamma), (gamma,) = (atp[n].j_coupling_hz for n in ATP_CHAIN)
        ends = {"alpha": (alpha, to_alpha), "gamma": (gamma, to_gamma)}
        if any(abs(one - other) > _AVERAGED_J_HZ for one, other in ends.values()):
            self.notes.append(
                f"ATP is in first order: J of beta is {to_alpha:g} and {to_gamma:g} Hz, of alpha {alpha:g}, of gamma {gamma:g}"
            )
            return rows, "first-order"
        for name, (one, other) in ends.items():
            if one != other:
                self.notes.append(
                    f"J of {name} and beta is {one:g} Hz in {name} and {other:g} Hz in beta; "
                    f"here {(one + other) / 2:g} Hz in both"
                )
        a, g = (sum(pair) / 2 for pair in ends.values())
        new = {"alpha_atp": (a,), "beta_atp": (a, g), "gamma_atp": (g,)}
        return [replace(r, j_coupling_hz=new.get(r.name, r.j_coupling_hz)) for r in rows], "exact"

    def _note_what_is_lost(self, groups: Mapping[str, list[str]]) -> None:
        tied = [n for n in groups if self.head_of[self.root(n, "amplitude")] != n]
        if tied:
            self.notes.append(f"the amplitude of {', '.join(tied)} is tied to another peak; here it is free")
        if any("g" in self.lines[n].initial and self.value(n, "g") != 0 for n in self.lines):
            self.notes.append(
                "g is not 0 everywhere; here all lines are Lorentzian. For others give lineshape in the file"
            )
        phases = {round(self.value(n, "phase"), 6) for n in self.lines if "phase" in self.lines[n].initial}
        if len(phases) > 1:
            self.notes.append("the phases differ; here one is common to all peaks")
