"""What an error of 0.01 ppm in the shift costs, by calibration and concentration: the figure of docs/choosing-a-calibration.md.

Run: python examples/plot_cost_of_a_hundredth_ppm.py [file.png]
"""

from __future__ import annotations

import sys

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.plot.style import RESONANCE

CONCENTRATIONS_MM = (0.3, 0.5, 1.0)
STEP_PPM = 0.01
LABEL_PLACES = {"gupta-1978": (7, -4), "gupta-1984": (6, -12), "iotti-1996": (-6, 5)}

figure, (relative, absolute) = plt.subplots(1, 2, figsize=(10.0, 4.2), layout="constrained")

# left: per cent of Mg2+ for each 0.01 ppm, by every calibration
mg_mM = np.geomspace(0.1, 1.6, 300)
at_mM = np.array(CONCENTRATIONS_MM)
for colour, calibration in zip(RESONANCE, p31mg.calibrations().values(), strict=False):

    def percent(mg: np.ndarray, calibration: p31mg.Calibration = calibration) -> np.ndarray:
        return 100 * STEP_PPM * np.abs(calibration.slope_mM_per_ppm(calibration.shift_ppm(mg))) / mg

    relative.plot(mg_mM, percent(mg_mM), color=colour, label=calibration.id)
    relative.plot(at_mM, percent(at_mM), "o", color=colour, markersize=4)
    for mg, value in zip(at_mM, percent(at_mM), strict=True):
        place = LABEL_PLACES[calibration.id]
        relative.annotate(
            f"{value:.1f}",
            (mg, value),
            textcoords="offset points",
            xytext=place,
            ha="left" if place[0] > 0 else "right",
            fontsize="small",
            color=colour,
        )
    print(calibration.id, *(f"{mg:g} mM {p:.1f} %" for mg, p in zip(at_mM, percent(at_mM), strict=True)))
relative.set_xscale("log")
relative.set_xticks([0.1, 0.2, 0.3, 0.5, 1.0, 1.5], ["0.1", "0.2", "0.3", "0.5", "1.0", "1.5"])
relative.minorticks_off()
relative.set_ylim(0, 25)
relative.set_xlabel("free Mg²⁺ (mM)")
relative.set_ylabel("% of Mg²⁺ for each 0.01 ppm")
relative.legend(frameon=False, fontsize="small")

# right: the 95 % interval as the sd of the shift grows
sd_ppm = np.linspace(0, 0.03, 301)
default = p31mg.calibrations()["gupta-1978"]
for colour, mg in zip(RESONANCE[2:], CONCENTRATIONS_MM, strict=False):
    shift = float(default.shift_ppm(mg))
    interval_mM = p31mg.free_magnesium(np.full(sd_ppm.shape, shift), sd_ppm=sd_ppm).interval_mM
    absolute.fill_between(sd_ppm, *interval_mM.clip(0, 10).T, color=colour, alpha=0.35, linewidth=0)
    absolute.axhline(mg, color=colour, linewidth=0.9, label=f"{mg:g} mM, {shift:.3f} ppm")
    low, high = p31mg.free_magnesium(shift, sd_ppm=STEP_PPM).interval_mM
    print(f"{mg:g} mM, sd {STEP_PPM} ppm: {low:.3f} to {high:.3f} mM")
absolute.axvline(STEP_PPM, color="0.5", linewidth=0.8, linestyle=":")
absolute.set_xlim(0, sd_ppm[-1])
absolute.set_ylim(0, 3)
absolute.set_xlabel("sd of δα − δβ (ppm)")
absolute.set_ylabel("95 % interval of free Mg²⁺ (mM)")
absolute.legend(framealpha=1, edgecolor="none", fontsize="small", loc="upper left", title="gupta-1978")

path = sys.argv[1] if len(sys.argv) > 1 else "cost-of-a-hundredth-ppm.png"
figure.savefig(path, dpi=110)
print(f"written: {path}")
