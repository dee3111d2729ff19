"""How a fit ended and how far to trust it: one `FitStatus` per spectrum, and named booleans."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

from p31mg.arrays import BoolArray
from p31mg.notebook import card, table

__all__ = ["FitStatus", "Quality"]


class FitStatus(IntEnum):
    """How the fit of one spectrum ended. Any status but ``OK`` comes with NaN for the shifts that give magnesium.

    Examples
    --------
    >>> FitStatus.NO_SIGNAL.message
    'no PCr peak stands out of the noise: an empty voxel, or a spectrum that needs averaging'
    """

    OK = 0
    NOT_FINITE = 1
    ZERO_SIGNAL = 2
    NO_SIGNAL = 3
    NOT_CONVERGED = 4
    SINGULAR = 5
    ATP_NOT_FOUND = 6
    AT_BOUND = 7
    NOT_READ = 8

    @property
    def message(self) -> str:
        """One sentence that says what happened and what to try."""
        return _MESSAGES[self]


_MESSAGES = {
    FitStatus.OK: "the fit converged",
    FitStatus.NOT_FINITE: "the FID holds NaN or Inf: look at the file, or leave the row out",
    FitStatus.ZERO_SIGNAL: "all points of the FID are zero: an empty or masked voxel",
    FitStatus.NO_SIGNAL: ("no PCr peak stands out of the noise: an empty voxel, or a spectrum that needs averaging"),
    FitStatus.NOT_CONVERGED: "the fit did not converge: look at the plot, try another prior or more iterations",
    FitStatus.SINGULAR: "the data do not determine every parameter: tie or leave out weak resonances in the prior",
    FitStatus.ATP_NOT_FOUND: (
        "alpha- or beta-ATP does not stand out of the noise where the prior expects it: average more; if the spectrum looks "
        "good, check begin time, spectral width and the sign of the frequencies"
    ),
    FitStatus.AT_BOUND: (
        "alpha- or beta-ATP sits on the edge of its window: check begin time and prior, or widen shift_bounds_ppm"
    ),
    FitStatus.NOT_READ: "the file could not be read: see the reason in its row",
}


@dataclass(frozen=True)
class Quality:
    """Named booleans of the batch shape, each with a stated rule.

    Parameters
    ----------
    converged
        The last step was shorter than 1e-4 standard errors.
    moved
        Alpha or beta ended elsewhere than where the fit began.
    at_bound
        The shift or linewidth of alpha-ATP, beta-ATP or PCr sits on a bound (True is bad).
    snr_ok
        Alpha- and beta-ATP each have a matched-filter SNR of at least 9 (beta has about an eighth of that of PCr): below it
        the scatter of a shift exceeds its sd, because now and then the noise has a higher peak than the signal.
    linewidth_ok
        The fitted PCr line is narrower than 0.6 ppm; beyond it the multiplets of ATP merge with their neighbours.
    atp_linewidth_ok
        A line of alpha and beta is narrower than 1.2 ppm.
    shift_in_range
        ``shift_alpha_beta_ppm`` is between fully Mg-bound (8.32) and Mg-free (10.91) ATP.
    residual_ok
        What the fit leaves over around alpha and beta is at most 1.35 times the noise, measured in the last half of the FID, and
        the first points hold no broad signal that was not left out. More is signal that the model does not describe: a wrong
        begin time, a prior of another tissue or field, another lineshape.
    alpha_is_separate
        The shift of alpha is correlated by at most 0.6 with that of a neighbour (NAD). The sd knows of the overlap: this does not
        count for `is_valid`.
    begin_time_ok
        A fitted begin time lies within 3 of its sd from the stated one. Does not count for `is_valid`: the fitted one was used.

    Examples
    --------
    >>> import p31mg
    >>> fit = p31mg.fit(p31mg.simulate(0.5, prior="muscle-3t", snr=[20, 400], seed=2))
    >>> fit.quality.snr_ok
    array([False,  True])
    """

    converged: BoolArray
    moved: BoolArray
    at_bound: BoolArray
    snr_ok: BoolArray
    linewidth_ok: BoolArray
    atp_linewidth_ok: BoolArray
    shift_in_range: BoolArray
    residual_ok: BoolArray
    alpha_is_separate: BoolArray
    begin_time_ok: BoolArray

    @property
    def is_valid(self) -> BoolArray:
        """Converged, moved, not at a bound; SNR, linewidths, shift and residual as they should be."""
        good = self.converged & self.moved & ~self.at_bound & self.snr_ok & self.linewidth_ok & self.atp_linewidth_ok
        return good & self.shift_in_range & self.residual_ok

    def __repr__(self) -> str:
        valid = self.is_valid
        return f"<Quality {valid.shape}: {int(valid.sum())} of {valid.size} valid>"

    def _repr_html_(self) -> str:
        columns = [("quality", "left"), ("true", "right"), ("of", "right")]
        rows = [[name, f"{int(flag.sum()):,}", f"{flag.size:,}"] for name, flag in self.columns().items()]
        return card(
            f"Quality {self.is_valid.shape}", table(columns, rows), notes=("at_bound is good where it is false",)
        )

    def reshaped(self, shape: tuple[int, ...]) -> Quality:
        """Return the same booleans in another shape."""
        return Quality(**{f.name: getattr(self, f.name).reshape(shape) for f in fields(self)})

    def raised(self, index: int | tuple[int, ...] = ()) -> list[str]:
        """Return what makes one spectrum not valid, in words."""
        words = {
            "not converged": ~self.converged[index],
            "did not move": ~self.moved[index],
            "at a bound": self.at_bound[index],
            "low SNR of ATP": ~self.snr_ok[index],
            "broad lines": ~(self.linewidth_ok & self.atp_linewidth_ok)[index],
            "shift out of range": ~self.shift_in_range[index],
            "residual above noise": ~self.residual_ok[index],
        }
        return [word for word, is_raised in words.items() if is_raised]

    def columns(self) -> dict[str, BoolArray]:
        """Return the booleans and `is_valid` by name, for tables."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**named, "is_valid": self.is_valid}
