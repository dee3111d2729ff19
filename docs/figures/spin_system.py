"""The lines of beta-ATP at three fields, first order beside exact."""

import matplotlib.pyplot as plt
import numpy as np

from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T
from p31mg.plot.style import RESONANCE
from p31mg.prior.spin_system import spin_lines

J_HZ = 16.0
SHIFTS_PPM = np.array([-7.53, -16.08, -2.45])  # alpha, beta, gamma
BETA = 1
LINEWIDTH_HZ = 8.0  # lines much closer than this are one

figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True, layout="constrained")
for ax, field_t in zip(axes, (1.5, 3.0, 7.0), strict=True):
    shift_hz = SHIFTS_PPM * field_t * LARMOR_FREQUENCY_31P_MHZ_PER_T
    lines = spin_lines(shift_hz, np.array([J_HZ, 0.0, J_HZ]))  # alpha-beta, alpha-gamma, beta-gamma
    own = lines.multiplet(BETA, LINEWIDTH_HZ)
    ax.vlines([-J_HZ, 0, J_HZ], 0, [0.25, 0.5, 0.25], color="0.75", linewidth=7, label="first order")
    ax.vlines(
        own.frequency_hz - shift_hz[BETA], 0, own.weight.sum(axis=1), color=RESONANCE[0], linewidth=2, label="exact"
    )
    ax.set_title(f"{field_t:g} T")
    ax.set_xlim(25, -25)
    ax.set_ylim(0, 0.6)
    ax.set_xlabel("Hz from the Larmor frequency of β")
axes[0].set_ylabel("weight")
axes[0].legend(frameon=False, loc="upper left")
