"""(d) Growth with the number of spectra, points, resonances and workers; one spectrum; import."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import p31mg
from suite import cases
from suite.record import Row, talk
from suite.timing import in_turns, ratio

__all__ = ["growth", "single", "workers"]

N_LARGE = 100_000
_CHILD = Path(__file__).with_name("large_stack.py")


def growth(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Time stacks of all sizes, signals of all lengths, priors of all numbers of resonances."""
    repetitions = 3 if quick else 5
    stack, _ = cases.stack(4096 if quick else 10_000)
    figures: dict[str, Any] = {"spectra": {}, "points": {}, "resonances": {}}
    sizes = [n for n in (1, 10, 100, 1000, 10_000) if n <= len(stack.fid)]
    talk(f"stacks of {sizes}")
    times = in_turns({str(n): partial(p31mg.fit, stack[:n]) for n in sizes}, repetitions)
    figures["spectra"] = {n: float(np.median(t)) / int(n) for n, t in times.items()}

    lengths, n = (512, 1024, 2048, 4096, 8192), 1024
    talk(f"{n} spectra of {lengths} points")
    stacks = {str(points): cases.stack(n, n_points=points)[0] for points in lengths}
    times = in_turns({name: partial(p31mg.fit, s) for name, s in stacks.items()}, repetitions)
    figures["points"] = {name: float(np.median(t)) / n for name, t in times.items()}

    numbers = (3, 5, 8, 12, 16, 20)
    talk(f"{n} spectra of {numbers} resonances")
    priors = {str(k): cases.prior_of(k) for k in numbers}
    jobs = {name: partial(p31mg.fit, cases.stack(n, prior=prior)[0], prior) for name, prior in priors.items()}
    times = in_turns(jobs, repetitions)
    figures["resonances"] = {name: float(np.median(t)) / n for name, t in times.items()}
    figures["valid_by_resonances"] = {name: float(job().is_valid.mean()) for name, job in jobs.items()}

    rows = [
        Row(f"us a spectrum with {what}", "", ", ".join(f"{k}: {1e6 * t:.0f}" for k, t in figures[key].items()))
        for what, key in (("spectra", "spectra"), ("points", "points"), ("resonances", "resonances"))
    ]
    large, figures["large"] = _large(quick=quick)
    return [*rows, large], figures


def _large(*, quick: bool) -> tuple[Row, dict[str, Any]]:
    """Fit a memory-mapped stack in a process of its own and return its time and memory."""
    n = 20_000 if quick else N_LARGE
    what, goal = f"{n} spectra of {cases.N_POINTS} points from a memory-mapped file", "<= 1 GB above the data"
    size = 16 * cases.N_POINTS * n
    with tempfile.TemporaryDirectory() as folder:
        free = shutil.disk_usage(folder).free
        if free < 1.5 * size:
            note = f"skipped: {free / 1e9:.1f} GB free in {folder}, {1.5 * size / 1e9:.1f} GB needed"
            return Row(what, goal, "-", note=note), {}
        talk(f"{n} spectra from a file of {size / 1e9:.1f} GB")
        path = Path(folder) / "stack.npy"
        _write(path, n)
        done = subprocess.run([sys.executable, _CHILD, path], capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    above = figures["peak_private_bytes"] - figures["private_bytes_before"]
    figures["above_bytes"] = above
    note = (
        f"{1e6 * figures['seconds'] / n:.0f} us a spectrum; private memory at its peak above that before the fit, pages of the "
        f"file not counted; {figures['result_bytes'] / 1e6:.0f} MB of it are the result; {figures['valid']:.4f} valid"
    )
    return Row(what, goal, f"{above / 1e9:.2f} GB, {figures['seconds']:.1f} s", above <= 1e9, note), figures


def _write(path: Path, n: int) -> None:
    """Write n spectra: 4096 muscles again and again, each time with other noise of a pool."""
    rng = np.random.default_rng(5)
    truth = cases.truths(rng, 4096, np.exp(rng.uniform(np.log(80), np.log(1000), 4096)))
    clean, sd = cases.signals(truth)
    pool = cases.noise(rng, np.ones(4096))
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.complex128, shape=(n, cases.N_POINTS))
    for turn, first in enumerate(range(0, n, 4096)):
        part = clean + sd[:, None] * np.roll(pool, 17 * turn, axis=0)
        file[first : first + 4096] = part[: n - first]
    file.flush()


def workers(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Time two workers against one."""
    what, goal = "two workers over one", ">= 1.8"
    if "workers" not in inspect.signature(p31mg.fit).parameters:
        return [Row(what, goal, "-", note="skipped: p31mg.fit has no parameter workers in this version")], {}
    n = 8192 if quick else 32_768
    base, _ = cases.stack(4096)
    spectra = cases.spectra_of(np.tile(base.fid, (n // 4096, 1)))
    talk(f"{n} spectra with one worker and with two")
    times = in_turns(
        {str(w): partial(p31mg.fit, spectra, cases.muscle(), workers=w) for w in (1, 2)}, 3 if quick else 5
    )
    gain = ratio(times["1"], times["2"])
    one, two = (p31mg.fit(spectra, cases.muscle(), workers=w).shift_alpha_beta_ppm for w in (1, 2))
    same = bool(np.array_equal(one, two, equal_nan=True))
    note = f"{n} spectra; {'the same numbers' if same else 'NOT the same numbers'}"
    row = Row(
        what,
        goal,
        f"{gain['median']:.2f} (of minima {gain['of_minima']:.2f})",
        gain["of_minima"] >= 1.8 and same,
        note,
    )
    return [row], {"gain": gain, "same": same, "seconds": {w: t.tolist() for w, t in times.items()}}


_FIRST_CALL = """
import numpy as np, time
start = time.perf_counter(); import p31mg; imported = time.perf_counter() - start
fid = np.load({path!r})
start = time.perf_counter()
a = p31mg.Acquisition(spectrometer_frequency_mhz={mhz}, dwell_time_s={dwell}, begin_time_s={begin})
p31mg.fit(p31mg.Spectra(fid, a))
first = time.perf_counter() - start
start = time.perf_counter(); p31mg.fit(p31mg.Spectra(fid, a)); second = time.perf_counter() - start
print(first, second)
"""
_IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def _fresh(code: str) -> list[float]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def single(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Time one spectrum, warm and in fresh processes, and imports."""
    spectra, _ = cases.stack(64)
    n = 5 if quick else 15
    for i in range(3):
        p31mg.fit(spectra[i])
    warm = np.array([in_turns({"fit": partial(p31mg.fit, spectra[i])}, 1)["fit"][0] for i in range(64)])
    talk(f"{n} fresh processes each")
    a = cases.ACQUISITION
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.npy"
        np.save(path, spectra.fid[0])
        code = _FIRST_CALL.format(
            path=str(path), mhz=a.spectrometer_frequency_mhz, dwell=a.dwell_time_s, begin=a.begin_time_s
        )
        fresh = np.array([_fresh(code) for _ in range(n)])
    names = ("numpy", "p31mg", "p31mg.fitting")
    imports = np.array([[_fresh(_IMPORT.format(name))[0] for name in names] for _ in range(n)]).T
    over = {name: ratio(t, imports[0]) for name, t in zip(names[1:], imports[1:], strict=True)}
    first, second = np.median(fresh, axis=0)
    figures = {
        "warm_seconds": {"median": float(np.median(warm)), "min": float(warm.min())},
        "fresh_first_seconds": fresh[:, 0].tolist(),
        "fresh_second_seconds": fresh[:, 1].tolist(),
        "import_seconds": {name: t.tolist() for name, t in zip(names, imports, strict=True)},
        "import_over_numpy": over,
    }
    numpy_ms = 1e3 * np.median(imports[0])
    return [
        Row(
            "one spectrum, call to result, warm",
            "<= 10 ms",
            f"{1e3 * np.median(warm):.1f} ms",
            bool(np.median(warm) <= 0.01),
            f"64 different spectra; fastest {1e3 * warm.min():.1f} ms",
        ),
        Row(
            "one spectrum, first call of a fresh process after import p31mg",
            "<= 10 ms",
            f"{1e3 * first:.0f} ms, the next {1e3 * second:.1f} ms",
            bool(first <= 0.01),
            "the first call loads the rooms that import leaves for later",
        ),
        Row(
            "import p31mg over import numpy",
            "<= 1.3",
            f"{over['p31mg']['median']:.2f} (of minima {over['p31mg']['of_minima']:.2f})",
            over["p31mg"]["median"] <= 1.3,
            f"import statements in fresh processes, in turns; numpy {numpy_ms:.0f} ms. With the rooms of a fit, "
            f"p31mg.fitting: {over['p31mg.fitting']['median']:.2f}",
        ),
    ], figures
