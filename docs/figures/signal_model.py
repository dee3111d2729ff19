"""A FID, its spectrum, and the multiplets that it is made of."""

import matplotlib.pyplot as plt

import p31mg
from p31mg.plot.style import DATA

spectrum = p31mg.simulate(free_mg_mM=0.5, prior="muscle-3t", snr=200, seed=3)
fit = p31mg.fit(spectrum)

figure, (time, ppm) = plt.subplots(2, 1, figsize=(8.5, 9), height_ratios=[1, 3.6], layout="constrained")
time.plot(1e3 * spectrum.time_s, spectrum.fid.real, color=DATA, linewidth=0.6)
time.set_xlim(0, 150)
time.set_xlabel("t (ms)")
time.set_ylabel("Re s(t)")
p31mg.plot.fit(fit, ax=ppm)
