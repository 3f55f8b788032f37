"""The pictures of README: drawn from a run, whole, and named there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.report_toys import write_run
from tools import pictures
from tools.browser import chromium


def test_every_picture_of_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = [part.split(")")[0] for part in text.split("](docs/")[1:] if part.split(")")[0].endswith((".svg", ".png"))]
    assert {"page.png", "front.svg"} <= set(named)
    assert all((ROOT / "docs" / name).stat().st_size > 1000 for name in named)


def test_misuse_and_a_missing_run_are_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        pictures.main([])
    assert "usage" in capsys.readouterr().err
    if chromium() is not None:
        assert pictures.main([str(tmp_path / "none")], tmp_path) == 1 and "front.svg" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_page_of_a_run_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'edgenas[dev]'")
    if chromium() is None:
        pytest.skip("no Chromium here; as root on Debian, tools/check installs it")
    from PIL import Image

    run = write_run(tmp_path / "run")
    (run / "front.svg").write_text("<svg/>")
    (tmp_path / "docs").mkdir()
    assert pictures.main([str(run)], tmp_path / "docs") == 0
    assert (tmp_path / "docs" / "front.svg").read_text() == "<svg/>"
    with Image.open(tmp_path / "docs" / "page.png") as image:
        assert image.size == (pictures.WIDTH, pictures.HEIGHT)
        assert len(image.convert("RGB").getcolors(1 << 20) or ()) > 30
