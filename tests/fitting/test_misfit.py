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


def test_prior_of_another_field_is_noted_and_its_misfit_flagged(real_data: Path) -> None:
    spectrum = p31mg.read(
        real_data / "brain-7t" / "fid.txt",
        spectrometer_frequency_mhz=120.0,
        spectral_width_hz=10_000.0,
        begin_time_s=3e-4,
    )
    assert p31mg.fit(spectrum, prior="brain-7t").is_valid
    with pytest.warns(p31mg.P31mgWarning, match="is for 3 T, but 120 MHz is 7.0 T"):
        fit = p31mg.fit(spectrum, prior="muscle-3t")
    assert not fit.quality.residual_ok
