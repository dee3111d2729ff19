"""The built site in a real headless Chromium: links, pictures, console, network, and the width of a phone.

`make docs-check` builds it and sets ``P31MG_SITE``; elsewhere these tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
]
PHONE, DESKTOP = 360, 1280
LOADED = """
const done = arguments[0];
document.querySelectorAll('img').forEach(img => { img.loading = 'eager' });
Promise.all([document.fonts.ready, ...[...document.images].map(img => img.decode().catch(() => null))]).then(() => done(true));
"""
WITHOUT_PICTURE = "return [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
WIDER = """
const apart = 'pre, table, .formula, .highlight, .sphx-glr-script-out, .headerlink';
return [...document.querySelectorAll('.bd-article-container *, .bd-footer *')].filter(e => e.getClientRects().length
  && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(apart)).slice(0, 2).map(e => e.outerHTML.slice(0, 150))
"""
"""What is wider than the window and not within something that scrolls by itself; the article around it is cut there."""


@dataclass
class _Page(HTMLParser):
    """What one page links to, and what can be linked to in it."""

    links: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        found = dict(attrs)
        self.ids |= {found[key] or "" for key in ("id", "name") if key in found}
        self.links += [found[key] or "" for key in ("href", "src") if key in found]


@pytest.fixture(scope="module")
def site() -> Path:
    if "P31MG_SITE" not in os.environ:
        pytest.skip("make docs-check builds the site and opens it")
    return Path(os.environ["P31MG_SITE"]).resolve()


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    pages = {}
    for path in sorted(site.rglob("*.html")):
        if "_static" in path.parts:
            continue
        pages[path] = _Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    return pages


@pytest.fixture(scope="module")
def driver(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium, chromedriver = (shutil.which(name) or pytest.fail(f"no {name}") for name in ("chromium", "chromedriver"))
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    driver.set_script_timeout(30)
    driver.get("about:blank")
    requested(driver)  # what the browser's own first page asks for
    yield driver
    driver.quit()


def resize(driver: Any, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def click_card(driver: Any, title: str) -> None:
    card = driver.find_element("xpath", f"//div[contains(@class, 'sd-card')][.//div[text()[contains(., '{title}')]]]")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", card)
    card.click()


def requested(driver: Any) -> list[str]:
    """Return the addresses that were asked for since last asked."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def test_there_is_a_site(pages: dict[Path, _Page], site: Path) -> None:
    assert len(pages) > 150
    for name in ("index", "quickstart", "gallery/index", "reference/commands", "reference/generated/p31mg.fit"):
        assert site / f"{name}.html" in pages


def test_every_link_leads_somewhere(pages: dict[Path, _Page], site: Path) -> None:
    broken, n_links = [], 0
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            if target.startswith(("http:", "https:", "data:", "mailto:")):
                continue
            n_links += 1
            file = (path.parent / unquote(target.split("?")[0])).resolve() if target else path
            if not file.is_file():
                broken.append(f"{path.relative_to(site)} -> {link}")
            elif anchor and file in pages and unquote(anchor) not in pages[file].ids:
                broken.append(f"{path.relative_to(site)} -> {link}: no such place")
    assert not broken, "\n".join(broken)
    assert n_links > 5000


def test_nothing_is_fetched_from_elsewhere(pages: dict[Path, _Page], site: Path) -> None:
    """Neither by a page nor by a style: what is behind a link of a text is the reader's own step."""
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert 'src="http' not in text, path
        assert 'rel="stylesheet" href="http' not in text, path
    for style in site.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8"), style


@pytest.mark.parametrize(
    "inside", ["TypeAliasForwardRef", "_NestedSequence", "object at 0x", "&lt;factory&gt;", "problematic"]
)
def test_no_page_shows_insides_of_python_or_sphinx(pages: dict[Path, _Page], inside: str) -> None:
    assert [path.name for path in pages if inside in path.read_text(encoding="utf-8")] == []


def test_every_page_in_the_browser(driver: Any, pages: dict[Path, _Page], site: Path) -> None:
    wrong = []
    for path in pages:
        name = str(path.relative_to(site))
        resize(driver, PHONE)
        driver.get(path.as_uri())
        driver.execute_async_script(LOADED)
        if (width := driver.execute_script("return document.documentElement.scrollWidth")) > PHONE:
            wrong.append(f"{name}: {width} pixels wide on a phone")
        wrong += [f"{name}: cut off on a phone: {part}" for part in driver.execute_script(WIDER)]
        wrong += [f"{name}: no picture {src}" for src in driver.execute_script(WITHOUT_PICTURE)]
        resize(driver, DESKTOP)
        if (width := driver.execute_script("return document.documentElement.scrollWidth")) > DESKTOP:
            wrong.append(f"{name}: {width} pixels wide on a desktop")
        said = [entry for entry in driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
        wrong += [f"{name}: console: {entry['message']}" for entry in said]
        wrong += [f"{name}: asks {url}" for url in requested(driver) if not url.startswith(("file:", "data:"))]
    assert not wrong, "\n".join(wrong)


def test_what_is_cut_off_is_found(driver: Any, site: Path) -> None:
    resize(driver, PHONE)
    driver.get((site / "index.html").as_uri())
    assert driver.execute_script(WIDER) == []
    driver.execute_script("document.querySelector('article p').style.width = '700px'")
    assert driver.execute_script(WIDER) != []


def test_which_calibration_in_two_clicks(driver: Any, site: Path) -> None:
    resize(driver, DESKTOP)
    driver.get((site / "index.html").as_uri())
    click_card(driver, "Which calibration?")
    assert driver.find_element("tag name", "h1").text.startswith("Choosing a calibration")
    assert "gupta-1978" in driver.find_element("id", "in-short").text


def test_where_to_add_a_calibration_in_one_click(driver: Any, site: Path) -> None:
    driver.get((site / "index.html").as_uri())
    click_card(driver, "Add a calibration")
    assert "src/p31mg/magnesium/published" in driver.find_element("tag name", "article").text


def test_search_finds_without_a_server(driver: Any, site: Path) -> None:
    driver.get((site / "search.html").as_uri() + "?q=titration")
    found = "return [...document.querySelectorAll('#search-results li a')].map(a => a.textContent)"
    for _ in range(100):
        if any("calibration of your own" in title for title in driver.execute_script(found)):
            return
    pytest.fail("the search found nothing")


def test_formulas_have_their_font(driver: Any, site: Path) -> None:
    driver.get((site / "background" / "solver.html").as_uri())
    driver.execute_async_script(LOADED)
    assert driver.execute_script("return document.querySelectorAll('math').length") > 20
    assert driver.execute_script("return document.fonts.check('16px \"p31mg math\"')")
    assert "merror" not in driver.page_source
