"""The scatter of fitted shifts beside their Cramer-Rao bound, by SNR."""

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.plot.style import DATA, RESONANCE

SNR = np.array([40, 60, 80, 120, 200, 350, 600, 1000])
N_SPECTRA = 200

spectra = p31mg.simulate(np.full((len(SNR), N_SPECTRA), 0.5), prior="muscle-3t", snr=SNR[:, None], seed=5)
fit = p31mg.fit(spectra)
error = fit.shift_alpha_beta_ppm - spectra.truth.shift_alpha_beta_ppm
scatter = np.sqrt(np.nanmean(error**2, axis=1))
flagged = 100 * (1 - fit.is_valid.mean(axis=1))

figure, (top, bottom) = plt.subplots(2, 1, figsize=(7.5, 5), height_ratios=[2.4, 1], sharex=True, layout="constrained")
top.loglog(SNR, np.nanmedian(fit.crlb_shift_alpha_beta_ppm, axis=1), color=DATA, label="Cramér-Rao bound")
top.loglog(SNR, np.nanmedian(fit.sd_shift_alpha_beta_ppm, axis=1), "--", color=RESONANCE[0], label="reported sd")
top.errorbar(
    SNR, scatter, scatter / np.sqrt(2 * N_SPECTRA), fmt="o", color=RESONANCE[5], label=f"scatter of {N_SPECTRA} fits"
)
top.set_ylabel("sd of δα − δβ (ppm)")
top.legend(frameon=False)
bottom.semilogx(SNR, flagged, "o-", color="0.4")
bottom.set_xticks(SNR, [str(n) for n in SNR])
bottom.minorticks_off()
bottom.set_ylabel("flagged (%)")
bottom.set_xlabel("SNR of PCr")
