"""Whole printouts of `p31mg mg`, but for the width of columns and the line under the heading."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

Run = Callable[..., Result]

CALIBRATION = (
    "calibration gupta-1978: atp_ppm 10.91, mgatp_ppm 8.35, kd_uM 38; evidence B; Gupta, Benovic & Rose 1978, J Biol Chem "
    "253:6172-6176 (441.9 and 338.2 Hz at 40.5 MHz); Gupta & Moore 1980, J Biol Chem 255:3987-3993"
)

GOLDEN: dict[str, tuple[tuple[object, ...], int, str]] = {
    "one": (
        (8.55, "--sd", 0.01),
        0,
        f"""
shift_alpha_beta_ppm Mg (mM) sd (mM) 95% interval (mM) pMg
8.55 0.448 0.024 0.405 to 0.501 3.348
{CALIBRATION}
pH unknown, temperature 37 C; Kd as published
errors included: shift
""",
    ),
    "near and beyond the limit": (
        (8.55, 8.38, 8.30, "--sd", 0.02),
        1,
        f"""
shift_alpha_beta_ppm Mg (mM) sd (mM) 95% interval (mM) pMg beyond limit
8.55 0.448 0.049 0.369 to 0.567 3.348 0.0%
8.38 > 1.368 1.368 to ∞ 6.7%
8.3 outside the range 8.35 to 10.91 ppm 99.4%
{CALIBRATION}
pH unknown, temperature 37 C; Kd as published
errors included: shift
""",
    ),
    "corrected": (
        (8.55, "--sd", 0.01, "--correct-kd", "--pi-shift", 4.60, "--sd-pi-shift", 0.02, "--sd-temperature", 1),
        0,
        f"""
shift_alpha_beta_ppm Mg (mM) sd (mM) of shift of pH, T 95% interval (mM) pMg
8.55 0.505 0.030 0.028 0.011 0.452 to 0.569 3.297
{CALIBRATION}
pH 6.836 (taylor-1983), temperature 37 C; Kd corrected by speciation x1.127 (ionic strength 0.15 M, K+ 0.15 M)
errors included: shift, pH, temperature
""",
    ),
    "side by side": (
        (8.55, "--sd", 0.01, "--all", "--level", 0.68),
        0,
        """
shift_alpha_beta_ppm calibration Mg (mM) sd (mM) 68% interval (mM) constants evidence
8.55 gupta-1978 0.448 0.024 0.425 to 0.474 atp_ppm 10.91, mgatp_ppm 8.35, kd_uM 38 B
8.55 gupta-1984 0.493 0.024 0.471 to 0.518 atp_ppm 10.82, mgatp_ppm 8.32, kd_uM 50 B
pH unknown, temperature 37 C; Kd as published
errors included: shift
highest over lowest: up to 1.10; the errors do not include the choice of calibration
""",
    ),
    "energetics": (
        (8.55, "--ph", 7.0, "--sd-ph", 0.02, "--pcr", 33, "--pi", 4.5),
        0,
        f"""
shift_alpha_beta_ppm Mg (mM) sd (mM) 95% interval (mM) pMg
8.55 0.448 3.348
{CALIBRATION}
pH 7 (given), temperature 37 C; Kd as published
pH free Mg (mM) ADP ± sd (µM) ΔG ± sd (kJ/mol)
7.000 1.000 14.2 ± 0.7 -62.99 ± 0.04
energetics, route lawson-veech-1979: creatine kinase at equilibrium; ATP 8.2 mM; creatine = 42.5 mM - PCr; K'CK 1.66e9 [H+] of \
38 C and 1 mM Mg2+ as it stands; K'ATP at 37 C, ionic strength 0.25 M, 1 mM Mg2+
""",
    ),
}


@pytest.mark.parametrize(("arguments", "exit_code", "expected"), GOLDEN.values(), ids=GOLDEN.keys())
def test_printout(arguments: tuple[object, ...], exit_code: int, expected: str, run: Run) -> None:
    result = run("mg", *arguments)
    lines = [" ".join(line.split()) for line in result.stdout.splitlines() if line.strip(" ─")]
    assert lines == expected.strip().splitlines()
    assert (result.exit_code, result.stderr) == (exit_code, "")
