"""What is doubtful about spectra themselves: no PCr, too little signal, the sign of the frequency axis.

ATP is the witness. Its three multiplets lie at known distances below PCr. The best spectrum is fitted as it is and conjugated,
and the faintest of the three, as amplitude over its Cramer-Rao bound, tells whether they are there. On real and simulated
spectra of PCr SNR 50 and more it is above 5 at the right sign and below 2 at the wrong one.
"""

from __future__ import annotations

import warnings

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.errors import P31mgError, P31mgWarning
from p31mg.fitting import FitStatus, fit, survey

__all__ = ["atp_evidence", "doubts_of_spectra"]

_ATP = ("alpha_atp", "beta_atp", "gamma_atp")
_PRESENT = 4.0
_USEFUL_SNR = 50.0
"""Of PCr, below which beta-ATP is lost: it has about an eighth."""


def doubts_of_spectra(spectra: Spectra, *, begin_time_is_known: bool = True) -> tuple[str, ...]:
    """Return one sentence for each doubt; none where PCr and ATP stand out at the right places.

    Without the begin time the phases of the lines are not known, and that ATP is not found says nothing.
    """
    try:
        seen = survey(spectra)
        direct, mirrored = atp_evidence(spectra), atp_evidence(Spectra(np.conj(spectra.fid), spectra.acquisition))
    except P31mgError as error:
        return (f"no first look was possible: {error}",)
    found = seen.status == FitStatus.OK
    reversed_sign = mirrored >= _PRESENT and mirrored > 2.0 * direct
    if not found.any() and not reversed_sign:
        return ("no peak stands out of the noise: the SNR is too low for a 31P spectrum",)
    best = float(np.nanmax(seen.snr[found])) if found.any() else np.nan
    doubts = []
    if reversed_sign:
        doubts.append(
            "the sign of the frequency axis looks reversed: ATP appears on the high side of PCr; conjugate the FID if its maker "
            "uses the other sign"
        )
    elif direct < _PRESENT and best >= _USEFUL_SNR and begin_time_is_known:
        doubts.append(
            "PCr was not found: no ATP lies beside the highest peak at the distances of a 31P spectrum of tissue"
        )
    if best < _USEFUL_SNR:
        doubts.append(f"the SNR of PCr is {best:.0f} at most; beta-ATP is lost below about {_USEFUL_SNR:.0f}")
    return tuple(doubts)


def atp_evidence(spectra: Spectra) -> float:
    """Return the amplitude over its Cramer-Rao bound of the faintest ATP multiplet of the best spectrum; 0 where there is none.

    Examples
    --------
    >>> import p31mg
    >>> atp_evidence(p31mg.simulate(0.5, prior="muscle-3t", snr=300, seed=1)) > 20
    True
    """
    seen = survey(spectra)
    snr = np.where(seen.status == FitStatus.OK, seen.snr, -np.inf).ravel()
    if not snr.size or snr.max() == -np.inf:
        return 0.0
    best = Spectra(spectra.fid.reshape(-1, spectra.n_points)[int(snr.argmax())], spectra.acquisition)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", P31mgWarning
        )  # that the prior is of another field: only the pattern matters here
        result = fit(best)
    atp = [result.prior.names.index(name) for name in _ATP]
    amplitude, bound = result.amplitude[..., atp], result.crlb_amplitude[..., atp]
    known = np.isfinite(amplitude) & (bound > 0)
    evidence = np.divide(amplitude, bound, out=np.zeros_like(amplitude), where=known)
    return float(evidence.min())
