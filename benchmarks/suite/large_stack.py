"""Fit a memory-mapped stack and print time and memory as JSON; a process of its own, so that its memory is its own.

    python large_stack.py STACK.npy

Pages of the mapped file that the system keeps in memory belong to the file and can be dropped at any time. What is measured is
private memory (RssAnon in /proc/self/status), looked at every 20 ms; where there is no such file, the peak of everything.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import p31mg
from suite import cases

STATUS = Path("/proc/self/status")


def private_bytes() -> int:
    """Return private memory now."""
    if not STATUS.exists():
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in STATUS.read_text(encoding="utf-8").splitlines() if line.startswith("RssAnon"))
    return 1024 * int(line.split()[1])


def main(path: str) -> None:
    """Fit what is in the file."""
    spectra = cases.spectra_of(np.load(path, mmap_mode="r"))
    p31mg.fit(cases.spectra_of(np.array(spectra.fid[:256])))  # loads what is loaded once
    before = private_bytes()
    peak, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak.append(private_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    fit = p31mg.fit(spectra)
    seconds = time.perf_counter() - start
    peak.append(private_bytes())
    done.set()
    watcher.join()
    arrays = [value for value in vars(fit).values() if isinstance(value, np.ndarray)]
    print(
        json.dumps(
            {
                "seconds": seconds,
                "private_bytes_before": before,
                "peak_private_bytes": max(peak),
                "result_bytes": sum(a.nbytes for a in arrays),
                "valid": float(fit.is_valid.mean()),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
