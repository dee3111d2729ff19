"""
What the flags say of bad spectra
=================================

Six muscles with the same Mg2+, 0.5 mM, and what goes wrong with scans: each spectrum keeps its row, and the row says what
is doubtful about it.
"""

import matplotlib.pyplot as plt
import numpy as np

import p31mg

# %%
# Six scans
# ---------
# A good one; one with too little signal; one with a shim of 40 Hz; one whose header states a begin time that is 1 ms wrong;
# one whose points were read with the other sign of the imaginary part, so that the spectrum is mirrored; and an empty
# voxel.

TRUE_MG_MM = 0.5
good = p31mg.simulate(TRUE_MG_MM, prior="muscle-3t", snr=300, seed=1)
acquisition = good.acquisition
late = p31mg.Acquisition(
    spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz,
    dwell_time_s=acquisition.dwell_time_s,
    begin_time_s=acquisition.begin_time_s + 1e-3,
)
fids = {
    "as it should be": good.fid,
    "PCr SNR of 40": p31mg.simulate(TRUE_MG_MM, prior="muscle-3t", snr=40, seed=2).fid,
    "lines 40 Hz broader": p31mg.simulate(TRUE_MG_MM, prior="muscle-3t", snr=300, broadening_hz=40, seed=3).fid,
    "begin time 1 ms off": p31mg.simulate(TRUE_MG_MM, prior="muscle-3t", snr=300, acquisition=late, seed=4).fid,
    "mirrored": good.fid.conj(),
    "an empty voxel": good.fid - p31mg.simulate(TRUE_MG_MM, prior="muscle-3t").fid,
}
spectra = p31mg.Spectra(np.array(list(fids.values())), acquisition, axis_names=("scan",))

# %%
# One call, one row each
# ----------------------
# ``status`` says how the fit ended, the flags what is doubtful about one that ended well. ``mg_is_valid`` is the column to
# filter by.

fit = p31mg.fit(spectra, prior="muscle-3t")
mg = p31mg.free_magnesium(fit)
table = mg.to_dataframe()[["scan", "status", "free_mg_mM", "interval_low_mM", "interval_high_mM", "mg_is_valid"]]
flags = [", ".join(fit.quality.raised(i)) if fit.status[i] == p31mg.FitStatus.OK else "" for i in range(len(fids))]
print(table.assign(scan=list(fids), flags=flags).round(3).to_string(index=False))
for i, name in enumerate(fids):
    if fit.status[i] != p31mg.FitStatus.OK:
        print(f"{name}: {p31mg.FitStatus(fit.status[i]).message}")

# %%
# What the eye sees
# -----------------

figure, axes = plt.subplots(2, 3, figsize=(11, 8), layout="constrained")
for i, (name, ax) in enumerate(zip(fids, axes.flat, strict=True)):
    if np.isfinite(fit.amplitude[i]).all():
        drawn = p31mg.plot.fit(fit, i, ax)
        drawn.ax.get_legend().remove()
    else:
        ppm, spectrum = p31mg.preprocess.displayed(spectra[i])
        ax.plot(ppm, spectrum.real, color="#333333", linewidth=0.7)
        ax.set(xlim=(9, -19), xlabel="chemical shift from the carrier (ppm)", yticks=[], ylabel="real spectrum (a.u.)")
        ax.spines[["left", "right", "top"]].set_visible(False)
    verdict = "valid" if mg.is_valid[i] else flags[i] or p31mg.FitStatus(fit.status[i]).name
    found = f"{mg.free_mg_mM[i]:.2f} mM" if np.isfinite(mg.free_mg_mM[i]) else "no Mg²⁺"
    ax.set_title(f"{name}\n{found}: {verdict}", loc="left", fontsize="medium")
plt.show()
