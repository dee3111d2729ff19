"""Prior-knowledge files: TOML with one ``[prior]`` table and one ``[[resonance]]`` table per resonance.

A file that does not hold together is refused with the line and the reason. The packaged sets in `sets/` are examples of
the format.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from p31mg.errors import InputError, PriorKnowledgeError, ReadError, UnknownNameError
from p31mg.prior.model import Prior, Resonance

__all__ = ["load_prior", "packaged_priors", "parse_prior"]

_NUMBER, _PAIR, _NUMBERS, _TEXT, _TEXTS, _FLAG = (
    "a number",
    "a pair of numbers",
    "a list of numbers",
    "a text",
    "a list of texts",
    "true or false",
)

_PRIOR_KEYS = {
    "name": _TEXT,
    "description": _TEXT,
    "tissue": _TEXT,
    "field_strength_t": _NUMBER,
    "reference": _TEXT,
    "sources": _TEXTS,
    "lineshape": _TEXT,
    "search_ppm": _NUMBER,
    "scales_with_field": _FLAG,
    "coupling": _TEXT,
    "gaussian_linewidth_hz": _NUMBER,
    "gaussian_linewidth_bounds_hz": _PAIR,
    "j_coupling_bounds_hz": _PAIR,
    "j_coupling_sd_hz": _NUMBER,
    "begin_time_bounds_s": _PAIR,
    "free_phases": _FLAG,
}
_RESONANCE_KEYS = {
    "name": _TEXT,
    "chemical_shift_ppm": _NUMBER,
    "shift_bounds_ppm": _PAIR,
    "linewidth_hz": _NUMBER,
    "linewidth_bounds_hz": _PAIR,
    "amplitude": _NUMBER,
    "j_coupling_hz": _NUMBERS,
    "linewidth_as": _TEXT,
    "source": _TEXT,
}
_OPTIONAL_KEYS = {
    "reference",
    "sources",
    "lineshape",
    "search_ppm",
    "scales_with_field",
    "coupling",
    "gaussian_linewidth_hz",
    "gaussian_linewidth_bounds_hz",
    "j_coupling_bounds_hz",
    "j_coupling_sd_hz",
    "begin_time_bounds_s",
    "free_phases",
    "j_coupling_hz",
    "linewidth_as",
    "source",
}


_AT_A_FIELD = re.compile(r"([a-z]+)-(\d+(?:\.\d+)?)t")


def packaged_priors() -> tuple[str, ...]:
    """Return the names of the sets that come with the package: those for any field, and two of the many for one field.

    Examples
    --------
    >>> packaged_priors()
    ('blood', 'brain', 'brain-7t', 'heart', 'liver', 'muscle', 'muscle-3t')
    """
    return tuple(sorted([*_set_names(), "brain-7t", "muscle-3t"]))


def _set_names() -> list[str]:
    folder = resources.files("p31mg.prior") / "sets"
    return [f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")]


def _packaged(name: str) -> Prior | None:
    """Return a packaged set, or one at the field that its name ends in, or None."""
    names = _set_names()
    if name in names:
        text = (resources.files("p31mg.prior") / "sets" / f"{name}.toml").read_text(encoding="utf-8")
        return parse_prior(text, source=name)
    match = _AT_A_FIELD.fullmatch(name)
    if match is None or match[1] not in names or float(match[2]) <= 0:
        return None
    whole = load_prior(match[1]).at_field(float(match[2]))
    description = f"{whole.description.rstrip('.')}, at {match[2]} T."
    return replace(whole, name=name, description=description, scales_with_field=False)


def load_prior(prior: Prior | str | Path) -> Prior:
    """Return prior knowledge by the name of a packaged set or the path of a TOML file.

    Parameters
    ----------
    prior
        A set for any field (``"muscle"``), one at a field (``"muscle-3t"``, ``"heart-1.5t"``), a path that ends in ``.toml``, or
        a `Prior` (returned as it is).

    Returns
    -------
    Prior
        What was given, read and checked.

    Raises
    ------
    UnknownNameError
        Neither a packaged set nor a ``.toml`` path; the nearest names are given.
    ReadError
        The file cannot be read.
    PriorKnowledgeError
        The file does not hold together; the message has the line.

    Examples
    --------
    >>> load_prior("muscle-3t")["beta_atp"].j_coupling_hz
    (16.0, 16.0)
    """
    if isinstance(prior, Prior):
        return prior
    if not isinstance(prior, (str, os.PathLike)):
        msg = f"prior is a {type(prior).__name__}; give the name of a prior, the path of a .toml file or a Prior."
        raise InputError(msg)
    packaged = _packaged(str(prior))
    if packaged is not None:
        return packaged
    path = Path(prior)
    if path.suffix != ".toml" and path.is_file():
        msg = f"prior file {path} must be TOML, with a name that ends in .toml."
        raise ReadError(msg)
    if path.suffix != ".toml":
        raise UnknownNameError(kind="prior", name=str(prior), known=[*packaged_priors(), "or the path of a .toml file"])
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        msg = f"prior file {path} cannot be read: {reason}."
        raise ReadError(msg) from error
    return parse_prior(text, source=str(path))


def parse_prior(text: str, source: str = "prior") -> Prior:
    r"""Return prior knowledge from TOML text.

    Parameters
    ----------
    text
        Content of a prior-knowledge file.
    source
        What to call it in messages. Default ``"prior"``.

    Raises
    ------
    PriorKnowledgeError
        The text does not hold together; the message names the source, the line and the reason.

    Examples
    --------
    >>> parse_prior("[prior]\nname = 'x'\n[[resonances]]\nname = 'pcr'", source="own.toml")
    Traceback (most recent call last):
        ...
    p31mg.errors.PriorKnowledgeError: own.toml, line 3: 'resonances' is not known here; ...
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{source} is not valid TOML: {error}."
        raise PriorKnowledgeError(msg) from error
    where = _Locator(text, source)
    for key in document.keys() - {"prior", "resonance"}:
        where.refuse(None, key, f"{key!r} is not known here; a prior has one [prior] and several [[resonance]]")
    head, rows = document.get("prior"), document.get("resonance")
    if not isinstance(head, dict) or not isinstance(rows, list) or not rows:
        msg = f"{source} must hold one [prior] table and at least one [[resonance]] table."
        raise PriorKnowledgeError(msg)
    values = _checked(head, _PRIOR_KEYS, "[prior]", None, where)
    resonances = []
    for i, row in enumerate(rows):
        label = f"[[resonance]] {row.get('name', i + 1)!r}" if isinstance(row, dict) else f"[[resonance]] {i + 1}"
        fields = _checked(row, _RESONANCE_KEYS, label, i, where)
        try:
            resonances.append(Resonance(**fields))
        except PriorKnowledgeError as error:
            where.refuse(i, str(error).split()[0], str(error).rstrip("."))
    try:
        return Prior(resonances=tuple(resonances), **values)
    except PriorKnowledgeError as error:
        where.refuse(*_blamed(str(error), [r.name for r in resonances]), str(error).rstrip("."))
        raise


def _blamed(message: str, names: list[str]) -> tuple[int | None, str | None]:
    """Return the resonance (the last of its name) and the key that a message about the whole prior speaks of."""
    key = message.split()[0]
    quoted = re.search(r"'(\w+)'", message)
    if quoted is None or quoted[1] not in names:
        return None, key if key in _PRIOR_KEYS else "prior"
    index = len(names) - 1 - names[::-1].index(quoted[1])
    return index, key if key in _RESONANCE_KEYS else "name"


def _checked(table: Any, keys: dict[str, str], label: str, index: int | None, where: _Locator) -> dict[str, Any]:
    if not isinstance(table, dict):
        where.refuse(index, None, f"{label} must be a table")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in keys:
            where.refuse(index, key, f"{label} has no key {key!r}; the keys are {', '.join(keys)}")
        if not _is(value, keys[key]):
            where.refuse(index, key, f"{key} of {label} is {value!r}; it must be {keys[key]}")
        values[key] = tuple(value) if isinstance(value, list) else value
    for key in keys:
        if key not in table and key not in _OPTIONAL_KEYS:
            where.refuse(index, "prior" if index is None else None, f"{label} lacks {key}; it must be {keys[key]}")
    return values


def _is(value: object, kind: str) -> bool:
    if kind == _NUMBER:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in (_TEXT, _FLAG):
        return isinstance(value, str if kind == _TEXT else bool)
    if not isinstance(value, list):
        return False
    item = _TEXT if kind == _TEXTS else _NUMBER
    return all(_is(v, item) for v in value) and (kind != _PAIR or len(value) == 2)


class _Locator:
    """Finds the line of a key for messages; TOML parsers do not keep it."""

    def __init__(self, text: str, source: str) -> None:
        self.lines = text.splitlines()
        self.source = source

    def refuse(self, index: int | None, key: str | None, why: str) -> None:
        msg = f"{self.source}, line {self.line(index, key)}: {why}."
        raise PriorKnowledgeError(msg)

    def line(self, index: int | None, key: str | None) -> int:
        starts = [n for n, line in enumerate(self.lines, 1) if re.match(r"\s*\[\[\s*resonance\s*\]\]", line)]
        first, last = 1, len(self.lines) + 1
        if index is not None and index < len(starts):
            first = starts[index]
            last = next((n for n in starts if n > first), last)
        if key is not None:
            for n in range(first, last):
                if re.match(rf"\s*(\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=\].]", self.lines[n - 1]):
                    return n
        return first
