"""The nuisances, each alone and all together, and the grid of fields and SNR."""

from __future__ import annotations

from nasty.simulator import Nuisance

__all__ = ["ALL", "FIELDS_T", "NUISANCES", "SNRS", "SNR_OF_BIAS"]

FIELDS_T = (3.0, 1.5, 7.0)
SNRS = (30, 45, 60, 80, 100, 150, 300, 600)
SNR_OF_BIAS = 300

ALL = Nuisance(
    begin_error_s=3e-4,
    gaussian_ppm=0.3,
    exponential_ppm=0.15,
    hump_area=5.0,
    nad_times=(0.0, 1.5),
    j_hz=(15.0, 20.0),
    drift_ppm=0.2,
    missing_points=(1, 8),
)

NUISANCES = {
    "clean": Nuisance(),
    "begin time ±0.3 ms": Nuisance(begin_error_s=ALL.begin_error_s),
    "Voigt": Nuisance(gaussian_ppm=ALL.gaussian_ppm),
    "asymmetric (exponential)": Nuisance(exponential_ppm=ALL.exponential_ppm),
    "asymmetric (shim z²)": Nuisance(quadratic_ppm=0.4),
    "hump 5x": Nuisance(hump_area=ALL.hump_area),
    "powder pattern 5x": Nuisance(powder_area=5.0),
    "NAD 0-1.5x": Nuisance(nad_times=ALL.nad_times),
    "J 15-20 Hz": Nuisance(j_hz=ALL.j_hz),
    "drift": Nuisance(drift_ppm=ALL.drift_ppm),
    "1-8 points missing": Nuisance(missing_points=ALL.missing_points),
    "all together": ALL,
}
"""The powder pattern is not among those that a goal is stated for, nor part of all together."""
