"""The report page at the sizes of a desk, a tablet and a phone, in light and dark, and on paper.

Screenshots are kept in runs/screenshots/ of the checkout, to be looked at.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgenas.report.page import page
from edgenas.runs.gather import gather
from tests.support.browsers import screenshot, started
from tests.support.report_toys import write_finished_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

SIZES = {1400: 900, 768: 1024, 390: 844}  #: widths and heights in pixels
#: visible texts smaller than 12 px, with their sizes
SMALL = """[...document.querySelectorAll('body *')].filter(e =>
  e.checkVisibility() && !e.closest('.unseen, .skip-link') &&
  [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())
).map(e => [parseFloat(getComputedStyle(e).fontSize), e.textContent.slice(0, 40)]).filter(([size]) => size < 12)"""
#: headings of tables whose longest word is wider than its cell, so that it is broken
BROKEN = """[...document.querySelectorAll('thead th')].filter(e => e.checkVisibility()).filter(e => {
  const style = getComputedStyle(e), probe = document.body.appendChild(document.createElement('span'));
  Object.assign(probe.style, { position: 'absolute', whiteSpace: 'nowrap', fontSize: style.fontSize });
  const wide = (word) => { probe.textContent = word; return probe.getBoundingClientRect().width; };
  const widest = Math.max(...e.textContent.split(/[\\s/()<>]+/).map(wide));
  probe.remove();
  return widest > e.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) + 1;
}).map(e => e.textContent)"""
#: tables that are wider than their scrolling part, without a hint
UNHINTED = """[...document.querySelectorAll('.scroll')].filter(e => e.checkVisibility() &&
  e.scrollWidth > e.clientWidth + 4 && !e.classList.contains('more')).map(e => e.getAttribute('aria-label'))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_finished_run(tmp_path_factory.mktemp("screens") / "run")
    path = folder.parent / "report.html"
    path.write_text(page(gather([folder])))
    return path


def opened(browser: Browser, report: Path, width: int, scheme: Any = "light") -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme, accept_downloads=True
    )
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.goto(report.as_uri())
    return tab


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", list(SIZES))
def test_the_page_at_each_size(browser: Browser, report: Path, width: int, scheme: str) -> None:
    tab = opened(browser, report, width, scheme)
    box = tab.locator("#verdict").bounding_box()
    assert box is not None and box["y"] + box["height"] < SIZES[width] / 2, "visible without scrolling"
    assert str(tab.text_content("#verdict")).startswith("Fits: 1.40 of 1.50 ms on ")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    tab.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    tab.wait_for_timeout(100)  # the hints follow the sizes
    assert tab.evaluate(SMALL) == []
    assert tab.evaluate(BROKEN) == []
    assert tab.evaluate(UNHINTED) == []
    if width == 390:
        assert tab.locator(".scroll.more").count() > 3 and tab.locator("#network .scroll.more").count() == 0
    tab.evaluate("for (const each of document.querySelectorAll('details')) each.open = false")
    tab.screenshot(path=screenshot(f"page-{width}-{scheme}"), full_page=True)
    tab.context.close()


def test_paper_has_no_broken_headings_and_no_controls(browser: Browser, report: Path) -> None:
    tab = opened(browser, report, 768)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 720, "height": 1000})  # A4 between its margins
    assert tab.evaluate(BROKEN) == []
    wide = "[...document.querySelectorAll('table, figure')].filter(e => e.getBoundingClientRect().right > 721).length"
    assert tab.evaluate(wide) == 0
    assert tab.locator(".tool:visible, .slide:visible, nav:visible").count() == 0
    assert tab.evaluate("getComputedStyle(document.querySelector('.heat thead th')).position") == "static"
    tab.screenshot(path=screenshot("page-print"), full_page=True)
    tab.context.close()


def test_one_colour_has_one_meaning(browser: Browser, report: Path) -> None:
    """Green, amber and red are states of a budget only; colours of tables are not those of algorithms or judges."""
    tab = opened(browser, report, 1400)
    colours = "[...document.querySelectorAll('{}')].map(e => getComputedStyle(e).fill)"
    states = tab.evaluate(
        "['--good', '--warn', '--bad'].map(name => { const e = document.body.appendChild(document.createElement('p'));"
        " e.style.color = `var(${name})`; return getComputedStyle(e).color; })"
    )
    assert not set(tab.evaluate(colours.format(".meter rect"))) & set(states)
    tables = set(tab.evaluate(colours.format("#front [data-series] .mark.dot")))
    others = set(tab.evaluate(colours.format("#progress .mark, #trust .mark, #sustained .mark")))
    assert len(tables) == 2 and not tables & (others - {"none"})
    axes = tab.locator("svg .axis").all_text_contents()
    assert {"latency in ms (median of the runs)", "accuracy, %", "activations, kB"} <= set(axes)
    assert "cold kib" not in str(tab.text_content("#provenance"))
    assert "data that another model reads before each sample, KiB" in str(tab.text_content("#provenance"))
    tab.context.close()


def test_the_slider_chooses_and_draws(browser: Browser, report: Path) -> None:
    tab = opened(browser, report, 1400)
    data = json.loads(str(tab.text_content("#data")))
    choices = data["figures"][0]["networks"]
    assert "is compared with the budget" in str(tab.text_content("#slide-0-says"))
    assert data["figures"][0]["budget"] == pytest.approx(
        float(str(tab.text_content("#slide-0-says")).split()[0]), rel=0.01
    )
    for key, expected in (("End", choices[-1]), ("Home", None)):
        tab.locator("#slide-0").focus()
        tab.keyboard.press(key)
        says = str(tab.text_content("#slide-0-says"))
        assert (f"{expected[3]}, {expected[1]} judged" in says) if expected else ("no judged network fits" in says)
        assert tab.locator(".slid").count() == 1
    assert tab.text_content("#looked-at") == choices[-1][3]
    tab.context.close()


def test_tables_are_sorted_saved_and_commands_copied(browser: Browser, report: Path) -> None:
    tab = opened(browser, report, 1400)
    tab.locator("#front summary").first.click()
    rows = tab.locator("#front details tbody tr")
    by_accuracy = [float(text) for text in rows.locator("td:nth-child(2)").all_text_contents()]
    assert by_accuracy == sorted(by_accuracy, reverse=True)
    for order in ("ascending", "descending"):
        tab.locator("#front details thead .sort").nth(2).click()
        assert tab.locator("#front details thead th").nth(2).get_attribute("aria-sort") == order
        costs = [float(text) for text in rows.locator("td:nth-child(3)").all_text_contents()]
        assert costs == sorted(costs, reverse=order == "descending")
    with tab.expect_download() as waited:
        tab.locator("#front details .tools .tool").click()
    assert waited.value.suggested_filename == "judged-networks-of-search-1.csv"
    table = list(csv.reader(io.StringIO(Path(waited.value.path()).read_text())))
    assert table[0][:2] == ["network", "accuracy, %"] and len(table) == 1 + rows.count()
    assert all(len(row) == len(table[0]) for row in table)
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    command = tab.locator("code.command").first
    if command.count():
        tab.locator("code.command + .tool").first.click()
        tab.wait_for_function("document.querySelector('code.command + .tool').textContent === 'Copied'")
        assert tab.evaluate("navigator.clipboard.readText()") == command.text_content()
    tab.context.close()
