"""jMRUI binary (``.mrui``): 64 big-endian doubles of header, then the signals as pairs of doubles, then free text.

The header's doubles are, in order: kind of signal, points, sampling interval (ms), begin time (ms), zero-order phase,
transmitter frequency (Hz), field (T), nucleus by number, and reference values. There is no magic number: a file is taken for
one where these numbers make sense together. **Sign** and **begin time** as in jMRUI text.

The parser is ours: the format is one call of NumPy, which here refuses what does not fit.
"""

from __future__ import annotations

import math

import numpy as np

from p31mg.acquisition import MIN_POINTS
from p31mg.errors import ReadError
from p31mg.io.content import Content, one_or_stack
from p31mg.io.formats.jmrui_text import jmrui_nucleus
from p31mg.io.header import Stated
from p31mg.io.source import MOST_POINTS, Source, require_bytes

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "jMRUI binary"
SUFFIXES: tuple[str, ...] = (".mrui",)

_HEADER_BYTES = 512
_POINT_BYTES = 16
_PRINTABLE = bytes(range(32, 127)) + b"\t\n\r"
_FIELDS = (
    "type_of_signal",
    "number_of_points",
    "sampling_interval",
    "begin_time",
    "zero_order_phase",
    "transmitter_frequency",
    "magnetic_field",
    "type_of_nucleus",
    "reference_frequency_hz",
    "reference_frequency_ppm",
    "fid_or_echo",
    "apodizing",
    "zeros",
)


def recognises(source: Source) -> bool:
    """Return whether a file begins with a header that makes sense."""
    if source.is_folder or len(source.head) < _HEADER_BYTES:
        return False
    return _sense(_header(source.head))


def parse(source: Source) -> Content:
    """Read all signals of the file."""
    content = source.read_bytes()
    require_bytes(_HEADER_BYTES, len(content), source, "the header")
    header = _header(content)
    if not _sense(header):
        msg = f"file {source.path} is named like jMRUI binary but its header makes no sense; export it again."
        raise ReadError(msg)
    n_points = int(header["number_of_points"])
    require_bytes(_HEADER_BYTES + _POINT_BYTES * n_points, len(content), source, f"one signal of {n_points} points")
    n_signals = _number_of_signals(content, n_points)
    data = np.frombuffer(content, ">f8", 2 * n_signals * n_points, _HEADER_BYTES).astype(float).view(complex)
    text = content[_HEADER_BYTES + _POINT_BYTES * n_signals * n_points :].decode("utf-8", errors="replace")
    frequency = header["transmitter_frequency"]
    nucleus, doubts = jmrui_nucleus(str(header["type_of_nucleus"]), frequency, header["magnetic_field"])
    stated = Stated(
        spectrometer_frequency_mhz=frequency * 1e-6 if frequency > 1e5 else frequency or None,
        dwell_time_s=1e-3 * header["sampling_interval"],
        begin_time_s=1e-3 * header["begin_time"],
        begin_time_source="begin time of the header",
        begin_time_implied=header["begin_time"] == 0,
        resonant_nucleus=nucleus,
    )
    fid, axis_names = one_or_stack(data.reshape(n_signals, n_points), "signal")
    return Content(fid, stated, axis_names, {**header, "text": text}, doubts)


def _header(content: bytes) -> dict[str, float]:
    return dict(zip(_FIELDS, np.frombuffer(content, ">f8", len(_FIELDS)).tolist(), strict=True))


def _sense(header: dict[str, float]) -> bool:
    n_points, interval = header["number_of_points"], header["sampling_interval"]
    return (
        all(map(math.isfinite, header.values()))
        and MIN_POINTS <= n_points <= MOST_POINTS
        and n_points == int(n_points)
        and 1e-6 < interval < 1e3
        and 0 <= header["transmitter_frequency"] < 1e10
        and 0 <= header["type_of_nucleus"] <= 100
        and abs(header["begin_time"]) < 1e6
    )


def _number_of_signals(content: bytes, n_points: int) -> int:
    """Return how many signals there are: the header does not say, and text follows them, which may be as long as a signal."""
    size = _POINT_BYTES * n_points
    n_signals = (len(content) - _HEADER_BYTES) // size
    while n_signals > 1 and _is_text(_block(content, n_signals - 1, size)):
        n_signals -= 1
    return n_signals


def _block(content: bytes, i: int, size: int) -> bytes:
    """Return the beginning of a signal."""
    start = _HEADER_BYTES + i * size
    return content[start : start + min(size, 4096)]


def _is_text(block: bytes) -> bool:
    return len(block.translate(None, _PRINTABLE)) < 0.05 * len(block)
