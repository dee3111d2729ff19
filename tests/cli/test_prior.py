"""`p31mg prior`: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import io
import json

import pytest

import p31mg


class TestShow:
    def test_all(self, run):
        done = run("prior", "show")
        assert done.exit_code == 0
        for name in p31mg.priors():
            assert f" {name} " in done.stdout
        assert "muscle-1.5t" in done.stdout

    def test_all_as_a_document(self, run):
        rows = json.loads(run("prior", "show", "--format", "json").stdout)["priors"]
        assert [row["name"] for row in rows] == list(p31mg.priors())

    def test_one_at_a_frequency(self, run):
        done = run("prior", "show", "muscle", "--at", 25.8525)
        assert "muscle: 8 resonances, tissue skeletal muscle, any field, widths at 25.8525 MHz (1.50 T)" in done.stdout
        pcr = next(line for line in done.stdout.splitlines() if line.startswith(" pcr"))
        assert pcr.split()[1:6] == ["0", "-0.5", "to", "0.5", "4"]
        assert "doi:10.1002/nbm.4246" in done.stdout

    def test_one_as_csv(self, run):
        rows = list(csv.DictReader(io.StringIO(run("prior", "show", "heart-3t", "--format", "csv").stdout)))
        prior = p31mg.load_prior("heart-3t")
        assert [row["name"] for row in rows] == list(prior.names)
        beta = rows[prior.index("beta_atp")]
        assert beta["j_coupling_hz"] == "16 16"
        assert (float(beta["shift_bounds_low_ppm"]), float(beta["shift_bounds_high_ppm"])) == prior[
            "beta_atp"
        ].shift_bounds_ppm

    def test_one_as_a_document(self, run, tmp_path):
        assert run("prior", "show", "liver", "-o", tmp_path / "liver.json").exit_code == 0
        document = json.loads((tmp_path / "liver.json").read_text())
        assert document["reference"] == "gamma_atp"
        assert document["resonances"][0]["j_coupling_hz"] == [16.0]

    def test_unknown(self, run):
        done = run("prior", "show", "kidney")
        assert done.exit_code == 2
        assert "prior 'kidney' is not known" in done.stderr


class TestCheck:
    def test_good(self, run, tmp_path):
        path = p31mg.write_prior(p31mg.load_prior("muscle"), tmp_path / "own.toml")
        done = run("prior", "check", path)
        assert done.exit_code == 0
        assert done.stdout.startswith(f"{path} holds together: muscle: 8 resonances")
        assert "advice" not in done.stdout

    def test_advice(self, run, tmp_path):
        path = p31mg.write_prior(p31mg.load_prior("muscle"), tmp_path / "own.toml")
        path.write_text(path.read_text().replace('coupling = "exact"\n', ""))
        done = run("prior", "check", path)
        assert done.exit_code == 0
        assert "advice: ATP is in first order" in done.stdout

    def test_bad(self, run, tmp_path):
        path = p31mg.write_prior(p31mg.load_prior("muscle"), tmp_path / "own.toml")
        path.write_text(path.read_text().replace("amplitude = 0.14", "amplitude = -0.14"))
        done = run("prior", "check", path)
        assert done.exit_code == 2
        assert "own.toml, line" in done.stderr
        assert "amplitude of resonance 'pi' is -0.14; it must be above 0" in done.stderr


class TestImport:
    @pytest.fixture
    def sheet(self, shelf, tmp_path):
        path = tmp_path / "peaks.csv"
        path.write_text((shelf / "peaks.csv").read_text())
        return path

    def test_writes_a_prior_that_fits(self, run, sheet, tmp_path):
        done = run(
            "prior",
            "import",
            sheet,
            "--spectrometer-frequency",
            51.7,
            "--tissue",
            "muscle",
            "-o",
            tmp_path / "own.toml",
        )
        assert done.exit_code == 0
        assert "note: J of alpha and beta is 16 Hz in alpha and 15 Hz in beta; here 15.5 Hz in both" in done.stdout
        assert "advice: nothing stands for NAD(H)" in done.stdout
        text = (tmp_path / "own.toml").read_text()
        assert text.startswith("# J of alpha and beta is 16 Hz")
        prior = p31mg.load_prior(tmp_path / "own.toml")
        assert (prior.name, prior.tissue, prior["beta_atp"].j_coupling_hz) == ("peaks", "muscle", (15.5, 15.5))

    def test_needs_the_frequency(self, run, sheet, tmp_path):
        done = run("prior", "import", sheet, "-o", tmp_path / "own.toml")
        assert done.exit_code == 2
        assert "--spectrometer-frequency" in done.stderr

    def test_name_of_the_output(self, run, sheet, tmp_path):
        done = run("prior", "import", sheet, "--spectrometer-frequency", 51.7, "-o", tmp_path / "own.csv")
        assert done.exit_code == 2
        assert "the name of a prior file must end in .toml" in done.stderr
        assert not (tmp_path / "own.csv").exists()

    def test_bad_cell(self, run, sheet, tmp_path):
        sheet.write_text(sheet.read_text().replace("AATP-16Hz", "open('x')"))
        done = run("prior", "import", sheet, "--spectrometer-frequency", 51.7, "-o", tmp_path / "own.toml")
        assert done.exit_code == 2
        assert "chemicalshift of AATP2" in done.stderr
        assert not (tmp_path / "own.toml").exists()


def test_imported_prior_replaces_a_file_only_if_asked(run, tmp_path):
    from tests.cli.conftest import PEAKS

    (tmp_path / "peaks.csv").write_text(PEAKS, encoding="utf-8")
    there = tmp_path / "peaks.toml"
    there.write_text("mine", encoding="utf-8")
    command = ("prior", "import", tmp_path / "peaks.csv", "--spectrometer-frequency", 120, "-o", there)
    refused = run(*command)
    assert refused.exit_code == 2
    assert f"{there} exists and is not replaced; choose another name or give --force" in refused.stderr
    assert there.read_text(encoding="utf-8") == "mine"
    assert run(*command, "--force").exit_code == 0
    assert "[[resonance]]" in there.read_text(encoding="utf-8")
