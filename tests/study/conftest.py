"""Small studies, and runs in a fork that can be killed without harm."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import p31mg
from p31mg.study import portions

N_FILES = 24


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the spectra of 24 people, of two acquisitions; one file is broken."""
    root = tmp_path_factory.mktemp("people")
    other = p31mg.Acquisition(spectrometer_frequency_mhz=49.9, dwell_time_s=2.5e-4, begin_time_s=3e-4)
    for i in range(N_FILES):
        acquisition = other if i % 3 == 0 else None
        one = p31mg.simulate(0.3 + 0.02 * i, snr=300, seed=i, n_points=256, acquisition=acquisition)
        p31mg.write(one, root / f"sub-{i:02d}.nii.gz")
    (root / "sub-07.nii.gz").write_bytes(b"no spectrum")
    return root


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every portion be of two files, so that a small study has many."""
    monkeypatch.setattr(portions, "_SECONDS_OF_A_PORTION", 2.5 * portions._SECONDS_OF_A_FILE)


class Forked:
    """A call in a fork of this process."""

    def __init__(self, call: Callable[[], object]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads: none of them matters to the fork
            self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                call()
                code = 0
            finally:
                os._exit(code)

    def kill(self) -> None:
        """As ``kill -9`` does; the process may have ended before."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Return the exit code, negative for a signal."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def forked() -> Callable[..., Forked]:
    """Call a function with arguments in a fork."""

    def begin(call: Callable[..., object], *arguments: Any, **options: Any) -> Forked:
        return Forked(lambda: call(*arguments, **options))

    return begin


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for something to become true."""

    def wait(condition: Callable[[], bool], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    return wait
