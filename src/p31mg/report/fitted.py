"""What the fit did with the spectra of a study, in words: from the columns of its table, not from what was asked for.

What was asked for (`phase_model`, `lineshape`, `baseline`) is ``"auto"`` in most studies; what that came to differs from spectrum
to spectrum, and stands in its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.constants import PLAUSIBLE_SHIFT_ALPHA_BETA_PPM
from p31mg.fitting.judge import LARGEST_RESIDUAL, RELIABLE_ATP_SNR, WIDEST_ATP_PPM, WIDEST_PCR_PPM

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RULES", "baseline_text", "begin_time_text", "lineshape_text", "phase_text", "span"]

_LOWEST, _HIGHEST = PLAUSIBLE_SHIFT_ALPHA_BETA_PPM

RULES = (
    "the fit failed, did not converge or did not move from where it began, α- or β-ATP had an SNR below "
    f"{RELIABLE_ATP_SNR:g}, a shift or width of α-ATP, β-ATP or PCr sat on a bound, the PCr line was wider than "
    f"{WIDEST_PCR_PPM:g} ppm or a line of α- or β-ATP wider than {WIDEST_ATP_PPM:g} ppm, δα − δβ lay outside {_LOWEST:g} to "
    f"{_HIGHEST:g} ppm, the residual around α- and β-ATP exceeded {LARGEST_RESIDUAL:g} times the noise or a broad signal was "
    "left in the first points, the shift lay outside the range of the calibration, or an end of the interval lay beyond a limit "
    "of the calibration"
)
"""When a result does not count, with the limits of the code."""

_LINESHAPES = {
    "lorentzian": "Lorentzian lines",
    "gaussian": "Gaussian lines",
    "voigt": "Voigt lines (a Gaussian width that all share)",
    "asymmetric": "Lorentzian lines that an inhomogeneous, skewed field broadens all alike",
}


def span(values: Any, digits: int, blank: str = "") -> str:
    """Return a value, or the range of several, with no more digits than it needs.

    Examples
    --------
    >>> span(np.array([0.5, 0.25]), 3), span(np.array([2.0]), 1)
    ('0.25 to 0.5', '2')
    """
    if not len(values):
        return blank
    low, high = (f"{v:.{digits}f}" for v in (values.min(), values.max()))
    low, high = ((t.rstrip("0").rstrip(".") if "." in t else t) for t in (low, high))
    return low if low == high else f"{low} to {high}"


def _known(rows: pd.DataFrame, column: str) -> Any:
    """Return for each row whether it has a number in a column."""
    if column not in rows:
        return np.zeros(len(rows), dtype=bool)
    return np.isfinite(rows[column].to_numpy(float, na_value=np.nan))


def _in(n: int, rows: pd.DataFrame) -> str:
    """Return in how many spectra something was so; empty where in all."""
    return "" if n == len(rows) else f" in {n} of {len(rows)} spectra"


def _phases(rows: pd.DataFrame) -> tuple[Any, Any]:
    """Return which rows have phases of their own for every resonance, and which a begin time that was fitted."""
    own = [c for c in rows if str(c).endswith("_phase_deg") and c != "phase_deg"]
    free = np.logical_or.reduce([_known(rows, str(c)) for c in own], axis=0) if own else np.zeros(len(rows), dtype=bool)
    return free, _known(rows, "crlb_begin_time_s")


def phase_text(rows: pd.DataFrame) -> str:
    """Return how the phases of the resonances were treated."""
    free, begin = _phases(rows)
    locked = ~free & ~begin
    ways = [
        (
            "one zero-order phase in common and a first-order phase from the begin time, which was taken as exact",
            locked,
        ),
        ("one zero-order phase in common and a first-order phase from the begin time, which was fitted", begin & ~free),
        ("a phase of its own for every resonance", free),
    ]
    said = [text + _in(int(which.sum()), rows) for text, which in ways if which.any()]
    return "; ".join(said) or "phases by the begin time"


def begin_time_text(rows: pd.DataFrame) -> str:
    """Return where the first point lies, with where that comes from; a fitted value is called one."""
    ms = 1e3 * rows["begin_time_s"].to_numpy(float, na_value=np.nan) if "begin_time_s" in rows else np.empty(0)
    _, fitted = _phases(rows)
    sources = [str(s) for s in dict.fromkeys(rows["begin_time_source"].dropna())] if "begin_time_source" in rows else []
    sources = [s for s in sources if s]
    parts = []
    stated = ms[~fitted & np.isfinite(ms)] if len(ms) else ms
    if len(stated):
        parts.append(
            f"{span(stated, 3)} ms after the centre of the excitation" + (f" ({', '.join(sources)})" if sources else "")
        )
    if len(ms) and fitted.any():
        around = f" around the one of {', '.join(sources)}" if sources else ""
        n = _in(int(fitted.sum()), rows)
        parts.append(
            f"at a begin time that was fitted{around}{n}, {span(ms[fitted], 3)} ms after the centre of the excitation"
        )
    return "; ".join(parts)


def lineshape_text(rows: pd.DataFrame, prior: Mapping[str, Any], options: Mapping[str, Any], blank: str) -> str:
    """Return the shape of the lines: that of the prior, and how many spectra were fitted with a field as well."""
    shape = str(prior.get("lineshape", ""))
    text = _LINESHAPES.get(shape, blank)
    width = (
        rows["gaussian_linewidth_hz"].to_numpy(float, na_value=0.0) if "gaussian_linewidth_hz" in rows else np.zeros(0)
    )
    field = np.isfinite(width) & (width > 0)
    if shape not in ("", "lorentzian"):
        pass  # at its word: no other was tried
    elif field.any():
        skew = rows["field_skew_hz"].to_numpy(float, na_value=np.nan)[field] if "field_skew_hz" in rows else np.zeros(0)
        skewed = f", skew {span(skew[np.isfinite(skew)], 1)} Hz" if np.isfinite(skew).any() else ""
        text += (
            f" (in {int(field.sum())} of {len(rows)} spectra, whose PCr line was not Lorentzian, broadened all alike by an "
            f"inhomogeneous field: Gaussian width {span(width[field], 1)} Hz{skewed})"
        )
    elif options.get("lineshape") == "auto":
        text += " (a test on PCr asked for no other shape in any spectrum)"
    if _known(rows, "crlb_j_coupling_hz").any():
        text += ", couplings of ATP fitted around those of the prior"
    return text


def baseline_text(rows: pd.DataFrame, options: Mapping[str, Any]) -> str:
    """Return which points of the FIDs were fitted."""
    first = rows["first_point"].to_numpy(float, na_value=0.0) if "first_point" in rows else np.zeros(0)
    cut = first > 0
    if not cut.any():
        return "all points of the FID were used"
    asked = options.get("baseline", "auto")
    why = ", in which broad signals have not yet decayed" if asked == "auto" else ""
    many = span(first[cut], 0)
    points = "first point" if many == "1" else f"first {many} points"
    was, them = ("was", "it") if many == "1" else ("were", "them")
    n = _in(int(cut.sum()), rows)
    return f"the {points} of the FID{why} {was} left out{n}, and the model reaches back over {them}"
