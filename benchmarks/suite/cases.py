"""Simulated muscle spectra at 3 T, straight from the equation of the conventions page: nothing here comes from the core.

A `Truth` holds the parameters of some signals; noise is added apart, so that one truth serves many draws.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import p31mg
from p31mg.prior.multiplets import first_order_lines

__all__ = [
    "ACQUISITION", "N_POINTS", "Truth", "bound_alpha_beta_ppm", "bounds_alpha_beta_ppm", "jacobian", "line_table", "muscle",
    "noise", "prior_of", "signals", "spectra_of", "stack", "times_s", "truths",
]  # fmt: skip

N_POINTS = 2048
ACQUISITION = p31mg.Acquisition(spectrometer_frequency_mhz=51.705, dwell_time_s=2e-4, begin_time_s=5e-4)
"""As `p31mg.simulate` has it for the muscle prior: 100 ppm wide."""

_MORE_PPM = (8.4, 7.7, 1.9, 1.3, -1.3, -3.6, -4.4, -5.2, -6.0, -9.2, -10.2, -11.2)
"""Free places between the windows of the muscle prior, for priors of more than eight resonances."""
_FIRST = ("pcr", "alpha_atp", "beta_atp", "gamma_atp", "pi", "pde", "pme", "nad")


@dataclass(frozen=True)
class Truth:
    """Parameters of n signals: shifts from PCr (n, K), linewidths (n, K), amplitudes (n, K); phase, offset, SNR of PCr (n,)."""

    shift_ppm: np.ndarray
    linewidth_hz: np.ndarray
    amplitude: np.ndarray
    phase_rad: np.ndarray
    offset_hz: np.ndarray
    snr: np.ndarray
    prior: p31mg.Prior

    def __len__(self) -> int:
        return len(self.phase_rad)

    @property
    def alpha_beta_ppm(self) -> np.ndarray:
        """Shift difference, shape (n,)."""
        return self.shift_ppm[:, self.prior.index("alpha_atp")] - self.shift_ppm[:, self.prior.index("beta_atp")]

    def rows(self, which: np.ndarray | slice) -> Truth:
        """Return some of the signals."""
        arrays = ("shift_ppm", "linewidth_hz", "amplitude", "phase_rad", "offset_hz", "snr")
        return replace(self, **{name: getattr(self, name)[which] for name in arrays})


def muscle() -> p31mg.Prior:
    """Return the prior of all cases: eight resonances, twelve lines, ATP in first order as other programs have it."""
    return replace(p31mg.load_prior("muscle-3t"), coupling="first-order")


def prior_of(n_resonances: int) -> p31mg.Prior:
    """Return a muscle prior with fewer resonances, the most important ones, or with more, singlets in free places."""
    base = muscle()
    kept = [base[name] for name in _FIRST[:n_resonances]]
    more = [
        p31mg.Resonance(
            name=f"more_{chr(ord('a') + i)}",
            chemical_shift_ppm=ppm,
            shift_bounds_ppm=(ppm - 0.15, ppm + 0.15),
            linewidth_hz=16.0,
            linewidth_bounds_hz=(3.0, 80.0),
            amplitude=0.1,
        )
        for i, ppm in enumerate(_MORE_PPM[: max(0, n_resonances - len(_FIRST))])
    ]
    return replace(base, name=f"muscle-3t-{n_resonances}", resonances=(*kept, *more))


def truths(rng: np.random.Generator, n: int, snr: float | np.ndarray, prior: p31mg.Prior | None = None) -> Truth:
    """Return n muscles: Mg 0.25 to 1.2 mM, offsets +-25 Hz, any phase, broadening -2 to 10 Hz."""
    prior = prior or muscle()
    calibration = p31mg.calibrations()["gupta-1978"]
    shift = np.tile([r.chemical_shift_ppm for r in prior.resonances], (n, 1))
    alpha, beta = prior.index("alpha_atp"), prior.index("beta_atp")
    shift[:, beta] = shift[:, alpha] - calibration.shift_ppm(rng.uniform(0.25, 1.2, n))
    return Truth(
        shift_ppm=shift,
        linewidth_hz=np.array([r.linewidth_hz for r in prior.resonances]) + rng.uniform(-2, 10, (n, 1)),
        amplitude=np.tile([r.amplitude for r in prior.resonances], (n, 1)),
        phase_rad=rng.uniform(-np.pi, np.pi, n),
        offset_hz=rng.uniform(-25, 25, n),
        snr=np.broadcast_to(np.asarray(snr, dtype=float), n).copy(),
        prior=prior,
    )


def line_table(prior: p31mg.Prior) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return resonance, offset from the multiplet's centre (Hz) and weight of every line, each (M,)."""
    rows = [
        (k, offset, weight)
        for k, r in enumerate(prior.resonances)
        for offset, weight in zip(*first_order_lines(r.j_coupling_hz), strict=True)
    ]
    resonance, offset, weight = (np.array(column) for column in zip(*rows, strict=True))
    return resonance, offset, weight


def times_s(n_points: int) -> np.ndarray:
    """Return the times of the points."""
    return ACQUISITION.begin_time_s + ACQUISITION.dwell_time_s * np.arange(n_points)


def signals(truth: Truth, n_points: int = N_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Return signals without noise (n, N), and the noise sd of one component that their SNR means (n,)."""
    resonance, offset, weight = line_table(truth.prior)
    t = times_s(n_points)
    out = np.empty((len(truth), n_points), dtype=complex)
    for i in range(len(truth)):
        hz = truth.shift_ppm[i, resonance] * ACQUISITION.spectrometer_frequency_mhz + truth.offset_hz[i] + offset
        exponent = 2j * np.pi * hz - np.pi * truth.linewidth_hz[i, resonance]
        first = truth.amplitude[i, resonance] * weight * np.exp(exponent * t[0])
        step = np.exp(exponent * ACQUISITION.dwell_time_s)
        out[i] = np.exp(1j * truth.phase_rad[i]) * (first @ _powers(step, n_points))
    reference = truth.prior.index(truth.prior.reference)
    decay = np.exp(-2 * np.pi * truth.linewidth_hz[:, [reference]] * t)
    return out, truth.amplitude[:, reference] * np.sqrt(decay.sum(axis=-1)) / truth.snr


def _powers(base: np.ndarray, n: int) -> np.ndarray:
    """Return base^0 .. base^(n-1), shape (M, n), from two short tables: their products are good to rounding."""
    short = int(np.ceil(np.sqrt(n)))
    low = base[:, None] ** np.arange(short)
    high = (base**short)[:, None] ** np.arange(short)
    return (high[:, :, None] * low[:, None, :]).reshape(len(base), -1)[:, :n]


def noise(rng: np.random.Generator, sd: np.ndarray, n_points: int = N_POINTS) -> np.ndarray:
    """Return white noise with the given sd (n,) in both components, shape (n, N)."""
    out = rng.standard_normal((len(sd), 2 * n_points)).view(np.complex128)
    out *= sd[:, None]
    return out


def spectra_of(fid: np.ndarray) -> p31mg.Spectra:
    """Return signals as what `p31mg.fit` takes."""
    return p31mg.Spectra(fid, ACQUISITION)


def stack(
    n: int, seed: int = 1, n_points: int = N_POINTS, prior: p31mg.Prior | None = None
) -> tuple[p31mg.Spectra, Truth]:
    """Return the stack that everything is timed on: SNR 80 to 1000, as often below 283 as above."""
    rng = np.random.default_rng(seed)
    truth = truths(rng, n, np.exp(rng.uniform(np.log(80), np.log(1000), n)), prior)
    fid, sd = signals(truth, n_points)
    return spectra_of(fid + noise(rng, sd, n_points)), truth


def jacobian(truth: Truth, i: int) -> np.ndarray:
    """Return the derivative of signal i by the free parameters of a fit, shape (N, P), point by point.

    Columns: frequency of PCr, shifts of the others from it (Hz), linewidths that are not shared, amplitudes, phase.
    """
    prior = truth.prior
    resonance, offset, weight = line_table(prior)
    k, t = len(prior.names), times_s(N_POINTS)
    hz = truth.shift_ppm[i, resonance] * ACQUISITION.spectrometer_frequency_mhz + truth.offset_hz[i] + offset
    lines = weight[:, None] * np.exp((2j * np.pi * hz - np.pi * truth.linewidth_hz[i, resonance])[:, None] * t)
    unit = np.stack([lines[resonance == j].sum(axis=0) for j in range(k)]) * np.exp(1j * truth.phase_rad[i])
    each = truth.amplitude[i, :, None] * unit
    owner = np.array([prior.index(r.linewidth_as or r.name) for r in prior.resonances])
    width = np.array([r.linewidth_hz for r in prior.resonances])
    ratio = width / width[owner]
    reference = prior.index(prior.reference)
    columns = [2j * np.pi * t * each.sum(axis=0)]
    columns += [2j * np.pi * t * each[j] for j in range(k) if j != reference]
    columns += [
        -np.pi * t * (ratio[owner == j, None] * each[owner == j]).sum(axis=0) for j in range(k) if owner[j] == j
    ]
    columns += [*unit, 1j * each.sum(axis=0)]
    return np.stack(columns, axis=-1)


def bound_alpha_beta_ppm(truth: Truth, i: int, noise_sd: float) -> float:
    """Return the Cramer-Rao bound of the sd of the shift difference at the truth, from all points."""
    j = jacobian(truth, i).view(np.float64).reshape(N_POINTS, -1, 2)
    information = np.einsum("npc,nqc->pq", j, j, optimize=True) / noise_sd**2
    others = [name for name in truth.prior.names if name != truth.prior.reference]
    direction = np.zeros(len(information))
    direction[1 + others.index("alpha_atp")], direction[1 + others.index("beta_atp")] = 1.0, -1.0
    variance = direction @ np.linalg.solve(information, direction)
    return float(np.sqrt(variance) / ACQUISITION.spectrometer_frequency_mhz)


def bounds_alpha_beta_ppm(truth: Truth, noise_sd: np.ndarray) -> np.ndarray:
    """Return the bound for every signal, shape (n,)."""
    return np.array([bound_alpha_beta_ppm(truth, i, sd) for i, sd in enumerate(noise_sd)])
