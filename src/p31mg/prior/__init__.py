"""Prior knowledge: which resonances to expect, where, how wide, how split. Packaged sets are TOML files in `sets/`."""

from p31mg.prior.files import load_prior, packaged_priors, parse_prior
from p31mg.prior.model import LINESHAPES, Prior, Resonance
from p31mg.prior.multiplets import common_parameters, common_range, first_order_lines, line_structure

__all__ = [
    "LINESHAPES",
    "Prior",
    "Resonance",
    "common_parameters",
    "common_range",
    "first_order_lines",
    "line_structure",
    "load_prior",
    "packaged_priors",
    "parse_prior",
]
