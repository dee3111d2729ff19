"""Files made to cost as much as they can within the limits of the readers; run with ``make fuzz``.

Each is made in one process and read in another, which must take less than 5 s and less than 500 MB, and end with spectra or
an error of p31mg. ``--write`` puts the table into ``docs/formats.md``, between its marks.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import p31mg
from p31mg.io.source import MOST_POINTS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "formats.md"
MARKS = ("<!-- worst: begin -->\n", "<!-- worst: end -->\n")
LONGEST_S, MOST_MB = 5.0, 500.0
GIVEN = {"spectrometer_frequency_mhz": 49.9, "spectral_width_hz": 5000.0, "begin_time_s": 0.0, "override": True}
MB = 2**20

spec = importlib.util.spec_from_file_location("makers", ROOT / "tests" / "io" / "makers.py")
makers = importlib.util.module_from_spec(spec)
sys.modules["makers"] = makers
spec.loader.exec_module(makers)

Case = Callable[[Path], Path]


def content(name: str, repeated: bytes, times: int, *, head: bytes = b"", tail: bytes = b"") -> Case:
    """Return a maker of one file with something repeated in it; nothing is repeated before it is made."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(head + repeated * times + tail)
        return folder / name

    return make


def dataset(name: str, repeated: bytes, times: int, *, head: bytes = b"", **others: bytes) -> Case:
    """Return a maker of a folder with such a file, and others beside it."""

    def make(folder: Path) -> Path:
        content(name, repeated, times, head=head)(folder)
        for other, data in others.items():
            (folder / other.replace("_", ".")).write_bytes(data)
        return folder

    return make


def procpar(folder: Path) -> Path:
    """As many parameters as fit."""
    entries = b"".join(b"%x 1 1 1 1 1 1 1 1 1 1\n1 1\n0\n" % i for i in range(26_000))
    content("fid", b"\0", 1024)(folder)
    return content("procpar", entries, 1)(folder).parent


def nifti(folder: Path, name: str) -> Path:
    """As many points as are read, behind the header of a small file."""
    head = bytearray(makers.nifti_mrs(folder, makers.signal(), name="small.nii").read_bytes())
    start = struct.unpack_from("<q", head, 168)[0]
    struct.pack_into("<q", head, 16 + 8 * 4, MOST_POINTS)
    opened = gzip.open if name.endswith(".gz") else open
    with opened(folder / name, "wb") as out:
        out.write(head[:start] + np.ones(MOST_POINTS, dtype=complex).tobytes())
    return folder / name


def bruker(folder: Path, n_points: int, **more: object) -> Path:
    """One FID of so many points."""
    (folder / "acqus").write_text(makers.acqus(np.empty(n_points), "31P", **more), encoding="ascii")
    (folder / "fid").write_bytes(np.ones(2 * n_points, "<i4").tobytes())
    return folder


def rda(folder: Path) -> Path:
    """As many points as are read."""
    path = makers.siemens_rda(folder, makers.signal())
    head = path.read_bytes().partition(b">>> End")[0].replace(b"VectorSize: 128", b"VectorSize: %d" % MOST_POINTS)
    path.write_bytes(head + b">>> End of header <<<\r\n" + np.ones(2 * MOST_POINTS).tobytes())
    return path


def sdat(folder: Path) -> Path:
    """As many points as are read."""
    path = makers.philips_sdat(folder, makers.signal())
    spar = path.with_suffix(".spar")
    spar.write_text(spar.read_text().replace("samples : 128", f"samples : {MOST_POINTS}"), encoding="utf-8")
    path.write_bytes(np.full(2 * MOST_POINTS, 0x4080, "<u4").tobytes())
    return path


def mrui(folder: Path, n_points: int) -> Path:
    """As many points as are read, in signals of so many."""
    head = struct.pack(">64d", 0, n_points, 0.2, 0.4, 0, 49.9e6, 2.9, 2, *[0] * 56)
    (folder / "a.mrui").write_bytes(head + np.ones(2 * MOST_POINTS, ">f8").tobytes())
    return folder / "a.mrui"


JCAMP = b"##TITLE=a\n##JCAMP-DX=5\n##DATA TYPE=NMR FID\n##NTUPLES=a\n##DATA TABLE=(X++(R..R)), XYDATA\n"
JMRUI = b"jMRUI Data Textfile\nPointsInDataset: 1000000\nSamplingInterval: .1\nSignal 1 out of 1 in file\n"
FID = {"fid": bytes(1024)}
SPINSOLVE = b"SORPATAD1.1V" + struct.pack("<5I", 504, 64, 1, 1, 1) + b"\1" * 64 * 12
STACK = (8, MOST_POINTS // 8)

CASES: dict[str, Case] = {
    "NIfTI-MRS, largest": lambda f: nifti(f, "a.nii"),
    "NIfTI-MRS compressed, largest": lambda f: nifti(f, "a.nii.gz"),
    "npy, largest": lambda f: makers.npy(f, np.ones(STACK, dtype=complex)),
    "npz, largest": lambda f: makers.npz(f, np.ones(STACK, dtype=complex)),
    "MATLAB, largest": lambda f: makers.matlab(f, np.ones(STACK, dtype=complex), compressed=True),
    "jMRUI binary, largest": lambda f: mrui(f, MOST_POINTS),
    "jMRUI binary, most signals": lambda f: mrui(f, 64),
    "RDA, largest": rda,
    "SDAT, largest": sdat,
    "NMRPipe, largest": lambda f: makers.nmrpipe(f, np.ones(MOST_POINTS, dtype=np.complex64)),
    "JEOL, largest": lambda f: makers.jeol(f, np.ones(3 * MB // 2 - 500, dtype=complex)),
    "Bruker, largest": lambda f: bruker(f, MOST_POINTS),
    "Bruker, longest with digital filter": lambda f: bruker(f, MB, DIGMOD=1, GRPDLY=70.5),
    "text, most points": content("a.txt", b".7 2.5\n", MB - 1),
    "text, one line": content("a.txt", b"1 ", 8 * MB - 1),
    "text, wide": content("a.txt", b"1 " * 400_000 + b"\n", 20),
    "text, blanks in a comment": content("a.txt", b"# a: " + b" " * 900 + b"x\n", 18_000),
    "text, nothing but commas": content("a.txt", b"," * 1000 + b"\n", 16_000),
    "text, nothing but line ends": content("a.txt", b"\n", 16 * MB - 1),
    "jMRUI text, short lines": content("a.txt", b"1 2\n", 3 * MB, head=JMRUI),
    "LCModel, short lines": content("a.raw", b"1 2\n", 3 * MB, head=b" $NMID ID=1 $END\n"),
    "LCModel, endless word in the header": content("a.raw", b"a", 10 * MB, head=b" $NMID ", tail=b" $END\n"),
    "JCAMP-DX, blanks": content("a.dx", b" " * 199 + b"x", 20_000, head=JCAMP),
    "JCAMP-DX, most numbers": content("a.dx", b"0 1 1 1 1 1 1 1 1\n", 4 * MB // 18 - 20, head=JCAMP),
    "JCAMP-DX, repeats": content("a.dx", b"0@S8000000\n", 1, head=JCAMP),
    "JCAMP-DX, most keys": content("a.dx", b"##A=1\n", 4 * MB // 6 - 20, head=JCAMP),
    "Bruker, endless text": dataset("acqus", b"a\n", MB // 2 - 10, head=b"##$A= <\n", **FID),
    "Bruker, endless array": dataset("acqus", b"1\n", MB // 2 - 20, head=b"##$A= (0..999999999)\n", **FID),
    "Bruker, most keys": dataset("acqus", b"##$A= 1\n", MB // 9, **FID),
    "Varian, most keys": procpar,
    "ParaVision, endless array": dataset("acqp", b" 1,", 300_000, head=b"##$A=(", method=b"##$A=\n", **FID),
    "Spinsolve, most keys": dataset("acqu.par", b"a=b\n", MB // 4 - 1, data_1d=SPINSOLVE),
}


def one(name: str) -> dict[str, object]:
    """Read the file that stands in the environment of this process."""
    path = Path(sys.stdin.read())
    started = time.perf_counter()
    try:
        ended = f"{p31mg.read(path, **GIVEN).fid.size:,} points"
    except p31mg.P31mgError as error:
        ended = "refused"
        assert str(path.parent) in str(error)
    took = time.perf_counter() - started
    return {"name": name, "ended": ended, "s": took, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> int:
    """Make and read all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--make", nargs=2, metavar=("NAME", "FOLDER"), help="make one; prints its path")
    parser.add_argument("--only", help="read one, whose path is on the standard input; prints JSON")
    parser.add_argument("--write", action="store_true", help="put the table into docs/formats.md")
    options = parser.parse_args()
    if options.make:
        print(CASES[options.make[0]](Path(options.make[1])), end="")
        return 0
    if options.only:
        print(json.dumps(one(options.only)))
        return 0
    lines = ["| file | ends as | seconds | peak memory (MB) |", "|---|---|---:|---:|"]
    bad = []
    this = [sys.executable, __file__]
    for name in CASES:
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run([*this, "--make", name, folder], capture_output=True, text=True, check=True)
            run = subprocess.run(
                [*this, "--only", name], input=made.stdout, capture_output=True, text=True, check=False
            )
        if run.returncode != 0:
            bad.append(f"{name}: {run.stderr[-500:]}")
            continue
        result = json.loads(run.stdout)
        lines.append(f"| {name} | {result['ended']} | {result['s']:.2f} | {result['mb']:.0f} |")
        if result["s"] > LONGEST_S or result["mb"] > MOST_MB:
            bad.append(lines[-1])
    text = "\n".join(lines) + "\n"
    print(text)
    for line in bad:
        print(line, file=sys.stderr)
    if options.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
        PAGE.write_text(before + MARKS[0] + text + MARKS[1] + rest.partition(MARKS[1])[2], encoding="utf-8")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
