"""
What a hundredth of a ppm costs
===============================

What an error of 0.01 ppm in the shift costs, by calibration and concentration: the figure of the page that helps to choose a
calibration. Run it with the name of a picture to write, or without.
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
ANYWHERE = (7, 5)


def percent(calibration: p31mg.Calibration, free_mg_mM: np.ndarray) -> np.ndarray:
    """Return how much 0.01 ppm changes free Mg2+, in per cent."""
    slope = calibration.slope_mM_per_ppm(calibration.shift_ppm(free_mg_mM))
    return 100 * STEP_PPM * np.abs(slope) / free_mg_mM


# %%
# Per cent of Mg2+ for each 0.01 ppm, by every calibration: the curves are bent, so the same error costs more where there is
# more magnesium.
figure, (relative, absolute) = plt.subplots(1, 2, figsize=(10.0, 4.2), layout="constrained")

grid = np.geomspace(0.1, 1.6, 300)
concentrations = np.array(CONCENTRATIONS_MM)
for colour, calibration in zip(RESONANCE, p31mg.calibrations().values(), strict=False):
    costs = percent(calibration, concentrations)
    relative.plot(grid, percent(calibration, grid), color=colour, label=calibration.id)
    relative.plot(concentrations, costs, "o", color=colour, markersize=4)
    for mg, value in zip(concentrations, costs, strict=True):
        place = LABEL_PLACES.get(calibration.id, ANYWHERE)
        relative.annotate(
            f"{value:.1f}",
            (mg, value),
            textcoords="offset points",
            xytext=place,
            ha="left" if place[0] > 0 else "right",
            fontsize="small",
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
        )
    print(calibration.id, *(f"{mg:g} mM {p:.1f} %" for mg, p in zip(concentrations, costs, strict=True)))
relative.set_xscale("log")
relative.set_xticks([0.1, 0.2, 0.3, 0.5, 1.0, 1.5], ["0.1", "0.2", "0.3", "0.5", "1.0", "1.5"])
relative.set_ylim(0, 25)
relative.set_xlabel("free Mg²⁺ (mM)")
relative.set_ylabel("% of Mg²⁺ for each 0.01 ppm")
relative.legend(frameon=False, fontsize="small")
relative.minorticks_off()

# %%
# The 95 % interval as the sd of the shift grows.
sd_ppm = np.linspace(0, 0.03, 301)
default = p31mg.calibrations()["gupta-1978"]
for colour, mg in zip(RESONANCE[2:], CONCENTRATIONS_MM, strict=False):
    shift = float(default.shift_ppm(mg))
    ends = p31mg.free_magnesium(np.full(sd_ppm.shape, shift), sd_ppm=sd_ppm).interval_mM
    absolute.fill_between(sd_ppm, *ends.clip(0, 10).T, color=colour, alpha=0.35, linewidth=0)
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
