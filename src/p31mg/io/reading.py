"""`read`: find out what a file is, hand it to the module of its format, and settle the acquisition.

The content decides. Every format says whether the content is its own, and those that do are asked to read it. Where none
does, text is tried, then those whose names the file bears. Where several were tried, the refusal lists what each had to say.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from p31mg.acquisition import Spectra
from p31mg.errors import InputError, ReadError, UnsupportedFormatError
from p31mg.io.content import Content, Format
from p31mg.io.formats import FALLBACK, FORMATS
from p31mg.io.header import Given, doubts_of, settle
from p31mg.io.source import Source

__all__ = ["Examined", "examine", "is_dataset_folder", "is_spectrum_name", "read"]


@dataclass(frozen=True)
class Examined:
    """Spectra, the name of their format, and what is doubtful about them: one sentence each.

    Where the begin time is not known, that of `spectra` is 0 and means nothing.
    """

    spectra: Spectra
    format_name: str
    doubts: tuple[str, ...]
    begin_time_is_known: bool = True


def is_spectrum_name(path: Path) -> bool:
    """Return whether the name of a file is one that spectra usually have; `read` itself goes by content.

    Examples
    --------
    >>> [is_spectrum_name(Path(name)) for name in ("sub-01_unloc.nii.gz", "fid.txt", "notes.pdf")]
    [True, True, False]
    """
    return path.name.lower().endswith(tuple(suffix for f in (*FORMATS, FALLBACK) for suffix in f.SUFFIXES))


def is_dataset_folder(path: Path) -> bool:
    """Return whether a folder is one dataset (Bruker, Varian, ...) and not a collection of files."""
    try:
        source = Source.of(path)
        return source.is_folder and any(f.recognises(source) for f in FORMATS)
    except ReadError:  # it may not be looked into: then nothing below it will be read either
        return False


def read(
    path: str | os.PathLike[str],
    *,
    spectrometer_frequency_mhz: float | None = None,
    spectral_width_hz: float | None = None,
    begin_time_s: float | None = None,
    sd_begin_time_s: float | None = None,
    override: bool = False,
) -> Spectra:
    """Read the spectra of a file or of a folder that is one dataset, with the sign settled: higher ppm is positive.

    Knows NIfTI-MRS, jMRUI, Bruker, Varian and Agilent, Siemens, Philips, GE, LCModel, NMRPipe, JCAMP-DX, Spinsolve, JEOL,
    MATLAB, NumPy and text; ``docs/formats.md`` says what is read of each. DICOM, twix and P-files need spec2nii:
    ``pip install 'p31mg[vendor]'``.

    Parameters
    ----------
    path
        File, or folder of one dataset (Bruker, Varian, Spinsolve).
    spectrometer_frequency_mhz, spectral_width_hz, begin_time_s
        What the file does not state, in MHz, Hz and s. There are no defaults. A begin time given here takes the place of one
        that the file only implies (an EchoTime, a jMRUI BeginTime of 0): it is that of the receiver, after any digital filter
        is undone.
    sd_begin_time_s
        How well the begin time is known, in s. With an sd above 0 a fit finds the begin time. Default None: 0 (exact) for one
        that is given or stated, 0.3 ms for one that the file only implies.
    override
        Let the given values replace those that the file states. Default False: a contradiction is an error.

    Returns
    -------
    Spectra
        ``axis_names`` says what each batch axis is: ``x, y, z`` of a grid, ``coil``, ``dyn`` (repetitions), ... Axes of length
        1 are left out unless the file is a grid. ``metadata`` is what the file said, untouched.

    Raises
    ------
    MissingMetadataError
        An acquisition parameter is neither in the file nor given; the message names the option.
    UnsupportedFormatError
        The content is of no known format, or of a kind that holds no FIDs.
    ReadError
        The file is missing, empty, truncated, not 31P, contradicts what is given, holds fewer than 64 points, or holds
        nothing but zeros, NaN or Inf, be it in the real or imaginary part alone.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import p31mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = p31mg.write(p31mg.simulate(0.5, prior="muscle-3t", snr=100, seed=1), Path(folder) / "a.nii.gz")
    ...     p31mg.read(file)
    <Spectra () x 2048 points, 51.705 MHz, 5000 Hz, begin time 0.5 ms>
    """
    given = Given(
        spectrometer_frequency_mhz=spectrometer_frequency_mhz,
        spectral_width_hz=spectral_width_hz,
        begin_time_s=begin_time_s,
        sd_begin_time_s=sd_begin_time_s,
        override=override,
    )
    if not isinstance(path, (str, os.PathLike)):
        msg = f"path is a {type(path).__name__}; give the name of a file or folder."
        raise InputError(msg)
    return examine(Path(path), given).spectra


def examine(path: Path, given: Given, *, needs_begin_time: bool = True) -> Examined:
    """Read a file and say of which format it is and what is doubtful about it; raises as `read` does.

    A look at a file can do without its begin time: `needs_begin_time` False makes of its lack a doubt.
    """
    source = Source.of(path)
    reader, content = _content(source)
    stated, doubts = content.stated, content.doubts
    is_known = needs_begin_time or stated.begin_time_s is not None or given.begin_time_s is not None
    if not is_known:
        doubts += (
            f"the file does not state the begin time; a fit will ask for --begin-time. {stated.begin_time_hint}".strip(),
        )
        stated = replace(stated, begin_time_s=0.0, begin_time_source="unknown")
    acquisition = settle(path, stated, given)
    try:
        spectra = Spectra(content.fid, acquisition, content.axis_names, str(path), content.metadata, content.history)
    except InputError as error:
        msg = f"file {path}: {error}"
        raise ReadError(msg) from error
    _require_signal(spectra, path)
    return Examined(spectra, reader.NAME, (*doubts, *doubts_of(stated, acquisition)), is_known)


def _content(source: Source) -> tuple[Format, Content]:
    candidates = [f for f in FORMATS if f.recognises(source)]
    if source.is_folder and not candidates:
        raise _not_a_dataset(source)
    if not candidates:
        candidates = [FALLBACK] if FALLBACK.recognises(source) else []
        candidates += [f for f in FORMATS if source.path.suffix and source.lower_name.endswith(f.SUFFIXES)]
    refusals: list[tuple[str, ReadError]] = []
    for reader in candidates:
        try:
            return reader, reader.parse(source)
        except ReadError as error:
            refusals.append((reader.NAME, error))
    if len(refusals) == 1:
        raise refusals[0][1]
    tried = "".join(f"\n  not {name}: {error}" for name, error in refusals)
    names = ", ".join(reader.NAME for reader in (*FORMATS, FALLBACK))
    msg = (
        f"file {source.path} is none of the formats that p31mg reads ({names}). Convert it to NIfTI-MRS first "
        f"(spec2nii does).{tried}"
    )
    raise UnsupportedFormatError(msg)


def _not_a_dataset(source: Source) -> ReadError:
    datasets = (n for n in sorted(source.names.values()) if is_dataset_folder(source.path / n))
    inside = list(itertools.islice(datasets, 4))
    hint = f"; its folders {', '.join(inside)} are datasets" if inside else ""
    msg = f"{source.path} is a folder and no dataset of its own{hint}; give a file, or use p31mg batch (p31mg.batch in Python)."
    return ReadError(msg)


def _require_signal(spectra: Spectra, path: Path) -> None:
    finite = np.isfinite(spectra.fid).all(axis=-1)
    if not finite.any():
        msg = f"file {path} holds NaN or Inf in every FID; export it again."
        raise ReadError(msg)
    if not (spectra.fid.any(axis=-1) & finite).any():
        msg = f"file {path} holds only zeros; export it again."
        raise ReadError(msg)
    measured = spectra.fid[finite]
    for part, values in (("imaginary", measured.imag), ("real", measured.real)):
        if not values.any():
            msg = (
                f"file {path} holds FIDs whose {part} part is nothing but zeros: every peak would have a mirror image "
                "on the other side of the carrier. Export both parts of the FID."
            )
            raise ReadError(msg)
