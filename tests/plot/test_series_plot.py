"""A time course as table and figure."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg


@pytest.fixture(scope="module")
def fit() -> p31mg.FitResult:
    """Return an exercise: PCr falls and Pi rises by as much; the last spectrum is noise."""
    prior = p31mg.load_prior("muscle-3t")
    amplitude = np.tile([r.amplitude for r in prior.resonances], (6, 1))
    spent = np.array([0, 0.2, 0.4, 0.6, 0.3, 0])
    amplitude[:, prior.index("pcr")] -= spent
    amplitude[:, prior.index("pi")] += spent
    people = p31mg.simulate(0.5, ph=[7.05, 7.0, 6.9, 6.8, 6.9, 7.0], amplitude=amplitude, snr=300, seed=3)
    noise = np.random.default_rng(1).normal(size=(1, people.n_points, 2)).view(complex)[..., 0]
    return p31mg.fit(p31mg.Spectra(np.concatenate([people.fid, noise]), people.acquisition, ("dyn",)))


def test_table_has_one_row_per_time(fit: p31mg.FitResult) -> None:
    mg = p31mg.free_magnesium(fit)
    course = p31mg.time_course(fit, mg, time_s=12.0 * np.arange(7))
    energetics = p31mg.energetics(fit, mg)
    assert list(course.columns[:4]) == ["dyn", "time_s", "status", "mg_is_valid"]
    assert course["status"].tolist() == ["OK"] * 6 + ["NO_SIGNAL"]
    for name, values in (
        ("free_mg_mM", mg.free_mg_mM),
        ("ph", mg.ph),
        ("pcr_mM", energetics.pcr_mM),
        ("pi_mM", energetics.pi_mM),
        ("adp_uM", energetics.adp_uM),
    ):
        np.testing.assert_array_equal(course[name], values)
    assert course["pcr_mM"].iloc[:6].idxmin() == 3
    assert course["adp_uM"].iloc[:6].idxmax() == 3
    np.testing.assert_allclose(course["ph"].iloc[:6], [7.05, 7.0, 6.9, 6.8, 6.9, 7.0], atol=0.03)
    assert course.iloc[6][["free_mg_mM", "ph", "pcr_mM", "adp_uM"]].isna().all()
    assert "ATP 8.2 mM" in course["assumed"].iloc[0]


def test_other_assumptions_are_taken(fit: p31mg.FitResult) -> None:
    mg = p31mg.free_magnesium(fit)
    own = p31mg.energetics(fit, mg, atp_mM=5.5, route="full")
    np.testing.assert_array_equal(p31mg.time_course(fit, mg, own)["adp_uM"], own.adp_uM)


def test_singleton_axes_are_no_hindrance(fit: p31mg.FitResult) -> None:
    grid = p31mg.fit(p31mg.Spectra(fit.spectra.fid[None, None, None], fit.spectra.acquisition, ("x", "y", "z", "dyn")))
    course = p31mg.time_course(grid, p31mg.free_magnesium(grid))
    assert course.columns[0] == "dyn"
    assert course["dyn"].tolist() == list(range(7))
    assert "time_s" not in course


def test_prior_without_pi_gives_no_concentrations(fit: p31mg.FitResult) -> None:
    import dataclasses

    prior = p31mg.load_prior("muscle-3t")
    without = dataclasses.replace(prior, resonances=tuple(r for r in prior.resonances if r.name != "pi"))
    own = p31mg.fit(fit.spectra, without)
    course = p31mg.time_course(own, p31mg.free_magnesium(own))
    assert "adp_uM" not in course
    assert list(p31mg.plot.series(course).axes) == ["mg", "ph"]


def test_panels_show_the_columns(fit: p31mg.FitResult) -> None:
    course = p31mg.time_course(fit, p31mg.free_magnesium(fit), time_s=12.0 * np.arange(7))
    drawn = p31mg.plot.series(course)
    assert list(drawn.axes) == ["mg", "ph", "pcr_pi", "adp"]
    points = drawn.axes["mg"].containers[0].lines[0]
    valid = course["mg_is_valid"]
    np.testing.assert_array_equal(points.get_xdata(), course["time_s"][valid])
    np.testing.assert_array_equal(points.get_ydata(), course["free_mg_mM"][valid])
    pcr, pi = drawn.axes["pcr_pi"].lines
    np.testing.assert_array_equal(pcr.get_ydata(), course["pcr_mM"])
    np.testing.assert_array_equal(pi.get_ydata(), course["pi_mM"])
    np.testing.assert_array_equal(drawn.axes["adp"].containers[0].lines[0].get_ydata(), course["adp_uM"])
    assert drawn.axes["mg"].get_title(loc="left") == f"{valid.sum()} of 7 spectra with a valid Mg²⁺"
    assert drawn.axes["pcr_pi"].get_title(loc="left").startswith("assumed: creatine kinase at equilibrium; ATP 8.2 mM")
    drawn.figure.canvas.draw()


def test_without_times_the_number_is_drawn(fit: p31mg.FitResult) -> None:
    course = p31mg.time_course(fit, p31mg.free_magnesium(fit))
    assert p31mg.plot.series(course).axes["adp"].get_xlabel() == "dyn (number)"


def test_series_of_nothing_is_drawn(fit: p31mg.FitResult) -> None:
    noise = np.random.default_rng(3).normal(size=(3, 512, 2)).view(complex)[..., 0]
    nothing = p31mg.fit(p31mg.Spectra(noise, fit.spectra.acquisition))
    drawn = p31mg.plot.series(p31mg.time_course(nothing, p31mg.free_magnesium(nothing)))
    drawn.figure.canvas.draw()
    assert drawn.axes["mg"].get_title(loc="left") == "0 of 3 spectra with a valid Mg²⁺"


def test_refusals(fit: p31mg.FitResult) -> None:
    mg = p31mg.free_magnesium(fit)
    with pytest.raises(
        p31mg.InputError, match=r"time_s has shape \(3,\); give one time for each of the 7 spectra, in s\."
    ):
        p31mg.time_course(fit, mg, time_s=[0, 1, 2])
    one = p31mg.fit(fit.spectra[0])
    with pytest.raises(
        p31mg.InputError, match=r"fit has the batch shape \(\); a time course has one axis longer than 1"
    ):
        p31mg.time_course(one, p31mg.free_magnesium(one))
    with pytest.raises(p31mg.InputError, match=r"mg has shape \(\) and fit \(7,\)"):
        p31mg.time_course(fit, p31mg.free_magnesium(one))
    with pytest.raises(p31mg.InputError, match=r"course lacks free_mg_mM, .*p31mg\.time_course"):
        p31mg.plot.series(fit.to_dataframe())
