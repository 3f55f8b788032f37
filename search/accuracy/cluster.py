"""Judging on a Ray cluster (docs.ray.io) with any judge, one task per candidate.

    with ClusterAccuracy(TrainingAccuracy(digits(), SEARCH_RECIPE, workers=0), RayAddress("10.0.0.1:6379")) as accuracy:
        for index, percent in accuracy.evaluate(candidates): ...

``__enter__`` imports Ray, not this module.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from edgenas.base.errors import InputError, MissingExtraError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.undo import UndoOnFailure
from edgenas.search.accuracy.cluster_address import RayAddress, answering
from edgenas.search.accuracy.cluster_node import judge_on_node, versions
from edgenas.search.accuracy.judging import ForwardedAccuracy, accuracy_or_raise
from edgenas.search.problem import Accuracy, Candidate

RETRIES = 3  #: largest number of times a network is judged again after the loss of its worker or node
LOOK_S = 5.0  #: seconds between checks of the cluster while no result arrives


class ClusterAccuracy(ForwardedAccuracy):
    """The judge ``accuracy``, run on the nodes of ``cluster``; its results must not depend on the node.

    ``accuracy`` lies once in the object store, from where each node takes one copy. A network whose worker or node is
    lost is judged again, RETRIES times at most, and ``listener`` gets a message. ``modules`` are Python files or
    packages that tasks import and that are not installed on the nodes. ``patience_s`` is how long no node may have what
    a task needs, after a loss. Tasks end with the ``with``, and when this process does, in whatever way.

    ``__enter__`` raises OutcomeError when the cluster cannot be joined, InputError when it has another version of Ray
    or Python, or no node with the resources of a task.
    """

    def __init__(
        self,
        accuracy: Accuracy,
        cluster: RayAddress,
        modules: Sequence[Path] = (),
        listener: Listener = SILENT,
        patience_s: float = 60.0,
    ) -> None:
        super().__init__(accuracy)
        self._cluster = cluster
        self._modules = modules
        self._listener = listener
        self._patience_s = patience_s
        self._submit: Callable[[Candidate], Any] | None = None

    def __enter__(self) -> ClusterAccuracy:
        if importlib.util.find_spec("ray") is None:
            raise MissingExtraError("ray", "distributed", "judging on a cluster")
        ray = _join(self._cluster, self._modules)
        with UndoOnFailure(ray.shutdown):
            lacking = self._lacking()
            if lacking:
                raise InputError(f"{lacking}; ask for less with --ray-cpus and --ray-gpus, or add such a node")
            task = ray.remote(max_retries=0, num_cpus=self._cluster.cpus, num_gpus=self._cluster.gpus)(judge_on_node)
            accuracy, wanted = ray.put(self._accuracy), versions()
            self._submit = lambda candidate: task.remote(accuracy, candidate, wanted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import ray

        self._submit = None
        ray.shutdown()

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Judge all candidates; OutcomeError that names the network when judging fails, or when its worker or node is
        lost too often."""
        import ray

        if self._submit is None:
            raise InputError("evaluate a ClusterAccuracy inside its with block")
        tasks = {self._submit(candidate): i for i, candidate in enumerate(candidates)}
        lost: Counter[int] = Counter()
        lacking_since: float | None = None
        try:
            while tasks:
                ready, _ = ray.wait(list(tasks), num_returns=1, timeout=LOOK_S)
                if not ready:
                    lacking_since = self._waited(lacking_since)
                    continue
                lacking_since = None
                index = tasks.pop(ready[0])
                try:
                    answer = ray.get(ready[0])
                except ray.exceptions.RayError as error:
                    lost[index] += 1
                    self._tell_lost(candidates[index], error, lost[index])
                    tasks[self._submit(candidates[index])] = index
                    continue
                yield index, accuracy_or_raise(answer)
        finally:
            for task in tasks:  # after a failure or an interrupt, or when the caller stops iterating
                ray.cancel(task, force=True)

    def _tell_lost(self, candidate: Candidate, error: Exception, times: int) -> None:
        """Report a lost network; OutcomeError where judging it again would fail again, or was tried too often."""
        from ray import exceptions

        name, why = candidate.architecture.name, _line(error)
        if isinstance(error, exceptions.RayTaskError | exceptions.RuntimeEnvSetupError | exceptions.RaySystemError):
            raise OutcomeError(
                f"network {name} could not be judged on a node: {why}; the nodes need this edgenas and what the judge "
                f"imports, installed for the Python that Ray runs in"
            ) from error
        if isinstance(error, exceptions.LocalRayletDiedError):
            raise OutcomeError(
                f"Ray ended on this machine: {why}; type the same command again, judged networks are kept"
            ) from error
        if times > RETRIES:
            raise OutcomeError(
                f"network {name} was lost {times} times with its worker or node, at last: {why}; give each task more "
                f"of a node with --ray-cpus, or see Ray's logs there"
            ) from error
        self._listener.message(
            f"lost network {name} with its worker or node ({type(error).__name__}); judging it again"
        )

    def _waited(self, lacking_since: float | None) -> float | None:
        """Return the time since which no node has the resources of a task, None where one has; OutcomeError after
        ``patience_s``."""
        lacking = self._lacking()
        if not lacking:
            return None
        if lacking_since is None:
            self._listener.message(f"{lacking}; waiting {self._patience_s:g} s for one")
            return time.monotonic()
        if time.monotonic() - lacking_since > self._patience_s:
            raise OutcomeError(f"{lacking}; start such a node and type the same command: judged networks are kept")
        return lacking_since

    def _lacking(self) -> str:
        """Return a message about the resources that no node has; '' where a node has the resources of a task."""
        import ray

        needs = {"CPU": self._cluster.cpus, "GPU": self._cluster.gpus}
        nodes = [(node["NodeManagerAddress"], node["Resources"]) for node in ray.nodes() if node["Alive"]]
        if any(all(has.get(kind, 0.0) >= need for kind, need in needs.items()) for _, has in nodes):
            return ""
        wanted = " and ".join(f"{need:g} {kind}" for kind, need in needs.items() if need)
        there = "; ".join(
            f"{address} has {' and '.join(f'{has.get(kind, 0.0):g} {kind}' for kind in needs)}"
            for address, has in nodes
        )
        return f"no node of {self._cluster.address} has the {wanted} of one task ({there or 'no node is left'})"


def _join(cluster: RayAddress, modules: Sequence[Path]) -> Any:
    """Return the module ray, joined to ``cluster``; Ray's own messages are off, its errors become those of edgenas."""
    address = answering(cluster.address)
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".*")  # read at import: no messages about lost nodes on stdout
    import ray

    environment = {"py_modules": [str(path) for path in modules]} if modules else None
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, runtime_env=environment)
    except Exception as error:  # Ray raises many kinds of exceptions where it cannot join
        ray.shutdown()
        if "ersion mismatch" in str(error):
            raise InputError(f"the cluster at {address} runs other versions: {_line(error)}") from error
        raise OutcomeError(
            f"cannot join the Ray cluster at {address}: {_line(error)}; this machine must be one of its nodes: "
            f"ray start --address={address}"
        ) from error
    return ray


def _line(error: BaseException) -> str:
    """Return the text of an error of Ray in one line: the last line of a traceback, else all lines joined."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any("Traceback" in line for line in lines):
        return lines[-1]
    return " ".join(lines).rstrip(".") or type(error).__name__
