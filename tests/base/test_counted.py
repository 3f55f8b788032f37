"""Singular and plural: one mechanism for every sentence with a number."""

from __future__ import annotations

import ast
import re

import pytest

from edgenas.base.counted import counted, plural
from tests.test_rooms import ROOT, sources


@pytest.mark.parametrize(("number", "noun", "expected"), [
    (0, "network", "0 networks"),
    (1, "held-out network", "1 held-out network"),
    (2, "class", "2 classes"),
    (1, "class", "1 class"),
    (3, "boundary", "3 boundaries"),
    (2, "day", "2 days"),
    (1234, "image", "1,234 images"),
])  # fmt: skip
def test_a_noun_follows_its_number(number: int, noun: str, expected: str) -> None:
    assert counted(number, noun) == expected


def test_a_verb_follows_its_number() -> None:
    assert [counted(n, "block", "was") for n in (0, 1, 2)] == ["0 blocks were", "1 block was", "2 blocks were"]
    assert counted(1, "block", "is") == "1 block is" and counted(2, "block", "has") == "2 blocks have"
    assert plural("box") == "boxes" and plural("batch") == "batches"


#: nouns of which there is often one; behind a number they come from ``counted``
OFTEN_ONE = re.compile(r"\{len\([^{}]*\)\} (devices|files|spaces|networks judged)\b")


def test_sentences_about_things_that_come_alone_use_it() -> None:
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr) and (hit := OFTEN_ONE.search(ast.unparse(node))):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {hit[0]}")
    assert found == []
