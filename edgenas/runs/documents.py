"""Documents: JSON files, and lines of JSON, that begin with their format and version. One class reads and writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from edgenas.base.errors import InputError
from edgenas.base.files import write_whole
from edgenas.base.installing import install_newer
from edgenas.base.jsonl import read_lines
from edgenas.base.reading import read_json
from edgenas.base.version import installed_version
from edgenas.runs.forms import plain, read_form

T = TypeVar("T")
Json = dict[str, Any]
_RELEASE = re.compile(r"\d+(\.\d+){1,3}")


@dataclass(frozen=True)
class DocumentKind(Generic[T]):
    """A kind of document.

    form         dataclass of its content
    format       value of its field ``format``
    version      the version that is written; 1 .. ``version`` are read
    remedy       next step for a damaged document, for error messages
    upgrades     version -> function that turns a JSON object of this version into one of the next version
    unversioned  fields that identify a document of edgenas 0.2 without ``format``, which is version 1
    signed       True: the document names the version of edgenas that wrote it
    """

    form: type[T]
    format: str
    version: int
    remedy: str
    upgrades: Mapping[int, Callable[[Json], Json]] = field(default_factory=dict)
    unversioned: frozenset[str] = frozenset()
    signed: bool = True

    def fits(self, data: Any) -> bool:
        """Return whether ``data`` is a document of this kind, of any version."""
        if not isinstance(data, dict):
            return False
        if "format" in data:
            return bool(data["format"] == self.format)
        return bool(self.unversioned) and self.unversioned <= data.keys()

    def check_version(self, data: Json, where: str) -> int:
        """Return the version of a document; InputError where this edgenas does not know that version."""
        version = data.get("version") if "format" in data else 1
        if type(version) is int and 1 <= version <= self.version:
            return version
        known = "1" if self.version == 1 else f"1 .. {self.version}"
        raise InputError(
            f"{where}: version {json.dumps(version):.40} of '{self.format}', but this edgenas reads version {known}; "
            f"{_newer(data)}"
        )

    def of_json(self, data: Any, where: str) -> T:
        """Return the content of a document of any known version; InputError for any other value."""
        if not self.fits(data):
            raise InputError(f"{where} is not of the format '{self.format}'; {self.remedy}")
        version = self.check_version(data, where)
        try:
            for number in range(version, self.version):
                data = self.upgrades[number](data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{where}: version {version} of it is damaged ({error!r}); {self.remedy}") from error
        return read_form(self.form, data, where, self.remedy)

    def to_json(self, value: T) -> Json:
        """Return a document as plain JSON values."""
        head: Json = {"format": self.format, "version": self.version}
        if self.signed:
            head["edgenas"] = installed_version()
        return {**head, **plain(value)}

    def read(self, path: Path) -> T:
        """Return the content of a file; InputError where it cannot be read or is damaged."""
        return self.of_json(read_json(path, self.remedy), str(path))

    def write(self, path: Path, value: T) -> Json:
        """Write a file, completely or not at all. Return its JSON values."""
        data = self.to_json(value)
        write_whole(path, json.dumps(data, indent=1, allow_nan=False) + "\n")
        return data

    def read_lines(self, path: Path) -> list[T]:
        """Return the content of every line of a file; InputError names the line."""
        return [self.of_json(record, f"{path}, line {number}") for number, record in read_lines(path, "run").records]

    def write_lines(self, path: Path, values: Iterable[T]) -> None:
        """Write one line for each value, the file completely or not at all."""
        write_whole(path, "".join(json.dumps(self.to_json(value), allow_nan=False) + "\n" for value in values))


def _newer(data: Json) -> str:
    wrote = data.get("edgenas")
    return install_newer(wrote if isinstance(wrote, str) and _RELEASE.fullmatch(wrote) else "")
