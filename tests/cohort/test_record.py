"""The tables of docs/cohort.md are those of the record of the validation, and the record is what the page says of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import p31mg

ROOT = Path(__file__).parents[2]
RECORD: dict[str, Any] = json.loads((ROOT / "validation" / "cohort.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "cohort.md").read_text(encoding="utf-8")


def fits_table(kind: str) -> list[str]:
    """Return the rows of a table of cohorts with spectra."""
    rows = [
        "| SNR | model | truth | naive β | naive/truth | √λ predicted | corrected β | 95 % intervals that hold it | p < 0.05 |"
    ]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    for part in RECORD["fits"]:
        for m in part[kind]:
            share = "" if m["truth"] == 0 else f"{m['attenuation']:.2f}"
            rows.append(
                f"| {part['snr']:.0f} | {m['model']} | {m['truth']:.2f} | {m['naive_beta']:.3f} | {share} | "
                f"{m['predicted_attenuation']:.2f} | {m['corrected_beta']:.3f} ± {m['standard_error']:.3f} | "
                f"{100 * m['coverage']:.1f} % | {100 * m['rejected']:.1f} % |"
            )
    return rows


def draws_table() -> list[str]:
    """Return the rows of the table of cohorts without spectra."""
    rows = [
        "| sd of shift (ppm) | model | corrected β | 95 % intervals that hold the truth | p < 0.05 corrected | naive |"
    ]
    rows.append("|---|---|---|---|---|---|")
    for part in RECORD["draws"]:
        for m in part["models"]:
            rows.append(
                f"| {part['sd_ppm']} | {m['model']} | {m['corrected_beta']:.4f} ± {m['standard_error']:.4f} | "
                f"{100 * m['coverage']:.1f} % | {100 * m['rejected']:.1f} % | {100 * m['rejected_naive']:.1f} % |"
            )
    return rows


def methods_table() -> list[str]:
    """Return the rows of the table of methods."""
    names = [row["method"].split(": ")[1] for row in RECORD["methods"][0]["rows"][:4]]
    rows = [f"| sd of shift (ppm) | estimate | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for part in RECORD["methods"]:
        for i in (0, 4):
            four = part["rows"][i : i + 4]
            cells = " | ".join(f"{100 * r['bias']:+.1f}, {100 * r['rmse']:.1f}" for r in four)
            rows.append(f"| {part['sd_ppm']} | {four[0]['method'].split(': ')[0]} | {cells} |")
    return rows


def power_table() -> list[str]:
    """Return the rows of the table of power: what `p31mg.power` says beside what the cohorts with spectra found."""
    rows = [
        "| SNR | reliability of 441 people | in the cohorts | power for strength of 220 men | share of cohorts with p < 0.05 |",
        "|---|---|---|---|---|",
    ]
    for part in RECORD["fits"]:
        everyone, men = predicted(part["snr"])
        rows.append(
            f"| {part['snr']:.0f} | {everyone.reliability[0]:.2f} | {part['reliability']:.2f} | {100 * men.power[0]:.0f} % | "
            f"{100 * seen_in_men(part):.0f} % |"
        )
    return rows


def predicted(snr: float) -> tuple[p31mg.PowerResult, p31mg.PowerResult]:
    """Return the power of everyone, and of men, who differ less: the sd of 0.09 mM has the difference of the sexes in it."""
    sex = p31mg.Associations().sex
    return p31mg.power(0.2, n=441, snr=snr), p31mg.power(
        0.2, n=220, snr=snr, sd_people_mM=0.09 / (1 + sex**2 / 4) ** 0.5
    )


def seen_in_men(part: dict[str, Any]) -> float:
    """Return the share of cohorts in which strength of men was seen."""
    (share,) = (m["rejected_naive"] for m in part["fit"] if m["model"] == "strength, men")
    return float(share)


@pytest.mark.parametrize("rows", [fits_table("fit"), fits_table("picking"), draws_table(), methods_table()])
def test_tables_of_the_page_are_those_of_the_record(rows: list[str]) -> None:
    assert "\n".join(rows) in PAGE


def test_power_is_what_the_cohorts_found() -> None:
    for part in RECORD["fits"]:
        everyone, men = predicted(part["snr"])
        assert everyone.reliability[0] == pytest.approx(part["reliability"], abs=0.015)
        # the sd of a share of 200 cohorts is 0.035
        assert men.power[0] == pytest.approx(seen_in_men(part), abs=0.07)


def test_power_of_the_page_is_that_of_the_package() -> None:
    assert "\n".join(power_table()) in PAGE
    said = re.findall(r"(\d+): ([\d.]+) and (\d+) people", " ".join(PAGE.split()))
    snr, icc, n = (np.array(values, dtype=float) for values in zip(*said, strict=True))
    assert snr.tolist() == [100, 200, 300, 600]
    found = p31mg.power(0.2, n=441, snr=snr)
    np.testing.assert_allclose(found.reliability, icc, atol=0.006)
    np.testing.assert_allclose(found.n_needed, n, rtol=0.01)


def test_what_the_page_claims_of_the_fits() -> None:
    for part in RECORD["fits"]:
        for m in part["fit"]:
            assert abs(m["corrected_beta"] - m["truth"]) <= 0.02
            assert 0.93 <= m["coverage"] <= 0.97
    for part in RECORD["draws"]:
        for m in part["models"]:
            assert abs(m["corrected_beta"] - m["truth"]) <= 0.02
            assert 0.93 <= m["coverage"] <= 0.97
            assert m["truth"] != 0 or 0.04 <= m["rejected"] <= 0.06
