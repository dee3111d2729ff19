"""What a series of spectra says at each of its times, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from p31mg.errors import InputError
from p31mg.magnesium.energetics import EnergeticsResult, HasAmplitudes, energetics
from p31mg.magnesium.result import MagnesiumResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HasCourse", "time_course"]


@runtime_checkable
class HasCourse(HasAmplitudes, Protocol):
    """The part of a fit that a time course is made of."""

    @property
    def row_columns(self) -> dict[str, Any]:
        """Position of each row on each batch axis, and its status."""


def time_course(
    fit: HasCourse,
    mg: MagnesiumResult,
    energetics_result: EnergeticsResult | None = None,
    *,
    time_s: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Return Mg2+, pH, PCr, Pi and ADP of a series, one row per spectrum in the order of acquisition.

    Parameters
    ----------
    fit
        From `p31mg.fit` of spectra with one batch axis longer than 1, such as ``dyn``.
    mg
        `p31mg.free_magnesium` of it.
    energetics_result
        `p31mg.energetics` of both, for PCr and Pi in mM, ADP and dG by other assumptions than its defaults. Default None: by its
        defaults, which are those of muscle, where the prior has PCr, Pi and gamma-ATP; otherwise there are no such columns.
    time_s
        Time of each spectrum in s. Default None: not known, as a repetition time does not tell the number of averages.

    Returns
    -------
    pandas.DataFrame
        The position on the axis, ``time_s`` where given, ``status``, ``mg_is_valid``, ``free_mg_mM`` with its sd and interval,
        ``shift_alpha_beta_ppm`` or what the calibration uses, ``ph``, ``pcr_mM``, ``pi_mM``, ``adp_uM``, ``dg_atp_kj_per_mol``
        with their sds, and in ``assumed`` what concentrations rest on. Numbers of failed rows are NaN.

    Raises
    ------
    InputError
        The fit is no series, or a shape does not fit.

    Examples
    --------
    >>> import p31mg
    >>> fit = p31mg.fit(p31mg.simulate(0.5, ph=[7.05, 6.9, 6.8], prior="muscle-3t", snr=400, seed=1))
    >>> time_course(fit, p31mg.free_magnesium(fit), time_s=[0, 12, 24])[["time_s", "ph"]].round(1)
       time_s   ph
    0     0.0  7.1
    1    12.0  6.9
    2    24.0  6.8
    """
    import pandas as pd

    shape = mg.free_mg_mM.shape
    if fit.amplitude.shape[:-1] != shape:
        msg = f"mg has shape {shape} and fit {fit.amplitude.shape[:-1]}; give p31mg.free_magnesium of that fit."
        raise InputError(msg)
    if sum(n > 1 for n in shape) != 1:
        msg = f"fit has the batch shape {shape}; a time course has one axis longer than 1: pick a voxel first."
        raise InputError(msg)
    if energetics_result is None and {"pcr", "pi", "gamma_atp"} <= set(fit.names):
        energetics_result = energetics(fit, mg)
    place = next(i for i, n in enumerate(shape) if n > 1)
    row = fit.row_columns
    columns: dict[str, Any] = dict(list(row.items())[place : place + 1])
    if time_s is not None:
        times = np.asarray(time_s, dtype=float)
        if times.shape != (shape[place],):
            msg = f"time_s has shape {times.shape}; give one time for each of the {shape[place]} spectra, in s."
            raise InputError(msg)
        columns["time_s"] = times
    columns |= {
        "status": row["status"],
        "mg_is_valid": mg.is_valid.ravel(),
        "free_mg_mM": mg.free_mg_mM.ravel(),
        "sd_mM": mg.sd_mM.ravel(),
        "interval_low_mM": mg.interval_mM[..., 0].ravel(),
        "interval_high_mM": mg.interval_mM[..., 1].ravel(),
        mg.calibration.quantity: mg.shift_ppm.ravel(),
        f"sd_{mg.calibration.quantity}": mg.sd_shift_ppm.ravel(),
        "ph": mg.ph.ravel(),
        "sd_ph": mg.sd_ph.ravel(),
    }
    if energetics_result is not None:
        names = ("pcr_mM", "pi_mM", "adp_uM", "sd_adp_uM", "dg_atp_kj_per_mol", "sd_dg_atp_kj_per_mol")
        columns |= {name: getattr(energetics_result, name).ravel() for name in names}
        columns["assumed"] = "; ".join(energetics_result.assumed)
    return pd.DataFrame(columns, index=pd.RangeIndex(shape[place]))
