"""`p31mg convert`: the spectra of a file of any format in one of three others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from p31mg.cli.options import acquisition_options, force_option
from p31mg.cli.render import require_free

__all__ = ["command"]


@click.command(name="convert")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@acquisition_options
@force_option
def command(source: Path, target: Path, force: bool, **acquisition: Any) -> None:
    """Write the spectra of IN to OUT, whose ending decides: .nii or .nii.gz (NIfTI-MRS), .npz, .csv.

    Every number is kept, and what OUT says about the acquisition is what p31mg settled: reading it back needs no options.
    Of the header only that of NIfTI-MRS goes into NIfTI-MRS, without names and numbers of patients and devices.

    \b
    p31mg convert sub-01_unloc.nii.gz unloc.npz
    p31mg convert fid.txt fid.nii.gz --spectrometer-frequency 120 --spectral-width 10000 --begin-time 0.0003
    """
    import p31mg
    from p31mg.io.writing import require_known_ending

    require_known_ending(target)
    require_free(target, force)
    spectra = p31mg.read(source, **acquisition)
    p31mg.write(spectra, target)
    click.echo(f"written: {target} {spectra!r}", err=True)
