"""
Exercise and recovery
=====================

A calf works for two minutes and recovers for five, with a spectrum every twelve seconds. PCr falls and returns, Pi mirrors
it, pH first rises a little and then falls: with them the shift of Pi, the Kd of MgATP, and so what a shift of ATP says
about Mg2+.
"""

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.plot.style import MODEL

# %%
# What happens
# ------------
# PCr falls to 45 % and recovers with a time constant of 35 s; creatine kinase hands its phosphate to Pi. Free Mg2+ rises a
# little when pH falls.

time_s = 12.0 * np.arange(40)
work = (time_s >= 60) & (time_s < 180)
pcr = np.ones_like(time_s)
for i in range(1, len(time_s)):
    towards, tau_s = (0.40, 45.0) if work[i] else (1.0, 35.0)
    pcr[i] = towards + (pcr[i - 1] - towards) * np.exp(-12.0 / tau_s)
since_s = np.clip(time_s - 75, 0, None)
ph = (
    7.04
    + 0.04 * (pcr < 0.95) * work
    - 0.32 * (1 - np.exp(-since_s / 80)) * np.exp(-np.clip(time_s - 200, 0, None) / 110)
)
free_mg_mM = 0.55 + 0.25 * (7.04 - np.clip(ph, None, 7.04))

prior = p31mg.load_prior("muscle-3t")
amplitude = np.tile([r.amplitude for r in prior.resonances], (len(time_s), 1))
lost = amplitude[:, prior.index("pcr")] * (1 - pcr)
amplitude[:, prior.index("pcr")] -= lost
amplitude[:, prior.index("pi")] += lost
spectra = p31mg.simulate(free_mg_mM, prior=prior, snr=350 * pcr, ph=ph, amplitude=amplitude, seed=4)
spectra = p31mg.Spectra(spectra.fid, spectra.acquisition, axis_names=("dyn",))

# %%
# Fit, convert, draw
# ------------------
# pH is read from Pi of each spectrum. The simulator moves β-ATP by the calibration as published, whatever the pH, so Kd is
# taken as published here too; in people ``correct_kd=True`` belongs to a pH that changes.

fit = p31mg.fit(spectra, prior=prior)
mg = p31mg.free_magnesium(fit)
energy = p31mg.energetics(fit, mg)
course = p31mg.time_course(fit, mg, energy, time_s=time_s)
print(
    course[["time_s", "status", "free_mg_mM", "sd_mM", "ph", "pcr_mM", "pi_mM", "adp_uM"]]
    .iloc[::5]
    .round(3)
    .to_string(index=False)
)

drawn = p31mg.plot.series(course)
for name, truth in (("mg", free_mg_mM), ("ph", ph)):
    (line,) = drawn.axes[name].plot(time_s, truth, color=MODEL, linewidth=1.2, label="simulated")
    drawn.axes[name].legend(handles=[line], frameon=False, fontsize="small", loc="upper right")
for ax in drawn.axes.values():
    ax.axvspan(60, 180, color="0.92", zorder=0)
drawn.axes["mg"].set_title(
    "grey: exercise; bars: 95 % interval of Mg²⁺, sd of pH and ADP", loc="left", fontsize="medium"
)
plt.show()

# %%
# Means of a state
# ----------------
# One spectrum in twelve seconds cannot see a change of 0.05 mM. The mean of rest and of the end of exercise says more;
# weights are those of the errors.

for state, rows in (("rest", time_s < 60), ("end of exercise", (time_s >= 130) & (time_s < 190))):
    weight = rows * mg.is_valid / mg.sd_mM**2
    mean, sd = np.nansum(weight * mg.free_mg_mM) / np.nansum(weight), np.nansum(weight) ** -0.5
    print(f"{state}: {mean:.3f} ± {sd:.3f} mM, simulated {free_mg_mM[rows].mean():.3f} mM")
