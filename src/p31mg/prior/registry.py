"""The packaged sets as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from p31mg.notebook import card, table
from p31mg.prior.files import load_prior, packaged_priors
from p31mg.prior.model import Prior

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PriorTable", "field_text", "priors"]


class PriorTable(Mapping[str, Prior]):
    """All packaged priors by name, printing as a table."""

    def __getitem__(self, key: str) -> Prior:
        if key not in packaged_priors():
            raise KeyError(key)
        return load_prior(key)

    def __iter__(self) -> Iterator[str]:
        return iter(packaged_priors())

    def __len__(self) -> int:
        return len(packaged_priors())

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per prior."""
        import pandas as pd

        return pd.DataFrame(
            {
                "name": name,
                "tissue": p.tissue,
                "field": field_text(p),
                "reference": p.reference,
                "coupling": p.coupling,
                "resonances": ", ".join(p.names),
                "description": p.description,
            }
            for name, p in self.items()
        )

    def __repr__(self) -> str:
        return "\n".join(f"{name}  {field_text(p)}  {p.description}" for name, p in self.items())

    def _repr_html_(self) -> str:
        names = ("name", "field", "tissue", "resonances", "description")
        rows = [[n, field_text(p), p.tissue, ", ".join(p.names), p.description] for n, p in self.items()]
        return card("Priors", table([(name, "left") for name in names], rows))


def priors() -> PriorTable:
    """Return the packaged priors by name. Those for any field have names for every one: ``load_prior("heart-1.5t")``.

    Returns
    -------
    PriorTable
        A mapping of names to `Prior`; it prints as a table.

    Examples
    --------
    >>> list(priors())
    ['blood', 'brain', 'brain-7t', 'heart', 'liver', 'muscle', 'muscle-3t']
    >>> priors()["liver"].reference
    'gamma_atp'
    """
    return PriorTable()


def field_text(prior: Prior) -> str:
    """Return which field a prior is for."""
    return "any" if prior.scales_with_field else f"{prior.field_strength_t:.4g} T"
