"""A model that does not describe the data must not pass for a good fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import p31mg


def test_residual_of_a_good_model_is_noise() -> None:
    rng = np.random.default_rng(5)
    spectra = p31mg.simulate(
        rng.uniform(0.3, 0.9, 300), snr=rng.uniform(80, 1000, 300), broadening_hz=rng.uniform(-2, 8, 300), seed=6
    )
    assert p31mg.fit(spectra).quality.residual_ok.all()


@pytest.mark.parametrize("begin_time_s", [2.0e-4, 2.5e-4, 1.3e-3, 2.3e-3])
def test_wrong_begin_time_of_a_real_spectrum_is_flagged(begin_time_s: float, real_data: Path) -> None:
    spectrum = p31mg.read(
        real_data / "brain-7t" / "fid.txt",
        spectrometer_frequency_mhz=120.0,
        spectral_width_hz=10_000.0,
        begin_time_s=begin_time_s,
    )
    assert not p31mg.fit(spectrum, prior="brain-7t").is_valid


def test_prior_of_another_field_is_noted(real_data: Path) -> None:
    """A prior that lacks most resonances of the spectrum leaves them over, but says the same of those of ATP."""
    spectrum = p31mg.read(
        real_data / "brain-7t" / "fid.txt",
        spectrometer_frequency_mhz=120.0,
        spectral_width_hz=10_000.0,
        begin_time_s=3e-4,
    )
    right = p31mg.fit(spectrum, prior="brain-7t")
    assert right.is_valid
    with pytest.warns(p31mg.P31mgWarning, match="is for 3 T, but 120 MHz is 7.0 T"):
        fit = p31mg.fit(spectrum, prior="muscle-3t")
    assert fit.shift_alpha_beta_ppm == pytest.approx(
        right.shift_alpha_beta_ppm, abs=float(right.sd_shift_alpha_beta_ppm)
    )


@pytest.mark.parametrize("begin_time_s", [2.0e-4, 2.5e-4, 3.5e-4, 5e-4])
def test_vague_begin_time_of_a_real_spectrum_is_found(begin_time_s: float, real_data: Path) -> None:
    """Of 0.3 ms, the true one; locked to the others, the answer moves by up to 0.9 ppm."""
    spectrum = p31mg.read(
        real_data / "brain-7t" / "fid.txt",
        spectrometer_frequency_mhz=120.0,
        spectral_width_hz=10_000.0,
        begin_time_s=begin_time_s,
        sd_begin_time_s=2e-4,
    )
    fit = p31mg.fit(spectrum, prior="brain-7t")
    assert fit.is_valid
    assert fit.begin_time_s == pytest.approx(3.0e-4, abs=1e-5)
    assert fit.shift_alpha_beta_ppm == pytest.approx(8.585, abs=0.01)
