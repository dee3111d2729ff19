"""
From a file to free Mg2+ and a figure
=====================================

One spectrum, from the file to the concentration with its interval. On a file of your own::

    python plot_spectrum_to_magnesium.py sub-01_unloc.nii.gz
    python plot_spectrum_to_magnesium.py fid.txt fid.png --spectrometer-frequency 120 --spectral-width 10000 --begin-time 0.0003

Without a file a simulated spectrum is taken: muscle at 3 T with 0.5 mM free Mg2+. The figure goes to
``spectrum-to-magnesium.png``, or to the name that is given after the file.
"""

import argparse

import matplotlib.pyplot as plt

import p31mg

arguments = argparse.ArgumentParser(description="A spectrum to free Mg2+ and a figure.")
arguments.add_argument("file", nargs="?", help="Default: a simulated spectrum.")
arguments.add_argument("figure", nargs="?", default="spectrum-to-magnesium.png", help="Default: %(default)s")
arguments.add_argument("--spectrometer-frequency", type=float, metavar="MHZ", help="where the file does not state it")
arguments.add_argument("--spectral-width", type=float, metavar="HZ", help="where the file does not state it")
arguments.add_argument("--begin-time", type=float, metavar="S", help="where the file does not state it")
arguments.add_argument("--prior", default="muscle-3t", help="Default: %(default)s; p31mg prior show lists all.")
arguments.add_argument(
    "--calibration", default="gupta-1978", help="Default: %(default)s; p31mg calibrations lists all."
)
given = arguments.parse_args()

# %%
# Read
# ----
# A file says how it was acquired, or the user does: nothing is guessed.

if given.file:
    spectrum = p31mg.read(
        given.file,
        spectrometer_frequency_mhz=given.spectrometer_frequency,
        spectral_width_hz=given.spectral_width,
        begin_time_s=given.begin_time,
    )
else:
    spectrum = p31mg.simulate(free_mg_mM=0.5, prior=given.prior, snr=300, broadening_hz=3, seed=12)
print(spectrum)

# %%
# Fit, convert
# ------------
# The shift difference of α- and β-ATP comes with its sd from the joint covariance of all peaks, and Mg2+ with its interval.

fit = p31mg.fit(spectrum, prior=given.prior)
mg = p31mg.free_magnesium(fit, calibration=given.calibration)
print(fit)
print(mg)

# %%
# Look
# ----
# A residual without structure around α and β says that the model holds. Of a stack the first spectrum is drawn, and all of
# its shifts stand on the curve.

figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 9), height_ratios=[2, 1], layout="constrained")
p31mg.plot.fit(fit, index=(0,) * len(fit.batch_shape), ax=top)
p31mg.plot.calibration(mg, ax=bottom)
figure.savefig(given.figure, dpi=110)
