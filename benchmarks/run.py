"""Measure how fast `p31mg.fit` is, and how right at that speed. Prints a table; writes benchmarks/results/SECTION.json.

    python benchmarks/run.py                               everything, on one core
    python benchmarks/run.py --only speed,statistics       some sections
    python benchmarks/run.py --quick                       fewer repetitions and draws
    python benchmarks/run.py --table docs/performance.md   write the results that there are into the page

The table goes to stdout, what goes on to stderr.
"""

from __future__ import annotations

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[name] = "1"  # one core; before NumPy loads, and for every process started from here

import argparse
import time
from pathlib import Path

from suite import error_bars, fourier, growth, peer, record, scipy_loop, studies

SECTIONS = {
    "speed": fourier.speed,
    "default": fourier.default,
    "lineshapes": fourier.lineshapes,
    "pyamares": peer.pyamares,
    "scipy": scipy_loop.scipy_loop,
    "single": growth.single,
    "growth": growth.growth,
    "workers": growth.workers,
    "statistics": error_bars.statistics,
    "study": studies.study,
}


def _sections(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        msg = f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}"
        raise argparse.ArgumentTypeError(msg)
    return names


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=_sections, default=list(SECTIONS), help="sections, with commas between them")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and draws")
    parser.add_argument("--table", type=Path, metavar="PAGE", help="measure nothing: write the results into this page")
    return parser.parse_args()


def main() -> None:
    """Run what was asked for."""
    arguments = _arguments()
    if arguments.table is not None:
        record.write_table(arguments.table, record.load(list(SECTIONS)))
        return
    for section in arguments.only:
        record.talk(f"== {section}")
        start = time.perf_counter()
        rows, figures = SECTIONS[section](quick=arguments.quick)
        record.save(section, rows, figures, quick=arguments.quick)
        print(f"\n{section}\n{record.printed(rows)}", flush=True)
        record.talk(f"   {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
