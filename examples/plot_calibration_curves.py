"""
Published calibrations side by side
===================================

One shift, several concentrations: which calibration was used is part of every published value. Two of the packaged ones
read the difference of α- and β-ATP, one the distance of β-ATP from PCr.
"""

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.plot.style import DATA, RESONANCE

known = p31mg.calibrations()
colours = dict(zip(known, (RESONANCE[0], RESONANCE[5], RESONANCE[1]), strict=True))
print(known)

# %%
# The curves
# ----------
# Towards the lower limit of the first two, ATP that is all bound, the concentration runs to infinity, and its error with
# it.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
grid_mM = np.geomspace(0.08, 2.0, 200)
for name, calibration in known.items():
    ax = left if calibration.quantity == "shift_alpha_beta_ppm" else right
    ax.plot(calibration.shift_ppm(grid_mM), grid_mM, color=colours[name], linewidth=1.6, label=name)
    if np.isfinite(calibration.shift_range_ppm[0]) and ax is left:
        ax.axvline(calibration.shift_range_ppm[0], color=colours[name], linewidth=0.8, linestyle=":")
left.set(xlabel="δα − δβ (ppm)", xlim=(8.25, 9.1))
left.text(8.355, 0.1, "all ATP\nbound", fontsize="small", ha="left", color=RESONANCE[0])
right.set_xlabel("δβ − δPCr (ppm)")
right.invert_xaxis()
for ax in (left, right):
    ax.set(yscale="log", ylabel="free Mg²⁺ (mM)")
    ax.set_yticks([0.1, 0.2, 0.5, 1.0, 2.0], ["0.1", "0.2", "0.5", "1", "2"])
    ax.minorticks_off()
    ax.legend(frameon=False)
plt.show()

# %%
# The same spectra
# ----------------
# Six brains at 7 T through all three. The intervals are of the noise: they do not hold the choice, and people are compared
# within one calibration.

spectra = p31mg.simulate(np.linspace(0.12, 0.22, 6), prior="brain-7t", snr=400, seed=5, calibration="iotti-1996")
fit = p31mg.fit(spectra, prior="brain-7t")
compared = p31mg.free_magnesium(fit, calibration=list(known))
print(
    compared.to_dataframe()[["spectrum", *(f"{name}_free_mg_mM" for name in known), "spread"]]
    .round(3)
    .to_string(index=False)
)

figure, ax = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
x = np.arange(1, 7)
for place, (name, mg) in enumerate(compared.items()):
    bars = np.abs(mg.interval_mM.T - mg.free_mg_mM)
    ax.errorbar(x + 0.12 * (place - 1), mg.free_mg_mM, bars, fmt="o", color=colours[name], capsize=2, label=name)
ax.plot(x + 0.12, spectra.truth.free_mg_mM, "_", color=DATA, markersize=20, zorder=0, label="simulated (by iotti-1996)")
ax.set(xlabel="spectrum", ylabel="free Mg²⁺ (mM), 95 % interval of the noise", ylim=(0, None))
ax.legend(frameon=False, loc="upper left")
plt.show()
