"""From a file to free Mg2+ and a figure. Give a file of your own, or none to see a simulated one."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

import p31mg

if len(sys.argv) > 1:
    spectrum = p31mg.read(sys.argv[1])
else:
    spectrum = p31mg.simulate(free_mg_mM=0.5, prior="muscle-3t", snr=300, broadening_hz=3, seed=12)

fit = p31mg.fit(spectrum, prior="muscle-3t")
mg = p31mg.free_magnesium(fit, calibration="gupta-1978")
print(fit)
print(mg)

figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 9), height_ratios=[2, 1], layout="constrained")
p31mg.plot.fit(fit, ax=top)
p31mg.plot.calibration(mg, ax=bottom)
figure.savefig(Path("spectrum-to-magnesium.png"), dpi=110)
