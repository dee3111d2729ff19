"""Maps of a grid: the right voxel in the right place, grey where nothing is known."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import p31mg
from p31mg.magnesium import maps_of


@pytest.fixture(scope="module")
def grid() -> tuple[p31mg.FitResult, p31mg.MagnesiumResult]:
    """Return a grid of 3 x 2 x 2 with a gradient of Mg2+ along x, one voxel of noise and one of low SNR."""
    mg = np.broadcast_to(np.array([0.35, 0.5, 0.7])[:, None, None], (3, 2, 2))
    snr = np.full((3, 2, 2), 400.0)
    snr[1, 0, 1] = 45
    people = p31mg.simulate(mg, snr=snr, seed=2, n_points=1024)
    fid = people.fid.copy()
    fid[2, 1] = np.random.default_rng(1).normal(size=(2, 1024, 2)).view(complex)[..., 0]
    fit = p31mg.fit(p31mg.Spectra(fid, people.acquisition, ("x", "y", "z")))
    return fit, p31mg.free_magnesium(fit)


def test_each_voxel_stands_in_its_place(grid: tuple[p31mg.FitResult, p31mg.MagnesiumResult]) -> None:
    fit, mg = grid
    drawn = p31mg.plot.maps(fit, mg, z=1)
    image = drawn.images["mg"].get_array()
    assert image.shape == (2, 3)  # rows are y, from below; columns are x
    assert drawn.images["mg"].origin == "lower"
    np.testing.assert_array_equal(image[0, [0, 2]], mg.free_mg_mM[[0, 2], 0, 1])
    np.testing.assert_array_equal(np.ma.getmaskarray(image), [[False, True, False], [False, False, True]])
    assert drawn.axes["valid"].get_title(loc="left") == "Mg²⁺ valid: 4 of 6"
    np.testing.assert_array_equal(drawn.images["valid"].get_array(), [[1, 0, 1], [1, 1, 0]])


def test_slice_with_most_valid_voxels_is_taken(grid: tuple[p31mg.FitResult, p31mg.MagnesiumResult]) -> None:
    fit, mg = grid
    drawn = p31mg.plot.maps(fit, mg)
    np.testing.assert_array_equal(drawn.images["mg"].get_array()[0], mg.free_mg_mM[:, 0, 0])
    assert "z 0" in drawn.figure._suptitle.get_text()


def test_values_of_the_maps(grid: tuple[p31mg.FitResult, p31mg.MagnesiumResult]) -> None:
    fit, mg = grid
    maps = maps_of(fit, mg)
    assert list(maps) == ["mg", "sd_mg", "shift", "ph", "pcr_atp", "valid"]
    expected = fit.amplitude[0, 0, 0, fit.names.index("pcr")] / fit.amplitude[0, 0, 0, fit.names.index("gamma_atp")]
    assert maps["pcr_atp"][0, 0, 0] == expected
    assert all(np.isnan(maps[name][2, 1]).all() for name in maps if name != "valid")
    assert np.isnan(maps["mg"][1, 0, 1])
    everything = maps_of(fit, mg, valid_only=False)
    for name, of_mg in (("mg", mg.free_mg_mM), ("sd_mg", mg.sd_mM), ("shift", fit.shift_alpha_beta_ppm)):
        np.testing.assert_array_equal(everything[name], of_mg)
    with pytest.raises(p31mg.InputError, match=r"mg has shape \(2, 2\) and fit \(3, 2, 2\)"):
        maps_of(fit, p31mg.free_magnesium(p31mg.fit(p31mg.Spectra(fit.spectra.fid[0], fit.spectra.acquisition))))


def test_frames_of_a_dynamic_grid(grid: tuple[p31mg.FitResult, p31mg.MagnesiumResult]) -> None:
    fid = np.stack([grid[0].spectra.fid, grid[0].spectra.fid[::-1]], axis=3)
    fit = p31mg.fit(p31mg.Spectra(fid, grid[0].spectra.acquisition, ("x", "y", "z", "dyn")))
    mg = p31mg.free_magnesium(fit)
    drawn = p31mg.plot.maps(fit, mg, z=0, frame=(1,))
    np.testing.assert_array_equal(drawn.images["mg"].get_array()[0], mg.free_mg_mM[:, 0, 0, 1])
    assert drawn.images["mg"].get_array()[0, 0] > drawn.images["mg"].get_array()[0, 2]
    with pytest.raises(p31mg.InputError, match=r"z is 0 and frame \(2,\); the fit has the batch shape \(3, 2, 2, 2\)"):
        p31mg.plot.maps(fit, mg, z=0, frame=(2,))


def test_grid_of_nothing_is_grey(grid: tuple[p31mg.FitResult, p31mg.MagnesiumResult]) -> None:
    noise = np.random.default_rng(3).normal(size=(2, 2, 1, 512, 2)).view(complex)[..., 0]
    fit = p31mg.fit(p31mg.Spectra(noise, grid[0].spectra.acquisition, ("x", "y", "z")))
    figure = Figure()
    drawn = p31mg.plot.maps(fit, p31mg.free_magnesium(fit), figure)
    assert drawn.figure is figure
    assert np.ma.getmaskarray(drawn.images["mg"].get_array()).all()
    assert not plt.get_fignums()


def test_no_grid_is_refused(grid: tuple[p31mg.FitResult, p31mg.MagnesiumResult]) -> None:
    fit = p31mg.fit(grid[0].spectra[0, 0])
    with pytest.raises(p31mg.InputError, match=r"fit has the batch axes \('z',\); maps need x, y, z first"):
        p31mg.plot.maps(fit, p31mg.free_magnesium(fit))
