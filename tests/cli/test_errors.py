"""An error is a sentence; lines of code are told only to those who ask for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from p31mg.cli import calibrations_command

Run = Callable[..., Result]


def test_fault_of_the_program_is_a_sentence_and_exit_code_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        msg = "list index\nout of range"
        raise IndexError(msg)

    monkeypatch.setattr(calibrations_command, "require_table", broken)
    told = run("calibrations")
    assert (told.exit_code, told.stdout) == (3, "")
    assert told.stderr.startswith("p31mg: unexpected IndexError: list index out of range; this is a fault of p31mg")
    assert told.stderr.count("\n") == 1
    monkeypatch.setenv("P31MG_DEBUG", "1")
    assert "in broken\n" in run("calibrations").stderr


@pytest.mark.parametrize(
    "arguments", [("mg", 7.0), ("fit", "no-such-file.nii.gz"), ("mg",), ("fit", ".", "--no-such-option"), ("nothing",)]
)
def test_lines_of_code_are_told_to_those_who_ask(
    arguments: tuple[object, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(*arguments)
    assert (plain.exit_code, plain.stdout, plain.stderr.count("\n")) == (2, "", 1)
    assert "Traceback" not in plain.stderr
    monkeypatch.setenv("P31MG_DEBUG", "1")
    told = run(*arguments)
    assert told.exit_code == 2
    assert told.stderr.startswith("Traceback (most recent call last):")
    assert told.stderr.endswith(plain.stderr)


def test_empty_variable_asks_for_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P31MG_DEBUG", "")
    assert "Traceback" not in run("mg", 7.0).stderr
