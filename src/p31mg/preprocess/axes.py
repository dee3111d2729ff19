"""Batch axes by name: which one a step works along, and along which others the same object was measured again."""

from __future__ import annotations

from collections.abc import Sequence

from p31mg.acquisition import Spectra
from p31mg.errors import InputError

__all__ = ["REPEATED_AXES", "axis_of", "require_spectra"]

REPEATED_AXES = ("dyn", "repetition", "transient", "average", "phase_cycle", "meas")
"""Names of axes along which one object is measured again in the same coils; ``dyn`` and ``meas`` are those of NIfTI-MRS."""


def axis_of(spectra: Spectra, axis: str | None, usual: Sequence[str]) -> int:
    """Return the position of a named batch axis; without a name, that of the one axis that has a usual name.

    Examples
    --------
    >>> import p31mg
    >>> spectra = p31mg.simulate([0.5, 0.5], prior="muscle-3t", n_points=64, seed=1)
    >>> axis_of(spectra, "spectrum", ())
    0
    """
    names = spectra.axis_names
    if axis is not None:
        if axis not in names:
            msg = f"axis is {axis!r}; {_of_the_spectra(names)}."
            raise InputError(msg)
        return names.index(axis)
    found = [name for name in names if name in usual]
    if len(found) != 1:
        which = f"{' and '.join(found)} could be meant" if found else f"no axis is called {' or '.join(usual)}"
        msg = f"axis is not given, and {which}; {_of_the_spectra(names)}{': name one' if names else ''}."
        raise InputError(msg)
    return names.index(found[0])


def require_spectra(spectra: object) -> None:
    """Refuse what is not `Spectra`."""
    if not isinstance(spectra, Spectra):
        msg = (
            f"spectra is a {type(spectra).__name__}; give p31mg.Spectra(fid, acquisition), or what p31mg.read returns."
        )
        raise InputError(msg)


def _of_the_spectra(names: Sequence[str]) -> str:
    if not names:
        return "this is a single spectrum, which has no axes"
    return f"the spectra have the {'axes' if len(names) > 1 else 'axis'} {', '.join(names)}"
