"""Where ATP is, and where its shift is, as free Mg2+ grows."""

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.magnesium.speciation import Conditions, species_fractions
from p31mg.plot.style import RESONANCE

MG_MM = np.geomspace(0.01, 10, 200)
fractions = species_fractions("ATP", Conditions(7.05), free_mg_mM=MG_MM)

figure, (species, shift) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for colour, (name, fraction) in zip(RESONANCE, fractions.items(), strict=False):
    species.semilogx(MG_MM, np.broadcast_to(fraction, MG_MM.shape), color=colour, label=name)
species.set_ylabel("fraction of ATP, pH 7.05")
species.legend(frameon=False, fontsize="small")
for colour, calibration in zip(RESONANCE[5:], ("gupta-1978", "gupta-1984"), strict=False):
    shift.semilogx(MG_MM, p31mg.calibrations()[calibration].shift_ppm(MG_MM), color=colour, label=calibration)
shift.set_ylabel("δα − δβ (ppm)")
shift.legend(frameon=False, fontsize="small")
for ax in (species, shift):
    ax.axvspan(0.3, 0.8, color="0.92", zorder=0)
    ax.set_xlabel("free Mg²⁺ (mM)")
