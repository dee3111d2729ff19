"""Maps of a grid as NIfTI images in the space of the file that the spectra came from."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from p31mg._version import __version__
from p31mg.arrays import FloatArray
from p31mg.atomic import write_whole
from p31mg.errors import InputError
from p31mg.fitting import FitResult
from p31mg.io.formats.nifti_mrs import SPATIAL, affine_of
from p31mg.magnesium import MAPS, MagnesiumResult, maps_of

__all__ = ["map_files", "write_maps"]


def write_maps(
    fit: FitResult, mg: MagnesiumResult, folder: str | os.PathLike[str], stem: str = "maps", *, valid_only: bool = True
) -> dict[str, Path]:
    """Write maps of a grid as ``STEM_NAME.nii.gz``, with the affine of the file that the spectra were read from.

    Mg2+, its sd and the shift are NaN where Mg2+ is not valid; pH and PCr/ATP where the fit failed. PCr/ATP is the ratio of the
    amplitudes of PCr and gamma-ATP: signals that are not fully relaxed need a correction. Further batch axes, such as a time
    course, follow z.

    Parameters
    ----------
    fit
        From `p31mg.fit` of spectra with the batch axes x, y, z first.
    mg
        `p31mg.free_magnesium` of it.
    folder
        Where to write; it must exist. Existing files are replaced.
    stem
        What the names begin with. Default ``"maps"``.
    valid_only
        Whether Mg2+, its sd and the shift are left out where Mg2+ is not valid. Default True. Without, the map ``valid`` alone
        tells noise from numbers.

    Returns
    -------
    dict
        The file of each map: ``mg, sd_mg, shift, ph, pcr_atp, valid``, those that the prior has the resonances for.

    Raises
    ------
    InputError
        The spectra are no grid, or `mg` belongs to another fit.
    WriteError
        A file cannot be written; none is left half-written.

    Examples
    --------
    >>> import tempfile
    >>> import p31mg
    >>> grid = p31mg.simulate([[[0.4]], [[0.6]]], prior="muscle-3t", snr=300, seed=1)
    >>> fit = p31mg.fit(p31mg.Spectra(grid.fid, grid.acquisition, ("x", "y", "z")))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(write_maps(fit, p31mg.free_magnesium(fit), folder, "csi"))
    ['mg', 'pcr_atp', 'ph', 'sd_mg', 'shift', 'valid']
    """
    contents = map_files(fit, mg, valid_only=valid_only)
    return {
        name: write_whole(Path(folder) / f"{stem}_{name}.nii.gz", _saver(content)) for name, content in contents.items()
    }


def map_files(fit: FitResult, mg: MagnesiumResult, *, valid_only: bool = True) -> dict[str, bytes]:
    """Return the maps that `write_maps` writes as the content of ``.nii.gz`` files, the same bytes for the same maps."""
    if fit.spectra.axis_names[:3] != SPATIAL:
        msg = f"fit has the batch axes {fit.spectra.axis_names}; maps need x, y, z first: read a grid, or name axis_names."
        raise InputError(msg)
    affine = affine_of(fit.spectra)
    out = {}
    for name, values in maps_of(fit, mg, valid_only=valid_only).items():
        what = f"{MAPS[name]}; {mg.calibration.id}; p31mg {__version__}" if name in ("mg", "sd_mg") else MAPS[name]
        image = _image(values, np.eye(4) if affine is None else affine, what, is_mask=name == "valid")
        out[name] = gzip.compress(image.to_bytes(), mtime=0)
    return out


def _saver(content: bytes) -> Callable[[str], object]:
    return lambda name: Path(name).write_bytes(content)


def _image(values: FloatArray, affine: npt.NDArray[np.float64], what: str, *, is_mask: bool) -> Any:
    import nibabel

    data = values.astype(np.uint8 if is_mask else np.float32)
    image: Any = nibabel.nifti1.Nifti1Image(data, affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = what.encode("ascii", "replace")[:79]
    return image
