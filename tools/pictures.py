"""The pictures of README: the front that a demo found, and the top of its report page in Chromium.

    python -m tools.pictures runs/20270101-120000      # writes docs/front.svg and docs/page.png

The run is one that `edgenas demo` wrote; ``tools.recording`` makes the picture of the terminal. Exit code 1 where
Chromium, or the run, is missing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgenas.base.errors import EdgenasError
from edgenas.report.page import page
from edgenas.runs.gather import gather
from edgenas.runs.layout import FRONT_PICTURE
from tools.browser import MISSING, chromium

DOCS = Path(__file__).parent.parent / "docs"
WIDTH, HEIGHT = 1240, 1440  #: pixels of the page that the picture shows
COLOURS = 256  #: of the PNG file, which then has a third of the bytes


def draw_page(run: Path, picture: Path, program: str) -> None:
    """Write the top of the report page of ``run`` as a PNG file; ``program`` is Chromium."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="edgenas-") as folder:
        file = Path(folder, "report.html")
        file.write_text(page(gather([run])), encoding="utf-8")
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
            tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            tab.goto(file.as_uri())
            tab.screenshot(path=Path(folder, "page.png"))
            browser.close()
        with Image.open(Path(folder, "page.png")) as shot:
            shot.convert("RGB").quantize(COLOURS).save(picture, optimize=True)


def main(arguments: Sequence[str], docs: Path = DOCS) -> int:
    """Draw both pictures from the run that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN")
    run: Path = parser.parse_args(arguments).run
    program = chromium()
    if program is None:
        print(MISSING, file=sys.stderr)
        return 1
    try:
        (docs / FRONT_PICTURE).write_bytes((run / FRONT_PICTURE).read_bytes())
        draw_page(run, docs / "page.png", program)
    except (EdgenasError, OSError) as error:
        print(f"pictures: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
