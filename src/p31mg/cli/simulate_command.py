"""`p31mg simulate`: spectra with known truth as NIfTI-MRS."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from p31mg.cli.options import calibration_option, prior_option

__all__ = ["command"]


@click.command(name="simulate")
@click.argument("output", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--mg", "free_mg_mM", type=float, multiple=True, required=True, metavar="MM", help="Free Mg2+; repeat for more."
)
@click.option("--snr", type=float, required=True, help="Matched-filter SNR of PCr.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Of the noise.")
@prior_option
@calibration_option("That sets the shifts.")
@click.option("--phase", "phase_deg", type=float, default=0.0, show_default=True, help="Degrees.")
@click.option(
    "--offset", "frequency_offset_hz", type=float, default=0.0, show_default=True, help="PCr from carrier, Hz."
)
@click.option("--broadening", "broadening_hz", type=float, default=0.0, show_default=True, help="Added linewidth, Hz.")
@click.option("--force", is_flag=True, help="Write over what is there.")
def command(
    output: Path,
    force: bool,
    free_mg_mM: tuple[float, ...],
    snr: float,
    seed: int,
    prior: str,
    calibration: str,
    phase_deg: float,
    frequency_offset_hz: float,
    broadening_hz: float,
) -> None:
    """Write simulated spectra to OUT: a folder (one file each, and truth.csv) or one .nii.gz with all of them.

    \b
    p31mg simulate phantom/ --mg 0.3 --mg 0.5 --mg 0.8 --snr 300 --seed 1
    p31mg simulate one.nii.gz --mg 0.5 --snr 300 --seed 1 --prior brain-7t --calibration iotti-1996
    """
    import p31mg
    from p31mg.atomic import make_folder, write_whole
    from p31mg.errors import InputError, WriteError

    is_file = output.name.endswith((".nii", ".nii.gz"))
    if not is_file and output.suffix:
        msg = f"OUT is {output}; give a folder (a name without a dot) or a file that ends in .nii.gz."
        raise InputError(msg)
    if not force and (output.is_file() if is_file else output.exists() and any(output.iterdir())):
        msg = f"{output} exists{'' if is_file else ' and is not empty'}; choose another name, or add --force to write there."
        raise WriteError(msg)
    values = np.array(free_mg_mM)
    spectra = p31mg.simulate(
        values if len(values) > 1 else values[0],
        prior=prior,
        snr=snr,
        seed=seed,
        phase_rad=np.radians(phase_deg),
        frequency_offset_hz=frequency_offset_hz,
        broadening_hz=broadening_hz,
        calibration=calibration,
    )
    if is_file:
        click.echo(str(p31mg.write(spectra, output)))
        return
    folder = make_folder(output)
    truth = spectra.truth.to_dataframe()
    names = [f"spectrum-{i + 1:03d}.nii.gz" for i in range(len(truth))]
    for name, fid in zip(names, spectra.fid.reshape(-1, spectra.n_points), strict=True):
        click.echo(str(p31mg.write(p31mg.Spectra(fid, spectra.acquisition), folder / name)))
    truth.insert(0, "file", names)
    write_whole(folder / "truth.csv", lambda name: truth.to_csv(name, index=False))
    click.echo(str(folder / "truth.csv"))
