"""Pictures of many fits: one for each, of the right spectrum, and the same canvas for all."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import p31mg
from p31mg.report import curves_of, fit_pictures

from .conftest import Study


def test_each_picture_is_of_its_spectrum_and_says_so(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, np.ndarray, np.ndarray]] = []
    save = Figure.savefig

    def spy(self: Figure, *args: object, **options: object) -> None:
        (ax,) = self.axes
        data, model = ax.lines[:2]
        drawn.append((ax.get_title(loc="left"), data.get_ydata(), model.get_ydata()))
        assert ax.get_xlim()[0] > ax.get_xlim()[1]
        save(self, *args, **options)

    monkeypatch.setattr(Figure, "savefig", spy)
    curves = curves_of(study.fit)
    pictures = list(fit_pictures(study.fit, curves, [3, 0], ["sub-04/a$b$.nii.gz", "sub-01"]))
    for png, (title, data, model), row in zip(pictures, drawn, [3, 0], strict=True):
        image = plt.imread(io.BytesIO(png))
        assert image.shape[:2] == (630, 810)
        assert np.ptp(image[..., :3]) > 0.5
        assert f"δα − δβ = {study.fit.shift_alpha_beta_ppm[row]:.3f} ±" in title
        np.testing.assert_allclose(data, curves.data[row] * curves.step[row])
        np.testing.assert_allclose(model, curves.fit[row])
    assert drawn[0][0].startswith(r"sub-04/a\$b\$.nii.gz" + "\n")
    assert not plt.get_fignums()


def test_grids_and_single_spectra(study: Study) -> None:
    grid = p31mg.fit(p31mg.Spectra(study.fit.spectra.fid[:4].reshape(2, 2, -1), study.fit.spectra.acquisition))
    stack = p31mg.fit(study.fit.spectra[:4])
    for one, rows in ((grid, [2]), (p31mg.fit(study.fit.spectra[2]), [0])):
        (png,) = fit_pictures(one, curves_of(one), rows, ["x"])
        assert [png] == list(fit_pictures(stack, curves_of(stack), [2], ["x"]))
