"""Bruker TopSpin and XWIN-NMR: a folder with ``acqus`` and ``fid`` or ``ser``, read by nmrglue.

**Sign** as that of p31mg. **Digital filter**: the receiver's filter delays the signal by GRPDLY points, or by what
DECIM and DSPFVS mean on older consoles (table in nmrglue). `p31mg.preprocess.group_delay` undoes it.
**Begin time**: DE, from the end of the pulse to the opening of the receiver, and half of the pulse. Which pulse excited is a
matter of the pulse program (and 10 us are 0.06 ppm of shift_alpha_beta at 14 T), so it is asked for, and the message says what
the file has. Where DIGMOD is baseopt the first point is at the centre of the pulse.
"""

from __future__ import annotations

import io
import math
from typing import Any

from p31mg.arrays import ComplexArray
from p31mg.errors import ReadError
from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.foreign import library
from p31mg.io.header import Stated
from p31mg.io.source import LARGEST_PARAMETERS_BYTES, Source, require_bytes, require_points
from p31mg.preprocess.group_delay import moved_earlier

__all__ = [
    "NAME",
    "SUFFIXES",
    "group_delay_points",
    "parameters",
    "parse",
    "recognises",
    "stated",
    "without_group_delay",
]

NAME = "Bruker TopSpin"
SUFFIXES: tuple[str, ...] = ()

_DATA_NAMES = ("fid", "ser")
_ANALOG, _BASEOPT = "0", "3"
_UNUSABLE_MODES = {"0": "one channel (AQ_mod 0, qf)", "2": "channels in turn (AQ_mod 2, qseq)"}
_LONGEST_DELAY_POINTS = 1000.0
_LONGEST_FID = 2**20
_MOST_LINES = 2000
"""Of one value, or of comments in a row."""
_BLOCK_BYTES = 1024
"""Every FID of a ``ser`` begins at a multiple of this."""


def recognises(source: Source) -> bool:
    """Return whether a folder, or the folder of a file called fid, ser or acqus, is a Bruker dataset."""
    is_part = source.is_folder or source.lower_name in (*_DATA_NAMES, "acqus", "acqu")
    return is_part and "acqus" in source.names and any(name in source.names for name in _DATA_NAMES)


def parse(source: Source) -> Content:
    """Read parameters and FIDs, and undo the digital filter."""
    acqus, data = source.part("acqus"), source.part("fid") or source.part("ser")
    if acqus is None or data is None:
        msg = f"folder {source.folder} lacks {'acqus' if acqus is None else 'fid or ser'} of a Bruker dataset."
        raise ReadError(msg)
    header = Fields(parameters(acqus), acqus)
    n_axes = 1 if data.lower_name == "fid" else _dimensions(header)
    if n_axes > 2:
        msg = f"file {data.path} has {n_axes} time dimensions; p31mg reads one, and a series of FIDs along a second."
        raise ReadError(msg)
    fid = _fid(data, header)
    delay = group_delay_points(header)
    described = {"acqus": header.values}
    return Content(
        without_group_delay(fid, delay, data),
        stated(header),
        ("indirect_0",) if fid.ndim == 2 else (),
        described,
    )


def parameters(source: Source) -> dict[str, Any]:
    """Return the parameters of ``acqus`` and its like, as nmrglue reads them."""
    text = source.read_text(LARGEST_PARAMETERS_BYTES)
    with library(source, "Bruker parameters"):
        from nmrglue.fileio.bruker import parse_jcamp_file

        values: dict[str, Any] = parse_jcamp_file(_EndingText(text), {"_coreheader": [], "_comments": []})
        return values


class _EndingText(io.StringIO):
    """A text in which a value must end: nmrglue looks for its end for ever, and again from its beginning with every line."""

    _n_lines_of_value = 0

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        line = super().readline(size)
        self._n_lines_of_value = 0 if line.startswith("##") else self._n_lines_of_value + (1 if line else _MOST_LINES)
        if self._n_lines_of_value > _MOST_LINES:
            msg = "a value does not end"
            raise EOFError(msg)
        return line


def stated(fields: Fields) -> Stated:
    """Return what Bruker parameters say about the acquisition; JCAMP-DX files of Bruker have the same."""
    frequency = fields.number("SFO1")
    width = fields.number("SW_h") or fields.number("SWH")
    is_baseopt = fields.text("DIGMOD") == _BASEOPT
    return Stated(
        spectrometer_frequency_mhz=frequency,
        spectral_width_hz=width,
        begin_time_s=0.0 if is_baseopt else None,
        begin_time_source="DIGMOD baseopt",
        begin_time_implied=is_baseopt,
        begin_time_hint=_dead_time_hint(fields),
        resonant_nucleus=fields.text("NUC1") or fields.text("NUCLEUS"),
    )


def _dead_time_hint(fields: Fields) -> str:
    """Return what the file says about the begin time: DE, and the pulse that most programs excite with."""
    dead, pulses = fields.number("DE"), fields.values.get("P")
    if dead is None or not isinstance(pulses, list) or len(pulses) < 2:
        return ""
    return f"It is DE = {dead:g} us and half of the exciting pulse (P1 = {pulses[1]} us in most pulse programs)."


def _dimensions(header: Fields) -> int:
    return int(header.number("PARMODE") or 0) + 1


def _fid(data: Source, header: Fields) -> ComplexArray:
    mode = header.text("AQ_mod")
    if mode in _UNUSABLE_MODES:
        msg = f"file {data.path} was acquired with {_UNUSABLE_MODES[mode]}; p31mg needs both components at once (qsim, DQD)."
        raise ReadError(msg)
    kind = int(header.number("DTYPA") or 0)
    item = 8 if kind == 2 else 4
    n_values = header.whole("TD")
    data.require_size()
    stride = n_values * item
    if data.lower_name == "ser":
        stride = -(-stride // _BLOCK_BYTES) * _BLOCK_BYTES
    n_fids = max(data.size // stride, 1) if data.lower_name == "ser" else 1
    require_points(n_fids * n_values // 2, data)
    require_bytes(n_values * item, data.size, data, f"TD {n_values}")
    with library(data, NAME):
        from nmrglue.fileio.bruker import read_binary

        _, points = read_binary(
            str(data.path), shape=(-1,), cplex=True, big=header.text("BYTORDA") == "1", isfloat=kind == 2
        )
    if n_fids == 1:
        return points[: n_values // 2]
    return points[: n_fids * stride // (2 * item)].reshape(n_fids, -1)[:, : n_values // 2]


def group_delay_points(header: Fields) -> float:
    """Return by how many points the digital filter delays the signal; 0 where the file was acquired without one."""
    if header.text("DIGMOD") == _ANALOG:
        return 0.0
    delay = header.number("GRPDLY")
    if delay is not None and delay > 0:
        if delay > _LONGEST_DELAY_POINTS:
            msg = (
                f"file {header.source.path} states GRPDLY {delay:g} points; it must be below {_LONGEST_DELAY_POINTS:g}."
            )
            raise ReadError(msg)
        return delay
    firmware, decimation = header.number("DSPFVS"), header.number("DECIM")
    if firmware is None or decimation is None or decimation <= 1:
        return 0.0
    from nmrglue.fileio.bruker import bruker_dsp_table

    known = bruker_dsp_table.get(int(firmware), {})
    if int(decimation) not in known:
        msg = (
            f"file {header.source.path} states no group delay GRPDLY, and DSPFVS {firmware:g} with DECIM {decimation:g} is in no "
            "table; convert the FID on the spectrometer (convdta)."
        )
        raise ReadError(msg)
    return float(known[int(decimation)])


def without_group_delay(fid: ComplexArray, delay: float, source: Source) -> ComplexArray:
    """Return FIDs (..., n) of a file moved to earlier times by `delay` points, without the points before the signal."""
    n = fid.shape[-1]
    if delay and n - math.ceil(delay) < 1:
        msg = f"file {source.path} has {n} points, fewer than the digital filter's delay of {delay:g}; it is truncated."
        raise ReadError(msg)
    if delay and n > _LONGEST_FID:
        msg = f"file {source.path} has FIDs of {n:,} points; p31mg undoes the digital filter of up to {_LONGEST_FID:,}."
        raise ReadError(msg)
    return moved_earlier(fid, delay)
