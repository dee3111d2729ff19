"""The report in a real headless Chromium: opens fast, sorts, filters, shows fits, prints, and says nothing on the console.

Skipped where there is no chromium with its chromedriver. `make browser-test` installs them where it may, and skips nothing.
"""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from p31mg.report import curves_of, write_report

from .conftest import NASTY, Study

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
]


def program(*names: str) -> str:
    """Return the first of some programs that is there, or skip."""
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        reason = f"no {names[0]} on this machine; make browser-test installs it"
        if os.environ.get("P31MG_NEEDS_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@dataclass(frozen=True)
class Browser:
    """A page in a browser, and questions to it."""

    driver: Any

    def open(self, path: Path, width: int = 1280, height: int = 900) -> float:
        """Open a file in a window of a size and return the seconds until its script was done."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        start = time.perf_counter()
        self.driver.get(path.as_uri())
        self.wait("document.documentElement.dataset.ready === 'true'")
        return time.perf_counter() - start

    def __call__(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(f"return {script}", *arguments)

    def wait(self, condition: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + 20
        while not self(condition):
            assert time.monotonic() < deadline, f"never: {condition}"
            time.sleep(0.01)

    def click(self, selector: str, place: int = 0) -> None:
        """Click an element as a reader does, after scrolling to it."""
        element = self.driver.find_elements("css selector", selector)[place]
        self("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def choose(self, selector: str, value: str) -> None:
        """Choose from a list as a reader does."""
        from selenium.webdriver.support.select import Select

        Select(self.driver.find_element("css selector", selector)).select_by_value(value)

    def type(self, selector: str, text: str) -> None:
        self.driver.find_element("css selector", selector).send_keys(text)

    def texts(self, selector: str) -> list[str]:
        """Return the texts of the visible elements of a selector."""
        return self(
            "[...document.querySelectorAll(arguments[0])].filter(e => e.getClientRects().length).map(e => e.textContent.trim())",
            selector,
        )

    @property
    def console(self) -> list[dict[str, Any]]:
        """What was written to the console since last asked."""
        return self.driver.get_log("browser")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    chromium = program("chromium", "chromium-browser", "google-chrome")
    chromedriver = program("chromedriver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    yield Browser(driver)
    driver.quit()


@pytest.fixture(scope="module")
def report(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    group = np.where(np.arange(len(study.table)) % 2 == 0, "<i>old", "young & fit")
    folder = tmp_path_factory.mktemp("report")
    return write_report(folder, study.table.assign(group=group), study.columns, study.provenance, study.curves)


@pytest.fixture
def browser(started: Browser, report: Path) -> Iterator[Browser]:
    """Give the report, freshly opened; at the end the console must be empty."""
    assert started.console == []
    started.open(report)
    yield started
    assert started.console == []


def column(browser: Browser, name: str) -> list[str]:
    heads = [text.split(" ")[0] for text in browser.texts("#table thead th")]
    place = heads.index(name) + 1
    return browser.texts(f"#table tbody tr > :nth-child({place})")


def test_sorting_both_ways_and_back(browser: Browser) -> None:
    before = browser.texts("#table .open")
    for name in ("SNR", "Mg²⁺"):
        place = [text.split(" ")[0] for text in browser.texts("#table thead th")].index(name)
        browser.click("#table thead button", place)
        rising = [float(text) for text in column(browser, name) if text]
        assert rising == sorted(rising)
        assert len(rising) > 10
        assert column(browser, name)[-1] == ""  # what has no number stays at the end
        browser.click("#table thead button", place)
        falling = [float(text) for text in column(browser, name) if text]
        assert falling == sorted(rising, reverse=True)
        assert column(browser, name)[-1] == ""
        assert browser("document.querySelectorAll('[aria-sort]').length") == 1
    browser.click("#worst-first")
    assert browser.texts("#table .open") == before
    assert browser("document.querySelectorAll('[aria-sort]').length") == 0


def test_intervals_sort_by_their_width_and_open_ones_are_widest(browser: Browser, study: Study) -> None:
    browser.click(".c-interval button")
    browser.click(".c-interval button")
    order = browser("[...document.querySelectorAll('#table tbody tr')].map(row => Number(row.dataset.row))")
    width = (study.table["interval_high_mM"] - study.table["interval_low_mM"]).astype(float)
    known = [i for i in order if not np.isnan(width[i])]
    assert list(width[known]) == sorted(width[known], reverse=True)
    assert np.isinf(width[known[0]])


def test_filtering_by_word_verdict_and_group(browser: Browser, study: Study) -> None:
    browser.type("#search", "SUB-0 valid")
    shown = browser.texts("#table .open")
    valid = study.table.loc[study.table["mg_is_valid"], "file"]
    assert set(shown) == {name for name in valid if name.startswith("sub-0")}
    assert browser.texts("#shown") == [f"{len(shown)} of {len(study.table)} shown"]
    browser.click("#worst-first")
    assert len(browser.texts("#table .open")) == len(study.table)
    browser.choose("#verdict", "failed")
    assert set(browser.texts("#table .open")) == {"broken.txt", "cut.nii.gz", "noise.nii.gz"}
    browser.choose("#group", "<i>old")
    assert set(browser.texts("#table .open")) == {"cut.nii.gz", "noise.nii.gz"}
    browser.type("#search", "nothing has this")
    assert browser.texts("#table .open") == []


def points(browser: Browser, selector: str) -> np.ndarray:
    text = browser("document.querySelector(arguments[0]).getAttribute('points')", selector)
    return np.array([[float(v) for v in pair.split(",")] for pair in text.split()])


def test_a_spectrum_opens_and_is_that_of_the_fit(browser: Browser, study: Study) -> None:
    browser.click("#row-0 .open")
    browser.wait("document.querySelector('#fit .data') !== null")
    assert browser.texts("#fit-name") == [study.table["file"][0]]
    details = dict(zip(browser.texts("#fit-details dt"), browser.texts("#fit-details dd"), strict=True))
    assert details["free Mg²⁺"] == f"{study.table['free_mg_mM'][0]:.3f} mM"

    curves = study.curves[study.table["file"][0]]
    data, model = points(browser, "#fit .data"), points(browser, "#fit .model")
    assert np.all(np.diff(data[:, 0]) > 0)  # drawn from left to right: from high ppm to low
    measured, fitted = curves.data[0][::-1] * curves.step[0], curves.fit[0][::-1]
    slope, offset = np.polyfit(data[:, 1], measured, 1)
    np.testing.assert_allclose(np.polyval((slope, offset), data[:, 1]), measured, atol=0.002 * np.ptp(measured))
    np.testing.assert_allclose(np.polyval((slope, offset), model[:, 1]), fitted, atol=0.002 * np.ptp(measured))
    residual = np.polyval((slope, 0), points(browser, "#fit .residual")[:, 1])
    expected = curves.residual[0][::-1]
    np.testing.assert_allclose(residual - residual.mean(), expected - expected.mean(), atol=0.004 * np.ptp(measured))

    labels = [text for text in browser.texts("#fit-picture text") if text.lstrip("−").isdigit()]
    places = browser(
        "[...document.querySelectorAll('#fit-picture text')].map(t => [t.textContent, Number(t.getAttribute('x'))])"
    )
    ticks = [(float(text.replace("−", "-")), x) for text, x in places if text in labels]
    ppm = np.polyval(np.polyfit([x for _, x in ticks], [p for p, _ in ticks], 1), data[:, 0])
    assert [p for p, _ in ticks] == sorted((p for p, _ in ticks), reverse=True)
    np.testing.assert_allclose(ppm, curves.ppm[::-1], atol=0.02)
    assert "chemical shift from PCr (ppm)" in browser.texts("#fit-picture text")
    pcr = dict(map(tuple, places))["PCr"]
    assert abs(pcr - data[measured.argmax(), 0]) < 1.5


def test_views_and_steps_through_the_fits(browser: Browser, study: Study) -> None:
    order = browser.texts("#table .open")
    start = order.index(study.table["file"][5])
    browser.click("#row-5 .open")
    browser.wait("document.querySelector('#fit .data') !== null")
    browser.click("#views button", 1)
    browser.wait("document.querySelector('#views [aria-pressed=true]').dataset.view === 'atp'")
    assert "PCr" not in browser.texts("#fit-picture text")
    assert "β-ATP" in browser.texts("#fit-picture text")
    browser.click("#views button", 2)
    browser.wait("document.querySelectorAll('#fit .part').length === 8")
    browser.click("#next")
    browser.wait(f"document.getElementById('fit-name').textContent === {order[start + 1]!r}")
    browser.click("#previous")
    browser.click("#previous")
    browser.wait(f"document.getElementById('fit-name').textContent === {order[start - 1]!r}")
    browser.click("#close")
    assert not browser("document.getElementById('fit').open")


def test_names_that_are_code_stay_names(browser: Browser, study: Study) -> None:
    index = list(study.table["file"]).index(NASTY)
    browser.click(f"#row-{index} .open")
    browser.wait("document.querySelector('#fit .data') !== null")
    assert browser.texts("#fit-name") == [NASTY]
    assert browser("document.scripts.length") == 2
    assert browser("document.querySelectorAll('i').length") == 0


def test_code_that_got_in_would_not_run(started: Browser, report: Path) -> None:
    started.open(report)
    started(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s) })()"
    )
    assert started("window.ran === undefined")
    assert ["Content Security Policy" in entry["message"] for entry in started.console] == [True]


def test_what_was_not_read_or_not_fitted_says_so(browser: Browser, study: Study) -> None:
    files = list(study.table["file"])
    browser.click(f"#row-{files.index('broken.txt')} .open")
    browser.wait("document.getElementById('fit').open")
    assert browser.texts("#fit-picture") == ["There is no picture of this spectrum in the report."]
    browser.click("#close")
    browser.click(f"#row-{files.index('noise.nii.gz')} .open")
    browser.wait("document.querySelector('#fit .data') !== null")
    assert browser("document.querySelector('#fit .model')") is None
    assert "ppm from the carrier; magnitude, not fitted" in browser.texts("#fit-picture text")


def test_points_of_charts_open_their_spectrum(browser: Browser, study: Study) -> None:
    browser.click(".point.valid[data-row='2'] circle", -1)
    browser.wait("document.getElementById('fit').open")
    assert browser.texts("#fit-name") == [study.table["file"][2]]


def test_gallery_begins_with_the_worst_fit_and_grows(browser: Browser, study: Study) -> None:
    names = browser.texts("#gallery b")
    with_curves = [name for name in browser.texts("#table .open") if name in study.curves]
    with_curves.sort(key=lambda name: not study.curves[name].is_fitted[0])  # noise comes last
    assert with_curves[-1] == "noise.nii.gz"
    assert names == with_curves[:6]
    browser.click("#more")
    browser.wait("document.querySelectorAll('#gallery .thumb').length === 12")
    assert browser.texts("#gallery b") == with_curves[:12]
    assert (
        len(browser("[...document.querySelectorAll('#gallery svg')].map(svg => svg.getBoundingClientRect().width)"))
        == 12
    )


def test_a_phone_sees_all_of_it(browser: Browser, report: Path, study: Study) -> None:
    browser.open(report, 360, 740)
    assert browser("document.documentElement.scrollWidth") == 360
    assert len(browser.texts("#table .open")) == len(study.table)
    assert browser.texts("#table thead th") == ["Spectrum", "Mg²⁺ (mM)", "SNR", "Verdict"]
    browser.click("#row-1 .open")
    browser.wait("document.querySelector('#fit .data') !== null")
    box = browser("document.getElementById('fit').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= 360


def test_prints_to_pdf(browser: Browser, study: Study, tmp_path: Path) -> None:
    options = {"preferCSSPageSize": True, "printBackground": False}
    content = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", options)["data"])
    assert content.startswith(b"%PDF-")
    assert 2 <= content.count(b"/Type /Page\n") <= 6
    assert browser("document.querySelectorAll('details[open]').length") == 0  # folded again
    if shutil.which("pdftotext"):
        import subprocess

        (tmp_path / "report.pdf").write_bytes(content)
        text = subprocess.run(
            ["pdftotext", "-layout", tmp_path / "report.pdf", "-"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        assert "noise.nii.gz" in text
        assert "δα − δβ (ppm)" in text
        assert f"{study.table['free_mg_mM'][0]:.3f}" in text
        assert "Show more" not in text


def test_500_spectra_open_in_two_seconds(started: Browser, study: Study, tmp_path: Path) -> None:
    n = 500
    table = pd.concat([study.table.iloc[:13]] * (n // 13 + 1), ignore_index=True).iloc[:n]
    table["file"] = [f"sub-{i:04d}/mrs/sub-{i:04d}_run-1_nuc-31P_unloc.nii.gz" for i in range(n)]
    curves = curves_of(study.fit)
    of_files = {file: curves[i % 13 : i % 13 + 1] for i, file in enumerate(table["file"])}
    path = write_report(tmp_path, table, study.columns, study.provenance, of_files)
    assert path.stat().st_size < 5e6
    took = (started.open(path) for _ in range(6))  # other work on the machine may slow some of them
    assert any(seconds < 2.0 for seconds in took)
    assert started.console == []
