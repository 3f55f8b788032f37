"""Runtime protocol: files and commands that start a runtime on a device, and parsers of its output. Nothing is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from edgenas.profiler.runtimes.output import BatchOutput, Description
from edgenas.profiler.runtimes.sustained import SustainedOutput, SustainedRequest

if TYPE_CHECKING:
    from edgenas.profiler.plan import Plan


class Runtime(Protocol):
    """A runtime, and the way to drive it on a device; ``program`` is the path there of a Python, or of the tool itself.

    Files are pushed to a new folder of the device before a command runs. A plan must be settled (``Plan.on``).
    """

    @property
    def name(self) -> str:
        """Key of RUNTIMES, and the runtime's name in tables."""
        ...

    @property
    def format(self) -> str:
        """Key of ``edgenas.profiler.export.WRITERS``, and suffix of its model files."""
        ...

    @property
    def install(self) -> str:
        """Instruction that installs the runtime where it is missing."""
        ...

    def describe_files(self) -> dict[str, bytes]:
        """Return the files (name -> content) that the description of the device needs."""
        ...

    def describe_command(self, program: str, folder: str) -> list[str]:
        """Return the command line that prints the description: the installed versions and the device's abilities."""
        ...

    def parse_describe(self, stdout: str) -> Description:
        """Parse the description. Raises OutputError."""
        ...

    def batch_files(self, models: Mapping[str, bytes], plan: Plan, process: int) -> dict[str, bytes]:
        """Return the files (name -> content) of a batch: ``models`` (name -> content of its file), and their runner."""
        ...

    def command(self, program: str, folder: str) -> list[str]:
        """Return the command line that measures the batch in ``folder``."""
        ...

    def parse(self, stdout: str) -> BatchOutput | None:
        """Parse the output of a batch, complete or not; None when no measurement had begun. Raises OutputError."""
        ...

    def alone_files(self, model: bytes, plan: Plan, task: SustainedRequest) -> dict[str, bytes]:
        """Return the files (name -> content) that run one model alone and without pause."""
        ...

    def alone_command(self, program: str, folder: str) -> list[str]:
        """Return the command line that runs the model in ``folder`` alone."""
        ...

    def parse_alone(self, stdout: str, task: SustainedRequest) -> SustainedOutput | None:
        """Parse the output of a sustained run, complete or not; None when no run had begun. Raises OutputError."""
        ...
