r"""Lines in given windows taken away by HSVD (Barkhuijsen, de Beer & van Ormondt 1987, J Magn Reson 73:553-557).

A sum of K damped exponentials :math:`s_n = \sum_k c_k z_k^n` makes a Hankel matrix :math:`H_{ij} = s_{i+j}` of rank K, whose
right singular vectors span :math:`(z_k^j)_j`; shifted by one point they are themselves times a matrix with the eigenvalues
:math:`z_k`. The singular vectors are eigenvectors of :math:`G = H^H H`, which needs no H: along its diagonals

.. math:: G_{i+1,j+1} = G_{ij} - \overline{s_i} s_j + \overline{s_{M+i}} s_{M+j}.

With the :math:`z_k` known, the :math:`c_k` are linear least squares on all points. Then the components whose frequency lies in a
window are subtracted. A line that is not Lorentzian becomes several components.

**What it leaves.** Components stand for noise too: within the windows some of the noise goes with them. Outside the windows, what
is subtracted is smooth, and so is the error of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from p31mg.acquisition import ProcessingStep, Spectra
from p31mg.arrays import BoolArray, ComplexArray, FloatArray
from p31mg.errors import InputError, P31mgWarning
from p31mg.preprocess.axes import require_spectra

__all__ = ["remove_peaks"]

TISSUE_PPM = (-17.2, 7.2)
"""From beta-ATP to PME: the windows of the packaged priors."""
FITTED_PPM = 1.5
"""How far around its windows a fit looks at the spectrum."""
_LONGEST_COLUMN = 256
"""Length of the singular vectors: 512 find the same at eight times the cost."""
_MOST_COMPONENTS = 64


def remove_peaks(
    spectra: Spectra,
    windows_ppm: Sequence[tuple[float, float]],
    *,
    reference_ppm: npt.ArrayLike = 0.0,
    n_components: int = 24,
) -> Spectra:
    """Return spectra without the lines whose centre lies in the windows, such as that of a reference phantom.

    A line many times as high as PCr has feet that reach under ATP. Without it, `fit` finds the shifts that it would find had the
    line never been there. About 25 ms a spectrum.

    Parameters
    ----------
    spectra
        One spectrum or a stack. NaN and empty ones stay what they are.
    windows_ppm
        Pairs (low, high) in ppm from PCr. Whole lines go whose centre lies within. Components broader than their window are
        left: they are no line in it.
    reference_ppm
        Position of PCr from the carrier, in ppm, as `FitResult.reference_offset_ppm` says it; a number, or an array that
        broadcasts to the batch shape. Default 0: PCr on the carrier.
    n_components
        How many damped exponentials the whole spectrum is taken apart into, 1 to 64. Default 24: some ten lines, more where they
        are not Lorentzian, and noise.

    Returns
    -------
    Spectra
        ``history[-1].found`` holds `n_removed` (...) and `removed_energy` (...), a fraction of that of the FID.

    Raises
    ------
    InputError
        A window that is empty or not within the spectral width, or a number of components that is out of range.

    Warns
    -----
    P31mgWarning
        A window within 1.5 ppm of the lines of tissue (-17.2 to 7.2 ppm): what is removed there takes from these lines, and the
        errors of a fit do not know of it.

    Examples
    --------
    >>> import numpy as np
    >>> import p31mg
    >>> tissue = p31mg.simulate(0.5, prior="muscle-3t", snr=300, seed=1)
    >>> phantom = 20 * np.exp((2j * np.pi * 1000 - 10) * tissue.time_s)
    >>> both = p31mg.Spectra(tissue.fid + phantom, tissue.acquisition)
    >>> clean = remove_peaks(both, [(17.0, 22.0)])
    >>> shift = p31mg.fit(clean).shift_alpha_beta_ppm - p31mg.fit(tissue).shift_alpha_beta_ppm
    >>> bool(abs(shift) < 0.003)
    True
    """
    require_spectra(spectra)
    windows = _windows(windows_ppm, spectra)
    if not (isinstance(n_components, (int, np.integer)) and 1 <= n_components <= _MOST_COMPONENTS):  # type: ignore[redundant-expr]
        msg = f"n_components is {n_components!r}; it must be a whole number from 1 to {_MOST_COMPONENTS}."
        raise InputError(msg)
    try:
        offset = np.broadcast_to(np.asarray(reference_ppm, dtype=float), spectra.batch_shape).ravel()
    except ValueError as error:
        msg = f"reference_ppm has shape {np.shape(reference_ppm)}; it must broadcast to {spectra.batch_shape}."
        raise InputError(msg) from error
    _warn_of_tissue(windows)
    n, mhz = spectra.n_points, spectra.acquisition.spectrometer_frequency_mhz
    per_turn_ppm = 1.0 / (spectra.acquisition.dwell_time_s * mhz)
    out = np.array(spectra.fid.reshape(-1, n))
    n_removed, removed_energy = np.zeros(len(out), dtype=np.intp), np.zeros(len(out))
    for i, row in enumerate(out):  # one by one: the time is in the eigenvectors of each
        if not (np.isfinite(row).all() and row.any() and np.isfinite(offset[i])):
            continue
        poles = _poles(row, int(n_components))
        centre = np.angle(poles) / (2 * np.pi) * per_turn_ppm - offset[i]
        width = -np.log(np.abs(poles)) / np.pi * per_turn_ppm
        chosen = _inside(centre, width, windows)
        if not chosen.any():
            continue
        exponentials = poles ** np.arange(n)[:, None]
        amplitudes = np.linalg.lstsq(exponentials, row, rcond=None)[0]
        removed = exponentials[:, chosen] @ amplitudes[chosen]
        n_removed[i] = chosen.sum()
        removed_energy[i] = np.vdot(removed, removed).real / np.vdot(row, row).real
        out[i] -= removed
    step = ProcessingStep(
        name="remove_peaks",
        method="Nuisance peak removal",
        parameters={
            "windows_ppm": [list(map(float, w)) for w in windows],
            "reference_ppm": np.asarray(reference_ppm, dtype=float),
            "n_components": int(n_components),
        },
        found={
            "n_removed": n_removed.reshape(spectra.batch_shape),
            "removed_energy": removed_energy.reshape(spectra.batch_shape),
        },
    )
    return spectra.processed(out.reshape(spectra.fid.shape), step)


def _windows(windows_ppm: Sequence[tuple[float, float]], spectra: Spectra) -> FloatArray:
    try:
        windows = np.asarray(windows_ppm, dtype=float)
    except (TypeError, ValueError):
        windows = np.empty(0)
    half = 0.5 * spectra.acquisition.spectral_width_hz / spectra.acquisition.spectrometer_frequency_mhz
    if windows.ndim != 2 or windows.shape[-1] != 2 or not len(windows):
        msg = f"windows_ppm is {windows_ppm!r}; give pairs (low, high) in ppm from PCr, such as [(17, 22)]."
        raise InputError(msg)
    for low, high in windows:
        if not (low < high and abs(low) <= half and abs(high) <= half):
            msg = (
                f"windows_ppm holds ({low:g}, {high:g}); give the lower first, within the spectrum of +-{half:.1f} ppm."
            )
            raise InputError(msg)
    return windows


def _warn_of_tissue(windows: FloatArray) -> None:
    for low, high in windows:
        if high > TISSUE_PPM[0] - FITTED_PPM and low < TISSUE_PPM[1] + FITTED_PPM:
            msg = (
                f"window ({low:g}, {high:g}) ppm comes within {FITTED_PPM:g} ppm of the lines of tissue ({TISSUE_PPM[0]:g} to "
                f"{TISSUE_PPM[1]:g} ppm): what is removed there takes from them, and the errors of a fit do not know of it."
            )
            warnings.warn(msg, P31mgWarning, stacklevel=3)


def _inside(centre_ppm: FloatArray, width_ppm: FloatArray, windows: FloatArray) -> BoolArray:
    """Return which components (K,) are lines in a window: centre within, not broader than it."""
    low, high = windows[:, :1], windows[:, 1:]
    within: BoolArray = (centre_ppm > low) & (centre_ppm < high) & (width_ppm < high - low)
    return np.logical_or.reduce(within, axis=0)


def _poles(fid: ComplexArray, n_components: int) -> ComplexArray:
    """Return z of the strongest damped exponentials of one FID (N,), none growing, shape (K,)."""
    import scipy.linalg

    length = min(_LONGEST_COLUMN, len(fid) // 2)
    gram = _gram(fid / np.abs(fid).max(), length)
    k = min(n_components, length - 1)
    _, vectors = scipy.linalg.eigh(gram, subset_by_index=[length - k, length - 1])
    span = vectors.conj()
    shift = np.linalg.lstsq(span[:-1], span[1:], rcond=None)[0]
    poles = np.linalg.eigvals(shift)
    return poles / np.maximum(np.abs(poles), 1.0)


def _gram(fid: ComplexArray, length: int) -> ComplexArray:
    """Return H^H H (L, L) of the Hankel matrix H of a FID (N,) with rows of L points."""
    n_rows = len(fid) - length + 1
    first, last = fid[: length - 1], fid[n_rows:]
    change = np.outer(last.conj(), last) - np.outer(first.conj(), first)
    gram = np.empty((length, length), dtype=np.complex128)
    gram[0] = np.lib.stride_tricks.sliding_window_view(fid, n_rows) @ fid[:n_rows].conj()
    for i in range(length - 1):
        gram[i + 1, 1:] = gram[i, :-1] + change[i]
        gram[i + 1, 0] = gram[0, i + 1].conj()
    return gram
