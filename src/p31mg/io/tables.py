"""Tables of people as text: what is common to reading them for a study and for a cohort."""

from __future__ import annotations

import io

__all__ = ["separator_and_headings"]


def separator_and_headings(text: str) -> tuple[str, list[str]]:
    r"""Return what separates the cells of a table with one line of headings, and these as they stand.

    Raises
    ------
    ValueError
        It is no table; pandas says why.

    Examples
    --------
    >>> separator_and_headings("subject;age\nsub-01;70\n")
    (';', ['subject', 'age'])
    """
    import pandas as pd

    heading = text.partition("\n")[0]
    separator = next((s for s in ("\t", ";") if s in heading and "," not in heading), ",")
    return separator, list(pd.read_csv(io.StringIO(text), sep=separator, skipinitialspace=True, nrows=0).columns)
