"""Every script of the gallery, the batch script and the notebook run as they are, on generated data, and draw for readers."""

from __future__ import annotations

import ast
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import p31mg

EXAMPLES = Path(__file__).parents[2] / "examples"
GALLERY = sorted(path.name for path in EXAMPLES.glob("plot_*.py"))
WRITE_WHAT_THEIR_HEAD_SAYS = {"plot_spectrum_to_magnesium.py", "plot_cost_of_a_hundredth_ppm.py"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Figure]]:
    """Run an example with arguments in an empty folder; return the figures that it shows or leaves open."""

    def call(name: str, *arguments: object) -> list[Figure]:
        shown: list[Figure] = []

        def show() -> None:
            shown.extend(plt.figure(number) for number in plt.get_fignums())
            plt.close("all")

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(plt, "show", show)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        show()
        return shown

    return call


def wrong_way_round(figure: Figure) -> list[str]:
    """Return the axes with a chemical shift that does not run from right to left."""
    axes = [ax for ax in figure.axes if ax.get_xlabel().startswith("chemical shift")]
    return [ax.get_xlabel() for ax in axes if ax.get_xlim()[0] < ax.get_xlim()[1]]


def is_labelled(ax: Axes) -> bool:
    """Return whether both axes say what they show; below one another the lowest says it for all."""
    return bool(ax.get_ylabel()) and any(other.get_xlabel() for other in ax.get_shared_x_axes().get_siblings(ax))


@pytest.mark.parametrize("name", GALLERY)
def test_script_of_the_gallery(name: str, run: Callable[..., list[Figure]], tmp_path: Path) -> None:
    figures = run(name)
    assert figures
    for figure in figures:
        figure.canvas.draw()  # a glyph that is missing, a layout that collapses: warnings, and so errors
        drawn = [ax for ax in figure.axes if ax.has_data()]
        assert drawn
        assert [ax for ax in drawn if ax.get_label() != "<colorbar>" and not is_labelled(ax)] == []
        assert wrong_way_round(figure) == []
    assert name in WRITE_WHAT_THEIR_HEAD_SAYS or list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", GALLERY)
def test_head_of_a_script_is_a_title_and_a_text(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    title, line, blank, *rest = (ast.get_docstring(ast.parse(text)) or "").splitlines()
    assert (line, blank) == ("=" * len(title), "")
    assert len(" ".join(rest)) > 100
    assert text.count("\n# %%\n") >= 2


def test_gallery_is_whole() -> None:
    assert len(GALLERY) >= 12


def test_script_for_files_of_the_user(run: Callable[..., list[Figure]], tmp_path: Path) -> None:
    at_7t = p31mg.Acquisition(spectrometer_frequency_mhz=120.0, dwell_time_s=1e-4, begin_time_s=3e-4)
    brain = p31mg.simulate([0.18, 0.2], prior="brain-7t", snr=400, seed=4, acquisition=at_7t, calibration="iotti-1996")
    np.savetxt(tmp_path / "fid.txt", np.column_stack([brain.fid[0].real, brain.fid[0].imag]))
    p31mg.write(brain, tmp_path / "stack.nii.gz")
    how = ("--prior", "brain-7t", "--calibration", "iotti-1996")
    told = ("--spectrometer-frequency", 120, "--spectral-width", 10000, "--begin-time", 0.0003)
    (figure,) = run("plot_spectrum_to_magnesium.py", "fid.txt", "fid.png", *told, *how)
    assert (tmp_path / "fid.png").stat().st_size > 10_000
    assert "iotti-1996" in figure.axes[1].get_title(loc="left")
    (figure,) = run("plot_spectrum_to_magnesium.py", "stack.nii.gz", *how)
    assert (tmp_path / "spectrum-to-magnesium.png").stat().st_size > 10_000
    with pytest.raises(p31mg.MissingMetadataError, match="spectrometer"):
        run("plot_spectrum_to_magnesium.py", "fid.txt")


def test_batch_script_by_itself_leaves_nothing(
    run: Callable[..., list[Figure]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("batch_folder.py")
    printed = capsys.readouterr().out
    assert "6 of 6 rows valid" in printed
    assert "report.html" in printed
    assert "sub-06" in printed
    assert list(tmp_path.iterdir()) == []


def test_batch_script_on_a_folder_of_the_user(
    run: Callable[..., list[Figure]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study").mkdir()
    p31mg.write(p31mg.simulate(0.5, snr=300, seed=1, n_points=512), tmp_path / "study" / "one.nii.gz")
    run("batch_folder.py", "study", "results", "--calibration", "gupta-1984")
    assert "1 of 1 rows valid" in capsys.readouterr().out
    assert (tmp_path / "results" / "study.png").stat().st_size > 10_000
    assert "gupta-1984" in (tmp_path / "results" / "results.csv").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        run("batch_folder.py", "study")
    assert "give a folder for the results" in capsys.readouterr().err


def test_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "first_steps.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    shown = []
    for i, cell in enumerate(cells):
        tree = ast.parse(cell)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {i + 1}", "exec"), names)
        if last is not None:  # what a notebook shows
            value = eval(compile(ast.Expression(last.value), f"cell {i + 1}", "eval"), names)  # noqa: S307  # cells of ours
            shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))
    assert len(shown) >= 10
    assert any("<svg" in text for text in shown)
    assert any("gupta-1978" in text for text in shown)
    assert list(tmp_path.iterdir()) == []


def test_notebook_carries_no_outputs() -> None:
    notebook = json.loads((EXAMPLES / "first_steps.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
