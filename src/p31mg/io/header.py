"""Acquisition parameters from what a file states and what the user gives.

What the user gives fills what the file lacks. Where both speak and disagree, the read is refused unless the user asked to
override: a silent choice between two spectrometer frequencies is a silent error of the shift. A begin time that a
file only implies is no contradiction: there the user's word counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from p31mg.acquisition import Acquisition
from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T, RESONANT_NUCLEUS
from p31mg.errors import InputError, MissingMetadataError, ReadError

__all__ = [
    "LONGEST_DEAD_TIME_S",
    "Given",
    "Stated",
    "begin_of_echo_time",
    "doubts_of",
    "nucleus_name",
    "nucleus_of_frequency",
    "settle",
]

LONGEST_DEAD_TIME_S = 5e-3
"""An EchoTime beyond this can only be that of an echo: as a dead time it would leave nothing of ATP."""

SD_OF_IMPLIED_BEGIN_TIME_S = 3e-4
"""How far a begin time that a file only implies may be off: scanners round it, count from the end of the pulse or leave out a
filter's delay. One 3 T grid of a heart states 2.3 ms where its laboratory uses 2.6 ms."""

_AGREEMENT = 1e-3
"""Relative difference up to which a given and a stated value are the same one, rounded: 0.009 ppm of shift_alpha_beta."""

_NO_NUCLEUS = {"", "off", "none", "unknown"}
"""What programs write where they know of no nucleus."""

_OPTIONS = {
    "spectrometer_frequency_mhz": ("--spectrometer-frequency MHZ", "spectrometer frequency"),
    "spectral_width_hz": ("--spectral-width HZ", "spectral width"),
    "begin_time_s": (
        "--begin-time S",
        "begin time (from the centre of the excitation to the first point)",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the user says about the acquisition; None where nothing."""

    spectrometer_frequency_mhz: float | None = None
    spectral_width_hz: float | None = None
    begin_time_s: float | None = None
    sd_begin_time_s: float | None = None
    override: bool = False

    def __post_init__(self) -> None:
        for name in (*_OPTIONS, "sd_begin_time_s"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, (int, float, np.number)) and np.isfinite(value)):
                msg = f"{name} is {value!r}; it must be a finite number."
                raise InputError(msg)


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What a file says about the acquisition; None where nothing.

    `begin_time_implied`: stated, but vaguely, so that the user's word goes before it. `begin_time_hint`: what the file says about
    a begin time that it does not state. `dwell_time_s` may stand for `spectral_width_hz`, and keeps the digits that its
    inverse would lose.
    """

    spectrometer_frequency_mhz: float | None = None
    spectral_width_hz: float | None = None
    dwell_time_s: float | None = None
    begin_time_s: float | None = None
    begin_time_source: str = ""
    begin_time_implied: bool = False
    sd_begin_time_s: float | None = None
    begin_time_hint: str = ""
    resonant_nucleus: str | None = None

    def __post_init__(self) -> None:
        if self.spectral_width_hz is None and self.dwell_time_s:
            object.__setattr__(self, "spectral_width_hz", 1.0 / self.dwell_time_s)


def settle(path: Path, stated: Stated, given: Given) -> Acquisition:
    """Return the acquisition of a file.

    Raises
    ------
    MissingMetadataError
        Neither the file nor the user has a parameter; the message names the option.
    ReadError
        File and user disagree, the nucleus is not 31P, or a value makes no sense.
    """
    written = (stated.resonant_nucleus or "").strip(" <>")
    nucleus = nucleus_name(written) or (RESONANT_NUCLEUS if written.lower() in _NO_NUCLEUS else written[:40])
    if nucleus != RESONANT_NUCLEUS:
        msg = f"file {path} holds {nucleus} spectra; p31mg fits 31P only, because free Mg2+ is read from the shifts of ATP."
        raise ReadError(msg)
    missing = [name for name in _OPTIONS if getattr(stated, name) is None and getattr(given, name) is None]
    if missing:
        words = ", ".join(_OPTIONS[name][1] for name in missing)
        options, arguments = " ".join(_OPTIONS[name][0] for name in missing), ", ".join(missing)
        hint = f" {stated.begin_time_hint}" if "begin_time_s" in missing and stated.begin_time_hint else ""
        msg = f"file {path} does not state the {words}; give {options} ({arguments} in Python).{hint}"
        raise MissingMetadataError(msg)
    values = {name: _one(name, path, stated, given) for name in _OPTIONS}
    if not 0 < values["spectral_width_hz"] < np.inf:
        msg = f"file {path}: spectral width is {values['spectral_width_hz']:g} Hz; it must be above 0."
        raise ReadError(msg)
    source = stated.begin_time_source
    if given.begin_time_s is not None and values["begin_time_s"] == given.begin_time_s:
        source = "given"
    sd_begin = given.sd_begin_time_s
    if sd_begin is None and source == stated.begin_time_source:
        sd_begin = SD_OF_IMPLIED_BEGIN_TIME_S if stated.begin_time_implied else stated.sd_begin_time_s
    width_is_stated = values["spectral_width_hz"] == stated.spectral_width_hz
    dwell = stated.dwell_time_s if width_is_stated and stated.dwell_time_s else 1.0 / values["spectral_width_hz"]
    try:
        return Acquisition(
            spectrometer_frequency_mhz=values["spectrometer_frequency_mhz"],
            dwell_time_s=dwell,
            begin_time_s=values["begin_time_s"],
            begin_time_source=source,
            sd_begin_time_s=float(sd_begin or 0.0),
        )
    except InputError as error:
        msg = f"file {path}: {error}"
        raise ReadError(msg) from error


def doubts_of(stated: Stated, acquisition: Acquisition) -> tuple[str, ...]:
    """Return what the file leaves open about the acquisition that was settled, one sentence each."""
    doubts = []
    if nucleus_name(stated.resonant_nucleus) is None:
        doubts.append("the file does not state the nucleus; it is taken to be 31P")
    if stated.begin_time_implied and acquisition.begin_time_source == stated.begin_time_source:
        doubts.append(
            f"the begin time {1e3 * acquisition.begin_time_s:.4g} ms comes from {stated.begin_time_source}, which is often "
            f"nominal; a fit looks for it with an sd of {1e3 * acquisition.sd_begin_time_s:g} ms. Give --begin-time if known"
        )
    return tuple(doubts)


def begin_of_echo_time(echo_time_s: float | None, source: str) -> dict[str, Any]:
    """Return what an echo time says about the begin time, where a format states nothing else: fields of `Stated`.

    Scanners put the time from the centre of the pulse to the first point there for pulse-acquire, often a nominal one.
    An echo time beyond `LONGEST_DEAD_TIME_S` is that of an echo, and says nothing about the first point.

    Examples
    --------
    >>> begin_of_echo_time(2.3e-3, "TE"), begin_of_echo_time(30e-3, "TE")
    ({'begin_time_s': 0.0023, 'begin_time_source': 'TE', 'begin_time_implied': True}, {})
    """
    if echo_time_s is None or not 0 <= echo_time_s <= LONGEST_DEAD_TIME_S:
        return {}
    return {"begin_time_s": echo_time_s, "begin_time_source": source, "begin_time_implied": True}


_ELEMENTS = {"hydrogen": "H", "proton": "H", "phosphorus": "P", "carbon": "C", "fluorine": "F", "sodium": "Na"}
_ELEMENTS |= {"nitrogen": "N", "deuterium": "H", "xenon": "Xe"}


def nucleus_name(written: str | None) -> str | None:
    """Return a nucleus as NIfTI-MRS writes it, mass number first, of the ways that formats write it; None where unstated.

    Examples
    --------
    >>> [nucleus_name(n) for n in ("31P", "P31", "^31P", "<31P>", "Phosphorus31", "31 p", "Proton", "H1", "off")]
    ['31P', '31P', '31P', '31P', '31P', '31P', '1H', '1H', None]
    """
    letters = "".join(c for c in written or "" if c.isascii() and c.isalpha())
    number = "".join(c for c in written or "" if c.isascii() and c.isdigit())[:3]
    if letters.lower() in _ELEMENTS:
        number = number or {"hydrogen": "1", "proton": "1", "deuterium": "2", "phosphorus": "31"}.get(
            letters.lower(), ""
        )
        letters = _ELEMENTS[letters.lower()]
    if not number or not 1 <= len(letters) <= 2:
        return None
    return f"{int(number)}{letters.capitalize()}"


_MHZ_PER_T = {
    "1H": 42.577,
    "31P": LARMOR_FREQUENCY_31P_MHZ_PER_T,
    "13C": 10.708,
    "23Na": 11.262,
    "19F": 40.078,
    "2H": 6.536,
}


def nucleus_of_frequency(frequency_mhz: float | None, field_strength_t: float | None) -> str | None:
    """Return the nucleus that has a frequency at a field, where one comes within 4 %; scanners name their field roughly.

    Examples
    --------
    >>> nucleus_of_frequency(49.9, 2.89), nucleus_of_frequency(123.22, 2.9), nucleus_of_frequency(120.0, 0.0)
    ('31P', '1H', None)
    """
    if not frequency_mhz or not field_strength_t or field_strength_t <= 0:
        return None
    ratio = frequency_mhz / field_strength_t
    name = min(_MHZ_PER_T, key=lambda n: abs(_MHZ_PER_T[n] - ratio))
    return name if abs(_MHZ_PER_T[name] - ratio) <= 0.04 * _MHZ_PER_T[name] else None


def _one(name: str, path: Path, stated: Stated, given: Given) -> float:
    option, words = _OPTIONS[name]
    of_file, of_user = getattr(stated, name), getattr(given, name)
    if of_user is None:
        return float(of_file)
    if of_file is None or given.override or (name == "begin_time_s" and stated.begin_time_implied):
        return float(of_user)
    if abs(of_user - of_file) > _AGREEMENT * max(abs(of_file), abs(of_user)):
        msg = (
            f"file {path} states the {words} {of_file:g} but {of_user:g} is given; leave out {option.split()[0]}, "
            "or insist with --override (override=True in Python)."
        )
        raise ReadError(msg)
    return float(of_file)
