"""Maps of one slice of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from p31mg.errors import InputError
from p31mg.fitting import FitResult
from p31mg.magnesium import MagnesiumResult, maps_of
from p31mg.plot.style import MAPS_SIZE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = ["MapsPlot", "maps"]

_TITLES = {
    "mg": "free Mg²⁺ (mM)",
    "sd_mg": "its sd (mM)",
    "shift": "δα − δβ (ppm)",
    "ph": "pH",
    "pcr_atp": "PCr / γ-ATP",
    "valid": "Mg²⁺ valid",
}
_NOTHING = "#e3e3e3"


@dataclass(frozen=True)
class MapsPlot:
    """What `maps` drew, by the names of the maps."""

    figure: Figure
    axes: dict[str, Axes]
    images: dict[str, AxesImage]


def maps(
    fit: FitResult,
    mg: MagnesiumResult,
    figure: Figure | None = None,
    *,
    z: int | None = None,
    frame: tuple[int, ...] = (),
    valid_only: bool = True,
) -> MapsPlot:
    """Draw one slice of a grid: Mg2+ and its sd, shift, pH, PCr/ATP and which voxels are valid.

    Voxels are drawn in the order of the file, x to the right and y upwards, not in the space of the scanner: for that there is
    `p31mg.write_maps`. Grey is not known: there Mg2+ is not valid, or the fit
    failed.

    Parameters
    ----------
    fit
        From `p31mg.fit` of spectra with the batch axes x, y, z first.
    mg
        `p31mg.free_magnesium` of it.
    figure
        Figure to draw on. Default: a new one.
    z
        Which slice. Default None: the one with the most valid voxels.
    frame
        Which place on the batch axes after z, such as the time. Default: the first on each.
    valid_only
        Whether Mg2+, its sd and the shift are left out where Mg2+ is not valid. Default True.

    Returns
    -------
    MapsPlot
        The figure; axes and images by the names of the maps.

    Raises
    ------
    InputError
        The spectra are no grid, `mg` belongs to another fit, or there is no such slice.

    Examples
    --------
    >>> import p31mg
    >>> grid = p31mg.simulate([[[0.4], [0.5]], [[0.6], [0.7]]], prior="muscle-3t", snr=300, seed=1)
    >>> fit = p31mg.fit(p31mg.Spectra(grid.fid, grid.acquisition, ("x", "y", "z")))
    >>> list(maps(fit, p31mg.free_magnesium(fit)).axes)
    ['mg', 'sd_mg', 'shift', 'ph', 'pcr_atp', 'valid']
    """
    axes_names = fit.spectra.axis_names
    if axes_names[:3] != ("x", "y", "z"):
        msg = f"fit has the batch axes {axes_names}; maps need x, y, z first: read a grid, or name axis_names."
        raise InputError(msg)
    shape = fit.batch_shape
    at = frame or (0,) * (len(shape) - 3)
    if z is None:
        z = int(mg.is_valid.reshape(*shape[:3], -1).sum(axis=(0, 1, 3)).argmax()) if mg.is_valid.shape == shape else 0
    if len(at) != len(shape) - 3 or not all(0 <= i < n for i, n in zip((z, *at), shape[2:], strict=True)):
        msg = f"z is {z} and frame {at}; the fit has the batch shape {shape}."
        raise InputError(msg)
    place_after = int(np.ravel_multi_index(at, shape[3:])) if at else 0
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=MAPS_SIZE, layout="constrained")
    import matplotlib as mpl
    from matplotlib.ticker import MaxNLocator

    found = maps_of(fit, mg, valid_only=valid_only)
    slices = {name: values.reshape(*shape[:3], -1)[:, :, z, place_after] for name, values in found.items()}
    colours = mpl.colormaps["viridis"].with_extremes(bad=_NOTHING)
    grey = mpl.colors.ListedColormap([_NOTHING, "#0072B2"])
    axes, images = {}, {}
    for place, (name, values) in enumerate(slices.items()):
        ax = figure.add_subplot(2, 3, place + 1)
        limits = _limits(values) if name != "valid" else (0.0, 1.0)
        images[name] = ax.imshow(
            values.T,
            origin="lower",
            cmap=grey if name == "valid" else colours,
            vmin=limits[0],
            vmax=limits[1],
            interpolation="nearest",
        )
        n_valid = int(np.nansum(slices["valid"]))
        count = f": {n_valid} of {values.size}" if name == "valid" else ""
        ax.set_title(_TITLES[name] + count, loc="left", fontsize="medium")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("x (voxel)", fontsize="small")
        ax.set_ylabel("y (voxel)", fontsize="small")
        ax.tick_params(labelsize="small")
        if name != "valid" and np.isfinite(values).any():
            figure.colorbar(images[name], ax=ax, shrink=0.85).ax.tick_params(labelsize="small")
        axes[name] = ax
    where = "".join(f", {name} {i}" for name, i in zip(axes_names[2:], (z, *at), strict=True))
    figure.suptitle(f"{mg.calibration.id}{where}", x=0.01, ha="left", fontsize="medium")
    return MapsPlot(figure, axes, images)


def _limits(values: np.ndarray) -> tuple[float | None, float | None]:
    """Return limits of the colours that one wild voxel does not spoil."""
    known = values[np.isfinite(values)]
    if not known.size:
        return None, None
    low, high = np.quantile(known, [0.02, 0.98])
    return float(low), float(high)
