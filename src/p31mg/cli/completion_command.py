"""`p31mg completion`: what makes a shell complete commands, options, names and files."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["COMPLETE_VARIABLE", "command"]

COMPLETE_VARIABLE = "_P31MG_COMPLETE"
"""By which the shell asks the program what could come next."""


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script by which SHELL completes commands, options, priors, calibrations and files.

    \b
    p31mg completion bash

    \b
    bash 4.4+  in ~/.bashrc:   eval "$(p31mg completion bash)"
    zsh        in ~/.zshrc:    eval "$(p31mg completion zsh)"
    fish       once, in fish:  p31mg completion fish > ~/.config/fish/completions/p31mg.fish
    """
    completion = get_completion_class(shell)
    if completion is None:
        raise AssertionError(shell)  # click knows the three
    program = click.get_current_context().find_root().command
    click.echo(completion(program, {}, "p31mg", COMPLETE_VARIABLE).source())
