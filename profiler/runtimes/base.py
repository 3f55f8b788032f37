"""Runtime: how to start one on a device and how to read what it prints. Pure: files, argv and text, nothing is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from edgenas.profiler.runtimes.output import BatchOutput, Description
from edgenas.profiler.runtimes.sustained import SustainedOutput, SustainedRequest

if TYPE_CHECKING:
    from edgenas.profiler.plan import Plan


class Runtime(Protocol):
    """A runtime, and what drives it on a device: ``program``, a path there, is a Python or a tool of its own.

    Files are carried to a fresh folder of the device before a command runs; a plan must be settled (``Plan.on``).
    """

    @property
    def name(self) -> str:
        """Key of RUNTIMES, and what tables call it."""
        ...

    @property
    def format(self) -> str:
        """Key of ``edgenas.profiler.export.WRITERS``, also the suffix of its model files."""
        ...

    @property
    def install(self) -> str:
        """What to do where it is missing."""
        ...

    def describe_files(self) -> dict[str, bytes]:
        """File name -> content of what asking for the description takes."""
        ...

    def describe_command(self, program: str, folder: str) -> list[str]:
        """Command line that tells what is installed."""
        ...

    def parse_describe(self, stdout: str) -> Description:
        """Read its answer; OutputError."""
        ...

    def batch_files(self, models: Mapping[str, bytes], plan: Plan, process: int) -> dict[str, bytes]:
        """File name -> content of a batch: ``models`` (name -> content of its file), and what measures them."""
        ...

    def command(self, program: str, folder: str) -> list[str]:
        """Command line that measures the batch in ``folder``."""
        ...

    def parse(self, stdout: str) -> BatchOutput | None:
        """Read what it printed, whole or cut; None when nothing had begun. OutputError."""
        ...

    def alone_files(self, model: bytes, plan: Plan, task: SustainedRequest) -> dict[str, bytes]:
        """File name -> content of what runs one model alone and without pause."""
        ...

    def alone_command(self, program: str, folder: str) -> list[str]:
        """Command line that does so in ``folder``."""
        ...

    def parse_alone(self, stdout: str, task: SustainedRequest) -> SustainedOutput | None:
        """Read what it printed, whole or cut; None when nothing had begun. OutputError."""
        ...
