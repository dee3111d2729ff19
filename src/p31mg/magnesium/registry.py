"""Which calibrations there are, and the TOML files that calibrations are kept in: the published ones and those of users.

::

    [calibration]                 id, model ("two-site" or "beta-shift"), tissue, source, doi, evidence
    [constants]                   those of the model
    [sd]                          of the constants, where known, and their correlation (two-site)
    [conditions]                  ph, temperature_c, ionic_strength_M, potassium_M, where known
    [titration]                   what it was fitted to (from `calibrate`)

A published calibration is such a file in the folder `published`. It appears in `calibrations` by being there, and the tests hold
it to a contract.
"""

from __future__ import annotations

import json
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p31mg.atomic import write_text
from p31mg.errors import InputError, ReadError, UnknownNameError
from p31mg.magnesium.calibrations import BetaShiftCalibration, Calibration, Titration, TwoSiteCalibration
from p31mg.notebook import card, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DEFAULT_CALIBRATION",
    "CalibrationTable",
    "calibration_from_record",
    "calibration_record",
    "calibration_toml",
    "calibrations",
    "conditions_text",
    "constants_text",
    "get_calibration",
    "parse_calibration",
    "write_calibration",
]

DEFAULT_CALIBRATION = "gupta-1978"

_MODELS: dict[str, type[TwoSiteCalibration] | type[BetaShiftCalibration]] = {
    model.model: model for model in (TwoSiteCalibration, BetaShiftCalibration)
}
_TEXTS = ("id", "model", "tissue", "source", "doi", "evidence")
_CONDITIONS = ("ph", "temperature_c", "ionic_strength_M", "potassium_M")
_CONSTANTS = {
    "two-site": ("atp_ppm", "mgatp_ppm", "kd_uM"),
    "beta-shift": ("p_mg_0", "low_ppm", "high_ppm", "low_exponent", "high_exponent"),
}


class CalibrationTable(Mapping[str, Calibration]):
    """All calibrations by id, printing as a table."""

    def __getitem__(self, key: str) -> Calibration:
        return _published()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_published())

    def __len__(self) -> int:
        return len(_published())

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per calibration."""
        import pandas as pd

        return pd.DataFrame(
            {
                "id": c.id,
                "quantity": c.quantity,
                "shift_min_ppm": c.shift_range_ppm[0],
                "shift_max_ppm": c.shift_range_ppm[1],
                "tissue": c.tissue,
                "evidence": c.evidence,
                "constants": constants_text(c),
                "conditions": conditions_text(c),
                "source": c.source,
            }
            for c in self.values()
        )

    def __repr__(self) -> str:
        return "\n".join(
            f"{c.id}  {c.quantity}  {c.shift_range_ppm[0]:g} to {c.shift_range_ppm[1]:g} ppm  {constants_text(c)}  "
            f"{conditions_text(c)}  evidence {c.evidence}  {c.tissue}  {c.source}"
            for c in self.values()
        )

    def _repr_html_(self) -> str:
        names = ("name", "constants", "conditions", "evidence", "tissue", "source")
        rows = [[c.id, constants_text(c), conditions_text(c), c.evidence, c.tissue, c.source] for c in self.values()]
        return card("Calibrations", table([(name, "left") for name in names], rows))


def calibrations() -> CalibrationTable:
    """Return all published calibrations by id, with constants, conditions, range, source and evidence.

    Returns
    -------
    CalibrationTable
        A mapping of ids to `Calibration`; it prints as a table.

    Examples
    --------
    >>> list(calibrations())
    ['gupta-1978', 'gupta-1984', 'iotti-1996']
    >>> calibrations()["gupta-1978"].constants
    {'atp_ppm': 10.91, 'mgatp_ppm': 8.35, 'kd_uM': 38.0}
    """
    return CalibrationTable()


@cache
def _published() -> dict[str, Calibration]:
    folder = resources.files("p31mg.magnesium") / "published"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    found = (parse_calibration(f.read_text(encoding="utf-8"), source=f.name) for f in files)
    return {c.id: c for c in found}


def get_calibration(calibration: Calibration | str | os.PathLike[str]) -> Calibration:
    """Return a calibration by its id or from a TOML file; a calibration object is returned as it is.

    Raises
    ------
    UnknownNameError
        No calibration of that id; the nearest are named.
    ReadError
        The file cannot be read.
    InputError
        The file does not hold a calibration.

    Examples
    --------
    >>> get_calibration("gupta-1984").quantity
    'shift_alpha_beta_ppm'
    """
    if isinstance(calibration, Calibration):
        return calibration
    if not isinstance(calibration, (str, os.PathLike)):
        raise UnknownNameError(kind="calibration", name=calibration, known=calibrations())
    name = os.fspath(calibration)
    if name in calibrations():
        return calibrations()[name]
    if not name.endswith(".toml") and Path(name).is_file():
        msg = f"calibration file {name} must be TOML, with a name that ends in .toml."
        raise ReadError(msg)
    if not name.endswith(".toml"):
        raise UnknownNameError(kind="calibration", name=name, known=calibrations())
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        msg = f"calibration file {name} cannot be read: {reason}."
        raise ReadError(msg) from error
    return parse_calibration(text, source=name)


def parse_calibration(text: str, source: str = "calibration") -> Calibration:
    r"""Return a calibration from TOML text.

    Parameters
    ----------
    text
        Content of a calibration file; see the module.
    source
        What to call it in messages. Default ``"calibration"``.

    Raises
    ------
    InputError
        The text does not hold together; the message names the source, the key and what is allowed.

    Examples
    --------
    >>> parse_calibration("[calibration]\nid = 'own'\nmodel = 'three-site'\n[constants]", source="own.toml")
    Traceback (most recent call last):
        ...
    p31mg.errors.InputError: own.toml: model is 'three-site'; it must be one of two-site, beta-shift.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{source} is not valid TOML: {error}."
        raise InputError(msg) from error
    _require_keys(source, "the file", document, ("calibration", "constants", "sd", "conditions", "titration"))
    head = _table(source, document, "calibration", _TEXTS, required=("id", "model"), kind=str)
    model = head.pop("model")
    if model not in _MODELS:
        msg = f"{source}: model is {model!r}; it must be one of {', '.join(_MODELS)}."
        raise InputError(msg)
    names = _CONSTANTS[model]
    values = head | _table(source, document, "constants", names, required=names, kind=float)
    values |= _table(source, document, "conditions", _CONDITIONS, kind=float)
    if model == TwoSiteCalibration.model:
        sd = dict(_content(source, document, "sd"))
        correlation = sd.pop("correlation", None)
        values |= {f"sd_{k}": v for k, v in _table(source, {"sd": sd}, "sd", names, kind=float).items()}
        values |= {} if correlation is None else {"correlation": _floats(source, "correlation", correlation)}
        values |= {"titration": _titration(source, document)} if "titration" in document else {}
    elif "sd" in document or "titration" in document:
        msg = f"{source}: a calibration of model {model!r} has neither [sd] nor [titration]."
        raise InputError(msg)
    try:
        return _MODELS[model](**values)
    except InputError as error:
        msg = f"{source}: {error}"
        raise InputError(msg) from error


def calibration_toml(calibration: TwoSiteCalibration | BetaShiftCalibration) -> str:
    """Return a calibration as TOML text, which `parse_calibration` reads back to the last digit.

    Examples
    --------
    >>> print(calibration_toml(TwoSiteCalibration(id="own", atp_ppm=10.85, mgatp_ppm=8.3, kd_uM=45.0)).split("[constants]")[1])
    <BLANKLINE>
    atp_ppm = 10.85
    mgatp_ppm = 8.3
    kd_uM = 45.0
    <BLANKLINE>
    """
    tables: dict[str, dict[str, Any]] = {
        "calibration": {name: text for name in _TEXTS if (text := getattr(calibration, name))},
        "constants": dict(calibration.constants),
    }
    if isinstance(calibration, TwoSiteCalibration):
        tables["sd"] = dict(calibration.sd_constants)
        if any(calibration.correlation):
            tables["sd"]["correlation"] = list(calibration.correlation)
        tables["titration"] = asdict(calibration.titration) if calibration.titration else {}
    tables["conditions"] = {name: value for name, value in calibration.conditions.items() if value is not None}
    return "\n".join(
        "\n".join([f"[{table}]", *(f"{key} = {_toml_value(value)}" for key, value in content.items()), ""])
        for table, content in tables.items()
        if content
    )


def write_calibration(calibration: TwoSiteCalibration | BetaShiftCalibration, path: str | os.PathLike[str]) -> Path:
    """Write a calibration as a TOML file that every ``calibration=`` and ``--calibration`` accepts.

    Parameters
    ----------
    calibration
        Of your own: from `p31mg.calibrate`, or from constants that you know.
    path
        A name that ends in ``.toml``. An existing file is replaced.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    InputError
        The name ends differently, or the calibration is of neither packaged model.
    WriteError
        The file cannot be written there.

    Examples
    --------
    >>> import p31mg, tempfile
    >>> own = p31mg.TwoSiteCalibration(id="own", atp_ppm=10.85, mgatp_ppm=8.30, kd_uM=45.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_calibration(own, Path(folder) / "own.toml")
    ...     p31mg.free_magnesium(8.55, calibration=file).calibration == own
    True
    """
    if not isinstance(calibration, (TwoSiteCalibration, BetaShiftCalibration)):
        msg = (
            f"calibration is a {type(calibration).__name__}; only {', '.join(_MODELS)} calibrations have a file format."
        )
        raise InputError(msg)
    path = Path(path)
    if path.suffix != ".toml":
        msg = f"path is {path}; the name of a calibration file must end in .toml."
        raise InputError(msg)
    return write_text(path, calibration_toml(calibration))


def calibration_record(calibration: Calibration) -> dict[str, Any]:
    """Return everything that identifies a calibration, for files and documents."""
    correlation = getattr(calibration, "correlation", ())
    return {
        "id": calibration.id,
        "quantity": calibration.quantity,
        "constants": calibration.constants,
        "sd_constants": getattr(calibration, "sd_constants", {}),
        "conditions": getattr(calibration, "conditions", {}),
        "shift_range_ppm": list(calibration.shift_range_ppm),
        "tissue": calibration.tissue,
        "evidence": calibration.evidence,
        "source": calibration.source,
        "doi": getattr(calibration, "doi", ""),
        **({"correlation": list(correlation)} if any(correlation) else {}),
    }


def calibration_from_record(record: Mapping[str, Any]) -> TwoSiteCalibration | BetaShiftCalibration:
    """Return the calibration that `calibration_record` recorded, without the titration that it may have been fitted to.

    Raises
    ------
    InputError
        The record lacks something, or its constants make no sense.

    Examples
    --------
    >>> own = TwoSiteCalibration(id="own", atp_ppm=10.85, mgatp_ppm=8.30, kd_uM=45.0, sd_kd_uM=3.0)
    >>> calibration_from_record(calibration_record(own)) == own
    True
    """
    kinds = {"shift_alpha_beta_ppm": TwoSiteCalibration, "shift_beta_pcr_ppm": BetaShiftCalibration}
    try:
        values = {name: record[name] for name in _TEXTS if name in record and name != "model"}
        values |= {**record["constants"], **record.get("conditions", {})}
        values |= {f"sd_{name}": sd for name, sd in record.get("sd_constants", {}).items()}
        values |= {"correlation": tuple(record["correlation"])} if "correlation" in record else {}
        return kinds[record["quantity"]](**values)
    except (KeyError, TypeError) as error:
        msg = f"calibration record does not hold together ({error}); give that of a results.json."
        raise InputError(msg) from error


def constants_text(calibration: Calibration) -> str:
    """Return the constants with their names and, where known, sds, for people."""
    sd: Mapping[str, float] = getattr(calibration, "sd_constants", {})
    return ", ".join(f"{name} {_with_sd(value, sd.get(name))}" for name, value in calibration.constants.items())


def _with_sd(value: float, sd: float | None) -> str:
    """Return a value to the second digit of its sd, as far as there is one."""
    if not sd:
        return f"{value:.6g}"
    digits = max(0, 1 - math.floor(math.log10(sd)))
    return f"{value:.{digits}f} ± {sd:.{digits}f}"


def conditions_text(calibration: Calibration) -> str:
    """Return the conditions that are known, for people."""
    words = {"ph": "pH {:g}", "temperature_c": "{:g} C", "ionic_strength_M": "I {:g} M", "potassium_M": "K+ {:g} M"}
    known: Mapping[str, float | None] = getattr(calibration, "conditions", {})
    return ", ".join(text.format(known[name]) for name, text in words.items() if known.get(name) is not None)


def _table(
    source: str,
    document: Mapping[str, Any],
    table: str,
    keys: tuple[str, ...],
    *,
    kind: type[str] | type[float],
    required: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the values of one table, each of the kind that it must be."""
    content = _content(source, document, table)
    _require_keys(source, f"[{table}]", content, keys)
    for key in required:
        if key not in content:
            msg = f"{source}: [{table}] lacks {key}."
            raise InputError(msg)
    return {
        key: _float(source, key, value) if kind is float else _text(source, key, value)
        for key, value in content.items()
    }


def _content(source: str, document: Mapping[str, Any], table: str) -> dict[str, Any]:
    content = document.get(table, {})
    if not isinstance(content, dict):
        msg = f"{source}: {table} is {content!r}; it must be a table, [{table}] with its keys below it."
        raise InputError(msg)
    return content


def _require_keys(source: str, place: str, content: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in content:
        if key not in keys:
            msg = f"{source}: {place} has no key {key!r}; the keys are {', '.join(keys)}."
            raise InputError(msg)


def _text(source: str, key: str, value: object) -> str:
    if not isinstance(value, str) or (key == "id" and not value):
        msg = f"{source}: {key} is {value!r}; it must be a text."
        raise InputError(msg)
    return value


def _float(source: str, key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"{source}: {key} is {value!r}; it must be a number."
        raise InputError(msg)
    return float(value)


def _floats(source: str, key: str, values: object) -> tuple[float, ...]:
    if not isinstance(values, list):
        msg = f"{source}: {key} is {values!r}; it must be a list of numbers."
        raise InputError(msg)
    return tuple(_float(source, key, value) for value in values)


def _titration(source: str, document: Mapping[str, Any]) -> Titration:
    columns = ("free_mg_mM", "shift_ppm", "sd_ppm")
    content = _content(source, document, "titration")
    _require_keys(source, "[titration]", content, (*columns, "reduced_chi_square"))
    values = {name: _floats(source, name, content.get(name)) for name in columns}
    n_mg, n_shift, n_sd = (len(values[name]) for name in columns)
    if n_mg != n_shift or n_sd not in (0, n_mg) or max(values["free_mg_mM"], default=0.0) <= 0:
        msg = (
            f"{source}: [titration] has {n_mg} free_mg_mM, {n_shift} shift_ppm and {n_sd} sd_ppm; give one of each for every "
            "solution, one with Mg2+ at least; sd_ppm may be empty."
        )
        raise InputError(msg)
    return Titration(
        **values, reduced_chi_square=_float(source, "reduced_chi_square", content.get("reduced_chi_square"))
    )


def _toml_value(value: str | float | list[float]) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml_value, value))}]"
    return repr(float(value))
