"""Formulas as R and statsmodels write them, the part that an association needs: ``strength ~ free_mg_mM + age + C(sex)``.

    formula     outcome ~ term + term ...; the outcome is a column of numbers, or log(column)
    term        factor, factor:factor (their product), factor*factor (both and their product)
    factor      column, log(column), C(column)

As there, ``a:a`` is a, and ``b:a`` the same term as ``a:b``.
Columns of text and of true and false are categories, and ``C()`` makes one of numbers: each level but the first (in order) is a
column of 0 and 1. The text is parsed here and never run as a program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Design",
    "Factor",
    "Formula",
    "columns_of_people",
    "design",
    "is_category",
    "is_technical",
    "parse",
    "require_columns",
    "rows_text",
]

_FACTOR = re.compile(r"(?:(log|C)\()?\s*([^\W\d]\w*)\s*(\))?")
_MOST_LEVELS = 10
_MOST_CROSSED = 4
_MOST_ROWS = 5
_FEWEST_DIFFERENT = 3
_TECHNICAL = re.compile(
    r"(sd|crlb|calibration|interval|probability|kd|spectral|spectrometer|begin_time)_\w+|calibration"
    r"|\w+_(crlb_\w+|chemical_shift_ppm|linewidth_hz|amplitude|snr|phase_deg)|(\w+_)?is_valid|phase_deg"
    r"|(inputs|snr|linewidth|atp_linewidth|residual|begin_time)_ok|in_range|shift_in_range|shift_(alpha_beta|beta_pcr)_ppm|p_mg"
    r"|file|spectrum|status|reason|error_includes|ph_source|temperature_c|ionic_strength_M|potassium_M|snr|noise_sd|n_points"
    r"|reference_offset_ppm|prior|engine|converged|moved|at_bound|alpha_is_separate|first_point|field_skew_hz|j_coupling_hz"
    r"|n_iterations"
)
"""Columns of results that are of the measurement."""


@dataclass(frozen=True)
class Factor:
    """A column, and what is done to it: ``""``, ``"log"`` or ``"C"``."""

    column: str
    function: str = ""

    @property
    def text(self) -> str:
        """As in the formula."""
        return f"{self.function}({self.column})" if self.function else self.column


@dataclass(frozen=True)
class Formula:
    """A parsed formula: each term is the product of its factors."""

    text: str
    outcome: Factor
    terms: tuple[tuple[Factor, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, each once."""
        return tuple(dict.fromkeys([self.outcome.column, *(f.column for term in self.terms for f in term)]))


@dataclass(frozen=True)
class Design:
    """A formula on a table: outcome (n,), columns (n, 1 + p) of which the first is 1, and the names of the other p.

    `is_scaled` is False for columns of 0 and 1, which standardised slopes leave as they are.
    """

    outcome: FloatArray
    columns: FloatArray
    names: tuple[str, ...]
    is_scaled: FloatArray


def parse(text: str) -> Formula:
    """Return a formula.

    Raises
    ------
    InputError
        It is none, or has what is not known here.

    Examples
    --------
    >>> [[f.text for f in term] for term in parse("strength ~ free_mg_mM + age*C(sex)").terms]
    [['free_mg_mM'], ['age'], ['C(sex)'], ['age', 'C(sex)']]
    """
    outcome, tilde, right = str(text).partition("~")
    if not tilde or not outcome.strip() or not right.strip() or "~" in right:
        msg = f"formula is {text!r}; write outcome ~ term + term, as in 'free_mg_mM ~ age + sex'."
        raise InputError(msg)
    terms: dict[frozenset[Factor], tuple[Factor, ...]] = {}
    for part in right.split("+"):
        if part.strip() == "1":
            continue
        if "**" in part or "^" in part:
            msg = f"formula {text!r} has the power {part.strip()!r}; make a column of it and name that."
            raise InputError(msg)
        crossed = [tuple(_factor(f, text) for f in piece.split(":")) for piece in part.split("*")]
        if len(crossed) > _MOST_CROSSED:
            msg = f"formula {text!r} crosses {len(crossed)} factors with *; at most {_MOST_CROSSED} are taken."
            raise InputError(msg)
        for order in range(1, len(crossed) + 1):
            for pieces in combinations(crossed, order):
                term = tuple(dict.fromkeys(f for piece in pieces for f in piece))
                terms.setdefault(frozenset(term), term)
    if not terms:
        msg = f"formula {text!r} has no term; write outcome ~ term + term, as in 'free_mg_mM ~ age + sex'."
        raise InputError(msg)
    formula = Formula(" ".join(str(text).split()), _factor(outcome, text), tuple(terms.values()))
    if formula.outcome.function == "C":
        msg = f"formula {text!r} has a category as outcome; an outcome is a column of numbers."
        raise InputError(msg)
    if any(f.column == formula.outcome.column for term in formula.terms for f in term):
        msg = f"formula {text!r} has {formula.outcome.column} on both sides; take it out of one."
        raise InputError(msg)
    return formula


def _factor(part: str, text: str) -> Factor:
    found = _FACTOR.fullmatch(part.strip())
    if found is None or bool(found[1]) != bool(found[3]):
        msg = (
            f"formula {text!r} has the term {part.strip()!r}; terms are column, log(column), C(column), and a:b or a*b of them. "
            "Make a column of anything else."
        )
        raise InputError(msg)
    return Factor(found[2], found[1] or "")


def design(formula: Formula, table: pd.DataFrame, where: str = "") -> Design:
    """Return outcome and columns of a formula on the rows of a table in which nothing is missing.

    `where` says in messages which people these are.

    Raises
    ------
    UnknownNameError
        A column that the table does not have.
    InputError
        Text where numbers are needed, a column without scatter, or columns that say the same.
    """
    require_columns(formula, table)
    if is_category(formula.outcome, table):
        levels = ", ".join(map(repr, sorted(map(str, table[formula.outcome.column].unique()))[:_MOST_ROWS]))
        msg = f"outcome {formula.outcome.column} of formula {formula.text!r} has {levels}; an outcome is a column of numbers: "
        msg += "make one of 0 and 1 that says which is 1, or put Mg2+ on the left."
        raise InputError(msg)
    (outcome,) = _values(formula.outcome, table, where).values()
    names, columns, scaled = [], [np.ones(len(table))], []
    for term in formula.terms:
        parts = [_values(factor, table, where) for factor in term]
        for chosen in product(*(part.items() for part in parts)):
            names.append(":".join(name for name, _ in chosen))
            columns.append(np.prod([values for _, values in chosen], axis=0))
            scaled.append(not np.isin(columns[-1], (0.0, 1.0)).all())
    z = np.column_stack(columns)
    for name, values in ((formula.outcome.text, outcome), *zip(names, z.T[1:], strict=True)):
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            msg = f"column {name} is {values[0]:g} in all {len(values)} rows{where}; leave it out of formula {formula.text!r}."
            raise InputError(msg)
    for name, values in zip(names, z.T[1:], strict=True):
        different, counts = np.unique(values, return_counts=True)
        rare = values != different[counts.argmax()]
        if rare.sum() < _FEWEST_DIFFERENT:
            msg = f"column {name} differs from the others only in {rows_text(table, rare)}{where}; "
            msg += f"at least {_FEWEST_DIFFERENT} people are needed, or leave it out of formula {formula.text!r}."
            raise InputError(msg)
    unit = z - np.append(0.0, z[:, 1:].mean(axis=0))
    unit = unit / np.linalg.norm(unit, axis=0)
    if np.linalg.matrix_rank(unit, tol=1e-8) < unit.shape[1]:
        said = next(k for k in range(1, unit.shape[1]) if np.linalg.matrix_rank(unit[:, : k + 1], tol=1e-8) <= k)
        msg = f"column {names[said - 1]} of formula {formula.text!r} says what the columns before it say{where}; leave one out."
        raise InputError(msg)
    return Design(outcome, z, tuple(names), np.array(scaled))


def require_columns(formula: Formula, table: pd.DataFrame) -> None:
    """Raise `UnknownNameError`, with the columns that describe people, where a formula names one that is not there."""
    for name in formula.columns:
        if name not in table:
            raise UnknownNameError(kind=f"formula {formula.text!r}: column", name=name, known=columns_of_people(table))


def columns_of_people(table: pd.DataFrame) -> list[str]:
    """Return the columns that say something of people: not those of the fit, of which there are many."""
    return [str(c) for c in table.columns if not is_technical(str(c))]


def is_technical(column: str) -> bool:
    """Return whether a column of results is of the measurement or its fit, not of the person.

    Examples
    --------
    >>> [is_technical(c) for c in ("snr", "sd_mM", "pcr_linewidth_hz", "free_mg_mM", "ph", "age")]
    [True, True, True, False, False, False]
    """
    return _TECHNICAL.fullmatch(column) is not None


def is_category(factor: Factor, table: pd.DataFrame) -> bool:
    """Return whether a column is a category without being called one: text, or true and false."""
    import pandas as pd

    cells = table[factor.column]
    return not pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_bool_dtype(cells)


def _values(factor: Factor, table: pd.DataFrame, where: str) -> dict[str, FloatArray]:
    """Return the columns of numbers that a factor stands for, by name."""
    cells = table[factor.column]
    if factor.function == "C" or is_category(factor, table):
        if factor.function == "log":
            msg = f"column {factor.column} has text, of which there is no logarithm."
            raise InputError(msg)
        levels = sorted(cells.unique(), key=lambda level: (str(type(level)), level))
        if len(levels) > _MOST_LEVELS:
            msg = f"column {factor.column} has {len(levels)} different values as a category; at most {_MOST_LEVELS} are taken."
            raise InputError(msg)
        if len(levels) < 2:
            msg = (
                f"column {factor.column} is {levels[0]!r} in all {len(cells)} rows{where}; leave it out of the formula."
            )
            raise InputError(msg)
        names = [f"{level:g}" if isinstance(level, float) else str(level) for level in levels]
        columns = [(cells == level).to_numpy(float) for level in levels]
        return {f"{factor.column}[{name}]": values for name, values in zip(names[1:], columns[1:], strict=True)}
    values = cells.to_numpy(float)
    if factor.function == "log":
        if not (values > 0).all():
            msg = f"column {factor.column} is not above 0 in {rows_text(table, values <= 0)}; there is no logarithm."
            raise InputError(msg)
        values = np.log(values)
    return {factor.text: values}


def rows_text(table: pd.DataFrame, which: object, *, numbered: bool = False) -> str:
    """Return which rows these are: by subject where the table has it, by number otherwise.

    `numbered`: the index counts the rows of a file, and is said as well.
    """
    rows = table[np.asarray(which, bool)]
    names = [str(v) for v in (rows["subject"] if "subject" in rows else rows.index + 1)]
    if numbered:
        names = [f"{name} (row {i + 1})" for name, i in zip(names, rows.index, strict=True)]
    more = f" and {len(names) - _MOST_ROWS} more" if len(names) > _MOST_ROWS else ""
    return f"{'subject' if 'subject' in rows else 'row'}{'s' if len(names) > 1 else ''} {', '.join(names[:_MOST_ROWS])}{more}"
