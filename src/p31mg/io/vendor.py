"""Formats of scanner makers, converted to NIfTI-MRS by spec2nii in a process of its own.

spec2nii and what it stands on parse undocumented binary formats. They run in a child process that has a limit of time and of
memory, gives back bytes on its standard output, and writes nothing: so a hostile file can neither hang nor fill nor print into
the program that reads it, and the heavy imports stay out of it. The price is the start of a process, about two seconds a file.
The sign and the header are those of NIfTI-MRS and are settled by the reader of that format.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

from p31mg.errors import ReadError
from p31mg.io.content import Content
from p31mg.io.formats import nifti_mrs
from p31mg.io.source import Source

__all__ = ["INSTALL_HINT", "parse_with"]

INSTALL_HINT = "pip install 'p31mg[vendor]'"

_LARGEST_BYTES = 2**29
_START_S = 120.0
"""For imports on a slow disk; the conversion itself is limited in the child."""


def parse_with(converter: str, source: Source, format_name: str) -> Content:
    """Return the content of a file that the named converter of `p31mg.io.vendor_child` knows."""
    source.require_size(_LARGEST_BYTES)
    if importlib.util.find_spec("spec2nii") is None:
        msg = f"file {source.path} is {format_name}, which is read by spec2nii; install it with: {INSTALL_HINT}."
        raise ReadError(msg)
    images = _converted(converter, source, format_name)
    content = nifti_mrs.content_of(images[0], source)
    others = len(images) - 1
    doubts = (
        (f"the file holds {others} more data set(s), such as a reference scan, which are not read",) if others else ()
    )
    return Content(content.fid, content.stated, content.axis_names, content.metadata, (*content.doubts, *doubts))


def _converted(converter: str, source: Source, format_name: str) -> list[bytes]:
    command = [sys.executable, "-P", "-m", "p31mg.io.vendor_child", converter, str(source.path.resolve())]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        run = subprocess.run(
            command, capture_output=True, check=False, timeout=_START_S, env=environment, stdin=subprocess.DEVNULL
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        msg = f"file {source.path} cannot be converted as {format_name}: {error}."
        raise ReadError(msg) from error
    if run.returncode != 0:
        raise _refusal(run.stderr.decode("utf-8", "replace"), run.returncode, source, format_name)
    return _unpacked(run.stdout, source, format_name)


def _unpacked(output: bytes, source: Source, format_name: str) -> list[bytes]:
    """Return the images of a child's answer: one line of JSON with their sizes, then their bytes."""
    line, _, body = output.partition(b"\n")
    try:
        sizes: list[Any] = json.loads(line)
    except ValueError as error:
        msg = f"file {source.path} was converted as {format_name} but the answer makes no sense: {error}."
        raise ReadError(msg) from error
    images, start = [], 0
    for size in sizes:
        images.append(body[start : start + size])
        start += size
    if not images:
        msg = f"file {source.path} holds no spectra that spec2nii finds in {format_name}."
        raise ReadError(msg)
    return images


def _refusal(told: str, code: int, source: Source, format_name: str) -> ReadError:
    lines = [line for line in told.splitlines() if line.strip()]
    reason = lines[-1].strip().rstrip(".")[:200] if lines and code > 0 else f"the converter was ended (code {code})"
    return ReadError(f"file {source.path} is not readable as {format_name}: {reason}.")
