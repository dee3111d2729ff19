"""Varian and Agilent VnmrJ: a folder with ``fid`` and ``procpar``, read by nmrglue.

**Sign**: the opposite of p31mg's, so it is conjugated. **Begin time**: from the middle of the pulse to the first point is at
least pw/2 + rof2 + alfa; filters add to it by an amount that the file does not state, so this is not used: it is asked for.
**Axis**: an arrayed experiment has one axis, named after its parameter.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from p31mg.errors import ReadError
from p31mg.io.content import Content, one_or_stack
from p31mg.io.fields import Fields
from p31mg.io.foreign import library
from p31mg.io.header import Stated
from p31mg.io.source import LARGEST_PARAMETERS_BYTES, Source, require_bytes, require_points

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "Varian/Agilent"
SUFFIXES: tuple[str, ...] = ()

_HEADER_BYTES = 32
_BLOCK_HEADER_BYTES = 28


def recognises(source: Source) -> bool:
    """Return whether a folder, or the folder of a file called fid or procpar, is a Varian dataset."""
    is_part = source.is_folder or source.lower_name in ("fid", "procpar")
    return is_part and "procpar" in source.names and "fid" in source.names


def parse(source: Source) -> Content:
    """Read parameters and FIDs."""
    procpar, data = source.part("procpar"), source.part("fid")
    if procpar is None or data is None:
        msg = f"folder {source.folder} lacks {'procpar' if procpar is None else 'fid'} of a Varian dataset."
        raise ReadError(msg)
    described = _parameters(procpar)
    header = Fields({name: p["values"][0] for name, p in described.items() if p["values"]}, procpar)
    _require_sense(data)
    with library(data, NAME):
        from nmrglue.fileio.varian import read_fid

        _, points = read_fid(str(data.path), as_2d=True)
        fid = np.conj(np.atleast_2d(points))
    stated = Stated(
        spectrometer_frequency_mhz=header.number("sfrq"),
        spectral_width_hz=header.number("sw"),
        begin_time_hint=_dead_time_hint(header),
        resonant_nucleus=header.text("tn"),
    )
    array = header.text("array")
    fid, axis_names = one_or_stack(fid, f"array_{array}" if array.isidentifier() else "array")
    return Content(fid, stated, axis_names, {"procpar": described})


def _parameters(procpar: Source) -> dict[str, Any]:
    procpar.require_size(LARGEST_PARAMETERS_BYTES)
    with library(procpar, "Varian procpar"):
        from nmrglue.fileio.varian import read_procpar

        described: dict[str, Any] = read_procpar(str(procpar.path))
        return described


def _require_sense(data: Source) -> None:
    """Refuse a file header that promises more than the file holds: nmrglue allocates what it says."""
    data.require_size()
    require_bytes(_HEADER_BYTES, len(data.head), data, "the header")
    n_blocks, n_traces, n_values, item, trace_bytes, block_bytes = np.frombuffer(data.head, ">i4", 6).tolist()
    n_block_headers = int(np.frombuffer(data.head, ">i4", 1, 28)[0])
    sensible = (
        min(n_blocks, n_traces, n_values) >= 1
        and item in (2, 4)
        and trace_bytes == n_values * item
        and 0 <= n_block_headers <= 9
        and block_bytes == n_traces * trace_bytes + n_block_headers * _BLOCK_HEADER_BYTES
    )
    if not sensible:
        msg = f"file {data.path} begins with a header that contradicts itself; it is damaged."
        raise ReadError(msg)
    require_points(math.prod((n_blocks, n_traces, n_values)) // 2, data)
    require_bytes(
        _HEADER_BYTES + n_blocks * block_bytes, data.size, data, f"{n_blocks} blocks of {n_values // 2} points"
    )


def _dead_time_hint(header: Fields) -> str:
    """Return what the file says about the begin time."""
    pulse, ring_down, delay = (header.number(key) for key in ("pw", "rof2", "alfa"))
    if pulse is None or ring_down is None or delay is None:
        return ""
    return f"It is at least pw/2 + rof2 + alfa = {pulse / 2 + ring_down + delay:.4g} us; filters add to it."
