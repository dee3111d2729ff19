"""Is the frequency axis the right way round? ATP is the witness: its three multiplets lie below PCr, at known distances.

Every spectrum is fitted as it is and conjugated. The evidence of either way is the faintest of the three multiplets, as amplitude
over its Cramer-Rao bound. On real and simulated spectra of PCr SNR 50 and more it is above 5 at the right sign and below 2 at the
wrong one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.arrays import BoolArray, FloatArray
from p31mg.errors import P31mgWarning
from p31mg.preprocess.axes import require_spectra
from p31mg.prior import Prior

__all__ = ["PRESENT", "ConjugationCheck", "atp_evidence", "check_conjugation"]

_ATP = ("alpha_atp", "beta_atp", "gamma_atp")

PRESENT = 4.0
"""Evidence from which ATP is taken to be there: see above."""


@dataclass(frozen=True, kw_only=True)
class ConjugationCheck:
    """How well ATP is seen at its distances from PCr, either way; arrays of the batch shape.

    Parameters
    ----------
    evidence, evidence_conjugated
        Amplitude of the faintest ATP multiplet over its Cramer-Rao bound, of the spectra as they are and of their conjugates;
        0 where nothing was found.

    Examples
    --------
    >>> bool(ConjugationCheck(evidence=np.array(1.2), evidence_conjugated=np.array(30.0)).is_reversed)
    True
    """

    evidence: FloatArray
    evidence_conjugated: FloatArray

    @property
    def is_reversed(self) -> BoolArray:
        """Whether ATP is seen in the conjugate (evidence of 4 or more), twice as well as in the spectrum itself."""
        return (self.evidence_conjugated >= PRESENT) & (self.evidence_conjugated > 2.0 * self.evidence)

    @property
    def is_confirmed(self) -> BoolArray:
        """Whether ATP is seen in the spectrum itself (evidence of 4 or more), twice as well as in its conjugate."""
        return (self.evidence >= PRESENT) & (self.evidence > 2.0 * self.evidence_conjugated)


def check_conjugation(spectra: Spectra, prior: Prior | str | Path = "muscle-3t") -> ConjugationCheck:
    """Fit every spectrum as it is and conjugated, and return how well ATP is seen either way. Nothing is changed.

    Where the sign is reversed, ``p31mg.Spectra(spectra.fid.conj(), spectra.acquisition)`` mends it. Empty spectra are neither
    confirmed nor reversed.

    Parameters
    ----------
    spectra
        One spectrum or a stack.
    prior
        Whose pattern to look for. Default ``"muscle-3t"``; PCr and ATP look alike enough everywhere.

    Returns
    -------
    ConjugationCheck
        Two booleans of the batch shape, `is_confirmed` and `is_reversed`.

    Examples
    --------
    >>> import p31mg
    >>> check = check_conjugation(p31mg.simulate([0.4, 0.6], prior="muscle-3t", snr=300, seed=1))
    >>> check.is_confirmed.tolist(), check.is_reversed.tolist()
    ([True, True], [False, False])
    """
    require_spectra(spectra)
    conjugated = Spectra(np.conj(spectra.fid), spectra.acquisition)
    return ConjugationCheck(evidence=atp_evidence(spectra, prior), evidence_conjugated=atp_evidence(conjugated, prior))


def atp_evidence(spectra: Spectra, prior: Prior | str | Path = "muscle-3t") -> FloatArray:
    """Return the amplitude over its Cramer-Rao bound of the faintest ATP multiplet, of the batch shape; 0 where there is none.

    Examples
    --------
    >>> import p31mg
    >>> bool(atp_evidence(p31mg.simulate(0.5, prior="muscle-3t", snr=300, seed=1)) > 20)
    True
    """
    from p31mg.fitting import fit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", P31mgWarning)  # a prior of another field: only the pattern matters here
        result = fit(spectra, prior)
    atp = [result.names.index(name) for name in _ATP if name in result.names]
    amplitude, bound = result.amplitude[..., atp], result.crlb_amplitude[..., atp]
    known = np.isfinite(amplitude) & (bound > 0)
    return np.divide(amplitude, bound, out=np.zeros_like(amplitude), where=known).min(axis=-1)
