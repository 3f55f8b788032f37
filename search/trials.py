"""The trials of one run: the networks that an algorithm requests, in order, up to a maximum number.

Each distinct network that the run requests counts as one trial, also where its accuracy comes from the cache: so a run
that was killed and resumed ends with the same result, and judges no network twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.search.digests import network_digest
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Candidate, Problem, Result, Trial, is_score
from edgenas.search.scale import accuracy_text
from edgenas.search.space import Choice


class TrialsExhaustedError(OutcomeError):
    """Error where an algorithm requests more than ``max_trials`` networks; it then ends with the best so far."""


class Trials:
    """The trials of one run of one algorithm: it judges choices of ``problem.space`` and counts them.

    cache        what is known already, shared between runs (other budgets, other costs); a fresh one by default
    max_trials   the most distinct networks this run may ask for
    listener     follows networks as they are judged, in the order of arrival; the detail of its progress is a ``Trial``
    """

    def __init__(
        self,
        problem: Problem,
        cache: TrialCache | None = None,
        max_trials: int | None = None,
        listener: Listener = SILENT,
    ) -> None:
        if max_trials is not None and max_trials < 1:
            raise InputError(f"max_trials {max_trials} is below 1")
        self.problem = problem
        self.cache = TrialCache(problem.space, problem.accuracy) if cache is None else cache
        if self.cache.space != problem.space or self.cache.accuracy.name != problem.accuracy.name:
            raise InputError(
                f"these trials are of {self.cache.space.name} judged by {self.cache.accuracy.name}, the problem is "
                f"{problem.space.name} judged by {problem.accuracy.name}"
            )
        self.max_trials = max_trials
        self.exhausted = False
        self._listener = listener
        self._log: dict[str, Trial] = {}
        self._within: set[str] = set()  # those that keep the problem's limits

    def __len__(self) -> int:
        """Number of distinct networks judged in this run."""
        return len(self._log)

    @property
    def log(self) -> tuple[Trial, ...]:
        """Every trial of this run, in the order of requests."""
        return tuple(self._log.values())

    def rewards(self, choices: Sequence[Choice], spare: int = 0) -> list[float]:
        """Return the accuracies of ``choices``; those that are not known are judged as one batch.

        ``spare`` trials are reserved for later. Where ``max_trials`` less ``spare`` allows only the first of the
        choices, these are judged; where a network within the budget is then known, the reserve is used for the others
        too. TrialsExhaustedError when there are still too few trials.
        """
        most = None if self.max_trials is None else self.max_trials - spare
        digests: list[str] = []
        fresh: dict[str, Candidate] = {}
        for choice in choices:
            candidate = Candidate(choice, self.problem.space.architecture(choice))
            digest = network_digest(candidate.architecture)
            if digest not in self._log and digest not in fresh:
                if most is not None and len(self._log) + len(fresh) >= most:
                    break
                fresh[digest] = candidate
            digests.append(digest)
        self._judge(fresh)
        if len(digests) < len(choices):
            if spare and self.best() is not None:
                return self.rewards(choices)
            self.exhausted = True
            raise TrialsExhaustedError(f"{self.max_trials} trials are spent")
        return [self.cache[digest] for digest in digests]

    def unjudged(self, choices: Iterable[Choice], count: int) -> list[Choice]:
        """Return the first ``count`` of ``choices`` that are distinct networks not judged in this run; no more items of
        ``choices`` are read than necessary."""
        fresh: dict[str, Choice] = {}
        for choice in choices:
            digest = network_digest(self.problem.space.architecture(choice))
            if digest not in self._log:
                fresh.setdefault(digest, choice)
            if len(fresh) == count:
                break
        return list(fresh.values())

    def fitting(self, budget: float | None = None) -> list[Trial]:
        """Return the trials of this run that keep the limits and the budget (by default the problem's), in order."""
        most = self.problem.budget if budget is None else budget
        return [trial for digest, trial in self._log.items() if trial.cost <= most and digest in self._within]

    def best(self, budget: float | None = None) -> Trial | None:
        """Return the trial of highest accuracy within budget and limits; of equals the cheaper, then the earlier."""
        return max(self.fitting(budget), key=lambda trial: (trial.accuracy, -trial.cost), default=None)

    def result(
        self,
        algorithm: str,
        notes: Mapping[str, Any],
        predicted: float | None = None,
        recommended: Trial | None = None,
    ) -> Result:
        """Return the result of the run; OutcomeError when it judged no network within budget and limits."""
        best = self.best()
        if best is None:
            keeps = " and keeps the other limits" if self.problem.limits else ""
            raise OutcomeError(
                f"{algorithm} judged {len(self)} networks and none costs as little as {self.problem.budget:g} "
                f"{self.problem.cost.unit}{keeps}: allow it more than {self.max_trials} trials"
            )
        notes = {**notes, "max_trials_reached": self.exhausted}
        return Result(algorithm, best, self.log, predicted, notes, recommended)

    def _judge(self, wanted: dict[str, Candidate]) -> None:
        unjudged = {digest: c for digest, c in wanted.items() if digest not in self.cache}
        trials = {digest: self._trial(c, newly_judged=digest in unjudged) for digest, c in wanted.items()}
        judged_digests = list(unjudged)
        arrived: dict[str, float] = {}

        def tell(index: int, accuracy: float) -> None:
            digest = judged_digests[index]
            arrived[digest] = accuracy
            note = accuracy_text(accuracy, is_score(self.problem.accuracy))
            self._listener.progress(len(self.cache), None, note, detail=trials[digest](accuracy))

        self.cache.judge(list(unjudged.values()), tell)
        for digest, trial in trials.items():
            self._log[digest] = trial(self.cache[digest])
            if self.problem.keeps_limits(wanted[digest].architecture):
                self._within.add(digest)

    def _trial(self, candidate: Candidate, newly_judged: bool) -> Callable[[float], Trial]:
        cost = self.problem.cost.total(candidate.architecture)
        return lambda accuracy: Trial(candidate.choice, accuracy, cost, newly_judged)
