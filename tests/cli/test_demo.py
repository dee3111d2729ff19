"""`p31mg demo`: 24 people, estimates beside the truth, and nothing of anyone else's is ever deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result

import p31mg

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def demo(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("demo") / "demo-study"
    return folder, run("demo", "-o", folder)


@pytest.fixture(scope="module")
def compared(demo: tuple[Path, Result]) -> pd.DataFrame:
    folder, _ = demo
    results = pd.read_csv(folder / "results" / "results.csv")
    truth = pd.read_csv(folder / "truth.csv")
    return results.merge(truth, on="file", suffixes=("", "_true"), validate="one_to_one")


def test_table_has_a_row_for_each_of_24_people(demo: tuple[Path, Result]) -> None:
    _, result = demo
    assert result.exit_code == 0
    subjects = [line.split()[0] for line in result.stdout.splitlines() if line.strip().startswith("sub-")]
    assert subjects == [f"sub-{i:02d}" for i in range(1, 25)]
    assert "gupta-1978" in result.stdout


def test_everything_that_is_named_is_there(demo: tuple[Path, Result]) -> None:
    folder, result = demo
    assert len(list((folder / "spectra").glob("*.nii.gz"))) == 24
    figures = {p.name for p in (folder / "results" / "figures").glob("*.png")}
    assert len(figures) == 24 + 3
    assert {"calibration.png", "study.png", "estimates-and-truth.png"} <= figures
    named = [Path(line.split(":")[-1].strip()) for line in result.stdout.splitlines() if str(folder) in line]
    assert len(named) == 7
    assert named[-1].name == "report.html"
    assert all(path.exists() for path in named)


def test_results_are_those_of_batch(demo: tuple[Path, Result]) -> None:
    folder, _ = demo
    again = p31mg.batch(folder / "spectra", prior="muscle-3t")
    written = pd.read_csv(folder / "results" / "results.csv", keep_default_na=False)
    assert written["status"].tolist() == again["status"].tolist()
    for name in ("shift_alpha_beta_ppm", "sd_shift_alpha_beta_ppm", "free_mg_mM", "interval_low_mM", "ph"):
        np.testing.assert_allclose(written[name], again[name], rtol=1e-13)  # the digits that pandas reads


def test_intervals_hold_the_truth(compared: pd.DataFrame) -> None:
    truth = compared["free_mg_mM_true"]
    assert truth.between(compared["interval_low_mM"], compared["interval_high_mM"]).mean() >= 0.9


def test_shift_is_right_at_high_snr(compared: pd.DataFrame) -> None:
    high = compared[compared["snr_true"] > 300]
    assert len(high) >= 6
    error = (high["shift_alpha_beta_ppm"] - high["shift_alpha_beta_ppm_true"]).abs()
    # the Cramer-Rao bound at SNR 300 is 0.013 ppm; the median of an absolute normal deviation is 0.67 of its sd
    assert error.median() < 0.012


def refused(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.usefixtures("small_demo")
def test_earlier_demo_is_replaced_by_force_alone(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "demo-study"
    assert run("demo", "-o", folder).exit_code == 0
    earlier = (folder / "truth.csv").read_bytes()
    assert "add --force to replace this earlier demo" in refused(run("demo", "-o", folder, "--seed", 1))
    assert (folder / "truth.csv").read_bytes() == earlier
    assert run("demo", "-o", folder, "--seed", 1, "--force").exit_code == 0
    assert (folder / "truth.csv").read_bytes() != earlier


@pytest.mark.usefixtures("small_demo")
def test_empty_folder_is_filled(run: Run, tmp_path: Path) -> None:
    assert run("demo", "-o", tmp_path).exit_code == 0
    assert (tmp_path / "results" / "results.csv").is_file()


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["plain", "force"])
@pytest.mark.parametrize("content", ["thesis.tex", "truth.csv", "spectra/a.nii.gz", "results/results.csv"])
def test_folder_that_is_no_demo_is_left_alone(content: str, force: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine" / content
    file.parent.mkdir(parents=True)
    file.write_text("precious", encoding="utf-8")
    assert "is not empty; choose another with --output" in refused(run("demo", "-o", tmp_path / "mine", *force))
    assert [p for p in (tmp_path / "mine").rglob("*") if p.is_file()] == [file]
    assert file.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["plain", "force"])
def test_file_of_that_name_is_left_alone(force: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    file = tmp_path / "demo-study"
    file.write_text("precious", encoding="utf-8")
    assert "choose another with --output" in refused(run("demo", "-o", file, *force))
    assert file.read_text(encoding="utf-8") == "precious"
