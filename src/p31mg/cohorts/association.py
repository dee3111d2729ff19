"""`cohort`: from a table of results and a table of people to associations with the error of Mg2+ taken into account.

Every model is fitted twice. *Naive* is ordinary least squares, as any statistics program has it (statsmodels), with what is
measured in the place of what is true. *Corrected* uses the sd of each person's Mg2+: `p31mg.cohorts.errors_in_mg` has the
equations. The error of the calibration is the same for all people: it scales all Mg2+ and is no part of either.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from p31mg.arrays import FloatArray
from p31mg.cohorts.doubts import doubts_of
from p31mg.cohorts.errors_in_mg import (
    Error,
    Estimator,
    Statistics,
    jackknife_sd,
    mg_is_outcome,
    mg_is_predictor,
    no_error,
)
from p31mg.cohorts.formula import (
    Design,
    Formula,
    columns_of_people,
    design,
    parse,
    require_columns,
    rows_text,
)
from p31mg.cohorts.joining import MG, SD, Table, counted, join
from p31mg.errors import InputError, P31mgWarning, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CohortResult", "associate", "cohort", "groups_of"]

_FEWEST = 10
_MOST_GROUPS = 10
_LEAST_RELIABILITY = 0.4
"""Below it the corrected slope is too steep on average: by 18 % for age and 46 % for strength at a third (``docs/cohort.md``)."""
_COMMON = "everyone"
_UNBIASED, _VARIANCE = "mg without bias", "variance of its error"


@dataclass(frozen=True, repr=False)
class CohortResult:
    """Associations in a cohort: `to_dataframe()` is the tidy table.

    Attributes
    ----------
    associations
        One row per model, group of people and term; see `p31mg.cohort` for its columns.
    groups
        Comparison of the groups of `compare`, one row per group; empty without.
    left_out
        Reason, number and names of everyone who is not in any model, or not in one (then the reason names it).
    people
        One row per person with valid Mg2+: results and covariates. ``sd_of_person_mM`` is the error that the correction uses.
    by
        Column that the models were also fitted within; None without.
    level
        Of the intervals.
    doubts
        What is allowed but looks like a mistake, a sentence each; they were also given as warnings.

    Examples
    --------
    >>> import p31mg
    >>> people = p31mg.simulate_cohort(60, snr=300, seed=1)
    >>> p31mg.cohort(people.measured(), people.participants, "free_mg_mM ~ age")
    <CohortResult 60 people, 1 association, 0 left out>
    """

    associations: pd.DataFrame
    groups: pd.DataFrame
    left_out: pd.DataFrame
    people: pd.DataFrame
    by: str | None
    level: float
    doubts: tuple[str, ...] = ()

    def to_dataframe(self) -> pd.DataFrame:
        """Return the tidy table of associations."""
        return self.associations.copy()

    def __repr__(self) -> str:
        n, gone = len(self.associations), int(self.left_out["n"].sum())
        return f"<CohortResult {len(self.people)} people, {n} association{'s' if n != 1 else ''}, {gone} left out>"

    def _repr_html_(self) -> str:
        return str(self.associations.to_html(index=False, float_format=lambda v: f"{v:.3g}"))


def cohort(
    results: Table,
    participants: Table | None = None,
    formula: str | Sequence[str] = "free_mg_mM ~ age",
    *,
    by: str | None = None,
    compare: str | None = None,
    robust: bool = True,
    level: float = 0.95,
    only: Mapping[str, str] | None = None,
) -> CohortResult:
    r"""Estimate associations of free Mg2+ with what is known of people, as measured and corrected for the error of Mg2+.

    Where Mg2+ is the outcome its error lowers standardised slope, correlations and R2; where it is a predictor the slope itself
    is lowered. Both are corrected with the sds of the fit, which also weight the people.

    Parameters
    ----------
    results
        Table of `p31mg.batch`, or its ``results.csv``: subject, free_mg_mM, and the sd of each person's own error, which is
        sd_measurement_mM with sd_condition_mM where it is there; sd_mM without them. People whose mg_is_valid is false are left
        out where there is such a column.
    participants
        Covariates with a column subject (or participant_id), a CSV or TSV or a table. Its columns replace those of the same name
        that the study carried along. Default None: the covariates are in `results`.
    formula
        One or several: ``outcome ~ term + term``; terms are columns, ``log(column)``, ``C(column)`` (a category) and ``a:b`` or
        ``a*b``. Columns of text are categories, and no outcomes. Only a model in which free_mg_mM stands alone, as outcome or as
        one term, is corrected; one with its logarithm or product is as measured. Default: Mg2+ against age.
    by
        Also fit each model within each group of this column, as ``"sex"``; it is left out of their terms. Default None:
        among all people.
    compare
        Column whose groups are compared in Mg2+: differences from the first group, Welch's test. Default
        None: no such comparison.
    robust
        True (default): standard errors of the naive slopes that need no equal variances (HC3). Those of the corrected
        ones, from the jackknife, never do.
    level
        Of the intervals, between 0 and 1. Default 0.95.
    only
        Values that rows of the results must have, as ``{"session": "ses-1"}``, where a person has several.
        Default None: all rows.

    Returns
    -------
    CohortResult
        In its table, for each term: ``slope`` (outcome per unit of the term), ``sd_slope, slope_low, slope_high, p_value``
        (of the slope, as its interval), ``beta`` (in standard deviations of both; of the outcome alone for a category) with an
        interval of its own, ``partial_r``, and ``r2`` of the whole model. All as measured, and with ``corrected_`` before the
        name for true Mg2+: the same where there is no Mg2+ in the model. ``reliability`` is the share of the variance of
        measured Mg2+ that is of people, ``note`` what to know, and NaN what could not be estimated.

    Raises
    ------
    InputError
        Subjects that are there twice, text among numbers, a column without scatter, one group only, fewer than 10 people, ...;
        or statsmodels is not there: ``pip install 'p31mg[cohort]'``.
    UnknownNameError
        A column of the formula that is not there.
    ReadError
        A file that cannot be read as a table.

    Warns
    -----
    P31mgWarning
        Values far from all others, numbers that may be codes, a column that both tables have with other values, columns of the
        fit among the terms, a product without its factors: see ``CohortResult.doubts``.

    Examples
    --------
    >>> import p31mg
    >>> people = p31mg.simulate_cohort(441, snr=200, seed=1)
    >>> found = p31mg.cohort(people.measured(), people.participants, "free_mg_mM ~ age", by="sex")
    >>> found.to_dataframe()[["group", "term", "n"]].head(3).values.tolist()
    [['everyone', 'age', 441], ['sex female', 'age', 221], ['sex male', 'age', 220]]
    """
    if not 0 < level < 1:
        msg = f"level is {level:g}; it must lie between 0 and 1, as 0.95."
        raise InputError(msg)
    _require_statsmodels()
    import pandas as pd

    texts = [formula] if isinstance(formula, str) else list(formula)
    formulas = [parse(text) for text in texts]
    named = [c for f in formulas for c in f.columns] + [c for c in (by, compare) if c is not None]
    joined = join(results, participants, only, named)
    people = joined.table
    rows: list[dict[str, Any]] = []
    extra: list[tuple[str, pd.Series[str]]] = []
    doubts = list(joined.doubts)
    if by is not None:
        groups_of(people, by)
    for model in formulas:
        _require_something(model, people)
        complete = people.dropna(subset=list(model.columns))
        extra += _incomplete(model, people)
        rows += associate(model, complete, _COMMON, robust, level)
        doubts += doubts_of(model, complete)
        if by is not None:
            extra += _missing_group(model, complete, by)
            within = _without(model, by)
            for group, members in groups_of(complete, by):
                rows += associate(within, members, f"{by} {group}", robust, level)
    groups = pd.DataFrame()
    if compare is not None:
        groups = _comparison(people, compare, level)
        no_group = people.loc[people[compare].isna(), "subject"]
        extra.append((f"nothing in {compare}, by which groups are compared", no_group))
    gone = pd.concat([joined.left_out, counted(extra)], ignore_index=True)
    doubts = list(dict.fromkeys(doubts))
    for text in doubts:
        warnings.warn(text, P31mgWarning, stacklevel=2)
    return CohortResult(pd.DataFrame(rows), groups, gone, people, by, level, tuple(doubts))


def _require_statsmodels() -> None:
    try:
        import statsmodels.api  # noqa: F401
    except ImportError as error:
        msg = "associations need statsmodels; install it with: pip install 'p31mg[cohort]'."
        raise InputError(msg) from error


def _require_something(model: Formula, people: pd.DataFrame) -> None:
    require_columns(model, people)
    for name in model.columns:
        if people[name].isna().all():
            msg = f"column {name} of formula {model.text!r} is empty in all rows."
            raise InputError(msg)


def _incomplete(model: Formula, people: pd.DataFrame) -> list[tuple[str, pd.Series[str]]]:
    """Return who is not in a model because some of its columns are empty: by which these are."""
    names = np.array(model.columns)
    empty = people[list(names)].isna().to_numpy()
    said = np.array([", ".join(names[row]) for row in empty], dtype=object)
    return [
        (f"nothing in {columns} ({model.text})", people.loc[said == columns, "subject"])
        for columns in dict.fromkeys(said[empty.any(axis=1)])
    ]


def _without(model: Formula, by: str) -> Formula:
    """Return a model for the people of one group: without the terms that say which."""
    terms = tuple(term for term in model.terms if all(f.column != by for f in term))
    if not terms or model.outcome.column == by:
        msg = f"formula {model.text!r} has nothing left within each {by}; leave out by, or add a term."
        raise InputError(msg)
    return Formula(model.text, model.outcome, terms)


def groups_of(people: pd.DataFrame, by: str) -> list[tuple[Any, pd.DataFrame]]:
    """Return the name and the people of each group of a column, in order; those with nothing there are in none."""
    if by not in people:
        raise UnknownNameError(kind="column of groups", name=by, known=columns_of_people(people))
    groups = [(f"{g:g}" if isinstance(g, float) else g, m) for g, m in people.groupby(by, sort=True)]
    if len(groups) < 2:
        only = f"is {groups[0][0]!r} in all {len(people)} rows" if groups else "is empty in all rows"
        msg = f"column {by} {only}; there are no groups to tell apart."
        raise InputError(msg)
    if len(groups) > _MOST_GROUPS:
        msg = f"column {by} has {len(groups)} different values; groups are at most {_MOST_GROUPS}. "
        msg += "Make it a term of the formula, or a column of a few groups."
        raise InputError(msg)
    return groups


def _missing_group(model: Formula, people: pd.DataFrame, by: str) -> list[tuple[str, pd.Series[str]]]:
    if by not in people:
        return []
    return [(f"nothing in {by}, by which it is split ({model.text})", people.loc[people[by].isna(), "subject"])]


def associate(model: Formula, people: pd.DataFrame, group: str, robust: bool, level: float) -> list[dict[str, Any]]:
    """Return a row (see `cohort`) for each term of a model among people with nothing missing; `group` names them."""
    where = "" if group == _COMMON else f" of {group}"
    n = len(people)
    if n < _FEWEST:
        msg = f"formula {model.text!r} has {n} people{where} with nothing missing; at least {_FEWEST} are needed."
        raise InputError(msg)
    d = design(model, people, where)
    p = d.columns.shape[1]
    if n < p + 5:
        msg = f"formula {model.text!r} has {p} coefficients for {n} people{where}; leave terms out."
        raise InputError(msg)
    try:
        return _estimated(model, d, people, group, robust, level)
    except np.linalg.LinAlgError as error:
        msg = f"formula {model.text!r} cannot be estimated{where} when some people are left out; leave out rare categories."
        raise InputError(msg) from error


def _estimated(
    model: Formula, d: Design, people: pd.DataFrame, group: str, robust: bool, level: float
) -> list[dict[str, Any]]:
    """Return a row for each term, naive and corrected."""
    from scipy import stats

    n, p = d.columns.shape
    ordinary = _ordinary(d, robust)
    ones = np.ones(n)
    naive = no_error(d.outcome, d.columns, d.is_scaled)
    as_measured, sd_measured = naive(ones), jackknife_sd(naive, n)
    corrector, note = _corrector(model, d, people)
    if corrector is None:
        corrected, sd_corrected = (as_measured, sd_measured) if not note else _nothing(as_measured)
    else:
        corrected, sd_corrected = corrector(ones), jackknife_sd(corrector, n)
        if corrected.scatter == 0:
            note = "the errors of magnesium are as large as its scatter: nothing can be said of its truth"
            corrected, sd_corrected = _nothing(as_measured)
        elif corrected.reliability < _LEAST_RELIABILITY:
            note = (
                f"reliability below {_LEAST_RELIABILITY:g}: corrected values are as uncertain as their error bars say, and on "
                "average too large"
            )
    reach = float(stats.t.ppf(0.5 + level / 2, n - p))

    def of_kind(
        which: Statistics, sd: Statistics, k: int, sd_slope: float, p_value: float, prefix: str
    ) -> dict[str, Any]:
        return {
            f"{prefix}slope": which.slope[k],
            f"{prefix}sd_slope": sd_slope,
            f"{prefix}slope_low": which.slope[k] - reach * sd_slope,
            f"{prefix}slope_high": which.slope[k] + reach * sd_slope,
            f"{prefix}p_value": p_value,
            f"{prefix}beta": which.beta[k],
            f"{prefix}beta_low": which.beta[k] - reach * sd.beta[k],
            f"{prefix}beta_high": which.beta[k] + reach * sd.beta[k],
            f"{prefix}partial_r": which.partial_r[k],
            f"{prefix}r2": float(which.r2),
        }

    rows = []
    for k, name in enumerate(d.names):
        sd_slope, p_value = float(ordinary.bse[1 + k]), float(ordinary.pvalues[1 + k])
        sd_corrected_slope, p_corrected = sd_slope, p_value
        if corrected is not as_measured:
            sd_corrected_slope = float(sd_corrected.slope[k])
            t = abs(corrected.slope[k]) / sd_corrected_slope if sd_corrected_slope > 0 else np.nan
            p_corrected = float(2 * stats.t.sf(t, n - p))
        rows.append(
            {
                "formula": model.text,
                "group": group,
                "outcome": model.outcome.text,
                "term": name,
                "n": n,
                **of_kind(as_measured, sd_measured, k, sd_slope, p_value, ""),
                "reliability": float("nan" if corrector is None else corrected.reliability),
                **of_kind(corrected, sd_corrected, k, sd_corrected_slope, p_corrected, "corrected_"),
                "note": note,
            }
        )
    return rows


def _ordinary(d: Design, robust: bool) -> Any:
    import statsmodels.api as sm

    return sm.OLS(d.outcome, d.columns).fit(cov_type="HC3" if robust else "nonrobust", use_t=True)


def _corrector(model: Formula, d: Design, people: pd.DataFrame) -> tuple[Estimator | None, str]:
    """Return the estimator for true Mg2+, and what to say: none and nothing where no Mg2+ is in the model."""
    mg, error = _mg_and_error(people)
    if model.outcome.column == MG and not model.outcome.function:
        return mg_is_outcome(mg, d.columns, error, d.is_scaled), ""
    terms = [term for term in model.terms if any(f.column == MG for f in term)]
    if model.outcome.column != MG and not terms:
        return None, ""
    if model.outcome.column == MG or len(terms) > 1 or [f.text for f in terms[0]] != [MG]:
        return None, f"not corrected: {MG} is corrected only where it stands alone, as the outcome or as one term"
    column = 1 + d.names.index(MG)
    columns = d.columns.copy()
    columns[:, column] = mg
    return mg_is_predictor(d.outcome, columns, column, error, d.is_scaled), ""


def _mg_and_error(people: pd.DataFrame) -> tuple[FloatArray, Error]:
    """Return Mg2+ (n,) without the bias of large errors, and its error."""
    shift = people.get("sd_shift_alpha_beta_ppm")
    sd_shift = None if shift is None or not (shift > 0).all() else shift.to_numpy(float)
    return Error.from_measurements(people[MG].to_numpy(float), people[SD].to_numpy(float), sd_shift)


def _nothing(like: Statistics) -> tuple[Statistics, Statistics]:
    nan = np.full(like.slope.shape, np.nan)
    none = Statistics(nan, nan, nan, np.array(np.nan), np.array(np.nan), np.array(np.nan))
    return none, none


def _comparison(people: pd.DataFrame, column: str, level: float) -> pd.DataFrame:
    """Return Mg2+ of each group, and its difference from the first: Welch's interval and test, and in sds of people.

    As measured; what is corrected is of Mg2+ without the bias of large errors, as in the models.
    """
    import pandas as pd
    from statsmodels.stats.oneway import anova_oneway
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    known = people.dropna(subset=[column]) if column in people else people
    unbiased, error = _mg_and_error(known)
    known = known.assign(**{_UNBIASED: unbiased, _VARIANCE: error.sd**2})
    groups = groups_of(known, column)
    for name, members in groups:
        if len(members) < 3:
            msg = f"column {column} is {name!r} in {rows_text(members, [True] * len(members))} only; "
            msg += "a group has at least 3 people."
            raise InputError(msg)
    values = [m[MG].to_numpy(float) for _, m in groups]
    true_means = [float(m[_UNBIASED].mean()) for _, m in groups]
    true_variances = [float(m[_UNBIASED].var(ddof=1) - m[_VARIANCE].mean()) for _, m in groups]
    free = np.array([len(v) - 1 for v in values])
    within = float(free @ [v.var(ddof=1) for v in values] / free.sum())
    of_people = float(free @ true_variances / free.sum())
    overall = float(anova_oneway(values, use_var="unequal").pvalue)
    rows = []
    for (name, _), v, true_mean, scatter in zip(groups, values, true_means, true_variances, strict=True):
        difference, low, high, p_value = 0.0, np.nan, np.nan, np.nan
        if v is not values[0]:
            two = CompareMeans(DescrStatsW(v), DescrStatsW(values[0]))
            difference = float(v.mean() - values[0].mean())
            low, high = two.tconfint_diff(alpha=1 - level, usevar="unequal")
            p_value = float(two.ttest_ind(usevar="unequal")[1])
        rows.append(
            {
                "column": column,
                "group": name,
                "n": len(v),
                "mean_mM": float(v.mean()),
                "sd_mM": float(v.std(ddof=1)),
                "corrected_sd_mM": float(np.sqrt(scatter)) if scatter > 0 else np.nan,
                "difference_mM": difference,
                "difference_low_mM": float(low),
                "difference_high_mM": float(high),
                "p_value": p_value,
                "d": difference / within**0.5,
                "corrected_d": (true_mean - true_means[0]) / of_people**0.5 if of_people > 0 else np.nan,
                "p_value_all_groups": overall,
            }
        )
    return pd.DataFrame(rows)
