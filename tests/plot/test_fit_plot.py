"""The picture of a fit: what its artists hold, checked against sums that are written out here."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import p31mg
from p31mg.plot import FitPlot
from p31mg.plot.labels import colours_of, label_of

MUSCLE = p31mg.load_prior("muscle-3t").names


@pytest.fixture(scope="module")
def result() -> p31mg.FitResult:
    """Return the fit of two spectra, noise, and zeros; the spectra have phase, offset and begin time."""
    two = p31mg.simulate([0.4, 0.7], snr=300, seed=1, phase_rad=0.8, frequency_offset_hz=15.0, n_points=512)
    noise = two.truth.noise_sd[0] * np.random.default_rng(2).standard_normal((512, 2)).view(complex)[:, 0]
    return p31mg.fit(p31mg.Spectra(np.vstack([two.fid, noise, np.zeros(512)]), two.acquisition))


def spectrum_at(fid: np.ndarray, ppm: np.ndarray, result: p31mg.FitResult, index: int) -> np.ndarray:
    """Return the real phased spectrum at shifts from PCr, as a plain sum over points from the centre of the excitation."""
    a = result.spectra.acquisition
    f_hz = (ppm + float(result.reference_offset_ppm[index])) * a.spectrometer_frequency_mhz
    t = a.begin_time_s + a.dwell_time_s * np.arange(fid.shape[-1])
    phase = float(result.phase_rad[index])
    return (fid * np.exp(-2j * np.pi * f_hz[:, None] * t - 1j * phase)).sum(axis=-1).real


@pytest.fixture
def drawn(result: p31mg.FitResult) -> FitPlot:
    return p31mg.plot.fit(result, 1)


def test_data_line_is_the_phased_spectrum(drawn: FitPlot, result: p31mg.FitResult) -> None:
    ppm, shown = np.asarray(drawn.data.get_data())
    inside = slice(None, None, 37)
    expected = spectrum_at(result.spectra.fid[1], ppm[inside], result, 1)
    # rounding of a sum of 512 points
    np.testing.assert_allclose(shown[inside], expected, rtol=0, atol=1e-10 * np.abs(shown).max())


def test_model_line_is_the_sum_of_the_resonances(drawn: FitPlot, result: p31mg.FitResult) -> None:
    ppm, shown = np.asarray(drawn.model.get_data())
    expected = spectrum_at(result.model(1).sum(axis=0), ppm[::37], result, 1)
    np.testing.assert_allclose(shown[::37], expected, rtol=0, atol=1e-10 * np.abs(shown).max())


def test_resonances_add_to_the_model_but_for_one_shift_downwards(drawn: FitPlot) -> None:
    model = np.asarray(drawn.model.get_ydata())
    apart = sum(np.asarray(line.get_ydata()) for line in drawn.resonances)
    np.testing.assert_allclose(apart - model, (apart - model)[0], rtol=0, atol=1e-10 * np.abs(model).max())
    assert (apart - model)[0] < 0


def test_residual_is_data_less_model_but_for_a_shift(drawn: FitPlot) -> None:
    data, model, residual = (np.asarray(line.get_ydata()) for line in (drawn.data, drawn.model, drawn.residual))
    np.testing.assert_allclose(residual - residual[0], (data - model) - (data - model)[0], atol=1e-10 * data.max())


def test_pcr_is_the_highest_peak_and_at_zero(drawn: FitPlot) -> None:
    ppm, shown = np.asarray(drawn.data.get_data())
    bin_ppm = ppm[1] - ppm[0]
    assert abs(ppm[shown.argmax()]) <= bin_ppm


def test_apodisation_broadens_what_is_shown_and_keeps_the_area(result: p31mg.FitResult) -> None:
    sharp, broad = p31mg.plot.fit(result, 0), p31mg.plot.fit(result, 0, apodisation_hz=10.0)
    for line in ("data", "model"):
        before, after = (np.asarray(getattr(p, line).get_ydata()) for p in (sharp, broad))
        assert after.max() < 0.7 * before.max()


def test_ppm_runs_from_right_to_left(drawn: FitPlot) -> None:
    left, right = drawn.ax.get_xlim()
    assert left > 7 > -17 > right


def test_every_resonance_is_labelled_below_its_line(drawn: FitPlot, result: p31mg.FitResult) -> None:
    assert len(drawn.labels) == len(drawn.resonances) == len(result.names)
    texts = [label.get_text() for label in drawn.labels]
    assert len(set(texts)) == len(texts)
    assert {"PCr", "Pi", "α-ATP", "β-ATP", "γ-ATP"} <= set(texts)
    found = np.isfinite(result.chemical_shift_ppm[1])
    shifts = np.array([label.get_position()[0] for label in drawn.labels])
    np.testing.assert_allclose(shifts[found], result.chemical_shift_ppm[1][found], rtol=1e-12)


def test_title_has_shift_and_error(drawn: FitPlot, result: p31mg.FitResult) -> None:
    title = drawn.ax.get_title(loc="left")
    assert f"{float(result.shift_alpha_beta_ppm[1]):.3f} ± {float(result.sd_shift_alpha_beta_ppm[1]):.3f} ppm" in title


def test_nothing_is_shown_or_saved(result: p31mg.FitResult, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("shown or saved")

    monkeypatch.setattr(plt, "show", refuse)
    monkeypatch.setattr(Figure, "show", refuse)
    monkeypatch.setattr(Figure, "savefig", refuse)
    p31mg.plot.fit(result, 0)


def test_given_axes_are_drawn_on_and_no_figure_is_made(result: p31mg.FitResult) -> None:
    ax = Figure().add_subplot()
    drawn = p31mg.plot.fit(result, 0, ax)
    assert drawn.ax is ax
    assert {drawn.data, drawn.model, drawn.residual, *drawn.resonances} <= set(ax.lines)
    assert not plt.get_fignums()


def test_single_spectrum_needs_no_index() -> None:
    one = p31mg.fit(p31mg.simulate(0.5, snr=300, seed=1, n_points=512))
    assert f"{float(one.shift_alpha_beta_ppm):.3f}" in p31mg.plot.fit(one).ax.get_title(loc="left")


def test_voxel_of_a_grid_is_picked_by_its_position() -> None:
    grid = p31mg.fit(p31mg.simulate([[0.4, 0.5], [0.6, 0.7]], snr=300, seed=1, n_points=512))
    title = p31mg.plot.fit(grid, (1, 0)).ax.get_title(loc="left")
    assert f"{float(grid.shift_alpha_beta_ppm[1, 0]):.3f}" in title
    with pytest.raises(p31mg.InputError, match=r"index is 1; it must pick one spectrum of the batch shape \(2, 2\)"):
        p31mg.plot.fit(grid, 1)


@pytest.mark.parametrize("index", [2, 3])
def test_row_without_a_fit_is_refused_with_the_reason(index: int, result: p31mg.FitResult) -> None:
    reason = p31mg.FitStatus(int(result.status[index])).message
    with pytest.raises(p31mg.InputError, match=rf"spectrum {index} has no fitted model: {reason}"):
        p31mg.plot.fit(result, index)
    assert not plt.get_fignums()


def test_phase_is_that_of_the_begin_time_that_was_fitted():
    """A begin time told 0.3 ms late would draw beta as a dispersion line."""
    spectrum = p31mg.simulate(0.5, prior="muscle-3t", snr=1000, seed=3)
    told = replace(spectrum.acquisition, begin_time_s=8e-4, sd_begin_time_s=3e-4)
    right, found = (
        p31mg.plot.fit(p31mg.fit(p31mg.Spectra(spectrum.fid, a), baseline="none")).model.get_ydata()
        for a in (spectrum.acquisition, told)
    )
    assert np.abs(right - found).max() < 0.02 * np.abs(right).max()


@pytest.mark.parametrize("prior", ["muscle-3t", "heart-3t", "brain-7t", "liver", "blood"])
def test_resonances_have_colours_of_their_own(prior: str) -> None:
    names = p31mg.load_prior(prior).names
    colours = colours_of(names)
    assert len(set(colours)) == len({label_of(name) for name in names})
    assert colours_of(names[::-1]) == colours[::-1]
    muscle = dict(zip(MUSCLE, colours_of(MUSCLE), strict=True))
    assert all(muscle.get(name, colour) == colour for name, colour in zip(names, colours, strict=True))


def test_index_into_a_single_spectrum_is_refused() -> None:
    one = p31mg.fit(p31mg.simulate(0.5, snr=300, seed=1, n_points=512))
    with pytest.raises(
        p31mg.InputError, match=r"index is 7, but this is the fit of a single spectrum; leave index out"
    ):
        p31mg.plot.fit(one, index=7)


def test_resonances_of_one_name_are_labelled_once() -> None:
    heart = p31mg.fit(p31mg.simulate(0.5, prior="heart-3t", snr=300, seed=1, n_points=512), prior="heart-3t")
    texts = [label.get_text() for label in p31mg.plot.fit(heart).labels]
    assert len(texts) == len(heart.names)
    assert texts.count("2,3-DPG") == 1


def test_beta_is_drawn_once_more_as_many_times_as_is_said(drawn: FitPlot, result: p31mg.FitResult) -> None:
    centre = float(result.chemical_shift_ppm[1, result.names.index("beta_atp")])
    (text,) = (t for t in drawn.ax.texts if "×" in t.get_text())
    times = int(text.get_text().split("×")[1])
    known = {drawn.data, drawn.model, drawn.residual, *drawn.resonances}
    enlarged = [line for line in drawn.ax.lines if line not in known]
    assert [line.get_color() for line in enlarged] == [drawn.data.get_color(), drawn.model.get_color()]
    for line, whole in zip(enlarged, (drawn.data, drawn.model), strict=True):
        ppm, shown = (np.asarray(values) for values in line.get_data())
        assert np.abs(ppm - centre).max() < 2
        there = dict(zip(*whole.get_data(), strict=True))
        there = np.array([there[at] for at in ppm])
        np.testing.assert_allclose(shown - shown[0], times * (there - there[0]), atol=1e-9 * np.abs(shown).max())


def enlarged_beta(drawn: FitPlot) -> list[np.ndarray]:
    known = {drawn.data, drawn.model, drawn.residual, *drawn.resonances}
    return [np.asarray(line.get_data()) for line in drawn.ax.lines if line not in known]


def test_beta_that_was_not_found_is_not_drawn_once_more() -> None:
    good = p31mg.simulate(0.5, prior="muscle-3t", snr=300, seed=1)
    mirrored = p31mg.fit(replace(good, fid=good.fid.conj()), prior="muscle-3t")
    assert not np.isfinite(mirrored.shift_alpha_beta_ppm)
    assert not enlarged_beta(p31mg.plot.fit(mirrored))


@pytest.mark.parametrize("snr", [60, 80, 120, 200, 400])
def test_enlarged_beta_hides_neither_the_spectrum_nor_its_label(snr: float) -> None:
    drawn = p31mg.plot.fit(p31mg.fit(p31mg.simulate(0.5, prior="muscle-3t", snr=snr, seed=1), prior="muscle-3t"))
    data, model = enlarged_beta(drawn)
    ppm, whole = np.asarray(drawn.data.get_data())
    below = whole[(ppm >= data[0].min()) & (ppm <= data[0].max())]
    (text,) = (t for t in drawn.ax.texts if "×" in t.get_text())
    highest = max(data[1].max(), model[1].max())
    assert below.max() < data[1].min() < highest < text.get_position()[1] < drawn.ax.get_ylim()[1]


@pytest.mark.parametrize("size_in", [(9, 7), (5, 4.5), (4, 2.5)])
def test_rows_of_labels_do_not_touch_in_a_panel_of_any_size(
    size_in: tuple[float, float], result: p31mg.FitResult
) -> None:
    figure = Figure(figsize=size_in, layout="constrained")
    drawn = p31mg.plot.fit(result, 1, figure.add_subplot())
    figure.draw_without_rendering()
    boxes = {label.get_text(): label.get_window_extent() for label in drawn.labels}
    assert not boxes["α-ATP"].overlaps(boxes["NAD(H)"])
    assert min(box.y0 for box in boxes.values()) > drawn.ax.get_window_extent().y0
