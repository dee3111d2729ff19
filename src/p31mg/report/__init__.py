"""What a study looks like to its reader: one HTML file, the paragraph for the paper, and figures.

`curves`     small display curves of fitted spectra
`rows`       the rows of the table: named, judged in words, in the order in which to look at them
`charts`     geometry of the charts
`page`       `write_report`: the HTML file, from `templates/`
`figures`    pictures of many fits, fast
`methods`    `write_methods`: the paragraph for the paper, and the reporting standard
`places`     maps of a grid and the time course of a series, as files
"""

from p31mg.report.curves import FitCurves, curves_of
from p31mg.report.figures import fit_pictures
from p31mg.report.methods import header_fields, write_methods
from p31mg.report.page import write_report
from p31mg.report.places import of_file, place_files

__all__ = [
    "FitCurves",
    "curves_of",
    "fit_pictures",
    "header_fields",
    "of_file",
    "place_files",
    "write_methods",
    "write_report",
]


def __dir__() -> list[str]:
    return __all__
