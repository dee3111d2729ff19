"""Results as a BIDS derivatives dataset: the rows of each file beside those of its subject, described, and who made them.

    dataset_description.json  README.md  participants.tsv  participants.json  .bidsignore
    sub-01/ses-pre/mrs/sub-01_ses-pre_nuc-31P_desc-p31mg_mrs.tsv  and .json

BIDS has no name yet for quantities from spectroscopy. As other derivatives do, ``.bidsignore`` says which names are ours; all
else is of the standard. A file of which neither its path nor the subject table says who it is of is left out: a subject is not
invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from p31mg._version import __version__
from p31mg.io.documents import json_text
from p31mg.study.find import entities_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["derivatives", "without_subject"]

_VERSION = "1.10.0"
_OURS = (
    "results.*",
    "batch.log",
    "report.html",
    "methods.md",
    "figures/",
    "maps/",
    "series/",
    "*_mrs.tsv",
    "*_mrs.json",
)
_UNITS = {
    "_ppm": "ppm",
    "_hz": "Hz",
    "_mM": "mmol/L",
    "_uM": "umol/L",
    "_M": "mol/L",
    "_mhz": "MHz",
    "_s": "s",
    "_c": "oC",
    "_deg": "degree",
}
_NOT_IN_LABELS = re.compile("[^0-9A-Za-z]")
_ENDING = re.compile(r"(?:\.nii)?(?:\.gz)?$|\.[0-9A-Za-z]+$")


def derivatives(
    table: pd.DataFrame, columns: Mapping[str, str], carried: Iterable[str], study: str
) -> Iterator[tuple[str, str]]:
    """Yield path and content of every file of the dataset.

    Parameters
    ----------
    table, columns
        Of the study, and what its columns mean.
    carried
        Columns of the subject table; those with one value for each participant go to participants.tsv.
    study
        Name of the folder of the spectra.
    """
    yield "dataset_description.json", json_text(_description(study))
    yield "README.md", _README.format(study=study, version=__version__)
    yield ".bidsignore", "".join(f"{pattern}\n" for pattern in _OURS)
    table = table.assign(participant_id=table.get("subject"))
    table = table[table["participant_id"].notna()]
    by_participant = table.groupby("participant_id", sort=True)
    own = [c for c in carried if c in table and c != "subject" and (by_participant[c].nunique(dropna=False) == 1).all()]
    yield "participants.tsv", _tsv(by_participant[own].first().reset_index() if own else _ids(table))
    described = {"participant_id": {"Description": "subject of the study"}}
    yield "participants.json", json_text(described | {c: {"Description": columns[c]} for c in own})
    sidecar = {c: _described(c, text) for c, text in columns.items()}
    taken: dict[str, int] = {}
    for file, rows in table.groupby("file", sort=False):
        path = _path(str(file), str(rows["participant_id"].iloc[0]))
        taken[path] = taken.get(path, 0) + 1
        if taken[path] > 1:  # two files of the same entities, as of other endings
            path = path.replace("_desc-p31mg_", f"_desc-p31mg{taken[path]}_")
        yield f"{path}.tsv", _tsv(rows.drop(columns="participant_id"))
        yield f"{path}.json", json_text({"Sources": [f"bids:raw:{file}"], **sidecar})


def _description(study: str) -> dict[str, Any]:
    return {
        "Name": f"Free intracellular Mg2+ from 31P spectra of {study}",
        "BIDSVersion": _VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [
            {"Name": "p31mg", "Version": __version__, "Description": "fit of 31P spectra, Mg2+ by the ATP shift"}
        ],
    }


_README = """# Free intracellular Mg2+ from 31P spectra

p31mg {version} fitted the 31P spectra of {study} and converted the distance of the alpha- and beta-peaks of ATP to the
concentration of free intracellular Mg2+.

* `sub-*/**/*_desc-p31mg_mrs.tsv`: the results of each file, one row for each spectrum; the JSON file beside it says what the
  columns mean.
* `results.csv`: all rows in one table, also those of files without a subject. `results.json`: options, calibration, prior
  knowledge, versions, checksums of the inputs.
"""


def without_subject(files: Iterable[str], carried: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the files of which neither their path nor the subject table (`carried`) says who they are of.

    Examples
    --------
    >>> without_subject(["sub-01/mrs/sub-01_svs.nii.gz", "notes.txt", "x.dat"], {"x.dat": {"subject": "sub-02"}})
    ['notes.txt']
    """
    return [f for f in files if "subject" not in entities_of(f) and carried.get(f, {}).get("subject") is None]


def _path(file: str, participant: str) -> str:
    """Return where the results of a file go, without the ending."""
    entities = entities_of(file)
    session = entities.get("session")
    folder = PurePosixPath(participant, str(session) if session else "", "mrs")
    stem = _ENDING.sub("", PurePosixPath(file).name)
    parts = [p for p in stem.split("_") if re.fullmatch(r"[a-z]+-[0-9A-Za-z+]+", p)]
    kept = [p for p in parts if not p.startswith(("sub-", "ses-", "desc-"))]
    if "sub-" not in stem and not kept:
        kept = [f"acq-{_NOT_IN_LABELS.sub('', stem)}"]
    return str(folder / "_".join([participant, *([str(session)] if session else []), *kept, "desc-p31mg", "mrs"]))


def _ids(table: pd.DataFrame) -> pd.DataFrame:
    return table[["participant_id"]].drop_duplicates().sort_values("participant_id")


def _described(column: str, text: str) -> dict[str, str]:
    unit = next((unit for ending, unit in _UNITS.items() if column.endswith(ending)), None)
    return {"Description": text, **({"Units": unit} if unit else {})}


def _tsv(table: pd.DataFrame) -> str:
    return table.replace("", "n/a").to_csv(sep="\t", index=False, na_rep="n/a")
