"""The program itself: version, help, exit codes, as a real process and in-process."""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

import p31mg
from p31mg.cli import main

Run = Callable[..., Result]
PROGRAM = Path(sys.executable).with_name("p31mg")
COMMANDS = main.list_commands(click.Context(main))


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", check=False, timeout=60
    )


def test_version_of_the_installed_program() -> None:
    done = process("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"p31mg {p31mg.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "in_stdout", "in_stderr"),
    [
        (("mg", 8.55, "--format", "json"), 0, '"free_mg_mM": 0.448', ""),
        (("mg", 8.55, 8.30), 1, "outside the range", ""),
        (("mg", 7.0), 2, "", "p31mg: shift is 7 ppm"),
        (("fit", "no-such-file.nii.gz"), 2, "", "p31mg: file no-such-file.nii.gz cannot be read"),
        (("mg",), 2, "", "p31mg: Missing argument"),
    ],
)
def test_exit_code_of_the_installed_program(
    arguments: tuple[object, ...], exit_code: int, in_stdout: str, in_stderr: str
) -> None:
    done = process(*arguments)
    assert done.returncode == exit_code
    assert in_stdout in done.stdout
    assert in_stderr in done.stderr
    assert bool(done.stdout) == bool(in_stdout)
    assert len(done.stderr.splitlines()) == bool(in_stderr)


def test_reader_that_goes_away_is_no_traceback() -> None:
    with subprocess.Popen(
        [PROGRAM, "mg", *["8.55"] * 5000, "--format", "csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.readline()
        done.stdout.close()
        assert done.stderr.read() == b""


def test_no_command_shows_the_help_and_is_wrong_usage(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert all(name in result.stderr for name in COMMANDS)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_all_commands(flag: str, run: Run) -> None:
    result = run(flag)
    assert result.exit_code == 0
    assert all(f"\n  {name} " in result.stdout for name in COMMANDS)


def examples(command: str) -> list[list[str]]:
    """Return the words of every example in the help of a command."""
    found = main.get_command(click.Context(main), command)
    assert found is not None
    lines = (found.help or "").replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip().startswith("p31mg ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str, run: Run) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"  p31mg {command}" in result.stdout
    assert examples(command)


@pytest.mark.usefixtures("small_demo")
@pytest.mark.parametrize(
    ("command", "i"), [(command, i) for command in COMMANDS for i in range(len(examples(command)))]
)
def test_example_of_the_help_works(
    command: str, i: int, run: Run, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for entry in shelf.iterdir():
        Path(entry.name).symlink_to(entry)
    program, *arguments = examples(command)[i]
    if ("-o", "own.toml") in itertools.pairwise(arguments):
        Path("own.toml").unlink(missing_ok=True)  # which it makes
    assert program == "p31mg"
    # the grid has an empty voxel
    assert run(*arguments).exit_code == (1 if any("csi" in a for a in arguments) and command == "fit" else 0)
