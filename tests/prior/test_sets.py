"""Packaged sets at any field: scaling, names, references that are not PCr, and fits of what the sets themselves expect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import p31mg
from p31mg import FitStatus, PriorKnowledgeError
from p31mg.prior import advice, packaged_priors

SETS = ("blood", "brain", "heart", "liver", "muscle")
MHZ_PER_T = 17.235


class TestAnyField:
    @pytest.mark.parametrize("name", SETS)
    def test_widths_in_ppm_are_the_same_at_every_field(self, name):
        prior = p31mg.load_prior(name)
        for field_t in (1.5, 3.0, 9.4):
            other = prior.at(MHZ_PER_T * field_t)
            assert other.field_strength_t == pytest.approx(field_t, rel=1e-12)
            for r, s in zip(prior.resonances, other.resonances, strict=True):
                ratio = field_t / prior.field_strength_t
                assert s.linewidth_hz == pytest.approx(ratio * r.linewidth_hz, rel=1e-12)
                assert s.linewidth_bounds_hz == pytest.approx([ratio * b for b in r.linewidth_bounds_hz], rel=1e-12)
                widths = {"linewidth_hz": r.linewidth_hz, "linewidth_bounds_hz": r.linewidth_bounds_hz}
                assert replace(s, **widths) == r  # nothing else depends on the field: shifts in ppm, J in Hz

    def test_scaling_twice_is_scaling_once(self):
        muscle = p31mg.load_prior("muscle")
        there = muscle.at(25.85).at(120.0)
        assert [r.linewidth_hz for r in there.resonances] == pytest.approx(
            [r.linewidth_hz for r in muscle.at(120.0).resonances]
        )

    def test_the_gaussian_part_scales_too(self):
        voigt = {"lineshape": "voigt", "gaussian_linewidth_hz": 6.0, "gaussian_linewidth_bounds_hz": (1.0, 40.0)}
        half = replace(p31mg.load_prior("muscle"), **voigt).at_field(1.5)
        assert half.gaussian_linewidth_hz == pytest.approx(3.0)
        assert half.gaussian_linewidth_bounds_hz == pytest.approx((0.5, 20.0))

    def test_a_set_for_one_field_stays_as_it_is(self):
        muscle = p31mg.load_prior("muscle-3t")
        assert muscle.at(120.0) is muscle

    @pytest.mark.parametrize("mhz", [0.0, -51.7, np.nan, np.inf])
    def test_refuses_no_field(self, mhz):
        with pytest.raises(PriorKnowledgeError, match=r"field_strength_t is .*; it must be above 0, in tesla"):
            p31mg.load_prior("muscle").at(mhz)

    def test_fit_scales_by_itself_and_says_so(self):
        at_7t = p31mg.Acquisition(spectrometer_frequency_mhz=120.6, dwell_time_s=8e-5, begin_time_s=4e-4)
        spectra = p31mg.simulate(np.full(3, 0.5), prior="muscle", acquisition=at_7t, snr=300, seed=2)
        np.testing.assert_allclose(spectra.truth.linewidth_hz[0, 0], 8.0 * 120.6 / 51.705, rtol=1e-12)
        fit = p31mg.fit(spectra, prior="muscle")  # a warning of another field would be an error here
        assert fit.is_valid.all()
        assert fit.prior["pcr"].linewidth_hz == pytest.approx(8.0 * 120.6 / 51.705)
        np.testing.assert_allclose(fit.model(1).sum(axis=0), spectra.fid[1], atol=6 * spectra.truth.noise_sd[1])


class TestNames:
    def test_muscle_3t_is_the_muscle_set_at_3_t(self):
        at_3t, muscle = p31mg.load_prior("muscle-3t"), p31mg.load_prior("muscle")
        assert at_3t.resonances == muscle.resonances
        assert (at_3t.field_strength_t, at_3t.scales_with_field) == (3.0, False)
        assert (at_3t["pcr"].linewidth_hz, at_3t["beta_atp"].linewidth_bounds_hz) == (8.0, (3.0, 80.0))

    @pytest.mark.parametrize(("name", "width_hz"), [("muscle-1.5t", 4.0), ("muscle-7t", 56 / 3), ("brain-7t", 15.4)])
    def test_any_set_at_any_field(self, name, width_hz):
        prior = p31mg.load_prior(name)
        assert prior.name == name
        assert prior["pcr"].linewidth_hz == pytest.approx(width_hz)
        assert name.split("-")[1].removesuffix("t") in prior.description

    @pytest.mark.parametrize("name", ["muscle-0t", "muscle-t", "kidney-3t", "muscle-3T", "muscle--3t"])
    def test_no_such_set_or_field(self, name):
        with pytest.raises(p31mg.UnknownNameError, match=f"prior '{name}' is not known"):
            p31mg.load_prior(name)

    def test_table_of_all(self):
        table = p31mg.priors()
        assert tuple(table) == packaged_priors()
        assert set(SETS) < set(table)
        frame = table.to_dataframe()
        assert frame.set_index("name").loc["liver", ["reference", "field"]].tolist() == ["gamma_atp", "any"]
        assert "muscle-3t  3 T" in repr(table)
        with pytest.raises(KeyError, match="kidney"):
            table["kidney"]


@pytest.mark.parametrize("name", SETS)
class TestFitsWhatItExpects:
    """Every set finds its own simulated spectra: starts, windows, ties and reference fit together."""

    @pytest.fixture
    def spectra(self, name):
        rng = np.random.default_rng(4)
        n = 12
        return p31mg.simulate(
            rng.uniform(0.3, 1.0, n),
            prior=name,
            snr=400,
            seed=5,
            phase_rad=rng.uniform(-3, 3, n),
            frequency_offset_hz=rng.uniform(-20, 20, n),
        )

    def test_shifts_and_reference(self, name, spectra):
        fit = p31mg.fit(spectra, prior=name)
        assert (fit.status == FitStatus.OK).all()
        assert fit.quality.residual_ok.all()
        z = (fit.shift_alpha_beta_ppm - spectra.truth.shift_alpha_beta_ppm) / fit.sd_shift_alpha_beta_ppm
        assert np.abs(z).max() < 4
        a = spectra.acquisition
        # 0 ppm is where PCr would be, whatever the reference is
        np.testing.assert_allclose(
            fit.reference_offset_ppm * a.spectrometer_frequency_mhz,
            spectra.truth.frequency_offset_hz,
            atol=0.05 * a.spectrometer_frequency_mhz,
        )
        np.testing.assert_allclose(fit.chemical_shift_ppm, spectra.truth.chemical_shift_ppm, atol=0.3)

    def test_model_is_that_of_the_data(self, name, spectra):
        fit = p31mg.fit(spectra, prior=name)
        residual = spectra.fid[3] - fit.model(3).sum(axis=0)
        assert np.sqrt((np.abs(residual) ** 2).mean() / 2) == pytest.approx(float(spectra.truth.noise_sd[3]), rel=0.06)

    def test_engines_agree(self, name, spectra):
        one, other = (p31mg.fit(spectra[2], prior=name, engine=engine) for engine in ("batch", "lmfit"))
        sd = float(one.sd_shift_alpha_beta_ppm)
        assert float(one.shift_alpha_beta_ppm) == pytest.approx(float(other.shift_alpha_beta_ppm), abs=1e-3 * sd)
        assert float(one.reference_offset_ppm) == pytest.approx(float(other.reference_offset_ppm), abs=1e-5)


class TestWithoutPcr:
    def test_no_ph_and_no_shift_from_pcr(self):
        spectra = p31mg.simulate([0.4, 0.6], prior="liver", snr=400, seed=1)
        fit = p31mg.fit(spectra, prior="liver")
        assert fit.is_valid.all()
        assert np.isnan(fit.shift_beta_pcr_ppm).all()
        assert np.isnan(fit.sd_shift_beta_pcr_ppm).all()
        np.testing.assert_array_equal(fit.chemical_shift_ppm[:, fit.names.index("gamma_atp")], -2.45)
        mg = p31mg.free_magnesium(fit)
        assert mg.ph_source == "unknown"
        assert np.isfinite(mg.free_mg_mM).all()

    def test_where_the_reference_is_put_moves_all_shifts_and_no_difference(self):
        liver = p31mg.load_prior("liver")
        spectra = p31mg.simulate(0.5, prior="liver", snr=400, seed=1)

        def moved(r):
            low, high = r.shift_bounds_ppm
            return replace(r, chemical_shift_ppm=r.chemical_shift_ppm + 1, shift_bounds_ppm=(low + 1, high + 1))

        fit = p31mg.fit(spectra, prior=liver)
        other = p31mg.fit(spectra, prior=replace(liver, resonances=tuple(map(moved, liver.resonances))))
        np.testing.assert_allclose(other.chemical_shift_ppm, fit.chemical_shift_ppm + 1, rtol=0, atol=1e-9)
        assert float(other.reference_offset_ppm) == pytest.approx(float(fit.reference_offset_ppm) - 1, abs=1e-9)
        assert float(other.shift_alpha_beta_ppm) == pytest.approx(float(fit.shift_alpha_beta_ppm), abs=1e-9)

    def test_how_far_the_carrier_may_be(self):
        blood = p31mg.load_prior("blood")
        spectra = p31mg.simulate(0.5, prior=blood, snr=300, seed=1, frequency_offset_hz=-4.5 * MHZ_PER_T * 14.1)
        assert p31mg.fit(spectra, prior=blood).status == FitStatus.OK
        assert p31mg.fit(spectra, prior=replace(blood, search_ppm=2.0)).status != FitStatus.OK
        with pytest.raises(PriorKnowledgeError, match=r"search_ppm is 0\.0; it must be above 0"):
            replace(blood, search_ppm=0.0)


class TestAdvice:
    @pytest.mark.parametrize("name", ["brain", "heart", "muscle", "muscle-3t"])
    def test_none_for_packaged_sets(self, name):
        assert advice(p31mg.load_prior(name)) == ()

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"coupling": "first-order"}, 'up to 0.009 ppm at 3 T; coupling = "exact" does not'),
            ({"coupling": "first-order", "field_strength_t": 1.5}, "0.02 to 0.04 ppm at 1.5 T"),
        ],
    )
    def test_of_the_whole(self, change, text):
        assert text in " ".join(advice(replace(p31mg.load_prior("muscle"), **change)))

    @pytest.mark.parametrize(
        ("name", "change", "text"),
        [
            ("beta_atp", {"shift_bounds_ppm": (-16.3, -16.0)}, "lets alpha less beta be 8.47 to 8.77 ppm"),
            ("nad", {"linewidth_as": None}, "nad on the flank of alpha_atp has a linewidth of its own"),
            ("pde", {"shift_bounds_ppm": (2.6, 4.2)}, "the windows of pi and pde overlap"),
            ("beta_atp", {"chemical_shift_ppm": -15.7}, "expected at 8.17 ppm, where no magnesium puts it"),
        ],
    )
    def test_of_a_resonance(self, name, change, text):
        muscle = p31mg.load_prior("muscle")
        rows = tuple(replace(r, **change) if r.name == name else r for r in muscle.resonances)
        assert text in " ".join(advice(replace(muscle, resonances=rows)))

    def test_of_what_is_missing(self):
        muscle = p31mg.load_prior("muscle")
        rows = tuple(r for r in muscle.resonances if r.name != "nad")
        assert "nothing stands for NAD(H)" in " ".join(advice(replace(muscle, resonances=rows)))
