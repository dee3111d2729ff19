"""Intracellular free Mg2+ from 31P magnetic resonance spectra.

    file -> Spectra -> fit -> shift_alpha_beta -> free Mg2+ by a named, cited calibration

Examples
--------
>>> import p31mg
>>> spectrum = p31mg.simulate(free_mg_mM=0.5, prior="muscle-3t", snr=400, seed=2)
>>> mg = p31mg.free_magnesium(p31mg.fit(spectrum, prior="muscle-3t"))
>>> low, high = mg.interval_mM
>>> bool(low < 0.5 < high)
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from p31mg._version import __version__

if TYPE_CHECKING:
    from p31mg import plot as plot
    from p31mg import preprocess as preprocess
    from p31mg.acquisition import Acquisition, ProcessingStep, Spectra
    from p31mg.cohorts import Associations, CohortResult, PowerResult, SimulatedCohort, cohort, power, simulate_cohort
    from p31mg.errors import (
        InputError,
        MissingMetadataError,
        P31mgError,
        P31mgWarning,
        PriorKnowledgeError,
        ReadError,
        UnknownNameError,
        UnsupportedFormatError,
        WriteError,
    )
    from p31mg.fitting import FitResult, FitStatus, Quality, fit, lmfit_parameters
    from p31mg.io import read, write
    from p31mg.io.maps import write_maps
    from p31mg.magnesium import (
        BetaShiftCalibration,
        Calibration,
        EnergeticsResult,
        MagnesiumComparison,
        MagnesiumResult,
        PhResult,
        TwoSiteCalibration,
        calibrate,
        calibrations,
        concentrations_mM,
        energetics,
        free_magnesium,
        ph_from_pi,
        time_course,
        write_calibration,
    )
    from p31mg.prior import Prior, Resonance, import_prior, load_prior, priors, write_prior
    from p31mg.simulation import SimulatedSpectra, Truth, simulate
    from p31mg.study import batch

_HOME = {
    "p31mg.acquisition": ("Acquisition", "ProcessingStep", "Spectra"),
    "p31mg.cohorts": (
        "Associations",
        "CohortResult",
        "PowerResult",
        "SimulatedCohort",
        "cohort",
        "power",
        "simulate_cohort",
    ),
    "p31mg.errors": (
        "InputError",
        "MissingMetadataError",
        "P31mgError",
        "P31mgWarning",
        "PriorKnowledgeError",
        "ReadError",
        "UnknownNameError",
        "UnsupportedFormatError",
        "WriteError",
    ),
    "p31mg.fitting": ("FitResult", "FitStatus", "Quality", "fit", "lmfit_parameters"),
    "p31mg.io": ("read", "write"),
    "p31mg.io.maps": ("write_maps",),
    "p31mg.magnesium": (
        "BetaShiftCalibration",
        "Calibration",
        "EnergeticsResult",
        "MagnesiumComparison",
        "MagnesiumResult",
        "PhResult",
        "TwoSiteCalibration",
        "calibrate",
        "calibrations",
        "concentrations_mM",
        "energetics",
        "free_magnesium",
        "ph_from_pi",
        "time_course",
        "write_calibration",
    ),
    "p31mg.prior": ("Prior", "Resonance", "import_prior", "load_prior", "priors", "write_prior"),
    "p31mg.simulation": ("SimulatedSpectra", "Truth", "simulate"),
    "p31mg.study": ("batch",),
}
_ROOMS = ("plot", "preprocess")
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Acquisition",
    "Associations",
    "BetaShiftCalibration",
    "Calibration",
    "CohortResult",
    "EnergeticsResult",
    "FitResult",
    "FitStatus",
    "InputError",
    "MagnesiumComparison",
    "MagnesiumResult",
    "MissingMetadataError",
    "P31mgError",
    "P31mgWarning",
    "PhResult",
    "PowerResult",
    "Prior",
    "PriorKnowledgeError",
    "ProcessingStep",
    "Quality",
    "ReadError",
    "Resonance",
    "SimulatedCohort",
    "SimulatedSpectra",
    "Spectra",
    "Truth",
    "TwoSiteCalibration",
    "UnknownNameError",
    "UnsupportedFormatError",
    "WriteError",
    "__version__",
    "batch",
    "calibrate",
    "calibrations",
    "cohort",
    "concentrations_mM",
    "energetics",
    "fit",
    "free_magnesium",
    "import_prior",
    "lmfit_parameters",
    "load_prior",
    "ph_from_pi",
    "plot",
    "power",
    "preprocess",
    "priors",
    "read",
    "simulate",
    "simulate_cohort",
    "time_course",
    "write",
    "write_calibration",
    "write_maps",
    "write_prior",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that ``import p31mg`` stays light."""
    if name in _ROOMS:
        return importlib.import_module(f"p31mg.{name}")
    if name not in _MODULE_OF:
        msg = f"module 'p31mg' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
