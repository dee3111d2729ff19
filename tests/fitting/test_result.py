"""`FitResult`: the model that it stands for, its table, and how it prints."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus


@pytest.fixture(scope="module")
def grid(simulated, with_fid):
    """A 2 x 3 grid of which one voxel is empty."""
    spectra = simulated(np.full((2, 3), 0.5), phase_rad=3.0)
    fid = spectra.fid.copy()
    fid[1, 0] = 0.0
    return p31mg.fit(p31mg.Spectra(fid, spectra.acquisition, axis_names=("x", "y")))


class TestModel:
    def test_reproduces_a_signal_without_noise(self, simulated, first_order):
        spectra = simulated(prior=first_order, snr=np.inf, phase_rad=1.0, frequency_offset_hz=-14.0, broadening_hz=3.0)
        model = p31mg.fit(spectra, first_order).model()
        assert model.shape == (8, 512)
        # rounding grown by the overlap of the lines
        np.testing.assert_allclose(model.sum(axis=0), spectra.fid, rtol=0, atol=1e-9)

    def test_each_resonance_is_that_of_the_fit(self, simulated, oracles, first_order):
        spectra = simulated(frequency_offset_hz=9.0)
        fit = p31mg.fit(spectra, first_order)
        a = spectra.acquisition
        times = oracles.times_s(spectra.n_points, a.dwell_time_s, a.begin_time_s)
        k = fit.names.index("beta_atp")
        hz = (fit.chemical_shift_ppm[k] + fit.reference_offset_ppm) * a.spectrometer_frequency_mhz
        p = [float(hz), float(fit.linewidth_hz[k]), float(fit.amplitude[k]), float(fit.phase_rad)]
        expected = oracles.fid(p, oracles.lines_of([first_order["beta_atp"].j_coupling_hz]), times)
        np.testing.assert_allclose(fit.model()[k], expected, rtol=0, atol=1e-12)

    def test_residual_is_the_noise(self, simulated):
        spectra = simulated()
        residual = spectra.fid - p31mg.fit(spectra).model().sum(axis=0)
        # 1024 real numbers: known to 2.2 %, here within 4 of that
        assert residual.std() / np.sqrt(2) == pytest.approx(float(spectra.truth.noise_sd), rel=0.09)

    def test_of_one_voxel(self, grid, with_fid):
        alone = p31mg.fit(with_fid(grid.spectra, grid.spectra.fid[0, 2]))
        np.testing.assert_allclose(grid.model((0, 2)), alone.model(), rtol=0, atol=1e-12)

    def test_of_a_resonance_that_vanished_is_zero(self, simulated, muscle):
        amplitude = [0.0 if r.name in ("pde", "nad") else r.amplitude for r in muscle.resonances]
        fit = p31mg.fit(simulated(np.full(6, 0.5), amplitude=amplitude, seed=3))
        gone = fit.amplitude == 0
        assert gone.any()
        for values in (fit.chemical_shift_ppm, fit.crlb_chemical_shift_ppm, fit.linewidth_hz, fit.crlb_linewidth_hz):
            np.testing.assert_array_equal(np.isnan(values), gone)
        row = int(np.flatnonzero(gone.any(axis=-1))[0])
        assert not fit.model(row)[gone[row]].any()
        assert np.isfinite(fit.model(row)).all()

    def test_refuses_a_voxel_without_a_fit(self, grid):
        with pytest.raises(
            p31mg.InputError, match=r"spectrum \(1, 0\) has no fitted model: all points of the FID are zero"
        ):
            grid.model((1, 0))

    @pytest.mark.parametrize("index", [(), 0, (5, 5), (0, 0, 0), "first"])
    def test_refuses_more_than_one_spectrum(self, grid, index):
        with pytest.raises(p31mg.InputError, match=r"it must pick one spectrum of the batch shape \(2, 3\)"):
            grid.model(index)


class TestTable:
    def test_one_row_per_spectrum_with_its_place_in_the_grid(self, grid):
        table = grid.to_dataframe()
        assert table["x"].tolist() == [0, 0, 0, 1, 1, 1]
        assert table["y"].tolist() == [0, 1, 2, 0, 1, 2]
        assert table["status"].tolist() == ["OK"] * 3 + ["ZERO_SIGNAL"] + ["OK"] * 2

    def test_reason_only_where_it_failed(self, grid):
        reasons = grid.to_dataframe()["reason"].tolist()
        assert reasons == [""] * 3 + [FitStatus.ZERO_SIGNAL.message] + [""] * 2

    @pytest.mark.parametrize(
        "name",
        [
            "shift_alpha_beta_ppm",
            "sd_shift_alpha_beta_ppm",
            "shift_beta_pcr_ppm",
            "sd_shift_beta_pcr_ppm",
            "snr",
            "noise_sd",
        ],
    )
    def test_columns_are_fields(self, grid, name):
        np.testing.assert_array_equal(grid.to_dataframe()[name], getattr(grid, name).ravel())

    def test_columns_of_every_resonance(self, grid):
        table = grid.to_dataframe()
        for k, name in enumerate(grid.names):
            for what in ("chemical_shift_ppm", "linewidth_hz", "amplitude"):
                np.testing.assert_array_equal(table[f"{name}_{what}"], getattr(grid, what)[..., k].ravel())
                np.testing.assert_array_equal(
                    table[f"{name}_crlb_{what}"], getattr(grid, f"crlb_{what}")[..., k].ravel()
                )
            np.testing.assert_array_equal(table[f"{name}_snr"], grid.snr_resonance[..., k].ravel())

    def test_phase_in_degrees(self, grid):
        assert table_value(grid, "phase_deg") == pytest.approx(np.degrees(3.0), abs=3.0)

    def test_quality_and_validity(self, grid):
        table = grid.to_dataframe()
        for name, flag in grid.quality.columns().items():
            np.testing.assert_array_equal(table[name], (grid.is_valid if name == "is_valid" else flag).ravel())
        assert table["is_valid"].tolist() == [True, True, True, False, True, True]

    def test_single_spectrum_is_one_row_without_a_place(self, simulated):
        table = p31mg.fit(simulated()).to_dataframe()
        assert len(table) == 1
        assert table.columns[0] == "status"

    def test_refuses_axes_named_like_columns(self, simulated):
        spectra = simulated([0.5, 0.5])
        named = p31mg.Spectra(spectra.fid, spectra.acquisition, axis_names=("snr",))
        with pytest.raises(p31mg.InputError, match=r"axis_names of the spectra hold \['snr'\]"):
            p31mg.fit(named).to_dataframe()

    def test_no_spectra_no_rows(self, simulated, with_fid):
        table = p31mg.fit(with_fid(simulated(), np.empty((0, 512)))).to_dataframe()
        assert len(table) == 0
        assert "shift_alpha_beta_ppm" in table


def table_value(fit, name):
    return fit.to_dataframe()[name][0]


class TestPrinting:
    def test_one_spectrum(self, simulated):
        fit = p31mg.fit(simulated())
        shift, sd = float(fit.shift_alpha_beta_ppm), float(fit.sd_shift_alpha_beta_ppm)
        assert f"alpha-beta {shift:.4f} +- {sd:.4f} ppm" in repr(fit)

    def test_one_spectrum_that_failed_says_why(self, simulated, with_fid):
        fit = p31mg.fit(with_fid(simulated(), np.zeros(512)))
        assert f"ZERO_SIGNAL, {FitStatus.ZERO_SIGNAL.message}" in repr(fit)

    def test_grid_counts_the_valid(self, grid):
        assert "(2, 3)" in repr(grid)
        assert "5 of 6 valid" in repr(grid)


class TestFields:
    def test_reference_is_zero_with_no_error(self, grid):
        fitted = grid.status == FitStatus.OK
        assert (grid.chemical_shift_ppm[fitted, 0] == 0).all()
        assert (grid.crlb_chemical_shift_ppm[fitted, 0] == 0).all()
        assert np.isfinite(grid.crlb_reference_offset_ppm[fitted]).all()

    def test_difference_is_that_of_the_shifts(self, grid):
        alpha, beta = grid.names.index("alpha_atp"), grid.names.index("beta_atp")
        shift = grid.chemical_shift_ppm
        np.testing.assert_allclose(grid.shift_alpha_beta_ppm, shift[..., alpha] - shift[..., beta], rtol=1e-14)
        np.testing.assert_array_equal(grid.shift_beta_pcr_ppm, shift[..., beta])

    def test_shared_width_keeps_the_ratio_of_the_prior(self, simulated):
        fit = p31mg.fit(simulated(prior="brain-7t"), prior="brain-7t")
        width = dict(zip(fit.names, fit.linewidth_hz, strict=True))
        assert fit.prior["pi_extracellular"].linewidth_as == "pi"
        assert width["pi_extracellular"] / width["pi"] == pytest.approx(31.0 / 21.0, rel=1e-12)

    def test_sd_is_never_far_from_the_bound_at_high_snr(self, grid):
        fitted = grid.status == FitStatus.OK
        ratio = grid.sd_shift_alpha_beta_ppm[fitted] / grid.crlb_shift_alpha_beta_ppm[fitted]
        # the curvature of one noisy cost about its expectation: a few noise sd of the curvature, here 15 %
        np.testing.assert_allclose(ratio, 1.0, rtol=0, atol=0.15)

    def test_cannot_be_changed(self, grid):
        with pytest.raises(FrozenInstanceError, match="cannot assign"):
            grid.engine = "other"

    def test_keeps_spectra_and_prior(self, grid, muscle):
        assert grid.prior == muscle
        assert grid.spectra.axis_names == ("x", "y")
        assert grid.names == muscle.names
