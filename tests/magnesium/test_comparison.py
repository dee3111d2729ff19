"""Several calibrations side by side: each the same as alone."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg

ALL = list(p31mg.calibrations())


def test_each_calibration_of_a_fit_is_as_alone(fitted) -> None:
    side_by_side = p31mg.free_magnesium(fitted, calibration=ALL)
    assert list(side_by_side) == ALL
    for name, result in side_by_side.items():
        alone = p31mg.free_magnesium(fitted, calibration=name)
        np.testing.assert_array_equal(result.free_mg_mM, alone.free_mg_mM)
        np.testing.assert_array_equal(result.interval_mM, alone.interval_mM)


def test_all_published_ones_are_a_list_too(fitted) -> None:
    assert list(p31mg.free_magnesium(fitted, calibration=p31mg.calibrations())) == ALL


def test_spread_by_hand() -> None:
    both = p31mg.free_magnesium([8.40, 8.55, 8.70], calibration=["gupta-1978", "gupta-1984"])
    np.testing.assert_allclose(both.spread, [1.908 / 1.512, 0.493 / 0.448, 0.279 / 0.240], rtol=3e-3)  # printed digits


def test_table_has_a_row_per_value_and_columns_per_calibration(fitted) -> None:
    table = p31mg.free_magnesium(fitted, calibration=ALL).to_dataframe()
    assert len(table) == fitted.status.size
    assert {f"{name}_free_mg_mM" for name in ALL} <= set(table.columns)
    assert {"x", "y", "spread", "shift_alpha_beta_ppm", "shift_beta_pcr_ppm"} <= set(table.columns)
    assert table["spread"].isna().sum() == 1  # the voxel of noise


def test_numbers_are_one_quantity() -> None:
    with pytest.raises(p31mg.InputError, match="a number is one of them, so give a fit"):
        p31mg.free_magnesium(8.55, calibration=ALL)


@pytest.mark.parametrize("names", [[], ["gupta-1978", "gupta-1978"]])
def test_each_calibration_once(names: list[str]) -> None:
    with pytest.raises(p31mg.InputError, match="name at least one, each once"):
        p31mg.free_magnesium(8.55, calibration=names)
