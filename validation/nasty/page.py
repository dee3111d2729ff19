"""Tables and figures of `docs/validation.md`, from the results that a run has written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nasty import cases, methods

__all__ = ["tables", "write"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "validation.md"
IMAGES = ROOT / "docs" / "images"
MARKS = ("<!-- nasty: begin (written by validation/nasty_spectra.py --page) -->\n", "<!-- nasty: end -->\n")

BIAS_GOAL_PPM, BIAS_GOAL_TOGETHER_PPM = 0.005, 0.010
Z_GOAL = (0.9, 1.15)
COVERAGE_GOAL = 0.93
FALSE_ALARM_GOAL, MISSED_GOAL = 0.01, 0.001
ICC_GOAL = 0.03
SPEED_GOAL = 100

Rows = list[dict[str, Any]]


def tables(results: dict[str, Any]) -> str:
    """Return everything there is, in Markdown."""
    parts = [
        MAKERS[section](results[section]["rows"], _header(results[section])) for section in MAKERS if section in results
    ]
    return "\n".join(parts)


def write(results: dict[str, Any]) -> None:
    """Write the tables between the marks of the page, and the figures."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    PAGE.write_text(f"{before}{MARKS[0]}\n{tables(results)}\n{MARKS[1]}{after}", encoding="utf-8")
    from nasty import pictures

    pictures.draw_all(results, IMAGES)


def _header(section: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in section["versions"].items())
    quick = " A quick run: fewer draws." if section["quick"] else ""
    return f"{section['date'][:10]}, {section['commit']}, {versions}; {section['seconds']} s.{quick}"


def pick(rows: Rows, **where: Any) -> Rows:
    """Return the rows that hold these values."""
    return [row for row in rows if all(row[k] == v for k, v in where.items())]


def _table(head: list[str], body: list[list[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in body)]) + "\n"


def _number(value: float | None, form: str, good: bool | None = None) -> str:
    """Return a number; bold where it misses its goal."""
    if value is None:
        return "-"
    text = format(value, form).replace("-", "−")
    return f"**{text}**" if good is False else text


def bias_goal(nuisance: str) -> float:
    """Return the largest bias that is asked for."""
    return BIAS_GOAL_TOGETHER_PPM if nuisance == "all together" else BIAS_GOAL_PPM


def _z(row: dict[str, Any] | None) -> str:
    if row is None or row["z_sd"] is None or row["valid"] * row["n"] < 30:
        return "-"
    return _number(row["z_sd"], ".2f", Z_GOAL[0] <= row["z_sd"] <= Z_GOAL[1])


def _coverage(row: dict[str, Any] | None) -> str:
    if row is None or row["mg_coverage"] is None or row["mg_coverage_n"] < 30:
        return "-"
    return _number(row["mg_coverage"], ".3f", row["mg_coverage"] >= COVERAGE_GOAL)


def _grid(rows: Rows, header: str) -> str:
    snrs = sorted({row["snr"] for row in rows})
    high = [s for s in snrs if s >= 100]
    parts = [
        f"### Each nuisance alone, and all together\n\n{header} {rows[0]['n']} spectra in each cell. Bold: the goal is missed.\n"
    ]
    for field_t in sorted({row["field_t"] for row in rows}):
        body = []
        for nuisance in cases.NUISANCES:
            by_snr = {r["snr"]: r for r in pick(rows, field_t=field_t, nuisance=nuisance, method=methods.DEFAULT)}
            at = by_snr[cases.SNR_OF_BIAS]
            bias = _number(at["bias_ppm_fitted"], "+.4f", abs(at["bias_ppm_fitted"] or 0) <= bias_goal(nuisance))
            alarms = [1 - by_snr[s]["valid"] for s in high]
            body.append(
                [
                    nuisance,
                    f"{bias} ± {_number(at['bias_se_ppm_fitted'], '.4f')}",
                    _number(at["rmse_ppm_fitted"], ".4f"),
                    *(_z(by_snr[s]) for s in high),
                    *(_coverage(by_snr[s]) for s in snrs if s >= 60),
                    _number(100 * max(alarms), ".1f", max(alarms) <= FALSE_ALARM_GOAL),
                    *(_number(100 * by_snr[s]["valid"], ".0f") for s in snrs if s < 60),
                ]
            )
        head = ["", f"bias at {cases.SNR_OF_BIAS} (ppm)", "rmse (ppm)"]
        head += [f"z sd, {s}" for s in high] + [f"Mg held, {s}" for s in snrs if s >= 60]
        head += ["called invalid, worst SNR from 100 (%)"] + [f"valid, {s} (%)" for s in snrs if s < 60]
        parts.append(f"**{field_t:g} T**, `{methods.DEFAULT}`\n\n{_table(head, body)}")
    parts.append(_beside(rows))
    return "\n".join(parts)


def _beside(rows: Rows) -> str:
    """Return the methods beside each other."""
    names = [name for name in methods.METHODS if pick(rows, method=name)]
    body = []
    for nuisance in cases.NUISANCES:
        found = {
            name: (pick(rows, field_t=3.0, nuisance=nuisance, snr=cases.SNR_OF_BIAS, method=name) or [None])[0]
            for name in names
        }
        cells = [_in_short(r) for r in found.values() if r]
        body.append([nuisance, *cells])
    what = "bias (ppm); rmse (ppm); z sd; valid (%)"
    return (
        f"**Other ways on the same spectra**, 3 T, SNR {cases.SNR_OF_BIAS}: {what}, of all rows fitted.\n\n"
        + _table(["", *names], body)
    )


def _in_short(row: dict[str, Any]) -> str:
    kinds = (("bias_ppm_fitted", "+.4f"), ("rmse_ppm_fitted", ".4f"), ("z_sd_fitted", ".2f"))
    return "; ".join([*(_number(row[key], form) for key, form in kinds), f"{100 * row['valid']:.0f}"])


def _peers(rows: Rows, header: str) -> str:
    if not rows:
        return ""
    names = list(dict.fromkeys(row["method"] for row in rows))
    body = []
    for nuisance in cases.NUISANCES:
        cells = []
        for name in names:
            r = pick(rows, nuisance=nuisance, method=name)[0]
            cells += [
                f"{_number(r['bias_ppm_fitted'], '+.4f')} ± {_number(r['bias_se_ppm_fitted'], '.4f')}",
                _number(r["rmse_ppm_fitted"], ".4f"),
                _number(1e3 * r["seconds_per_spectrum"], ".3g"),
            ]
        body.append([nuisance, *cells])
    head = [f"{name}: {what}" for name in names for what in ("bias (ppm)", "rmse (ppm)", "ms")]
    note = f"{header} 3 T, SNR {cases.SNR_OF_BIAS}, the same {rows[0]['n']} spectra (in a larger stack ours is faster)."
    return f"### pyAMARES on the same spectra\n\n{note}\n\n{_table(['', *head], body)}"


def _drift(rows: Rows, header: str) -> str:
    body = [
        [
            f"{r['drift_ppm']:g} ppm, {r['transients']}",
            str(r["snr"]),
            f"{_number(r['bias_ppm_fitted'], '+.4f')} ± {_number(r['bias_se_ppm_fitted'], '.4f')}",
            _number(r["rmse_ppm_fitted"], ".4f"),
            _z(r),
            _number(100 * r["valid"], ".1f"),
        ]
        for r in rows
    ]
    head = [
        "drift from first to last, of 16 transients",
        "SNR of the mean",
        "bias (ppm)",
        "rmse (ppm)",
        "z sd",
        "valid (%)",
    ]
    note = f"{header} 3 T; the phase jitters by 10° where the field drifts."
    return f"### Drift between transients\n\n{note}\n\n{_table(head, body)}"


def _empty(rows: Rows, header: str) -> str:
    names = list(dict.fromkeys(row["method"] for row in rows))
    body = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        found = [pick(rows, kind=kind, method=name)[0] for name in names]
        cells = [
            f"{_number(100 * r['share'], '.3f', r['share'] <= MISSED_GOAL)} (at most {100 * r['upper']:.3f})"
            for r in found
        ]
        body.append([kind, str(found[0]["n"]), *cells])
    head = ["", "spectra", *(f"{name}: called valid (%)" for name in names)]
    return f"### Voxels without magnesium\n\n{header} In brackets the 95 % upper limit.\n\n{_table(head, body)}"


def _retest(rows: Rows, header: str) -> str:
    snrs = sorted({row["snr"] for row in rows})
    body = []
    for who in dict.fromkeys(row["who"] for row in rows):
        cells = [who]
        for snr in snrs:
            r, bound = pick(rows, who=who, snr=snr)[0], pick(rows, who="bound", snr=snr)[0]["icc"]
            if "valid" in r:
                icc = _number(
                    r["icc"],
                    ".3f",
                    r["icc"] is not None and r["icc"] >= bound - ICC_GOAL if who == methods.DEFAULT else None,
                )
                cells += [
                    f"{icc} ± {_number(r['icc_se'], '.3f')}",
                    f"{100 * r['with_mg']:.0f}",
                    _number(r["median_error_mM"], ".3f"),
                ]
            else:
                cells += [_number(r["icc"], ".3f"), "", ""]
        body.append(cells)
    head = [f"SNR {snr}: {what}" for snr in snrs for what in ("ICC", "rows (%)", "median error (mM)")]
    return f"### Test and retest\n\n{header}\n\n{_table(['', *head], body)}"


def _speed(rows: Rows, header: str) -> str:
    body = [
        [
            r["nuisance"],
            r["method"],
            _number(r["over_one_fft"], ".0f", r["over_one_fft"] <= SPEED_GOAL),
            f"{r['lowest']:.0f} to {r['highest']:.0f}",
            _number(1e3 * r["seconds_per_spectrum"], ".2f"),
        ]
        for r in rows
    ]
    head = ["", "", "over one FFT (median)", "range", "ms a spectrum"]
    return (
        f"### Time over one FFT per spectrum\n\n{header} One core, in turns, a stack of 1024.\n\n{_table(head, body)}"
    )


MAKERS = {"grid": _grid, "peers": _peers, "drift": _drift, "empty": _empty, "retest": _retest, "speed": _speed}
