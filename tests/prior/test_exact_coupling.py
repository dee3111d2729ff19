"""ATP as a spin system in priors, simulations and fits: no bias of the alpha-beta difference, where first order has one."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import p31mg
from p31mg import PriorKnowledgeError
from p31mg.fitting.problem import Problem
from p31mg.prior import line_structure, spin_lines

LARMOR_MHZ_PER_T = 17.235
KEPT = ("pcr", "gamma_atp", "alpha_atp", "beta_atp")
ATP = ("alpha_atp", "beta_atp", "gamma_atp")


@pytest.fixture(scope="module")
def muscle():
    return p31mg.load_prior("muscle")


def acquisition(field_t):
    mhz = LARMOR_MHZ_PER_T * field_t
    return p31mg.Acquisition(
        spectrometer_frequency_mhz=mhz, dwell_time_s=1e-3 / max(1, round(0.1 * mhz)), begin_time_s=5e-4
    )


def spectrum(field_t, alpha_beta_ppm, linewidth_hz, j_hz=16.0, beta=1.0):
    """PCr and ATP of the exact Hamiltonian with all of its lines, without noise, and without anything of `line_structure`."""
    a = acquisition(field_t)
    lines = spin_lines(
        a.spectrometer_frequency_mhz * np.array([-7.53, -7.53 - alpha_beta_ppm, -2.45]), np.array([j_hz, 0.0, j_hz])
    )
    t = a.begin_time_s + a.dwell_time_s * np.arange(2048)
    atp = np.exp(np.outer(t, 2j * np.pi * lines.frequency_hz - np.pi * linewidth_hz)) @ (
        lines.weight @ [1.0, beta, 1.0]
    )
    return p31mg.Spectra(atp + 4.0 * np.exp(-np.pi * linewidth_hz / 2 * t), a)


def small_problem(muscle):
    """PCr and ATP at 1.5 T, two spectra and parameters near their optimum, J and the begin time fitted."""
    rows = tuple(muscle[n] for n in KEPT)
    prior = replace(muscle, resonances=rows, j_coupling_bounds_hz=(8.0, 25.0), begin_time_bounds_s=(-1e-3, 1e-3))
    spectra = p31mg.simulate([0.3, 0.8], prior=prior, snr=60, seed=4, acquisition=acquisition(1.5), n_points=256)
    problem = Problem.of(spectra, prior)
    start = problem.finder.find(np.fft.fft(spectra.fid))
    x = problem.free(problem.reported(start.p))
    return problem, np.fft.fft(spectra.fid)[:, problem.bins], x


def bias(prior, spectra, truth):
    fit = p31mg.fit(spectra, prior=prior, lineshape="prior", baseline="none")
    alpha, beta = prior.index("alpha_atp"), prior.index("beta_atp")
    return float(fit.chemical_shift_ppm[..., alpha] - fit.chemical_shift_ppm[..., beta]) - truth


class TestBias:
    @pytest.mark.parametrize(
        ("field_t", "linewidth_hz", "first_order_ppm"),
        [
            (1.5, 8, 0.025),
            (1.5, 15, -0.003),
            (1.5, 30, -0.036),
            (3, 8, 0.006),
            (3, 15, -0.001),
            (3, 30, -0.009),
            (7, 8, 0.001),
        ],
    )
    def test_of_first_order_and_none_of_exact_lines(self, muscle, field_t, linewidth_hz, first_order_ppm):
        few = replace(muscle.at_field(field_t), resonances=tuple(muscle[n] for n in KEPT), scales_with_field=False)
        spectra = spectrum(field_t, 8.55, linewidth_hz)
        assert bias(replace(few, coupling="first-order"), spectra, 8.55) == pytest.approx(first_order_ppm, abs=7e-4)
        assert abs(bias(few, spectra, 8.55)) < 1e-4

    @pytest.mark.parametrize("field_t", [1.5, 3.0, 7.0])
    def test_far_from_the_expectation(self, muscle, field_t):
        """Mg of 0.2 to 2 mM, widths as expected: what is left of linear lines is a twentieth of a usual error bar."""
        spectra = p31mg.simulate([0.2, 0.3, 0.8, 2.0], prior=muscle, acquisition=acquisition(field_t))
        error = (
            p31mg.fit(spectra, prior=muscle, lineshape="prior", baseline="none").shift_alpha_beta_ppm
            - spectra.truth.shift_alpha_beta_ppm
        )
        assert np.abs(error).max() < 5e-4


class TestDerivatives:
    """Every line of ATP moves with three shifts and swells with three amplitudes: against differences of the cost itself."""

    def test_gradient_and_hessian_of_the_core(self, muscle):
        problem, data, x = small_problem(muscle)
        at = problem.model.evaluate(x, data, curved=True)
        steps = 1e-3 / np.sqrt(at.diagonal)
        for j in range(x.shape[-1]):
            moved = np.zeros_like(x)
            moved[:, j] = steps[:, j]
            up, down = (problem.model.evaluate(x + sign * moved, data, curved=True) for sign in (1, -1))
            width = 2 * steps[:, j]
            scale = np.sqrt(at.diagonal[:, j] * at.cost)
            np.testing.assert_array_less(np.abs((up.cost - down.cost) / width + 2 * at.gradient[:, j]), 1e-5 * scale)
            by_difference = -(up.gradient - down.gradient) / width[:, None]
            size = np.sqrt(at.diagonal * at.diagonal[:, [j]])
            np.testing.assert_array_less(np.abs(by_difference - at.hessian[:, j]), 1e-5 * size)

    def test_shares_are_half_of_the_roof(self, muscle):
        lines = line_structure(muscle, 25.85)
        alpha, beta = muscle.index("alpha_atp"), muscle.index("beta_atp")
        of_beta = (lines.weight[:, None] * lines.by_amplitude)[lines.resonance == alpha, beta].real
        ratio = 16.0 / (2 * 8.55 * 25.85)  # J / 2 delta
        np.testing.assert_allclose(of_beta, [ratio / 2, -ratio / 2], rtol=0.1)  # lower line, nearer to beta, first


@pytest.mark.parametrize("beta", [0.3, 0.6, 1.5])
@pytest.mark.parametrize("linewidth_hz", [8, 30])
def test_unequal_amplitudes_make_no_bias(muscle, beta, linewidth_hz):
    """As after a pulse that does not reach beta, 8.6 ppm from alpha."""
    few = replace(muscle.at_field(1.5), resonances=tuple(muscle[n] for n in KEPT), scales_with_field=False)
    assert abs(bias(few, spectrum(1.5, 8.55, linewidth_hz, beta=beta), 8.55)) < 1e-4


@pytest.mark.parametrize(("field_t", "hz"), [(1.5, 0.012), (3.0, 0.006), (7.0, 0.003)])
def test_lines_are_linear_over_all_windows(muscle, field_t, hz):
    """In each corner of the windows of alpha, beta and gamma, against the exact lines there: below 0.0005 ppm."""
    prior, mhz = muscle.at_field(field_t), LARMOR_MHZ_PER_T * field_t
    k, lines = len(prior.names), line_structure(prior, mhz)
    worst = 0.0
    for corner in itertools.product(*(prior[n].shift_bounds_ppm for n in ATP)):
        shift = np.array([r.chemical_shift_ppm for r in prior.resonances])
        shift[[prior.index(n) for n in ATP]] = corner
        exact = line_structure(prior, mhz, shift_ppm=shift)
        p = np.zeros(lines.slope.shape[1])
        p[:k] = mhz * shift
        worst = max(worst, np.abs((lines.exponents(p) - exact.exponents(p)).imag / (2 * np.pi)).max())
    assert worst < hz
    assert worst / mhz < 5e-4


def test_lines_follow_j(muscle):
    """A fitted J moves them as the Hamiltonian does, to second order in its change."""
    prior, mhz = replace(muscle, j_coupling_bounds_hz=(8.0, 25.0)), 51.7
    k, lines = len(prior.names), line_structure(prior, mhz)
    rows = tuple(replace(r, j_coupling_hz=tuple(18.0 for _ in r.j_coupling_hz)) for r in muscle.resonances)
    exact = line_structure(replace(muscle, resonances=rows), mhz)
    shift = mhz * np.array([r.chemical_shift_ppm for r in prior.resonances])
    p, q = (np.zeros(m.slope.shape[1]) for m in (lines, exact))
    p[:k] = q[:k] = shift
    p[-1] = 18.0
    np.testing.assert_allclose(lines.exponents(p).imag / (2 * np.pi), exact.exponents(q).imag / (2 * np.pi), atol=0.02)


def test_begin_of_the_axis_does_not_matter(muscle):
    """All lines move with the carrier, whole: the slopes of each add to one."""
    lines = line_structure(muscle, 25.85)
    np.testing.assert_allclose(lines.slope[:, : len(muscle.names)].sum(axis=1), 2j * np.pi, rtol=1e-12)


def test_fitted_j_is_the_true_one(muscle):
    spectra = spectrum(3.0, 8.55, 12.0, j_hz=17.5)
    few = replace(muscle, resonances=tuple(muscle[n] for n in KEPT), j_coupling_bounds_hz=(10.0, 24.0))
    fit = p31mg.fit(spectra, prior=few)
    assert float(fit.j_coupling_hz) == pytest.approx(17.5, abs=0.01)
    assert float(fit.shift_alpha_beta_ppm) == pytest.approx(8.55, abs=5e-4)  # weights stay those of 16 Hz


def test_simulated_spectra_are_the_spin_system(muscle):
    """Any magnesium, any amplitudes: what is merged and left out is the only difference."""
    amplitude = np.array([0.0 if n not in ATP else 0.5 + 0.2 * i for i, n in enumerate(muscle.names)])
    spectra = p31mg.simulate([0.15, 2.0], prior=muscle, amplitude=amplitude, acquisition=acquisition(1.5), n_points=256)
    for i in range(2):
        shift = spectra.truth.chemical_shift_ppm[i] * spectra.acquisition.spectrometer_frequency_mhz
        which = [muscle.index(n) for n in ATP]
        lines = spin_lines(shift[which], np.array([16.0, 0.0, 16.0]))
        # every line has the width of the multiplet that it belongs to
        width = spectra.truth.linewidth_hz[i, which][lines.spin]
        t = spectra.time_s
        exact = np.exp(np.outer(t, 2j * np.pi * lines.frequency_hz - np.pi * width)) @ (lines.weight @ amplitude[which])
        np.testing.assert_allclose(spectra.fid[i], exact, rtol=0, atol=3e-3 * np.abs(exact).max())


@pytest.mark.parametrize(
    "options", [{}, {"j_coupling_bounds_hz": (10.0, 24.0)}, {"begin_time_bounds_s": (-5e-4, 5e-4)}]
)
def test_engines_agree_at_low_field(muscle, options):
    """Exponents that depend on three shifts each: both engines know all of the derivatives."""
    prior = replace(muscle, **options)
    spectra = p31mg.simulate(
        0.4, prior=prior, snr=200, seed=3, acquisition=acquisition(1.5), n_points=512, phase_rad=1.0
    )
    batch, lmfit = (p31mg.fit(spectra, prior=prior, engine=engine) for engine in ("batch", "lmfit"))
    sd = float(batch.sd_shift_alpha_beta_ppm)
    assert float(batch.shift_alpha_beta_ppm) == pytest.approx(float(lmfit.shift_alpha_beta_ppm), abs=1e-4 * sd)
    assert sd == pytest.approx(float(lmfit.sd_shift_alpha_beta_ppm), rel=1e-3)


def test_scatter_is_what_the_fit_says(muscle):
    spectra = p31mg.simulate(
        np.full(150, 0.5), prior=muscle, snr=200, seed=9, acquisition=acquisition(1.5), n_points=512
    )
    fit = p31mg.fit(spectra, prior=muscle)
    assert fit.is_valid.all()
    z = (fit.shift_alpha_beta_ppm - spectra.truth.shift_alpha_beta_ppm) / fit.sd_shift_alpha_beta_ppm
    assert abs(z.mean()) < 3 / np.sqrt(len(z))
    assert z.std() == pytest.approx(1.0, abs=3 / np.sqrt(2 * len(z)))


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "couplings", "message"),
        [
            (
                "alpha_atp",
                (15.0,),
                r"beta_atp' is \[16\.0, 16\.0\], but alpha_atp has \[15\.0\].*two ends of a coupling",
            ),
            ("alpha_atp", (16.0, 3.0), r"it needs j_coupling_hz of beta_atp"),
            ("alpha_atp", (), r"above 0, but they are \[16\.0, 16\.0\], \[\] and \[16\.0\]"),
            ("beta_atp", (16.0,), r"it needs j_coupling_hz of beta_atp \(to alpha and gamma\)"),
            ("gamma_atp", (0.0,), r"above 0"),
        ],
    )
    def test_couplings_that_make_no_chain(self, muscle, name, couplings, message):
        rows = tuple(replace(r, j_coupling_hz=couplings) if r.name == name else r for r in muscle.resonances)
        with pytest.raises(PriorKnowledgeError, match=message):
            replace(muscle, resonances=rows)

    def test_without_gamma(self, muscle):
        rows = tuple(r for r in muscle.resonances if r.name != "gamma_atp")
        with pytest.raises(
            PriorKnowledgeError, match=r"coupling is 'exact', but gamma_atp is missing: .* 'first-order'"
        ):
            replace(muscle, resonances=rows)

    def test_unknown_coupling(self, muscle):
        with pytest.raises(PriorKnowledgeError, match=r"coupling is 'strong'; it must be one of first-order, exact"):
            replace(muscle, coupling="strong")

    def test_a_coupling_of_alpha_and_gamma_is_known_to_both(self, muscle):
        two = {"alpha_atp": (16.0, 1.5), "gamma_atp": (16.0, 1.5)}
        rows = tuple(replace(r, j_coupling_hz=two.get(r.name, r.j_coupling_hz)) for r in muscle.resonances)
        assert replace(muscle, resonances=rows).atp_couplings_hz == (16.0, 1.5, 16.0)
