"""`p31mg fit`: one file to shifts and magnesium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from p31mg.cli.options import (
    ENERGETICS_OPTIONS,
    FIT_OPTIONS,
    MAGNESIUM_OPTIONS,
    acquisition_options,
    energetics_options,
    fit_options,
    force_option,
    format_option,
    magnesium_options,
    output_option,
    ph_option,
    taken,
)
from p31mg.cli.render import (
    calibration_line,
    conditions_lines,
    emit,
    energetics_lines,
    found_lines,
    interval_text,
    magnesium_text,
    print_table,
    require_figure,
    require_table,
    rows_of,
    verdict,
    warn_of_the_fit,
)
from p31mg.errors import InputError
from p31mg.magnesium import calibration_record

if TYPE_CHECKING:
    import pandas as pd

    from p31mg.acquisition import Spectra
    from p31mg.fitting import FitResult
    from p31mg.magnesium import EnergeticsResult, MagnesiumResult

__all__ = ["acquisition_record", "command"]

_ANY_PH = 7.0
"""Stands for the pH that the spectrum will tell, where only the other options are looked at."""


@click.command(name="fit")
@click.argument("file", type=click.Path(path_type=Path))
@acquisition_options
@fit_options
@ph_option
@magnesium_options
@click.option("--energetics", "with_energetics", is_flag=True, help="Also ADP and the free energy of ATP hydrolysis.")
@click.option(
    "--saturation",
    multiple=True,
    metavar="PEAK=FACTOR",
    help="Factor by which a signal that is not relaxed is too small, such as pcr=1.3; repeat for more.",
)
@energetics_options
@click.option("--combine-coils", is_flag=True, help="First combine the coils of a file that holds them apart.")
@click.option(
    "--average",
    "average_axis",
    metavar="AXIS",
    help="First align and average the transients along an axis of the file, such as dyn (p31mg info names the axes).",
)
@format_option
@output_option
@click.option(
    "--figure",
    type=click.Path(path_type=Path),
    help="Draw the fit here (.png, .pdf, .svg); of a grid, the best spectrum.",
)
@force_option
def command(
    file: Path,
    prior: str,
    ph: float | None,
    with_energetics: bool,
    saturation: tuple[str, ...],
    combine_coils: bool,
    average_axis: str | None,
    output_format: str,
    output: Path | None,
    figure: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Fit the spectra of one FILE and print shifts, errors and free Mg2+.

    \b
    p31mg fit sub-01_unloc.nii.gz
    p31mg fit fid.txt --spectrometer-frequency 120 --spectral-width 10000 --begin-time 0.0003 \\
        --prior brain-7t --calibration iotti-1996 --format json
    p31mg fit sub-01_unloc.nii.gz --correct-kd --energetics --route full --saturation pcr=1.3
    p31mg fit sub-01_raw.nii.gz --combine-coils --average dyn
    """
    import pandas as pd

    import p31mg

    require_table(output, force)
    require_figure(figure, force)
    magnesium, assumed = taken(options, MAGNESIUM_OPTIONS), taken(options, ENERGETICS_OPTIONS)
    of_fit_options = taken(options, FIT_OPTIONS)
    p31mg.free_magnesium(np.nan, ph=_ANY_PH if ph is None else ph, **magnesium)
    corrections = _factors(saturation)
    if corrections and not with_energetics:
        msg = "saturation acts only with --energetics; add it, or leave --saturation out."
        raise InputError(msg)
    if with_energetics:
        p31mg.energetics(np.nan, np.nan, np.nan, **_without_magnesium(assumed))
    knowledge = p31mg.load_prior(prior)
    spectra = _prepared(p31mg.read(file, **options), combine_coils, average_axis)
    sd_begin_time_s = spectra.acquisition.sd_begin_time_s
    if of_fit_options["phase_model"] == "locked" and sd_begin_time_s > 0:
        click.echo(
            f"phase model locked: the begin time is taken as exact, its sd of {1e3 * sd_begin_time_s:g} ms is not used",
            err=True,
        )
    result = p31mg.fit(spectra, prior=knowledge, **of_fit_options)
    mg = p31mg.free_magnesium(result, ph=ph, **magnesium)
    of_fit = result.to_dataframe()
    table = pd.concat([of_fit, mg.to_dataframe().drop(columns=list(of_fit), errors="ignore")], axis=1)
    energy = None
    if with_energetics:
        energy = p31mg.energetics(result, mg, saturation_correction=corrections, **assumed)
        table = pd.concat([table, energy.to_dataframe().drop(columns=list(table), errors="ignore")], axis=1)
    document = {
        "file": str(file),
        "prior": result.prior.name,
        **of_fit_options,
        "acquisition": acquisition_record(spectra),
        "history": [{"name": s.name, "method": s.method, **s.parameters, **s.found} for s in spectra.history],
        "calibration": calibration_record(mg.calibration),
        "temperature_c": magnesium["temperature_c"],
        "n_spectra": int(result.status.size),
        "n_valid": int(mg.is_valid.sum()),
        "spectra": rows_of(table),
    }
    if energy is not None:
        document["energetics"] = {"route": energy.route, "assumed": list(energy.assumed)}
    emit(output_format, output, table, document, lambda: _show(file, spectra, result, mg, energy, table))
    warn_of_the_fit(result)
    if figure is not None:
        _draw(result, mg, figure)
    click.get_current_context().exit(0 if mg.is_valid.all() else 1)


def _prepared(spectra: Spectra, combine_coils: bool, average_axis: str | None) -> Spectra:
    """Return the spectra that are fitted, and say what has become of those of the file."""
    from p31mg import preprocess

    if combine_coils:
        spectra = preprocess.combine_coils(spectra)
        explained = spectra.history[-1].found["explained"]
        click.echo(f"coils combined: one signal explains {explained.min():.0%} to {explained.max():.0%}", err=True)
    if average_axis is not None:
        spectra = preprocess.average_transients(spectra, average_axis)
        found = spectra.history[-1].found
        n = found["weight"].shape[-1]
        aligned = f"{found['is_aligned'].sum()} of {found['is_aligned'].size} stacks aligned, " if n > 1 else ""
        drift = np.ptp(found["frequency_hz"], axis=-1).max(initial=0.0)
        click.echo(f"{n} transients averaged: {aligned}frequencies within {drift:.1f} Hz", err=True)
    return spectra


def acquisition_record(spectra: Any) -> dict[str, Any]:
    """Return an acquisition as a document."""
    a = spectra.acquisition
    return {
        "spectrometer_frequency_mhz": a.spectrometer_frequency_mhz,
        "spectral_width_hz": a.spectral_width_hz,
        "dwell_time_s": a.dwell_time_s,
        "begin_time_s": a.begin_time_s,
        "begin_time_source": a.begin_time_source,
        "sd_begin_time_s": a.sd_begin_time_s,
        "resonant_nucleus": a.resonant_nucleus,
        "n_points": spectra.n_points,
        "batch_shape": list(spectra.batch_shape),
        "axis_names": list(spectra.axis_names),
    }


def _factors(saturation: Sequence[str]) -> dict[str, float]:
    """Return the factors of ``pcr=1.3``, ``pi=1.2``, ... by name."""
    factors = {}
    for text in saturation:
        name, _, factor = text.partition("=")
        try:
            factors[name] = float(factor)
        except ValueError as error:
            msg = f"saturation is {text!r}; give PEAK=FACTOR, such as pcr=1.3."
            raise InputError(msg) from error
    return factors


def _without_magnesium(assumed: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of energetics with a magnesium that is not known yet, to look at the others before any work."""
    return {**assumed, **({"free_mg_mM": np.nan} if assumed["route"] == "full" else {})}


def _show(
    file: Path,
    spectra: Any,
    result: FitResult,
    mg: MagnesiumResult,
    energy: EnergeticsResult | None,
    table: pd.DataFrame,
) -> None:
    axes = list(spectra.axis_names)
    rows = []
    empty = table["status"].isin(["NO_SIGNAL", "ZERO_SIGNAL"]) if len(table) > 1 else np.zeros(len(table), dtype=bool)
    for _, row in table[~empty].iterrows():
        position = ",".join(str(row[name]) for name in axes) or "-"
        if row["status"] != "OK":
            rows.append([position, "", "", "", "", *([""] * 2 if energy else []), _snr(row["snr"]), row["status"]])
            continue
        rows.append(
            [
                position,
                f"{row['shift_alpha_beta_ppm']:.4f} ± {row['sd_shift_alpha_beta_ppm']:.4f}",
                f"{row['shift_beta_pcr_ppm']:.4f} ± {row['sd_shift_beta_pcr_ppm']:.4f}",
                magnesium_text(row["free_mg_mM"], row["interval_low_mM"], row["interval_high_mM"], row["in_range"]),
                interval_text(row["interval_low_mM"], row["interval_high_mM"]),
                *([] if energy is None else [_with_sd(row, "adp_uM", 1), _with_sd(row, "dg_atp_kj_per_mol", 2)]),
                _snr(row["snr"]),
                verdict(row),
            ]
        )
    columns = [
        (",".join(axes) or "spectrum", "left"),
        ("δα-δβ ± sd (ppm)", "right"),
        ("δβ-δPCr ± sd (ppm)", "right"),
        ("Mg (mM)", "right"),
        (f"{mg.level:.0%} interval (mM)", "right"),
        *([] if energy is None else [("ADP ± sd (µM)", "right"), ("ΔG ± sd (kJ/mol)", "right")]),
        ("SNR", "right"),
        ("status", "left"),
    ]
    print_table(columns, rows, f"{file}: {spectra!r}, prior {result.prior.name}")
    if len(table) > 1:
        left_out = f"; {int(empty.sum())} without signal are not shown" if empty.any() else ""
        click.echo(f"{int(mg.is_valid.sum())} of {len(table)} valid{left_out}")
    for line in found_lines(result):
        click.echo(line)
    click.echo(calibration_line(mg.calibration))
    for line in [*conditions_lines(mg), *([] if energy is None else energetics_lines(energy))]:
        click.echo(line)
    for reason in sorted({r for r in table["reason"] if r}):
        n = int((table["reason"] == reason).sum())
        click.echo(f"{n} of {len(table)}: {reason}", err=True)


def _with_sd(row: pd.Series[Any], name: str, digits: int) -> str:
    value, sd = row[name], row[f"sd_{name}"]
    return "" if np.isnan(value) else f"{value:.{digits}f} ± {sd:.{digits}f}"


def _snr(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else ""


def _draw(result: FitResult, mg: MagnesiumResult, path: Path) -> None:
    from p31mg import plot
    from p31mg.atomic import write_whole
    from p31mg.plot.style import FIT_SIZE, figure_for_file

    drawable = np.isfinite(result.amplitude).all(axis=-1)
    if not drawable.any():
        msg = f"figure {path} is not drawn: nothing was fitted in this file."
        raise InputError(msg)
    quality = np.where(drawable, result.snr + 1e6 * result.is_valid, -np.inf)
    index = tuple(int(i) for i in np.unravel_index(int(quality.argmax()), quality.shape))
    figure = figure_for_file(FIT_SIZE)
    drawn = plot.fit(result, index, figure.add_subplot())
    place = " ".join(f"{name} {i}" for name, i in zip(result.spectra.axis_names, index, strict=True))
    heading = " ".join([Path(result.spectra.source).name, place]).strip()
    value, (low, high) = float(mg.free_mg_mM[index]), mg.interval_mM[index]
    concentration = magnesium_text(value, low, high, bool(mg.in_range[index]))
    interval = f" mM, {mg.level:.0%} interval {interval_text(low, high)} mM" if np.isfinite(value) else ""
    told = f"free Mg²⁺ {concentration}{interval} ({mg.calibration.id})"
    drawn.ax.set_title(f"{heading}\n{drawn.ax.get_title(loc='left')}\n{told}", loc="left", fontsize="medium")
    write_whole(path, figure.savefig)
    click.echo(f"written: {path}{f' ({place})' if place else ''}", err=True)
