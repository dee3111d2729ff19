"""How far the error bars of a fit can be believed: the numbers that README, docstrings and notes quote.

Run with ``make validate``; about two minutes. Prints, for simulated muscle spectra at 3 T with random magnesium, phase,
offset and broadening: z-scores and coverage by SNR; coverage by the SNR of beta-ATP, whatever the flags say; and the
demo over other seeds.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core, before NumPy loads

import numpy as np

import p31mg
from p31mg.cli.demo_command import _people

N_SPECTRA = 3000
WITHIN_95 = 1.959964


def simulated(snr: float, seed: int) -> p31mg.SimulatedSpectra:
    """Return spectra of one SNR and random everything else."""
    rng = np.random.default_rng(seed)
    return p31mg.simulate(
        rng.uniform(0.25, 1.2, N_SPECTRA),
        prior="muscle-3t",
        snr=snr,
        seed=rng,
        frequency_offset_hz=rng.uniform(-25, 25, N_SPECTRA),
        phase_rad=rng.uniform(-np.pi, np.pi, N_SPECTRA),
        broadening_hz=rng.uniform(-2, 10, N_SPECTRA),
    )


def z_scores(spectra: p31mg.SimulatedSpectra, fit: p31mg.FitResult) -> np.ndarray:
    """Return the error of the shift over its sd."""
    return (fit.shift_alpha_beta_ppm - spectra.truth.shift_alpha_beta_ppm) / fit.sd_shift_alpha_beta_ppm


def by_snr() -> None:
    """Print z-scores of valid rows by SNR, and coverage by the SNR of beta whatever the flags say."""
    print("PCr SNR  valid  z mean   z sd  within 95 %  scatter/rms sd")
    beta_snr, z_all = [], []
    for snr in (1000, 600, 300, 200, 100, 80, 60, 50, 40, 30):
        spectra = simulated(snr, seed=snr)
        fit = p31mg.fit(spectra)
        z, valid, fitted = z_scores(spectra, fit), fit.is_valid, fit.status == p31mg.FitStatus.OK
        beta_snr.append(fit.snr_resonance[fitted, fit.names.index("beta_atp")])
        z_all.append(z[fitted])
        if valid.mean() < 0.05:
            print(f"{snr:7d}  {valid.mean():5.3f}")
            continue
        sd = fit.sd_shift_alpha_beta_ppm[valid]
        ratio = (z[valid] * sd).std() / np.sqrt((sd**2).mean())
        within = (np.abs(z[valid]) < WITHIN_95).mean()
        print(
            f"{snr:7d}  {valid.mean():5.3f}  {z[valid].mean():6.3f}  {z[valid].std():5.3f}  {within:11.3f}  {ratio:14.3f}"
        )
    print("\nbeta SNR    spectra  within 95 %   z sd  beyond 4 sd")
    snr_of_beta, z = np.concatenate(beta_snr), np.concatenate(z_all)
    for low, high in (
        (4, 5),
        (5, 6),
        (6, 7),
        (7, 8),
        (8, 9),
        (9, 10),
        (10, 12),
        (12, 14),
        (14, 17),
        (17, 25),
        (25, 200),
    ):
        part = z[(snr_of_beta > low) & (snr_of_beta <= high)]
        within, far = (np.abs(part) < WITHIN_95).mean(), (np.abs(part) > 4).mean()
        print(f"{low:3d} to {high:3d}  {part.size:9d}  {within:11.3f}  {part.std():5.2f}  {far:11.4f}")


def demos(n: int = 200) -> None:
    """Print how the demo fares with other seeds."""
    held, errors = [], []
    for seed in range(n):
        people = _people(seed)
        fit = p31mg.fit(people)
        low, high = np.moveaxis(p31mg.free_magnesium(fit).interval_mM, -1, 0)
        held.append(((low <= people.truth.free_mg_mM) & (people.truth.free_mg_mM <= high)).mean())
        error = np.abs(fit.shift_alpha_beta_ppm - people.truth.shift_alpha_beta_ppm)
        errors.append(np.median(error[people.truth.snr > 300]))
    print(
        f"\n{n} demos: {np.mean(held):.3f} of intervals hold the truth; {np.mean(np.array(held) >= 0.9):.3f} of demos reach 0.9;"
    )
    print(f"median error at SNR above 300: {np.mean(errors):.4f} ppm on average, {np.max(errors):.4f} in the worst")


if __name__ == "__main__":
    by_snr()
    demos()
