"""`write_methods`: the paragraph for the paper and the table of the reporting standard, filled in with what is known.

Items are those of the MRSinMRS consensus (Lin et al. 2021, doi:10.1002/nbm.4484), in our words. What files and
options do not tell is left blank, and marked: nothing is guessed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg._version import __version__
from p31mg.acquisition import Spectra
from p31mg.atomic import write_text
from p31mg.constants import LARMOR_FREQUENCY_31P_MHZ_PER_T
from p31mg.fitting import FitStatus
from p31mg.magnesium import Calibration, calibration_from_record, constants_text
from p31mg.magnesium.inputs import PI_IS_FAINT
from p31mg.plot.labels import label_of
from p31mg.report.fitted import RULES, baseline_text, begin_time_text, lineshape_text, phase_text, span
from p31mg.report.rows import FLAGS, Row, group_column, position_columns, require_table, rows_of, status_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BLANK", "header_fields", "write_methods"]

BLANK = "**[fill in]**"

_HEADER_FIELDS: Mapping[str, str] = {
    "Manufacturer": "{}",
    "ManufacturersModelName": "{}",
    "SoftwareVersions": "software {}",
    "TxCoil": "transmit {}",
    "RxCoil": "receive {}",
    "SequenceName": "`{}`",
    "RepetitionTime": "{} s",
    "ExcitationFlipAngle": "flip angle {}°",
    "NumberOfTransients": "{} transients",
}
"""Fields of NIfTI-MRS that the standard asks for and that name no person, no device and no day, and how they are said."""

_CONSTANTS = {
    "atp_ppm": "shift of free ATP {} ppm",
    "mgatp_ppm": "of MgATP {} ppm",
    "kd_uM": "Kd {} µM",
    "p_mg_0": "pMg₀ {}",
    "low_ppm": "limits {}",
    "high_ppm": "and {} ppm",
    "low_exponent": "exponents {}",
    "high_exponent": "and {}",
}
_CONDITIONS = {
    "ph": "pH {:g}",
    "temperature_c": "{:g} °C",
    "ionic_strength_M": "ionic strength {:g} M",
    "potassium_M": "K⁺ {:g} M",
}
_SPATIAL = ("x", "y", "z")

_SHIFTS = {"shift_alpha_beta_ppm": "δα − δβ", "shift_beta_pcr_ppm": "δβ − δPCr"}
_BETWEEN = {"shift_alpha_beta_ppm": "the α- and β-ATP multiplets", "shift_beta_pcr_ppm": "the β-ATP multiplet and PCr"}


def header_fields(spectra: Spectra) -> dict[str, str]:
    """Return what the header of a file says that belongs into a methods section; nothing that identifies anybody.

    Parameters
    ----------
    spectra
        What `p31mg.read` returned.

    Returns
    -------
    dict
        Values as text, by the names of NIfTI-MRS.

    Examples
    --------
    >>> import p31mg
    >>> one = p31mg.simulate(0.5, prior="muscle-3t", seed=1)
    >>> told = {"Manufacturer": "ACME", "RepetitionTime": 3.0, "PatientName": "Doe", "DeviceSerialNumber": "7"}
    >>> header_fields(p31mg.Spectra(one.fid, one.acquisition, metadata=told))
    {'Manufacturer': 'ACME', 'RepetitionTime': '3'}
    """
    said: dict[str, str] = {}
    for name in _HEADER_FIELDS:
        value = spectra.metadata.get(name)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            said[name] = f"{value:g}"
        elif isinstance(value, str) and value.strip():
            said[name] = value.strip()[:80]
    return said


def write_methods(output: str | os.PathLike[str], table: pd.DataFrame, provenance: Mapping[str, Any]) -> Path:
    """Write ``methods.md``: a methods paragraph, and the MRSinMRS table with blanks where only the authors know.

    Parameters
    ----------
    output
        Folder of the study; the file is ``methods.md`` in it, whole or not there.
    table
        From `p31mg.batch`.
    provenance
        How it was made: ``"calibration"``, ``"prior"``, ``"versions"`` and ``"options"``, as in ``results.json``; and, where
        known, ``"headers"``: of each field of `header_fields` the values that the files have.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    InputError
        The table is not one of `p31mg.batch`, or there is no record of the calibration.
    WriteError
        The file cannot be written.
    """
    import jinja2

    require_table(table)
    template = (resources.files("p31mg.report") / "templates" / "methods.md").read_text(encoding="utf-8")
    environment = jinja2.Environment(  # Markdown, not HTML
        undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    facts = _facts(table, provenance)
    text = environment.from_string(template).render(**facts, items=_items(facts))
    path = Path(output) / "methods.md"
    return write_text(path, text)


def _facts(table: pd.DataFrame, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return every value of the template, as text."""
    fitted = table[table["status"] == FitStatus.OK.name]
    valid = table[table["mg_is_valid"].astype(bool)]
    failed = table[table["status"] != FitStatus.OK.name]
    calibration = calibration_from_record(provenance.get("calibration", {}))
    prior, options = provenance.get("prior", {}), provenance.get("options", {})
    resonances = prior.get("resonances", {})
    names = sorted(resonances, key=lambda name: -float(resonances[name].get("chemical_shift_ppm", 0.0)))
    read = table[table["status"] != FitStatus.NOT_READ.name]
    known = fitted if len(fitted) else read
    group = group_column(table)
    rows = rows_of(table, group)
    conditions = _conditions(calibration)
    engine = options.get("engine", "batch")
    headers = provenance.get("headers") or {}
    return {
        "header": {name: _said(name, headers.get(name)) for name in _HEADER_FIELDS},
        "version": __version__,
        "blank": BLANK,
        "software": provenance.get("versions", {}).get("p31mg", __version__),
        "n_rows": len(table),
        "n_spectra": _counted(len(read), "³¹P spectrum", "³¹P spectra"),
        "n_files": _counted(read["file"].nunique(), "file"),
        "not_read": _not_read(table),
        "kinds": _kinds(read),
        "groups": _groups(rows, table, group),
        "why_flagged": _why_flagged(rows),
        "n_valid": len(valid),
        "n_flagged": len(fitted) - len(valid),
        "n_failed": len(failed),
        "why_failed": _why(failed),
        "why_out": _why_out(rows),
        "frequency": _span(_column(table, "spectrometer_frequency_mhz"), 3),
        "field": _span(_column(table, "spectrometer_frequency_mhz") / LARMOR_FREQUENCY_31P_MHZ_PER_T, 1),
        "width": _span(_column(table, "spectral_width_hz"), 1),
        "points": _span(_column(table, "n_points"), 0),
        "begin": begin_time_text(known) or f"{BLANK} after the centre of the excitation",
        "phases": phase_text(known),
        "baseline": baseline_text(known, options),
        "resonances": _listed(list(dict.fromkeys(label_of(name) for name in names))) if names else BLANK,
        "lineshape": lineshape_text(known, prior, options, f"{BLANK} lines"),
        "prior": prior.get("name", options.get("prior", BLANK)),
        "fitted": {
            "batch": " by least squares to the discrete Fourier transform, in the band of the resonances",
            "lmfit": " by least squares to the discrete Fourier transform with lmfit",
        }.get(engine, ""),
        "calibration": calibration.id,
        "shift": _SHIFTS[calibration.quantity],
        "between": _BETWEEN[calibration.quantity],
        "constants": _constants(calibration),
        "conditions": f"; {conditions}" if conditions else "",
        "source": calibration.source or BLANK,
        "evidence": calibration.evidence,
        "kd": _kd(fitted),
        "ph": _ph(fitted),
        "temperature": _span(_column(fitted, "temperature_c"), 1),
        "level": _percent(fitted),
        "errors": _errors(fitted),
        "rules": RULES + (", or pH or temperature were not usable" if _is_corrected(fitted) else ""),
        "snr": _median_and_range(valid, "snr", 0),
        "pcr_width": _median_and_range(valid, "pcr_linewidth_hz", 1, " Hz"),
        "sd_shift": _median_and_range(valid, f"sd_{calibration.quantity}", 4, " ppm"),
        "crlb": _median_and_range(valid, "beta_atp_crlb_chemical_shift_ppm", 4, " ppm"),
        "mg": _median_and_range(valid, "free_mg_mM", 3, " mM"),
    }


def _items(f: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Return the items of the standard with what is known of them; a heading has None."""

    def told(*names: str, complete: bool = True) -> str:
        """Return what the headers say, and a blank for what they do not."""
        parts = [f["header"][name] or (BLANK if complete else "") for name in names]
        return "; ".join(dict.fromkeys([part for part in parts if part] + ([] if complete else [BLANK])))

    model = f"multiplets of {f['resonances']} with {f['lineshape']} (prior `{f['prior']}`), {f['phases']}"
    rows: list[tuple[str, str | None]] = [
        ("1. Hardware", None),
        ("a. Field strength", f"{f['field']} T, from the ³¹P frequency of {f['frequency']} MHz"),
        ("b. Manufacturer", told("Manufacturer")),
        ("c. Model and software version", told("ManufacturersModelName", "SoftwareVersions")),
        ("d. Coils: nuclei, channels, type, body part", f"³¹P; {told('TxCoil', 'RxCoil', complete=False)}"),
        ("e. Other hardware", BLANK),
        ("2. Acquisition", None),
        ("a. Pulse sequence", told("SequenceName", "ExcitationFlipAngle", complete=False)),
        ("b. Place of the volume of interest", BLANK),
        ("c. Its nominal size", BLANK),
        (
            "d. Repetition time, echo time",
            f"TR {told('RepetitionTime')}; first point {f['begin']}",
        ),
        (
            "e. Excitations per spectrum; for series: averaging and number of spectra",
            "; ".join(filter(None, [told("NumberOfTransients"), f["kinds"]])),
        ),
        (
            "f. Further parameters: width, points, frequency offset; for MRSI: dimensions, field of view, matrix, acceleration",
            f"{f['width']} Hz, {f['points']} points; {BLANK}",
        ),
        ("g. Water suppression", "not needed for ³¹P"),
        ("h. Shimming, and when it was accepted", BLANK),
        ("i. Triggering, motion correction, decoupling, NOE", BLANK),
        ("3. Analysis", None),
        ("a. Software", f"p31mg {f['software']}"),
        (
            "b. Processing before the fit",
            f"no filter and no zero filling by p31mg; {f['baseline']}; before reading: {BLANK}",
        ),
        ("c. Output", f"free intracellular Mg²⁺ in mM, from {f['shift']} by the calibration `{f['calibration']}`"),
        (
            "d. References and assumptions",
            f"{model}; {f['constants']}{f['conditions']}; {f['source']} (evidence {f['evidence']}); {f['kd']}; pH {f['ph']}",
        ),
        ("4. Quality", None),
        (
            "a. SNR and linewidth",
            f"PCr, median of valid spectra: SNR {f['snr']} (height of the matched-filtered peak over the noise sd of one "
            f"component), linewidth {f['pcr_width']}",
        ),
        (
            "b. Exclusion criteria",
            f"{f['rules']}; excluded: {f['n_rows'] - f['n_valid']} of {f['n_rows']}{f['why_out']}",
        ),
        (
            "c. Quality of the fit",
            f"median of valid spectra: sd of {f['shift']} {f['sd_shift']}; Cramér-Rao bound of the β-ATP shift {f['crlb']}",
        ),
        ("d. Sample spectrum", "see `report.html`"),
    ]
    return [(name, text if text is None else _cell(text)) for name, text in rows]


def _said(name: str, values: Any) -> str:
    """Return what the headers say of a field, empty where nothing."""
    known = [values] if isinstance(values, str) else list(values or ())
    return ", ".join(_HEADER_FIELDS[name].format(str(value).replace("`", "")) for value in known)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _column(table: pd.DataFrame, name: str) -> Any:
    """Return the known numbers of a column."""
    if name not in table:
        return np.empty(0)
    values = table[name].dropna().to_numpy(float)
    return values[np.isfinite(values)]


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    return [] if name not in table else [str(v) for v in dict.fromkeys(table[name].dropna()) if str(v)]


def _span(values: Any, digits: int) -> str:
    return span(values, digits, BLANK)


def _median_and_range(table: pd.DataFrame, name: str, digits: int, unit: str = "") -> str:
    values = _column(table, name)
    if not len(values):
        return BLANK
    low, middle, high = (f"{v:.{digits}f}" for v in (values.min(), np.median(values), values.max()))
    return f"{middle}{unit}" if low == high else f"{middle}{unit} (range {low} to {high})"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def _why(failed: pd.DataFrame) -> str:
    counts = failed["status"].value_counts()
    return f" ({', '.join(f'{n} {status_text(str(status))}' for status, n in counts.items())})" if len(counts) else ""


def _why_flagged(rows: list[Row]) -> str:
    """Return how often each flag was raised."""
    counts = [(FLAGS[flag][0], sum(flag in row.flags for row in rows if row.verdict == "flagged")) for flag in FLAGS]
    raised = [f"{n} {words}" for words, n in counts if n]
    return f" ({', '.join(raised)})" if raised else ""


def _why_out(rows: list[Row]) -> str:
    """Return how many have no result, and how many one that is flagged, where there are any."""
    n = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ("failed", "flagged")}
    said = [f"{k} {verdict}" for verdict, k in n.items() if k]
    return f" ({', '.join(said)})" if said else ""


def _not_read(table: pd.DataFrame) -> str:
    n = table.loc[table["status"] == FitStatus.NOT_READ.name, "file"].nunique()
    return f" ({n} of {_counted(table['file'].nunique(), 'file')} could not be read)" if n else ""


def _kinds(read: pd.DataFrame) -> str:
    """Return which of the files are grids or series, and of what size; empty where none is."""
    positions = position_columns(read)
    kinds: dict[str, int] = {}
    for _, rows in read.groupby("file", sort=False) if positions else ():
        n_along = {axis: int(rows[axis].nunique()) for axis in positions}
        grid = [n_along[axis] for axis in _SPATIAL if n_along.get(axis)]
        others = [n for axis, n in n_along.items() if axis not in _SPATIAL and n > 1]
        said = [f"a grid of {' × '.join(map(str, grid))} voxels"] if np.prod(grid, dtype=int) > 1 else []
        said += [f"a series of {' × '.join(map(str, others))} spectra"] if others else []
        if said:
            kinds[", each ".join(said)] = kinds.get(", each ".join(said), 0) + 1
    return "; ".join(f"{_counted(n, 'file')} {'is' if n == 1 else 'are each'} {kind}" for kind, n in kinds.items())


def _groups(rows: list[Row], table: pd.DataFrame, group: str | None) -> str:
    """Return how many spectra, subjects and exclusions each group has; empty where there are no groups."""
    if group is None:
        return ""
    said = []
    for name in sorted({row.group for row in rows}, key=lambda name: (name == "", name)):
        members = [row for row in rows if row.group == name]
        subjects = {str(row.values["subject"]) for row in members if isinstance(row.values.get("subject"), str)}
        out = [row for row in members if row.verdict != "valid"]
        words: dict[str, int] = {}
        for row in out:
            failed = row.verdict == "failed"
            for word in [status_text(str(row.values["status"]))] if failed else [FLAGS[f][0] for f in row.flags]:
                words[word] = words.get(word, 0) + 1
        why = f" ({', '.join(f'{n} {word}' for word, n in words.items())})" if words else ""
        people = f" of {_counted(len(subjects), 'subject')}" if subjects else ""
        mg = _median_and_range(table.iloc[[r.index for r in members if r.verdict == "valid"]], "free_mg_mM", 3, " mM")
        median = f", median free Mg²⁺ {mg}" if mg != BLANK else ""
        n = _counted(len(members), "spectrum", "spectra")
        said.append(f"{name or 'without a group'}: {n}{people}, {len(out)} left out{why}{median}")
    return "; ".join(said)


def _constants(calibration: Calibration) -> str:
    """Return the constants in prose; those of which there are no words as the calibration names them."""
    if not calibration.constants.keys() <= _CONSTANTS.keys():
        return constants_text(calibration)
    sd: Mapping[str, float] = getattr(calibration, "sd_constants", None) or {}

    def value_of(name: str) -> str:
        return f"{calibration.constants[name]:g}" + (f" ± {sd[name]:.2g}" if sd.get(name) else "")

    return ", ".join(_CONSTANTS[name].format(value_of(name)) for name in calibration.constants).replace(
        ", and ", " and "
    )


def _conditions(calibration: Calibration) -> str:
    known: Mapping[str, float | None] = getattr(calibration, "conditions", None) or {}
    return ", ".join(text.format(known[name]) for name, text in _CONDITIONS.items() if known.get(name) is not None)


def _is_corrected(fitted: pd.DataFrame) -> bool:
    return "kd_corrected" in fitted and bool(fitted["kd_corrected"].astype(bool).any())


def _kd(fitted: pd.DataFrame) -> str:
    if not _is_corrected(fitted):
        return "its constants used as they stand, without correction to pH, temperature or ions"
    strength, potassium = (_span(_column(fitted, c), 3) for c in ("ionic_strength_M", "potassium_M"))
    ratio = _span(_column(fitted, "kd_ratio"), 3)
    return (
        f"with Kd corrected to pH, temperature, ionic strength {strength} M and K⁺ {potassium} M by the speciation of ATP "
        f"(factor {ratio})"
    )


def _ph(fitted: pd.DataFrame) -> str:
    ways = []
    for source in _texts(fitted, "ph_source"):
        members = fitted[fitted["ph_source"] == source]
        value = _median_and_range(members, "ph", 2)
        said = {
            "given": f"given, median {value}",
            "unknown": "not known",
            PI_IS_FAINT: "not known where Pi is too faint",
        }
        ways.append(said.get(source, f"read from the shift of Pi by `{source}`, median {value}"))
    return ", or ".join(ways) or BLANK


def _percent(fitted: pd.DataFrame) -> str:
    levels = _column(fitted, "interval_level")
    return f"{100 * levels[0]:g} %" if len(levels) else BLANK


def _errors(fitted: pd.DataFrame) -> str:
    included = [part for text in _texts(fitted, "error_includes") if text != "nothing" for part in text.split(", ")]
    return ", ".join(dict.fromkeys(included)) or "nothing"
