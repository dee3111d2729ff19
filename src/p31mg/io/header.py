"""Acquisition parameters from what a file states and what the user gives.

What the user gives fills what the file lacks. Where both speak and disagree, the read is refused unless the user asked to
override: a silent choice between two spectrometer frequencies is a silent error of the shift. A begin time that a
file only implies is no contradiction: there the user's word counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from p31mg.acquisition import Acquisition
from p31mg.constants import RESONANT_NUCLEUS
from p31mg.errors import InputError, MissingMetadataError, ReadError

__all__ = ["Given", "Stated", "settle"]

_AGREEMENT = 1e-3
"""Relative difference up to which a given and a stated value are the same one, rounded: 0.009 ppm of shift_alpha_beta."""


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
    override: bool = False

    def __post_init__(self) -> None:
        for name in _OPTIONS:
            value = getattr(self, name)
            if value is not None and not (isinstance(value, (int, float, np.number)) and np.isfinite(value)):
                msg = f"{name} is {value!r}; it must be a finite number."
                raise InputError(msg)


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What a file says about the acquisition; None where nothing. `begin_time_implied`: stated, but vaguely.

    `dwell_time_s`, where a file states that, keeps the digits that one over `spectral_width_hz` would lose.
    """

    spectrometer_frequency_mhz: float | None = None
    spectral_width_hz: float | None = None
    dwell_time_s: float | None = None
    begin_time_s: float | None = None
    begin_time_source: str = ""
    begin_time_implied: bool = False
    resonant_nucleus: str | None = None


def settle(path: Path, stated: Stated, given: Given) -> Acquisition:
    """Return the acquisition of a file.

    Raises
    ------
    MissingMetadataError
        Neither the file nor the user has a parameter; the message names the option.
    ReadError
        File and user disagree, the nucleus is not 31P, or a value makes no sense.
    """
    nucleus = stated.resonant_nucleus or RESONANT_NUCLEUS
    if nucleus != RESONANT_NUCLEUS:
        msg = f"file {path} holds {nucleus} spectra; p31mg fits 31P only, because free Mg2+ is read from the shifts of ATP."
        raise ReadError(msg)
    missing = [name for name in _OPTIONS if getattr(stated, name) is None and getattr(given, name) is None]
    if missing:
        words = ", ".join(_OPTIONS[name][1] for name in missing)
        options, arguments = " ".join(_OPTIONS[name][0] for name in missing), ", ".join(missing)
        msg = f"file {path} does not state the {words}; give {options} ({arguments} in Python)."
        raise MissingMetadataError(msg)
    values = {name: _one(name, path, stated, given) for name in _OPTIONS}
    if not values["spectral_width_hz"] > 0:
        msg = f"file {path}: spectral width is {values['spectral_width_hz']:g} Hz; it must be above 0."
        raise ReadError(msg)
    source = stated.begin_time_source
    if given.begin_time_s is not None and values["begin_time_s"] == given.begin_time_s:
        source = "given"
    width_is_stated = values["spectral_width_hz"] == stated.spectral_width_hz
    dwell = stated.dwell_time_s if width_is_stated and stated.dwell_time_s else 1.0 / values["spectral_width_hz"]
    try:
        return Acquisition(
            spectrometer_frequency_mhz=values["spectrometer_frequency_mhz"],
            dwell_time_s=dwell,
            begin_time_s=values["begin_time_s"],
            begin_time_source=source,
        )
    except InputError as error:
        msg = f"file {path}: {error}"
        raise ReadError(msg) from error


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
