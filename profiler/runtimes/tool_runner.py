"""Runtimes that are tools, for devices without Python: a shell script runs the tool once for each model and round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.text import printable
from edgenas.latency_tables.records import PART
from edgenas.profiler.runtimes.delegates import Delegate, parse_delegate
from edgenas.profiler.runtimes.output import (
    BatchOutput,
    Delegated,
    Description,
    Header,
    Installed,
    ModelError,
    ModelResult,
    OutputError,
    PartError,
)
from edgenas.profiler.runtimes.python_runner import ALL_OPERATORS, PROBE
from edgenas.profiler.runtimes.sustained import SustainedOutput, SustainedRequest
from edgenas.profiler.runtimes.tool_accelerators import arithmetic
from edgenas.profiler.runtimes.tool_comparison import comparison_files, random_numbers
from edgenas.profiler.runtimes.tool_delegates import took_part, why_failed
from edgenas.profiler.runtimes.tool_dialects import Burst, Dialect, Sample
from edgenas.profiler.runtimes.tool_output import BatchTranscript, ToolRun, begins, read_head, read_record, seal
from edgenas.profiler.runtimes.tool_script import ToolChoice, orders, script
from edgenas.profiler.runtimes.tool_sustained import burst_plan, minutes_of

if TYPE_CHECKING:
    from edgenas.profiler.plan import Plan

RUN_LIMIT_S = 60  # time limit of a run: more than two inferences of the slowest network on the slowest board


@dataclass(frozen=True, slots=True)
class ToolRunner:
    """A runtime that is a tool (see ``Runtime``). The program is the tool's path on the device; a run of it is ended
    after ``run_limit_s``. ``probe`` is the plan of a description: a batch of one small model in one round, not pinned.
    """

    name: str
    format: str
    install: str
    dialect: Dialect
    run_limit_s: int = RUN_LIMIT_S
    probe: Mapping[str, Any] = field(default_factory=lambda: {"rounds": 1, "cores": (), "scheduler": "normal"})

    def with_delegate(self, delegate: Delegate, plan: Plan) -> ToolRunner:
        """Return the runtime whose descriptions compute with ``delegate``, on the terms of ``plan``; batches do so by
        their own plans. InputError where no tool of this name has the delegate."""
        if self.dialect.choices is None:
            raise InputError(f"--delegate {delegate}: {self.name} computes with no delegate; leave it out")
        self.dialect.choices(plan)
        terms = {"requested": plan.requested, "partial": plan.partial, "software": plan.software}
        return replace(self, probe={**self.probe, **terms})

    def describe_files(self) -> dict[str, bytes]:
        """See ``Runtime.describe_files``."""
        from edgenas.blocks.spec import BlockSpec
        from edgenas.blocks.weights import random_weights
        from edgenas.profiler.export import WRITERS
        from edgenas.profiler.plan import Plan

        block = BlockSpec.parse(ALL_OPERATORS if self.probe.get("partial") else PROBE)
        model = WRITERS[self.format]([block], [random_weights(block)])
        return self.batch_files({PROBE: model}, Plan(**self.probe), 0)

    def describe_command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.describe_command``."""
        return self.command(program, folder)

    def parse_describe(self, stdout: str) -> Description:
        """See ``Runtime.parse_describe``."""
        read = self._read(stdout)
        if read is None or not read[2].complete:
            raise OutputError(f"the description of {self.name} was cut; try again")
        plan, _, record = read
        output = self._output(*read)
        if output.errors and plan.requested:
            raise OutcomeError(f"--delegate {plan.requested}: {output.errors[0].message}")
        if output.errors:
            raise OutputError(f"{self.name} does not run a small model: {output.errors[0].message}; {self.install}")
        header = output.header
        found = Description(header.installed, output.results[0].delegate, record.sha256, header.cores, ("normal",))
        if not plan.requested:
            return found
        did = output.results[0].delegated
        assert did is not None
        return replace(
            found,
            accelerator=did.accelerator,
            arithmetic=arithmetic(parse_delegate(plan.requested, self.name)),
            nodes_taken=did.nodes_taken,
            nodes_total=did.nodes_total,
            left=self._sample(plan, record, record.rounds[0][0]).left,
        )

    def batch_files(self, models: Mapping[str, bytes], plan: Plan, process: int) -> dict[str, bytes]:
        """See ``Runtime.batch_files``."""
        return self._files(self._command(plan), models, plan, process)

    def _command(self, plan: Plan) -> list[str] | Mapping[str, ToolChoice]:
        if not plan.requested:
            return self.dialect.command(plan)
        assert self.dialect.choices is not None  # with_delegate
        return self.dialect.choices(plan)

    def _files(
        self, command: list[str] | Mapping[str, ToolChoice], models: Mapping[str, bytes], plan: Plan, process: int = 0
    ) -> dict[str, bytes]:
        turns = orders(plan.seed * 1000 + process, len(models), plan.rounds)
        text = script(command, turns, limit_s=plan.limit_s, run_limit_s=self.run_limit_s)
        return {
            "plan.json": seal({"tool": self.name, "process": process, "plan": plan.as_dict(), "models": list(models)}),
            "run.sh": text.encode(),
            **{f"{number}.{self.format}": content for number, content in enumerate(models.values())},
            **(_compared(models, plan) if plan.requested else {}),
        }

    def command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.command``."""
        return ["sh", f"{folder}/run.sh", folder, program]

    def parse(self, stdout: str) -> BatchOutput | None:
        """See ``Runtime.parse``. Where fewer rounds than planned were run, the finished ones are used."""
        read = self._read(stdout)
        return None if read is None else self._output(*read)

    def alone_files(self, model: bytes, plan: Plan, task: SustainedRequest) -> dict[str, bytes]:
        """See ``Runtime.alone_files``."""
        settled = burst_plan(plan, task)
        watch = self.dialect.watch if task.watch else ()
        if not plan.requested:
            return self._files([*self.dialect.burst(settled), *watch], {"model": model}, settled)
        command = self._command(settled)
        assert isinstance(command, Mapping)
        watched = {kind: replace(c, command=(*c.command, *watch)) if c.command else c for kind, c in command.items()}
        return self._files(watched, {"model": model}, settled)

    def alone_command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime.alone_command``."""
        return self.command(program, folder)

    def parse_alone(self, stdout: str, task: SustainedRequest) -> SustainedOutput | None:
        """See ``Runtime.parse_alone``."""
        read = self._read(stdout)
        if read is None:
            return None
        plan, _, record = read
        header = Header(self._installed(record.sha256, plan), plan.threads, record.cores, "normal")
        failure = self._why(record.failed[0], plan) if record.failed else ""
        good: list[tuple[ToolRun, Burst]] = []
        for run in (run for runs in record.rounds for run in runs):
            try:
                good.append((run, self._burst(plan, record, run)))
            except OutputError as error:  # the other runs stay valid
                failure = failure or printable(str(error), 300)
        if not good:
            if failure:
                raise OutputError(failure)
            return None
        first, burst = good[0]
        memory = self.dialect.memory(first.stdout) if record.complete else None
        minutes = minutes_of(good, task.minute_s)
        return SustainedOutput(header, burst.delegate, "burst", float(first.began_s), minutes, memory, failure)

    def _output(self, plan: Plan, names: list[str], record: BatchTranscript) -> BatchOutput:
        header = Header(self._installed(record.sha256, plan), plan.threads, record.cores, "normal")
        errors = {
            model: ModelError(names[model], self._stage(ran, plan), self._why(ran, plan))
            for model, ran in record.failed.items()
        }
        for model in record.late:
            errors[model] = ModelError(names[model], "load", "not started: the time limit of its batch had passed")
        results = []
        for model in range(len(names) if record.rounds else 0):
            if model not in errors:
                ran = [run for runs in record.rounds for run in runs if run.model == model]
                try:
                    results.append(self._result(names[model], plan, record, ran))
                except OutputError as error:
                    stage = PART if isinstance(error, PartError) else "output"
                    errors[model] = ModelError(names[model], stage, printable(str(error), 300))
        return BatchOutput(header, tuple(results), tuple(errors.values()), record.complete)

    def _read(self, stdout: str) -> tuple[Plan, list[str], BatchTranscript] | None:
        """Return (plan, names of models, transcript) of a batch; None where no round had begun. Raises OutputError."""
        found = begins(stdout)
        if found is None:
            return None
        first, lines = found
        plan, process, names = self._request(read_head(first))
        record = read_record(lines, orders(plan.seed * 1000 + process, len(names), plan.rounds))
        return None if record is None else (plan, names, record)

    def _request(self, head: dict[str, Any]) -> tuple[Plan, int, list[str]]:
        """Return the plan, the number of the process and the models' names of a batch. Raises OutputError."""
        from edgenas.profiler.plan import Plan

        try:
            values = dict(head["plan"])
            plan = Plan(**{**values, "cores": tuple(values["cores"])})
            process, names = head["process"], head["models"]
            sound = type(process) is int and isinstance(names, list) and all(isinstance(name, str) for name in names)
            if head["tool"] != self.name or not sound or len(set(names)) != len(names):
                raise ValueError("it is of another tool, or names models twice")
        except (KeyError, TypeError, ValueError, InputError) as error:
            raise OutputError(f"the first line of the batch is no plan of {self.name}: {error}") from error
        return plan, process, names

    def _installed(self, sha256: str, plan: Plan) -> Installed:
        notes = self.dialect.notes.replace("XNNPACK", plan.requested or "XNNPACK")
        return Installed(self.name, self.name, sha256[:12], "", notes)

    def _sample(self, plan: Plan, record: BatchTranscript, run: ToolRun) -> Sample:
        model = f"{run.model}.{self.format}"
        if not plan.requested or self.dialect.read_delegated is None:
            return self.dialect.read(plan, model, run.stdout, run.stderr)
        return self.dialect.read_delegated(plan, record.kind, model, run.stdout, run.stderr)

    def _burst(self, plan: Plan, record: BatchTranscript, run: ToolRun) -> Burst:
        if not plan.requested:
            return self.dialect.read_burst(plan, f"{run.model}.{self.format}", run.stdout, run.stderr)
        sample = self._sample(plan, record, run)
        return Burst(sample.runs, round(sample.ns / self.dialect.loops), sample.delegate)

    def _result(self, name: str, plan: Plan, record: BatchTranscript, ran: list[ToolRun]) -> ModelResult:
        samples = [self._sample(plan, record, run) for run in ran]
        computed = {(sample.delegate, sample.partitions) for sample in samples}
        if len(computed) != 1:
            raise OutputError(f"the rounds do not agree on who computes: {sorted(computed)}")
        if not all(sample.ns > 0 for sample in samples):
            raise OutputError("it is faster than the microseconds it is timed in")
        first: Sample = samples[0]
        rounds = tuple((sample.ns,) for sample in samples)
        took = (first.delegate, first.partitions, first.init_ns)  # a delegate's cache is empty in the first round
        result = ModelResult(name, self.dialect.loops, first.warmup, rounds, None, *took)
        if not plan.requested:
            return result
        taken, total = first.nodes or (1, 1)  # where nothing counts them, all of it is proved to be taken
        apart = first.difference
        rel, steps = (math.nan, 0) if apart is None else (apart.rel, apart.steps)  # of the first round alone
        did = Delegated(taken, total, first.accelerator, rel, steps, 0.0, first.init_ns)
        return replace(result, delegated=did)

    def _stage(self, ran: ToolRun, plan: Plan) -> str:
        return PART if plan.requested and not plan.partial and took_part(ran.stdout, ran.stderr) else "run"

    def _why(self, ran: ToolRun, plan: Plan) -> str:
        """Return how a run failed, with the end of its output, or with what its log says of a requested delegate."""
        if plan.requested and (said := why_failed(plan, ran.stdout, ran.stderr)):
            return said
        if ran.seconds >= self.run_limit_s:
            how = f"stopped after {ran.seconds} s"
        elif ran.code > 128:
            how = f"killed by signal {ran.code - 128}"
        else:
            how = f"exit code {ran.code}"
        message = printable((ran.stderr.strip() or ran.stdout.strip())[-250:], 250)
        return f"{how}: {message}" if message else how


def _compared(models: Mapping[str, bytes], plan: Plan) -> dict[str, bytes]:
    """Return the files with which the script compares a delegate's outputs with the CPU's."""
    found = {"random": random_numbers(plan.precision)}
    for number, content in enumerate(models.values()):
        found |= comparison_files(number, content)
    return found
