"""Prior-knowledge files: what is accepted, and what is refused with which line and reason."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

import p31mg
from p31mg.prior import packaged_priors, parse_prior

GOOD = """\
# Three resonances: the least that a prior may hold.
[prior]
name = "own"
description = "a test"
tissue = "phantom"
field_strength_t = 3.0

[[resonance]]
name = "pcr"
chemical_shift_ppm = 0.0
shift_bounds_ppm = [-0.5, 0.5]
linewidth_hz = 8.0
linewidth_bounds_hz = [2.0, 80.0]
amplitude = 1.0

[[resonance]]
name = "alpha_atp"
chemical_shift_ppm = -7.53
shift_bounds_ppm = [-7.9, -7.15]
linewidth_hz = 16.0
linewidth_bounds_hz = [3.0, 80.0]
amplitude = 0.25
j_coupling_hz = [16.0]

[[resonance]]
name = "beta_atp"
chemical_shift_ppm = -16.08
shift_bounds_ppm = [-17.2, -15.6]
linewidth_hz = 18.0
linewidth_bounds_hz = [3.0, 80.0]
amplitude = 0.25
j_coupling_hz = [16.0, 16.0]
"""
ALPHA = 16
"""Line of the table of alpha-ATP."""


def with_line(number, text):
    """The good file with one line replaced."""
    lines = GOOD.splitlines()
    lines[number - 1] = text
    return "\n".join(lines)


def with_added(number, text):
    """The good file with one line put in, so that it has this number."""
    lines = GOOD.splitlines()
    lines.insert(number - 1, text)
    return "\n".join(lines)


BAD_LINES = {
    "unterminated array": (with_line(21, "linewidth_bounds_hz = 3.0 80.0"), r"not valid TOML.*\(at line 21, "),
    "key given twice": (with_added(23, "amplitude = 0.3"), r"not valid TOML.*\(at line 23, "),
    "unknown key": (
        with_added(22, "colour = 3"),
        r"line 22: \[\[resonance\]\] 'alpha_atp' has no key 'colour'; the keys are",
    ),
    "key of a resonance in prior": (
        with_added(4, "amplitude = 3"),
        r"line 4: \[prior\] has no key 'amplitude'; the keys are",
    ),
    "unknown table": (GOOD.replace("[[resonance]]", "[[peak]]"), r"line 8: 'peak' is not known here"),
    "missing key": (
        with_line(21, ""),
        rf"line {ALPHA}: \[\[resonance\]\] 'alpha_atp' lacks linewidth_bounds_hz; .*a pair",
    ),
    "text for a number": (
        with_line(22, 'amplitude = "big"'),
        r"line 22: amplitude of .*'alpha_atp' is 'big'; .*a number",
    ),
    "truth for a number": (with_line(22, "amplitude = true"), r"line 22: amplitude of .* is True; it must be a number"),
    "number for a text": (with_line(4, "description = 3"), r"line 4: description of \[prior\] is 3; it must be a text"),
    "one number for a pair": (
        with_line(21, "linewidth_bounds_hz = [3.0]"),
        r"line 21: linewidth_bounds_hz .*must be a pair",
    ),
    "number for a list": (with_line(23, "j_coupling_hz = 16.0"), r"line 23: j_coupling_hz .*must be a list of numbers"),
    "numbers for texts": (
        with_added(4, "sources = [1]"),
        r"line 4: sources of \[prior\] is \[1\]; it must be a list of texts",
    ),
    "inverted bounds": (
        with_line(19, "shift_bounds_ppm = [-7.15, -7.9]"),
        r"line 19: shift_bounds_ppm of .*the lower first",
    ),
    "equal bounds": (
        with_line(21, "linewidth_bounds_hz = [16.0, 16.0]"),
        r"line 21: linewidth_bounds_hz .*the lower first",
    ),
    "shift outside its bounds": (
        with_line(18, "chemical_shift_ppm = -8.53"),
        r"line 18: chemical_shift_ppm of resonance 'alpha_atp' is -8\.53; it must lie within shift_bounds_ppm \[-7\.9, -7\.15\]",
    ),
    "width outside its bounds": (
        with_line(20, "linewidth_hz = 90"),
        r"line 20: linewidth_hz of .* is 90; it must lie within",
    ),
    "width bound of zero": (
        with_line(21, "linewidth_bounds_hz = [0.0, 80.0]"),
        r"line 21: .*lower bound must be above 0 Hz",
    ),
    "negative amplitude": (
        with_line(22, "amplitude = -0.25"),
        r"line 22: amplitude of .* is -0\.25; it must be above 0",
    ),
    "zero amplitude": (with_line(22, "amplitude = 0"), r"line 22: amplitude of .* is 0; it must be above 0"),
    "infinite amplitude": (with_line(22, "amplitude = inf"), r"line 22: amplitude of .* is inf"),
    "amplitude not a number": (
        with_line(22, "amplitude = nan"),
        r"line 22: amplitude of .* is nan; it must be above 0",
    ),
    "bound not a number": (
        with_line(19, "shift_bounds_ppm = [nan, -7.15]"),
        r"line 19: shift_bounds_ppm .*two finite numbers",
    ),
    "coupling not a number": (with_line(23, "j_coupling_hz = [nan]"), r"line 23: j_coupling_hz .*not negative"),
    "negative coupling": (with_line(23, "j_coupling_hz = [-16.0]"), r"line 23: j_coupling_hz .*not negative"),
    "name with capitals": (
        with_line(17, 'name = "Alpha ATP"'),
        r"line 17: name 'Alpha ATP' must be lower case letters",
    ),
    "number for a truth": (
        with_added(4, "scales_with_field = 1"),
        r"line 4: scales_with_field of \[prior\] is 1; it must be true or false",
    ),
    "coupling of an unknown kind": (
        with_added(4, 'coupling = "strong"'),
        r"line 4: coupling is 'strong'; it must be one of first-order, exact",
    ),
    "exact coupling without gamma": (
        with_added(4, 'coupling = "exact"'),
        r"line 4: coupling is 'exact', but gamma_atp is missing",
    ),
    "search nowhere": (with_added(4, "search_ppm = 0"), r"line 4: search_ppm is 0; it must be above 0"),
    "name not a text": (with_line(17, "name = 3"), r"line 17: name of .* is 3; it must be a text"),
}

BAD_WHOLES = {
    "not finished": (GOOD + "x = [", r"not valid TOML.*at end of document"),
    "empty": ("", r"must hold one \[prior\] table and at least one \[\[resonance\]\] table"),
    "no resonance": (
        "\n".join(GOOD.splitlines()[:7]),
        r"must hold one \[prior\] table and at least one \[\[resonance\]\]",
    ),
    "no prior": ("\n".join(GOOD.splitlines()[7:]), r"must hold one \[prior\] table"),
    "one table for a list of them": (
        GOOD[: GOOD.index("[[res")] + "[resonance]\nname = 'pcr'",
        r"at least one \[\[res",
    ),
    "missing key of prior": (with_line(6, ""), r"\[prior\] lacks field_strength_t; it must be a number"),
    "name given twice": (with_line(26, 'name = "alpha_atp"'), r"resonance 'alpha_atp' appears more than once"),
    "no beta": (
        with_line(26, 'name = "gamma_atp"'),
        r"resonance 'beta_atp' is missing; .*Found: pcr, alpha_atp, gamma_atp",
    ),
    "no reference": (with_added(4, 'reference = "water"'), r"resonance 'water' is missing"),
    "width of nobody": (
        with_added(24, 'linewidth_as = "nad"'),
        r"linewidth_as of resonance 'alpha_atp' is 'nad'; it must name",
    ),
    "width of itself": (with_added(24, 'linewidth_as = "alpha_atp"'), r"linewidth_as .*with a linewidth of its own"),
    "reference off zero": (with_line(10, "chemical_shift_ppm = 0.1"), r"of the reference 'pcr' must be 0"),
    "shift not a number": (with_line(18, "chemical_shift_ppm = nan"), r"of resonance 'alpha_atp'"),
    "width not a number": (with_line(20, "linewidth_hz = nan"), r"of resonance 'alpha_atp'"),
}


class TestRefused:
    @pytest.mark.parametrize(("text", "message"), BAD_LINES.values(), ids=BAD_LINES.keys())
    def test_with_line_and_reason(self, text, message):
        with pytest.raises(p31mg.PriorKnowledgeError, match=rf"^own\.toml.*{message}"):
            parse_prior(text, "own.toml")

    @pytest.mark.parametrize(("text", "message"), BAD_WHOLES.values(), ids=BAD_WHOLES.keys())
    def test_with_reason(self, text, message):
        with pytest.raises(p31mg.PriorKnowledgeError, match=rf"^own\.toml.*{message}"):
            parse_prior(text, "own.toml")

    def test_line_is_that_of_the_resonance_at_fault_not_of_the_first_with_the_key(self):
        text = with_line(31, "amplitude = -1")
        assert GOOD.count("amplitude") == 3
        with pytest.raises(p31mg.PriorKnowledgeError, match=r"line 31: amplitude of resonance 'beta_atp' is -1"):
            parse_prior(text, "own.toml")

    def test_is_an_input_error_and_a_value_error(self):
        with pytest.raises(ValueError, match="not valid TOML") as caught:
            parse_prior("[[", "own.toml")
        assert isinstance(caught.value, p31mg.InputError)


class TestAccepted:
    def test_every_value_arrives(self):
        prior = parse_prior(GOOD)
        assert (prior.name, prior.tissue, prior.field_strength_t, prior.reference) == ("own", "phantom", 3.0, "pcr")
        assert prior.names == ("pcr", "alpha_atp", "beta_atp")
        assert prior["beta_atp"] == p31mg.Resonance(
            name="beta_atp",
            chemical_shift_ppm=-16.08,
            shift_bounds_ppm=(-17.2, -15.6),
            linewidth_hz=18.0,
            linewidth_bounds_hz=(3.0, 80.0),
            amplitude=0.25,
            j_coupling_hz=(16.0, 16.0),
        )

    def test_shared_width(self):
        assert parse_prior(GOOD + 'linewidth_as = "alpha_atp"\n')["beta_atp"].linewidth_as == "alpha_atp"

    def test_whole_numbers(self):
        assert parse_prior(with_line(10, "chemical_shift_ppm = 0"))["pcr"].chemical_shift_ppm == 0

    def test_prior_after_the_resonances(self):
        lines = GOOD.splitlines()
        assert parse_prior("\n".join(lines[7:] + lines[:7])) == parse_prior(GOOD)


class TestLoading:
    def test_from_a_path(self, tmp_path):
        path = tmp_path / "own.toml"
        path.write_text(GOOD, encoding="utf-8")
        assert p31mg.load_prior(path) == p31mg.load_prior(str(path)) == parse_prior(GOOD)

    def test_message_names_the_path(self, tmp_path):
        path = tmp_path / "bad.toml"
        path.write_text(with_line(22, "amplitude = 0"), encoding="utf-8")
        with pytest.raises(p31mg.PriorKnowledgeError, match=r"bad\.toml, line 22: amplitude"):
            p31mg.load_prior(path)

    def test_a_prior_is_returned_as_it_is(self):
        prior = parse_prior(GOOD)
        assert p31mg.load_prior(prior) is prior

    @pytest.mark.parametrize(
        ("typo", "nearest"), [("muscle3t", "muscle-3t"), ("muscle-3T", "muscle-3t"), ("brains", "brain")]
    )
    def test_unknown_name_gives_the_nearest(self, typo, nearest):
        with pytest.raises(
            p31mg.UnknownNameError, match=rf"prior '{typo}' is not known; the nearest are .*'{nearest}'"
        ):
            p31mg.load_prior(typo)

    def test_unknown_name_like_nothing_lists_all(self):
        with pytest.raises(
            p31mg.UnknownNameError, match=r"'xyz' is not known\. All: blood, brain, .*muscle, muscle-3t, or the path"
        ):
            p31mg.load_prior("xyz")

    def test_missing_file(self, tmp_path):
        with pytest.raises(p31mg.ReadError, match=r"prior file .*gone\.toml cannot be read: No such file"):
            p31mg.load_prior(tmp_path / "gone.toml")

    def test_file_that_is_not_text(self, tmp_path):
        path = tmp_path / "binary.toml"
        path.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(p31mg.ReadError, match=r"binary\.toml cannot be read: it is not UTF-8 text"):
            p31mg.load_prior(path)


@pytest.mark.parametrize("name", packaged_priors())
class TestPackaged:
    def test_loads_under_its_own_name(self, name):
        assert p31mg.load_prior(name).name == name

    def test_says_where_its_numbers_come_from(self, name):
        prior = p31mg.load_prior(name)
        assert prior.description
        assert prior.tissue
        assert any("doi:10." in source for source in prior.sources)
        assert all(r.source for r in prior.resonances)

    def test_values_are_those_of_the_file(self, name):
        text = (resources.files("p31mg.prior") / "sets" / f"{name.split('-')[0]}.toml").read_text(encoding="utf-8")
        rows = tomllib.loads(text)["resonance"]
        for resonance, row in zip(p31mg.load_prior(name).resonances, rows, strict=True):
            for key, value in row.items():
                assert getattr(resonance, key) == (tuple(value) if isinstance(value, list) else value)

    def test_has_what_magnesium_and_ph_need(self, name):
        prior = p31mg.load_prior(name)
        assert {prior.reference, "pi", "alpha_atp", "beta_atp", "gamma_atp"} <= set(prior.names)
        assert ("pcr" in prior.names) == (prior.tissue not in ("liver", "blood"))

    def test_couplings_are_those_of_the_atp_chain(self, name):
        prior = p31mg.load_prior(name)
        assert prior.coupling == "exact"
        assert [len(prior[n].j_coupling_hz) for n in ("alpha_atp", "beta_atp", "gamma_atp", "pi")] == [1, 2, 1, 0]
        assert all(15 <= j <= 20 for r in prior.resonances for j in r.j_coupling_hz)

    def test_windows_span_the_shifts_of_likely_magnesium(self, name):
        """From 0.1 to 2 mM, with alpha in the middle of its own window."""
        prior = p31mg.load_prior(name)
        differences = p31mg.calibrations()["gupta-1978"].shift_ppm([0.1, 2.0])
        beta = prior["alpha_atp"].chemical_shift_ppm - differences
        low, high = prior["beta_atp"].shift_bounds_ppm
        assert ((beta > low) & (beta < high)).all()


def test_at_least_the_promised_sets_are_packaged():
    assert {"muscle-3t", "brain-7t"} <= set(packaged_priors())


@pytest.mark.parametrize("prior", [3, None, ["muscle"]])
def test_what_is_no_prior(prior):
    with pytest.raises(
        p31mg.InputError, match=r"prior is a \w+; give the name of a prior, the path of a .toml file or a Prior"
    ):
        p31mg.load_prior(prior)
