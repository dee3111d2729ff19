"""Display curves of fits: the same picture as the full spectrum, on one axis, in few bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

import p31mg
from p31mg.report import FitCurves, curves_of


@pytest.fixture(scope="module")
def fit() -> p31mg.FitResult:
    """Return six good spectra with phases and offsets, one of noise, one of zeros and one of NaN."""
    n = 6
    rng = np.random.default_rng(4)
    people = p31mg.simulate(
        rng.uniform(0.3, 0.9, n),
        snr=250,
        seed=5,
        phase_rad=rng.uniform(-3, 3, n),
        frequency_offset_hz=rng.uniform(-30, 30, n),
    )
    noise = rng.normal(size=(1, people.n_points, 2)).view(complex)[..., 0]
    fid = np.concatenate([people.fid, noise, np.zeros_like(noise), np.full_like(noise, np.nan)])
    return p31mg.fit(p31mg.Spectra(fid, people.acquisition))


@pytest.fixture(scope="module")
def curves(fit: p31mg.FitResult) -> FitCurves:
    return curves_of(fit)


def slow_spectrum(signal: np.ndarray, fit: p31mg.FitResult, row: int, ppm: np.ndarray, n_kept: int) -> np.ndarray:
    """Return the phased spectrum by the definition of a Fourier sum, one frequency after the other."""
    a = fit.spectra.acquisition
    n = np.arange(n_kept)
    window = np.where(n < n_kept / 2, 1.0, np.cos(np.pi * (n / n_kept - 0.5)) ** 2)
    out = []
    for delta in ppm:
        hz = (delta + fit.reference_offset_ppm[row]) * a.spectrometer_frequency_mhz
        transformed = (
            signal[:n_kept] * window * np.exp(-2j * np.pi * hz * (a.begin_time_s + a.dwell_time_s * n))
        ).sum()
        out.append(transformed * np.exp(-1j * fit.phase_rad[row]))
    return np.array(out)


@pytest.mark.parametrize("row", [0, 3])
def test_curves_are_the_fourier_sums_of_data_and_model(fit: p31mg.FitResult, curves: FitCurves, row: int) -> None:
    step_ppm = float(np.diff(curves.ppm).mean())
    a = fit.spectra.acquisition
    n_kept = round(1 / (2 * step_ppm * a.spectrometer_frequency_mhz * a.dwell_time_s))
    expected = slow_spectrum(fit.spectra.fid[row], fit, row, curves.ppm, n_kept).real
    half_a_step = 0.51 * curves.step[row]
    np.testing.assert_allclose(curves.data[row] * curves.step[row], expected, rtol=0, atol=half_a_step)
    model = fit.model(row)
    for k in range(len(curves.names)):
        expected = slow_spectrum(model[k], fit, row, curves.ppm, n_kept).real
        np.testing.assert_allclose(curves.resonances[row, k] * curves.step[row], expected, rtol=0, atol=half_a_step)


def test_axis_is_that_of_pcr_for_every_spectrum(curves: FitCurves) -> None:
    pcr = curves.resonances[:6, curves.names.index("pcr")]
    assert (np.abs(curves.ppm[pcr.argmax(axis=-1)]) <= np.diff(curves.ppm).max()).all()
    assert np.all(np.diff(curves.ppm) > 0)
    assert curves.ppm[0] < -17
    assert curves.ppm[-1] > 8


def test_residual_is_noise_and_adds_up(curves: FitCurves) -> None:
    for row in range(6):
        whole = curves.data[row] * curves.step[row]
        np.testing.assert_allclose(curves.fit[row] + curves.residual[row], whole, rtol=0, atol=1e-9 * whole.max())
        assert np.abs(curves.residual[row]).max() < 0.05 * whole.max()


def test_what_was_not_fitted_has_a_magnitude_and_no_model(curves: FitCurves) -> None:
    assert curves.is_fitted.tolist() == [True] * 6 + [False] * 3
    assert np.isnan(curves.fit[6:]).all()
    assert (curves.data[6] >= 0).all()
    assert curves.data[6].max() == 32767
    np.testing.assert_array_equal(curves.step[7:], 0)
    np.testing.assert_array_equal(curves.data[7:], 0)
    np.testing.assert_array_equal(curves.resonances[6:], 0)


def test_each_row_is_the_same_in_any_stack(fit: p31mg.FitResult, curves: FitCurves) -> None:
    alone = curves_of(p31mg.fit(fit.spectra[2]))
    for name in ("data", "resonances", "step", "centre_ppm"):
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(curves, name)[2])


def test_save_and_load(tmp_path: Path, curves: FitCurves) -> None:
    path = curves[1:8].save(tmp_path / "curves.npz")
    back = FitCurves.load(path)
    assert back.names == curves.names
    for name in ("ppm", "centre_ppm", "data", "resonances", "step", "is_fitted"):
        np.testing.assert_array_equal(getattr(back, name), getattr(curves[1:8], name))
    assert len(back) == 7
    assert path.stat().st_size < 7 * 6_000
    assert path.read_bytes() == curves[1:8].save(tmp_path / "again.npz").read_bytes()


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(p31mg.ReadError, match=r"curves .*none\.npz cannot be read: No such file or directory\."):
        FitCurves.load(tmp_path / "none.npz")


def test_what_is_no_curves_is_refused(tmp_path: Path, curves: FitCurves) -> None:
    whole = curves.save(tmp_path / "whole.npz").read_bytes()
    objects = io.BytesIO()
    np.savez(objects, ppm=np.array([{}], dtype=object))
    short = io.BytesIO()
    with zipfile.ZipFile(tmp_path / "whole.npz") as old, zipfile.ZipFile(short, "w") as new:
        for name in old.namelist():
            content = io.BytesIO()
            np.save(content, np.zeros(3))
            new.writestr(name, content.getvalue() if name == "step.npy" else old.read(name))
    for i, content in enumerate([b"", b"no", whole[: len(whole) // 2], objects.getvalue(), short.getvalue()]):
        path = tmp_path / f"{i}.npz"
        path.write_bytes(content)
        with pytest.raises(p31mg.ReadError, match=rf"file .*{i}\.npz does not hold curves of a fit; make it again\."):
            FitCurves.load(path)


def test_grid_comes_out_in_raveled_order(fit: p31mg.FitResult, curves: FitCurves) -> None:
    grid = p31mg.Spectra(fit.spectra.fid[:6].reshape(3, 2, -1), fit.spectra.acquisition)
    np.testing.assert_array_equal(curves_of(p31mg.fit(grid)).data, curves[:6].data)


def test_other_lineshapes_and_short_fids() -> None:
    import dataclasses

    prior = dataclasses.replace(p31mg.load_prior("muscle-3t"), lineshape="gaussian")
    spectra = p31mg.simulate([0.5], prior=prior, snr=300, seed=3, n_points=256)
    short = curves_of(p31mg.fit(spectra, prior))
    assert short.is_fitted.all()
    assert np.abs(short.residual).max() < 0.1 * short.fit.max()
