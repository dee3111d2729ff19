"""How resonances are called in figures, and in which colour."""

from __future__ import annotations

from collections.abc import Sequence

from p31mg.plot.style import DATA, RESONANCE

__all__ = ["colours_of", "label_of"]

_LABELS = {
    "alpha_atp": "α-ATP",
    "beta_atp": "β-ATP",
    "gamma_atp": "γ-ATP",
    "pcr": "PCr",
    "pi": "Pi",
    "pi_extracellular": "Pi ext.",
    "pde": "PDE",
    "pme": "PME",
    "nad": "NAD(H)",
    "gpc": "GPC",
    "gpe": "GPE",
    "pc": "PC",
    "pe": "PE",
    "udpg": "UDPG",
    "dpg_upfield": "2,3-DPG",
    "dpg_downfield": "2,3-DPG",
    "ptdc": "PtdC",
}


_COLOURS = {
    "pcr": DATA,
    "alpha_atp": RESONANCE[0],
    "beta_atp": RESONANCE[1],
    "gamma_atp": RESONANCE[2],
    "pi": RESONANCE[3],
    "nad": RESONANCE[4],
    "pde": RESONANCE[5],
    "pme": RESONANCE[6],
}
"""Of the resonances that most spectra have; the same in every picture."""

_OTHERS = ("#117733", "#882255", "#999933", "#AA4499", "#44AA99", "#661100", "#6699CC", "#DDAA33", "#888888")


def colours_of(names: Sequence[str]) -> list[str]:
    """Return a colour for each resonance, the same in every picture for all that have a label.

    Examples
    --------
    >>> colours_of(["pcr", "alpha_atp"]) == colours_of(["alpha_atp", "pcr"])[::-1]
    True
    """
    labels = dict.fromkeys(
        label for name, label in _LABELS.items() if name not in _COLOURS
    )  # one for lines of one molecule
    others = list(labels | dict.fromkeys(label_of(name) for name in names if name not in _LABELS))
    return [_COLOURS.get(name) or _OTHERS[others.index(label_of(name)) % len(_OTHERS)] for name in names]


def label_of(name: str) -> str:
    """Return the label of a resonance, its name where there is no other.

    Examples
    --------
    >>> label_of("alpha_atp"), label_of("dpg")
    ('α-ATP', 'dpg')
    """
    return _LABELS.get(name, name)
