"""LiteRT and ONNX Runtime as Python packages, driven by ``bench_runner.py``, one process per batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.profiler.runtimes.answers import Answers, parse_answers
from edgenas.profiler.runtimes.output import BatchOutput, Description, OutputError, parse_batch, parse_description
from edgenas.profiler.runtimes.sustained import SustainedOutput, SustainedRequest, parse_alone

if TYPE_CHECKING:
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.runtimes.delegates import Delegate

RUNNER = Path(__file__).resolve().parent.parent / "runners" / "bench_runner.py"
SUSTAINED = RUNNER.with_name("sustained_runner.py")
DELEGATES = tuple(RUNNER.with_name(f"delegate_{name}.py") for name in ("runner", "litert", "onnxruntime"))
ANSWER = RUNNER.with_name("answer_runner.py")

PROBE = "conv-8x3-o4-k3-s1-relu6"  # a block that every runtime and delegate supports
#: block with every kind of operator, which shows how many of them a delegate takes
ALL_OPERATORS = "ir-14x8-m16-o8-k3-s1-se8-hswish-res"


@dataclass(frozen=True, slots=True)
class PythonRunner:
    """A runtime that is a Python package (see ``Runtime``). ``runner`` is the program that is copied to devices;
    ``delegate`` is one that was requested, as the task of a runner names it."""

    name: str
    format: str
    install: str
    runner: Path = RUNNER
    delegate: Mapping[str, Any] | None = None

    def with_delegate(self, delegate: Delegate, plan: Plan) -> PythonRunner:
        """See ``edgenas.profiler.delegation.Delegating``."""
        wanted = {
            "text": str(delegate),
            "name": delegate.name,
            "what": delegate.what,
            "provider": delegate.provider,
            "on_cpu": delegate.on_cpu,
            "partial": plan.partial,
            "precision": plan.precision,
            "blocking": True,
            "libraries": "",
        }
        return replace(self, delegate=wanted, install=delegate.install(self.name))

    def _task(self, runner: Path | None = None) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return the fields of a task that runs ``runner``, on the delegate where there is one, and the files that it
        needs beside bench_runner.py."""
        files = ([] if self.delegate is None else [*DELEGATES]) + ([] if runner is None else [runner])
        task: dict[str, Any] = {} if runner is None else {"runner": runner.name}
        if self.delegate is not None:
            task = {"runner": DELEGATES[0].name, "delegate": dict(self.delegate), "then": task.get("runner", "")}
        return task, {each.name: each.read_bytes() for each in files}

    def describe_files(self) -> dict[str, bytes]:
        """See ``Runtime.describe_files``."""
        probe = ALL_OPERATORS if self.delegate and self.delegate["partial"] else PROBE
        files = {"runner.py": self.runner.read_bytes(), f"probe.{self.format}": _model(self.format, probe)}
        if self.delegate is None:
            return files
        task, beside = self._task()
        task |= {"runtime": self.name, "describe": f"probe.{self.format}"}
        return {**files, **beside, "task.json": json.dumps(task).encode()}

    def describe_command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.describe_command``."""
        if self.delegate is not None:
            return [program, "-B", f"{folder}/runner.py", f"{folder}/task.json"]
        return [program, "-B", f"{folder}/runner.py", "--describe", self.name, f"{folder}/probe.{self.format}"]

    def parse_describe(self, stdout: str) -> Description:
        """See ``Runtime.parse_describe``."""
        return parse_description(stdout)

    def batch_files(self, models: Mapping[str, bytes], plan: Plan, process: int) -> dict[str, bytes]:
        """See ``Runtime.batch_files``."""
        entries = [{"name": name, "file": f"{number}.{self.format}"} for number, name in enumerate(models)]
        settings: dict[str, Any] = {**plan.as_dict(), "min_sample_ns": plan.min_sample_us * 1000}
        companion = f"companion.{self.format}" if plan.cold_kib else ""
        task = {"runtime": self.name, "process": process, "models": entries, "companion": companion}
        beside = {companion: _model(self.format, companion_block(plan.cold_kib))} if companion else {}
        more, runners = self._task()
        return {
            "runner.py": self.runner.read_bytes(),
            **runners,
            "plan.json": json.dumps({**settings, **task, **more}).encode(),
            **beside,
            **{entry["file"]: content for entry, content in zip(entries, models.values(), strict=True)},
        }

    def command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.command``."""
        return [program, "-B", f"{folder}/runner.py", f"{folder}/plan.json"]

    def parse(self, stdout: str) -> BatchOutput | None:
        """See ``Runtime.parse``."""
        return parse_batch(stdout)

    def alone_files(self, model: bytes, plan: Plan, task: SustainedRequest) -> dict[str, bytes]:
        """See ``Runtime.alone_files``."""
        file = f"model.{self.format}"
        settings = {**plan.as_dict(), "min_sample_ns": plan.min_sample_us * 1000, "runtime": self.name, "file": file}
        span = {"seconds": task.seconds, "minute_s": task.minute_s}
        more, runners = self._task(SUSTAINED)
        return {
            "bench_runner.py": self.runner.read_bytes(),
            **runners,
            "task.json": json.dumps({**settings, **span, **more}).encode(),
            file: model,
        }

    def alone_command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.alone_command``."""
        return [program, "-B", f"{folder}/bench_runner.py", f"{folder}/task.json"]

    def parse_alone(self, stdout: str, task: SustainedRequest) -> SustainedOutput | None:
        """See ``Runtime.parse_alone``."""
        return parse_alone(stdout)

    def answer_files(self, model: bytes, inputs: bytes) -> dict[str, bytes]:
        """Return the files (name -> content) that run one model on the inputs of an .npy file."""
        file = f"model.{self.format}"
        task = {"runtime": self.name, "threads": 1, "file": file, "inputs": "inputs.npy", "runner": ANSWER.name}
        return {
            "bench_runner.py": self.runner.read_bytes(),
            ANSWER.name: ANSWER.read_bytes(),
            "task.json": json.dumps(task).encode(),
            file: model,
            "inputs.npy": inputs,
        }

    def answer_command(self, program: str, folder: str) -> list[str]:
        """Return the command line that runs the model on the inputs in ``folder``."""
        return [program, "-B", f"{folder}/bench_runner.py", f"{folder}/task.json"]

    def parse_answers(self, stdout: str, inputs: int) -> Answers:
        """Parse the outputs for ``inputs`` inputs. Raises OutputError."""
        found = parse_answers(stdout, inputs)
        if found.installed.runtime != self.name:
            raise OutputError(f"{found.installed.runtime} ran, not {self.name}")
        return found


def companion_block(kib: int) -> str:
    """Return a classifier whose weights are ``kib`` KiB of float32: a run of it reads them once, with little other
    work."""
    width = max(1, round((kib * 256) ** 0.5))
    return f"head-1x{width}-o{width}"


@lru_cache(maxsize=8)
def _model(format: str, text: str) -> bytes:
    from edgenas.blocks.spec import BlockSpec
    from edgenas.blocks.weights import random_weights
    from edgenas.profiler.export import WRITERS

    block = BlockSpec.parse(text)
    return WRITERS[format]([block], [random_weights(block)])
