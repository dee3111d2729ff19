"""JEOL Delta (``.jdf``), read by nmrglue.

**Sign**: as nmrglue gives it, which is that of NMRPipe's own converter. **Digital filter**: the receiver decimates in stages
of FIR filters with linear phase, so the delay is half of each filter's length at its own rate: ORDERS and FACTORS state both.
**Begin time**: asked for; acq_delay counts from the end of the pulse.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from p31mg.errors import ReadError
from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.foreign import library
from p31mg.io.formats.bruker import without_group_delay
from p31mg.io.header import Stated
from p31mg.io.source import MOST_POINTS, Source, require_bytes, unsupported

__all__ = ["NAME", "SUFFIXES", "group_delay_points", "parse", "recognises"]

NAME = "JEOL Delta"
SUFFIXES: tuple[str, ...] = (".jdf",)

_MAGIC = (b"JEOL.NMR", b"RMN.LOEJ")
_HEADER_BYTES = 1360
_MOST_PARAMETERS = 20_000
_LARGEST_BYTES = 24 * 2**20
"""nmrglue takes numbers out one by one, as Python objects."""


def recognises(source: Source) -> bool:
    """Return whether a file begins as JEOL data."""
    return source.head.startswith(_MAGIC)


def parse(source: Source) -> Content:
    """Read header, parameters and FID."""
    content = source.read_bytes(_LARGEST_BYTES)
    require_bytes(_HEADER_BYTES, len(content), source, "the header")
    with library(source, NAME):
        from nmrglue.fileio import jeol

        buffer = jeol.IOBuffer(content, conversion_table=jeol.ConversionTable)
        buffer, header = jeol.read_header(buffer)
        _require_sense(header, content, source)
        buffer, parameters = jeol.read_parameters(buffer, header["param_start"], header["endian"])
        described = {"header": header, "parameters": parameters}
        data = jeol.truncate_data(described, jeol.reorganize(described, jeol.read_bin_data(described, content)))
        fid = np.asarray(data, dtype=complex).reshape(-1)
    values = Fields({k: v for k, v in parameters.items() if not isinstance(v, (dict, complex))}, source)
    delay, pulse = values.number("acq_delay", 1e6), values.number("x_pulse")
    hint = (
        ""
        if delay is None or pulse is None
        else f"It is acq_delay = {delay:g} us and half of x_pulse = {pulse:.4g} us."
    )
    stated = Stated(
        spectrometer_frequency_mhz=values.number("x_freq", 1e-6),
        spectral_width_hz=values.number("x_sweep"),
        begin_time_hint=hint,
        resonant_nucleus=values.text("x_domain"),
    )
    return Content(without_group_delay(fid, group_delay_points(values), source), stated, (), described)


def _require_sense(header: dict[str, Any], content: bytes, source: Source) -> None:
    """Refuse what is no single FID, and sizes that the file cannot hold: nmrglue takes them as they are."""
    if sum(bool(kind) for kind in header["data_axis_type"]) != 1 or header["data_axis_type"][0] != "complex":
        raise unsupported(source, "holds no single complex FID (a series, a spectrum or real data); export the FID.")
    unit = header["units"][0][-1]
    if unit != "second":
        raise unsupported(source, f"holds data along {unit}, not along time; export the FID.")
    points = [int(n) for n in header["data_points"]]
    item = {"float64": 8, "float32": 4}.get(str(header["data_type"]), 0)
    if not item or math.prod(points) > min(MOST_POINTS, _LARGEST_BYTES // 8):
        raise unsupported(source, f"states {points} points of {header['data_type']}; p31mg reads one FID of floats.")
    require_bytes(2 * item * math.prod(points) + int(header["data_start"]), len(content), source, f"{points[0]} points")
    start = int(header["param_start"])
    order = "little" if header["endian"] == "little_endian" else "big"
    highest = int.from_bytes(content[start + 8 : start + 12], order)  # type: ignore[arg-type]
    if highest > _MOST_PARAMETERS:
        raise unsupported(source, f"states {highest:,} parameters; it is damaged.")


def group_delay_points(parameters: Fields) -> float:
    """Return by how many points the digital filter delays the signal.

    A stage of order m works at the rate of the points before it is decimated, and delays by (m - 1) / 2 of those; its own
    and all later factors decimate them. nmrglue gives both lists without their blanks, the orders after the number of stages.
    """
    if parameters.text("digital_filter").upper() != "TRUE":
        return 0.0
    orders, factors = parameters.text("orders"), parameters.text("factors")
    n_stages = int(orders[0]) if orders.isdigit() else 0
    lengths, decimations = _numbers(orders[1:], n_stages), _numbers(factors, n_stages)
    if not lengths or not decimations or min(decimations) < 1:
        msg = (
            f"file {parameters.source.path} has a digital filter of orders {orders!r:.40} and factors {factors!r:.40}, "
            "whose delay p31mg cannot tell; export the FID without it."
        )
        raise ReadError(msg)
    return sum((length - 1) / math.prod(decimations[i:]) for i, length in enumerate(lengths)) / 2


def _numbers(packed: str, count: int) -> list[int]:
    """Return the numbers of a list that has lost its blanks, where all have one width: ``"5473"`` is two of two digits."""
    if not packed.isdigit() or count == 0 or len(packed) % count:
        return []
    width = len(packed) // count
    return [int(packed[i : i + width]) for i in range(0, len(packed), width)]
