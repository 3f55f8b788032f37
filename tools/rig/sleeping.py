"""A runtime that measures nothing and takes a known time: what is left of a campaign's time is the campaign's own.

It needs a shell on the device and nothing else. Every batch that ends there appends the names of its models to
``log``, a file on the device, so that what ran twice can be counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from profiler.plan import Plan
from profiler.runtimes.output import BatchOutput, Description, parse_batch, parse_description

_INSTALLED = {"runtime": "sleeping", "package": "sleeping", "version": "1", "python": "0", "notes": ""}


@dataclass(frozen=True, slots=True)
class Sleeping:
    """See ``profiler.runtimes.base.Runtime``; ``seconds`` is for one model."""

    seconds: float
    log: str = "/dev/null"
    name: str = "sleeping"
    format: str = "onnx"
    install: str = "it is a shell script"

    def describe_files(self) -> dict[str, bytes]:
        """See ``Runtime``."""
        machine = {"delegate": "cpu", "library_sha256": "0" * 64, "cpus": [0], "schedulers": ["normal"]}
        return {"description": json.dumps({"kind": "description", **_INSTALLED, **machine}).encode() + b"\n"}

    def describe_command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime``."""
        return ["cat", f"{folder}/description"]

    def parse_describe(self, stdout: str) -> Description:
        """See ``Runtime``."""
        return parse_description(stdout)

    def batch_files(self, models: Mapping[str, bytes], plan: Plan, process: int) -> dict[str, bytes]:
        """See ``Runtime``."""
        header = {"kind": "header", **_INSTALLED, "threads": 1, "cores": [0], "scheduler": "normal"}
        timed = {"loops": 1, "warmup": 1, "delegate": "cpu", "partitions": 0, "sum": 0.0, "abs_sum": 0.0}
        lines = [{"kind": "model", "name": n, "samples_ns": [[1000 + len(n)]], **timed} for n in models]
        end = {"kind": "end", "models": len(models), "errors": 0}
        script = f"cat $0.header; sleep {self.seconds * len(models):.3f}; cat $0.ran >>{self.log}; cat $0.results\n"
        return {
            "batch.sh": script.encode(),
            "batch.sh.header": json.dumps(header).encode() + b"\n",
            "batch.sh.ran": "".join(f"{process} {name}\n" for name in models).encode(),
            "batch.sh.results": "".join(json.dumps(line) + "\n" for line in [*lines, end]).encode(),
            **{f"{number}.onnx": content for number, content in enumerate(models.values())},
        }

    def command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime``."""
        return [program, f"{folder}/batch.sh"]

    def parse(self, stdout: str) -> BatchOutput | None:
        """See ``Runtime``."""
        return parse_batch(stdout)
