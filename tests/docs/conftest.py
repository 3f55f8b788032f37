"""The reader who types the commands of pages, for the stories."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.docs_reader import Reader


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Read in a folder of its own; modules that were imported from there are forgotten afterwards."""
    before = set(sys.modules)
    (tmp_path / "story" / "home").mkdir(parents=True)
    yield Reader(tmp_path / "story", monkeypatch)
    for name in set(sys.modules) - before:
        if (file := getattr(sys.modules[name], "__file__", None)) and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]
