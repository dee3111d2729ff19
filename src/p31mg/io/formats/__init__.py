"""One module per format. To add one: a module with what `p31mg.io.content.Format` asks for, and its name in `FORMATS`.

Order matters where two recognise the same content: the more particular comes first. `text`, which takes any text, stands
apart: it is asked last.
"""

from p31mg.io.content import Format
from p31mg.io.formats import (
    bruker,
    dicom,
    ge_pfile,
    jcamp_dx,
    jeol,
    jmrui_binary,
    jmrui_text,
    lcmodel_raw,
    matlab,
    nifti_mrs,
    nmrpipe,
    numpy_arrays,
    paravision,
    philips_sdat,
    siemens_rda,
    siemens_twix,
    spinsolve,
    text,
    varian,
)

__all__ = ["FALLBACK", "FORMATS"]

FORMATS: tuple[Format, ...] = (
    nifti_mrs,
    jmrui_text,
    siemens_rda,
    lcmodel_raw,
    jcamp_dx,
    numpy_arrays,
    matlab,
    dicom,
    jeol,
    nmrpipe,
    spinsolve,
    bruker,
    paravision,
    varian,
    philips_sdat,
    ge_pfile,
    siemens_twix,
    jmrui_binary,
)

FALLBACK: Format = text
