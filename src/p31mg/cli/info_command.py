"""`p31mg info`: what is in a file, and what is doubtful about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from p31mg.cli.fit_command import acquisition_record
from p31mg.cli.options import acquisition_options, force_option, format_option, output_option
from p31mg.cli.render import emit, print_table, require_table

__all__ = ["command"]


@click.command(name="info")
@click.argument("file", type=click.Path(path_type=Path))
@acquisition_options
@format_option
@output_option
@force_option
def command(file: Path, output_format: str, output: Path | None, force: bool, **acquisition: Any) -> None:
    """Say what is in FILE: format, acquisition, shape, for every spectrum whether PCr stands out, and each doubt.

    FILE may be the folder of one dataset (Bruker, Varian, Spinsolve).

    \b
    p31mg info sub-01_csi.nii.gz
    p31mg info fid.txt --spectrometer-frequency 120 --spectral-width 10000 --begin-time 0.0003
    """
    import p31mg
    from p31mg.fitting import survey
    from p31mg.io.doubts import doubts_of_spectra
    from p31mg.io.header import Given
    from p31mg.io.reading import examine

    require_table(output, force)
    examined = examine(file, Given(**acquisition), needs_begin_time=False)
    spectra = examined.spectra
    seen = survey(spectra)
    table = seen.to_dataframe()
    settled = acquisition_record(spectra)
    if not examined.begin_time_is_known:
        settled["begin_time_s"] = None
    record = {"format": examined.format_name, **settled}
    doubts = [*examined.doubts, *doubts_of_spectra(spectra, begin_time_is_known=examined.begin_time_is_known)]
    counts = {str(k): int(v) for k, v in table["status"].value_counts().items()}
    document = {
        "file": str(file),
        "format": examined.format_name,
        "acquisition": settled,
        "doubts": doubts,
        "status_counts": counts,
        "spectra": table.to_dict(orient="records"),
    }

    def show() -> None:
        rows = [[name, "unknown" if value is None else str(value)] for name, value in record.items()]
        print_table([("", "left"), (str(file), "left")], rows)
        with_signal = seen.status == p31mg.FitStatus.OK
        if not with_signal.any():
            click.echo("no peak stands out of the noise")
        elif spectra.batch_shape == ():
            click.echo(f"PCr SNR {float(seen.snr):.0f} at {float(seen.reference_offset_ppm):+.3f} ppm from the carrier")
        else:
            snr, offset = seen.snr[with_signal], seen.reference_offset_ppm[with_signal]
            click.echo(f"{int(with_signal.sum())} of {with_signal.size} spectra have a peak above the noise")
            click.echo(f"highest peak: SNR {snr.min():.0f} to {snr.max():.0f}, median {np.median(snr):.0f}; ", nl=False)
            click.echo(f"{offset.min():+.2f} to {offset.max():+.2f} ppm from the carrier")
        for reason in sorted({r for r in table["reason"] if r}):
            click.echo(f"{int((table['reason'] == reason).sum())} of {len(table)}: {reason}")
        for doubt in doubts:
            click.echo(f"doubt: {doubt}")

    emit(output_format, output, table, document, show)
