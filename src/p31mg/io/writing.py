"""Writing files: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from p31mg.acquisition import Spectra
from p31mg.errors import InputError, WriteError
from p31mg.io import nifti_mrs

__all__ = ["make_folder", "write", "write_whole"]


def write(spectra: Spectra, path: str | os.PathLike[str]) -> Path:
    """Write spectra as NIfTI-MRS in double precision; reading them back gives the same numbers.

    Parameters
    ----------
    spectra
        One spectrum or a stack of up to three batch axes besides x, y, z.
    path
        A name that ends in ``.nii`` or ``.nii.gz``; its folder must exist. An existing file is replaced.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    InputError
        The name ends differently.
    WriteError
        The file cannot be written there; nothing is left half-written.

    Examples
    --------
    >>> import p31mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(p31mg.simulate(0.5, prior="muscle-3t", seed=1), Path(folder) / "a.nii.gz").name
    'a.nii.gz'
    """
    if not isinstance(spectra, Spectra):
        msg = f"spectra is a {type(spectra).__name__}; give p31mg.Spectra(fid, acquisition)."
        raise InputError(msg)
    path = Path(path)
    if not path.name.endswith(nifti_mrs.SUFFIXES):
        msg = f"path is {path}; p31mg writes NIfTI-MRS, so the name must end in .nii or .nii.gz."
        raise InputError(msg)
    return write_whole(path, nifti_mrs.image(spectra).to_filename)


def write_whole(path: Path, save: Callable[[str], object]) -> Path:
    """Let `save` write a temporary file beside `path` and put it in its place when it is whole."""
    suffix = "".join(path.suffixes[-2:])
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".p31mg-", suffix=suffix, dir=path.parent)
        os.close(descriptor)
        try:
            save(temporary)
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise WriteError(msg) from error
    return path


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder for output, made if needed and found to be writable before any work is done."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        msg = f"output folder {path} cannot be written: {error.strerror or error}."
        raise WriteError(msg) from error
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
