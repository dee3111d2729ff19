"""A folder of spectra in, a study out: one row per spectrum, figures, and the record of how it was made."""

from p31mg.study.run import batch

__all__ = ["batch"]


def __dir__() -> list[str]:
    return __all__
