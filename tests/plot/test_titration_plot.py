"""The picture of a titration: its solutions, its curve, its band."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import p31mg

FREE_MG_MM = [0.0, 0.05, 0.1, 0.2, 0.4, 0.8]
SHIFT_PPM = [10.91, 9.458, 9.053, 8.762, 8.570, 8.468]


@pytest.fixture(scope="module")
def own() -> p31mg.Calibration:
    return p31mg.calibrate(SHIFT_PPM, FREE_MG_MM, sd=0.003)


def test_points_are_the_solutions_and_the_curve_runs_through_them(own) -> None:
    drawn = p31mg.plot.titration(own)
    x, y = np.asarray(drawn.points.lines[0].get_data())
    np.testing.assert_array_equal(y, SHIFT_PPM)
    np.testing.assert_array_equal(x[1:], FREE_MG_MM[1:])
    assert 0 < x[0] < FREE_MG_MM[1]  # without Mg2+: on the left edge of a logarithmic axis
    curve_x, curve_y = np.asarray(drawn.curve.get_data())
    # straight pieces between 400 points
    np.testing.assert_allclose(np.interp(FREE_MG_MM[1:], curve_x, curve_y), own.shift_ppm(FREE_MG_MM[1:]), atol=1e-3)


def test_residuals_are_measured_less_curve(own) -> None:
    _, y = np.asarray(p31mg.plot.titration(own).residuals.lines[0].get_data())
    expected = [10.91 - own.atp_ppm, *(np.array(SHIFT_PPM[1:]) - own.shift_ppm(FREE_MG_MM[1:]))]
    np.testing.assert_allclose(y, expected, atol=1e-12)


def test_bars_are_95_per_cent(own) -> None:
    (bars,) = p31mg.plot.titration(own).points.lines[2]
    heights = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
    np.testing.assert_allclose(heights, 2 * 1.959964 * 0.003, rtol=1e-9)


def test_title_has_the_constants_with_their_errors(own) -> None:
    title = p31mg.plot.titration(own).ax.get_title(loc="left")
    assert all(part in title for part in ("atp_ppm 10.9", "mgatp_ppm 8.3", "kd_uM", "±"))


def test_titration_without_given_errors_is_drawn() -> None:
    drawn = p31mg.plot.titration(p31mg.calibrate(SHIFT_PPM, FREE_MG_MM))
    assert drawn.points.lines[2] == ()


def test_given_axes_are_drawn_on_and_no_figure_is_made(own) -> None:
    ax = Figure().add_subplot()
    assert p31mg.plot.titration(own, ax).ax is ax
    assert not plt.get_fignums()


def test_calibration_that_was_not_fitted_is_refused() -> None:
    with pytest.raises(p31mg.InputError, match=r"calibration 'gupta-1978' was not fitted to a titration"):
        p31mg.plot.titration(p31mg.calibrations()["gupta-1978"])


def test_file_is_drawn_like_the_calibration(own, tmp_path) -> None:
    file = p31mg.write_calibration(own, tmp_path / "own.toml")
    drawn, again = p31mg.plot.titration(own), p31mg.plot.titration(file)
    np.testing.assert_array_equal(drawn.curve.get_xydata(), again.curve.get_xydata())


def test_what_is_no_calibration_is_refused() -> None:
    with pytest.raises(p31mg.InputError, match=r"calibration <MagnesiumResult gupta-1978 .* is not known"):
        p31mg.plot.titration(p31mg.free_magnesium(8.55))
