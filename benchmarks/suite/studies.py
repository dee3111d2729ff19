"""(f) A whole study on two cores: the command from its start to results.csv, beside merely reading the files with nibabel.

Commands are processes of their own, as a user starts them, in turns with what they are compared with. Memory is the sum over the
command and its workers of what is not shared with others (proportional set size, looked at every 50 ms).
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import p31mg
from suite import cases
from suite.record import Row, talk
from suite.timing import in_turns, ratio

__all__ = ["study"]

N_FILES = 441
"""People of the Baltimore study (Cameron et al. 2019, doi:10.3389/fphys.2019.01454)."""
N_MANY = 10_000

_KINDS = {"rows": ("--no-figures", "--no-report"), "with report": ("--no-figures",)}

_READ = """
import sys, pathlib, nibabel, numpy as np
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    np.asarray(nibabel.load(path).dataobj)
"""
_COMMAND = str(Path(sys.executable).with_name("p31mg"))
_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
"""Of a user: the other sections keep libraries to one thread."""


def study(*, quick: bool) -> tuple[list[Row], dict[str, Any]]:
    """Time the command on 441 files and on 10,000; ``--version``; memory."""
    repetitions = 3 if quick else 5
    n_many = N_MANY // 5 if quick else N_MANY
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        talk(f"writing {N_FILES} and {n_many} files")
        folder = _files(place / "study", N_FILES)
        many = _files(place / "many", n_many)
        talk("the command and nibabel in turns")
        actions = {
            "nibabel": partial(_run, sys.executable, "-c", _READ, folder),
            "batch": partial(_batch, folder, place / "out", "--no-figures", "--no-report"),
            "again": partial(_run, _COMMAND, "batch", folder, "-o", place / "kept", "--no-figures", "--no-report"),
            "version": partial(_run, _COMMAND, "--version"),
        }
        times = in_turns(actions, repetitions)
        talk("with report and figures")
        whole, whole_core = _used(partial(_batch, folder, place / "all"))
        pages = (place / "all" / "report.html").stat().st_size
        talk(f"{n_many} files: time and memory")
        command = [_COMMAND, "batch", many, "-o", place / "many-out", "--no-figures", "--no-report"]
        many_seconds, peak = _watched(command)
        talk("processor time of one worker")
        cores = {what: _core_seconds(folder, many, place / "one-out", *options) for what, options in _KINDS.items()}
    medians = {what: float(np.median(t)) for what, t in times.items()}
    over = ratio(times["batch"], times["nibabel"])
    figures = {
        "seconds": medians,
        "batch_over_nibabel": over,
        "seconds_with_report_and_figures": whole,
        "core_seconds_with_report_and_figures": whole_core,
        "report_bytes": pages,
        "many": {"n": n_many, "seconds": many_seconds, "peak_bytes": peak},
        "core_seconds_of_a_file": cores,
    }
    rows = [
        Row(
            f"p31mg batch of {N_FILES} files (.nii.gz, 2048 points), start to results.csv, no report",
            "<= 5 s",
            f"{medians['batch']:.2f} s",
            medians["batch"] <= 5,
            f"fastest {times['batch'].min():.2f} s; the same again, where all is finished, {medians['again']:.2f} s",
        ),
        Row(
            "the same over reading the files with nibabel in a fresh process",
            "<= 3",
            f"{over['median']:.2f} (of minima {over['of_minima']:.2f})",
            over["median"] <= 3,
            f"nibabel {medians['nibabel']:.2f} s, of which half is its import",
        ),
        Row(
            "the same with report and all figures",
            "<= 60 s",
            f"{whole:.1f} s",
            whole <= 60,
            f"{N_FILES} pictures, {whole_core:.0f} s of processor time; the report has {pages / 1e6:.1f} MB",
        ),
        Row(
            f"{n_many} files, no report: memory of all processes at the peak",
            "<= 1 GB",
            f"{peak / 1e9:.2f} GB",
            peak <= 1e9,
            f"{many_seconds:.1f} s, {n_many / many_seconds:.0f} files/s",
        ),
        Row(
            "processor time of one more file",
            "",
            ", ".join(f"{what} {1e3 * s:.2f} ms" for what, s in cores.items()),
            None,
            f"for 100,000 spectra {', '.join(f'{what} {1e5 * s / 3600:.2f} core hours' for what, s in cores.items())}",
        ),
        Row("p31mg --version", "<= 0.3 s", f"{medians['version']:.3f} s", medians["version"] <= 0.3),
    ]
    return rows, figures


def _files(folder: Path, n: int) -> Path:
    """Write n spectra, all of them different."""
    folder.mkdir()
    block = 512
    for first in range(0, n, block):
        spectra, _ = cases.stack(min(block, n - first), seed=first + 1)
        for i, fid in enumerate(spectra.fid):
            name = f"sub-{first + i:05d}_nuc-31P_unloc.nii.gz"
            p31mg.write(p31mg.Spectra(fid, spectra.acquisition), folder / name)
    return folder


def _batch(folder: Path, output: Path, *options: str) -> None:
    """Run the command into an empty folder."""
    shutil.rmtree(output, ignore_errors=True)
    _run(_COMMAND, "batch", folder, "-o", output, *options)


def _run(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], env=_ENVIRONMENT, capture_output=True, check=False)
    if done.returncode not in (0, 1):  # 1: some spectra are flagged
        raise SystemExit(done.stderr.decode())


def _core_seconds(few: Path, many: Path, output: Path, *options: str) -> float:
    """Return the processor time of one worker for a file more: what the command takes to start falls out."""
    used = [_used(partial(_batch, folder, output, "--workers", "1", *options))[1] for folder in (few, many)]
    n_few, n_many = (sum(1 for _ in folder.iterdir()) for folder in (few, many))
    return (used[1] - used[0]) / (n_many - n_few)


def _used(action: Callable[[], object]) -> tuple[float, float]:
    """Return the time of a command, and the processor time of it and its workers."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    core = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, core


def _watched(command: list[object]) -> tuple[float, int]:
    """Return the time of a command and the peak of the memory of its processes."""
    start, peak = time.perf_counter(), 0
    words = [str(word) for word in command]
    with subprocess.Popen(words, env=_ENVIRONMENT, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        while process.poll() is None:
            peak = max(peak, sum(_proportional_bytes(pid) for pid in _session(process.pid)))
            time.sleep(0.05)
    return time.perf_counter() - start, peak


def _session(leader: int) -> list[int]:
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended since
            fields = ["", "", "", "0"]
        if int(fields[3]) == leader:
            members.append(int(stat.parent.name))
    return members


def _proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended since
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
