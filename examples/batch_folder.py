"""A folder of spectra to one table, a report and a figure of the study.

    python batch_folder.py study/ results/
    python batch_folder.py study/ results/ --subjects people.csv --prior brain-7t --calibration iotti-1996

Run again after an interruption it goes on where it was. Without arguments it makes a small simulated study in a temporary
folder and shows what would come out, so that nothing is left behind.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import p31mg


def simulated_study(folder: Path) -> Path:
    """Write six people with 0.4 to 0.65 mM free Mg2+, and what is known of them."""
    folder.mkdir()
    people = p31mg.simulate([0.40, 0.45, 0.50, 0.55, 0.60, 0.65], prior="muscle-3t", snr=300, seed=10, n_points=1024)
    for i in range(6):
        p31mg.write(people[i], folder / f"sub-{i + 1:02d}.nii.gz")
    rows = [f"{i + 1:02d},{age},{'mf'[i % 2]}" for i, age in enumerate((71, 64, 58, 45, 33, 29))]
    (folder / "people.csv").write_text("\n".join(["subject,age,sex", *rows, ""]), encoding="utf-8")
    return folder


def study(folder: Path, output: Path, subjects: Path | None, prior: str, calibration: str) -> None:
    """Fit the folder, and draw Mg2+ of all rows beside what batch writes by itself."""
    from matplotlib.figure import Figure

    table = p31mg.batch(folder, output=output, subjects=subjects, prior=prior, calibration=calibration)
    carried = [name for name in ("subject", "age", "sex") if name in table]
    shown = ["file", *carried, "status", "free_mg_mM", "interval_low_mM", "interval_high_mM", "mg_is_valid"]
    print(table[shown].round(3).to_string(index=False))
    valid = table[table["mg_is_valid"]]
    print(f"{len(valid)} of {len(table)} rows valid; median free Mg2+ {valid['free_mg_mM'].median():.3f} mM")
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    p31mg.plot.study(table, figure)
    figure.savefig(output / "study.png", dpi=110)
    print(f"written to {output}:", ", ".join(sorted(path.name for path in output.iterdir() if path.name[0] != ".")))


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description="A folder of spectra to a table, a report and a figure.")
    parser.add_argument("folder", type=Path, nargs="?", help="with the spectra, at any depth")
    parser.add_argument("output", type=Path, nargs="?", help="for the results; it may be there already")
    parser.add_argument("--subjects", type=Path, help="CSV with a column subject or file, and age, pH, group, ...")
    parser.add_argument("--prior", default="muscle-3t")
    parser.add_argument("--calibration", default="gupta-1978")
    given = parser.parse_args()
    if given.folder is not None:
        if given.output is None:
            parser.error("give a folder for the results, too")
        study(given.folder, given.output, given.subjects, given.prior, given.calibration)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = simulated_study(Path(scratch) / "study")
        study(folder, Path(scratch) / "results", folder / "people.csv", given.prior, given.calibration)


if __name__ == "__main__":  # batch shares its work among processes, which must be able to load this file
    main()
