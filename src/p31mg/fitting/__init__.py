"""From spectra to shifts: validate -> start values -> engine -> `FitResult`."""

from p31mg.fitting.fit import ENGINES, fit
from p31mg.fitting.lmfit_engine import lmfit_parameters
from p31mg.fitting.models import Choice
from p31mg.fitting.result import FitResult, index_columns
from p31mg.fitting.status import FitStatus, Quality
from p31mg.fitting.survey import Survey, survey

__all__ = [
    "ENGINES",
    "Choice",
    "FitResult",
    "FitStatus",
    "Quality",
    "Survey",
    "fit",
    "index_columns",
    "lmfit_parameters",
    "survey",
]


def __dir__() -> list[str]:
    return __all__
