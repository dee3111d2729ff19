"""Import of pyAMARES spreadsheets: lines become multiplets, windows follow the centre, nothing is lost silently."""

from __future__ import annotations

import numpy as np
import pytest

import p31mg
from p31mg.prior import first_order_lines, import_prior, parse_prior, prior_toml

MHZ = 51.7
HEAD = "Index,PCr,GATP,GATP2,AATP,AATP2,BATP,BATP2,BATP3,NADH,Pin"
GOOD = {
    "amplitude": ["4", "0.5", "GATP", "0.5", "AATP", "0.6", "BATP/2", "BATP/2", "0.2", "0.6"],
    "chemicalshift": ["0", "-2.3", "GATP-16Hz", "-7.37", "AATP-16Hz", "-16.1", "BATP-16Hz", "BATP+16Hz", "-8.2", "4.9"],
    "linewidth": ["8", "16", "GATP", "16", "AATP", "18", "BATP", "BATP", "AATP", "12"],
    "phase": ["0", *["PCr"] * 9],
    "g": ["0"] * 10,
}
BOUNDS = {
    "amplitude": ["(0, "] * 10,
    "chemicalshift": [
        "(-0.5,0.5)",
        "(-2.7,-1.9)",
        "",
        "(-7.7,-7.0)",
        "",
        "(-17,-15.6)",
        "",
        "",
        "(-8.35,-8.1)",
        "(4.2,5.5)",
    ],
    "linewidth": ["(2,80)", "(3,80)", "", "(3,80)", "", "(3,80)", "", "", "(3,80)", "(2,80)"],
    "phase": ["(-180,180)"] * 10,
    "g": ["(0,1)"] * 10,
}


def quoted(cells):
    return ",".join(f'"{c}"' if "," in c else c for c in cells)


def sheet(head=HEAD, changes=None, bounds=None):
    """The good sheet, with some cells (row, column name) changed."""
    names = head.split(",")[1:]
    out = ['"# a comment, with a comma",,', head, "Initial Values" + "," * len(names)]
    for source, edits in ((GOOD, changes or {}), (BOUNDS, bounds or {})):
        for row, cells in source.items():
            edited = [edits.get((row, n), c) for n, c in zip(names, cells, strict=True)]
            out.append(f"{row},{quoted(edited)}")
        if source is GOOD:
            out.append("Bounds" + "," * len(names))
    return "\n".join([*out, "# another comment,,,"]) + "\n"


@pytest.fixture
def imported(tmp_path):
    def run(text, mhz=MHZ, **options):
        path = tmp_path / "My Peaks.csv"
        path.write_text(text, encoding="utf-8")
        return import_prior(path, mhz, **options)

    return run


class TestResonances:
    def test_whole_sheet(self, imported):
        result = imported(sheet(), tissue="muscle")
        prior = result.prior
        assert prior.names == ("pcr", "gamma_atp", "alpha_atp", "beta_atp", "nad", "pi")
        assert (prior.name, prior.tissue, prior.coupling) == ("my-peaks", "muscle", "exact")
        assert prior.field_strength_t == pytest.approx(3.0, abs=1e-3)
        assert [prior[n].j_coupling_hz for n in ("alpha_atp", "beta_atp", "gamma_atp", "pi")] == [
            (16,),
            (16, 16),
            (16,),
            (),
        ]
        assert prior["nad"].linewidth_as == "alpha_atp"
        assert prior["pi"].linewidth_as is None
        assert result.notes == ()

    def test_centre_is_in_the_middle_of_the_lines(self, imported):
        prior = imported(sheet()).prior
        assert prior["alpha_atp"].chemical_shift_ppm == pytest.approx(-7.37 - 8 / MHZ, abs=1e-6)
        assert prior["beta_atp"].chemical_shift_ppm == pytest.approx(-16.1, abs=1e-9)

    def test_window_goes_with_the_centre(self, imported):
        """Windows of the sheet are those of the first line; bounds on tied lines as well would freeze the centre."""
        alpha = imported(sheet()).prior["alpha_atp"]
        assert alpha.shift_bounds_ppm == pytest.approx((-7.7 - 8 / MHZ, -7.0 - 8 / MHZ), abs=1e-6)

    def test_amplitude_is_that_of_all_lines_relative_to_pcr(self, imported):
        prior = imported(sheet()).prior
        assert [prior[n].amplitude for n in ("pcr", "alpha_atp", "beta_atp", "nad")] == pytest.approx(
            [1, 0.25, 0.3, 0.05]
        )

    @pytest.mark.parametrize(
        ("weights", "couplings"),
        [(("1",), ()), (("1", "1"), (12.0,)), (("2", "1", "1"), (12.0, 12.0)), (("1", "1", "1", "1"), (20.0, 6.0))],
    )
    def test_lines_of_the_resonance_are_the_lines_of_the_sheet(self, imported, weights, couplings):
        offsets, shares = first_order_lines(couplings)
        order = np.argsort(-shares, kind="stable")
        names = [f"X{i or ''}" for i in range(len(order))]
        rows = {
            "amplitude": [str(8 * shares[k]) for k in order],
            "chemicalshift": ["1.5", *(f"X{offsets[k] - offsets[order[0]]:+.6f} Hz" for k in order[1:])],
            "linewidth": ["10", *["X"] * (len(order) - 1)],
        }
        bounds = {"chemicalshift": ["(1,2)"] * len(order), "linewidth": ["(2,50)"] * len(order)}
        text = [HEAD + "," + ",".join(names), "Initial Values"]
        text += [f"{row},{quoted(GOOD[row] + cells)}" for row, cells in rows.items()]
        text += ["Bounds", *(f"{row},{quoted(BOUNDS[row] + cells)}" for row, cells in bounds.items())]
        x = imported("\n".join(text)).prior["x"]
        assert len(weights) == len(order)
        assert x.j_coupling_hz == pytest.approx(couplings)
        assert x.chemical_shift_ppm == pytest.approx(1.5 - offsets[order[0]] / MHZ, abs=1e-6)

    def test_survives_writing(self, imported):
        result = imported(sheet())
        assert parse_prior(prior_toml(result.prior, ("note",))) == result.prior

    def test_fits_what_it_describes(self, imported):
        prior = imported(sheet()).prior
        spectra = p31mg.simulate([0.4, 0.7], prior=prior, snr=300, seed=1)
        fit = p31mg.fit(spectra, prior=prior)
        assert fit.is_valid.all()
        error = fit.shift_alpha_beta_ppm - spectra.truth.shift_alpha_beta_ppm
        assert np.abs(error / fit.sd_shift_alpha_beta_ppm).max() < 3.5

    def test_semicolons_and_a_byte_order_mark(self, imported):
        text = sheet().replace('"# a comment, with a comma",,\n', "")
        swapped = "\ufeff" + "\n".join(
            line if "," not in line else ";".join(c.replace("\0", ",") for c in _split(line))
            for line in text.splitlines()
        )
        assert imported(swapped).prior == imported(text).prior


def _split(line):
    """Cells of a line, commas within quotes kept."""
    out, inside = [""], False
    for c in line:
        if c == '"':
            inside = not inside
        elif c == "," and not inside:
            out.append("")
        else:
            out[-1] += c
    return out


BETA_15_HZ = {("chemicalshift", "BATP2"): "BATP-15Hz", ("chemicalshift", "BATP3"): "BATP+15Hz"}


class TestNotes:
    @pytest.mark.parametrize(
        ("changes", "bounds", "note"),
        [
            (BETA_15_HZ, {}, "J of alpha and beta is 16 Hz in alpha and 15 Hz in beta; here 15.5 Hz in both"),
            ({("chemicalshift", "AATP2"): "AATP-20Hz"}, {}, "first order: J of beta is 16 and 16 Hz, of alpha 20, of gamma 16"),
            ({("amplitude", "Pin"): "PCr/8"}, {}, "the amplitude of Pin is tied to another peak; here it is free"),
            ({("chemicalshift", "NADH"): "AATP-0.8ppm"}, {}, "the shift of NADH is tied to another peak; here it is free"),
            ({("linewidth", "AATP2"): "20"}, {}, "the linewidth of AATP2 is its own; here all lines of alpha_atp have"),
            ({("g", "Pin"): "0.5"}, {}, "here all lines are Lorentzian"),
            ({("phase", "Pin"): "90"}, {}, "the phases differ; here one is common"),
            ({}, {("chemicalshift", "Pin"): "4.9"}, "the shift of Pin is fixed; here it has a window of 0.002 ppm"),
            ({}, {("linewidth", "Pin"): "12"}, "the linewidth of Pin is fixed; here it may change by 0.1%"),
            ({}, {("linewidth", "Pin"): "(0, "}, "the linewidth of Pin has no bound on a side"),
            ({}, {("chemicalshift", "Pin"): ",5.5)"}, "the shift of Pin has no bound on a side; here 0.5 ppm from its value"),
        ],
    )  # fmt: skip
    def test_of_what_is_not_as_it_was(self, imported, changes, bounds, note):
        assert any(note in n for n in imported(sheet(changes=changes, bounds=bounds)).notes)

    def test_scale_that_is_not_that_of_pcr(self, imported):
        changes = {("chemicalshift", "PCr"): "-2.5"}
        result = imported(sheet(changes=changes, bounds={("chemicalshift", "PCr"): "(-3,-2)"}))
        assert "PCr is at -2.5 ppm; here it is 0, and all shifts are from it" in result.notes
        assert result.prior["pi"].chemical_shift_ppm == pytest.approx(7.4)
        assert result.prior["pi"].shift_bounds_ppm == pytest.approx((6.7, 8.0))


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "bounds", "message"),
        [
            (
                {("chemicalshift", "AATP2"): "AATP-16kHz"},
                {},
                r"chemicalshift of AATP2 is 'AATP-16kHz'; .* cannot stand there",
            ),
            ({("amplitude", "Pin"): "__import__('os')"}, {}, r"amplitude of Pin is .* cannot stand there"),
            ({("amplitude", "Pin"): ""}, {}, r"amplitude of Pin is ''; it ends too early"),
            ({("amplitude", "Pin"): "Pex/2"}, {}, r"amplitude of Pin refers to Pex, which is no column"),
            ({("linewidth", "Pin"): "NADH", ("linewidth", "AATP"): "Pin"}, {}, r"is tied to itself"),
            ({("amplitude", "Pin"): "-1"}, {}, r"amplitude of Pin is -1; it must be above 0"),
            ({("amplitude", "BATP2"): "BATP/3"}, {}, r"the lines of BATP, .* are no multiplet of couplings"),
            ({("chemicalshift", "BATP2"): "BATP-12Hz"}, {}, r"the lines of BATP, .* are no multiplet of couplings"),
            (
                {},
                {("chemicalshift", "Pin"): "(5.5,4.2)"},
                r"bounds of the chemicalshift of Pin is '\(5\.5,4\.2\)'; .*lower first",
            ),
            (
                {},
                {("chemicalshift", "Pin"): "(a,b)"},
                r"bounds of the chemicalshift of Pin is '\(a,b\)'; it must be two numbers",
            ),
            (
                {},
                {("chemicalshift", "Pin"): "(5.0,5.5)"},
                r"chemical_shift_ppm of resonance 'pi' is 4\.9; it must lie within",
            ),
        ],
    )
    def test_cell(self, imported, changes, bounds, message):
        with pytest.raises(p31mg.PriorKnowledgeError, match=message):
            imported(sheet(changes=changes, bounds=bounds))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is not a pyAMARES spreadsheet"),
            ("a,b\n1,2\n", "must have the rows 'Initial Values' and 'Bounds'"),
            (sheet().replace("linewidth,8", "width,8"), "lacks the row 'linewidth' of initial values"),
            (sheet(HEAD.replace("NADH", "PCr")), "column 'PCr' must have a name of its own"),
            (sheet(HEAD.replace("NADH", "NAD H")), "column 'NAD H' must have a name"),
            (sheet(HEAD.replace("PCr", "CrP")).replace("PCr", "CrP"), r"no column is PCr; found crp, gamma_atp"),
            (sheet(HEAD.replace("BATP", "XTP")).replace("BATP", "XTP"), r"resonance 'beta_atp' is missing"),
        ],
    )
    def test_whole(self, imported, text, message):
        with pytest.raises(p31mg.PriorKnowledgeError, match=message):
            imported(text)

    def test_workbook(self, tmp_path):
        with pytest.raises(p31mg.ReadError, match=r"peaks\.xlsx is a workbook; save its sheet as CSV"):
            import_prior(tmp_path / "peaks.xlsx", MHZ)

    def test_file_that_is_not_there(self, tmp_path):
        with pytest.raises(p31mg.ReadError, match=r"gone\.csv cannot be read: No such file"):
            import_prior(tmp_path / "gone.csv", MHZ)

    def test_file_that_is_not_text(self, tmp_path):
        (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(p31mg.ReadError, match=r"b\.csv cannot be read: it is not UTF-8 text"):
            import_prior(tmp_path / "b.csv", MHZ)

    @pytest.mark.parametrize("mhz", [0.0, -1.0, np.nan])
    def test_frequency(self, imported, mhz):
        with pytest.raises(
            p31mg.PriorKnowledgeError, match=r"spectrometer_frequency_mhz is .*; it must be above 0, in MHz"
        ):
            imported(sheet(), mhz)


def test_that_of_the_peer_on_its_own_spectrum(real_data):
    """Its table has multiplet centres at gamma -2.525, alpha -7.562, beta -16.157."""
    prior = import_prior(real_data / "brain-7t" / "prior_knowledge_peer.csv", 120.0).prior
    spectrum = p31mg.read(
        real_data / "brain-7t" / "fid.txt", spectrometer_frequency_mhz=120.0, spectral_width_hz=1e4, begin_time_s=3e-4
    )
    fit = p31mg.fit(spectrum, prior=prior)
    centres = [float(fit.chemical_shift_ppm[fit.names.index(n)]) for n in ("gamma_atp", "alpha_atp", "beta_atp")]
    np.testing.assert_allclose(centres, [-2.525, -7.562, -16.157], atol=0.01)
