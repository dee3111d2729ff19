"""Figures of a study: one per fitted spectrum, the calibration, the study at a glance."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import p31mg

PNG = b"\x89PNG\r\n\x1a\n"


def figures(output: Path) -> set[str]:
    """Return the names of the figures, all of which are pictures of a reasonable size."""
    files = [f for f in (output / "figures").rglob("*") if f.is_file()]
    for file in files:
        content = file.read_bytes()
        assert content.startswith(PNG)
        assert len(content) > 10_000
    return {file.relative_to(output / "figures").as_posix() for file in files}


def test_every_fitted_spectrum_has_a_picture(tmp_path: Path) -> None:
    (tmp_path / "study" / "a").mkdir(parents=True)
    one = p31mg.simulate(0.5, snr=300, seed=1, n_points=512)
    p31mg.write(one, tmp_path / "study" / "a" / "sub-01.nii.gz")
    p31mg.write(
        p31mg.Spectra(np.random.default_rng(2).standard_normal((512, 2)).view(complex)[:, 0], one.acquisition),
        tmp_path / "study" / "noise.nii.gz",
    )
    (tmp_path / "study" / "broken.txt").write_text("no\n", encoding="utf-8")
    calls: list[tuple[str, int, int]] = []
    p31mg.batch(tmp_path / "study", tmp_path / "results", progress=lambda *call: calls.append(call))
    assert figures(tmp_path / "results") == {"a/sub-01.png", "calibration.png", "study.png"}
    assert ("fit", 3, 3) in calls
    assert not plt.get_fignums()


def test_voxels_of_a_grid_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    grid = p31mg.simulate([[[0.4]], [[0.6]]], snr=300, seed=1, n_points=512)
    p31mg.write(p31mg.Spectra(grid.fid, grid.acquisition, ("x", "y", "z")), tmp_path / "study" / "csi.nii.gz")
    p31mg.batch(tmp_path / "study", tmp_path / "results")
    expected = {"csi_x0_y0_z0.png", "csi_x1_y0_z0.png", "csi_maps.png", "calibration.png", "study.png"}
    assert figures(tmp_path / "results") == expected


def test_study_without_a_signal_has_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "broken.txt").write_text("no\n", encoding="utf-8")
    p31mg.batch(tmp_path / "study", tmp_path / "results")
    assert figures(tmp_path / "results") == set()


def test_failing_save_leaves_no_half_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure

    def save(self: Figure, name: object, **_: object) -> None:
        if not isinstance(name, str):  # into memory
            name.write(PNG)
            return
        Path(name).write_bytes(PNG)
        raise OSError(28, "No space left on device")

    (tmp_path / "study").mkdir()
    p31mg.write(p31mg.simulate(0.5, snr=300, seed=1, n_points=512), tmp_path / "study" / "a.nii.gz")
    monkeypatch.setattr(Figure, "savefig", save)
    with pytest.raises(p31mg.WriteError, match=r"calibration.png cannot be written: No space left on device"):
        p31mg.batch(tmp_path / "study", tmp_path / "results")
    assert [f.name for f in (tmp_path / "results" / "figures").iterdir()] == ["a.png"]
    assert (tmp_path / "results" / "results.csv").is_file()
