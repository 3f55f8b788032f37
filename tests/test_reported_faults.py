"""The list of reported faults (``reported_faults.md``): each has tests, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROW = re.compile(r"\| (\d+) \| (.+?) \| (.+) \|")
TEST = re.compile(r"`([a-z_0-9/]+\.py)::(test_\w+)`")
ROWS = ROW.findall((HERE / "reported_faults.md").read_text(encoding="utf-8"))


def test_they_are_numbered() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 34))


@pytest.mark.parametrize(("number", "tests"), [(number, tests) for number, _, tests in ROWS])
def test_each_has_tests_that_exist(number: str, tests: str) -> None:
    named = TEST.findall(tests)
    assert named
    for file, name in named:
        assert f"def {name}(" in (HERE / file).read_text(encoding="utf-8"), f"{file}::{name}"
