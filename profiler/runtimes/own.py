"""Runtimes of the user's own. Their name is the text that locates their code, so that any command can continue a table.

The version of such a runtime, as tables record it, ends with a digest of its code (the file that defines it, the files
that it imports from its folder, and the program that it pushes to devices): a table of other code is never continued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgenas.base.code import Code
from edgenas.base.errors import InputError
from edgenas.base.plugins import Found, accepted, called
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.output import BatchOutput, Description, Installed
from edgenas.profiler.runtimes.sustained import SustainedOutput, SustainedRequest

if TYPE_CHECKING:
    from edgenas.profiler.plan import Plan

METHODS = ("describe_files", "describe_command", "parse_describe", "batch_files", "command", "parse", "alone_files",
           "alone_command", "parse_alone")  # fmt: skip


def own_runtime(found: Found[Runtime], shipped: Mapping[str, Runtime]) -> Runtime:
    """Return the runtime that the user's own code defines; InputError where it is not a runtime."""
    from edgenas.profiler.export import WRITERS

    value, code = found.value, found.code
    assert code is not None
    lacking = [name for name in METHODS if not callable(getattr(value, name, None))]
    lacking += [name for name in ("name", "format", "install") if not isinstance(getattr(value, name, None), str)]
    wanted = "a runtime: an object with what profiler/runtimes/base.py lists"
    accepted(
        found,
        not isinstance(value, type) and not lacking,
        f"{wanted}; it lacks {', '.join(lacking)}" if lacking else wanted,
    )
    if value.format not in WRITERS:
        raise InputError(f"{code.text} is for {value.format!r} files; models are written as {', '.join(WRITERS)}")
    if value.name in shipped:
        raise InputError(f"{code.text} has the name {value.name!r}, as a runtime that ships: give it another")
    return OwnRuntime(value, code, _digest(value, code))


@dataclass(frozen=True, slots=True)
class OwnRuntime:
    """A runtime of the user's own (see ``Runtime``), under the name that locates its code."""

    inner: Runtime
    code: Code
    digest: str

    @property
    def name(self) -> str:
        """See ``Runtime.name``: the text that names the code, 'my_runtime.py:reference'."""
        return self.code.text

    @property
    def format(self) -> str:
        """See ``Runtime.format``."""
        return self.inner.format

    @property
    def install(self) -> str:
        """See ``Runtime.install``."""
        return self.inner.install

    def describe_files(self) -> dict[str, bytes]:
        """See ``Runtime.describe_files``."""
        return self.inner.describe_files()

    def describe_command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.describe_command``."""
        return self.inner.describe_command(program, folder)

    def parse_describe(self, stdout: str) -> Description:
        """See ``Runtime.parse_describe``."""
        found = self.inner.parse_describe(stdout)
        return replace(found, installed=self._renamed(found.installed))

    def batch_files(self, models: Mapping[str, bytes], plan: Plan, process: int) -> dict[str, bytes]:
        """See ``Runtime.batch_files``."""
        return self.inner.batch_files(models, plan, process)

    def command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.command``."""
        return self.inner.command(program, folder)

    def parse(self, stdout: str) -> BatchOutput | None:
        """See ``Runtime.parse``."""
        found = self.inner.parse(stdout)
        if found is None:
            return None
        return replace(found, header=replace(found.header, installed=self._renamed(found.header.installed)))

    def alone_files(self, model: bytes, plan: Plan, task: SustainedRequest) -> dict[str, bytes]:
        """See ``Runtime.alone_files``."""
        return self.inner.alone_files(model, plan, task)

    def alone_command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.alone_command``."""
        return self.inner.alone_command(program, folder)

    def parse_alone(self, stdout: str, task: SustainedRequest) -> SustainedOutput | None:
        """See ``Runtime.parse_alone``."""
        found = self.inner.parse_alone(stdout, task)
        if found is None:
            return None
        return replace(found, header=replace(found.header, installed=self._renamed(found.header.installed)))

    def _renamed(self, installed: Installed) -> Installed:
        """Return ``installed`` under this runtime's name and with the digest of its code. Output under any name but
        that of the inner runtime stays unchanged, and is refused later."""
        if installed.runtime != self.inner.name:
            return installed
        return replace(installed, runtime=self.name, version=f"{installed.version} code {self.digest}")


def _digest(runtime: Runtime, code: Code) -> str:
    """Return 12 hexadecimal digits of the digest of all code: of this machine, and of Python files for devices."""
    carried = called(code, lambda: runtime.describe_files())
    parts = [code.sha256, *(f"{name} {digest}" for name, digest in code.beside)]
    parts += [f"{n} {hashlib.sha256(data).hexdigest()}" for n, data in sorted(carried.items()) if n.endswith(".py")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
