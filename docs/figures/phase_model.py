"""What a wrong begin time does to the shift, by phase model."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.plot.style import RESONANCE

TRUE_S = 5e-4
STATED_S = TRUE_S + 1e-4 * np.linspace(-2, 2, 17)
MODELS = {"locked": 0.0, "begin-time": 2e-4, "free": 2e-4}

spectrum = p31mg.simulate(free_mg_mM=0.5, prior="muscle-3t", snr=300, seed=4)
truth_ppm = spectrum.truth.shift_alpha_beta_ppm
figure, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
for colour, (model, sd_s) in zip(RESONANCE, MODELS.items(), strict=False):
    fits = [
        p31mg.fit(
            p31mg.Spectra(spectrum.fid, replace(spectrum.acquisition, begin_time_s=t, sd_begin_time_s=sd_s)),
            phase_model=model,
        )
        for t in STATED_S
    ]
    error = np.array([f.shift_alpha_beta_ppm for f in fits]) - truth_ppm
    sd = np.array([f.sd_shift_alpha_beta_ppm for f in fits])
    wrong_ms = 1e3 * (STATED_S - TRUE_S)
    ax.plot(wrong_ms, error, color=colour, label=model)
    ax.fill_between(wrong_ms, error - sd, error + sd, color=colour, alpha=0.25, linewidth=0)
ax.axhline(0, color="0.5", linewidth=0.8)
ax.set_xlabel("stated minus true begin time (ms)")
ax.set_ylabel("error of δα − δβ (ppm)")
ax.legend(frameon=False, title="phase_model")
