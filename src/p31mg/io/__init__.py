"""Files in, `Spectra` out, and back. The content decides which module reads a file, not its name.

`reading`     `read`: sniff, hand to the module of the format, check what came back
`header`      acquisition parameters from what a file states and what the user gives
`nifti_mrs`   NIfTI-MRS, both ways
`text`        two columns, real and imaginary
"""

from p31mg.io.reading import is_spectrum_name, read
from p31mg.io.writing import write

__all__ = ["is_spectrum_name", "read", "write"]
