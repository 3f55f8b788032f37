"""What many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Published benchmark files, which are not part of the project: a folder beside the checkout, or
    EDGENAS_SHARED_DATA. A test that needs them skips where they are absent."""
    folder = Path(os.environ.get("EDGENAS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"published benchmark data not found at {folder}; set EDGENAS_SHARED_DATA")
    return folder
