"""Judging of one candidate in another process or on another machine: its accuracy, or the text of the failure."""

from __future__ import annotations

from dataclasses import dataclass

from edgenas.base.code import Code
from edgenas.base.errors import EdgenasError, OutcomeError
from edgenas.search.problem import Accuracy, Candidate, code_of, is_score


class ForwardedAccuracy:
    """Name, scale and code of a judge that runs elsewhere: those of ``accuracy``, the judge that is run there."""

    def __init__(self, accuracy: Accuracy) -> None:
        self._accuracy = accuracy

    @property
    def name(self) -> str:
        return self._accuracy.name

    @property
    def score(self) -> bool:
        return is_score(self._accuracy)

    @property
    def code(self) -> Code | None:
        return code_of(self._accuracy)


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure of judging, as text that names the network: some exceptions cannot be sent between processes."""

    message: str


def judge_one(accuracy: Accuracy, candidate: Candidate) -> float | Failed:
    """Return the accuracy in percent; any exception of the judge becomes a failure of this candidate."""
    try:
        [(_, answer)] = accuracy.evaluate([candidate])
    except OutcomeError as error:  # names the network
        return Failed(str(error))
    except Exception as error:  # a judge may raise anything: it becomes a failure of this candidate
        why = (
            str(error) if isinstance(error, EdgenasError) else f"{type(error).__name__}: {' '.join(str(error).split())}"
        )
        return Failed(f"network {candidate.architecture.name} could not be judged: {why}")
    return answer


def accuracy_or_raise(answer: float | Failed) -> float:
    """Return the accuracy; OutcomeError for a failure."""
    if isinstance(answer, Failed):
        raise OutcomeError(answer.message)
    return answer
