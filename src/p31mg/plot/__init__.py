"""Figures: functions that draw on a given `ax` (or make one), return what they drew, and never show or save.

`fit`           data, model, residual and every resonance of one spectrum
`calibration`   the calibration curve with measured points and their intervals
`titration`     the solutions that a calibration of your own was fitted to
`study`         free Mg2+ of a study, with intervals, against the order of files and against SNR
`maps`          one slice of a grid: Mg2+, its sd, shift, pH, PCr/ATP, validity
`series`        a time course: Mg2+, pH, PCr, Pi, ADP
`cohort`        people: Mg2+ against age, strength, ..., by group, with lines and bands
`power`         what a study can see, against SNR
"""

from p31mg.plot.calibration import CalibrationPlot, calibration
from p31mg.plot.cohort import CohortPlot, PowerPlot, cohort, power
from p31mg.plot.fit import FitPlot, fit
from p31mg.plot.maps import MapsPlot, maps
from p31mg.plot.series import SeriesPlot, series
from p31mg.plot.study import StudyPlot, study
from p31mg.plot.titration import TitrationPlot, titration

__all__ = [
    "CalibrationPlot",
    "CohortPlot",
    "FitPlot",
    "MapsPlot",
    "PowerPlot",
    "SeriesPlot",
    "StudyPlot",
    "TitrationPlot",
    "calibration",
    "cohort",
    "fit",
    "maps",
    "power",
    "series",
    "study",
    "titration",
]


def __dir__() -> list[str]:
    return __all__
