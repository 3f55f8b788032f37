"""A runtime that measures nothing and takes a known time, so that the remaining time of a campaign is the campaign's
own.

It needs a shell on the device and nothing else. Every batch appends to ``log``, a file on the device, a line for each
of its models when it begins and one when it ends (``begun PROCESS NAME``, ``ended PROCESS NAME``), so that what ran
twice, and what ran for nothing, can be counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.output import BatchOutput, Description, parse_batch, parse_description

_INSTALLED = {"runtime": "sleeping", "package": "sleeping", "version": "1", "python": "0", "notes": ""}

# $0 with a suffix is a file beside it; a result that does not get to where it belongs is no end
_SCRIPT = """cat $0.header; cat $0.begun >>{log}; sleep {seconds:.3f}
cat {results} && cat $0.ended >>{log}
"""
_TOLD = "$0.results"

# what SPOIL does once to the next batch that ends when the file exists: a file of results of its own instead
_SPOILED = """r=$0.results
if [ -f {spoil} ] && mv {spoil} $0.how 2>/dev/null; then
    r=$0.spoiled n=$(wc -c <$0.results)
    case $(cat $0.how) in
        half) head -c $((n/3)) $0.results >$r;;
        mixed) { head -c $((n/3)) $0.results; cat $0.results; } >$r;;
        control) { printf '\\033[2J\\000\\r'; cat $0.results; } >$r;;
        twice) { head -n 1 $0.results; cat $0.results; } >$r;;
        lacking) tail -n +2 $0.results >$r;;
        nothing) : >$r;;
        digit) sed '1s/\\[\\[1/[[2/' $0.results >$r;;
    esac
fi
"""


@dataclass(frozen=True, slots=True)
class Sleeping:
    """Runtime that sleeps, see ``edgenas.profiler.runtimes.base.Runtime``; ``seconds`` is the time for one model.

    ``spoil`` is a file on the device; where somebody writes it, the next batch prints 'half' of its results, the
    results with half of them before ('mixed'), with 'control' characters, with a line 'twice', with a line 'lacking',
    'nothing', or a wrong 'digit' that nobody can see; and removes it.
    """

    seconds: float
    log: str = "/dev/null"
    spoil: str = ""
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
        header["cold_kib"] = plan.cold_kib
        timed = {"loops": 1, "warmup": 1, "delegate": "cpu", "partitions": 0, "sum": 0.0, "abs_sum": 0.0}
        lines = [{"kind": "model", "name": n, "samples_ns": [[sample_ns(n)]], **timed} for n in models]
        end = {"kind": "end", "models": len(models), "errors": 0}
        first, _, last = _SCRIPT.partition("\n")
        script = first.format(log=self.log, seconds=self.seconds * len(models)) + "\n"
        if self.spoil:
            script += _SPOILED.replace("{spoil}", self.spoil)
        script += last.format(log=self.log, results="$r" if self.spoil else _TOLD)
        return {
            "batch.sh": script.encode(),
            "batch.sh.header": json.dumps(header).encode() + b"\n",
            "batch.sh.begun": "".join(f"begun {process} {name}\n" for name in models).encode(),
            "batch.sh.ended": "".join(f"ended {process} {name}\n" for name in models).encode(),
            "batch.sh.results": "".join(json.dumps(line) + "\n" for line in [*lines, end]).encode(),
            **{f"{number}.onnx": content for number, content in enumerate(models.values())},
        }

    def command(self, program: str, folder: str) -> list[str]:
        """See ``Runtime``."""
        return [program, f"{folder}/batch.sh"]

    def parse(self, stdout: str) -> BatchOutput | None:
        """See ``Runtime``."""
        return parse_batch(stdout)


def sample_ns(name: str) -> int:
    """Return the only sample of the model ``name``."""
    return 1000 + len(name)
