"""The command `p31mg`: its subcommands, and one place where errors become a sentence on stderr and exit code 2."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import click

from p31mg._version import __version__
from p31mg.errors import P31mgError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["DEBUG_VARIABLE", "main"]

DEBUG_VARIABLE = "P31MG_DEBUG"
"""Where it is set, an error is told with the lines of code that it came from."""

_COMMANDS = {
    "demo": "Simulate a small study, fit it, and compare with the truth.",
    "fit": "Fit the spectra of one file and print shifts and free Mg2+.",
    "batch": "Fit a folder of spectra; write a table and figures.",
    "mg": "Convert shifts to free Mg2+.",
    "simulate": "Write simulated spectra with known truth.",
    "cohort": "Associations of free Mg2+ with age, sex, strength, ... of people.",
    "simulate-cohort": "Write people with known truth: spectra and participants.tsv.",
    "power": "Say what a study can see: people, SNR, transients.",
    "calibrate": "Fit a calibration of your own to a titration.",
    "calibrations": "List the calibrations with constants, sources and evidence.",
    "prior": "Show, check and import prior knowledge.",
    "info": "Say what is in a file, and what is doubtful about it.",
    "convert": "Write the spectra of a file of any format as NIfTI-MRS, npz or CSV.",
    "completion": "Print the script by which bash, zsh or fish completes.",
}


class _Commands(click.Group):
    """Loads each command when it is asked for, so that ``p31mg --version`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"p31mg.cli.{cmd_name.replace('-', '_')}_command").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin so, without loading any."""
        from click.shell_completion import CompletionItem

        named = [CompletionItem(n, help=what) for n, what in _COMMANDS.items() if n.startswith(incomplete)]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader of its output that goes away, as head does, is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _abandon_stdout()
            ctx.exit(0)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; whatever the user did wrong becomes one sentence on stderr and exit code 2.

        So does, with exit code 3, what p31mg did wrong. Lines of code are told where `DEBUG_VARIABLE` is set.
        """
        kwargs["standalone_mode"] = False
        _tolerate_narrow_encodings()
        warnings.showwarning = _note
        try:
            code = super().main(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # the one place where all errors end
            if os.environ.get(DEBUG_VARIABLE):
                click.echo(traceback.format_exc(), err=True)
            code, sentence = _told(error)
            click.echo(sentence, err=True)
            _leave_what_cannot_be_flushed()
        except KeyboardInterrupt:
            click.echo(_STOPPED, err=True)
            code = 130
        sys.exit(code if isinstance(code, int) else 0)


_STOPPED = "p31mg: stopped."


def _leave_what_cannot_be_flushed() -> None:
    """Let what a full disk did not take be lost now, or Python would try again on exit, and complain in its own words."""
    try:
        sys.stdout.flush()
    except OSError:
        _abandon_stdout()


def _abandon_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(error: Exception) -> tuple[int, str]:
    """Return exit code and sentence for an error."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            return 2, error.format_message()
        case click.UsageError():
            program = error.ctx.command_path if error.ctx else "p31mg"
            return 2, f"p31mg: {error.format_message().rstrip('.')}; see {program} --help."
        case P31mgError():
            return 2, f"p31mg: {error}"
        case click.Abort():
            return 130, _STOPPED
        case OSError():
            return 2, f"p31mg: output cannot be written: {error.strerror or error}."
    return 3, (
        f"p31mg: unexpected {type(error).__name__}: {' '.join(str(error).split())}; this is a fault of p31mg: please report "
        f"it, with what the same command prints after {DEBUG_VARIABLE}=1."
    )


def _note(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"p31mg: note: {message}", err=True)


def _tolerate_narrow_encodings() -> None:
    """Let δ and ± become question marks where stdout cannot hold them, as in a file on some systems."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and (stream.encoding or "").lower() not in ("utf-8", "utf8"):
            stream.reconfigure(errors="replace")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="p31mg", message="%(prog)s %(version)s")
def main() -> None:
    """Free intracellular Mg2+ from 31P magnetic resonance spectra.

    \b
    p31mg demo                                   see it work on simulated spectra
    p31mg fit sub-01_unloc.nii.gz                one file, shifts and Mg2+ on the terminal
    p31mg batch study/ -o results/               a folder, one table, figures
    p31mg mg 8.55 --sd 0.01                      a shift you already have

    Research software, not a medical device.
    """
