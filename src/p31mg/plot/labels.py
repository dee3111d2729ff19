"""How resonances are called in figures."""

from __future__ import annotations

__all__ = ["label_of"]

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


def label_of(name: str) -> str:
    """Return the label of a resonance, its name where there is no other.

    Examples
    --------
    >>> label_of("alpha_atp"), label_of("dpg")
    ('α-ATP', 'dpg')
    """
    return _LABELS.get(name, name)
