"""Priors as TOML text: what `p31mg.prior.files` reads."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from p31mg.atomic import write_text
from p31mg.errors import InputError
from p31mg.prior.model import Prior, Resonance

__all__ = ["prior_toml", "write_prior"]


def write_prior(prior: Prior, path: str | os.PathLike[str]) -> Path:
    """Write a prior as a TOML file that every ``prior=`` and ``--prior`` accepts.

    Parameters
    ----------
    prior
        For example a packaged one, changed with `dataclasses.replace`.
    path
        A name that ends in ``.toml``. An existing file is replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        The name ends differently.
    WriteError
        The file cannot be written there.

    Examples
    --------
    >>> import p31mg, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_prior(p31mg.load_prior("heart-3t"), Path(folder) / "own.toml")
    ...     p31mg.load_prior(file) == p31mg.load_prior("heart-3t")
    True
    """
    path = Path(path)
    if path.suffix != ".toml":
        msg = f"path is {path}; the name of a prior file must end in .toml."
        raise InputError(msg)
    return write_text(path, prior_toml(prior))


def prior_toml(prior: Prior, comments: tuple[str, ...] = ()) -> str:
    """Return a prior as TOML text, defaults left out, after some lines of comment."""
    lines = [f"# {line}" for comment in comments for line in comment.splitlines()]
    lines += ["[prior]", *_pairs(prior)]
    for resonance in prior.resonances:
        lines += ["", "[[resonance]]", *_pairs(resonance)]
    return "\n".join(lines) + "\n"


def _pairs(table: Prior | Resonance) -> list[str]:
    values = [(f.name, getattr(table, f.name), f.default) for f in fields(table) if f.name != "resonances"]
    return [f"{name} = {_value(value)}" for name, value, default in values if value != default]


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else repr(float(value))
