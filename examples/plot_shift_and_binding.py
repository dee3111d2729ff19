"""
What magnesium and pH do to ATP
===============================

Mg2+ binds to ATP, and protons and K+ compete with it. The α-β difference tells how much is bound: its whole range is the
way from free to bound ATP, and tissue lives on the last sixth of it.
"""

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.magnesium.speciation import CALIBRATION_CONDITIONS, Conditions, kd_ratio
from p31mg.plot.style import DATA, RESONANCE

calibration = p31mg.calibrations()["gupta-1978"]
free_mg_mM = np.geomspace(0.002, 10, 400)
PH = (6.4, 6.8, 7.2, 7.6)
colours = dict(zip(PH, (RESONANCE[5], RESONANCE[3], DATA, RESONANCE[0]), strict=True))

# %%
# Binding and shift
# -----------------
# At pH 7.2 the curve is that of the calibration; at another pH Kd is multiplied by what speciation says
# (``correct_kd=True``).

figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 4.4), layout="constrained")
for ph in PH:
    ratio = float(kd_ratio(Conditions(ph), CALIBRATION_CONDITIONS))
    shift = calibration.shift_ppm(free_mg_mM / ratio)
    bound = (calibration.atp_ppm - shift) / (calibration.atp_ppm - calibration.mgatp_ppm)
    left.plot(free_mg_mM, 100 * bound, color=colours[ph], label=f"pH {ph}: Kd {calibration.kd_uM * ratio:.0f} µM")
    right.plot(free_mg_mM, shift, color=colours[ph], label=f"pH {ph}")
for ax in (left, right):
    ax.axvspan(0.2, 1.0, color="0.92", zorder=0)
    ax.set(xscale="log", xlabel="free Mg²⁺ (mM)", xlim=(0.002, 10))
    ax.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
left.set_ylabel("ATP that is bound to Mg²⁺ (%)")
left.legend(frameon=False, loc="upper left")
right.set_ylabel("δα − δβ (ppm)")
left.annotate("tissue", (0.45, 3), ha="center", fontsize="small")
inset = right.inset_axes((0.56, 0.45, 0.42, 0.5))
near = (free_mg_mM > 0.2) & (free_mg_mM < 1)
for ph in PH:
    ratio = float(kd_ratio(Conditions(ph), CALIBRATION_CONDITIONS))
    inset.plot(free_mg_mM[near], calibration.shift_ppm(free_mg_mM[near] / ratio), color=colours[ph])
inset.set_title("tissue, the same axes", loc="left", fontsize="small")
inset.tick_params(labelsize="small")
plt.show()

# %%
# What it costs to leave pH out
# -----------------------------
# The same shift at another pH, with Kd as published and with Kd corrected: at the pH of hard exercise Mg2+ is half as much
# again.

shift_ppm = float(calibration.shift_ppm(0.5))
ph = np.linspace(6.3, 7.6, 60)
corrected = p31mg.free_magnesium(np.full(ph.shape, shift_ppm), ph=ph, correct_kd=True)
published = p31mg.free_magnesium(np.full(ph.shape, shift_ppm), ph=ph)
figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
ax.plot(ph, published.free_mg_mM, color=DATA, linestyle="--", label="Kd as published (pH 7.2)")
ax.plot(ph, corrected.free_mg_mM, color=RESONANCE[0], label="Kd corrected to the pH")
ax.set(xlabel="pH", ylabel="free Mg²⁺ (mM)", ylim=(0, None))
ax.set_title(f"δα − δβ = {shift_ppm:.3f} ppm", loc="left", fontsize="medium")
ax.legend(frameon=False)
plt.show()
