"""Maps as NIfTI: in the space of the file that the spectra came from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import nibabel
import numpy as np
import pytest

import p31mg
from p31mg.io.formats import nifti_mrs

AFFINE = np.array([[-18.6, 16.2, 13.5, 40.1], [-9.5, -15.4, 55.1, 85.4], [13.7, 11.2, 56.4, -75.0], [0, 0, 0, 1.0]])


def rewritten(spectra: p31mg.Spectra, path: Path, affine: np.ndarray) -> Path:
    """Write spectra with an affine, as a scanner would."""
    image = nifti_mrs.image(spectra)
    own = nibabel.Nifti2Image(np.asarray(image.dataobj), affine, image.header)
    own.set_sform(affine, 1)
    own.to_filename(path)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    grid = p31mg.simulate(np.linspace(0.35, 0.8, 12).reshape(2, 3, 2), snr=400, seed=1, n_points=512)
    spectra = p31mg.Spectra(grid.fid, grid.acquisition, ("x", "y", "z"))
    return rewritten(spectra, tmp_path_factory.mktemp("grid") / "csi.nii.gz", AFFINE)


def test_maps_lie_where_the_spectra_lay(file: Path, tmp_path: Path) -> None:
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    fit = p31mg.fit(p31mg.read(file))
    mg = p31mg.free_magnesium(fit)
    written = p31mg.write_maps(fit, mg, tmp_path, "csi")
    assert {name: path.name for name, path in written.items()} == {
        name: f"csi_{name}.nii.gz" for name in ("mg", "sd_mg", "shift", "ph", "pcr_atp", "valid")
    }
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in written.values()}
    for name, path in written.items():
        image = nibabel.load(path)
        np.testing.assert_allclose(image.affine, AFFINE, atol=1e-4)
        assert image.shape == (2, 3, 2)
        assert image.header.get_xyzt_units()[0] == "mm"
        assert image.get_data_dtype() == (np.uint8 if name == "valid" else np.float32)
    found = nibabel.load(written["mg"]).get_fdata()
    np.testing.assert_allclose(found, np.where(mg.is_valid, mg.free_mg_mM, np.nan), rtol=1e-6)
    assert np.isfinite(found).sum() == nibabel.load(written["valid"]).get_fdata().sum() > 6
    assert b"free Mg2+, mM; gupta-1978; p31mg" in bytes(nibabel.load(written["mg"]).header["descrip"])
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before


def test_affine_survives_read_and_write(file: Path, tmp_path: Path) -> None:
    back = p31mg.write(p31mg.read(file), tmp_path / "again.nii.gz")
    np.testing.assert_allclose(nibabel.load(back).affine, AFFINE, atol=1e-4)
    (extension,) = nibabel.load(back).header.extensions
    assert b"affine" not in extension.get_content()
    np.testing.assert_allclose(p31mg.read(back).metadata["grid"]["affine"], AFFINE, atol=1e-4)


def test_affine_of_the_whole_is_not_that_of_a_part(file: Path, tmp_path: Path) -> None:
    part = p31mg.read(file)[0:1]
    assert nifti_mrs.affine_of(part) is None
    assert nifti_mrs.affine_of(p31mg.read(file)[0, 0, 0]) is None
    fit = p31mg.fit(part)
    written = p31mg.write_maps(fit, p31mg.free_magnesium(fit), tmp_path)
    np.testing.assert_array_equal(nibabel.load(written["mg"]).affine, np.eye(4))


def test_single_voxel_keeps_its_place(tmp_path: Path) -> None:
    one = p31mg.simulate(0.5, snr=300, seed=1, n_points=512)
    file = rewritten(one, tmp_path / "one.nii.gz", AFFINE)
    np.testing.assert_allclose(nifti_mrs.affine_of(p31mg.read(file)), AFFINE, atol=1e-4)


def test_grid_without_a_place_and_with_time(tmp_path: Path) -> None:
    grid = p31mg.simulate(np.full((2, 1, 1, 3), 0.5), snr=300, seed=1, n_points=512)
    spectra = p31mg.Spectra(grid.fid, grid.acquisition, ("x", "y", "z", "dyn"))
    fit = p31mg.fit(spectra)
    written = p31mg.write_maps(fit, p31mg.free_magnesium(fit), tmp_path, valid_only=False)
    image = nibabel.load(written["shift"])
    assert image.shape == (2, 1, 1, 3)
    np.testing.assert_allclose(image.get_fdata(), fit.shift_alpha_beta_ppm, rtol=1e-6)


def test_no_grid_and_no_folder_are_refused(file: Path, tmp_path: Path) -> None:
    one = p31mg.fit(p31mg.simulate(0.5, snr=300, seed=1, n_points=512))
    with pytest.raises(p31mg.InputError, match=r"fit has the batch axes \(\); maps need x, y, z first"):
        p31mg.write_maps(one, p31mg.free_magnesium(one), tmp_path)
    fit = p31mg.fit(p31mg.read(file))
    with pytest.raises(p31mg.WriteError, match=r"maps_mg\.nii\.gz cannot be written: No such file"):
        p31mg.write_maps(fit, p31mg.free_magnesium(fit), tmp_path / "nowhere")


def test_heart_keeps_the_affine_of_the_scanner(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "heart-3t" / "subject-1.nii.gz"
    fit = p31mg.fit(p31mg.read(path))
    written = p31mg.write_maps(fit, p31mg.free_magnesium(fit), tmp_path)
    for file in written.values():
        np.testing.assert_allclose(nibabel.load(file).affine, nibabel.load(path).affine, atol=1e-4)
    assert np.isfinite(nibabel.load(written["pcr_atp"]).get_fdata()).sum() >= 1
