"""Prior knowledge: which resonances to expect, where, how wide, how split. Packaged sets are TOML files in `sets/`."""

from p31mg.prior.advice import advice
from p31mg.prior.files import load_prior, packaged_priors, parse_prior
from p31mg.prior.model import COUPLINGS, LINESHAPES, OF_FIELD, Prior, Resonance
from p31mg.prior.multiplets import common_parameters, common_range, first_order_lines, line_structure
from p31mg.prior.registry import PriorTable, field_text, priors
from p31mg.prior.spin_system import SpinLines, spin_lines
from p31mg.prior.spreadsheet import ImportedPrior, import_prior
from p31mg.prior.writing import prior_toml, write_prior

__all__ = [
    "COUPLINGS",
    "LINESHAPES",
    "OF_FIELD",
    "ImportedPrior",
    "Prior",
    "PriorTable",
    "Resonance",
    "SpinLines",
    "advice",
    "common_parameters",
    "common_range",
    "field_text",
    "first_order_lines",
    "import_prior",
    "line_structure",
    "load_prior",
    "packaged_priors",
    "parse_prior",
    "prior_toml",
    "priors",
    "spin_lines",
    "write_prior",
]


def __dir__() -> list[str]:
    return __all__
