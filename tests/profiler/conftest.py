"""Fixtures of several test files of the profiler."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tool_helpers import compiled


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """benchmark_model's stand-in, built once."""
    return compiled(tmp_path_factory.mktemp("tool"))
