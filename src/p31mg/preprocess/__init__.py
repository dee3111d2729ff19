"""Before the fit: pure functions that make spectra of spectra, each step kept in `Spectra.history`.

`combine_coils`       the coils of an array to one signal, whitened and weighted by their sensitivities
`average_transients`  repetitions to their mean, aligned in frequency and phase
`remove_peaks`        take away lines in given windows, such as those of a phantom
`remove_group_delay`  undo the delay of a digital filter
`check_conjugation`   does ATP lie where it should, or on the other side of PCr?
`apodise`, `zero_fill`, `phase`, `displayed`  for the eye; a fit wants none of them

The order is that of the list: coils first, because they share the drift; then transients; then lines that disturb.
"""

from p31mg.preprocess.coils import combine_coils
from p31mg.preprocess.conjugation import ConjugationCheck, check_conjugation
from p31mg.preprocess.display import apodise, displayed, phase, zero_fill
from p31mg.preprocess.group_delay import remove_group_delay
from p31mg.preprocess.peaks import remove_peaks
from p31mg.preprocess.transients import average_transients

__all__ = [
    "ConjugationCheck",
    "apodise",
    "average_transients",
    "check_conjugation",
    "combine_coils",
    "displayed",
    "phase",
    "remove_group_delay",
    "remove_peaks",
    "zero_fill",
]


def __dir__() -> list[str]:
    return __all__
