"""What a study looks like to its reader: one HTML file, the paragraph for the paper, and figures.

`curves`     small display curves of fitted spectra
"""

from p31mg.report.curves import FitCurves, curves_of

__all__ = ["FitCurves", "curves_of"]
