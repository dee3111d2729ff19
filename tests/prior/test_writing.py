"""Priors as TOML: what is written is read back as the same prior."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import p31mg
from p31mg.prior import packaged_priors, parse_prior, prior_toml

OPTIONS = [
    {},
    {"lineshape": "voigt", "gaussian_linewidth_hz": 6.0, "gaussian_linewidth_bounds_hz": (1.0, 40.0)},
    {"j_coupling_bounds_hz": (10.0, 24.0), "begin_time_bounds_s": (-5e-4, 5e-4)},
    {"sources": ('quoted "text", with a \\ and ä',), "search_ppm": 5.0},
]


@pytest.mark.parametrize("name", [*packaged_priors(), "heart-1.5t"])
@pytest.mark.parametrize("options", OPTIONS)
def test_round_trip(name, options):
    prior = replace(p31mg.load_prior(name), **options)
    assert parse_prior(prior_toml(prior, ("a comment\nof two lines",))) == prior


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30))
def test_any_text(text):
    prior = replace(p31mg.load_prior("muscle"), description=text)
    assert parse_prior(prior_toml(prior)).description == text


def test_written_file(tmp_path):
    prior = replace(p31mg.load_prior("muscle-3t"), name="own")
    assert p31mg.load_prior(p31mg.write_prior(prior, tmp_path / "own.toml")) == prior


def test_refuses_other_names(tmp_path):
    with pytest.raises(p31mg.InputError, match=r"path is .*own\.csv; the name of a prior file must end in \.toml"):
        p31mg.write_prior(p31mg.load_prior("muscle"), tmp_path / "own.csv")


def test_refuses_where_nothing_can_be_written(tmp_path):
    with pytest.raises(p31mg.WriteError, match=r"own\.toml cannot be written: No such file"):
        p31mg.write_prior(p31mg.load_prior("muscle"), tmp_path / "gone" / "own.toml")
