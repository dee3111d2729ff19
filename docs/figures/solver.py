"""How many evaluations a spectrum needs, by SNR."""

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.plot.style import RESONANCE

SNR = (60, 150, 600)
N_SPECTRA = 500

figure, ax = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for i, (colour, snr) in enumerate(zip(RESONANCE, SNR, strict=False)):
    mg = np.random.default_rng(1).uniform(0.3, 0.9, N_SPECTRA)
    fit = p31mg.fit(p31mg.simulate(mg, prior="muscle-3t", snr=snr, seed=2))
    counts = np.bincount(fit.n_evaluations, minlength=16)[:16]
    ax.bar(np.arange(16) + 0.27 * (i - 1), 100 * counts / N_SPECTRA, width=0.27, color=colour, label=f"SNR {snr}")
ax.set_xlim(1.5, 14.5)
ax.set_xlabel("evaluations of model and Jacobian")
ax.set_ylabel(f"% of {N_SPECTRA} spectra")
ax.legend(frameon=False)
