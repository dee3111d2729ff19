"""What a study looks like to its reader: one HTML file, the paragraph for the paper, and figures.

`curves`     small display curves of fitted spectra
`rows`       the rows of the table: named, judged in words, in the order in which to look at them
`charts`     geometry of the charts
`page`       `write_report`: the HTML file, from `templates/`
"""

from p31mg.report.curves import FitCurves, curves_of
from p31mg.report.page import write_report

__all__ = ["FitCurves", "curves_of", "write_report"]
