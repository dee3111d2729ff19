"""The first look, without a fit."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus
from p31mg.fitting import survey


@pytest.fixture(scope="module")
def looked(simulated, with_fid):
    spectra = simulated(np.full((2, 3), 0.5), frequency_offset_hz=[-60.0, 0.0, 60.0])
    fid = spectra.fid.copy()
    fid[1, 0], fid[1, 1] = np.nan, 0.0
    fid[1, 2] = np.random.default_rng(0).standard_normal(512)
    return survey(with_fid(spectra, fid))


def test_statuses(looked):
    good = [FitStatus.OK] * 3
    assert looked.status.tolist() == [good, [FitStatus.NOT_FINITE, FitStatus.ZERO_SIGNAL, FitStatus.NO_SIGNAL]]


def test_offset_where_there_is_a_signal(looked):
    # found on a grid of a fraction of the linewidth, 8 Hz
    np.testing.assert_allclose(looked.reference_offset_ppm[0] * 51.705, [-60.0, 0.0, 60.0], rtol=0, atol=2.0)
    assert np.isnan(looked.reference_offset_ppm[1]).all()


def test_snr_of_weak_spectra_is_nearly_the_true_one(simulated):
    """The noise is the median of bins, right where most of them hold no signal above the noise."""
    looked = survey(simulated(np.full(50, 0.5), snr=10))
    # each is a maximum over a grid with a noise of one: a mean of 50 is known to 0.15
    assert looked.snr.mean() == pytest.approx(10, abs=1.0)


def test_snr_of_noise_is_below_detection(looked):
    assert looked.snr[1, 2] < 5


def test_table(looked):
    table = looked.to_dataframe()
    assert len(table) == 6
    assert table["status"].tolist()[3:] == ["NOT_FINITE", "ZERO_SIGNAL", "NO_SIGNAL"]
    assert table["reason"].tolist()[:3] == [""] * 3
    assert (table["reason"][3:] != "").all()


@pytest.mark.parametrize("shape", [(), (5,), (2, 0)])
def test_shapes(simulated, shape):
    looked = survey(simulated(np.full(shape, 0.5)))
    for name in ("status", "snr", "noise_sd", "reference_offset_ppm"):
        assert getattr(looked, name).shape == shape


def test_unknown_prior(simulated):
    with pytest.raises(p31mg.UnknownNameError, match=r"prior 'muscles' is not known"):
        survey(simulated(), prior="muscles")
