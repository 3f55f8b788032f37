"""Chromium for tests of the report page, and the folder that keeps its screenshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tools.browser import MISSING, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: kept from run to run, and ignored by git as all of runs/ is
SCREENSHOTS = ROOT / "runs" / "screenshots"


@contextmanager
def started() -> Iterator[Browser]:
    """Chromium as Debian or Google package it, headless; playwright's own download is never used."""
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'edgenas[dev]'")
    program = chromium()
    if program is None:
        pytest.skip(MISSING)
    with sync.sync_playwright() as driver:
        # every test runs its own browser as whoever runs the tests, root in containers, where the sandbox cannot start
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=120_000)
        yield browser
        browser.close()


def screenshot(name: str) -> Path:
    """Return the path of the screenshot ``name``, in a folder that exists."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS / f"{name}.png"
