"""The command line in-process, and a folder with one file of every kind that the commands are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from click.testing import CliRunner, Result
from nibabel.nifti1 import Nifti1Extension

import p31mg
from p31mg.cli import demo_command, main
from p31mg.study import work

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def run() -> Run:
    """Run ``p31mg`` with arguments and return the result; an exception that is no exit is a failure of the test."""

    def call(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [str(a) for a in arguments], prog_name="p31mg")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def save_with_echo_time(spectra: p31mg.Spectra, file: Path, echo_time_s: float) -> None:
    """Write NIfTI-MRS that, as converters do, states an EchoTime only."""
    data = spectra.fid.conj().reshape(*(spectra.batch_shape or (1, 1, 1)), -1)
    image = nibabel.Nifti2Image(data, np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = spectra.acquisition.dwell_time_s
    metadata = {
        "SpectrometerFrequency": [spectra.acquisition.spectrometer_frequency_mhz],
        "ResonantNucleus": ["31P"],
        "EchoTime": echo_time_s,
    }
    image.header.extensions.append(Nifti1Extension(44, json.dumps(metadata).encode()))
    image.to_filename(file)


PEAKS = """Index,PCr,GATP,GATP2,AATP,AATP2,BATP,BATP2,BATP3
Initial Values,,,,,,,,
amplitude,4,0.5,GATP,0.5,AATP,0.6,BATP/2,BATP/2
chemicalshift,0,-2.3,GATP-16Hz,-7.37,AATP-16Hz,-16.1,BATP-15Hz,BATP+15Hz
linewidth,8,16,GATP,16,AATP,18,BATP,BATP
Bounds,,,,,,,,
chemicalshift,"(-0.5,0.5)","(-2.7,-1.9)",,"(-7.7,-7.0)",,"(-17,-15.6)",,
linewidth,"(2,80)","(3,80)",,"(3,80)",,"(3,80)",,
"""
"""A spreadsheet of pyAMARES: one column for each line."""


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with good files under the names of the commands' own help: to be read, never written to."""
    folder = tmp_path_factory.mktemp("shelf")
    one = p31mg.simulate(0.5, prior="muscle-3t", snr=400, seed=1, n_points=512)
    save_with_echo_time(one, folder / "sub-01_unloc.nii.gz", one.acquisition.begin_time_s)

    grid = p31mg.simulate(np.full((2, 2, 1), 0.6), prior="muscle-3t", snr=300, seed=2)
    fid = grid.fid.copy()
    fid[1, 1] = (
        grid.truth.noise_sd[0, 0, 0] * np.random.default_rng(3).standard_normal((1, 2048, 2)).view(complex)[..., 0]
    )
    save_with_echo_time(p31mg.Spectra(fid, grid.acquisition), folder / "sub-01_csi.nii.gz", 5e-4)

    clean = p31mg.simulate(0.5, prior="muscle-3t", n_points=1024)
    drift = np.exp(2j * np.pi * np.linspace(-4, 4, 8)[:, None] * clean.time_s)
    sd = p31mg.simulate(0.5, snr=120, n_points=1024).truth.noise_sd
    noise = sd * np.random.default_rng(1).standard_normal((4, 8, 1024, 2)).view(complex)[..., 0]
    raw = np.exp(1j * np.arange(4))[:, None, None] * clean.fid * drift + noise
    p31mg.write(p31mg.Spectra(raw, clean.acquisition, ("coil", "dyn")), folder / "sub-01_raw.nii.gz")

    at_7t = p31mg.Acquisition(spectrometer_frequency_mhz=120.0, dwell_time_s=1e-4, begin_time_s=3e-4)
    brain = p31mg.simulate(
        0.18, prior="brain-7t", snr=400, seed=4, calibration="iotti-1996", acquisition=at_7t, n_points=1024
    )
    np.savetxt(folder / "fid.txt", np.column_stack([brain.fid.real, brain.fid.imag]))

    p31mg.write_prior(p31mg.load_prior("heart"), folder / "prior.toml")
    (folder / "peaks.csv").write_text(PEAKS, encoding="utf-8")
    own = p31mg.TwoSiteCalibration(id="own", atp_ppm=10.9, mgatp_ppm=8.34, kd_uM=40.0, sd_kd_uM=2.0)
    p31mg.write_calibration(own, folder / "own.toml")
    solutions = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6])
    shifts = own.shift_ppm(solutions) + 1e-3 * np.array([1, -1, 0, 1, 0, -1, 0])
    titration = [f"{mg:g},{shift:.4f}\n" for mg, shift in zip(solutions, shifts, strict=True)]
    (folder / "titration.csv").write_text("".join(["free_mg_mM,shift_ppm\n", *titration]), encoding="utf-8")
    (folder / "people.csv").write_text("subject,age,ph\n01,34,7.02\n02,71,6.91\n", encoding="utf-8")

    (folder / "people").mkdir()
    cohort = p31mg.simulate_cohort(40, snr=300, seed=8, n_points=512)
    cohort.measured().assign(session="ses-1").to_csv(folder / "people" / "results.csv", index=False)
    cohort.participants.to_csv(folder / "people" / "participants.tsv", sep="\t", index=False)

    (folder / "study").mkdir()
    for i, free_mg_mM in enumerate([0.4, 0.6]):
        person = p31mg.simulate(free_mg_mM, prior="muscle-3t", snr=400, seed=5 + i, n_points=512)
        save_with_echo_time(person, folder / "study" / f"sub-{i + 1:02d}.nii.gz", 5e-4)
    return folder


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the demo have two people and no pictures of their fits: for tests of its folder and its options."""

    def blank(result: object, curves: object, rows: list[int], headings: list[str]) -> list[bytes]:
        return [b"no picture" for _ in rows]

    monkeypatch.setattr(demo_command, "N_SUBJECTS", 2)
    monkeypatch.setattr(work, "fit_pictures", blank)
