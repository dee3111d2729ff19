"""Spectra with known truth, point by point in the time domain. Nothing here comes from the package that is tested.

At the time t after the centre of the excitation, with the Larmor frequency f0,

    s(t) = exp(i phi + 2 pi i d t) { D(t) M(t) sum_l a_l exp((2 pi i f_l - pi L_l) t) + h(t) } + noise

* **Lines l**: singlets, and all 15 transitions of the three phosphorus spins of ATP from the eigenvectors of

      H = sum_i nu_i Iz_i + J_ab I_a . I_b + J_bg I_b . I_g

  with intensities <m|F+|n> sum_i a_i <m|I+_i|n>, where the pulse has left a_i of spin i. Each transition has the width of its
  spins by their share in it. The truth, delta(alpha) - delta(beta), is between the Larmor frequencies nu of the spins.
* **D(t)**, the transform of the distribution of the field over the voxel, in Hz the same for all lines: a Gaussian; a one-sided
  exponential of scale tau, exp(-2 pi i tau t) / (1 - 2 pi i tau t); what a quadratic shim leaves, c z^2 over an evenly filled
  voxel. Its mean is zero: an asymmetric field moves all lines alike. (The Lorentzian part is in L.)
* **M(t)**, the mean of the transients when the field drifts and the phase jitters between them.
* **h(t)**, a broad component: a Gaussian, or the powder pattern of phospholipids in membranes (axial anisotropy).

Noise is white with one sd per component: that at which the matched filter sees PCr, with its real shape, at the SNR asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

__all__ = ["NAMES", "Nuisance", "Simulated", "Tissue", "draw", "measure", "shift_alpha_beta_ppm", "signal"]

HZ_PER_TESLA = 17.235e6
"""31P; Harris et al. 2001, Pure Appl Chem 73:1795."""

NAMES = ("pcr", "pi", "pde", "pme", "gamma_atp", "alpha_atp", "beta_atp", "nad")
PCR, PI, PDE, PME, GAMMA, ALPHA, BETA, NAD = range(8)
SHIFT_PPM = np.array([0.0, 4.9, 2.95, 6.6, -2.45, -7.53, -16.05, -8.22])
SHIFT_RANGE_PPM = np.array([0.0, 0.2, 0.05, 0.15, 0.05, 0.06, 0.0, 0.03])
AMPLITUDE = np.array([1.0, 0.14, 0.09, 0.05, 0.25, 0.25, 0.25, 0.04])
NATURAL_WIDTH_HZ = np.array([2.0, 4.0, 4.0, 8.0, 10.0, 10.0, 12.0, 10.0])
"""From T2 and exchange, the same at all fields; the field's own part is in ppm."""
FIELD_WIDTH_PPM = (0.06, 0.25)
FREE_MG_MM = (0.3, 0.9)

SPECTRAL_WIDTH_PPM = 100.0
BEGIN_TIME_S = 5e-4
N_POINTS = 2048
BLOCK = 64
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(64)
NODES, NODE_WEIGHTS = (NODES + 1) / 2, NODE_WEIGHTS / 2


@dataclass(frozen=True)
class Nuisance:
    """What is wrong with the spectra; every draw is even over the range given. The default is a clean spectrum."""

    begin_error_s: float = 0.0
    """Stated minus true begin time, up to this either way."""
    gaussian_ppm: float = 0.0
    """FWHM of the Gaussian part of the field, up to this."""
    exponential_ppm: float = 0.0
    """Scale of the one-sided part, up to this either way."""
    quadratic_ppm: float = 0.0
    """Range of the field of a quadratic shim, up to this either way."""
    hump_area: float = 0.0
    """Area of a broad Gaussian over that of PCr, a fifth of this to this."""
    powder_area: float = 0.0
    """The same of a powder pattern."""
    nad_times: tuple[float, float] = (1.0, 1.0)
    """Area of NAD over 0.04 of PCr. Where it varies, it is the quartet of NAD+ with up to a third of NADH, not one line."""
    j_hz: tuple[float, float] = (16.0, 16.0)
    """J(alpha-beta). Where it varies, J(beta-gamma) is up to 1 Hz smaller."""
    drift_ppm: float = 0.0
    """From the first transient to the last, up to this either way; the phase then jitters by 10 degrees (sd)."""
    missing_points: tuple[int, int] = (0, 0)
    """First points that are not there; the begin time that is stated knows of them."""


@dataclass(frozen=True)
class Tissue:
    """Everything that makes a signal: of each resonance (B, 8), of each transient (B, T), otherwise (B,)."""

    shift_ppm: np.ndarray
    width_hz: np.ndarray
    amplitude: np.ndarray
    phase_rad: np.ndarray
    offset_ppm: np.ndarray
    j_ab_hz: np.ndarray
    j_bg_hz: np.ndarray
    begin_time_s: np.ndarray
    gaussian_hz: np.ndarray
    exponential_hz: np.ndarray
    quadratic_hz: np.ndarray
    hump_area: np.ndarray
    hump_width_hz: np.ndarray
    hump_shift_ppm: np.ndarray
    powder_area: np.ndarray
    nad_splitting_ppm: np.ndarray
    nadh_share: np.ndarray
    transient_offset_hz: np.ndarray
    transient_phase_rad: np.ndarray
    free_mg_mM: np.ndarray

    def __getitem__(self, rows: Any) -> Tissue:
        return Tissue(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def __len__(self) -> int:
        return len(self.phase_rad)

    def but(self, **changes: Any) -> Tissue:
        """Return the same with something else."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Simulated:
    """Spectra of one field, with what was stated of them and what is true. `transients` is None unless asked for."""

    fid: np.ndarray
    spectrometer_frequency_mhz: float
    dwell_time_s: float
    stated_begin_time_s: np.ndarray
    noise_sd: np.ndarray
    snr: np.ndarray
    tissue: Tissue
    transients: np.ndarray | None = None

    @property
    def shift_alpha_beta_ppm(self) -> np.ndarray:
        """The truth."""
        return self.tissue.shift_ppm[:, ALPHA] - self.tissue.shift_ppm[:, BETA]


def frequency_mhz(field_t: float) -> float:
    """Return the Larmor frequency."""
    return HZ_PER_TESLA * field_t / 1e6


def dwell_time_s(field_t: float) -> float:
    """Return the dwell time of a spectral width of about 100 ppm."""
    return 1.0 / round(SPECTRAL_WIDTH_PPM * frequency_mhz(field_t))


def shift_alpha_beta_ppm(free_mg_mM: np.ndarray) -> np.ndarray:
    """Return the shift by Gupta 1978: 10.91 of free and 8.35 of Mg-bound ATP, Kd 0.038 mM."""
    bound = free_mg_mM / (free_mg_mM + 0.038)
    return 10.91 - (10.91 - 8.35) * bound


def draw(
    n: int,
    rng: np.random.Generator,
    *,
    field_t: float,
    nuisance: Nuisance = Nuisance(),
    free_mg_mM: np.ndarray | None = None,
    n_transients: int = 16,
) -> tuple[Tissue, np.ndarray]:
    """Return `n` rows of tissue under a nuisance, and the begin time that is stated of each."""
    f0, k = frequency_mhz(field_t), nuisance

    def either_way(largest: float) -> np.ndarray:
        return rng.uniform(-largest, largest, n)

    mg = rng.uniform(*FREE_MG_MM, n) if free_mg_mM is None else np.broadcast_to(free_mg_mM, n)
    shift = SHIFT_PPM + SHIFT_RANGE_PPM * rng.uniform(-1, 1, (n, 8))
    shift[:, BETA] = shift[:, ALPHA] - shift_alpha_beta_ppm(mg)
    width = NATURAL_WIDTH_HZ + f0 * rng.uniform(*FIELD_WIDTH_PPM, (n, 1))
    amplitude = np.tile(AMPLITUDE, (n, 1))
    amplitude[:, NAD] *= rng.uniform(*k.nad_times, n)
    j_varies, nad_varies = k.j_hz[0] < k.j_hz[1], k.nad_times[0] < k.nad_times[1]
    j_ab = rng.uniform(*k.j_hz, n)
    stated = BEGIN_TIME_S + dwell_time_s(field_t) * rng.integers(
        k.missing_points[0], k.missing_points[1], n, endpoint=True
    )
    when = np.linspace(-0.5, 0.5, n_transients)
    drifts = k.drift_ppm > 0
    tissue = Tissue(
        shift_ppm=shift,
        width_hz=width,
        amplitude=amplitude,
        phase_rad=either_way(np.pi),
        offset_ppm=either_way(0.5),
        j_ab_hz=j_ab,
        j_bg_hz=j_ab - rng.uniform(0, 1, n) * j_varies,
        begin_time_s=stated - either_way(k.begin_error_s),
        gaussian_hz=f0 * rng.uniform(0, k.gaussian_ppm, n),
        exponential_hz=f0 * either_way(k.exponential_ppm),
        quadratic_hz=f0 * either_way(k.quadratic_ppm),
        hump_area=k.hump_area * rng.uniform(0.2, 1, n),
        hump_width_hz=f0 * rng.uniform(12, 25, n),
        hump_shift_ppm=rng.uniform(-2, 4, n),
        powder_area=k.powder_area * rng.uniform(0.2, 1, n),
        nad_splitting_ppm=rng.uniform(0.15, 0.3, n) * nad_varies,
        nadh_share=rng.uniform(0, 1 / 3, n) * nad_varies,
        transient_offset_hz=f0 * either_way(k.drift_ppm)[:, None] * when,
        transient_phase_rad=rng.normal(0, np.radians(10), (n, n_transients)) * drifts,
        free_mg_mM=np.asarray(mg, dtype=float),
    )
    return tissue, stated


def signal(tissue: Tissue, field_t: float, n_points: int = N_POINTS) -> np.ndarray:
    """Return the signals without noise, averaged over the transients, (B, n_points)."""
    return _signal(tissue, field_t, n_points, range(8))


def pcr_norm(tissue: Tissue, field_t: float, n_points: int = N_POINTS) -> np.ndarray:
    """Return the norm of PCr alone: its matched-filter SNR is this over the noise sd."""
    alone = tissue.but(hump_area=np.zeros(len(tissue)), powder_area=np.zeros(len(tissue)))
    return np.linalg.norm(_signal(alone, field_t, n_points, (PCR,)), axis=-1)


def measure(
    tissue: Tissue,
    stated_begin_time_s: np.ndarray,
    snr: np.ndarray | float,
    rng: np.random.Generator,
    *,
    field_t: float,
    n_points: int = N_POINTS,
    keep_transients: bool = False,
) -> Simulated:
    """Return the spectra with noise; with `keep_transients` also what they are the mean of, (B, T, n_points)."""
    clean = signal(tissue, field_t, n_points)
    snr = np.broadcast_to(np.asarray(snr, dtype=float), len(tissue))
    noise_sd = pcr_norm(tissue, field_t, n_points) / snr
    transients = None
    if keep_transients:
        n_transients = tissue.transient_offset_hz.shape[1]
        transients = np.empty((len(tissue), n_transients, n_points), dtype=complex)
        for i in range(n_transients):
            one = tissue.but(
                transient_offset_hz=tissue.transient_offset_hz[:, [i]],
                transient_phase_rad=tissue.transient_phase_rad[:, [i]],
            )
            noise = _noise(rng, clean.shape) * (noise_sd * np.sqrt(n_transients))[:, None]
            transients[:, i] = signal(one, field_t, n_points) + noise
        fid = transients.mean(axis=1)
    else:
        fid = clean + noise_sd[:, None] * _noise(rng, clean.shape)
    return Simulated(
        fid, frequency_mhz(field_t), dwell_time_s(field_t), stated_begin_time_s, noise_sd, snr, tissue, transients
    )


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    noise = np.empty(shape, dtype=complex)
    noise.real, noise.imag = rng.standard_normal(shape), rng.standard_normal(shape)
    return noise


def _signal(tissue: Tissue, field_t: float, n_points: int, resonances: Any) -> np.ndarray:
    f0, dwell = frequency_mhz(field_t), dwell_time_s(field_t)
    start = tissue.begin_time_s
    lines = [_singlet(tissue, k, f0) for k in (PCR, PI, PDE, PME) if k in resonances]
    if ALPHA in resonances:
        lines += [atp_transitions(tissue, f0), _nad(tissue, f0)]
    frequency, width, area = (np.concatenate(part, axis=1) for part in zip(*lines, strict=True))
    out = exponentials(2j * np.pi * frequency - np.pi * width, area, start, dwell, n_points)
    time = start[:, None] + dwell * np.arange(n_points)
    out *= _field(tissue, time, start, dwell)
    out *= _averaging(tissue, start, dwell, n_points)
    out += _broad(tissue, f0, time, start, dwell)
    turned = exponentials(
        2j * np.pi * f0 * tissue.offset_ppm[:, None], np.exp(1j * tissue.phase_rad)[:, None], start, dwell, n_points
    )
    return out * turned


def exponentials(
    exponent: np.ndarray, weight: np.ndarray, start_s: np.ndarray, dwell_s: float, n_points: int
) -> np.ndarray:
    """Return sum_l weight_l exp(exponent_l t) of rows (B, L): point 64 a + b is a product of a factor of a and one of b."""
    coarse = start_s[:, None] + dwell_s * BLOCK * np.arange(-(-n_points // BLOCK))
    fine = dwell_s * np.arange(BLOCK)
    left = weight[:, None, :] * np.exp(exponent[:, None, :] * coarse[:, :, None])
    right = np.exp(exponent[:, :, None] * fine)
    return (left @ right).reshape(len(exponent), -1)[:, :n_points]


def _singlet(tissue: Tissue, k: int, f0: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return f0 * tissue.shift_ppm[:, [k]], tissue.width_hz[:, [k]], tissue.amplitude[:, [k]]


def _nad(tissue: Tissue, f0: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return NAD+ as the AB quartet of its two phosphates (J 20 Hz), and NADH as one line at -8.13 ppm."""
    j = np.where(tissue.nad_splitting_ppm > 0, 20.0, 0.0)
    difference = f0 * tissue.nad_splitting_ppm
    c = np.hypot(difference, j)
    sine = np.divide(j, c, out=np.zeros_like(j), where=c > 0)
    centre = f0 * (tissue.shift_ppm[:, NAD] - 0.09 * (tissue.nad_splitting_ppm > 0))
    frequency = np.stack([centre + s * c / 2 + q * j / 2 for s in (-1, 1) for q in (-1, 1)], axis=1)
    inner = np.stack([-s * q * sine for s in (-1, 1) for q in (-1, 1)], axis=1)
    quartet = (1 - tissue.nadh_share[:, None]) * (1 + inner) / 4
    frequency = np.concatenate([frequency, np.full((len(tissue), 1), -8.13 * f0)], axis=1)
    weight = np.concatenate([quartet, tissue.nadh_share[:, None]], axis=1)
    return frequency, np.repeat(tissue.width_hz[:, [NAD]], 5, axis=1), weight * tissue.amplitude[:, [NAD]]


UP = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1]]) == 0
"""The eight states of (alpha, beta, gamma), by total spin: none, one, two, three of them down."""
SHELLS = (slice(0, 1), slice(1, 4), slice(4, 7), slice(7, 8))


def atp_transitions(tissue: Tissue, f0: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frequency, width and area of the 15 transitions, (B, 15) each."""
    spins = [ALPHA, BETA, GAMMA]
    nu = f0 * tissue.shift_ppm[:, spins]
    z = np.where(UP, 0.5, -0.5)
    h = np.zeros((len(tissue), 8, 8))
    h[:, range(8), range(8)] = nu @ z.T
    for (i, k), j in (((0, 1), tissue.j_ab_hz), ((1, 2), tissue.j_bg_hz)):
        h[:, range(8), range(8)] += j[:, None] * z[:, i] * z[:, k]
        for a in range(8):
            for b in range(8):
                flipped = UP[a] != UP[b]
                if flipped.sum() == 2 and flipped[i] and flipped[k] and UP[a, i] != UP[a, k]:
                    h[:, a, b] += j / 2
    levels = [np.linalg.eigh(h[:, shell, shell]) for shell in SHELLS]
    raising = np.array(
        [
            [[UP[a, i] and not UP[b, i] and (UP[a] != UP[b]).sum() == 1 for b in range(8)] for a in range(8)]
            for i in range(3)
        ]
    )
    frequency, width, area = [], [], []
    for upper in range(3):
        (e_up, v_up), (e_down, v_down) = levels[upper], levels[upper + 1]
        block = raising[:, SHELLS[upper], SHELLS[upper + 1]].astype(float)
        element = np.einsum("bam,iac,bcn->bimn", v_up, block, v_down)
        share = element**2 / np.maximum((element**2).sum(axis=1, keepdims=True), 1e-300)
        frequency.append((e_up[:, :, None] - e_down[:, None, :]).reshape(len(nu), -1))
        width.append(np.einsum("bimn,bi->bmn", share, tissue.width_hz[:, spins]).reshape(len(nu), -1))
        excited = np.einsum("bimn,bi->bmn", element, tissue.amplitude[:, spins])
        area.append((element.sum(axis=1) * excited / 4).reshape(len(nu), -1))
    return tuple(np.concatenate(part, axis=1) for part in (frequency, width, area))  # type: ignore[return-value]


def _field(tissue: Tissue, time: np.ndarray, start: np.ndarray, dwell: float) -> np.ndarray:
    """Return D(t)."""
    out = np.ones(time.shape, dtype=complex)
    if tissue.gaussian_hz.any():
        out *= np.exp(-((np.pi * tissue.gaussian_hz[:, None] * time) ** 2) / (4 * np.log(2)))
    if tissue.exponential_hz.any():
        turn = 2j * np.pi * tissue.exponential_hz[:, None]
        out *= exponentials(-turn, np.ones_like(turn), start, dwell, time.shape[1]) / (1 - turn * time)
    if tissue.quadratic_hz.any():
        place = tissue.quadratic_hz[:, None] * (NODES**2 - 1 / 3)
        out *= exponentials(2j * np.pi * place, np.broadcast_to(NODE_WEIGHTS, place.shape), start, dwell, time.shape[1])
    return out


def _averaging(tissue: Tissue, start: np.ndarray, dwell: float, n_points: int) -> np.ndarray:
    """Return M(t)."""
    if not (tissue.transient_offset_hz.any() or tissue.transient_phase_rad.any()):
        return np.ones((1, n_points))
    weight = np.exp(1j * tissue.transient_phase_rad) / tissue.transient_phase_rad.shape[1]
    return exponentials(2j * np.pi * tissue.transient_offset_hz, weight, start, dwell, n_points)


def _broad(tissue: Tissue, f0: float, time: np.ndarray, start: np.ndarray, dwell: float) -> np.ndarray:
    """Return h(t)."""
    out = np.zeros(time.shape, dtype=complex)
    if tissue.hump_area.any():
        falls = np.exp(-((np.pi * tissue.hump_width_hz[:, None] * time) ** 2) / (4 * np.log(2)))
        turn = 2j * np.pi * f0 * tissue.hump_shift_ppm[:, None]
        out += exponentials(turn, tissue.hump_area[:, None], start, dwell, time.shape[1]) * falls
    if tissue.powder_area.any():
        place = 2j * np.pi * f0 * (1.0 + 15.0 * (3 * NODES**2 - 1)) - np.pi * 5.0 * f0
        exponent = np.broadcast_to(place, (len(tissue), len(NODES)))
        out += exponentials(exponent, tissue.powder_area[:, None] * NODE_WEIGHTS, start, dwell, time.shape[1])
    return out
