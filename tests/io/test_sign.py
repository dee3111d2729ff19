"""Higher ppm comes out at positive ppm, whatever the sign of the format.

The files are made without our writer: NIfTI-MRS follows Levitt (J Magn Reson 1997, doi:10.1006/jmre.1997.1161), where a line
of higher ppm has the more negative frequency, so a line f Hz above the carrier is exp(-2 pi i f t).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

import p31mg

N_POINTS, DWELL_TIME_S, FREQUENCY_MHZ = 1024, 2e-4, 49.9
BIN_PPM = 1 / (N_POINTS * DWELL_TIME_S * FREQUENCY_MHZ)


@pytest.mark.parametrize("n_bins", [41, -164, 1], ids=["Pi side", "beta side", "next to the carrier"])
def test_nifti_line_above_the_carrier_is_at_positive_ppm(n_bins: int, by_hand: Callable[..., Path]) -> None:
    f_hz = n_bins / (N_POINTS * DWELL_TIME_S)
    levitt = np.exp(-2j * np.pi * f_hz * DWELL_TIME_S * np.arange(N_POINTS)).reshape(1, 1, 1, -1)
    spectra = p31mg.read(by_hand(levitt, dwell_time=DWELL_TIME_S, EchoTime=0.0))
    peak = spectra.ppm[np.abs(spectra.spectrum).argmax()]
    np.testing.assert_allclose(peak, n_bins * BIN_PPM, rtol=1e-12)


@pytest.mark.parametrize("n_bins", [41, -164])
def test_writer_turns_higher_ppm_clockwise(n_bins: int, tmp_path: Path) -> None:
    acquisition = p31mg.Acquisition(
        spectrometer_frequency_mhz=FREQUENCY_MHZ, dwell_time_s=DWELL_TIME_S, begin_time_s=0.0
    )
    ours = np.exp(2j * np.pi * n_bins * np.arange(N_POINTS) / N_POINTS)
    file = p31mg.write(p31mg.Spectra(ours, acquisition), tmp_path / "a.nii")
    stored = np.asarray(nibabel.load(file).dataobj).ravel()
    levitt = np.exp(-2j * np.pi * n_bins * np.arange(N_POINTS) / N_POINTS)
    np.testing.assert_allclose(stored, levitt, atol=1e-12)


@pytest.mark.parametrize("n_bins", [41, -164])
def test_text_is_taken_as_it_is(n_bins: int, tmp_path: Path) -> None:
    line = np.exp(2j * np.pi * n_bins * np.arange(N_POINTS) / N_POINTS)
    file = tmp_path / "fid.txt"
    np.savetxt(file, np.column_stack([line.real, line.imag]))
    spectra = p31mg.read(
        file, spectrometer_frequency_mhz=FREQUENCY_MHZ, spectral_width_hz=1 / DWELL_TIME_S, begin_time_s=0.0
    )
    peak = spectra.ppm[np.abs(spectra.spectrum).argmax()]
    np.testing.assert_allclose(peak, n_bins * BIN_PPM, rtol=1e-12)


def energy(spectra: p31mg.Spectra, pcr_ppm: np.ndarray, low: float, high: float) -> float:
    """Return the mean power of a stack between two shifts from each spectrum's own PCr."""
    shift = spectra.ppm - pcr_ppm[:, None]
    return float((np.abs(spectra.spectrum) ** 2)[(shift > low) & (shift < high)].mean())


@pytest.mark.parametrize("subject", ["subject-1", "subject-2"])
def test_beta_atp_of_a_heart_is_at_negative_ppm(subject: str, real_data: Path) -> None:
    grid = p31mg.read(real_data / "heart-3t" / f"{subject}.nii.gz")
    fid = grid.fid.reshape(-1, grid.n_points)
    best = np.argsort(np.abs(np.fft.fft(fid)).max(axis=-1))[-8:]
    voxels = p31mg.Spectra(fid[best], grid.acquisition)
    pcr = voxels.ppm[np.abs(voxels.spectrum).argmax(axis=-1)]
    # some 75 bins of signal and noise on either side; at the wrong sign the ratio is below 1
    assert energy(voxels, pcr, -16.6, -15.5) > 1.3 * energy(voxels, pcr, 15.5, 16.6)
    assert energy(voxels, pcr, -8.0, -7.0) > 1.3 * energy(voxels, pcr, 7.0, 8.0)


def test_beta_atp_of_a_brain_is_at_negative_ppm(real_data: Path) -> None:
    brain = p31mg.read(
        real_data / "brain-7t" / "fid.txt",
        spectrometer_frequency_mhz=120.0,
        spectral_width_hz=10_000.0,
        begin_time_s=3e-4,
    )
    stack = p31mg.Spectra(brain.fid[None], brain.acquisition)
    pcr = np.zeros(1)
    assert energy(stack, pcr, -16.6, -15.6) > 10 * energy(stack, pcr, 15.6, 16.6)
