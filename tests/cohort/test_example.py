"""The example runs, on fewer people than it is written for."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import p31mg

EXAMPLE = Path(__file__).parents[2] / "examples" / "blsa_like_cohort.py"


def test_example_prints_its_table_and_draws_its_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = p31mg.simulate_cohort
    monkeypatch.setattr(p31mg, "simulate_cohort", lambda n, **options: whole(n // 7, n_points=1024, **options))
    monkeypatch.setattr("sys.argv", [EXAMPLE.name, str(tmp_path / "cohort.png")])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    printed = capsys.readouterr().out
    assert (
        len([line for line in printed.splitlines() if line.strip().startswith(("free_mg_mM ~", "serum_mg_mM ~"))]) == 12
    )
    assert "men less women:" in printed
    assert (tmp_path / "cohort.png").stat().st_size > 10_000
