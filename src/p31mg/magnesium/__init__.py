"""From shifts to free Mg2+ and pH, by named and cited calibrations. Works on plain numbers, without any spectrum."""

from p31mg.magnesium.calibrations import BetaShiftCalibration, Calibration, Titration, TwoSiteCalibration
from p31mg.magnesium.comparison import MagnesiumComparison
from p31mg.magnesium.concentrations import concentrations_mM
from p31mg.magnesium.course import time_course
from p31mg.magnesium.energetics import EnergeticsResult, energetics
from p31mg.magnesium.free import free_magnesium
from p31mg.magnesium.grid import MAPS, maps_of
from p31mg.magnesium.ph import PhEquation, PhResult, get_ph_equation, ph_equations, ph_from_pi
from p31mg.magnesium.registry import (
    CalibrationTable,
    calibration_from_record,
    calibration_record,
    calibrations,
    conditions_text,
    constants_text,
    get_calibration,
    write_calibration,
)
from p31mg.magnesium.result import MagnesiumResult
from p31mg.magnesium.titration import calibrate

__all__ = [
    "MAPS",
    "BetaShiftCalibration",
    "Calibration",
    "CalibrationTable",
    "EnergeticsResult",
    "MagnesiumComparison",
    "MagnesiumResult",
    "PhEquation",
    "PhResult",
    "Titration",
    "TwoSiteCalibration",
    "calibrate",
    "calibration_from_record",
    "calibration_record",
    "calibrations",
    "concentrations_mM",
    "conditions_text",
    "constants_text",
    "energetics",
    "free_magnesium",
    "get_calibration",
    "get_ph_equation",
    "maps_of",
    "ph_equations",
    "ph_from_pi",
    "time_course",
    "write_calibration",
]


def __dir__() -> list[str]:
    return __all__
