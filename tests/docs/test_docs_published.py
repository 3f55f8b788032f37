"""The page on published weights, as a reader types it."""

from __future__ import annotations

import pytest

from tests.docs.test_docs_stories import reader
from tests.support.docs_reader import Reader
from tests.support.published_names import skip_without_weights

__all__ = ["reader"]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def test_pretrained(reader: Reader) -> None:
    skip_without_weights()
    assert len(reader.reads("docs/pretrained.md")) >= 1
    assert (reader.folder / "lite0" / "pretrained.json").is_file()
