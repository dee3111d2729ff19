"""
A calibration of your own
=========================

Solutions of known free Mg2+ were measured on the scanner that will measure people. What is fitted to them is a calibration
with errors, and these are in every interval of Mg2+ that comes from it.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.plot.style import DATA, RESONANCE

# %%
# The titration
# -------------
# Nine solutions at pH 7.2 and 37 °C, each a spectrum; the shifts come from fits, as they will in people. β-ATP without Mg2+
# lies where it never is in tissue: its window in the prior is opened.

free_mg_mM = np.array([0.01, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0, 5.0])
of_the_lab = p31mg.TwoSiteCalibration(id="of-the-lab", atp_ppm=10.85, mgatp_ppm=8.32, kd_uM=42.0)
solutions = p31mg.simulate(free_mg_mM, prior="muscle-3t", calibration=of_the_lab, snr=600, seed=9)
muscle = p31mg.load_prior("muscle-3t")
opened = {"beta_atp": (-19.0, -15.4)}
wide = replace(
    muscle,
    resonances=tuple(replace(r, shift_bounds_ppm=opened.get(r.name, r.shift_bounds_ppm)) for r in muscle.resonances),
)
fit = p31mg.fit(solutions, prior=wide)
print(
    fit.to_dataframe()[["spectrum", "status", "shift_alpha_beta_ppm", "sd_shift_alpha_beta_ppm"]]
    .round(4)
    .to_string(index=False)
)

# %%
# Fit, and look at what is left over
# ----------------------------------

own = p31mg.calibrate(
    fit.shift_alpha_beta_ppm,
    free_mg_mM,
    sd=fit.sd_shift_alpha_beta_ppm,
    id="own-phantom",
    source="nine solutions, simulated",
    ph=7.2,
    temperature_c=37.0,
    ionic_strength_M=0.15,
    potassium_M=0.15,
)
print(own)
p31mg.plot.titration(own)
plt.show()

# %%
# In use
# ------
# ``p31mg.write_calibration(own, "own.toml")`` keeps it; ``calibration="own.toml"`` and ``--calibration own.toml`` take it.
# Of the error of one person the shift has most; of the error of a group's mean, which all people share, the calibration.

shift_ppm = own.shift_ppm(np.linspace(0.25, 1.0, 60))
mg = p31mg.free_magnesium(shift_ppm, sd_ppm=0.013, calibration=own)
figure, ax = plt.subplots(figsize=(7, 4.3), layout="constrained")
ax.plot(mg.free_mg_mM, mg.sd_mM, color=DATA, linewidth=3, alpha=0.4, label="all of it")
ax.plot(mg.free_mg_mM, mg.sd_measurement_mM, color=RESONANCE[0], label="of the shift, ± 0.013 ppm (SNR 300)")
ax.plot(mg.free_mg_mM, mg.sd_calibration_mM, color=RESONANCE[5], label="of the calibration's constants")
ax.set(xlabel="free Mg²⁺ (mM)", ylabel="sd of free Mg²⁺ (mM)", yscale="log")
ax.legend(frameon=False)
plt.show()
