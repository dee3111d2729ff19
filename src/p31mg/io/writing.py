"""`write`: spectra to a file; its ending says in which format."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.atomic import write_whole
from p31mg.errors import InputError
from p31mg.io.formats import nifti_mrs, numpy_arrays, text

__all__ = ["require_known_ending", "write"]


def write(spectra: Spectra, path: str | os.PathLike[str]) -> Path:
    """Write spectra so that reading them back gives the same numbers, to the last digit.

    Parameters
    ----------
    spectra
        One spectrum or a stack.
    path
        Its ending decides: ``.nii`` or ``.nii.gz`` for NIfTI-MRS in double precision (up to three batch axes besides x, y, z;
        the writing is recorded in ``ProcessingApplied``), ``.npz`` for NumPy, ``.csv`` for text with a pair of columns per FID.
        The folder must exist. An existing file is replaced.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    InputError
        The name ends differently, or the format cannot hold the spectra.
    WriteError
        The file cannot be written there; nothing is left half-written.

    Examples
    --------
    >>> import p31mg, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(p31mg.simulate(0.5, prior="muscle-3t", seed=1), Path(folder) / "a.nii.gz").name
    'a.nii.gz'
    """
    if not isinstance(spectra, Spectra):
        msg = f"spectra is a {type(spectra).__name__}; give p31mg.Spectra(fid, acquisition)."
        raise InputError(msg)
    path = Path(path)
    require_known_ending(path)
    return write_whole(path, _saver(spectra, path))


def require_known_ending(path: Path) -> None:
    """Refuse, with `InputError`, a name whose ending is of no format that is written."""
    if not path.name.endswith(nifti_mrs.SUFFIXES) and path.suffix not in {".npz", ".csv"}:
        msg = f"path is {path}; the name must end in .nii or .nii.gz (NIfTI-MRS), .npz or .csv."
        raise InputError(msg)


def _saver(spectra: Spectra, path: Path) -> Callable[[str], object]:
    if path.name.endswith(nifti_mrs.SUFFIXES):
        return nifti_mrs.image(spectra).to_filename
    if path.suffix == ".npz":
        arrays = numpy_arrays.arrays_of(spectra)
        return lambda name: np.savez(name, **arrays)  # type: ignore[arg-type]  # its allow_pickle is no array
    document = text.document(spectra)
    return lambda name: Path(name).write_text(document, encoding="utf-8")
