"""Options that take a name that the package knows, or a file of the user's: the shell completes both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["CALIBRATION", "PH_EQUATION", "PRIOR", "KnownName"]


class KnownName(click.ParamType):  # type: ignore[type-arg]
    """A text that is not judged here, because Python does it; `names` are for the shell, looked up only there."""

    name = "text"

    def __init__(self, names: Callable[[], Iterable[str]], *, or_file: bool) -> None:
        self._names = names
        self._or_file = or_file

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it is."""
        del param, ctx
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin so; files too, which bash offers where no name does."""
        from click.shell_completion import CompletionItem

        del ctx, param
        files = [CompletionItem(incomplete, type="file")] if self._or_file else []
        return [*files, *(CompletionItem(name) for name in self._names() if name.startswith(incomplete))]


def _priors() -> Iterable[str]:
    from p31mg.prior import packaged_priors

    return packaged_priors()


def _calibrations() -> Iterable[str]:
    from p31mg.magnesium import calibrations

    return calibrations()


def _ph_equations() -> Iterable[str]:
    from p31mg.magnesium import ph_equations

    return ph_equations()


PRIOR = KnownName(_priors, or_file=True)
CALIBRATION = KnownName(_calibrations, or_file=True)
PH_EQUATION = KnownName(_ph_equations, or_file=False)
