"""
How noise becomes an error of magnesium
=======================================

The same muscle at 3 T is measured again and again, at seven signal-to-noise ratios and with the phase, the frequency and
the shim that scans have. Does the shift scatter as much as the Cramér-Rao bound allows, is there a bias, and do the
intervals of Mg2+ hold the truth as often as they say?
"""

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.plot.style import DATA, MODEL, RESONANCE

SNR = np.array([80, 110, 150, 220, 300, 600, 1200])
N = 200
TRUE_MG_MM = 0.5

# %%
# One call makes all spectra, one fits them: the SNR along the first axis, the repetitions along the second.

rng = np.random.default_rng(31)
shape = (len(SNR), N)
spectra = p31mg.simulate(
    np.full(shape, TRUE_MG_MM),
    prior="muscle-3t",
    snr=SNR[:, None],
    phase_rad=rng.uniform(-np.pi, np.pi, shape),
    frequency_offset_hz=rng.normal(0, 10, shape),
    broadening_hz=rng.gamma(2, 1.5, shape),
    seed=rng,
)
fit = p31mg.fit(spectra, prior="muscle-3t")
mg = p31mg.free_magnesium(fit)

# %%
# An error has the truth taken away. Each spectrum has a bound of its own, as each has its own shim: their root mean square
# is what the scatter can be at best. Rows that the fit flags are left out, and counted.

error_ppm = np.where(fit.is_valid, fit.shift_alpha_beta_ppm - spectra.truth.shift_alpha_beta_ppm, np.nan)
n = fit.is_valid.sum(axis=1)
scatter_ppm = np.nanstd(error_ppm, axis=1)
bound_ppm = np.sqrt(np.nanmean(np.where(fit.is_valid, fit.crlb_shift_alpha_beta_ppm, np.nan) ** 2, axis=1))
bias_ppm = np.nanmean(error_ppm, axis=1)
se_bias_ppm = scatter_ppm / np.sqrt(n)
low, high = mg.interval_mM[..., 0], mg.interval_mM[..., 1]
covered = np.where(fit.is_valid, (low <= TRUE_MG_MM) & (high >= TRUE_MG_MM), np.nan)
coverage = np.nanmean(covered, axis=1)
for row in zip(SNR, n, [N] * len(SNR), scatter_ppm, bound_ppm, bias_ppm, coverage, strict=True):
    print("SNR {:5d}: {} of {} used, scatter {:.4f}, bound {:.4f}, bias {:+.4f} ppm, coverage {:.1%}".format(*row))

# %%
# Scatter, bias, coverage
# -----------------------
# Bars are one standard error of what is drawn. At an SNR of PCr near 100 β-ATP stands 12 times above the noise, and now and
# then a peak of the noise beside it pulls the fit away: the scatter lies above the bound there, which knows small errors
# only.

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
left.plot(SNR, bound_ppm, color=MODEL, label="Cramér-Rao bound")
left.errorbar(
    SNR, scatter_ppm, scatter_ppm / np.sqrt(2 * n), fmt="o", color=DATA, capsize=2, label="scatter of the fits"
)
left.set(xscale="log", yscale="log", ylabel="sd of δα − δβ (ppm)")
left.set_yticks([0.003, 0.01, 0.03], ["0.003", "0.01", "0.03"])
left.legend(frameon=False)
middle.axhline(0, color=MODEL, linewidth=0.9)
middle.errorbar(SNR, 1e3 * bias_ppm, 1e3 * se_bias_ppm, fmt="o", color=DATA, capsize=2)
middle.set(xscale="log", ylabel="bias of δα − δβ (10⁻³ ppm)")
right.axhline(95, color=MODEL, linewidth=0.9, label="as stated")
right.errorbar(
    SNR,
    100 * coverage,
    100 * np.sqrt(coverage * (1 - coverage) / n),
    fmt="o",
    color=RESONANCE[0],
    capsize=2,
    label="found",
)
right.set(xscale="log", ylim=(80, 100), ylabel="95 % intervals that hold 0.5 mM (%)")
right.legend(frameon=False, loc="lower right")
for ax in (left, middle, right):
    ax.set_xticks(SNR, [f"{snr}" for snr in SNR])
    ax.minorticks_off()
    ax.set_xlabel("PCr SNR (matched filter)")
plt.show()
