"""`p31mg fit --combine-coils --average AXIS` on a file of raw data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def raw(shelf: Path) -> Path:
    """Return a file of 4 coils and 8 transients that drift by 8 Hz, each with SNR 120."""
    return shelf / "sub-01_raw.nii.gz"


def test_each_row_by_itself_without_options(raw: Path, run: Run) -> None:
    document = json.loads(run("fit", raw, "--format", "json").stdout)
    assert (document["n_spectra"], document["history"]) == (32, [])


def test_coils_and_transients_to_one_row(raw: Path, run: Run) -> None:
    result = run("fit", raw, "--combine-coils", "--average", "dyn", "--format", "json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["n_spectra"]) == (0, 1)
    assert [step["name"] for step in document["history"]] == ["combine_coils", "average_transients"]
    np.testing.assert_allclose(document["history"][1]["frequency_hz"], np.linspace(-4, 4, 8), atol=0.3)
    assert document["spectra"][0]["snr"] == pytest.approx(120 * np.sqrt(32), rel=0.05)
    assert "coils combined: one signal explains" in result.stderr
    assert "8 transients averaged: 1 of 1 stacks aligned, frequencies within 8" in result.stderr


def test_axis_that_the_file_does_not_have(raw: Path, run: Run) -> None:
    result = run("fit", raw, "--average", "rep")
    assert result.exit_code == 2
    assert "axis is 'rep'; the spectra have the axes coil, dyn" in result.stderr
