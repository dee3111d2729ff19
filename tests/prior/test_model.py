"""`Resonance` and `Prior` made in a script: the same rules as in a file, without lines."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from importlib import resources

import numpy as np
import pytest

import p31mg
from p31mg import PriorKnowledgeError, load_prior
from p31mg.prior import common_parameters, parse_prior

PI = p31mg.Resonance(
    name="pi",
    chemical_shift_ppm=4.9,
    shift_bounds_ppm=(4.4, 5.4),
    linewidth_hz=12.0,
    linewidth_bounds_hz=(3.0, 60.0),
    amplitude=0.12,
)


@pytest.fixture
def muscle():
    return p31mg.load_prior("muscle-3t")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Pi"}, r"name 'Pi' must be lower case"),
        ({"name": ""}, r"name '' must be lower case"),
        (
            {"chemical_shift_ppm": 5.5},
            r"chemical_shift_ppm of resonance 'pi' is 5\.5; it must lie within .*\[4\.4, 5\.4\]",
        ),
        ({"shift_bounds_ppm": (5.4, 4.4)}, r"shift_bounds_ppm of resonance 'pi' is \(5\.4, 4\.4\); .*the lower first"),
        ({"linewidth_hz": 2.0}, r"linewidth_hz of resonance 'pi' is 2\.0; it must lie within linewidth_bounds_hz"),
        ({"linewidth_bounds_hz": (-1.0, 60.0)}, r"the lower bound must be above 0 Hz"),
        ({"amplitude": 0.0}, r"amplitude of resonance 'pi' is 0\.0; it must be above 0"),
        ({"j_coupling_hz": (-1.0,)}, r"couplings are in Hz and not negative"),
    ],
)
def test_resonance_refuses(change, message):
    with pytest.raises(p31mg.PriorKnowledgeError, match=message):
        replace(PI, **change)


@pytest.mark.parametrize("edge", [4.4, 5.4])
def test_expected_shift_may_sit_on_its_bound(edge):
    assert replace(PI, chemical_shift_ppm=edge).chemical_shift_ppm == edge


def test_resonance_cannot_be_changed():
    with pytest.raises(FrozenInstanceError, match="cannot assign"):
        PI.amplitude = 1.0


class TestPrior:
    def test_index_and_names_agree(self, muscle):
        for i, name in enumerate(muscle.names):
            assert muscle.index(name) == i
            assert muscle[name] is muscle.resonances[i]

    @pytest.mark.parametrize("needed", ["pcr", "alpha_atp", "beta_atp"])
    def test_refuses_to_be_without(self, muscle, needed):
        rest = tuple(r for r in muscle.resonances if r.name != needed and r.linewidth_as != needed)
        with pytest.raises(p31mg.PriorKnowledgeError, match=rf"resonance '{needed}' is missing; .*Found: "):
            replace(muscle, resonances=rest)

    def test_refuses_a_name_twice(self, muscle):
        with pytest.raises(p31mg.PriorKnowledgeError, match=r"resonance 'pi' appears more than once"):
            replace(muscle, resonances=(*muscle.resonances, PI))

    def test_refuses_a_chain_of_shared_widths(self, muscle):
        chained = replace(PI, name="udpg", linewidth_as="nad")
        assert muscle["nad"].linewidth_as is not None
        with pytest.raises(p31mg.PriorKnowledgeError, match=r"linewidth_as of resonance 'udpg' is 'nad'; it must name"):
            replace(muscle, resonances=(*muscle.resonances, chained))

    def test_another_reference(self, muscle):
        """All shifts relative to Pi, as in a perchloric extract without PCr."""
        moved = tuple(
            replace(
                r,
                chemical_shift_ppm=r.chemical_shift_ppm - 4.9,
                shift_bounds_ppm=(r.shift_bounds_ppm[0] - 4.9, r.shift_bounds_ppm[1] - 4.9),
            )
            for r in muscle.resonances
        )
        assert replace(muscle, resonances=moved, reference="pi").reference == "pi"
        with pytest.raises(p31mg.PriorKnowledgeError, match=r"chemical_shift_ppm of the reference 'pcr' must be 0"):
            replace(muscle, resonances=moved)


class TestLineshapeAndCommonParameters:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"lineshape": "lorentz"}, "lineshape is 'lorentz'; it must be one of lorentzian, gaussian, voigt"),
            ({"lineshape": "voigt"}, "'voigt' needs gaussian_linewidth_hz and gaussian_linewidth_bounds_hz"),
            (
                {"gaussian_linewidth_hz": 5.0},
                "gaussian_linewidth_hz belongs to the lineshape voigt or asymmetric, not to 'lorentzian'",
            ),
            (
                {"j_coupling_bounds_hz": (20.0, 10.0)},
                r"j_coupling_bounds_hz is \(20.0, 10.0\); give two finite numbers above 0",
            ),
            ({"j_coupling_bounds_hz": (17.0, 20.0)}, "the expected value 16.0 must lie within"),
            ({"begin_time_bounds_s": (1e-4, 2e-4)}, "the expected value 0.0 must lie within"),
            ({"begin_time_bounds_s": (-np.inf, 2e-4)}, "give two finite numbers, the lower first"),
        ],
    )
    def test_refused(self, options, message):
        with pytest.raises(PriorKnowledgeError, match=message):
            replace(load_prior("muscle-3t"), **options)

    def test_couplings_of_a_beta_that_is_not_coupled(self):
        prior = load_prior("muscle-3t")
        rows = tuple(replace(r, j_coupling_hz=()) for r in prior.resonances)
        with pytest.raises(PriorKnowledgeError, match="beta_atp has no j_coupling_hz"):
            replace(prior, coupling="first-order", resonances=rows, j_coupling_bounds_hz=(10.0, 20.0))

    def test_file(self):
        text = (resources.files("p31mg.prior") / "sets" / "muscle.toml").read_text(encoding="utf-8")
        more = """lineshape = "voigt"
gaussian_linewidth_hz = 5.0
gaussian_linewidth_bounds_hz = [1.0, 30.0]
j_coupling_bounds_hz = [10.0, 25.0]
begin_time_bounds_s = [-5e-4, 5e-4]
"""
        prior = parse_prior(text.replace("[[resonance]]", more + "[[resonance]]", 1))
        assert common_parameters(prior) == ["gaussian_linewidth_hz", "j_coupling_hz", "begin_time_s"]
        assert prior.gaussian_linewidth_bounds_hz == (1.0, 30.0)
