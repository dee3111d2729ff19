"""Whether what `make dist` built can be published: its content, and the tests by what a user would have installed.

    python release/check_dist.py dist
    python release/check_dist.py dist --only content bare lowest --python 3.11

content   wheel and sdist hold what they should and nothing else: no caches, no paths of this machine
bare      the wheel without extras reads, fits, draws, and writes a report; with the newest and with the lowest versions
tests     the tests of the sdist pass on the wheel, by each Python that is found
lowest    the same with the lowest versions that pyproject.toml states, by the oldest Python

All of it happens in a temporary folder outside of the checkout.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
STEPS = ("content", "bare", "tests", "lowest")
ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")

IN_WHEEL = (
    "p31mg/py.typed",
    *(f"p31mg/magnesium/published/{name}.toml" for name in ("gupta-1978", "gupta-1984", "iotti-1996")),
    *(f"p31mg/prior/sets/{name}.toml" for name in ("blood", "brain", "heart", "liver", "muscle")),
    *(f"p31mg/report/templates/{name}" for name in ("methods.md", "report.css", "report.html", "report.js")),
)
JUNK = re.compile(r"__pycache__|\.pyc$|\.egg-info|/\.[a-z_]*cache/|/\.venv|\.so$|/_build/|\.DS_Store|~$")
NOT_IN_SDIST = (".ci/",)
ONLY_IN_SDIST = ("PKG-INFO",)

BARE = """
import importlib.util, pathlib, sys
for extra in ("statsmodels", "distributed", "spec2nii", "pytest"):
    assert importlib.util.find_spec(extra) is None, extra
import p31mg
assert "site-packages" in p31mg.__file__, p31mg.__file__
study = pathlib.Path("study")
study.mkdir()
people = p31mg.simulate([0.4, 0.6], prior="muscle-3t", snr=300, seed=1)
for i in range(2):
    p31mg.write(people[i], study / f"sub-{i + 1:02d}.nii.gz")
fit = p31mg.fit(p31mg.read(study / "sub-01.nii.gz"), prior="muscle-3t")
assert fit.is_valid and 0.3 < p31mg.free_magnesium(fit).free_mg_mM < 0.5
assert p31mg.fit(people, prior="muscle-3t", engine="lmfit").is_valid.all()
p31mg.plot.fit(fit).ax.figure.savefig("fit.png")
table = p31mg.batch(study, output="results")
assert table["mg_is_valid"].all()
assert all(pathlib.Path("results", name).stat().st_size > 1000 for name in ("results.csv", "report.html", "methods.md"))
try:
    p31mg.cohort(table.assign(age=[30, 60]))
except p31mg.P31mgError as error:
    assert "cohort" in str(error), error
assert not {"statsmodels", "distributed"} & set(sys.modules)
"""
"""What a user without extras does; what needs an extra says so."""


def main() -> None:
    """Run the steps that are asked for; stop at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dist", type=Path)
    parser.add_argument("--only", nargs="+", choices=STEPS, default=STEPS, help="steps (default: all)")
    parser.add_argument(
        "--python", nargs="+", default=PYTHONS, help="versions that are looked for (default: %(default)s)"
    )
    given = parser.parse_args()
    (wheel,), (sdist,) = (sorted(given.dist.resolve().glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    found = {version: path for version in given.python if (path := interpreter(version))}
    told = (
        "; not here: " + ", ".join(v for v in given.python if v not in found) if len(found) < len(given.python) else ""
    )
    print(f"interpreters: {', '.join(f'{v} ({path})' for v, path in found.items()) or 'none'}{told}", flush=True)
    if not found:
        sys.exit("no interpreter was found; name others with --python.")
    oldest = next(iter(found.values()))
    with tempfile.TemporaryDirectory(prefix="p31mg-dist-") as scratch:
        folder = Path(scratch)
        tests = unpacked(sdist, folder)
        if "content" in given.only:
            check_content(wheel, sdist)
        if "bare" in given.only:
            for version, python in found.items():
                bare(f"bare, Python {version}", python, wheel, folder / f"bare-{version}")
            lowest = lowest_versions(oldest, folder / "lowest-bare.txt")
            bare("bare, lowest versions", oldest, wheel, folder / "bare-lowest", lowest)
        if "tests" in given.only:
            for version, python in found.items():
                run_tests(f"tests, Python {version}", python, f"{wheel}[test]", folder / f"tests-{version}", tests)
        if "lowest" in given.only:
            lowest = lowest_versions(oldest, folder / "lowest-test.txt", "--extra=test")
            run_tests("tests, lowest versions", oldest, f"{wheel}[test]", folder / "tests-lowest", tests, lowest)


def interpreter(version: str) -> Path | None:
    """Return the Python of a version where there is one that starts, on the path, in pyenv or among those of uv."""
    candidates = [shutil.which(f"python{version}")]
    candidates += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    asked = subprocess.run([UV, "python", "find", "--offline", version], capture_output=True, text=True, check=False)
    candidates += asked.stdout.split()
    for candidate in candidates:
        if candidate is None:
            continue
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return Path(candidate)
    return None


def unpacked(sdist: Path, folder: Path) -> Path:
    """Return the folder of the sdist."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = (path for path in folder.iterdir() if path.is_dir())
    return tree


def check_content(wheel: Path, sdist: Path) -> None:
    """Compare the names in both with what is under version control, and look for paths of this machine in all texts."""
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(sdist) as archive:
        files = [member for member in archive.getmembers() if member.isfile()]
        in_sdist = {m.name.split("/", 1)[1]: archive.extractfile(m).read() for m in files}  # type: ignore[union-attr]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    expected = {name for name in tracked if name and not name.startswith(NOT_IN_SDIST)} | set(ONLY_IN_SDIST)
    source = {name.removeprefix("src/") for name in expected if name.startswith("src/")}
    modules = {name for name in in_wheel if ".dist-info/" not in name}
    faults = [
        *(f"the wheel lacks {name}" for name in (set(IN_WHEEL) | source) - modules),
        *(f"the wheel holds {name}" for name in modules - source),
        *(f"the sdist lacks {name}" for name in expected - set(in_sdist)),
        *(f"the sdist holds {name}" for name in set(in_sdist) - expected),
        *(f"junk: {name}" for name in (*in_wheel, *in_sdist) if JUNK.search(name)),
    ]
    for name, content in (*in_wheel.items(), *in_sdist.items()):
        faults += [f"{name} names {place.decode()}" for place in places_of_this_machine() if place in content]
    if faults:
        sys.exit("\n".join(sorted(faults)))
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e3:.0f} kB" for path in (wheel, sdist))
    print(f"content: {len(in_wheel)} and {len(in_sdist)} files, as under version control ({sizes})", flush=True)


def places_of_this_machine() -> list[bytes]:
    """Return the folders that no file may name."""
    return [f"{place}/".encode() for place in (ROOT, Path.home())]


def lowest_versions(python: Path, file: Path, *options: str) -> Path:
    """Write the lowest versions that pyproject.toml states of all that it names, and what goes with them."""
    compiled = [UV, "pip", "compile", "--quiet", "--resolution=lowest-direct", "--python", python, *options]
    subprocess.run(
        [*compiled, "pyproject.toml", "--output-file", file], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    return file


def environment_of(python: Path, requirement: str, folder: Path, lowest: Path | None = None) -> Path:
    """Return the Python of a new environment that holds a requirement, with the newest versions or with those of a file."""
    subprocess.run([UV, "venv", "--quiet", "--python", python, folder], check=True)
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pinned = [] if lowest is None else ["--constraint", lowest]
    subprocess.run([UV, "pip", "install", "--quiet", "--python", inside, *pinned, requirement], check=True)
    return inside


def bare(name: str, python: Path, wheel: Path, folder: Path, lowest: Path | None = None) -> None:
    """Use the package as a user without extras does."""
    inside = environment_of(python, str(wheel), folder, lowest)
    place = folder / "work"
    place.mkdir()
    started = time.monotonic()
    strict = [] if lowest else ["-W", "error::UserWarning"]  # old versions deprecate what the newest of others do
    subprocess.run([inside, *strict, "-c", BARE], cwd=place, env=clean_environment(), check=True)
    command = inside.with_name("p31mg")
    for arguments in (["--version"], ["fit", "study/sub-01.nii.gz", "--figure", "fit.svg"], ["mg", "8.55"]):
        subprocess.run([command, *arguments], cwd=place, env=clean_environment(), check=True, capture_output=True)
    if lowest:
        print(f"{name}: {versions(inside)}", flush=True)
    print(f"{name}: reads, fits, draws, reports ({time.monotonic() - started:.0f} s)", flush=True)


def run_tests(name: str, python: Path, requirement: str, folder: Path, tests: Path, lowest: Path | None = None) -> None:
    """Run the tests of the sdist on what is installed, and print what pytest says last."""
    inside = environment_of(python, requirement, folder, lowest)
    if lowest:
        print(f"{name}: {versions(inside)}", flush=True)
    arguments = ["-n", "auto", "-q", "-p", "no:cacheprovider", "tests", "README.md"]
    if lowest:
        # what old versions say of the newest of those that they need is not ours to mend
        arguments += ["-o", "filterwarnings=error\nignore::DeprecationWarning\nignore::PendingDeprecationWarning"]
    told = "import p31mg; print(p31mg.__file__)"
    place = subprocess.run(
        [inside, "-c", told], cwd=tests, env=clean_environment(), capture_output=True, text=True, check=False
    )
    if "site-packages" not in place.stdout:
        sys.exit(f"{name}: p31mg is that of {place.stdout or place.stderr}, not what was installed.")
    done = subprocess.run(
        [inside, "-m", "pytest", *arguments],
        cwd=tests,
        env=clean_environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    print(f"{name}: {done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr}", flush=True)
    if done.returncode:
        sys.exit(done.stdout[-6000:])


def versions(python: Path) -> str:
    """Return the versions of the direct dependencies in an environment."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=\[]", line)[0] for line in project["dependencies"]]
    code = f"import importlib.metadata as m; print(', '.join(f'{{n}} {{m.version(n)}}' for n in {names!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def clean_environment() -> dict[str, str]:
    """Return the variables without those by which a checkout could be found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return {**kept, "MPLBACKEND": "Agg"}


if __name__ == "__main__":
    main()
