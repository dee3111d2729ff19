"""Files of a grid and of a series: what the results say, in their shape, the same bytes each time."""

from __future__ import annotations

import dataclasses
import gzip
import io

import matplotlib.pyplot as plt
import nibabel
import numpy as np
import pandas as pd
import pytest

import p31mg
from p31mg.report import of_file, place_files


@pytest.fixture(scope="module")
def stack() -> p31mg.SimulatedSpectra:
    return p31mg.simulate(np.linspace(0.35, 0.75, 9), ph=np.linspace(7.1, 6.9, 9), snr=300, seed=5, n_points=1024)


def as_shape(stack: p31mg.Spectra, rows: slice, shape: tuple[int, ...], names: tuple[str, ...]) -> p31mg.Spectra:
    return p31mg.Spectra(stack.fid[rows].reshape(*shape, -1), stack.acquisition, names)


def test_rows_of_a_stack_are_the_fit_of_their_file(stack: p31mg.Spectra) -> None:
    grid = as_shape(stack, slice(2, 8), (3, 2, 1), ("x", "y", "z"))
    whole = p31mg.fit(stack)
    fit, mg = of_file(whole, p31mg.free_magnesium(whole), np.arange(2, 8), grid)
    alone = p31mg.fit(grid)
    alone_mg = p31mg.free_magnesium(alone)
    for part, expected in ((fit, alone), (mg, alone_mg), (fit.quality, alone.quality)):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(value, getattr(expected, field.name), err_msg=field.name)
    assert fit.spectra is grid
    pd.testing.assert_frame_equal(fit.to_dataframe(), alone.to_dataframe())


def test_grid_gives_maps_and_a_figure(stack: p31mg.Spectra) -> None:
    fit = p31mg.fit(as_shape(stack, slice(0, 8), (4, 2, 1), ("x", "y", "z")))
    mg = p31mg.free_magnesium(fit)
    files = dict(place_files(fit, mg, "sub-01/csi"))
    names = ("mg", "sd_mg", "shift", "ph", "pcr_atp", "valid")
    assert list(files) == [*(f"maps/sub-01/csi_{n}.nii.gz" for n in names), "figures/sub-01/csi_maps.png"]
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(files["maps/sub-01/csi_ph.nii.gz"]))
    np.testing.assert_allclose(image.get_fdata(), mg.ph, rtol=1e-6)
    assert plt.imread(io.BytesIO(files["figures/sub-01/csi_maps.png"])).shape == (620, 1000, 4)
    assert dict(place_files(fit, mg, "sub-01/csi")) == files


def test_series_gives_a_table_and_a_figure(stack: p31mg.Spectra) -> None:
    fit = p31mg.fit(as_shape(stack, slice(0, 9), (9,), ("dyn",)))
    mg = p31mg.free_magnesium(fit)
    files = dict(place_files(fit, mg, "leg"))
    assert list(files) == ["series/leg.csv", "figures/leg_series.png"]
    course = pd.read_csv(io.BytesIO(files["series/leg.csv"]))
    np.testing.assert_allclose(course["free_mg_mM"], mg.free_mg_mM, rtol=1e-14)
    assert {"dyn", "ph", "pcr_mM", "pi_mM", "adp_uM"} <= set(course)
    assert files["figures/leg_series.png"].startswith(b"\x89PNG")
    assert dict(place_files(fit, mg, "leg")) == files
    assert not plt.get_fignums()


def test_single_spectrum_gives_nothing(stack: p31mg.Spectra) -> None:
    for shape, names in (((), ()), ((1, 1, 1), ("x", "y", "z"))):
        fit = p31mg.fit(as_shape(stack, slice(0, 1), shape, names))
        assert list(place_files(fit, p31mg.free_magnesium(fit), "one")) == []
