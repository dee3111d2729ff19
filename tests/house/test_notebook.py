"""What a notebook shows of results: small, escaped, whole, the right way round; and what Tab offers."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import p31mg
from p31mg.notebook import sketch

HOSTILE = "<script>alert('&')</script>"


def fit_of(*, snr: list[float]) -> p31mg.FitResult:
    return p31mg.fit(p31mg.simulate([0.4] * len(snr), snr=snr, seed=3, n_points=1024))


def compared() -> p31mg.MagnesiumComparison:
    return p31mg.free_magnesium([8.5, 8.2], sd_ppm=0.01, calibration=["gupta-1978", "gupta-1984"])


def energetics() -> p31mg.EnergeticsResult:
    fit = fit_of(snr=[200, 300])
    return p31mg.energetics(fit, p31mg.free_magnesium(fit))


def titrated() -> p31mg.TwoSiteCalibration:
    shifts = [9.458, 9.053, 8.762, 8.570, 8.468, 8.408, 8.383]
    return p31mg.calibrate(shifts, [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0], sd=0.003, id="own")


SHOWN: dict[str, Callable[[], object]] = {
    "one spectrum": lambda: p31mg.simulate(0.5, snr=200, seed=1),
    "spectra": lambda: p31mg.simulate(np.full((2, 3), 0.5), snr=200, seed=1),
    "no spectra": lambda: p31mg.simulate(np.zeros(0), snr=200, seed=1),
    "empty spectra": lambda: p31mg.Spectra(np.zeros((2, 64), complex), p31mg.simulate(0.5).acquisition),
    "bad spectra": lambda: p31mg.Spectra(np.full((2, 64), np.nan, complex), p31mg.simulate(0.5).acquisition),
    "fit": lambda: p31mg.fit(p31mg.simulate(0.5, snr=200, seed=1)),
    "fits": lambda: fit_of(snr=[3, 200, 300]),
    "no fits": lambda: fit_of(snr=[]),
    "failed fit": lambda: p31mg.fit(p31mg.Spectra(np.zeros(512, complex), p31mg.simulate(0.5).acquisition)),
    "quality": lambda: fit_of(snr=[10, 300]).quality,
    "magnesium": lambda: p31mg.free_magnesium(8.55, sd_ppm=0.01),
    "magnesium of fits": lambda: p31mg.free_magnesium(fit_of(snr=[3, 200])),
    "open interval": lambda: p31mg.free_magnesium([8.37, 8.2], sd_ppm=0.02),
    "comparison": compared,
    "energetics": energetics,
    "ph": lambda: p31mg.ph_from_pi([4.8, np.nan, 6.0], sd_ppm=0.01),
    "prior": lambda: p31mg.load_prior("muscle"),
    "priors": p31mg.priors,
    "calibration": lambda: p31mg.calibrations()["gupta-1978"],
    "beta-shift calibration": lambda: p31mg.calibrations()["iotti-1996"],
    "own calibration": titrated,
    "calibrations": p31mg.calibrations,
}


@pytest.mark.parametrize("make", SHOWN.values(), ids=SHOWN.keys())
def test_html_is_small_and_whole(make: Callable[[], object]) -> None:
    shown = make()._repr_html_()
    assert len(shown) < 20_000
    ElementTree.fromstring(shown)  # every tag is closed, every sign escaped
    assert "nan" not in re.sub(r"[a-z_]*nan[a-z_]+|[a-z_]+nan[a-z_]*", "", shown)
    assert not re.search(r"<script|https?://|src=|href=|\bon\w+=", shown)


@pytest.mark.parametrize("make", [*SHOWN.values(), lambda: p31mg.simulate([0.5, 0.6]).truth])
def test_repr_is_short_and_holds_no_arrays(make: Callable[[], object]) -> None:
    shown = repr(make())
    assert max(map(len, shown.splitlines())) < 400
    assert "array(" not in shown


def test_results_show_their_numbers() -> None:
    fit = fit_of(snr=[10, 300])
    shown = fit._repr_html_()
    assert shown.count("<tr>") == 3
    assert "<td" in shown
    assert f">{float(fit.shift_alpha_beta_ppm[1]):.5g}<" in shown
    assert "1 of 2 valid" in shown
    assert p31mg.FitStatus(int(fit.status[0])).name in shown
    mg = p31mg.free_magnesium(fit)
    shown = mg._repr_html_()
    assert "gupta-1978" in shown
    assert "evidence" in shown
    assert f">{float(mg.free_mg_mM[1]):.4g}<" in shown
    assert f">{float(mg.interval_mM[1, 1]):.4g}<" in shown


def test_number_that_is_not_known_is_a_dash_and_an_open_end_infinite() -> None:
    shown = p31mg.free_magnesium([8.37, 8.2], sd_ppm=0.02)._repr_html_()
    assert "∞" in shown
    assert ">–<" in shown


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(p31mg.simulate(0.5), source=HOSTILE),
        lambda: p31mg.fit(replace(p31mg.simulate(0.5, snr=200, seed=1), source=HOSTILE)),
        lambda: p31mg.fit(
            p31mg.Spectra(p31mg.simulate([0.5]).fid, p31mg.simulate([0.5]).acquisition, axis_names=(HOSTILE,))
        ),
        lambda: replace(p31mg.load_prior("muscle"), name=HOSTILE, description=HOSTILE, sources=(HOSTILE,)),
        lambda: replace(p31mg.calibrations()["gupta-1978"], id=HOSTILE, source=HOSTILE, tissue=HOSTILE),
        lambda: p31mg.free_magnesium(8.55, calibration=replace(p31mg.calibrations()["gupta-1978"], source=HOSTILE)),
    ],
)
def test_text_of_files_is_escaped(make: Callable[[], object]) -> None:
    shown = make()._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_long_result_shows_some_rows_and_loads_no_tables() -> None:
    code = (
        "import sys, numpy as np, p31mg\n"
        "mg = p31mg.free_magnesium(np.linspace(8.4, 9.0, 100_000), sd_ppm=0.01)\n"
        "assert len(mg._repr_html_()) < 5_000 and '99,990 more' in mg._repr_html_()\n"
        "spectra = p31mg.simulate([0.4, 0.5], snr=200, seed=1, n_points=256)\n"
        "spectra._repr_html_(), p31mg.fit(spectra)._repr_html_(), p31mg.priors()._repr_html_()\n"
        "print({'pandas', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


def peak_of(svg: str) -> float:
    """Return how far across the first curve of a sketch is highest, from 0 at the left to 1 at the right."""
    root = ElementTree.fromstring(svg)
    points = np.array([p.split(",") for p in root.find("polyline").get("points").split()], dtype=float)
    return points[points[:, 1].argmin(), 0] / float(root.get("width"))


@pytest.mark.parametrize("offset_ppm", [-20.0, 0.0, 30.0])
def test_sketch_runs_from_right_to_left(offset_ppm: float) -> None:
    spectrum = p31mg.simulate(0.5, frequency_offset_hz=offset_ppm * 51.705)
    svg = spectrum._repr_html_()
    svg = svg[svg.index("<svg") : svg.index("</svg>") + len("</svg>")]
    left, right = spectrum.ppm[-1], spectrum.ppm[0]
    assert peak_of(svg) == pytest.approx((left - offset_ppm) / (left - right), abs=0.005)  # bins of the sketch


def test_sketch_of_a_fit_is_phased_and_has_pcr_at_its_place() -> None:
    fit = p31mg.fit(p31mg.simulate(0.5, snr=300, seed=1, phase_rad=2.0, frequency_offset_hz=80.0))
    svg = fit._repr_html_()
    svg = svg[svg.index("<svg") : svg.index("</svg>") + len("</svg>")]
    root = ElementTree.fromstring(svg)
    zero = next(float(t.get("x")) for t in root.findall("text") if t.text == "0")
    assert peak_of(svg) * float(root.get("width")) == pytest.approx(zero, abs=2.0)
    data, model = (np.array([p.split(",") for p in c.get("points").split()], float) for c in root.findall("polyline"))
    assert np.median(data[:, 1]) > 115  # of 130: with a wrong phase PCr has a valley, and the base is not at the foot
    assert abs(model[:, 1].min() - data[:, 1].min()) < 10


def test_nothing_to_draw_is_no_drawing() -> None:
    assert sketch(np.arange(4.0), np.full(4, np.nan)) == ""
    assert sketch(np.arange(4.0), np.zeros(4)) == ""


ROOMS = [
    "p31mg",
    *(f"p31mg.{r}" for r in ("plot", "io", "preprocess", "fitting", "magnesium", "prior", "report", "study")),
]


@pytest.mark.parametrize("room", ROOMS)
def test_tab_offers_the_public_names_only(room: str) -> None:
    module = importlib.import_module(room)
    assert dir(module) == sorted(module.__all__)
    assert not [name for name in dir(module) if name.startswith("_") and name != "__version__"]


@pytest.mark.parametrize(
    "make", [SHOWN[n] for n in ("spectra", "fits", "quality", "magnesium", "energetics", "prior", "own calibration")]
)
def test_tab_offers_of_a_result_only_what_is_documented(make: Callable[[], object]) -> None:
    thing = make()
    documented = "\n".join(inspect.getdoc(c) or "" for c in type(thing).__mro__)
    for name in (n for n in dir(thing) if not n.startswith("_")):
        member = inspect.getattr_static(type(thing), name, None)
        has_text = bool(getattr(member, "__doc__", None)) and (callable(member) or isinstance(member, property))
        assert has_text or re.search(rf"\b{name}\b", documented), name


def test_names_for_the_type_checker_are_those_at_run_time() -> None:
    tree = ast.parse(Path(p31mg.__file__).read_text(encoding="utf-8"))
    (block,) = (n for n in tree.body if isinstance(n, ast.If))
    typed = [alias.name for n in block.body if isinstance(n, ast.ImportFrom) for alias in n.names]
    assert sorted([*typed, "__version__"]) == sorted(p31mg.__all__)
    homes = [name for names in p31mg._HOME.values() for name in names]
    assert sorted([*homes, *p31mg._ROOMS, "__version__"]) == sorted(p31mg.__all__)


def test_showing_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make in SHOWN.values():
            make()._repr_html_()
