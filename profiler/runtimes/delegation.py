"""Classification of what the log of a benchmark tool says about an accelerator: did it take the whole model?

Nothing is run. Both tools called benchmark_model are understood, TensorFlow's and LiteRT 2's, with the lines of the
runtimes and delegates below them. A log is never taken for complete because a bad message is missing: completeness has
a proof of its own, and every message against it wins. XNNPACK computes on the CPU: it is no accelerator here.

Proofs that the whole model is taken:
- TensorFlow's tool: 'Explicitly applied GPU delegate, and the model graph will be completely executed'.
- The runtime: 'Replacing N out of N node(s) with delegate (NAME) node, yielding 1 partitions'.
- An NPU of LiteRT 2: its compiler selects all operators, and the dispatch delegate takes what it made of them. Each of
  both alone proves nothing: the compilation may fail afterwards, and XNNPACK then runs the original model.
- LiteRT 2's tool that was permitted the GPU alone (--use_gpu=true --use_cpu=false --require_full_delegation=true) and
  finished: it stops where an operator is left over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from edgenas.profiler.runtimes.delegation_lines import Applied, Event, LogFact, OperatorLeft, Share, events

Verdict = Literal["complete", "partial", "none", "failed", "unproven"]

_DISPATCH = "DispatchDelegate"
_RESULTS = re.compile(r"Inference \(avg\): {1,12}[0-9]{1,12}\.[0-9]{2} ms \([1-9][0-9]{0,11} runs\)[ \t\r]*$", re.M)
_GPU_ALONE = ("use_gpu", "require_full_delegation")
_YES, _NO = ("true", "1"), ("false", "0")
_MOST_OPERATORS = 12


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """What a log says.

    verdict     'complete', 'partial', 'none' (the run goes on without the accelerator), 'failed', or 'unproven': the
                log does not say how much of the model the accelerator took
    delegates   every statement about nodes, in its order, also those about XNNPACK
    operators   operators that are not taken, each with its reason, where the log names them
    backend     API of a GPU: 'OpenCL', 'OpenGL', 'WebGPU'; '' where it is not printed
    adapter     GPU and its driver; '' where it is not printed
    available   accelerators of NNAPI on this device
    init_ms     initialisation of the session, ms: loading, compilation, and tuning of kernels
    waits       whether LiteRT's GPU says that it waits for the end of each run
    reason      the line that decides
    """

    verdict: Verdict
    reason: str = ""
    delegates: tuple[Share, ...] = ()
    operators: tuple[str, ...] = ()
    backend: str = ""
    adapter: str = ""
    available: tuple[str, ...] = ()
    init_ms: float | None = None
    waits: bool = False

    @property
    def software(self) -> bool:
        """Return whether the adapter is a program on the CPU that imitates a GPU."""
        text = self.adapter.lower()
        return any(word in text for word in ("adaptertype=cpu", "software", "swiftshader", "llvmpipe", "lavapipe"))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the delegates that took nodes, in their order."""
        return tuple(dict.fromkeys(s.delegate for s in self.delegates if s.taken and s.by == "runtime"))

    @property
    def counted(self) -> tuple[int, int] | None:
        """Return (taken, total) of the accelerator's operators; None where the log does not count them."""
        found = [s for s in self.delegates if s.total is not None and not _on_cpu(s.delegate) and s.taken <= s.total]
        best = next((s for s in found if s.by == "compiler"), None) or (found[0] if found else None)
        return (best.taken, best.total or 0) if best else None


def classify(text: str, *, alone: bool = False, finished: bool = False) -> LogVerdict:
    """Return what the ``text`` of both streams of a tool says.

    ``alone``: the tool was permitted the GPU alone, and told to fail where it does not take everything; ``finished``:
    its exit code was 0. Both are also read from a text that has the command line ('$ benchmark_model ...') and the
    results of a run.
    """
    found = list(events(text))
    shares = tuple(e for e in found if isinstance(e, Share))
    facts = {e.kind: e.text for e in reversed(found) if isinstance(e, LogFact)}  # the first of each kind
    init = facts.get("init")
    said = LogVerdict(
        "unproven",
        "it does not say how much of the model the accelerator took",
        shares,
        tuple(dict.fromkeys(e.text for e in found if isinstance(e, OperatorLeft)))[:_MOST_OPERATORS],
        facts.get("backend", ""),
        facts.get("adapter", ""),
        tuple(name.strip() for name in facts.get("available", "").split(",") if name.strip()),
        None if init is None else float(init),
        "waits" in facts,
    )
    alone = alone or _gpu_alone(facts.get("command", ""))
    finished = finished or bool(_RESULTS.search(text))
    against = _against(found, said)
    if against is not None:
        return replace(said, verdict=against[0], reason=against[1])
    proof = _proof(found) or ("the GPU alone was permitted, and the run finished" if alone and finished else "")
    return replace(said, verdict="complete", reason=proof) if proof else said


def _against(found: list[Event], said: LogVerdict) -> tuple[Verdict, str] | None:
    """Return the verdict and the reason of the first message that speaks against a complete delegation."""
    taking = [e for e in found if isinstance(e, Share) and not _on_cpu(e.delegate) and e.taken > 0]
    applied = [e for e in found if isinstance(e, Applied) and not _on_cpu(e.delegate)]
    partial = _partial(found, taking, applied, said)
    if partial:
        return "partial", partial
    failures = [e.text for e in found if isinstance(e, LogFact) and e.kind == "failed"]
    if failures:
        return "failed", failures[0]
    for event in found:
        if isinstance(event, LogFact) and event.kind == "absent":
            return "none", event.text
        if isinstance(event, LogFact) and event.kind == "plugins" and int(event.text) == 0:
            return "none", "no compiler of the NPU could be applied"
        if isinstance(event, Applied) and event in applied and event.executed == "not":
            return "none", f"the model graph will not be executed by the {event.delegate} delegate"
        if isinstance(event, Share) and not _on_cpu(event.delegate) and event.taken == 0:
            return "none", f"{event.delegate} takes 0 nodes"
    on_cpu = [e for e in found if isinstance(e, Share) and _on_cpu(e.delegate) and e.taken > 0]
    done = any(e.executed == "completely" for e in applied)
    if on_cpu and not taking and not done:
        return "none", f"only {on_cpu[0].delegate}, which computes on the CPU, takes nodes"
    return None


def _partial(found: list[Event], taking: list[Share], applied: list[Applied], said: LogVerdict) -> str:
    """Return the message that says that the accelerator took a part of the model, '' where none does."""
    for event in taking:
        if event.total is not None and event.taken < event.total:
            return f"{event.delegate} takes {event.taken} of {event.total} nodes"
        if event.delegate == "GPU" and event.total is None:  # of a line that is cut
            return f"the GPU takes {event.taken} operations, and leaves others to the CPU"
        if event.total is None and event.partitions not in (None, 1):
            return f"{event.delegate} takes {event.taken} nodes of a graph in {event.partitions} parts"
    for event in taking:
        if event.by == "runtime" and event.delegate != _DISPATCH and event.partitions not in (None, 1):
            return f"{event.delegate} takes the graph in {event.partitions} parts"
    for line in applied:
        if line.executed == "partially":
            return f"the model graph will be partially executed by the {line.delegate} delegate"
    if any(isinstance(e, LogFact) and e.kind == "refused" for e in found):
        return "some operators are not taken, and the CPU was not permitted"
    if said.operators:
        return f"not taken: {'; '.join(said.operators[:3])}"
    rest = [e for e in found if isinstance(e, Share) and _on_cpu(e.delegate) and e.by == "runtime" and e.taken > 0]
    if rest and (applied or any(e.by != "compiler" for e in taking)):
        return f"{rest[0].delegate}, which computes on the CPU, takes {rest[0].taken} nodes"
    return ""


def _proof(found: list[Event]) -> str:
    """Return the proof that the accelerator took everything, '' where there is none."""
    shares = [e for e in found if isinstance(e, Share) and not _on_cpu(e.delegate)]
    for event in found:
        if isinstance(event, Applied) and event.executed == "completely" and not _on_cpu(event.delegate):
            return f"the model graph will be completely executed by the {event.delegate} delegate"
    for share in shares:
        whole = share.total is None or share.taken == share.total
        if share.by == "runtime" and share.delegate != _DISPATCH and share.taken and share.partitions == 1 and whole:
            return f"{share.delegate} takes {share.taken} of {share.total or share.taken} nodes"
    selected = [s for s in shares if s.by == "compiler" and s.taken == s.total and s.taken]
    dispatched = [s for s in shares if s.delegate == _DISPATCH and s.taken == s.total and s.partitions == 1]
    facts = {e.kind: e.text for e in found if isinstance(e, LogFact)}
    begun = "dispatch" in facts and int(facts.get("plugins", "0")) > 0
    if selected and (dispatched or begun):
        return f"the NPU's compiler took {selected[0].taken} of {selected[0].total} operators, and they are dispatched"
    return ""


def _gpu_alone(command: str) -> bool:
    """Return whether a command line permits LiteRT 2's tool the GPU alone."""
    flags = dict(re.findall(r"--([a-z_]{1,60})=(\S{1,200})", command))
    return all(flags.get(name) in _YES for name in _GPU_ALONE) and flags.get("use_cpu") in _NO


def _on_cpu(delegate: str) -> bool:
    return "xnnpack" in delegate.lower()
