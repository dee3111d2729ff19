"""spec2nii in a fork instead of a new process: the same limits and isolation, without two seconds of imports each time."""

from __future__ import annotations

import importlib.util
import os
import warnings
from typing import Any

if importlib.util.find_spec("spec2nii"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nibabel warns that its DICOM reader is young
        import spec2nii.Siemens.dicomfunctions
        import spec2nii.Siemens.twixfunctions  # noqa: F401


watched: list[str] = []
"""What a watcher notes in the fork, and nothing may: told to the other side as an error that is none of p31mg's."""


def converted_in_a_fork(converter: str, source: Any, format_name: str) -> list[bytes]:
    """Stand in for the child process of `p31mg.io.vendor`: a fork with the same limits, without the two seconds of imports."""
    from p31mg.io import vendor, vendor_child

    end, begin = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # that other threads exist: none of them matters to the fork
        child = os.fork()
    if child == 0:
        os.close(end)
        try:
            with vendor_child.limited(source.size):
                answer = b"+" + vendor_child.answer(converter, source.path)
        except BaseException as error:  # noqa: BLE001
            answer = b"-" + (str(error).strip() or type(error).__name__).splitlines()[0].encode()
        answer = b"!" + "; ".join(watched).encode() if watched else answer
        with os.fdopen(begin, "wb") as out:
            out.write(answer)
        os._exit(0)
    os.close(begin)
    with os.fdopen(end, "rb") as back:
        answer = back.read()
    os.waitpid(child, 0)
    if answer.startswith(b"!"):
        raise AssertionError(answer.decode())
    if not answer.startswith(b"+"):
        raise vendor._refusal(answer[1:].decode("utf-8", "replace"), 1, source, format_name)
    return vendor._unpacked(answer[1:], source, format_name)
