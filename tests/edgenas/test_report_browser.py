"""The report page in headless Chromium: points, themes, filters, the keyboard, paper; and nothing leaves the page.

Screenshots are kept in runs/screenshots/ of the checkout.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgenas.report.page import page
from edgenas.runs.gather import gather
from tests.support.browsers import screenshot, started
from tests.support.report_toys import HOSTILE, write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("browser") / "run")
    path = folder.parent / "report.html"
    path.write_text(page(gather([folder])))
    return path


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Page]:
    """The page in a fresh profile; fails on any error in it, on any dialog and on any request for anything else."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    wrong: list[str] = []
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    tab.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss())[1])
    tab.goto(report.as_uri())
    yield tab
    context.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]


def background(tab: Page) -> str:
    return str(tab.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def test_a_point_that_is_clicked_shows_its_network(opened: Page, report: Path) -> None:
    before = opened.text_content("#looked-at")
    point = opened.locator('.dots [role=option][data-series="1"]').last  # lies above all others
    point.locator("path").click()
    key = opened.text_content("#looked-at")
    assert key != before and str(point.get_attribute("aria-label")).startswith(f"{key}:")
    assert "onnxruntime 1.31.1" in str(opened.text_content("#looked-at-facts"))
    assert opened.locator("#network-rows tr").count() == 11
    shares = opened.locator("#network-rows .share").all_text_contents()
    assert 97 <= sum(int(share.removesuffix(" %")) for share in shares if share) <= 103
    assert opened.locator(".dots .chosen").count() == 2  # in each series
    opened.screenshot(path=screenshot("report-light"), full_page=True)


def test_a_point_says_what_it_is_under_the_mouse(opened: Page) -> None:
    point = opened.locator(".dots [role=option]").last
    point.locator("path").dispatch_event("pointermove", {"clientX": 300, "clientY": 300})
    assert opened.text_content("#tip") == point.get_attribute("aria-label")
    assert HOSTILE not in opened.inner_html("#tip")  # escaped: it is text


def test_the_theme_switches_and_is_remembered(opened: Page, report: Path) -> None:
    light = background(opened)
    opened.check("#theme-dark", force=True)
    dark = background(opened)
    assert dark != light
    opened.screenshot(path=screenshot("report-dark"), full_page=True)
    opened.emulate_media(media="print")
    assert background(opened) == light  # paper is white


def test_a_device_that_is_unticked_is_gone_everywhere(opened: Page) -> None:
    assert opened.locator('[data-series="1"]:visible').count() > 10
    opened.uncheck("#show-1")
    assert opened.locator('[data-series="1"]:visible').count() == 0
    assert opened.locator('[data-series="0"]:visible').count() > 10


def test_the_keyboard_goes_through_the_points(opened: Page) -> None:
    opened.locator(".dots > .area").focus()
    for key in ("End", "ArrowLeft", "Enter"):
        opened.keyboard.press(key)
    at = opened.locator(".dots .at")
    assert at.count() == 1 and at.get_attribute("aria-selected") == "true"
    assert str(at.get_attribute("aria-label")).startswith(f"{opened.text_content('#looked-at')}:")
    assert opened.get_attribute(".dots > .area", "aria-activedescendant") == at.get_attribute("id")


def test_nothing_is_wider_than_a_phone(opened: Page, report: Path) -> None:
    opened.set_viewport_size({"width": 390, "height": 844})
    for part in ("limits", "trust", "verified", "sustained", "tables"):
        assert (
            opened.locator(f"#{part} .scroll").first.is_visible()
            or opened.locator(f"#{part} figure").first.is_visible()
        )
    assert opened.evaluate("document.documentElement.scrollWidth") == 390
    opened.screenshot(path=screenshot("report-phone"), full_page=True)


def test_every_scrolling_part_and_link_is_reached_by_keyboard_and_named(opened: Page) -> None:
    for region in opened.locator(".scroll").all():
        assert region.get_attribute("tabindex") == "0" and region.get_attribute("role") == "region"
        assert region.get_attribute("aria-label") or region.get_attribute("aria-labelledby")
    unnamed = "svg:not([aria-hidden]):not([role])"
    assert all(
        each.evaluate("e => e.closest('[role=img], [role=group], [role=listbox]') !== null")
        for each in opened.locator(unnamed).all()
    )
    opened.locator("nav a").first.focus()
    for _ in range(opened.locator("nav a").count() - 1):
        opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.getAttribute('href')") == "#provenance"
    opened.keyboard.press("Enter")
    opened.wait_for_function("document.querySelector('#provenance').getBoundingClientRect().top < innerHeight")


def test_paper_has_all_numbers(opened: Page, report: Path) -> None:
    folded = opened.locator("details").count()
    assert folded > 3 and opened.locator("details[open]").count() == 0
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.locator("details[open]").count() == folded
    opened.emulate_media(media="print")
    opened.set_viewport_size({"width": 720, "height": 1000})  # A4 between its margins
    wide = "[...document.querySelectorAll('table, figure')].filter(e => e.getBoundingClientRect().right > 721).length"
    assert opened.evaluate(wide) == 0
    assert opened.pdf(path=report.with_name("report.pdf"))[:4] == b"%PDF"


def test_the_page_reads_without_javascript(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.goto(report.as_uri())
    assert tab.locator("#network-rows tr").count() == 11
    tab.locator("#blocks summary, #front summary").first.click()
    assert tab.locator("#front details table").is_visible()
    tab.uncheck("#show-1")
    assert tab.locator('.dots [data-series="1"]:visible').count() == 0
    context.close()
