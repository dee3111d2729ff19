"""What is doubtful about spectra themselves: no PCr, too little signal, the sign of the frequency axis.

ATP is the witness, in the best spectrum, as it is and conjugated: see `p31mg.preprocess.conjugation`.
"""

from __future__ import annotations

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.errors import P31mgError
from p31mg.fitting import FitStatus, survey
from p31mg.preprocess.conjugation import PRESENT, atp_evidence

__all__ = ["doubts_of_spectra"]

_USEFUL_SNR = 50.0
"""Of PCr, below which beta-ATP is lost: it has about an eighth."""


def doubts_of_spectra(spectra: Spectra, *, begin_time_is_known: bool = True) -> tuple[str, ...]:
    """Return one sentence for each doubt; none where PCr and ATP stand out at the right places.

    Without the begin time the phases of the lines are not known, and that ATP is not found says nothing.
    """
    try:
        seen = survey(spectra)
        direct, mirrored = _of_best(spectra), _of_best(Spectra(np.conj(spectra.fid), spectra.acquisition))
    except P31mgError as error:
        return (f"no first look was possible: {error}",)
    found = seen.status == FitStatus.OK
    reversed_sign = mirrored >= PRESENT and mirrored > 2.0 * direct
    if not found.any() and not reversed_sign:
        return ("no peak stands out of the noise: the SNR is too low for a 31P spectrum",)
    best = float(np.nanmax(seen.snr[found])) if found.any() else np.nan
    doubts = []
    if reversed_sign:
        doubts.append(
            "the sign of the frequency axis looks reversed: ATP appears on the high side of PCr; conjugate the FID if its maker "
            "uses the other sign"
        )
    elif direct < PRESENT and best >= _USEFUL_SNR and begin_time_is_known:
        doubts.append(
            "PCr was not found: no ATP lies beside the highest peak at the distances of a 31P spectrum of tissue"
        )
    if best < _USEFUL_SNR:
        doubts.append(f"the SNR of PCr is {best:.0f} at most; beta-ATP is lost below about {_USEFUL_SNR:.0f}")
    return tuple(doubts)


def _of_best(spectra: Spectra) -> float:
    """Return the evidence of ATP in the spectrum whose PCr stands out most; 0 where none does."""
    seen = survey(spectra)
    snr = np.where(seen.status == FitStatus.OK, seen.snr, -np.inf).ravel()
    if not snr.size or snr.max() == -np.inf:
        return 0.0
    best = spectra.fid.reshape(-1, spectra.n_points)[int(snr.argmax())]
    return float(atp_evidence(Spectra(best, spectra.acquisition)))
