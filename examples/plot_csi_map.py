"""
A map of magnesium from a CSI grid
==================================

A calf of two muscles in a grid of 12 × 10 voxels: the signal falls away from the coil, the field drifts across the leg, and
voxels outside hold noise. Each voxel has a row, and a map shows only what can be trusted.
"""

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.plot.style import DATA, MODEL

# %%
# The grid
# --------
# Mg2+ is 0.45 mM in one muscle and 0.65 mM in the other. PCr SNR falls from 400 at the coil, below, to 80 on the far side.

x, y = np.meshgrid(np.arange(12), np.arange(10), indexing="ij")
inside = ((x - 5.5) / 5.0) ** 2 + ((y - 4.5) / 4.2) ** 2 < 1
true_mg_mM = np.where(x < 6, 0.45, 0.65)
grid = p31mg.simulate(
    true_mg_mM[:, :, None],
    prior="muscle-3t",
    snr=(400 * np.exp(-y / 5.5))[:, :, None],
    frequency_offset_hz=(1.5 * (x - 5.5) + 0.8 * y)[:, :, None],
    broadening_hz=np.where(inside, 2.0, 4.0)[:, :, None],
    phase_rad=0.7,
    seed=7,
)
noise = p31mg.simulate(np.full(grid.batch_shape, 0.5), prior="muscle-3t", snr=1e-6, seed=8)
noise_fid = noise.fid * (grid.truth.noise_sd / noise.truth.noise_sd)[..., None]
fid = np.where(inside[:, :, None, None], grid.fid, noise_fid)
spectra = p31mg.Spectra(fid, grid.acquisition, axis_names=("x", "y", "z"))

# %%
# Fit all voxels at once
# ----------------------

fit = p31mg.fit(spectra, prior="muscle-3t")
mg = p31mg.free_magnesium(fit)
print(fit)
print(f"{int(inside.sum())} voxels in the leg; valid outside it: {int((mg.is_valid[:, :, 0] & ~inside).sum())}")
p31mg.plot.maps(fit, mg)
plt.show()

# %%
# Against the truth
# -----------------
# The two muscles are told apart by single voxels near the coil only; farther away it takes the mean of several.

figure, ax = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
valid = mg.is_valid[:, :, 0]
for muscle, colour, side in ((0.45, DATA, x < 6), (0.65, MODEL, x >= 6)):
    these = valid & side
    bars = np.abs(mg.interval_mM[:, :, 0].transpose(2, 0, 1) - mg.free_mg_mM[:, :, 0])[:, these]
    jitter = np.where(side, (x - 5.5) / 30, 0)[these]
    ax.errorbar(
        (y + 0.0)[these] + jitter, mg.free_mg_mM[these][:, 0], bars, fmt="o", markersize=4, color=colour, alpha=0.6,
        label=f"voxels of the muscle with {muscle} mM",
    )  # fmt: skip
    ax.axhline(muscle, color=colour, linewidth=1)
ax.set(xlabel="row of the grid, the coil at 0", ylabel="free Mg²⁺ (mM), 95 % interval", ylim=(0, 1.8))
ax.legend(frameon=False, loc="upper left")
plt.show()
