"""Links of the pages: files and anchors exist, pictures too; nothing is asked of a network."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit
from xml.etree.ElementTree import fromstring

import pytest

from edgenas.search.spaces import SPACES, space
from edgenas.search.spaces.padding import PLAIN, SAME
from edgenas.search.spaces.relu6 import SUFFIX
from tests.conftest import ROOT
from tests.support.docs_pages import PAGES, anchors_of, blocks_of, links_of, prose_of, spans_of, text_of

INDEX = "docs/README.md"
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()}


def wrong(page: str, target: str) -> str:
    """What is wrong with a link on a page, '' where nothing is."""
    found = urlsplit(target)
    if found.scheme:
        ok = found.scheme == "https" and re.fullmatch(r"[\w-]+(\.[\w-]+)+", found.netloc) and " " not in target
        return "" if ok else "is no https address"
    path = (ROOT / page).parent / found.path if found.path else ROOT / page
    if not path.exists():
        return "is not there"
    inside = path.resolve()
    if not inside.is_relative_to(ROOT):
        return "leaves the project"
    if found.fragment and found.fragment not in anchors_of(str(inside.relative_to(ROOT))):
        return "has no such heading"
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    assert {link.target: why for link in links_of(page) if (why := wrong(page, link.target))} == {}
    named = re.findall(r"\]\[(\w+)\]", prose_of(page))
    defined = dict(re.findall(r"^\[(\w+)\]: (\S+)$", prose_of(page), re.MULTILINE))
    assert set(named) == defined.keys()
    assert {target: why for target in defined.values() if (why := wrong(page, target))} == {}
    for link in links_of(page):
        if link.image:
            data = (ROOT / page).parent.joinpath(link.target).read_bytes()
            if link.target.endswith(".png"):
                assert data.startswith(b"\x89PNG\r\n\x1a\n"), link.target
            else:
                assert fromstring(data).tag == "{http://www.w3.org/2000/svg}svg", link.target


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    """Paths of this project in backquotes."""
    shown = {block.file for block in blocks_of(page)}
    for span in spans_of(page):
        named = re.fullmatch(r"([\w./-]+/[\w.-]+\.(?:py|md|toml|sh|c))", span)
        if named and PurePosixPath(span).parts[0] in FOLDERS and span not in shown:
            assert (ROOT / span).is_file(), f"{page}: `{span}` is not there"


def test_the_index_has_every_page() -> None:
    listed = {link.target for link in links_of(INDEX)}
    assert {path.name for path in ROOT.glob("docs/*.md")} - {"README.md"} <= listed


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("docs/absent.md", "is not there"),
        ("docs/start.md#absent", "has no such heading"),
        ("../elsewhere", "is not there"),
        ("..", "leaves the project"),
        ("http://example.org", "is no https address"),
        ("https://localhost", "is no https address"),
        ("docs/start.md#all-at-once", ""),
        ("https://example.org/a?b#c", ""),
    ],
)
def test_a_wrong_link_is_found(target: str, why: str) -> None:
    assert wrong("README.md", target) == why


def test_anchors_are_those_of_github(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    text = "# A `b_c`: d, (e) – f\n## Twice\n## Twice\n```sh\n# none\n```\n### [Link](x.md) & *more*\n"
    monkeypatch.setattr("tests.support.docs_pages.text_of", lambda page: text)
    assert anchors_of(f"toy {tmp_path}") == {"a-b_c-d-e--f", "twice", "twice-1", "link--more"}


@pytest.mark.slow
def test_the_table_of_spaces() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d.,e+]+) \| ([\d,]+) \|", text_of("docs/spaces.md"), re.MULTILINE)
    assert {name for name, _, _ in rows} == {name for name in SPACES if not name.endswith((SUFFIX, SAME, PLAIN))}
    for name, networks, blocks in rows:
        found = space(name)
        exact = f"{found.networks:,}"
        assert networks == (exact if len(exact) < 9 else f"{found.networks:.2e}"), name
        assert blocks == f"{len(found.blocks()):,}", name
    for name in SPACES:
        assert f"`{name}`" in text_of("docs/spaces.md")
    assert f"[{len(SPACES)} spaces]" in text_of("README.md")
