"""What decides the numbers of a study: the options of `read`, `fit` and `free_magnesium`, each named and explained there."""

from __future__ import annotations

import difflib
import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypedDict, TypeVar

import numpy as np

from p31mg._version import __version__
from p31mg.errors import InputError, UnknownNameError
from p31mg.fitting import ENGINES, Choice, fit
from p31mg.io import read
from p31mg.io.documents import json_text, jsonable
from p31mg.magnesium import Calibration, calibration_record, free_magnesium, get_calibration
from p31mg.prior import Prior, load_prior

__all__ = ["OWN_OPTIONS", "Options", "Settings", "with_signature"]

P = ParamSpec("P")
R = TypeVar("R")

OWN_OPTIONS = (
    "ph",
    "sd_ph",
    "temperature_c",
    "sd_temperature_c",
    "spectrometer_frequency_mhz",
    "spectral_width_hz",
    "begin_time_s",
    "sd_begin_time_s",
)
"""Options that a file may have a value of its own for, in the subject table."""

_ANY_PH = 7.0
"""Stands for the pH that the spectra will tell, where only the other options are looked at."""


class Options(TypedDict, total=False):
    """Options of `batch` that `read`, `fit` and `free_magnesium` take; their defaults stand there and nowhere else."""

    prior: Prior | str | Path
    engine: Literal["batch", "lmfit"]
    phase_model: Literal["auto", "locked", "begin-time", "free"]
    lineshape: Literal["auto", "prior"]
    baseline: Literal["auto", "none"] | int
    calibration: Calibration | str | Path
    ph: float | None
    sd_ph: float | None
    temperature_c: float
    sd_temperature_c: float | None
    correct_kd: bool
    ionic_strength_M: float | None
    potassium_M: float | None
    ph_equation: str
    level: float
    spectrometer_frequency_mhz: float | None
    spectral_width_hz: float | None
    begin_time_s: float | None
    sd_begin_time_s: float | None
    override: bool


@cache
def _parameters() -> Mapping[str, inspect.Parameter]:
    """Return the options as their functions declare them, by name."""
    declared: dict[str, inspect.Parameter] = {}
    for function in (fit, free_magnesium, read):
        declared |= inspect.signature(function).parameters
    return {
        name: declared[name].replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
        for name, annotation in Options.__annotations__.items()
    }


def _of(function: Callable[..., object], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the options that a function takes."""
    return {name: options[name] for name in inspect.signature(function).parameters if name in options}


def with_signature(function: Callable[P, R]) -> Callable[P, R]:
    """Show the options by name and default where a function takes ``**options``: for help and completion."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    whole = signature.replace(parameters=[*own, *_parameters().values()])
    function.__signature__ = whole  # type: ignore[attr-defined]  # inspect looks there first
    return function


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a study, resolved: what a worker needs to make a row of a file.

    `reading`, `fitting` and `magnesium` are arguments of `read`, `fit` and `free_magnesium`.
    """

    prior: Prior
    calibration: Calibration
    reading: Mapping[str, Any]
    fitting: Mapping[str, Any]
    magnesium: Mapping[str, Any]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Settings:
        """Resolve options, and refuse those that no file can make good, before any work.

        Raises
        ------
        TypeError
            An option of that name does not exist.
        InputError
            An option makes no sense, or is not one number for the whole study.
        """
        for name in options.keys() - _parameters().keys():
            near = difflib.get_close_matches(name, _parameters(), n=1)
            hint = f"; did you mean {near[0]}?" if near else "."
            msg = f"batch has no option {name!r}{hint}"
            raise TypeError(msg)
        whole = {name: parameter.default for name, parameter in _parameters().items()} | dict(options)
        if whole["engine"] not in ENGINES:
            raise UnknownNameError(kind="engine", name=whole["engine"], known=ENGINES)
        Choice(whole["phase_model"], whole["lineshape"], whole["baseline"])
        prior, calibration = load_prior(whole.pop("prior")), get_calibration(whole.pop("calibration"))
        settings = cls(
            prior=prior,
            calibration=calibration,
            reading=_of(read, whole),
            fitting=_of(fit, whole),
            magnesium=_of(free_magnesium, whole),
        )
        for name, value in settings.magnesium.items():
            if value is not None and np.ndim(value) > 0:
                msg = (
                    f"{name} has shape {np.shape(value)}; batch takes one number for the whole study. Values by file or subject "
                    "stand in a table: subjects (--subjects)."
                )
                raise InputError(msg)
        ph = settings.magnesium["ph"]
        checked = {**settings.magnesium, "ph": _ANY_PH if ph is None else ph}
        free_magnesium(np.nan, calibration=calibration, **checked)
        return settings

    @property
    def record(self) -> dict[str, Any]:
        """The options by name, as JSON holds them."""
        named = {"prior": self.prior.name, "calibration": self.calibration.id}
        record: dict[str, Any] = jsonable({**named, **self.fitting, **self.magnesium, **self.reading})
        return record

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides the numbers: options, prior, calibration and version of p31mg."""
        whole = {
            "options": self.record,
            "prior": asdict(self.prior),
            "calibration": calibration_record(self.calibration),
            "version": __version__,
        }
        return hashlib.sha256(json_text(whole, sort_keys=True).encode()).hexdigest()
