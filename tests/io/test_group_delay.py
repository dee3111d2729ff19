"""The digital filter of a receiver, simulated as it works: many points, a symmetric FIR filter, every M-th point kept."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import scipy.signal

import p31mg
from p31mg.io.fields import Fields
from p31mg.io.formats import jeol
from p31mg.io.formats.bruker import group_delay_points, without_group_delay
from p31mg.io.source import Source

NOWHERE = Source(Path("fid"), is_folder=False, size=0, head=b"")
OPTIONS = {"begin_time_s": 0.0}
FREQUENCIES_HZ, DECAYS = np.array([-1650.0, 100.0, 1600.0]), np.array([40.0, 25.0, 60.0])


def lines(t: np.ndarray) -> np.ndarray:
    """Return three lines, two thirds of the way to either edge of the band, from t = 0 on."""
    return np.where(t >= 0, 1.0, 0.0) * np.exp((2j * np.pi * FREQUENCIES_HZ - DECAYS)[:, None] * t).sum(axis=0)


def received(n_points: int, dwell_s: float, decimation: int, length: int) -> tuple[np.ndarray, float]:
    """Return what a receiver that oversamples by `decimation` with a filter of `length` taps records, and its delay in points."""
    fine = lines(np.arange(n_points * decimation) * dwell_s / decimation)
    taps = scipy.signal.firwin(length, 1.0 / decimation)
    filtered = scipy.signal.lfilter(taps, 1.0, fine)
    return filtered[::decimation], (length - 1) / 2 / decimation


@pytest.mark.parametrize(("decimation", "length"), [(12, 1716), (8, 1137), (16, 2401), (3, 190)])
def test_what_a_digital_filter_did_is_undone(decimation: int, length: int) -> None:
    dwell = 1 / 5000.0
    raw, delay = received(1024, dwell, decimation, length)
    fid = without_group_delay(raw, delay, NOWHERE)
    expected = lines(np.arange(fid.size) * dwell)
    # a filter of the band rounds the edge at t = 0: its ringing falls as one over the points since then, 1 % after 20
    assert np.abs(fid - expected)[20:-20].max() < 0.03
    phase = np.angle((fid[20:200] * expected[20:200].conj()).sum())
    assert abs(phase) < 1e-3


def test_frequency_dependent_phase_is_gone() -> None:
    dwell = 1 / 5000.0
    raw, delay = received(2048, dwell, 12, 1716)
    fid = without_group_delay(raw, delay, NOWHERE)
    t = np.arange(fid.size) * dwell
    model = np.exp((2j * np.pi * FREQUENCIES_HZ - DECAYS) * t[:, None])
    amplitudes = np.linalg.lstsq(model[20:400], fid[20:400], rcond=None)[0]
    # a tenth of a point of first-order phase would be 2 pi * 3250 Hz * 0.02 ms = 0.4 rad over the band
    np.testing.assert_allclose(np.angle(amplitudes), 0.0, atol=0.005)
    np.testing.assert_allclose(np.abs(amplitudes), 1.0, atol=0.005)


def test_whole_delay_is_a_cut() -> None:
    raw = np.concatenate([np.zeros(70), lines(np.arange(200) / 5000.0)])
    np.testing.assert_allclose(without_group_delay(raw, 70.0, NOWHERE), raw[70:], atol=1e-12)


def test_delay_longer_than_the_fid_is_refused() -> None:
    with pytest.raises(p31mg.ReadError, match="fewer than the digital filter's delay of 70; it is truncated"):
        without_group_delay(np.ones(64, dtype=complex), 70.0, NOWHERE)


@pytest.mark.parametrize(
    ("header", "points"),
    [
        ({"DIGMOD": 1, "GRPDLY": 67.9862, "DECIM": 12, "DSPFVS": 10}, 67.9862),
        ({"DIGMOD": 3, "GRPDLY": 76.0, "DECIM": 12, "DSPFVS": 20}, 76.0),
        ({"DIGMOD": 1, "GRPDLY": -1, "DECIM": 16, "DSPFVS": 10}, 69.5313),  # table of the maker, to four digits
        ({"DIGMOD": 1, "GRPDLY": 0, "DECIM": 24, "DSPFVS": 11}, 70.1667),
        ({"DIGMOD": 1, "DECIM": 16, "DSPFVS": 12}, 71.625),
        ({"DIGMOD": 0, "DECIM": 12, "DSPFVS": 10}, 0.0),
        ({"DIGMOD": 1, "DECIM": 1, "DSPFVS": 10}, 0.0),
        ({}, 0.0),
    ],
)
def test_delay_that_bruker_parameters_mean(header: dict[str, float], points: float) -> None:
    assert group_delay_points(Fields(header, NOWHERE)) == pytest.approx(points, abs=5e-4)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"DIGMOD": 1, "DECIM": 12, "DSPFVS": 9}, r"DSPFVS 9 with DECIM 12 is in no table"),
        ({"DIGMOD": 1, "DECIM": 13, "DSPFVS": 10}, r"DSPFVS 10 with DECIM 13 is in no table"),
        ({"DIGMOD": 1, "GRPDLY": 1e9}, r"states GRPDLY 1e\+09 points; it must be below 1000"),
        ({"DIGMOD": 1, "GRPDLY": "soon"}, r"states GRPDLY 'soon'; it must be a number"),
    ],
)
def test_delay_that_nobody_knows_is_refused(header: dict[str, object], message: str) -> None:
    with pytest.raises(p31mg.ReadError, match=message):
        group_delay_points(Fields(header, NOWHERE))


@pytest.mark.parametrize(
    ("orders", "factors", "points"),
    [
        ("25473", "82", (53 / 16 + 72 / 2) / 2),
        ("1101", "4", 100 / 4 / 2),
        ("3102030", "222", (9 / 8 + 19 / 4 + 29 / 2) / 2),
    ],
)
def test_delay_that_jeol_parameters_mean(orders: str, factors: str, points: float) -> None:
    header = {"digital_filter": "TRUE", "orders": orders, "factors": factors}
    assert jeol.group_delay_points(Fields(header, NOWHERE)) == pytest.approx(points)


@pytest.mark.parametrize(
    ("orders", "factors"), [("", ""), ("2547", "82"), ("25473", "812"), ("25473", "80"), ("x", "82")]
)
def test_delay_that_jeol_leaves_open_is_refused(orders: str, factors: str) -> None:
    header = {"digital_filter": "TRUE", "orders": orders, "factors": factors}
    with pytest.raises(p31mg.ReadError, match="whose delay p31mg cannot tell"):
        jeol.group_delay_points(Fields(header, NOWHERE))


def test_bruker_folder_with_old_filter_comes_out_without_it(makers: ModuleType, tmp_path: Path) -> None:
    raw = np.concatenate([np.zeros(70), makers.signal()])
    path = makers.bruker(tmp_path, raw, DIGMOD=1, DECIM=16, DSPFVS=10)
    fid = p31mg.read(path, **OPTIONS).fid
    assert fid.size == makers.N_POINTS
    # 69.53 points are undone, so the signal begins 0.47 points late: the lines have that much first-order phase
    expected = makers.signal()
    shift = 70 - 69.53125
    n = np.arange(makers.N_POINTS)
    late = np.exp(2j * np.pi * 20 * (n - shift) / makers.N_POINTS - (n - shift) / 50)
    late += 0.4 * np.exp(-2j * np.pi * 33 * (n - shift) / makers.N_POINTS - (n - shift) / 40)
    late *= np.abs(expected[0]) / 1.4
    scale = np.vdot(late[10:100], fid[10:100]) / np.vdot(late[10:100], late[10:100])
    assert np.abs(fid / scale - late)[10:100].max() < 0.05 * np.abs(late).max()
    assert abs(np.angle(scale)) < 0.02


def test_jeol_and_paravision_undo_theirs(makers: ModuleType, tmp_path: Path) -> None:
    delayed = np.concatenate([np.zeros(20), makers.signal()])
    file = makers.jeol(tmp_path, delayed, digital_filter="TRUE", orders="1161", factors="4")
    np.testing.assert_allclose(p31mg.read(file, **OPTIONS).fid, makers.signal(), atol=1e-9)
    folder = makers.paravision(tmp_path, delayed, PVM_DigShift=20)
    fid = p31mg.read(folder, **OPTIONS).fid
    np.testing.assert_allclose(fid / fid[0] * makers.signal()[0], makers.signal(), atol=1e-6)
