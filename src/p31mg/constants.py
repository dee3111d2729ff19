"""Literature values that more than one part of the package uses, with unit, source and range."""

from __future__ import annotations

from typing import Final

__all__ = [
    "BODY_TEMPERATURE_C",
    "LARMOR_FREQUENCY_31P_MHZ_PER_T",
    "PLAUSIBLE_PH",
    "PLAUSIBLE_SHIFT_ALPHA_BETA_PPM",
    "PLAUSIBLE_TEMPERATURE_C",
    "RESONANT_NUCLEUS",
]

RESONANT_NUCLEUS: Final = "31P"
"""The only nucleus that `p31mg` fits."""

BODY_TEMPERATURE_C: Final = 37.0
"""Temperature of the published in-vivo calibrations, degrees Celsius."""

PLAUSIBLE_PH: Final = (5.0, 9.0)
"""Outside this range a tissue pH is a mistake, not a measurement."""

PLAUSIBLE_TEMPERATURE_C: Final = (0.0, 60.0)
"""Outside this range a sample temperature is a mistake: most often kelvin."""

PLAUSIBLE_SHIFT_ALPHA_BETA_PPM: Final = (8.32, 10.91)
"""Shift difference of fully Mg-bound and of Mg-free ATP, ppm: the widest limits of Gupta, Benovic & Rose 1978
(J Biol Chem 253:6172-6176) and Gupta, Gupta & Moore 1984 (Annu Rev Biophys Bioeng 13:221-246). No concentration of
magnesium gives a shift outside."""

LARMOR_FREQUENCY_31P_MHZ_PER_T: Final = 17.235
"""Gyromagnetic ratio of 31P over 2 pi, MHz/T: the proton's 42.577 times the frequency ratio 0.40480742 of IUPAC
(Harris et al. 2001, Pure Appl Chem 73:1795-1818, doi:10.1351/pac200173111795)."""
