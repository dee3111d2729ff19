"""
A cohort: magnesium, age and strength
=====================================

People in whom the published associations of muscle Mg2+ with age and strength hold (Cameron et al. 2019,
doi:10.3389/fphys.2019.01454), each with a spectrum. What the noise of the spectra takes from a slope is given back by the
errors of the fits. ``blsa_like_cohort.py`` is the same with all 441 people.
"""

import matplotlib.pyplot as plt

import p31mg

# %%
# People, spectra, fits
# ---------------------

people = p31mg.simulate_cohort(240, snr=200, seed=3, n_points=1024)
results = people.measured()
print(people)

# %%
# Associations
# ------------
# As measured, and corrected for the error of Mg2+; with true Mg2+, which no study has, below.

models = ["free_mg_mM ~ age", "free_mg_mM ~ strength_nm"]
found = p31mg.cohort(results, people.participants, models, by="sex")
as_true = results.assign(free_mg_mM=people.truth["true_free_mg_mM"], sd_mM=0.0, sd_measurement_mM=0.0)
truth = p31mg.cohort(as_true, people.participants, models, by="sex")
table = found.to_dataframe()[["formula", "group", "n", "beta", "corrected_beta", "reliability"]]
print(table.assign(true_beta=truth.to_dataframe()["beta"]).round(2).to_string(index=False))

# %%
# Figures
# -------

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
p31mg.plot.cohort(found, "age", "free_mg_mM", ax=left)
p31mg.plot.cohort(found, "strength_nm", "free_mg_mM", ax=right)
plt.show()
