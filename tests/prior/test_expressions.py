"""The arithmetic of spreadsheet cells against trees of known value; and that nothing else is ever understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p31mg.prior.expressions import Linear, parse_expression

VALUES = {"AATP": 1.5, "BATP2": -16.1, "pc_1": 0.25}


def value(e: Linear) -> float:
    """Hz count as they are, names as in VALUES."""
    return e.plain + e.hz + sum(factor * VALUES[name] for name, factor in e.names.items())


numbers = st.integers(1, 999).map(lambda n: (str(n), float(n))) | st.floats(0.01, 99, allow_nan=False).map(
    lambda x: (f"{x:.3f}", float(f"{x:.3f}"))
)
hertz = numbers.map(lambda pair: (f"{pair[0]} Hz", pair[1]))
named = st.sampled_from(sorted(VALUES)).map(lambda n: (n, VALUES[n]))


def combined(inner):
    """Text and value of sums, of products with a number, of signs and of brackets."""
    return st.one_of(
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]} + {p[1][0]})", p[0][1] + p[1][1])),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}-{p[1][0]})", p[0][1] - p[1][1])),
        st.tuples(inner, numbers).map(lambda p: (f"{p[0][0]}/{p[1][0]}", p[0][1] / p[1][1])),
        st.tuples(numbers, inner).map(lambda p: (f"{p[0][0]} * {p[1][0]}", p[0][1] * p[1][1])),
        inner.map(lambda p: (f"-{p[0]}", -p[1])),
    )


@given(st.recursive(numbers | hertz | named, combined, max_leaves=8))
def test_value_of_any_expression(pair):
    text, expected = pair
    assert value(parse_expression(text)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BATP-15Hz", Linear(hz=-15.0, names={"BATP": 1.0})),
        ("alpha_1 + 16 Hz", Linear(hz=16.0, names={"alpha_1": 1.0})),
        ("BATP/2", Linear(names={"BATP": 0.5})),
        ("2*BATP", Linear(names={"BATP": 2.0})),
        ("-16.15", Linear(plain=-16.15)),
        ("PCr - 0.5ppm", Linear(plain=-0.5, names={"PCr": 1.0})),
        ("1e-3", Linear(plain=1e-3)),
        ("10-3-2", Linear(plain=5.0)),
        ("12/3/2", Linear(plain=2.0)),
        ("2+3*4", Linear(plain=14.0)),
    ],
)
def test_examples(text, expected):
    assert parse_expression(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it ends too early"),
        ("BATP -", "it ends too early"),
        ("(BATP", "it ends too early"),
        ("BATP)", r'"\)" cannot stand there'),
        ("BATP AATP", r'"AATP" cannot stand there'),
        ("BATP*AATP", "multiplies or divides by something that is not a number"),
        ("1/BATP", "multiplies or divides by something that is not a number"),
        ("BATP*3Hz", "multiplies or divides by something that is not a number"),
        ("BATP/0", "multiplies or divides by something that is not a number"),
        ("BATP**2", r'"\*2" cannot stand there'),
        ("__import__('os').system('ls')", "cannot stand there"),
        ("BATP.real", "cannot stand there"),
        ("lambda: 1", "cannot stand there"),
        ("15kHz", "cannot stand there"),
    ],
)
def test_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_expression(text)
