"""Public spectra: one good brain against another program's fit of it, two hearts of which most voxels are empty."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus


@pytest.fixture(scope="module")
def brain(real_data):
    spectrum = p31mg.read(
        real_data / "brain-7t" / "fid.txt",
        spectrometer_frequency_mhz=120.0,
        spectral_width_hz=10_000.0,
        begin_time_s=3e-4,
    )
    return p31mg.fit(spectrum, prior="brain-7t")


class TestBrain:
    """`peer_fit.csv` beside the spectrum: pyAMARES. Its prior knowledge differs, so shifts agree to about three errors."""

    def test_is_valid(self, brain):
        assert brain.status == FitStatus.OK
        assert brain.is_valid

    @pytest.mark.parametrize(("name", "peer", "tolerance"), [("alpha_atp", -7.562, 0.03), ("beta_atp", -16.157, 0.03)])
    def test_centres(self, brain, name, peer, tolerance):
        assert brain.chemical_shift_ppm[brain.names.index(name)] == pytest.approx(peer, abs=tolerance)

    def test_difference(self, brain):
        assert float(brain.shift_alpha_beta_ppm) == pytest.approx(8.595, abs=0.02)

    def test_error(self, brain):
        assert 0.005 < brain.sd_shift_alpha_beta_ppm < 0.02

    def test_snr_is_the_190_of_the_design(self, brain):
        assert float(brain.snr) == pytest.approx(190, rel=0.15)

    def test_magnesium_and_ph_are_those_of_a_brain(self, brain):
        mg = p31mg.free_magnesium(brain, calibration="iotti-1996", ph_equation="petroff-1985")
        assert 0.15 < mg.free_mg_mM < 0.20
        assert 6.9 < mg.ph < 7.15
        assert mg.is_valid

    def test_both_engines(self, brain):
        other = p31mg.fit(brain.spectra, prior="brain-7t", engine="lmfit")
        sd = float(brain.sd_shift_alpha_beta_ppm)
        assert float(other.shift_alpha_beta_ppm) == pytest.approx(float(brain.shift_alpha_beta_ppm), abs=1e-5 * sd)
        assert float(other.sd_shift_alpha_beta_ppm) == pytest.approx(sd, rel=1e-4)


@pytest.fixture(scope="module", params=[1, 2], ids="subject {}".format)
def heart(request, real_data):
    return p31mg.fit(p31mg.read(real_data / "heart-3t" / f"subject-{request.param}.nii.gz"), prior="muscle-3t")


class TestHeart:
    def test_one_row_per_voxel(self, heart):
        assert heart.status.size == 64
        assert len(heart.to_dataframe()) == 64

    def test_most_voxels_are_flagged(self, heart):
        assert (heart.status != FitStatus.OK).mean() > 0.75
        assert (heart.status == FitStatus.OK).any()

    def test_empty_voxels_hold_no_numbers(self, heart, arrays):
        empty = heart.status == FitStatus.NO_SIGNAL
        assert empty.sum() > 10
        for name in ("chemical_shift_ppm", "linewidth_hz", "amplitude", "covariance_shift_ppm2", "phase_rad"):
            assert np.isnan(getattr(heart, name)[empty]).all()
        for name, values in arrays(heart).items():
            if "crlb" in name or "sd_shift" in name:
                assert np.isnan(values[empty]).all()

    def test_shift_is_nan_unless_ok(self, heart):
        np.testing.assert_array_equal(np.isfinite(heart.shift_alpha_beta_ppm), heart.status == FitStatus.OK)

    def test_no_impossible_shift_is_called_valid(self, heart):
        shift = heart.shift_alpha_beta_ppm[heart.is_valid]
        assert ((shift > 8.0) & (shift < 10.9)).all()
