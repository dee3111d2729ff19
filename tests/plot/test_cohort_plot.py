"""The pictures of a cohort: points, lines, bands, and what the legend says."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import p31mg


@pytest.fixture(scope="module")
def found() -> p31mg.CohortResult:
    people = p31mg.simulate_cohort(60, snr=300, seed=1, n_points=512)
    return p31mg.cohort(people.measured(), people.participants, by="sex")


def test_points_are_people_and_lines_are_least_squares(found) -> None:
    drawn = p31mg.plot.cohort(found, ax=Figure().add_subplot())
    for (_, members), points, line, band in zip(
        found.people.groupby("sex"), drawn.points, drawn.lines, drawn.bands, strict=True
    ):
        np.testing.assert_array_equal(points.get_xydata(), members[["age", "free_mg_mM"]])
        x, y = np.asarray(line.get_data())
        np.testing.assert_allclose(y, np.polyval(np.polyfit(members["age"], members["free_mg_mM"], 1), x), rtol=1e-9)
        (path,) = band.get_paths()
        assert path.get_extents().y0 < y.min() < y.max() < path.get_extents().y1
    assert not plt.get_fignums()


def test_legend_says_slopes_of_the_table(found) -> None:
    drawn = p31mg.plot.cohort(found, ax=Figure().add_subplot())
    table = found.to_dataframe()
    texts = [t.get_text() for t in drawn.ax.get_legend().get_texts()]
    for text, (_, row) in zip(texts, table.iloc[1:].iterrows(), strict=True):
        assert text == (
            f"{row['group'].removeprefix('sex ')} (n {row['n']}): β {row['beta']:.2f}, corrected {row['corrected_beta']:.2f}"
        )


def test_legend_says_which_lines_are_drawn(found) -> None:
    legend = p31mg.plot.cohort(found, ax=Figure().add_subplot()).ax.get_legend()
    assert legend.get_title().get_text() == "unadjusted lines as measured, 95 % bands"


@pytest.mark.parametrize(("x", "y"), [("age", "free_mg_mM"), ("free_mg_mM", "strength_nm")])
def test_error_of_a_measurement_lies_below_all_points(x: str, y: str, found) -> None:
    drawn = p31mg.plot.cohort(found, x, y, ax=Figure().add_subplot())
    (bar,) = drawn.ax.containers
    (segments,) = (lines.get_segments() for lines in bar.lines[2])
    ends = np.array(segments[0])
    assert ends[:, 1].max() < found.people[y].min()
    sd = found.people["sd_of_person_mM"].median()
    assert np.ptp(ends, axis=0)[0 if x == "free_mg_mM" else 1] == pytest.approx(2 * sd)


def test_serum_has_no_correction_and_no_cross(found) -> None:
    drawn = p31mg.plot.cohort(found, y="serum_mg_mM", ax=Figure().add_subplot())
    assert "corrected" not in drawn.ax.get_legend().get_texts()[0].get_text()
    assert not drawn.ax.containers


def test_power_is_drawn_as_it_is() -> None:
    power = p31mg.power(0.2, n=200, snr=[100, 300])
    drawn = p31mg.plot.power(power, Figure())
    np.testing.assert_array_equal(drawn.by_snr.lines[0].get_ydata(), power.reliability)
    np.testing.assert_array_equal(drawn.by_snr.lines[1].get_ydata(), power.power)
    np.testing.assert_array_equal(drawn.people.lines[0].get_ydata(), power.n_needed)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"x": "agee"}, "column 'agee' is not known; the nearest are 'age'"),
        ({"x": "sex"}, "column sex has no numbers"),
        ({"by": "free_mg_mM"}, "has 60 different values"),
    ],
)
def test_columns_that_cannot_be_drawn_are_refused(options: dict[str, str], says: str, found) -> None:
    with pytest.raises(p31mg.InputError, match=says):
        p31mg.plot.cohort(found, **options)


def test_one_snr_is_no_curve() -> None:
    with pytest.raises(p31mg.InputError, match="one SNR only"):
        p31mg.plot.power(p31mg.power(0.2, snr=300))
