"""The figures of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nasty import cases, methods
from nasty.simulator import draw, frequency_mhz, measure

__all__ = ["draw_all"]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#5E3C99")
GOAL = "#BBBBBB"
SHOWN_SNR = 300.0
LABELLED_SNRS = (30, 60, 100, 150, 300, 600)
Rows = list[dict[str, Any]]


def draw_all(results: dict[str, Any], folder: Path) -> None:
    """Write every figure that there are results for."""
    _save(spectra(), folder / "validation-spectra.png")
    if "grid" in results:
        _save(bias(results["grid"]["rows"]), folder / "validation-bias.png")
        _save(error_bars(results["grid"]["rows"]), folder / "validation-error-bars.png")
    if "retest" in results:
        _save(retest(results["retest"]["rows"]), folder / "validation-retest.png")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, metadata={"Software": None})


def spectra() -> Figure:
    """One spectrum of each nuisance at 3 T, the worst of 40, phased and with what begin time is stated."""
    figure = Figure(figsize=(11, 10), layout="constrained")
    axes = figure.subplots(4, 3, sharex=True)
    clean = None
    for ax, (name, nuisance) in zip(axes.flat, cases.NUISANCES.items(), strict=False):
        rng = np.random.default_rng(21)
        tissue, stated = draw(40, rng, field_t=3.0, nuisance=nuisance)
        simulated = measure(tissue, stated, SHOWN_SNR, rng, field_t=3.0)
        clean = simulated.fid if clean is None else clean
        worst = int(np.argmax(np.linalg.norm(simulated.fid - clean, axis=1))) if name != "clean" else 0
        ppm, real = _phased(simulated.fid[worst], simulated.dwell_time_s, float(stated[worst]))
        ax.plot(ppm, real, color=COLOURS[0], linewidth=0.7)
        ax.set_title(name, fontsize=10)
        ax.set_ylim(-0.2, 0.4)
        ax.set_yticks([])
    axes[0, 0].set_xlim(12, -20)
    for ax in axes[-1]:
        ax.set_xlabel("ppm from PCr")
    return figure


def _phased(fid: np.ndarray, dwell_s: float, begin_time_s: float) -> tuple[np.ndarray, np.ndarray]:
    n = 4 * len(fid)
    hz = np.fft.fftshift(np.fft.fftfreq(n, dwell_s))
    spectrum = np.fft.fftshift(np.fft.fft(fid, n)) * np.exp(-2j * np.pi * hz * begin_time_s)
    top = int(np.argmax(np.abs(spectrum) * (np.abs(hz) < 2 * frequency_mhz(3.0))))
    real = (spectrum * np.exp(-1j * np.angle(spectrum[top]))).real
    return (hz - hz[top]) / frequency_mhz(3.0), real / real[top]


def bias(rows: Rows) -> Figure:
    """Mean error of each method under each nuisance, one panel a field."""
    fields = sorted({r["field_t"] for r in rows})
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(fields), sharey=True))
    names = list(cases.NUISANCES)
    for ax, field_t in zip(axes, fields, strict=True):
        ax.axvspan(-0.005, 0.005, color=GOAL, alpha=0.6, linewidth=0)
        for number, method in enumerate(methods.METHODS):
            found = {
                r["nuisance"]: r
                for r in rows
                if (r["method"], r["field_t"], r["snr"]) == (method, field_t, cases.SNR_OF_BIAS)
            }
            value = [_value(found.get(n), "bias_ppm_fitted") for n in names]
            error = [1.96 * _value(found.get(n), "bias_se_ppm_fitted") for n in names]
            place = np.arange(len(names)) + 0.14 * (number - (len(methods.METHODS) - 1) / 2)
            ax.errorbar(
                value, place, xerr=error, fmt="o", markersize=3.5, linewidth=1, color=COLOURS[number], label=method
            )
        ax.set_xscale("symlog", linthresh=0.005, linscale=1.0)
        ax.set_xticks([-0.1, -0.01, 0, 0.01, 0.1], ["−0.1", "−0.01", "0", "0.01", "0.1"])
        ax.set_xlim(-0.7, 0.7)
        ax.set_title(f"{field_t:g} T")
        ax.set_xlabel("bias of δα − δβ (ppm)")
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def error_bars(rows: Rows) -> Figure:
    """Sd of z-scores, coverage of magnesium and share of valid rows by SNR, of the default method."""
    fields = sorted({r["field_t"] for r in rows})
    figure = Figure(figsize=(11, 3.1 * len(fields)), layout="constrained")
    axes = np.atleast_2d(figure.subplots(len(fields), 3, sharex=True))
    kinds = (("z_sd", "sd of z-scores"), ("mg_coverage", "95 % intervals hold Mg"), ("valid", "called valid"))
    for line, field_t in zip(axes, fields, strict=True):
        for ax, (key, label) in zip(line, kinds, strict=True):
            _by_snr(ax, [r for r in rows if r["field_t"] == field_t and r["method"] == methods.DEFAULT], key)
            ax.set_ylabel(f"{label}, {field_t:g} T")
        line[0].axhspan(0.9, 1.15, color=GOAL, alpha=0.6, linewidth=0)
        line[0].set_ylim(0.5, 1.8)
        line[1].axhline(0.93, color="#888888", linewidth=1, linestyle=":")
        line[1].set_ylim(0.6, 1.01)
        line[2].set_ylim(-0.03, 1.03)
    for ax in axes[-1]:
        ax.set_xscale("log")
        ax.set_xticks(LABELLED_SNRS, [str(s) for s in LABELLED_SNRS])
        ax.minorticks_off()
        ax.set_xlabel("SNR of PCr")
    handles, labels = axes[0, 2].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    return figure


def _by_snr(ax: Axes, rows: Rows, key: str) -> None:
    for number, nuisance in enumerate(cases.NUISANCES):
        found = sorted((r for r in rows if r["nuisance"] == nuisance), key=lambda r: r["snr"])
        value = [_value(r, key) if key == "valid" or r["valid"] * r["n"] >= 30 else np.nan for r in found]
        together = nuisance == "all together"
        style = {"color": "black", "linewidth": 2.0} if together else {"color": COLOURS[number % 7], "linewidth": 1.0}
        ax.plot(
            [r["snr"] for r in found],
            value,
            marker=".",
            linestyle="-" if number < 7 or together else "--",
            label=nuisance,
            **style,
        )  # type: ignore[arg-type]


def retest(rows: Rows) -> Figure:
    """ICC by SNR."""
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    ax = figure.subplots()
    for number, who in enumerate(dict.fromkeys(r["who"] for r in rows)):
        found = [r for r in rows if r["who"] == who]
        is_bound = "icc_se" not in found[0]
        error = None if is_bound else [1.96 * _value(r, "icc_se") for r in found]
        place = np.array([SNR_PLACE[r["snr"]] for r in found]) + (0 if is_bound else 0.04 * (number - 4))
        ax.errorbar(
            place,
            [_value(r, "icc") for r in found],
            yerr=error,
            fmt="--" if is_bound else "o",
            color="black" if is_bound else COLOURS[(number - 2) % 7],
            alpha=0.5 if is_bound and who != "bound" else 1.0,
            markersize=5,
            linewidth=1.2,
            label=who,
        )
    ax.set_xticks(list(SNR_PLACE.values()), [f"SNR {s}" for s in SNR_PLACE])
    ax.set_ylim(-0.5, 1.02)
    ax.set_ylabel("ICC of Mg over four days")
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


SNR_PLACE = {150: 0, 300: 1, 600: 2}


def _value(row: dict[str, Any] | None, key: str) -> float:
    return np.nan if row is None or row.get(key) is None else float(row[key])
