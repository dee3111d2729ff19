"""What preparation before the fit costs and gains: the numbers that ``docs/preprocessing.md`` quotes.

Run with ``make validate-preprocess``; some minutes. Simulated muscle spectra at 3 T with known truth: transients that drift,
coils with correlated noise, a phantom of 20 times PCr, and fits of what should not be fitted.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core, before NumPy loads

import time
import warnings

import numpy as np

import p31mg
from p31mg.preprocess import apodise, average_transients, combine_coils, remove_peaks, zero_fill

N_TRANSIENTS = 64
N_STUDIES = 60
N_POINTS = 2048


def noise(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return complex noise of unit sd per component."""
    return rng.standard_normal((*shape, 2)).view(np.complex128)[..., 0]


def clean(n: int, rng: np.random.Generator) -> tuple[p31mg.SimulatedSpectra, float]:
    """Return spectra of random magnesium without noise, and the noise sd at which their PCr has SNR 1."""
    mg, broadening = rng.uniform(0.25, 1.2, n), rng.uniform(-2, 6, n)
    spectra = p31mg.simulate(mg, broadening_hz=broadening, n_points=N_POINTS)
    return spectra, p31mg.simulate(0.5, snr=1.0, n_points=N_POINTS).truth.noise_sd


def drifts(kind: str, rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies (Hz) and phases (rad) of transients."""
    place = np.linspace(-0.5, 0.5, shape[1])
    breath = np.sin(2 * np.pi * (np.arange(shape[1]) * 0.37 + rng.uniform(0, 1, (shape[0], 1))))
    if kind == "none":
        return np.zeros(shape), np.zeros(shape)
    if kind == "drift":
        return np.broadcast_to(10.0 * place, shape), np.zeros(shape)
    if kind == "breathing":
        return 3.0 * breath, 0.6 * breath
    return rng.normal(0, 4.0, shape), rng.uniform(-np.pi, np.pi, shape)


def transients() -> None:
    """Print loss of SNR and errors of the shift after alignment, by drift and SNR of one transient."""
    print(f"{N_TRANSIENTS} transients, {N_STUDIES} studies")
    print(
        "drift      SNR of one  SNR lost %: plain  aligned  rows aligned  z sd: aligned  perfect  shift moved by alignment (ppm)"
    )
    for kind in ("none", "drift", "breathing", "random"):
        for snr in (40.0, 20.0, 10.0, 7.0, 5.0, 3.0):
            rng = np.random.default_rng(int(snr))
            spectra, unit = clean(N_STUDIES, rng)
            f, phase = drifts(kind, rng, (N_STUDIES, N_TRANSIENTS))
            turn = np.exp(1j * (phase[..., None] + 2 * np.pi * f[..., None] * spectra.time_s))
            signal = spectra.fid[:, None, :] * turn
            noisy = noise(rng, signal.shape) * unit / snr
            measured = p31mg.Spectra(signal + noisy, spectra.acquisition, ("person", "dyn"))
            perfect = p31mg.Spectra((measured.fid / turn).mean(axis=1), spectra.acquisition)
            mean = average_transients(measured)
            found = mean.history[-1].found
            undone = np.exp(
                -1j * (found["phase_rad"][..., None] + 2 * np.pi * found["frequency_hz"][..., None] * spectra.time_s)
            )
            kept = strength((found["weight"][..., None] * signal * undone).sum(axis=1), spectra.fid)
            kept /= np.sqrt(N_TRANSIENTS * (found["weight"] ** 2).sum(axis=1))
            plain = strength(signal.mean(axis=1), spectra.fid)
            aligned_fit, perfect_fit = p31mg.fit(mean), p31mg.fit(perfect)
            both = aligned_fit.is_valid & perfect_fit.is_valid
            moved = (aligned_fit.shift_alpha_beta_ppm - perfect_fit.shift_alpha_beta_ppm)[both]
            row = f"{kind:10s} {snr:10.0f} {100 * (1 - plain.mean()):17.2f} {100 * (1 - kept.mean()):8.2f}"
            z, z_perfect = errors(aligned_fit, spectra)[0], errors(perfect_fit, spectra)[0]
            row += f" {found['is_aligned'].mean():13.2f} {z:13.2f} {z_perfect:8.2f}"
            if both.sum() > 20:
                row += f" {moved.mean():9.4f} +- {moved.std() / np.sqrt(both.sum()):.4f}, sd {moved.std():.4f}"
                row += f" of {aligned_fit.sd_shift_alpha_beta_ppm[both].mean():.4f}"
            print(row, flush=True)


def strength(mean: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return how much of a signal is there, by the output of its best matched filter over frequency and phase."""
    n = 8 * truth.shape[-1]
    return np.abs(np.fft.fft(truth.conj() * mean, n)).max(axis=-1) / (np.abs(truth) ** 2).sum(axis=-1)


def errors(fit: p31mg.FitResult, truth: p31mg.SimulatedSpectra) -> tuple[float, tuple[float, float]]:
    """Return the sd of the z-score and the bias with its error, of valid rows."""
    error = fit.shift_alpha_beta_ppm - truth.truth.shift_alpha_beta_ppm
    valid = fit.is_valid
    if valid.sum() < 20:
        return np.nan, (np.nan, np.nan)
    z = error[valid] / fit.sd_shift_alpha_beta_ppm[valid]
    return float(z.std()), (float(error[valid].mean()), float(error[valid].std() / np.sqrt(valid.sum())))


def empty() -> None:
    """Print how often a stack of noise becomes a signal by alignment."""
    rng = np.random.default_rng(5)
    seen, aligned, n = 0, 0, 1000
    for _ in range(10):
        stack = p31mg.Spectra(
            noise(rng, (n // 10, N_TRANSIENTS, N_POINTS)), p31mg.simulate(0.5).acquisition, ("voxel", "dyn")
        )
        mean = average_transients(stack)
        aligned += int(mean.history[-1].found["is_aligned"].sum())
        seen += int((p31mg.fit(mean).status == p31mg.FitStatus.OK).sum())
    print(f"\nempty: of {n} stacks of noise {aligned} were aligned, {seen} fitted with status OK")


def coils() -> None:
    """Print SNR after combination over that of the combination with known sensitivities and noise."""
    print(
        "\ncoils  SNR of the whole  transients   SNR, % of the best: whitened SVD  without whitening  best single coil"
    )
    for n_coils in (8, 32, 64):
        for snr in (300.0, 100.0, 50.0):
            for n_transients in (1, 16):
                ratios = np.array([one_array(n_coils, snr, n_transients, seed) for seed in range(10)]).mean(axis=0)
                print(f"{n_coils:5d} {snr:17.0f} {n_transients:11d} {100 * ratios[0]:33.2f}", end="")
                print(f" {100 * ratios[1]:18.2f} {100 * ratios[2]:17.2f}", flush=True)


def one_array(n_coils: int, snr: float, n_transients: int, seed: int) -> tuple[float, float, float]:
    """Return SNR of ways to combine one simulated array, over that of the best."""
    rng = np.random.default_rng(seed)
    spectrum, unit = clean(1, rng)
    s = noise(rng, (n_coils,)) * np.geomspace(1, 0.1, n_coils)
    mixing = np.eye(n_coils) * rng.uniform(0.5, 2.0, n_coils) + 0.3 * noise(rng, (n_coils, n_coils)) / np.sqrt(n_coils)
    covariance = mixing @ mixing.conj().T
    best = np.sqrt((s.conj() @ np.linalg.solve(covariance, s)).real)
    scale = unit * best / snr * np.sqrt(n_transients)  # of the noise, so that all together have the SNR asked for
    signal = s[:, None, None] * spectrum.fid
    x = signal + scale * np.einsum("ij,jtn->itn", mixing, noise(rng, (n_coils, n_transients, N_POINTS)))
    found = combine_coils(p31mg.Spectra(x, spectrum.acquisition, ("coil", "dyn"))).history[-1].found
    measured = x[:, :, N_POINTS // 2 :].reshape(n_coils, -1)
    white = np.linalg.inv(measured @ measured.conj().T / measured.shape[1])
    u = np.linalg.svd(
        x.reshape(n_coils, -1) if n_transients == 1 else x[:, :, :512].reshape(n_coils, -1), full_matrices=False
    )[0][:, 0]

    def of(weights: np.ndarray) -> float:
        return float(np.abs(weights @ s) / np.sqrt((weights @ covariance @ weights.conj()).real) / best)

    single = max(np.abs(s) / np.sqrt(np.diagonal(covariance).real)) / best
    return of(found["sensitivity"].conj() @ white), of(u.conj()), float(single)


def phantom() -> None:
    """Print the effect of a phantom of 20 times PCr on the shift, before and after it is removed."""
    print("\nphantom of 20 times PCr: fitted with it | removed | never there; each: bias (ppm), z sd, valid")
    print("      at (ppm)  width (Hz)    SNR")
    for ppm, width in ((20.0, 3.0), (20.0, 10.0), (-28.0, 3.0), (12.0, 3.0)):
        for snr in (300.0, 100.0):
            rng = np.random.default_rng(9)
            spectra, unit = clean(N_STUDIES * 2, rng)
            fid = spectra.fid + noise(rng, spectra.fid.shape) * unit / snr
            hz = ppm * spectra.acquisition.spectrometer_frequency_mhz + rng.normal(0, 5, (len(fid), 1))
            line = 20 * np.exp(
                (2j * np.pi * hz - np.pi * width) * spectra.time_s + 1j * rng.uniform(0, 6.28, (len(fid), 1))
            )
            row = f"{ppm:14.0f} {width:11.0f} {snr:6.0f} |"
            both = p31mg.Spectra(fid + line, spectra.acquisition)
            for stack in (both, remove_peaks(both, [(ppm - 2, ppm + 2)]), p31mg.Spectra(fid, spectra.acquisition)):
                fit = p31mg.fit(stack)
                z, bias = errors(fit, spectra)
                row += f" {bias[0]:9.4f} +- {bias[1]:.4f} {z:5.2f} {fit.is_valid.mean():5.2f} |"
            print(row, flush=True)


def not_for_fits() -> None:
    """Print what apodisation and zero filling do to the errors of a fit, valid or not."""
    print("\nfitted all the same (SNR 200)   points  z sd  residual_ok  residual_ok with a begin time wrong by 0.2 ms")
    made = {
        "as measured": lambda s: s,
        "apodised, 5 Hz": lambda s: apodise(s, 5.0),
        "apodised, 10 Hz": lambda s: apodise(s, 10.0),
        "apodised, 20 Hz": lambda s: apodise(s, 20.0),
        "zero-filled twice": zero_fill,
        "zero-filled 4 times": lambda s: zero_fill(s, 4),
    }
    for n_points in (2048, 384):
        rng = np.random.default_rng(4)
        mg = rng.uniform(0.25, 1.2, 1000)
        truth = p31mg.simulate(mg, snr=200, seed=rng, n_points=n_points)
        a = truth.acquisition
        wrong = p31mg.Acquisition(
            spectrometer_frequency_mhz=a.spectrometer_frequency_mhz,
            dwell_time_s=a.dwell_time_s,
            begin_time_s=a.begin_time_s + 2e-4,
        )
        for name, make in made.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", p31mg.P31mgWarning)
                fit = p31mg.fit(make(p31mg.Spectra(truth.fid, a)))
                misfit = p31mg.fit(make(p31mg.Spectra(truth.fid, wrong)))
            z = (fit.shift_alpha_beta_ppm - truth.truth.shift_alpha_beta_ppm) / fit.sd_shift_alpha_beta_ppm
            row = f"{name:29s} {n_points:8d} {np.nanstd(z):5.2f} {fit.quality.residual_ok.mean():12.2f}"
            print(f"{row} {misfit.quality.residual_ok.mean():12.2f}", flush=True)


def speed() -> None:
    """Print the time of a large array."""
    rng = np.random.default_rng(0)
    one = p31mg.simulate(0.5, n_points=2048)
    turn = np.exp(2j * np.pi * np.linspace(-3, 3, 128)[:, None] * one.time_s)
    x = noise(rng, (64, 1, 1)) * (one.fid * turn) + 2 * noise(rng, (64, 128, 2048))
    array = p31mg.Spectra(x, one.acquisition, ("coil", "dyn"))
    start = time.perf_counter()
    combined = combine_coils(array)
    between = time.perf_counter()
    average_transients(combined)
    end = time.perf_counter()
    print(f"\n64 coils x 128 transients x 2048 points: coils {between - start:.2f} s, transients {end - between:.2f} s")


if __name__ == "__main__":
    transients()
    empty()
    coils()
    phantom()
    not_for_fits()
    speed()
