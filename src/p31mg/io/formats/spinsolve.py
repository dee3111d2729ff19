"""Magritek Spinsolve: a folder with ``acqu.par`` and ``data.1d`` or ``fid.1d``, read by nmrglue.

**Sign**: the opposite of p31mg's, so it is conjugated. **Begin time**: asked for; acqDelay counts from the end of the pulse.
The ``nmr_fid.dx`` that may lie there too is read as JCAMP-DX when it is given by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from p31mg.errors import ReadError
from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.foreign import library
from p31mg.io.header import Stated
from p31mg.io.source import LARGEST_PARAMETERS_BYTES, Source, require_bytes, require_points

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "Spinsolve"
SUFFIXES: tuple[str, ...] = (".1d",)

_MAGIC = b"SORPATAD"
_HEADER_BYTES = 32
_POINT_BYTES = 12
"""A time and a complex number, all in single precision."""
_DATA_NAMES = ("data.1d", "fid.1d")


def recognises(source: Source) -> bool:
    """Return whether a file begins as Spinsolve data, or a folder holds such a file and its parameters."""
    if source.is_folder:
        return "acqu.par" in source.names and any(name in source.names for name in _DATA_NAMES)
    return source.head.startswith(_MAGIC)


def parse(source: Source) -> Content:
    """Read parameters and FID."""
    data = source if not source.is_folder else source.part("data.1d") or source.part("fid.1d")
    parameters = source.part("acqu.par")
    if data is None or parameters is None:
        msg = f"{source.path} needs acqu.par and data.1d in one folder; put both there."
        raise ReadError(msg)
    parameters.require_size(LARGEST_PARAMETERS_BYTES)
    data.require_size()
    require_bytes(_HEADER_BYTES, len(data.head), data, "the header")
    n_points = int(np.frombuffer(data.head, "<u4", 1, 16)[0])
    n_more = np.frombuffer(data.head, "<u4", 3, 20).tolist()
    if max(n_more) > 1:
        msg = f"file {data.path} has the dimensions {(n_points, *n_more)}; p31mg reads one FID of Spinsolve."
        raise ReadError(msg)
    require_points(n_points, data)
    require_bytes(_HEADER_BYTES + _POINT_BYTES * n_points, data.size, data, f"{n_points} points", exact=True)
    with library(data, NAME):
        from nmrglue.fileio import spinsolve

        described, points = spinsolve.read(
            str(data.folder), specfile=data.path.name, acqupar=parameters.path.name, procpar="\0"
        )
        fid = np.conj(np.asarray(points, dtype=complex))
    acquired: dict[str, Any] = described["acqu"]
    header = Fields(acquired, parameters)
    nucleus = header.text("rxChannel")
    dwell = header.number("dwellTime", 1e-6)
    delay = header.number("acqDelay")
    stated = Stated(
        spectrometer_frequency_mhz=header.number(f"b1Freq{nucleus}") or header.number("b1Freq"),
        spectral_width_hz=None if dwell else header.number("bandwidth", 1e3),
        dwell_time_s=dwell,
        begin_time_hint=f"acqDelay is {delay:g} us, from the end of the pulse." if delay is not None else "",
        resonant_nucleus=nucleus,
    )
    return Content(fid, stated, (), acquired)
