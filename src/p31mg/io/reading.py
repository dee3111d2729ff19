"""`read`: find out what a file is and hand it to the module of its format."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.errors import InputError, ReadError, UnsupportedFormatError
from p31mg.io import nifti_mrs, text
from p31mg.io.header import Given, settle

__all__ = ["is_spectrum_name", "read"]

_FORMATS = (nifti_mrs, text)
_SNIFFED_BYTES = 4096


def is_spectrum_name(path: Path) -> bool:
    """Return whether the name of a file is one that spectra usually have; `read` itself goes by content.

    Examples
    --------
    >>> [is_spectrum_name(Path(name)) for name in ("sub-01_unloc.nii.gz", "fid.txt", "notes.pdf")]
    [True, True, False]
    """
    return path.name.lower().endswith(tuple(suffix for f in _FORMATS for suffix in f.SUFFIXES))


def read(
    path: str | os.PathLike[str],
    *,
    spectrometer_frequency_mhz: float | None = None,
    spectral_width_hz: float | None = None,
    begin_time_s: float | None = None,
    override: bool = False,
) -> Spectra:
    """Read the spectra of a file, with the sign of the frequency axis settled (higher ppm is positive).

    Knows NIfTI-MRS (``.nii``, ``.nii.gz``; a ``.json`` beside it is used where the header extension lacks) and text with
    two columns, real and imaginary, one point per line.

    Parameters
    ----------
    path
        File to read.
    spectrometer_frequency_mhz, spectral_width_hz, begin_time_s
        What the file does not state, in MHz, Hz and s. There are no defaults. For NIfTI-MRS the begin time is EchoTime
        plus AcquisitionStartTime, as its specification defines them for pulse-acquire; where only EchoTime is there, which
        converters often fill with a nominal value, a begin time given here takes its place.
    override
        Let the given values replace those that the file states. Default False: a contradiction is an error.

    Returns
    -------
    Spectra
        NIfTI-MRS grids have the batch axes ``x, y, z`` and those of the file after them; axes of length 1 are left out unless
        the file is a grid.

    Raises
    ------
    MissingMetadataError
        An acquisition parameter is neither in the file nor given; the message names the option.
    UnsupportedFormatError
        The content is of no known format.
    ReadError
        The file is missing, empty, truncated, not 31P, contradicts what is given, holds fewer than 64 points, or holds
        nothing but zeros, NaN or Inf.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import p31mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = p31mg.write(p31mg.simulate(0.5, prior="muscle-3t", snr=100, seed=1), Path(folder) / "a.nii.gz")
    ...     p31mg.read(file)
    <Spectra () x 2048 points, 51.705 MHz, 5000 Hz, begin time 0.5 ms>
    """
    given = Given(
        spectrometer_frequency_mhz=spectrometer_frequency_mhz,
        spectral_width_hz=spectral_width_hz,
        begin_time_s=begin_time_s,
        override=override,
    )
    path = Path(path)
    head = _head(path)
    if path.name.endswith(nifti_mrs.SUFFIXES) and not nifti_mrs.recognises(head, path):
        msg = f"file {path} is named like NIfTI but its content is not; export or convert it again."
        raise UnsupportedFormatError(msg)
    for reader in _FORMATS:
        if reader.recognises(head, path):
            content = reader.parse(path)
            acquisition = settle(path, content.stated, given)
            try:
                spectra = Spectra(content.fid, acquisition, content.axis_names, str(path), content.metadata)
            except InputError as error:
                msg = f"file {path}: {error}"
                raise ReadError(msg) from error
            _require_signal(spectra, path)
            return spectra
    names = ", ".join(reader.NAME for reader in _FORMATS)
    msg = (
        f"file {path} is none of the formats that p31mg reads: {names}. Convert it to NIfTI-MRS first (spec2nii does)."
    )
    raise UnsupportedFormatError(msg)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFFED_BYTES)
    except IsADirectoryError as error:
        msg = f"{path} is a folder; give a file, or use p31mg batch (p31mg.batch in Python) for a folder."
        raise ReadError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"file {str(path)[:200]} cannot be read: {getattr(error, 'strerror', None) or error}."
        raise ReadError(msg) from error
    if not head:
        msg = f"file {path} is empty."
        raise ReadError(msg)
    return head


def _require_signal(spectra: Spectra, path: Path) -> None:
    finite = np.isfinite(spectra.fid).all(axis=-1)
    if not finite.any():
        msg = f"file {path} holds NaN or Inf in every FID; export it again."
        raise ReadError(msg)
    if not spectra.fid[finite].any():
        msg = f"file {path} holds only zeros; export it again."
        raise ReadError(msg)
