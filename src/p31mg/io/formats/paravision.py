"""Bruker ParaVision spectroscopy: a folder with ``acqp``, ``method`` and ``fid`` (``rawdata.job0`` from ParaVision 360 on).

**Sign** and **digital filter** as for TopSpin; the delay is PVM_DigShift points. **Begin time**: depends on the method and is
asked for. **Axes**: ``dyn`` (NR repetitions) and ``coil`` (PVM_EncNReceivers), in the order of the file.

The parser of the two parameter files is ours: nmrglue's does not know their form of arrays, ``( 2 )`` and values on the next
line. No dataset of a scanner was at hand to try it on: see ``docs/formats.md``. What does not fit is refused: grids (CSI) hold
more FIDs than repetitions and receivers account for.
"""

from __future__ import annotations

import re

import numpy as np

from p31mg.errors import ReadError
from p31mg.io.content import Content
from p31mg.io.fields import Fields
from p31mg.io.formats.bruker import without_group_delay
from p31mg.io.header import Stated
from p31mg.io.source import LARGEST_PARAMETERS_BYTES, Source, require_bytes, require_points, unsupported

__all__ = ["NAME", "SUFFIXES", "parse", "recognises"]

NAME = "Bruker ParaVision"
SUFFIXES: tuple[str, ...] = ()

_DATA_NAMES = ("rawdata.job0", "fid")
_ENTRY = re.compile(r"^##\$?([\w.]+)=(.*?)(?=^##|^\$\$|\Z)", re.MULTILINE | re.DOTALL)
_ARRAY = re.compile(r"^\(\s*\d+(?:\s*,\s*\d+)*\s*\)")
_ITEMS = {"GO_32BIT_SGN_INT": "i4", "GO_16BIT_SGN_INT": "i2", "GO_32BIT_FLOAT": "f4"}
_BLOCK_BYTES = 1024
_LONGEST_DELAY_POINTS = 1000.0


def recognises(source: Source) -> bool:
    """Return whether a folder, or the folder of a file with one of the names, is of ParaVision and not of TopSpin."""
    is_part = source.is_folder or source.lower_name in (*_DATA_NAMES, "acqp", "method")
    return is_part and {"acqp", "method"} <= source.names.keys() and any(name in source.names for name in _DATA_NAMES)


def parse(source: Source) -> Content:
    """Read parameters and FIDs."""
    acqp, method = source.part("acqp"), source.part("method")
    data = next((part for name in _DATA_NAMES if (part := source.part(name)) is not None), None)
    if acqp is None or method is None or data is None:
        msg = f"folder {source.folder} lacks acqp, method or fid of a ParaVision dataset."
        raise ReadError(msg)
    described = {"acqp": _parameters(acqp), "method": _parameters(method)}
    header = Fields({k: _first(v) for part in described.values() for k, v in part.items()}, method)
    if "PVM_SpecMatrix" not in header.values:
        raise unsupported(data, "is of a ParaVision method that states no PVM_SpecMatrix: an image, not spectra.")
    n_points = header.whole("PVM_SpecMatrix")
    n_repetitions, n_coils = header.whole("NR", default=1), header.whole("PVM_EncNReceivers", default=1)
    n_fids = n_repetitions * n_coils
    require_points(n_points * n_fids, data)
    item = ("<" if header.text("BYTORDA") != "big" else ">") + _ITEMS.get(header.text("GO_raw_data_format"), "i4")
    content = data.read_bytes()
    size = 2 * n_points * np.dtype(item).itemsize
    is_padded = header.text("GO_block_size") == "Standard_KBlock_Format"
    stride = -(-size // _BLOCK_BYTES) * _BLOCK_BYTES if is_padded else size
    needed = (n_fids - 1) * stride + size
    there = needed if len(content) == n_fids * stride else len(content)  # the last one may be padded too
    require_bytes(
        needed, there, data, f"{n_repetitions} repetitions of {n_coils} receivers with {n_points} points", exact=True
    )
    starts = range(0, n_fids * stride, stride)
    values = np.array([np.frombuffer(content, item, 2 * n_points, start) for start in starts], dtype=float)
    delay = header.number("PVM_DigShift") or 0.0
    if not 0 <= delay <= _LONGEST_DELAY_POINTS:
        msg = f"file {method.path} states PVM_DigShift {delay:g} points; it must be below {_LONGEST_DELAY_POINTS:g}."
        raise ReadError(msg)
    fid = without_group_delay(values.view(complex), delay, data)
    sizes = {"dyn": n_repetitions, "coil": n_coils}
    kept = {name: size for name, size in sizes.items() if size > 1}
    stated = Stated(
        spectrometer_frequency_mhz=header.number("SFO1") or header.number("BF1") or header.number("PVM_FrqWork"),
        spectral_width_hz=header.number("PVM_SpecSWH"),
        resonant_nucleus=header.text("PVM_Nucleus1") or header.text("NUCLEUS") or header.text("NUC1"),
    )
    return Content(fid.reshape(*kept.values(), fid.shape[-1]), stated, tuple(kept), described)


def _parameters(source: Source) -> dict[str, str]:
    """Return every parameter as it is written."""
    return {name: written.strip() for name, written in _ENTRY.findall(source.read_text(LARGEST_PARAMETERS_BYTES))}


def _first(written: str) -> str:
    """Return the only value of a parameter, or the first of an array."""
    cells = _ARRAY.sub("", written).split(maxsplit=1)
    return cells[0].strip("<>()") if cells else ""
