"""LiteRT and ONNX Runtime as Python packages: ``bench_runner.py`` drives them, one process a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiler.runtimes.output import BatchOutput, Description, parse_batch, parse_description

if TYPE_CHECKING:
    from profiler.plan import Plan

RUNNER = Path(__file__).resolve().parent.parent / "runners" / "bench_runner.py"


@dataclass(frozen=True, slots=True)
class PythonRunner:
    """See ``Runtime``. ``runner`` is the program that is copied to devices."""

    name: str
    format: str
    install: str
    runner: Path = RUNNER

    def describe_files(self) -> dict[str, bytes]:
        """See ``Runtime.describe_files``."""
        return {"runner.py": self.runner.read_bytes()}

    def describe_command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.describe_command``."""
        return [program, "-B", f"{folder}/runner.py", "--describe", self.name]

    def parse_describe(self, stdout: str) -> Description:
        """See ``Runtime.parse_describe``."""
        return parse_description(stdout)

    def batch_files(self, models: Mapping[str, bytes], plan: Plan, process: int) -> dict[str, bytes]:
        """See ``Runtime.batch_files``."""
        entries = [{"name": name, "file": f"{number}.{self.format}"} for number, name in enumerate(models)]
        settings: dict[str, Any] = {**plan.as_dict(), "min_sample_ns": plan.min_sample_us * 1000}
        task = {"runtime": self.name, "process": process, "models": entries}
        return {
            "runner.py": self.runner.read_bytes(),
            "plan.json": json.dumps({**settings, **task}).encode(),
            **{entry["file"]: content for entry, content in zip(entries, models.values(), strict=True)},
        }

    def command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.command``."""
        return [program, "-B", f"{folder}/runner.py", f"{folder}/plan.json"]

    def parse(self, stdout: str) -> BatchOutput | None:
        """See ``Runtime.parse``."""
        return parse_batch(stdout)
