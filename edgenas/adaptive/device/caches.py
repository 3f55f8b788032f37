"""Caches of packed weights on disk, which make a switch take a few milliseconds.

XNNPACK believes any cache of equal shapes, also that of another model, and answers with the wrong network. Therefore a
cache is named by the sha256 of its model and the version of the runtime, and gets its name only after its network
answered the probe. A file beside it holds its size and checksum, so that a half of a cache is never read.
"""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any


def state_of(path: Path) -> tuple[int, int, int]:
    """Return inode, size and time of change of a file: a file that was checked is checked again when they change."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


class Caches:
    """The caches of one runtime in ``folder``; True: $XDG_CACHE_HOME/edgenas, else ~/.cache/edgenas; False: none."""

    def __init__(self, folder: Any, runtime: str) -> None:
        self.runtime = runtime
        self.folder: Path | None = None
        self._checked: dict[str, tuple[int, int, int]] = {}
        if not folder:
            return
        try:
            base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
            self.folder = Path(base) / "edgenas" if folder is True else Path(folder)
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in self.folder.glob("*.partial"):
                if not Path(f"/proc/{left.name.split('.')[-2]}").exists():  # its writer was killed
                    left.unlink()
        except (OSError, RuntimeError):  # no home, or it cannot be written
            self.folder = None

    def _path(self, model: str, suffix: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{model[:32]}-{self.runtime}.{suffix}"

    def known(self, model: str) -> str:
        """Return the path of the whole cache of a model (its sha256); '' where there is none."""
        if self.folder is None:
            return ""
        path = self._path(model, "cache")
        try:
            state = state_of(path)
            if self._checked.get(model) != state:
                content = path.read_bytes()
                if json.loads(self._path(model, "json").read_text(encoding="ascii")) != [
                    len(content),
                    zlib.crc32(content),
                ]:
                    return ""
                self._checked[model] = state
        except (OSError, ValueError):
            return ""
        return str(path)

    def believed(self, model: str) -> bool:
        """Return whether this process has checked that the cache is whole, and it did not change since."""
        with suppress(OSError):
            return self.folder is not None and self._checked.get(model) == state_of(self._path(model, "cache"))
        return False

    def new(self, model: str) -> str:
        """Remove what there is of a model's cache, and return the path where the runtime writes a new one."""
        if self.folder is None:
            return ""
        self._checked.pop(model, None)
        made = self._path(model, f"{os.getpid()}.partial")
        for path in (self._path(model, "json"), self._path(model, "cache"), made):
            with suppress(OSError):
                path.unlink()
        return str(made)

    def keep(self, model: str, made: str) -> None:
        """Give the cache at ``made`` its name, after its network answered the probe. Raises OSError."""
        path = self._path(model, "cache")
        content = Path(made).read_bytes()
        part = self._path(model, f"json.{os.getpid()}.partial")
        part.write_text(json.dumps([len(content), zlib.crc32(content)]), encoding="ascii")
        Path(made).replace(path)
        part.replace(self._path(model, "json"))
        self._checked[model] = state_of(path)
