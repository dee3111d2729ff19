"""(f) A whole study on two cores: the command from its start to results.csv, beside merely reading the files with nibabel.

Commands are processes of their own, as a user starts them, in turns with what they are compared with. Memory is the sum over the
command and its workers of what is not shared with others (proportional set size, looked at every 50 ms).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
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
        whole = _seconds(partial(_batch, folder, place / "all"))
        pages = (place / "all" / "report.html").stat().st_size
        talk(f"{n_many} files: time and memory")
        command = [_COMMAND, "batch", many, "-o", place / "many-out", "--no-figures", "--no-report"]
        many_seconds, peak = _watched(command)
        one_seconds = _seconds(
            partial(_batch, many, place / "one-out", "--no-figures", "--no-report", "--workers", "1")
        )
    medians = {what: float(np.median(t)) for what, t in times.items()}
    over = ratio(times["batch"], times["nibabel"])
    figures = {
        "seconds": medians,
        "batch_over_nibabel": over,
        "seconds_with_report_and_figures": whole,
        "report_bytes": pages,
        "many": {"n": n_many, "seconds": many_seconds, "seconds_of_one_worker": one_seconds, "peak_bytes": peak},
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
            f"{N_FILES} pictures; the report has {pages / 1e6:.1f} MB",
        ),
        Row(
            f"{n_many} files, no report: memory of all processes at the peak",
            "<= 1 GB",
            f"{peak / 1e9:.2f} GB",
            peak <= 1e9,
            f"{many_seconds:.1f} s, {n_many / many_seconds:.0f} files/s; with --workers 1 {one_seconds:.1f} s",
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


def _seconds(action: Any) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


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
