"""Checkpoints of a training on disk: named arrays and JSON in one ``.npz``, so that an interrupted training continues.

The file holds no pickles. It is replaced atomically: a reader sees the old state or the new one, never a part.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.base.files import replacing
from edgenas.blocks.npz import read_npz

VERSION = 1  # 1: first
_FACTS = "facts"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The checkpoint of one training in the file ``path``; ``identity`` is text that identifies the training: network
    or space, data, recipe, seed."""

    path: Path
    identity: str

    def save(self, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Write the checkpoint, in a file that only its owner can read; ``facts`` are plain JSON values."""
        text = json.dumps({"version": VERSION, "identity": self.identity, **facts})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path, mode=0o600) as file:
            np.savez(file, allow_pickle=False, **{_FACTS: np.frombuffer(text.encode(), np.uint8), **arrays})

    def load(self) -> tuple[Arrays, dict[str, Any]] | None:
        """Read (arrays, facts); None where there is no file. InputError for a checkpoint of another training, or a file
        that is no checkpoint."""
        try:
            arrays = read_npz(self.path)
            facts = json.loads(arrays.pop(_FACTS).tobytes())
            version, identity = facts.get("version"), facts.get("identity")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise InputError(
                f"{self.path} is no checkpoint of edgenas ({error}); delete it, or name another"
            ) from error
        if (version, identity) != (VERSION, self.identity):
            raise InputError(
                f"{self.path} holds the training {identity!r} (format {version!r}), this one is {self.identity!r} "
                f"(format {VERSION}): delete it, or name another file"
            )
        return arrays, facts


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
