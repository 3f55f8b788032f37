"""Files are replaced whole or left as they were."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edgenas.base.errors import InputError
from edgenas.base.files import replacing, write_whole


def test_content_permissions_and_links_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "real", tmp_path / "link"
    write_whole(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode() and stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600
    path.chmod(0o640)
    link.symlink_to(path)
    write_whole(link, b"second")
    assert link.is_symlink() and path.read_bytes() == b"second" and stat.S_IMODE(path.stat().st_mode) == 0o640
    write_whole(path, "", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_exception_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(b"half of the n")
        raise ZeroDivisionError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "first", new=True)
    with pytest.raises(InputError, match="file: File exists; name a file"):
        write_whole(path, "second", new=True)
    assert path.read_text() == "first" and [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["absent/file", ".", "fifo", "/dev/full", "x" * 300])
def test_what_cannot_be_written_is_refused(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InputError, match="name a file that can be written"):
        write_whole(tmp_path / name, "text")
    assert [p.name for p in tmp_path.iterdir()] == ["fifo"]
