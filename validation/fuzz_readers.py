"""Thousands of spoiled files through every reader: ``python validation/fuzz_readers.py`` or ``make fuzz``.

Each reader runs in a process of its own on the files that `tests/io/makers.py` makes and `tests/io/mutations.py` spoils. An
audit hook sees every file that is opened and every change to the file system while a reader works. It fails where

* anything else than an error of p31mg comes out,
* a file takes longer than 5 s,
* the process has ever held more than 500 MB,
* anything is written, or a file outside the dataset is opened, but for the libraries' own.

The table goes into ``docs/formats.md``, between its marks, with ``--write``.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "formats.md"
MARKS = ("<!-- fuzz: begin -->\n", "<!-- fuzz: end -->\n")
WRONG_ENDINGS = (".nii.gz", ".rda", ".mat", ".7", ".dat", ".dcm", ".csv", "")
LONGEST_S, MOST_MB = 5.0, 500.0
CHANGES = {
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "subprocess.Popen",
}
CHANGES |= {"shutil.move", "shutil.copyfile", "socket.connect", "os.system", "os.utime"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def beside(name: str) -> ModuleType:
    """Load a module of the tests by its path."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "io" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Watch:
    """What happens to the file system while a reader works, seen by an audit hook."""

    def __init__(self, seen: list[str]) -> None:
        self.dataset: Path | None = None
        self.seen = seen
        self.libraries = tuple({str(Path(p).resolve()) for p in (sys.prefix, sys.base_prefix, ROOT / "src")})
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an event, where a reader is at work."""
        if self.dataset is None:
            return
        if event in CHANGES:
            self.seen.append(f"{event} {arguments!r:.100}")
        elif event == "open" and isinstance(arguments[0], (str, bytes)):
            path, flags = os.path.realpath(os.fsdecode(arguments[0])), int(arguments[2] or 0)
            if flags & WRITING:
                self.seen.append(f"written: {path}")
            elif not path.startswith((str(self.dataset), *self.libraries, "/proc/", "/etc/ssl", "/usr/")):
                self.seen.append(f"opened: {path}")


def fuzz(name: str, n_files: int, seed: int) -> dict[str, Any]:
    """Spoil the file of one case so many times and read it; return what came of it."""
    import p31mg
    from p31mg.io import vendor

    sys.dont_write_bytecode = True
    makers, mutations = beside("makers"), beside("mutations")
    case = makers.CASES[name]
    forking = beside("forking")
    vendor._converted = forking.converted_in_a_fork
    watch = Watch(forking.watched)
    ends: collections.Counter[str] = collections.Counter()
    failures: list[str] = []
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder).resolve()
        (here / "whole").mkdir()
        whole = case.make(here / "whole", makers.signal())
        p31mg.read(whole, **case.given)  # imports what it needs
        for i in range(n_files):
            copy = shutil.copytree(here / "whole", here / "spoiled")
            path = copy / whole.name
            what = mutations.spoil(path, np.random.default_rng([i + 1_000_000 * seed, *name.encode()]))
            if i % 10 == 0 and path.is_file() and name != "philips_sdat":
                path = path.rename(copy / f"Ω名{WRONG_ENDINGS[i // 10 % len(WRONG_ENDINGS)]}")
            before = {f: f.read_bytes() for f in copy.rglob("*") if f.is_file()}
            started = time.perf_counter()
            watch.dataset = copy
            watch.seen.clear()
            try:
                p31mg.read(path, **case.given)
                end = "read"
            except p31mg.P31mgError:
                end = "refused"
            except BaseException as error:  # noqa: BLE001
                end = "other error"
                failures.append(f"{name} {i} ({what}): {type(error).__name__}: {error}")
            watch.dataset = None
            took = time.perf_counter() - started
            longest = max(longest, took)
            ends[end] += 1
            after = {f: f.read_bytes() for f in copy.rglob("*") if f.is_file()}
            if watch.seen or before != after:
                failures.append(f"{name} {i} ({what}): {'; '.join(watch.seen) or 'the dataset was changed'}")
            if took > LONGEST_S:
                failures.append(f"{name} {i} ({what}): took {took:.1f} s")
            shutil.rmtree(copy)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    if peak > MOST_MB:
        failures.append(f"{name}: held {peak:.0f} MB")
    return {"name": name, "ends": dict(ends), "longest_s": longest, "peak_mb": peak, "failures": failures}


def in_own_process(name: str, n_files: int, seed: int) -> dict[str, Any]:
    """Return what came of one reader; a process that dies is a failure."""
    command = [sys.executable, __file__, "--only", name, "--files", str(n_files), "--seed", str(seed)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        failures = [f"{name}: the process ended with {run.returncode}\n{run.stderr}"]
        return {"name": name, "ends": {}, "longest_s": 0.0, "peak_mb": 0.0, "failures": failures}
    result: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    print(f"{name}: {result['ends']}", file=sys.stderr)
    return result


def table(results: list[dict[str, Any]]) -> str:
    """Return the results as a table in Markdown."""
    lines = [
        "| reader | files | read all the same | refused | other errors | longest (ms) | peak memory (MB) |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for r in results:
        ends = r["ends"]
        cells = [sum(ends.values()), ends.get("read", 0), ends.get("refused", 0), ends.get("other error", 0)]
        lines.append(
            f"| {r['name']} | {' | '.join(map(str, cells))} | {1e3 * r['longest_s']:.0f} | {r['peak_mb']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run all readers, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000, help="spoiled files per reader")
    parser.add_argument("--seed", type=int, default=0, help="another number spoils other places")
    parser.add_argument("--only", help="one reader, in this process; prints JSON")
    parser.add_argument("--write", action="store_true", help="put the table into docs/formats.md")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(fuzz(options.only, options.files, options.seed)))
        return 0
    cases = beside("makers").CASES
    names = [n for n, c in cases.items() if not c.needs or importlib.util.find_spec(c.needs)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda name: in_own_process(name, options.files, options.seed), names))
    for result in results:
        for failure in result["failures"]:
            print(failure, file=sys.stderr)
    text = table(results)
    print(text)
    if options.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
        PAGE.write_text(before + MARKS[0] + text + MARKS[1] + rest.partition(MARKS[1])[2], encoding="utf-8")
    return int(any(r["failures"] for r in results))


if __name__ == "__main__":
    sys.exit(main())
