"""Files in, `Spectra` out, and back. The content decides which module reads a file, not its name.

`reading`     `read`: sniff, hand to the module of the format, check what came back
`source`      a path looked at once; all bytes come through it, bounded
`header`      acquisition parameters from what a file states and what the user gives
`formats`     one module per format
`foreign`     calls into reading libraries; `vendor`: spec2nii in a process of its own
`writing`     `write`: NIfTI-MRS, npz, CSV
`maps`        `write_maps`: results of a grid as NIfTI images (`p31mg.write_maps`; it loads what a fit needs)
"""

from p31mg.io.reading import is_dataset_folder, is_spectrum_name, read
from p31mg.io.writing import write

__all__ = ["is_dataset_folder", "is_spectrum_name", "read", "write"]


def __dir__() -> list[str]:
    return __all__
