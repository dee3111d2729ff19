"""A stack is many single fits: the same bits in any shape, company and order, and a status of its own for each row."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus

SHAPES = [(), (7,), (3, 4), (2, 0), (2, 3, 2)]
MOST = 12


@pytest.fixture(scope="module")
def mixture(simulated, with_fid):
    """Twelve rows: good ones of many offsets, phases, widths and SNRs, and one of each kind that cannot be fitted."""
    spectra = simulated(
        np.linspace(0.2, 1.2, MOST),
        snr=np.geomspace(60, 3000, MOST),
        phase_rad=np.linspace(-3.0, 3.0, MOST),
        frequency_offset_hz=np.linspace(-80.0, 80.0, MOST),
        broadening_hz=np.linspace(-2.0, 30.0, MOST),
    )
    fid = spectra.fid.copy()
    fid[2, 5] = np.nan
    fid[4] = 0.0
    fid[6] = np.random.default_rng(2).standard_normal(fid.shape[1])
    return with_fid(spectra, fid)


@pytest.fixture(scope="module")
def singles(mixture, with_fid, arrays):
    """The arrays of each row fitted alone."""
    return [arrays(p31mg.fit(with_fid(mixture, row))) for row in mixture.fid]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_stack_equals_a_loop_over_its_rows(mixture, singles, with_fid, arrays, shape):
    n = math.prod(shape)
    stack = arrays(p31mg.fit(with_fid(mixture, mixture.fid[:n].reshape(*shape, mixture.n_points))))
    for name, values in stack.items():
        last = singles[0][name].shape
        assert values.shape == shape + last
        expected = np.array([single[name] for single in singles[:n]]).reshape(shape + last)
        np.testing.assert_array_equal(values, expected, err_msg=name)


def test_more_rows_than_are_handled_at_once(simulated, with_fid, arrays):
    """Stacks are worked off in chunks; their seams must not show."""
    few = simulated(np.linspace(0.3, 0.9, 5))
    many = arrays(p31mg.fit(with_fid(few, np.tile(few.fid, (30, 1)))))
    once = arrays(p31mg.fit(few))
    for name, values in many.items():
        np.testing.assert_array_equal(values, np.tile(once[name], (30,) + (1,) * (values.ndim - 1)), err_msg=name)


@pytest.fixture(scope="module")
def four_rows(simulated, with_fid):
    """NaN, zero, noise, good."""
    good = simulated()
    fid = np.stack([good.fid] * 4)
    fid[0, 100] = np.nan + 1j
    fid[1] = 0.0
    noise = np.random.default_rng(5).standard_normal((2, good.n_points))
    fid[2] = noise[0] + 1j * noise[1]
    return with_fid(good, fid)


class TestFourStatuses:
    def test_in_one_call(self, four_rows):
        expected = [FitStatus.NOT_FINITE, FitStatus.ZERO_SIGNAL, FitStatus.NO_SIGNAL, FitStatus.OK]
        assert p31mg.fit(four_rows).status.tolist() == expected

    def test_rows_that_failed_are_nan_and_say_why(self, four_rows):
        fit = p31mg.fit(four_rows)
        bad = slice(0, 3)
        for name in ("shift_alpha_beta_ppm", "sd_shift_alpha_beta_ppm", "shift_beta_pcr_ppm", "sd_shift_beta_pcr_ppm"):
            assert np.isnan(getattr(fit, name)[bad]).all()
        for name in ("chemical_shift_ppm", "linewidth_hz", "amplitude", "covariance_shift_ppm2", "phase_rad"):
            assert np.isnan(getattr(fit, name)[bad]).all()
        assert not fit.is_valid[bad].any()
        assert (fit.to_dataframe()["reason"][:3] != "").all()

    def test_good_row_has_the_digits_that_it_has_alone(self, four_rows, with_fid, arrays):
        together = arrays(p31mg.fit(four_rows))
        alone = arrays(p31mg.fit(with_fid(four_rows, four_rows.fid[3])))
        for name, values in together.items():
            np.testing.assert_array_equal(values[3], alone[name], err_msg=name)

    @pytest.mark.parametrize("value", [np.inf, -1j * np.inf, complex(np.nan, 0)])
    def test_one_bad_number_anywhere_is_not_finite(self, four_rows, with_fid, value):
        fid = four_rows.fid[3].copy()
        fid[-1] = value
        assert p31mg.fit(with_fid(four_rows, fid)).status == FitStatus.NOT_FINITE


class TestNeighbours:
    @pytest.mark.parametrize("neighbour", ["nan", "zero", "noise", "huge", "tiny", "other"])
    def test_change_nothing(self, simulated, with_fid, arrays, neighbour):
        stack = simulated([0.4, 0.5, 0.6])
        fid = stack.fid.copy()
        fid[1] = {
            "nan": np.nan,
            "zero": 0.0,
            "noise": np.random.default_rng(6).standard_normal(stack.n_points),
            "huge": 1e12 * fid[1],
            "tiny": 1e-12 * fid[1],
            "other": fid[1, ::-1],
        }[neighbour]
        plain, disturbed = arrays(p31mg.fit(stack)), arrays(p31mg.fit(with_fid(stack, fid)))
        for name in plain:
            np.testing.assert_array_equal(disturbed[name][[0, 2]], plain[name][[0, 2]], err_msg=name)

    def test_order_of_the_rows(self, mixture, with_fid, arrays):
        order = np.random.default_rng(3).permutation(MOST)
        straight, shuffled = arrays(p31mg.fit(mixture)), arrays(p31mg.fit(with_fid(mixture, mixture.fid[order])))
        for name in straight:
            np.testing.assert_array_equal(shuffled[name], straight[name][order], err_msg=name)


class TestPurity:
    def test_repeat_is_identical(self, mixture, arrays):
        one, other = arrays(p31mg.fit(mixture)), arrays(p31mg.fit(mixture))
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)

    def test_input_is_left_alone(self, mixture):
        before = mixture.fid.copy()
        p31mg.fit(mixture)
        np.testing.assert_array_equal(mixture.fid, before)

    def test_layout_and_precision_of_the_input(self, simulated, with_fid, arrays):
        spectra = simulated([0.4, 0.6])
        plain = arrays(p31mg.fit(spectra))
        strided = np.stack([spectra.fid, spectra.fid], axis=-1)[..., 0]
        assert not strided.flags.c_contiguous
        for name, values in arrays(p31mg.fit(p31mg.Spectra(strided, spectra.acquisition))).items():
            np.testing.assert_array_equal(values, plain[name], err_msg=name)
        single = p31mg.fit(with_fid(spectra, spectra.fid.astype(np.complex64)))
        # 1e-7 of the signal is a thousandth of this noise
        z = (single.shift_alpha_beta_ppm - plain["shift_alpha_beta_ppm"]) / plain["sd_shift_alpha_beta_ppm"]
        assert (np.abs(z) < 1e-3).all()


class TestWorkers:
    @pytest.fixture(scope="class")
    @classmethod
    def many(cls, simulated, with_fid):
        few = simulated(np.linspace(0.3, 0.9, 50), snr=np.geomspace(40, 1000, 50))
        return with_fid(few, np.tile(few.fid, (12, 1)))

    @pytest.fixture(autouse=True)
    def small_portions(self, monkeypatch):
        monkeypatch.setattr(importlib.import_module("p31mg.fitting.fit"), "_LARGEST_PART", 128)

    @pytest.mark.parametrize("workers", [2, 5])
    def test_number_of_workers_changes_no_bit(self, many, arrays, workers):
        alone, shared = arrays(p31mg.fit(many)), arrays(p31mg.fit(many, workers=workers))
        for name in alone:
            np.testing.assert_array_equal(shared[name], alone[name], err_msg=name)

    def test_error_in_one_of_them_is_raised(self, many, monkeypatch):
        def broken(*_):
            raise p31mg.InputError("broken on purpose")

        monkeypatch.setattr(importlib.import_module("p31mg.fitting.fit"), "look", broken)
        with pytest.raises(p31mg.InputError, match="broken on purpose"):
            p31mg.fit(many, workers=2)

    @pytest.mark.parametrize("workers", [0, -1, 1.5, "two"])
    def test_not_a_number_of_workers(self, many, workers):
        with pytest.raises(p31mg.InputError, match=r"workers is .*; it must be a whole number, at least 1"):
            p31mg.fit(many, workers=workers)
