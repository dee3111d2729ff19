"""Arithmetic of the cells of a prior-knowledge spreadsheet, by a small grammar: nothing is evaluated as code.

.. code-block:: text

    sum     = product { ("+" | "-") product }
    product = signed { ("*" | "/") signed }
    signed  = { "+" | "-" } atom
    atom    = number [ "Hz" | "ppm" ] | name | "(" sum ")"

The value is linear in the names: a name times a name, or something over a name, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Linear", "parse_expression"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>(?:Hz|ppm)\b)?|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*/()]))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Linear:
    """A sum of a plain number, a number of Hz, and multiples of named values."""

    plain: float = 0.0
    hz: float = 0.0
    names: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_number(self) -> bool:
        """Whether it is a plain number."""
        return not self.names and self.hz == 0

    def plus(self, other: Linear) -> Linear:
        """Return the sum."""
        names = {name: self.names.get(name, 0.0) + other.names.get(name, 0.0) for name in {**self.names, **other.names}}
        return Linear(self.plain + other.plain, self.hz + other.hz, names)

    def times(self, factor: float) -> Linear:
        """Return the product with a number."""
        return Linear(factor * self.plain, factor * self.hz, {n: factor * v for n, v in self.names.items()})


def parse_expression(text: str) -> Linear:
    """Return what an expression says.

    Raises
    ------
    ValueError
        It is not in the grammar; the message says where.

    Examples
    --------
    >>> parse_expression("alpha_1 + 16 Hz")
    Linear(plain=0.0, hz=16.0, names={'alpha_1': 1.0})
    >>> parse_expression("__import__('os')")
    Traceback (most recent call last):
        ...
    ValueError: "('os')" cannot stand there
    """
    reader = _Reader(text)
    value = reader.sum()
    if reader.rest:
        raise reader.refused()
    return value


class _Reader:
    """Reads an expression from the left; one method for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self.rest = text.strip()

    def refused(self) -> ValueError:
        return ValueError(f'"{self.rest}" cannot stand there' if self.rest else "it ends too early")

    def take(self, allowed: str) -> str:
        """Return the next character and go past it, if it is one of these."""
        if not self.rest or self.rest[0] not in allowed:
            return ""
        sign, self.rest = self.rest[0], self.rest[1:].lstrip()
        return sign

    def sum(self) -> Linear:
        value = self.product()
        while sign := self.take("+-"):
            value = value.plus(self.product().times(1.0 if sign == "+" else -1.0))
        return value

    def product(self) -> Linear:
        value = self.signed()
        while sign := self.take("*/"):
            other = self.signed()
            if sign == "*" and value.is_number:
                value, other = other, value
            if not other.is_number or (sign == "/" and other.plain == 0):
                msg = "it multiplies or divides by something that is not a number"
                raise ValueError(msg)
            value = value.times(other.plain if sign == "*" else 1.0 / other.plain)
        return value

    def signed(self) -> Linear:
        sign = self.take("+-")
        return self.signed().times(-1.0 if sign == "-" else 1.0) if sign else self.atom()

    def atom(self) -> Linear:
        if self.take("("):
            value = self.sum()
            if not self.take(")"):
                raise self.refused()
            return value
        match = _TOKEN.match(self.rest)
        if match is None or match["sign"]:
            raise self.refused()
        self.rest = self.rest[match.end() :].lstrip()
        if match["name"]:
            return Linear(names={match["name"]: 1.0})
        number = float(match["number"])
        return Linear(hz=number) if (match["unit"] or "").lower() == "hz" else Linear(plain=number)
