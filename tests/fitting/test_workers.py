"""Work shared among processes and threads: order, errors, interruption, and that nothing is left behind."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import p31mg
from p31mg.fitting.workers import can_fork, for_each

PROCESSES = [False, pytest.param(True, marks=pytest.mark.skipif(not can_fork(), reason="no process can fork here"))]
needs_fork = pytest.mark.skipif(not can_fork(), reason="no process can fork here")


@pytest.fixture(params=PROCESSES, ids=["threads", "processes"])
def processes(request):
    return request.param


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("workers", [1, 2, 5, 100])
def test_results_come_in_order(processes, workers):
    def late_first(i: int) -> np.ndarray:
        time.sleep(0.02 if i == 0 else 0.0)
        return np.full(3, i)

    np.testing.assert_array_equal(
        for_each(late_first, range(9), workers, processes=processes), [[i] * 3 for i in range(9)]
    )


def test_nothing_to_do(processes):
    assert for_each(str, [], 3, processes=processes) == []


def test_results_larger_than_a_pipe_holds(processes):
    out = for_each(lambda i: np.full(300_000, float(i)), range(4), 2, processes=processes)
    assert [float(values.mean()) for values in out] == [0.0, 1.0, 2.0, 3.0]


def test_an_error_is_that_of_the_call(processes, capfd):
    def broken(i: int) -> int:
        if i == 2:
            raise p31mg.InputError("broken on purpose")
        return i

    with pytest.raises(p31mg.InputError, match="broken on purpose"):
        for_each(broken, range(5), 2, processes=processes)
    assert capfd.readouterr().err == ""
    assert not multiprocessing.active_children()


@needs_fork
def test_work_is_done_in_other_processes_and_nothing_stays():
    before = descriptors()
    owners = for_each(lambda _: (time.sleep(0.05), os.getpid())[1], range(6), 2, processes=True)
    assert len(set(owners)) == 2
    assert os.getpid() not in owners
    assert not multiprocessing.active_children()
    assert descriptors() == before


@needs_fork
def test_work_of_a_process_that_was_killed_is_done_here():
    here = os.getpid()

    def deadly(i: int) -> int:
        if i == 1 and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return i

    assert for_each(deadly, range(4), 2, processes=True) == [0, 1, 2, 3]


@needs_fork
def test_interrupt_ends_the_processes_at_once():
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before, start = descriptors(), time.monotonic()
    old = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            for_each(lambda _: time.sleep(60), range(2), 2, processes=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert time.monotonic() - start < 20
    assert not multiprocessing.active_children()
    assert descriptors() == before


_SCRIPT = """
import p31mg
spectra = p31mg.simulate(free_mg_mM=[0.4] * 300, prior="muscle-3t", snr=300, seed=1)
print(float(p31mg.fit(spectra, workers=2).shift_alpha_beta_ppm.mean()).hex())
"""


def test_a_script_without_a_main_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT)
    out = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=120)
    spectra = p31mg.simulate(free_mg_mM=[0.4] * 300, prior="muscle-3t", snr=300, seed=1)
    assert out.stdout.split() == [float(p31mg.fit(spectra).shift_alpha_beta_ppm.mean()).hex()]
    assert out.stderr == ""


def test_a_worker_of_a_pool_brings_no_processes(monkeypatch):
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    assert not can_fork()


def test_threads_give_the_bits_of_processes(simulated, arrays, monkeypatch):
    spectra = simulated(np.linspace(0.3, 0.9, 300), snr=np.geomspace(40, 1000, 300))
    one = arrays(p31mg.fit(spectra, workers=2))
    monkeypatch.setattr(importlib.import_module("p31mg.fitting.workers"), "can_fork", lambda: False)
    for name, values in arrays(p31mg.fit(spectra, workers=2)).items():
        np.testing.assert_array_equal(values, one[name], err_msg=name)
