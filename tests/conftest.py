"""What many tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
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


@pytest.fixture(scope="session", autouse=True)
def own_locks() -> Iterator[None]:
    """A place of this test process's own for locks and work folders: tests run side by side, and each would find this
    machine in use by the others."""
    with tempfile.TemporaryDirectory(prefix="ent-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", f"{folder}/cache")
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", None)
        yield
