"""Fits of spectra as scanners deliver them, with known truth: the figures of ``docs/validation.md``.

    python validation/nasty_spectra.py                       everything; about half an hour on one core
    python validation/nasty_spectra.py --quick               a fifth of the draws, fewer cells
    python validation/nasty_spectra.py --only grid,empty     some sections: grid, peers, drift, empty, retest, speed
    python validation/nasty_spectra.py --page                simulate nothing: write tables and figures of the last results

Results go to ``validation/nasty.json``, the table to stdout, what goes on to stderr. Seeds are fixed.
"""

from __future__ import annotations

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # one core, before NumPy loads

import argparse
import datetime
import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
from nasty import cases, methods, page
from nasty.empty import empty
from nasty.figures import cell, joined
from nasty.retest import retest
from nasty.simulator import Nuisance, draw, measure

RESULTS = Path(__file__).with_name("nasty.json")
SECTIONS = ("grid", "peers", "drift", "empty", "retest", "speed")
BESIDE_SNRS = (100, 300)
PEER_FIELD_T = 3.0
DRIFTS_PPM = (0.2, 0.5)


def talk(text: str) -> None:
    """Say what goes on."""
    print(text, file=sys.stderr, flush=True)


def _cells(which: dict[str, Any], field_t: float, snr: float, nuisance: str, n: int) -> list[dict[str, Any]]:
    """Return the figures of one cell, by some methods on the same spectra. All nuisances see the same draws."""
    rng = np.random.default_rng([1, int(10 * field_t), int(snr)])
    tissue, stated = draw(n, rng, field_t=field_t, nuisance=cases.NUISANCES[nuisance])
    simulated = measure(tissue, stated, snr, rng, field_t=field_t)
    rows = []
    for name, method in which.items():
        out, seconds = methods.timed(method, simulated, field_t)
        where = {"nuisance": nuisance, "field_t": field_t, "snr": snr, "method": name}
        rows.append({**where, **cell(out, simulated, seconds)})
    return rows


def grid(*, quick: bool, draws: int | None = None) -> list[dict[str, Any]]:
    """Every nuisance, field and SNR by the default; the other methods at two SNR."""
    n = draws or (200 if quick else 1000)
    rows = []
    for field_t in (3.0,) if quick else cases.FIELDS_T:
        for nuisance in cases.NUISANCES:
            talk(f"grid: {field_t:g} T, {nuisance}")
            for snr in cases.SNRS:
                which = methods.METHODS if snr in BESIDE_SNRS else {methods.DEFAULT: methods.METHODS[methods.DEFAULT]}
                rows += _cells(which, field_t, snr, nuisance, n)
    return rows


def peers(*, quick: bool, draws: int | None = None) -> list[dict[str, Any]]:
    """PyAMARES beside the default, on fewer spectra; nothing where it is not installed."""
    if not methods.peer_is_there():
        talk("peers: no pyAMARES; make .venv-bench/.installed")
        return []
    which = {methods.DEFAULT: methods.METHODS[methods.DEFAULT], **methods.SLOW_METHODS}
    rows = []
    for nuisance in cases.NUISANCES:
        talk(f"peers: {nuisance}")
        rows += _cells(which, PEER_FIELD_T, cases.SNR_OF_BIAS, nuisance, draws or (8 if quick else 24))
    return rows


def drift(*, quick: bool) -> list[dict[str, Any]]:
    """Drifting transients: averaged as they are, and aligned first, beside such that do not drift."""
    n, method = 60 if quick else 300, methods.METHODS[methods.DEFAULT]
    rows = []
    for drift_ppm in (0.0, *DRIFTS_PPM):
        for snr in BESIDE_SNRS:
            talk(f"drift: {drift_ppm:g} ppm, SNR {snr}")
            parts = {"averaged": [], "aligned": []}
            for chunk, first in enumerate(range(0, n, 50)):
                rng = np.random.default_rng([8, snr, chunk])
                tissue, stated = draw(min(50, n - first), rng, field_t=3.0, nuisance=Nuisance(drift_ppm=drift_ppm))
                simulated = measure(tissue, stated, snr, rng, field_t=3.0, keep_transients=True)
                for name, these in (("averaged", simulated), ("aligned", methods.aligned(simulated))):
                    parts[name].append((these, *methods.timed(method, these, 3.0)))
            for name, found in parts.items():
                where = {"drift_ppm": drift_ppm, "snr": snr, "transients": name, "method": methods.DEFAULT}
                rows.append({**where, **joined(found)})
    return rows


def empties(*, quick: bool) -> list[dict[str, Any]]:
    """Voxels without magnesium."""
    talk("empty voxels")
    return empty(_judged(), divide=10 if quick else 1)


def retests(*, quick: bool) -> list[dict[str, Any]]:
    """People on four days."""
    talk("test and retest")
    slow = methods.SLOW_METHODS if methods.peer_is_there() else {}
    return retest(methods.METHODS, slow, n_people=60 if quick else 300, n_people_slow=8 if quick else 25)


def speed(*, quick: bool) -> list[dict[str, Any]]:
    """Time of each fit over that of one FFT of the same spectrum, in turns."""
    rows = []
    for nuisance in ("clean", "Voigt", "hump 5x"):
        rng = np.random.default_rng(7)
        tissue, stated = draw(1024, rng, field_t=3.0, nuisance=cases.NUISANCES[nuisance])
        simulated = measure(tissue, stated, 300.0, rng, field_t=3.0)
        talk(f"speed: {nuisance}")
        for name, method in _judged().items():
            methods.timed(method, simulated, 3.0)
            ratios, fitted = [], []
            for _ in range(3 if quick else 7):
                before, seconds, after = (
                    _ffts(simulated.fid),
                    methods.timed(method, simulated, 3.0)[1],
                    _ffts(simulated.fid),
                )
                ratios.append(2 * seconds / (before + after))
                fitted.append(seconds / len(simulated.fid))
            rows.append(
                {"nuisance": nuisance, "method": name, "over_one_fft": float(np.median(ratios)),
                 "lowest": min(ratios), "highest": max(ratios), "seconds_per_spectrum": float(np.median(fitted))}
            )  # fmt: skip
    return rows


def _ffts(fid: np.ndarray) -> float:
    start = time.perf_counter()
    for one in fid:
        scipy.fft.fft(one)
    return time.perf_counter() - start


def _judged() -> dict[str, Any]:
    return {name: methods.METHODS[name] for name in (methods.DEFAULT, "begin time, Lorentzian", "locked, Lorentzian")}


RUN: dict[str, Callable[..., list[dict[str, Any]]]] = {
    "grid": grid,
    "peers": peers,
    "drift": drift,
    "empty": empties,
    "retest": retests,
    "speed": speed,
}


def _commit() -> str:
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()


def _provenance(commit: str, *, quick: bool, seconds: float) -> dict[str, Any]:
    """Return what the numbers of a section depend on."""
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "seconds": round(seconds),
        "commit": commit,
        "versions": {name: metadata.version(name) for name in ("p31mg", "numpy", "scipy")},
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, float):
        return float(f"{value:.5g}") if np.isfinite(value) else None
    return value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between them")
    parser.add_argument("--quick", action="store_true", help="fewer draws and cells")
    parser.add_argument(
        "--draws", type=int, metavar="N", help="spectra in a cell of grid (default 1000, quick 200) and peers (24, 8)"
    )
    parser.add_argument("--page", action="store_true", help="write docs/validation.md from the results that there are")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results are kept")
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",")
    unknown = [name for name in arguments.only if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    return arguments


def main() -> None:
    """Run what was asked for."""
    arguments = _arguments()
    path = arguments.results
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if not arguments.page:
        for section in arguments.only:
            start, commit = time.perf_counter(), _commit()
            more = {"draws": arguments.draws} if section in ("grid", "peers") else {}
            rows = RUN[section](quick=arguments.quick, **more)
            how = _provenance(commit, quick=arguments.quick, seconds=time.perf_counter() - start)
            results[section] = {**how, "rows": [_rounded(row) for row in rows]}
            lines = [f'  "{name}": ' + _lines(results[name]) for name in SECTIONS if name in results]
            path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
            talk(f"{section}: {time.perf_counter() - start:.0f} s")
    print(page.tables(results))
    if arguments.page:
        page.write(results)


def _lines(section: dict[str, Any]) -> str:
    """Return a section as JSON, one row a line."""
    head = json.dumps({k: v for k, v in section.items() if k != "rows"}, ensure_ascii=False)
    rows = ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in section["rows"])
    return f'{head[:-1]}, "rows": [\n    {rows}\n  ]}}'


if __name__ == "__main__":
    main()
