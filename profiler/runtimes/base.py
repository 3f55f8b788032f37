"""Runtime: how to start one on a device and how to read what it prints. Pure: argv and text, nothing is run here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from profiler.runtimes.output import BatchOutput, Description, parse_batch, parse_description

RUNNER = Path(__file__).resolve().parent.parent / "runners" / "bench_runner.py"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime that ``bench_runner.py`` drives from Python.

    format    key of ``profiler.export.WRITERS``, also the suffix of its model files
    install   what to type where it is missing
    runner    the program that is copied to devices
    """

    name: str
    format: str
    install: str
    runner: Path = RUNNER

    def describe_command(self, python: str, runner: str) -> list[str]:
        """Command line that prints what is installed; ``runner`` is the path of the program on the device."""
        return [python, "-B", runner, "--describe", self.name]

    def parse_describe(self, stdout: str) -> Description:
        """Read its answer; OutputError."""
        return parse_description(stdout)

    def command(self, python: str, runner: str, plan: str) -> list[str]:
        """Command line that runs the plan in the file ``plan`` on the device."""
        return [python, "-B", runner, plan]

    def parse(self, stdout: str) -> BatchOutput | None:
        """Read what a plan printed, whole or cut; None when nothing had begun. OutputError."""
        return parse_batch(stdout)
