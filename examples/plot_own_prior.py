"""
Prior knowledge of your own
===========================

A hind limb with blood in it: beside the Pi of the cells, a second one of the blood at a higher pH. The packaged set does
not know it. A prior is a frozen dataclass: a copy with one resonance more is a prior of your own, in a script or in a file.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import p31mg
from p31mg.prior import advice, prior_toml

# %%
# One resonance more
# ------------------

muscle = p31mg.load_prior("muscle-3t")
second_pi = p31mg.Resonance(
    name="pi_extracellular",
    chemical_shift_ppm=5.25,
    shift_bounds_ppm=(5.1, 5.6),
    linewidth_hz=muscle["pi"].linewidth_hz,
    linewidth_bounds_hz=muscle["pi"].linewidth_bounds_hz,
    amplitude=0.12,
    source="own observation: pH 7.4 of blood",
)
cells = replace(muscle["pi"], shift_bounds_ppm=(4.0, 5.05))
others = tuple(r for r in muscle.resonances if r.name != "pi")
own = replace(muscle, name="limb-3t", description="Hind limb with blood.", resonances=(*others, cells, second_pi))
print(own)

# %%
# The same spectra with and without it
# ------------------------------------
# A peak that the model lacks is left over, and pulls what is near: here the Pi of the cells, and with it the pH.

spectra = p31mg.simulate(np.full(40, 0.5), prior=own, snr=400, ph=7.0, seed=6)
fits = {prior.name: p31mg.fit(spectra, prior=prior) for prior in (muscle, own)}
for name, fit in fits.items():
    mg = p31mg.free_magnesium(fit)
    print(
        f"{name}: pH {np.nanmean(mg.ph):.3f} ± {np.nanstd(mg.ph):.3f} (simulated 7.000), "
        f"free Mg2+ {np.nanmean(mg.free_mg_mM):.3f} mM (simulated 0.500), {int(mg.is_valid.sum())} of 40 valid"
    )

figure, axes = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
for ax, (name, fit) in zip(axes, fits.items(), strict=True):
    drawn = p31mg.plot.fit(fit, 0, ax)
    near = np.abs(drawn.data.get_xdata() - 5) < 2.5
    heights = np.concatenate([drawn.data.get_ydata()[near], drawn.residual.get_ydata()[near]])
    ax.set(xlim=(7.5, 2.5), ylim=(heights.min() - 0.02 * np.ptp(heights), heights.max() + 0.3 * np.ptp(heights)))
    for text in (*drawn.labels, *ax.texts):
        text.set(clip_on=True, in_layout=False)
    ax.set_title(f"{name}: Pi and its neighbours", loc="left", fontsize="medium")
plt.show()

# %%
# As a file
# ---------
# ``p31mg.write_prior(own, "limb.toml")`` writes it for ``--prior limb.toml`` and for colleagues; ``p31mg prior check
# limb.toml`` says what of a prior is likely to cost magnesium, as `p31mg.prior.advice` does here.

print(advice(own) or "no advice")
print(prior_toml(own)[:420], "...")
