"""The picture of a study: every valid row with its interval, in the order of the table and against SNR."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import p31mg


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return the table of three good spectra and a broken file."""
    folder: Path = tmp_path_factory.mktemp("study")
    for i, (free_mg_mM, snr) in enumerate([(0.4, 500), (0.6, 250), (0.5, 350)]):
        person = p31mg.simulate(free_mg_mM, snr=snr, seed=i, n_points=512)
        p31mg.write(person, folder / f"sub-{i}.nii.gz")
    (folder / "sub-1b.txt").write_text("no\n", encoding="utf-8")
    found = p31mg.batch(folder)
    assert found["mg_is_valid"].tolist() == [True, True, False, True]
    return found


def test_valid_rows_are_drawn_in_their_order_and_against_snr(table: pd.DataFrame) -> None:
    drawn = p31mg.plot.study(table)
    valid = table[table["mg_is_valid"]]
    for ax, x in ((drawn.by_row, [1, 2, 4]), (drawn.by_snr, valid["snr"])):
        points = ax.containers[0].lines[0]
        np.testing.assert_array_equal(points.get_xdata(), x)
        np.testing.assert_array_equal(points.get_ydata(), valid["free_mg_mM"])
        (upright,) = ax.containers[0].lines[2]
        ends = np.array([segment[:, 1] for segment in upright.get_segments()])
        np.testing.assert_allclose(ends, valid[["interval_low_mM", "interval_high_mM"]], rtol=1e-12)


def test_title_counts_what_was_left_out(table: pd.DataFrame) -> None:
    assert p31mg.plot.study(table).by_row.get_title(loc="left") == "3 valid spectra, 1 left out"


def test_median_is_that_of_the_valid_rows(table: pd.DataFrame) -> None:
    drawn = p31mg.plot.study(table)
    (median,) = (line for line in drawn.by_row.lines if line.get_label() == "median")
    expected = table.loc[table["mg_is_valid"], "free_mg_mM"].median()
    np.testing.assert_allclose(median.get_ydata(), expected, rtol=1e-12)


def test_truth_is_drawn_where_it_is_known(table: pd.DataFrame) -> None:
    drawn = p31mg.plot.study(table.assign(true_free_mg_mM=[0.4, 0.6, np.nan, 0.5]))
    (truth,) = (line for line in drawn.by_row.lines if line.get_label() == "truth")
    np.testing.assert_array_equal(truth.get_ydata(), [0.4, 0.6, 0.5])
    assert not [line for line in p31mg.plot.study(table).by_row.lines if line.get_label() == "truth"]


def test_table_without_a_valid_row_is_drawn_empty(table: pd.DataFrame) -> None:
    drawn = p31mg.plot.study(table[~table["mg_is_valid"]])
    assert drawn.by_row.get_title(loc="left") == "0 valid spectra, 1 left out"


def test_given_figure_is_drawn_on_and_none_is_made(table: pd.DataFrame) -> None:
    figure = Figure()
    drawn = p31mg.plot.study(table, figure)
    assert drawn.figure is figure
    assert figure.axes == [drawn.by_row, drawn.by_snr]
    assert not plt.get_fignums()
