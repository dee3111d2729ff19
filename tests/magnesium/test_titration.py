"""A calibration fitted to a titration: against another program's fit, against draws, and through its file."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.optimize import curve_fit

import p31mg
from p31mg.magnesium import get_calibration

TRUTH = get_calibration("gupta-1978")
FREE_MG_MM = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0])
SD_PPM = 0.004


def solutions(seed: int, sd: float | np.ndarray = SD_PPM) -> np.ndarray:
    return TRUTH.shift_ppm(FREE_MG_MM) + sd * np.random.default_rng(seed).standard_normal(FREE_MG_MM.size)


def two_site(mg_mM: np.ndarray, atp: float, mgatp: float, kd_uM: float) -> np.ndarray:
    return mgatp + (atp - mgatp) / (1 + 1e3 * mg_mM / kd_uM)


@pytest.mark.parametrize("sd", [SD_PPM, np.linspace(0.002, 0.01, FREE_MG_MM.size), None], ids=["one", "each", "none"])
def test_fit_is_that_of_scipy(sd):
    shift = solutions(1, SD_PPM if sd is None else sd)
    own = p31mg.calibrate(shift, FREE_MG_MM, sd=sd)
    sigma = None if sd is None else np.broadcast_to(sd, shift.shape)
    best, covariance = curve_fit(
        two_site,
        FREE_MG_MM,
        shift,
        p0=[10.5, 8.4, 60.0],
        sigma=sigma,
        absolute_sigma=sd is not None,
        xtol=1e-12,
        ftol=1e-12,
    )
    # two stopping rules: a thousandth of an sd, and derivatives by differences in the covariance
    np.testing.assert_allclose(list(own.constants.values()), best, atol=1e-3 * np.sqrt(np.diag(covariance)).min())
    np.testing.assert_allclose(own.covariance, covariance, rtol=2e-3)


def test_constants_scatter_as_stated():
    n = 200
    fitted = [p31mg.calibrate(solutions(seed), FREE_MG_MM, sd=SD_PPM) for seed in range(n)]
    errors = np.array([list(c.constants.values()) for c in fitted]) - list(TRUTH.constants.values())
    z = errors / [list(c.sd_constants.values()) for c in fitted]
    # five standard errors of an sd and of a mean
    np.testing.assert_allclose(z.std(axis=0), 1, atol=5 / np.sqrt(2 * n))
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=5 / np.sqrt(n))
    stated = np.mean([c.correlation for c in fitted], axis=0)
    found = np.corrcoef(errors.T)[[0, 0, 1], [1, 2, 2]]
    np.testing.assert_allclose(found, stated, atol=5 / np.sqrt(n))


def test_intervals_with_its_errors_hold_the_truth():
    """Every draw has a titration and a measurement of its own."""
    n, held = 300, 0
    rng = np.random.default_rng(4)
    for seed in range(n):
        own = p31mg.calibrate(solutions(seed, 0.02), FREE_MG_MM, sd=0.02)
        true_mg = rng.uniform(0.2, 0.8)
        shift = float(TRUTH.shift_ppm(true_mg)) + 0.01 * rng.standard_normal()
        low, high = p31mg.free_magnesium(shift, sd_ppm=0.01, calibration=own).interval_mM
        held += low <= true_mg <= high
    assert held / n == pytest.approx(0.95, abs=3.5 * np.sqrt(0.95 * 0.05 / n))


def test_error_that_is_estimated_is_that_of_the_residuals():
    own = p31mg.calibrate(solutions(3), FREE_MG_MM)
    residual = solutions(3) - own.shift_ppm(FREE_MG_MM)
    estimated = np.sqrt((residual**2).sum() / (FREE_MG_MM.size - 3))
    known = p31mg.calibrate(solutions(3), FREE_MG_MM, sd=float(estimated))
    np.testing.assert_allclose(own.covariance, known.covariance, rtol=1e-4)
    assert own.titration.sd_ppm == ()
    assert known.titration.reduced_chi_square == pytest.approx(1.0, rel=1e-6)


def test_solution_without_magnesium_pins_the_free_limit():
    mg, shift = np.append(FREE_MG_MM, 0.0), np.append(solutions(2), 10.91)
    assert (
        p31mg.calibrate(shift, mg, sd=SD_PPM).sd_atp_ppm
        < 0.5 * p31mg.calibrate(shift[:-1], mg[:-1], sd=SD_PPM).sd_atp_ppm
    )


def test_order_and_missing_solutions_do_not_matter():
    order = np.random.default_rng(1).permutation(FREE_MG_MM.size)
    shift = solutions(5)
    own = p31mg.calibrate(shift, FREE_MG_MM, sd=SD_PPM)
    mixed = p31mg.calibrate(np.append(shift[order], np.nan), np.append(FREE_MG_MM[order], 0.3), sd=SD_PPM)
    np.testing.assert_allclose(list(mixed.constants.values()), list(own.constants.values()), rtol=1e-7)
    assert mixed.titration.n_points == FREE_MG_MM.size


def test_names_and_conditions_are_kept_and_allow_the_correction(tmp_path):
    conditions = {"ph": 7.1, "temperature_c": 25.0, "ionic_strength_M": 0.12, "potassium_M": 0.1}
    own = p31mg.calibrate(
        solutions(6), FREE_MG_MM, sd=SD_PPM, id="may", tissue="cuvette", source="lab book 7", **conditions
    )
    assert (own.id, own.tissue, own.source, own.evidence, own.conditions) == (
        "may",
        "cuvette",
        "lab book 7",
        "user",
        conditions,
    )
    file = p31mg.write_calibration(own, tmp_path / "may.toml")
    assert get_calibration(file) == own
    same = {"ph": 7.1, "temperature_c": 25.0, "correct_kd": True}
    assert float(p31mg.free_magnesium(8.55, calibration=file, **same).kd_ratio) == pytest.approx(1.0, rel=1e-14)


def test_every_function_takes_the_file(tmp_path):
    own = p31mg.calibrate(solutions(7), FREE_MG_MM, sd=SD_PPM)
    file = p31mg.write_calibration(own, tmp_path / "own.toml")
    spectra = p31mg.simulate(0.5, snr=300, seed=1, n_points=512, calibration=file)
    assert float(spectra.truth.shift_alpha_beta_ppm) == pytest.approx(float(own.shift_ppm(0.5)), rel=1e-12)
    mg = p31mg.free_magnesium(p31mg.fit(spectra), calibration=[file, "gupta-1978"])
    assert mg["own"].calibration == own
    p31mg.write(spectra, tmp_path / "a.nii.gz")
    assert p31mg.batch(tmp_path, calibration=file)["calibration"].tolist() == ["own"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("shift", "mg", "options", "message"),
        [
            ([8.5, 8.6], [0.5, 0.4, 0.3], {}, r"shift_ppm has 2 values and free_mg_mM 3"),
            (
                [8.9, 8.6, 8.5],
                [0.1, 0.3, 0.5],
                {},
                r"has 3 different concentrations; the three constants need at least 4",
            ),
            ([8.9, 8.6], [0.1, 0.3], {"sd": 0.01}, r"has 2 different concentrations; .* at least 3"),
            ([9.0, 8.8, 8.6, 8.5], [0.1, 0.2, 0.4, -0.8], {}, r"free_mg_mM is -0\.8; it must be 0 mM or above"),
            ([9.0, 8.8, 8.6, 8.5], [0.1, 0.2, 0.4, 0.8], {"sd": 0.0}, r"sd is 0; it must be above 0 ppm"),
            (
                [-9.0, 8.8, 8.6, 8.5],
                [0.1, 0.2, 0.4, 0.8],
                {},
                r"shift_ppm is -9; it must be a positive number near 8\.5",
            ),
            (
                [9.0, 8.8, 8.6, 8.5],
                [1e-4, 2e-4, 4e-4, 8e-4],
                {},
                r"free_mg_mM is at most 0\.0008; that looks like mol/l",
            ),
            ([8.5, 8.6, 8.8, 9.0], [0.1, 0.2, 0.4, 0.8], {"sd": 0.01}, r"does not determine the constants"),
            (
                [8.36, 8.37, 8.36, 8.37],
                [1.0, 2.0, 4.0, 8.0],
                {"sd": 0.01},
                r"does not determine the constants: atp_ppm",
            ),
            (
                [9.0, 8.8, 8.6, 8.5],
                [0.1, 0.2, 0.4, 0.8],
                {"sd": [0.1, 0.2]},
                r"sd has shape \(2,\) and shift_ppm \(4,\)",
            ),
            ("high", [0.1], {}, r"shift_ppm is 'high'; it must be a number"),
        ],
    )
    def test_input(self, shift, mg, options, message):
        with pytest.raises(p31mg.InputError, match=message):
            p31mg.calibrate(shift, mg, **options)

    def test_unknown_model(self):
        with pytest.raises(p31mg.UnknownNameError, match=r"model 'two-sites' is not known; the nearest are 'two-site'"):
            p31mg.calibrate(solutions(1), FREE_MG_MM, model="two-sites")

    def test_residuals_beyond_the_sd_are_told(self):
        with pytest.warns(p31mg.P31mgWarning, match=r"residuals of the titration are \d+\.\d times the given sd"):
            own = p31mg.calibrate(solutions(1, 0.04), FREE_MG_MM, sd=SD_PPM)
        assert own.titration.reduced_chi_square > 5


FILE = """
[calibration]
id = "own"
model = "two-site"
[constants]
atp_ppm = 10.9
mgatp_ppm = 8.3
kd_uM = 40
"""


class TestFile:
    def test_least(self, tmp_path):
        file = tmp_path / "own.toml"
        file.write_text(FILE, encoding="utf-8")
        own = get_calibration(file)
        assert own == p31mg.TwoSiteCalibration(id="own", atp_ppm=10.9, mgatp_ppm=8.3, kd_uM=40.0)

    @pytest.mark.parametrize("text", ['quotes " and \\ and\nlines', "Ø δ µM", "", "tab\tand # and [x]"])
    def test_any_text_comes_back(self, text, tmp_path):
        own = p31mg.TwoSiteCalibration(
            id="a b", atp_ppm=10.9, mgatp_ppm=8.3, kd_uM=40.0, source=text or "x", tissue=text or "y"
        )
        assert get_calibration(p31mg.write_calibration(own, tmp_path / "own.toml")) == own

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("[constants]", "[constant]", r"the file has no key 'constant'; the keys are calibration, constants, sd"),
            ("kd_uM = 40", "kd = 40", r"\[constants\] has no key 'kd'; the keys are atp_ppm, mgatp_ppm, kd_uM"),
            ("kd_uM = 40", "", r"\[constants\] lacks kd_uM"),
            ("kd_uM = 40", 'kd_uM = "40"', r"kd_uM is '40'; it must be a number"),
            ("kd_uM = 40", "kd_uM = true", r"kd_uM is True; it must be a number"),
            ("kd_uM = 40", "kd_uM = -40", r"calibration 'own' has kd_uM -40\.0; it must be above 0"),
            ("mgatp_ppm = 8.3", "mgatp_ppm = 11.0", r"0 < mgatp_ppm < atp_ppm is needed"),
            ('id = "own"', "", r"\[calibration\] lacks id"),
            ('id = "own"', 'id = ""', r"id is ''; it must be a text"),
            ('id = "own"', "id = 7", r"id is 7; it must be a text"),
            ("two-site", "three-site", r"model is 'three-site'; it must be one of two-site, beta-shift"),
            ("kd_uM = 40", "kd_uM = 40\n[sd]\nkd = 2", r"\[sd\] has no key 'kd'"),
            (
                "kd_uM = 40",
                "kd_uM = 40\n[sd]\nkd_uM = 2\ncorrelation = 1",
                r"correlation is 1; it must be a list of numbers",
            ),
            (
                "kd_uM = 40",
                "kd_uM = 40\n[sd]\nkd_uM = 2\ncorrelation = [1, 2, 3]",
                r"has correlation .*; it must be three",
            ),
            (
                "kd_uM = 40",
                "kd_uM = 40\n[titration]\nshift_ppm = 3",
                r"free_mg_mM is None; it must be a list of numbers",
            ),
            ("kd_uM = 40", "kd_uM = 40\n[conditions]\npH = 7", r"\[conditions\] has no key 'pH'; the keys are ph"),
            ("kd_uM = 40", "kd_uM == 40", r"is not valid TOML"),
            ("[calibration]", "[[calibration]]", r"calibration is \[\{.*; it must be a table"),
            ("[calibration]", "sd = 3\n[calibration]", r"sd is 3; it must be a table, \[sd\] with its keys below it"),
            ("[calibration]", "titration = 3\n[calibration]", r"titration is 3; it must be a table"),
            (
                "kd_uM = 40",
                "kd_uM = 40\n[titration]\nfree_mg_mM = [0.1, 0.2]\nshift_ppm = [9.0]\nsd_ppm = []\nreduced_chi_square = 1",
                r"\[titration\] has 2 free_mg_mM, 1 shift_ppm and 0 sd_ppm; give one of each",
            ),
            ("kd_uM = 40", "kd_uM = 0.040", r"kd_uM 0\.04; that looks like mmol/l: give micromol/l"),
        ],
    )
    def test_what_does_not_hold_together(self, old, new, message, tmp_path):
        file = tmp_path / "own.toml"
        assert old in FILE
        file.write_text(FILE.replace(old, new), encoding="utf-8")
        with pytest.raises(p31mg.InputError, match=rf"{re.escape(str(file))}.*{message}"):
            p31mg.free_magnesium(8.55, calibration=file)

    def test_beta_shift_has_no_errors(self, tmp_path):
        file = p31mg.write_calibration(get_calibration("iotti-1996"), tmp_path / "a.toml")
        file.write_text(file.read_text(encoding="utf-8") + "[sd]\nlow_ppm = 0.1\n", encoding="utf-8")
        with pytest.raises(p31mg.InputError, match=r"model 'beta-shift' has neither \[sd\] nor \[titration\]"):
            get_calibration(file)

    def test_missing_or_unreadable(self, tmp_path):
        with pytest.raises(p31mg.ReadError, match=r"calibration file .*none\.toml cannot be read: No such file"):
            get_calibration(tmp_path / "none.toml")
        binary = tmp_path / "binary.toml"
        binary.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(p31mg.ReadError, match=r"binary\.toml cannot be read: it is not UTF-8 text"):
            get_calibration(binary)

    def test_what_is_written_where(self, tmp_path):
        own = p31mg.TwoSiteCalibration(id="own", atp_ppm=10.9, mgatp_ppm=8.3, kd_uM=40.0)
        with pytest.raises(
            p31mg.InputError, match=r"path is .*own\.txt; the name of a calibration file must end in \.toml"
        ):
            p31mg.write_calibration(own, tmp_path / "own.txt")
        with pytest.raises(p31mg.WriteError, match=r"own\.toml cannot be written: No such file"):
            p31mg.write_calibration(own, tmp_path / "none" / "own.toml")
        with pytest.raises(
            p31mg.InputError, match=r"calibration is a str; only two-site, beta-shift calibrations have a file"
        ):
            p31mg.write_calibration("gupta-1978", tmp_path / "own.toml")

    def test_neither_name_nor_object(self):
        with pytest.raises(p31mg.UnknownNameError, match=r"calibration 7 is not known"):
            p31mg.free_magnesium(8.55, calibration=7)
