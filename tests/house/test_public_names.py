"""The public face: light to import, complete, documented."""

from __future__ import annotations

import enum
import inspect
import subprocess
import sys
from importlib import resources

import pytest

import p31mg
import p31mg.plot

HEAVY = ("matplotlib", "pandas", "lmfit", "scipy", "nibabel", "nmrglue", "click", "rich")


def loaded_after(statement: str) -> set[str]:
    """Return which heavy packages a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_import_loads_nothing_heavy() -> None:
    assert loaded_after("import p31mg") == set()


def test_plain_numbers_need_scipy_at_most() -> None:
    assert loaded_after("import p31mg; p31mg.free_magnesium(8.55, sd_ppm=0.01)") <= {"scipy"}


def test_fit_needs_no_plots_tables_or_command_line() -> None:
    assert loaded_after("import p31mg; p31mg.fit(p31mg.simulate(0.5, snr=300, seed=1, n_points=256))") <= {"scipy"}


def test_import_prints_nothing_and_leaves_logging_alone() -> None:
    code = "import logging, p31mg; assert not logging.getLogger().handlers"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")


def test_dir_is_the_public_list() -> None:
    assert dir(p31mg) == sorted(p31mg.__all__)
    assert list(p31mg.__all__) == sorted(p31mg.__all__)


@pytest.mark.parametrize("name", p31mg.__all__)
def test_public_name_resolves(name: str) -> None:
    assert getattr(p31mg, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'p31mg' has no attribute 'read_fid'"):
        _ = p31mg.read_fid


CONTRACT = [
    "Acquisition", "FitResult", "MagnesiumResult", "Spectra", "batch", "calibrations", "cohort", "fit", "free_magnesium", "plot",
    "power", "read", "simulate", "simulate_cohort", "write",
]  # fmt: skip


@pytest.mark.parametrize("name", CONTRACT)
def test_name_of_the_contract_is_public(name: str) -> None:
    assert name in p31mg.__all__


PUBLIC = {name: getattr(p31mg, name) for name in p31mg.__all__ if callable(getattr(p31mg, name))}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_has_a_docstring_of_its_own(name: str) -> None:
    documented = PUBLIC[name].__doc__ or ""
    assert documented.strip()
    assert not documented.startswith(f"{name}(")  # what dataclass makes where there is none


@pytest.mark.parametrize("name", [n for n, f in PUBLIC.items() if inspect.isfunction(f)])
def test_public_function_shows_an_example(name: str) -> None:
    assert "Examples\n" in inspect.getdoc(PUBLIC[name])
    assert ">>> " in inspect.getdoc(PUBLIC[name])


@pytest.mark.parametrize("name", [n for n, f in PUBLIC.items() if inspect.isfunction(f)])
def test_every_parameter_is_documented(name: str) -> None:
    documented = inspect.getdoc(PUBLIC[name])
    assert [p for p in inspect.signature(PUBLIC[name]).parameters if p not in documented] == []


@pytest.mark.parametrize(
    "name",
    [n for n, f in PUBLIC.items() if inspect.isclass(f) and issubclass(f, Exception) and not issubclass(f, Warning)],
)
def test_errors_are_ours_and_a_builtin(name: str) -> None:
    assert issubclass(PUBLIC[name], p31mg.P31mgError)
    assert name == "P31mgError" or issubclass(PUBLIC[name], (ValueError, OSError))


def test_every_status_has_a_sentence() -> None:
    assert issubclass(p31mg.FitStatus, enum.IntEnum)
    messages = [status.message for status in p31mg.FitStatus]
    assert len(set(messages)) == len(messages)
    assert all(len(message.split()) >= 3 for message in messages)


def test_package_says_that_it_is_typed() -> None:
    assert (resources.files("p31mg") / "py.typed").is_file()
