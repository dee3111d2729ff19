"""NMRPipe FIDs of one or two dimensions (a series of FIDs), read by nmrglue.

**Sign** as that of p31mg: NMRPipe's transform puts what rises counter-clockwise at higher ppm once the data are in its own
format. **Digital filter**: where FDDMXVAL says that one is still there, it is undone as for Bruker.
**Nucleus**: from the label of the direct dimension where that is one ("31P", "P31"). **Begin time**: not in the file.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.foreign import library
from p31mg.io.formats.bruker import without_group_delay
from p31mg.io.header import Stated, nucleus_name
from p31mg.io.source import Source, require_bytes, require_points, unsupported

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "NMRPipe"
SUFFIXES: tuple[str, ...] = (".fid", ".pipe")

_HEADER_FLOATS = 512
_HEADER_BYTES = 4 * _HEADER_FLOATS
_ORDER_CONSTANT = 2.345
"""FDFLTORDER: written at this value, so that a reader can tell the order of its bytes."""
_ORDER_INDEX, _DIMENSIONS, _POINTS, _FIDS = 2, 9, 99, 219
_LONGEST_DELAY_POINTS = 1000.0


def recognises(source: Source) -> bool:
    """Return whether a file begins with an NMRPipe header: it holds a known constant, in one order of bytes."""
    return len(source.head) >= _HEADER_BYTES and _order(source.head) is not None


def parse(source: Source) -> Content:
    """Read header and FIDs."""
    content = source.read_bytes()
    require_bytes(_HEADER_BYTES, len(content), source, "the header")
    order = _order(content)
    if order is None:
        raise unsupported(source, "is named like NMRPipe but does not begin as such; convert it again.")
    raw = np.frombuffer(content, f"{order}f4", _HEADER_FLOATS)
    n_dimensions = _whole(raw[_DIMENSIONS])
    if n_dimensions not in (1, 2):
        raise unsupported(
            source, f"has {n_dimensions} dimensions; p31mg reads one, or a series of FIDs along a second."
        )
    n_points, n_fids = _whole(raw[_POINTS]), _whole(raw[_FIDS]) if n_dimensions == 2 else 1
    require_points(max(n_points, 1) * max(n_fids, 1), source)
    require_bytes(_HEADER_BYTES + 8 * n_points * n_fids, len(content), source, f"{n_fids} FIDs of {n_points} points")
    with library(source, NAME):
        from nmrglue.fileio import pipe

        described, data = pipe.read(content)
        fid = np.asarray(data)
    header = Fields({k: v for k, v in described.items() if not isinstance(v, (list, tuple))}, source)
    axis = f"FDF{_whole(_entry(described, 'FDDIMORDER', 2.0))}"
    if header.number(f"{axis}FTFLAG") or not np.iscomplexobj(fid):
        raise unsupported(source, "holds a spectrum, or real data; p31mg needs the complex FID.")
    delay = header.number("FDDMXVAL") or 0.0
    if header.number("FDDMXFLAG") or not 0 < delay <= _LONGEST_DELAY_POINTS:
        delay = 0.0
    label = header.text(f"{axis}LABEL")
    stated = Stated(
        spectrometer_frequency_mhz=header.number(f"{axis}OBS") or None,
        spectral_width_hz=header.number(f"{axis}SW") or None,
        resonant_nucleus=nucleus_name(label),
    )
    fid = without_group_delay(fid.astype(complex), delay, source)
    return Content(fid, stated, ("indirect_0",) if fid.ndim == 2 else (), described)


def _order(content: bytes) -> str | None:
    for order in "<>":
        if abs(float(np.frombuffer(content, f"{order}f4", 1, 4 * _ORDER_INDEX)[0]) - _ORDER_CONSTANT) < 1e-4:
            return order
    return None


def _whole(value: Any) -> int:
    number = float(value)
    return int(number) if math.isfinite(number) else 0


def _entry(described: dict[str, Any], key: str, default: float) -> Any:
    value = described.get(key, default)
    return value[0] if isinstance(value, (list, tuple)) and value else value
