"""The picture of a calibration: its curve passes through published numbers, its points are the measured ones."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import p31mg

# worked numbers of the published equations, in mM, rounded to the digits shown
VECTORS = {
    "gupta-1978": ([8.40, 8.45, 8.50, 8.55, 8.60, 8.65, 8.70], [1.908, 0.935, 0.611, 0.448, 0.351, 0.286, 0.240]),
    "gupta-1984": ([8.40, 8.45, 8.50, 8.55, 8.60, 8.65, 8.70], [1.512, 0.912, 0.644, 0.493, 0.396, 0.329, 0.279]),
    "iotti-1996": ([-16.18, -16.05, -16.00, -15.88], [0.1656, 0.2273, 0.2656, 0.4554]),
}


@pytest.mark.parametrize("name", VECTORS)
def test_curve_passes_through_the_vectors(name: str) -> None:
    shift, free_mg_mM = VECTORS[name]
    drawn = p31mg.plot.calibration(p31mg.free_magnesium(shift, calibration=name))
    x, y = np.asarray(drawn.curve.get_data())
    assert (np.diff(x) > 0).all()
    # rounded vectors, and straight pieces between the 600 points of the curve, which is steep near its limit
    np.testing.assert_allclose(np.interp(shift, x, y), free_mg_mM, rtol=4e-3)


@pytest.mark.parametrize("name", VECTORS)
def test_points_are_the_measured_values(name: str) -> None:
    shift, _ = VECTORS[name]
    mg = p31mg.free_magnesium(shift, calibration=name, sd_ppm=0.005)
    drawn = p31mg.plot.calibration(mg)
    x, y = np.asarray(drawn.points.lines[0].get_data())
    np.testing.assert_array_equal(x, shift)
    np.testing.assert_array_equal(y, mg.free_mg_mM)


def test_bars_are_the_sd_of_the_shift_and_the_interval() -> None:
    mg = p31mg.free_magnesium([8.50, 8.60], sd_ppm=[0.01, 0.02])
    across, upright = p31mg.plot.calibration(mg).points.lines[2]
    ends = np.array([segment[:, 0] for segment in across.get_segments()])
    np.testing.assert_allclose(ends, [[8.49, 8.51], [8.58, 8.62]], rtol=1e-12)
    ends = np.array([segment[:, 1] for segment in upright.get_segments()])
    np.testing.assert_allclose(ends, mg.interval_mM, rtol=1e-12)


def test_open_interval_runs_out_of_the_picture() -> None:
    drawn = p31mg.plot.calibration(p31mg.free_magnesium([8.38, 8.50], sd_ppm=0.03))
    _, upright = drawn.points.lines[2]
    assert upright.get_segments()[0][1, 1] > drawn.ax.get_ylim()[1]


def test_values_out_of_range_are_left_out() -> None:
    drawn = p31mg.plot.calibration(p31mg.free_magnesium([8.30, 8.50, np.nan]))
    np.testing.assert_array_equal(drawn.points.lines[0].get_xdata(), [8.50])


def test_single_value_is_drawn() -> None:
    drawn = p31mg.plot.calibration(p31mg.free_magnesium(8.55))
    np.testing.assert_allclose(drawn.points.lines[0].get_ydata(), [0.4484], rtol=1e-9)


@pytest.mark.parametrize("name", VECTORS)
def test_picture_says_which_calibration_with_its_constants(name: str) -> None:
    calibration = p31mg.calibrations()[name]
    ax = p31mg.plot.calibration(p31mg.free_magnesium(VECTORS[name][0], calibration=name)).ax
    title = ax.get_title(loc="left")
    assert name in title
    assert f"evidence {calibration.evidence}" in title
    assert all(f"{value:g}" in title for value in calibration.constants.values())
    assert ("δPCr" in ax.get_xlabel()) == (name == "iotti-1996")


def test_given_axes_are_drawn_on_and_no_figure_is_made() -> None:
    ax = Figure().add_subplot()
    drawn = p31mg.plot.calibration(p31mg.free_magnesium([8.50, 8.60], sd_ppm=0.01), ax)
    assert drawn.ax is ax
    assert drawn.curve in ax.lines
    assert not plt.get_fignums()


def test_curve_of_a_corrected_result_passes_through_its_points() -> None:
    mg = p31mg.free_magnesium([8.45, 8.50, 8.60], sd_ppm=0.01, ph=6.6, correct_kd=True)
    drawn = p31mg.plot.calibration(mg)
    x, y = np.asarray(drawn.curve.get_data())
    np.testing.assert_allclose(np.interp(mg.shift_ppm, x, y), mg.free_mg_mM, rtol=4e-3)
    assert "Kd x1.29" in drawn.curve.get_label()


def test_what_is_no_result_is_refused() -> None:
    with pytest.raises(p31mg.InputError, match=r"mg is a TwoSiteCalibration; give the result of p31mg\.free_magnesium"):
        p31mg.plot.calibration(p31mg.calibrations()["gupta-1978"])
