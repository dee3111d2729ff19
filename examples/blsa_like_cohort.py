"""A study like that of Cameron et al. 2019, end to end, in simulated people: spectra, fits, Mg2+, associations, figures.

441 people in whom the published associations hold for true muscle Mg2+. The table sets what was found, as measured and
corrected for the error of Mg2+, beside what true Mg2+ would have given in the same people.

Run: python examples/blsa_like_cohort.py [figure.png]
"""

from __future__ import annotations

import sys

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd

import p31mg

SNR = 250.0
MODELS = ["free_mg_mM ~ age", "free_mg_mM ~ strength_nm", "serum_mg_mM ~ age", "serum_mg_mM ~ strength_nm"]

people = p31mg.simulate_cohort(441, snr=SNR, seed=2019)
results = people.measured()  # p31mg.fit and p31mg.free_magnesium; p31mg.batch does it for a folder
found = p31mg.cohort(results, people.participants, MODELS, by="sex", compare="sex")

# the same with true Mg2+, which no study has
as_true = results.assign(free_mg_mM=people.truth["true_free_mg_mM"], sd_mM=0.0, sd_measurement_mM=0.0)
truth = p31mg.cohort(as_true, people.participants, MODELS, by="sex", compare="sex")

table = found.to_dataframe()
shown = pd.DataFrame(
    {
        "model": table["formula"],
        "people": table["group"],
        "n": table["n"],
        "true β": truth.to_dataframe()["beta"],
        "naive β": table["beta"],
        "corrected β": table["corrected_beta"],
        "95 % low": table["corrected_beta_low"],
        "high": table["corrected_beta_high"],
        "p of slope": table["corrected_p_value"],
        "true R²": truth.to_dataframe()["r2"],
        "naive R²": table["r2"],
        "corrected R²": table["corrected_r2"],
    }
)
print(shown.to_string(index=False, float_format=lambda v: f"{v:.3f}"))
men = found.groups.iloc[1]
print(
    f"\nmen less women: {men['difference_mM']:.3f} mM ({men['difference_low_mM']:.3f} to {men['difference_high_mM']:.3f}), "
    f"p {men['p_value']:.2g}, d {men['d']:.2f}, corrected {men['corrected_d']:.2f}, true {truth.groups.iloc[1]['d']:.2f}"
)
print(f"left out: {int(found.left_out['n'].sum())}; reliability of Mg2+ {table.loc[0, 'reliability']:.2f}")

figure, axes = plt.subplots(2, 2, figsize=(11.0, 8.0), layout="constrained")
for row, y in zip(axes, ("free_mg_mM", "serum_mg_mM"), strict=True):
    for ax, x in zip(row, ("age", "strength_nm"), strict=True):
        p31mg.plot.cohort(found, x, y, ax=ax)
path = sys.argv[1] if len(sys.argv) > 1 else "blsa-like-cohort.png"
figure.savefig(path, dpi=100)
print(f"written: {path}")
