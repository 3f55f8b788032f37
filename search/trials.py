"""One run's trials: what an algorithm asked to be judged, in order, up to a limit.

A trial counts once for each distinct network the run asks for, whether its accuracy was paid for now or known before:
so a run that was killed and resumed ends where it would have ended, and pays for no network twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.search.journal import TrialCache, network_digest
from edgenas.search.problem import Candidate, Problem, Result, Trial
from edgenas.search.space import Choice


class TrialsExhaustedError(OutcomeError):
    """``max_trials`` networks were judged and the algorithm wanted more. Algorithms end with the best so far."""


class Trials:
    """Judges choices of ``problem.space`` for one run of one algorithm.

    cache        what is known already, shared between runs (other budgets, other costs); a fresh one by default
    max_trials   the most distinct networks this run may ask for
    progress     hears of every network as it is judged, in the order of arrival
    """

    def __init__(
        self,
        problem: Problem,
        cache: TrialCache | None = None,
        max_trials: int | None = None,
        progress: Callable[[Trial], None] | None = None,
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
        self._progress = progress
        self._log: dict[str, Trial] = {}
        self._within: set[str] = set()  # those that keep the problem's limits

    def __len__(self) -> int:
        """Distinct networks judged in this run."""
        return len(self._log)

    @property
    def log(self) -> tuple[Trial, ...]:
        """Every network of this run in the order it was asked for."""
        return tuple(self._log.values())

    def rewards(self, choices: Sequence[Choice], spare: int = 0) -> list[float]:
        """Accuracies of ``choices``, judged as one batch where they are not known.

        TrialsExhaustedError when the limit, less ``spare`` trials kept for later, allows only the first of them; those
        are judged first, and where one of them is within the budget nothing is spared.
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
        """The first ``count`` of ``choices`` that name distinct networks this run has not judged; takes no more from
        ``choices`` than it needs."""
        found: dict[str, Choice] = {}
        for choice in choices:
            digest = network_digest(self.problem.space.architecture(choice))
            if digest not in self._log:
                found.setdefault(digest, choice)
            if len(found) == count:
                break
        return list(found.values())

    def fitting(self, budget: float | None = None) -> list[Trial]:
        """Every network of this run that keeps the limits and the budget (the problem's, or another), in order."""
        most = self.problem.budget if budget is None else budget
        return [trial for digest, trial in self._log.items() if trial.cost <= most and digest in self._within]

    def best(self, budget: float | None = None) -> Trial | None:
        """The fitting trial of highest accuracy, the cheaper of equals, then the earlier."""
        return max(self.fitting(budget), key=lambda trial: (trial.accuracy, -trial.cost), default=None)

    def result(
        self,
        algorithm: str,
        notes: Mapping[str, Any],
        predicted: float | None = None,
        recommended: Trial | None = None,
    ) -> Result:
        """What the run found; OutcomeError when it judged no network within the budget."""
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
        unpaid = {digest: c for digest, c in wanted.items() if digest not in self.cache}
        trials = {digest: self._trial(c, paid=digest in unpaid) for digest, c in wanted.items()}
        paid_digests = list(unpaid)
        arrived: dict[str, float] = {}

        def tell(index: int, accuracy: float) -> None:
            digest = paid_digests[index]
            arrived[digest] = accuracy
            if self._progress is not None:
                self._progress(trials[digest](accuracy))

        self.cache.judge(list(unpaid.values()), tell)
        for digest, trial in trials.items():
            self._log[digest] = trial(self.cache[digest])
            if self.problem.keeps_limits(wanted[digest].architecture):
                self._within.add(digest)

    def _trial(self, candidate: Candidate, paid: bool) -> Callable[[float], Trial]:
        cost = self.problem.cost.total(candidate.architecture)
        return lambda accuracy: Trial(candidate.choice, accuracy, cost, paid)
