"""The sign of the frequency axis: right, wrong, and spectra that cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg.preprocess import check_conjugation


def test_right_wrong_and_empty_in_one_stack(clean, noise, sd_at, stack):
    rng = np.random.default_rng(3)
    spectra = clean(
        rng.uniform(0.3, 1.0, 30), phase_rad=rng.uniform(-3, 3, 30), frequency_offset_hz=rng.normal(0, 20, 30)
    )
    noisy = spectra.fid + sd_at(100) * noise(rng, 30, 1024)
    noisy[10:20] = noisy[10:20].conj()
    noisy[20:] = noise(rng, 10, 1024)
    before = stack(noisy, "person")
    check = check_conjugation(before)
    assert check.is_confirmed.tolist() == [True] * 10 + [False] * 20
    assert check.is_reversed.tolist() == [False] * 10 + [True] * 10 + [False] * 10
    np.testing.assert_array_equal(before.fid, noisy)
    swapped = check_conjugation(stack(noisy.conj(), "person"))
    np.testing.assert_array_equal(swapped.evidence, check.evidence_conjugated)


def test_brain_is_confirmed(real_data):
    brain = p31mg.read(
        real_data / "brain-7t" / "fid.txt", spectrometer_frequency_mhz=120.0, spectral_width_hz=1e4, begin_time_s=3e-4
    )
    check = check_conjugation(brain, "brain-7t")
    assert (bool(check.is_confirmed), bool(check.is_reversed)) == (True, False)


def test_unknown_prior(clean):
    with pytest.raises(p31mg.InputError, match="prior 'muscel-3t' is not known"):
        check_conjugation(clean(), "muscel-3t")
