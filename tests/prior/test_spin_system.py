"""Lines of coupled spins against the motion of their density matrix, closed forms, sum rules and finite differences."""

from __future__ import annotations

from functools import reduce
from itertools import combinations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from p31mg.prior import first_order_lines, spin_lines
from p31mg.prior.spin_system import LEAST_WEIGHT

ATP_PPM = np.array([-7.53, -16.08, -2.45])
ATP_J_HZ = np.array([16.0, 0.0, 17.0])
"""Alpha-beta, alpha-gamma, beta-gamma."""


def mhz(field_t):
    return 17.235 * field_t


def kronecker(operator, spin, n):
    """The operator of one spin among n, by Kronecker products: nothing here is shared with the package."""
    return reduce(np.kron, [operator if i == spin else np.eye(2) for i in range(n)])


def free_induction(shift_hz, j_hz, amplitude, times):
    """Trace of F+ with the density matrix that a pulse left as sum a_i Ix_i, by a matrix exponential for each time."""
    n = len(shift_hz)
    x, y, z = (np.array(m) / 2 for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))
    spins = [[kronecker(m, i, n) for m in (x, y, z)] for i in range(n)]
    h = sum(nu * spins[i][2] for i, nu in enumerate(shift_hz))
    h = h + sum(
        j * sum(spins[a][c] @ spins[b][c] for c in range(3))
        for (a, b), j in zip(combinations(range(n), 2), j_hz, strict=True)
    )
    start = sum(a * spins[i][0] for i, a in enumerate(amplitude))
    raising = sum(s[0] + 1j * s[1] for s in spins)
    out = []
    for t in times:
        u = scipy.linalg.expm(-2j * np.pi * h * t)
        out.append(np.trace(raising @ u @ start @ u.conj().T))
    return np.array(out) / 2.0 ** (n - 2)  # a spin alone has 1


def signal(lines, weight, times):
    return np.exp(2j * np.pi * np.outer(times, lines.frequency_hz)) @ weight


TIMES = np.arange(40) * 3.1e-4 + 2e-4
couplings = st.floats(-25.0, 25.0)


class TestAllLines:
    @given(
        shifts=st.lists(st.floats(-400.0, 400.0), min_size=3, max_size=3),
        j=st.lists(couplings, min_size=3, max_size=3),
        amplitude=st.lists(st.floats(0.2, 2.0), min_size=3, max_size=3),
    )
    def test_signal_is_that_of_the_density_matrix(self, shifts, j, amplitude):
        """However near the spins are to each other, and whatever the signs of the couplings."""
        lines = spin_lines(np.array(shifts), np.array(j))
        expected = free_induction(shifts, j, amplitude, TIMES[:8])
        np.testing.assert_allclose(signal(lines, lines.weight @ amplitude, TIMES[:8]), expected, rtol=0, atol=1e-10)

    @pytest.mark.parametrize("n", [1, 2, 4])
    def test_of_any_number_of_spins(self, n):
        rng = np.random.default_rng(n)
        shifts, j = rng.uniform(-100, 100, n), rng.uniform(0, 20, n * (n - 1) // 2)
        amplitude = rng.uniform(0.5, 1.5, n)
        lines = spin_lines(shifts, j)
        expected = free_induction(shifts, j, amplitude, TIMES)
        np.testing.assert_allclose(signal(lines, lines.weight @ amplitude, TIMES), expected, rtol=0, atol=1e-10)

    @pytest.mark.parametrize("field_t", [0.5, 1.5, 3.0, 7.0])
    def test_sum_rules(self, field_t):
        """Coupling moves no mean: that is why the shift of a resonance is the Larmor frequency of its spin."""
        nu = mhz(field_t) * ATP_PPM
        lines = spin_lines(nu, ATP_J_HZ)
        assert len(lines.frequency_hz) == 15
        np.testing.assert_allclose(lines.weight.sum(axis=0), 1.0, atol=1e-12)
        np.testing.assert_allclose(lines.weight.T @ lines.frequency_hz, nu, atol=1e-9)
        np.testing.assert_allclose(lines.by_shift.sum(axis=1), 1.0, atol=1e-12)

    def test_two_spins_in_closed_form(self):
        """AB: lines at (sum +- root +- J)/2, inner ones higher by J/root (Pople, Schneider & Bernstein)."""
        shift, j = 30.0, 16.0
        lines = spin_lines(np.array([0.0, shift]), np.array([j]))
        root = np.hypot(shift, j)
        order = np.argsort(lines.frequency_hz)
        expected = sorted((shift + s * root + t * j) / 2 for s in (-1, 1) for t in (-1, 1))
        np.testing.assert_allclose(lines.frequency_hz[order], expected, atol=1e-12)
        high, low = (1 + j / root) / 2, (1 - j / root) / 2
        np.testing.assert_allclose(lines.weight.sum(axis=1)[order], [low, high, high, low], atol=1e-12)

    def test_derivatives_are_those_of_the_frequencies(self):
        nu, step = mhz(1.5) * ATP_PPM, 1e-4
        at = spin_lines(nu, ATP_J_HZ)
        for i in range(3):
            moved = step * np.eye(3)[i]
            by_shift = spin_lines(nu + moved, ATP_J_HZ).frequency_hz - spin_lines(nu - moved, ATP_J_HZ).frequency_hz
            by_j = spin_lines(nu, ATP_J_HZ + moved).frequency_hz - spin_lines(nu, ATP_J_HZ - moved).frequency_hz
            np.testing.assert_allclose(by_shift / (2 * step), at.by_shift[:, i], atol=1e-7)
            np.testing.assert_allclose(by_j / (2 * step), at.by_coupling[:, i], atol=1e-7)

    def test_lines_of_a_proton_are_where_the_spin_is(self):
        lines = spin_lines(np.array([12.5]), np.array([]))
        np.testing.assert_allclose((lines.frequency_hz, lines.weight[:, 0]), [[12.5], [1.0]])


class TestMultiplets:
    def test_roof_of_beta_at_1_5_t(self):
        """Its outer lines deviate from a symmetric triplet by about 12.5 % (Schroeder, Schmitz & Bachert 2005, 1.5 T)."""
        lines = spin_lines(mhz(1.5) * ATP_PPM, np.array([16.0, 0.0, 16.0]))
        low, _, high = lines.multiplet(1, 16.0).weight.sum(axis=1)
        assert high / low - 1 == pytest.approx(0.26, abs=0.03)  # each by 12 to 13 % from 1/4
        assert high * 4 - 1 == pytest.approx(0.125, abs=0.015)

    @pytest.mark.parametrize("field_t", [1.5, 3.0, 7.0])
    def test_as_many_lines_as_in_first_order(self, field_t):
        lines = spin_lines(mhz(field_t) * ATP_PPM, np.array([16.0, 0.0, 16.0]))
        assert [len(lines.multiplet(i, 8.0).weight) for i in range(3)] == [2, 3, 2]

    @pytest.mark.parametrize("field_t", [1.5, 3.0, 7.0])
    def test_what_is_left_out_and_merged_is_nothing(self, field_t):
        """All three multiplets together, for lines of 8 Hz, against the density matrix: 0.1 % of the signal at most."""
        nu, j = mhz(field_t) * ATP_PPM, np.array([16.0, 0.0, 16.0])
        times = np.arange(0, 0.12, 1.7e-3)
        whole = free_induction(nu, j, np.ones(3), times)
        lines = spin_lines(nu, j)
        parts = [lines.multiplet(i, 8.0) for i in range(3)]
        made = sum(signal(m, m.weight.sum(axis=1), times) for m in parts)
        decay = np.exp(-np.pi * 8.0 * times)
        assert np.abs((made - whole) * decay).max() < 1e-3 * 3

    def test_combination_lines_are_far_below_what_is_kept(self):
        for field_t in (1.5, 3.0):
            lines = spin_lines(mhz(field_t) * ATP_PPM, ATP_J_HZ)
            combination = np.sort(np.abs(lines.weight.sum(axis=1)))[:3]
            assert combination.max() < LEAST_WEIGHT / 50

    @pytest.mark.parametrize("spin", range(3))
    def test_first_order_at_high_field(self, spin):
        j = [[16.0], [16.0, 17.0], [17.0]][spin]
        lines = spin_lines(mhz(1000.0) * ATP_PPM, ATP_J_HZ).multiplet(spin, 1.0)
        offsets, weights = first_order_lines(j)
        np.testing.assert_allclose(lines.frequency_hz - mhz(1000.0) * ATP_PPM[spin], offsets, atol=2e-3)
        np.testing.assert_allclose(lines.weight.sum(axis=1), weights, atol=2e-4)

    def test_amplitudes_of_the_other_spins_make_the_roof(self):
        """Magnetisation that is not there leans on nothing: half of the roof is that of the neighbour."""
        lines = spin_lines(mhz(1.5) * ATP_PPM, np.array([16.0, 0.0, 0.0]))

        def lean(beta):
            low, high = lines.multiplet(0, 8.0).weight @ [1.0, beta, 1.0]
            return low - high

        assert lean(1.0) == pytest.approx(2 * lean(0.0), rel=5e-3)
        assert lean(0.0) > 0.03

    def test_groups_far_apart_stay_apart(self):
        lines = spin_lines(mhz(3.0) * ATP_PPM, np.array([15.0, 0.0, 19.0]))
        assert len(lines.multiplet(1, 8.0).weight) == 4
        assert len(lines.multiplet(1, 0.0).weight) == 4
