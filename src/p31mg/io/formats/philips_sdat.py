"""Philips SDAT and SPAR: pairs of VAX F floats, and a text file of parameters with the same stem beside it.

Either file may be given. Rows of the SDAT are dynamics, averages or echoes, which the SPAR does not tell apart: ``row``.
**Sign** as that of p31mg (programs that convert SDAT to NIfTI-MRS conjugate it). **Begin time**: echo_time in ms, implied
only, and nothing where it is long enough to be an echo.

The parser is ours: a VAX F float is 16-bit words in swapped order, whose value is a quarter of the IEEE float of the same
bits: a few lines of NumPy where spec2nii loops over bytes.
"""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from p31mg.errors import ReadError
from p31mg.io.content import Content, one_or_stack
from p31mg.io.fields import Fields
from p31mg.io.header import Stated, begin_of_echo_time
from p31mg.io.source import LARGEST_PARAMETERS_BYTES, Source, require_bytes, require_points

__all__ = ["NAME", "SUFFIXES", "parse", "recognises", "vax_floats"]

NAME = "Philips SDAT/SPAR"
SUFFIXES: tuple[str, ...] = (".sdat",)  # one name of the pair, so that a folder counts it once

_AT_ONCE = 2**18
_SPAR_KEYS = ("synthesizer_frequency", "sample_frequency")


def recognises(source: Source) -> bool:
    """Return whether a file is an SPAR, or has one of its own name beside it."""
    if source.is_folder:
        return False
    if source.lower_name.endswith(".sdat"):
        spar = _twin(source, ".spar")
        return spar is not None and _is_spar(spar)
    return _is_spar(source)


def parse(source: Source) -> Content:
    """Read both files, whichever of them is given."""
    sdat, spar = (
        (source, _twin(source, ".spar")) if source.lower_name.endswith(".sdat") else (_twin(source, ".sdat"), source)
    )
    if sdat is None or spar is None:
        missing = ".SDAT" if sdat is None else ".SPAR"
        msg = f"file {source.path} needs the {missing} file of the same name beside it; put it there."
        raise ReadError(msg)
    header = Fields(_parameters(spar), spar)
    n_points, n_rows = header.whole("samples"), header.whole("rows", default=1)
    require_points(n_points * n_rows, sdat)
    content = sdat.read_bytes()
    require_bytes(8 * n_points * n_rows, len(content), sdat, f"{n_rows} rows of {n_points} points", exact=True)
    fid = vax_floats(content).view(complex)
    begin = begin_of_echo_time(header.number("echo_time", 1e-3), "echo_time")
    stated = Stated(
        spectrometer_frequency_mhz=header.number("synthesizer_frequency", 1e-6),
        spectral_width_hz=header.number("sample_frequency"),
        resonant_nucleus=header.text("nucleus"),
        **begin,
    )
    fid, axis_names = one_or_stack(fid.reshape(n_rows, n_points), "row")
    return Content(fid, stated, axis_names, header.values)


def vax_floats(content: bytes) -> npt.NDArray[np.float64]:
    """Return VAX F floats as numbers; a zero exponent is zero, whatever the other bits.

    Examples
    --------
    >>> vax_floats(bytes([0x80, 0x40, 0, 0, 0x49, 0xC1, 0xD0, 0x0F])).round(5).tolist()
    [1.0, -3.14159]
    """
    words = np.frombuffer(content, "<u2")
    numbers = np.empty(words.size // 2)
    for start in range(0, numbers.size, _AT_ONCE):
        some = words[2 * start : 2 * (start + _AT_ONCE)].astype(np.uint32)
        bits = (some[0::2] << 16) | some[1::2]
        sign = np.where(bits >> 31, -1.0, 1.0)
        exponent = ((bits >> 23) & 0xFF).astype(np.int64)
        mantissa = (bits & 0x7FFFFF) / 2.0**24 + 0.5
        numbers[start : start + _AT_ONCE] = np.where(exponent == 0, 0.0, sign * np.ldexp(mantissa, exponent - 128))
    return numbers


def _is_spar(source: Source) -> bool:
    return all(key in source.text_head for key in _SPAR_KEYS)


def _twin(source: Source, suffix: str) -> Source | None:
    return source.part(PurePath(source.path.name).stem + suffix)


def _parameters(spar: Source) -> dict[str, str]:
    parameters = {}
    for line in spar.read_text(LARGEST_PARAMETERS_BYTES).splitlines():
        key, colon, value = line.partition(":")
        if colon and not line.startswith("!"):
            parameters[key.strip()] = value.strip().strip('"')
    return parameters
