"""From the lean model to richer ones, for those spectra whose data ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from p31mg.arrays import BoolArray
from p31mg.fitting.evidence import Evidence, early_points, points_until
from p31mg.fitting.models import Choice, with_field
from p31mg.fitting.problem import Problem
from p31mg.fitting.rows import Rows
from p31mg.prior import Prior

__all__ = ["Ladder"]

_STEPS = (1, 2, 3)
"""How many times the lifetime of a broad signal is left out with the first points, as long as more of it is found."""

_LARGEST_SHARE = 0.25
"""Of the points of a FID that is left out at most."""

_CLEAR_LIFETIMES = 1.5
"""Of a broad signal, from the excitation, before which no point is used where begin time or phases are fitted: a broad signal too
weak to be noticed moves the begin time and, with it, the alpha-beta difference by 0.02 ppm (3 T); the points tell little else."""


@dataclass(frozen=True)
class Ladder:
    """`lean`, which every spectrum is fitted by; `with_field`, the prior of lines that a field broadens, or None where the
    lineshape is that of the prior; `leaves_out_points`, whether a broad signal makes a fit begin later.
    """  # noqa: D205

    lean: Problem
    with_field: Prior | None
    leaves_out_points: bool

    @classmethod
    @lru_cache(maxsize=16)  # of spectra fitted one by one, the templates and tables are made once
    def of(cls, whole: Problem, choice: Choice) -> Ladder:
        """Return the ladder of a problem of all points."""
        lean = whole.without_first(_points_left_out(whole, choice))
        adapts = choice.lineshape == "auto" and lean.prior.lineshape == "lorentzian"
        field = with_field(lean.prior, lean.spectrometer_frequency_mhz) if adapts else None
        return cls(lean, field, choice.baseline == "auto")

    @property
    def richest(self) -> Problem:
        """The problem whose parameters include those of all others."""
        return self.lean if self.with_field is None else replace(self.lean, prior=self.with_field)

    def evidence(self, problem: Problem) -> Evidence:
        """Return the tests of fits by one of the problems."""
        return _evidence(problem, self.with_field if problem.prior is self.lean.prior else None)

    def steps(self) -> Iterator[tuple[Problem, Callable[[Rows], BoolArray]]]:
        """Yield what comes after the lean fit, and which rows need it: first points are left out, then lines get a field.

        A broad signal spoils the shape of lines more than their shape what is seen of it.
        """
        most = int(_LARGEST_SHARE * self.lean.sampling.n_points)
        points = [step * early_points(self.lean) for step in _STEPS if self.leaves_out_points]
        points = [n for n in points if n <= most]
        for n in points:
            yield self.lean.without_first(n), lambda rows: rows.is_broad
        if self.with_field is not None:
            for n in [0, *points]:
                first = self.lean.first_point + n
                yield (
                    self.richest.without_first(n),
                    lambda rows, first=first: rows.is_misshapen & (rows.first_point == first) & ~rows.has_field,  # type: ignore[misc]
                )
            for n in points:
                first = self.lean.first_point + n
                yield (
                    self.richest.without_first(n),
                    lambda rows, first=first: rows.is_broad & rows.has_field & (rows.first_point < first),  # type: ignore[misc]
                )


def _points_left_out(whole: Problem, choice: Choice) -> int:
    if not isinstance(choice.baseline, str):
        return choice.baseline
    if choice.baseline == "none" or not (whole.lines.fits_begin_time or whole.prior.free_phases):
        return 0
    return min(points_until(_CLEAR_LIFETIMES, whole), int(_LARGEST_SHARE * whole.sampling.n_points))


@lru_cache(maxsize=64)
def _evidence(problem: Problem, richer: Prior | None) -> Evidence:
    return Evidence(problem, None if richer is None else replace(problem, prior=richer))
