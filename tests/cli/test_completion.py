"""The shell completes commands, options, names and files; bash is asked itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from p31mg.cli import main

Run = Callable[..., Result]
PROGRAM = Path(sys.executable).with_name("p31mg")

ASKED = [
    ("p31mg ca", {"calibrate", "calibrations"}),
    ("p31mg fit a.nii.gz --prior mus", {"muscle", "muscle-3t"}),
    ("p31mg mg 8.55 --sd 0.01 --calibration gupta-19", {"gupta-1978", "gupta-1984"}),
    ("p31mg mg -16.14 --calibration io", {"iotti-1996"}),
    ("p31mg fit a.nii.gz --ph-equation ", {"taylor-1983", "petroff-1985"}),
    ("p31mg prior show br", {"brain", "brain-7t"}),
    ("p31mg fit a.nii.gz --engine ", {"batch", "lmfit"}),
    ("p31mg completion ", {"bash", "zsh", "fish"}),
]

IN_BASH = """
compopt() { files="files"; }    # the real one works only while bash completes
source completion.bash
IFS=' ' read -r -a COMP_WORDS <<< "$1"
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_p31mg_completion p31mg
printf '%s\\n' "${COMPREPLY[@]}" $files
"""


@pytest.fixture(scope="module")
def in_bash(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], set[str]]:
    """Return what bash offers after the script of ``p31mg completion bash``."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    folder = tmp_path_factory.mktemp("bash")
    script = subprocess.run([PROGRAM, "completion", "bash"], capture_output=True, text=True, check=True, timeout=60)
    (folder / "completion.bash").write_text(script.stdout, encoding="utf-8")
    path = os.pathsep.join([str(PROGRAM.parent), os.environ["PATH"]])

    def ask(line: str) -> set[str]:
        done = subprocess.run(
            ["bash", "--norc", "-c", IN_BASH, "bash", line],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stderr == ""
        return set(done.stdout.split())

    return ask


@pytest.mark.parametrize(("line", "expected"), ASKED)
def test_bash_completes(line: str, expected: set[str], in_bash: Callable[[str], set[str]]) -> None:
    assert in_bash(line) - {"files"} == expected


@pytest.mark.parametrize(
    "line",
    [
        "p31mg fit sub-0",
        "p31mg batch st",
        "p31mg fit a.nii.gz --prior own",
        "p31mg prior check ",
        "p31mg mg 8.55 --calibration ow",
        "p31mg mg 8.55 -o ou",
    ],
)
def test_bash_is_told_where_files_belong(line: str, in_bash: Callable[[str], set[str]]) -> None:
    assert "files" in in_bash(line)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_of_each_shell(shell: str, run: Run) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_P31MG_COMPLETE={shell}_complete" in result.stdout


def test_shell_that_is_not_known(run: Run) -> None:
    result = run("completion", "tcsh")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in result.stderr


def test_asking_for_commands_loads_none_of_them() -> None:
    code = (
        "import os, sys; os.environ |= {'COMP_WORDS': 'p31mg c', 'COMP_CWORD': '1', '_P31MG_COMPLETE': 'bash_complete'}\n"
        "from p31mg.cli import main\n"
        "try:\n    main(prog_name='p31mg')\nexcept SystemExit:\n    print('numpy' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [
        *("plain," + n for n in main.list_commands(None) if n.startswith("c")),
        "False",
    ]
