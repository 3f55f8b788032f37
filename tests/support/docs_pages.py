"""The pages a person reads (README, CONTRIBUTING, CHANGELOG, docs/): their code, commands, headings and links.

A comment right before a block of code says how tests run it (``tests/support/docs_reader.py``); readers do not see it:

    <!-- test: with --budget-ms 50 --> with these options, in place of those shown, and with WORD=OTHER in place of a
                                       word, so that a story is short and its outcome does not hang on how fast a
                                       machine is; --budget-ms FITS: a budget that fits, from the table just
                                       measured, and before it one that does not (``tests/support/docs_budgets.py``)
    <!-- test: in the lab -->          on emulated boards and phones only
    <!-- test: in the lab, with ... -->
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.conftest import ROOT

PAGES = tuple(
    sorted(str(p.relative_to(ROOT)) for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tools/*/*.md")])
)
SHELL = ("sh", "console")
_FENCE = re.compile(r"(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_MARKER = re.compile(r"<!-- test: (?P<lab>in the lab)?(, )?(with (?P<options>.+?))? -->\s*\Z", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"(!?)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]*)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. ``line`` is its first; ``options`` are those that its commands are run with; ``lab``: on emulated
    devices only."""

    page: str
    line: int
    language: str
    text: str
    options: tuple[str, ...]
    lab: bool

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str:
        """The name that the first line of a Python block gives it, '' where it gives none."""
        found = re.match(r"# ([\w/]+\.py)\n", self.text) if self.language == "python" else None
        return found[1] if found else ""

    def pipelines(self) -> list[list[list[str]]]:
        """Its commands as words, those together of which one is piped into the next."""
        return [pipeline for line in self.text.replace("\\\n", " ").splitlines() for pipeline in _pipelines(line)]

    def commands(self) -> list[list[str]]:
        return [command for pipeline in self.pipelines() for command in pipeline]


@dataclass(frozen=True, slots=True)
class Link:
    """``target`` as written; ``image`` for a picture."""

    target: str
    image: bool


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def blocks_of(page: str) -> tuple[Block, ...]:
    """Every fenced block, in order."""
    text, found, end = text_of(page), [], 0
    for match in _FENCE.finditer(text):
        marker = _MARKER.search(text[end : match.start()])
        end = match.end()
        found.append(
            Block(
                page,
                text.count("\n", 0, match.start()) + 1,
                match["language"],
                re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE),
                tuple(shlex.split(marker["options"])) if marker and marker["options"] else (),
                bool(marker and marker["lab"]),
            )
        )
    return tuple(found)


def shell_blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.language in SHELL]


def prose_of(page: str) -> str:
    """The page without fenced blocks and comments."""
    return _COMMENT.sub("", _FENCE.sub("", text_of(page)))


def spans_of(page: str) -> list[str]:
    """What stands in backquotes in the prose, on one line each."""
    return [" ".join(match[2].split()) for match in _SPAN.finditer(prose_of(page))]


def links_of(page: str) -> list[Link]:
    return [Link(target, bool(image)) for image, target in _LINK.findall(_SPAN.sub("code", prose_of(page)))]


@cache
def anchors_of(page: str) -> frozenset[str]:
    """What may follow # in a link to the page: headings as GitHub makes anchors of them."""
    seen: dict[str, int] = {}
    anchors = []
    for heading in re.findall(r"^#{1,6} +(.+?)(?: +#+)?$", prose_of(page), flags=re.MULTILINE):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        anchors.append(f"{name}-{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return frozenset(anchors)


def _pipelines(line: str) -> Iterator[list[list[str]]]:
    words = shlex.split(line, comments=True)
    for command in _split(words, "&&"):
        yield [each for each in _split(command, "|") if each]


def _split(words: list[str], mark: str) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        if word == mark:
            yield part
            part = []
        else:
            part.append(word)
    if part:
        yield part
