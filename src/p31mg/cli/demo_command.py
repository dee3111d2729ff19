"""`p31mg demo`: a small study of simulated people, fitted like a real one and compared with the truth."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from p31mg.cli.render import calibration_line, interval_text, magnesium_text, print_table, progress, verdict

if TYPE_CHECKING:
    import pandas as pd

    from p31mg.simulation import SimulatedSpectra

__all__ = ["command"]

N_SUBJECTS = 24
MARKER = ".p31mg-demo"
SEED = 20190


@click.command(name="demo")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("demo-study"),
    show_default=True,
    help="Folder to make.",
)
@click.option("--force", is_flag=True, help="Replace an earlier demo there.")
@click.option("--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help="Of the simulated people.")
def command(output: Path, force: bool, seed: int) -> None:
    """Simulate 24 muscle spectra at 3 T as NIfTI-MRS files, fit the folder, and print estimates beside the truth.

    \b
    p31mg demo
    p31mg demo -o elsewhere/ --seed 7
    """
    import p31mg
    from p31mg.atomic import make_folder
    from p31mg.errors import InputError

    if output.exists() and any(output.iterdir() if output.is_dir() else [output]):
        is_ours = (output / MARKER).is_file()
        if not (force and is_ours):
            hint = "add --force to replace this earlier demo" if is_ours else "choose another with --output"
            msg = f"{output} exists and is not empty; {hint}."
            raise InputError(msg)
        _remove_demo(output)
    make_folder(output)
    (output / MARKER).write_text("made by p31mg demo; with --force it replaces what it made here\n", encoding="utf-8")
    folder = make_folder(output / "spectra")
    people = _people(seed)
    click.echo(f"simulating {N_SUBJECTS} people: 3 T muscle, begin time 0.5 ms, seed {seed}", err=True)
    files = [f"sub-{i + 1:02d}_nuc-31P_unloc.nii.gz" for i in range(N_SUBJECTS)]
    for name, fid in zip(files, people.fid, strict=True):
        p31mg.write(p31mg.Spectra(fid, people.acquisition), folder / name)
    truth = people.truth.to_dataframe()
    truth.insert(0, "file", files)
    truth.to_csv(output / "truth.csv", index=False)

    with progress() as tell:
        table = p31mg.batch(folder, output / "results", prior="muscle-3t", progress=tell)
    compared = table.merge(truth, on="file", suffixes=("", "_true"))
    compared = compared.rename(columns={"free_mg_mM_true": "true_free_mg_mM"})
    _draw(compared, output / "results" / "figures" / "estimates-and-truth.png")
    _show(compared, table)
    click.echo("")
    for what, where in (
        ("spectra (NIfTI-MRS)", folder),
        ("truth", output / "truth.csv"),
        ("table, one row per spectrum", output / "results" / "results.csv"),
        ("what its columns mean, and how it was made", output / "results" / "results.json"),
        ("every fit, the calibration, the study", output / "results" / "figures"),
        ("a paragraph for a paper", output / "results" / "methods.md"),
        ("the report: open it in a browser", output / "results" / "report.html"),
    ):
        click.echo(f"{what + ':':46s}{where}")


def _remove_demo(output: Path) -> None:
    """Remove what an earlier demo made, and nothing else."""
    for folder in ("spectra", "results"):
        if (output / folder).is_dir():
            shutil.rmtree(output / folder)
    (output / "truth.csv").unlink(missing_ok=True)


def _people(seed: int) -> SimulatedSpectra:
    import p31mg

    rng = np.random.default_rng(seed)
    return p31mg.simulate(
        free_mg_mM=rng.uniform(0.3, 0.9, N_SUBJECTS),
        prior="muscle-3t",
        snr=np.geomspace(100, 600, N_SUBJECTS)[rng.permutation(N_SUBJECTS)],
        seed=rng,
        phase_rad=rng.uniform(-np.pi, np.pi, N_SUBJECTS),
        frequency_offset_hz=rng.uniform(-25, 25, N_SUBJECTS),
        broadening_hz=rng.uniform(-2, 6, N_SUBJECTS),
        ph=rng.normal(7.03, 0.02, N_SUBJECTS),
    )


def _show(compared: pd.DataFrame, table: pd.DataFrame) -> None:
    import p31mg

    holds = (compared["interval_low_mM"] <= compared["true_free_mg_mM"]) & (
        compared["true_free_mg_mM"] <= compared["interval_high_mM"]
    )
    columns = [
        ("subject", "left"),
        ("SNR", "right"),
        ("δα-δβ ± sd (ppm)", "right"),
        ("truth", "right"),
        ("Mg (mM)", "right"),
        ("95% interval", "right"),
        ("truth", "right"),
        ("status", "left"),
    ]
    rows = [
        [
            str(row["file"]).split("_")[0],
            f"{row['snr']:.0f}",
            f"{row['shift_alpha_beta_ppm']:.4f} ± {row['sd_shift_alpha_beta_ppm']:.4f}",
            f"{row['shift_alpha_beta_ppm_true']:.4f}",
            magnesium_text(row["free_mg_mM"], row["interval_low_mM"], row["interval_high_mM"]),
            interval_text(row["interval_low_mM"], row["interval_high_mM"]),
            f"{row['true_free_mg_mM']:.3f}{'' if held else ' *'}",
            verdict(row),
        ]
        for (_, row), held in zip(compared.iterrows(), holds, strict=True)
    ]
    print_table(columns, rows)
    click.echo(calibration_line(p31mg.calibrations()[str(table["calibration"].iloc[0])]))
    ph = table["ph"].astype(float)
    click.echo(
        f"pH {ph.min():.2f} to {ph.max():.2f} ({table['ph_source'].iloc[0]}), temperature {table['temperature_c'].iloc[0]:g} C"
    )
    error = (compared["shift_alpha_beta_ppm"] - compared["shift_alpha_beta_ppm_true"]).abs()
    high = compared["snr_true"] > 300
    click.echo(
        f"{int(holds.sum())} of {len(compared)} intervals hold the truth (* does not); median |error| of the shift "
        f"{error.median():.4f} ppm, at SNR above 300 {error[high].median():.4f} ppm"
    )


def _draw(compared: pd.DataFrame, path: Path) -> None:
    from p31mg import plot
    from p31mg.atomic import write_whole
    from p31mg.plot.style import STUDY_SIZE, figure_for_file

    figure = figure_for_file(STUDY_SIZE)
    plot.study(compared, figure)
    write_whole(path, figure.savefig)
