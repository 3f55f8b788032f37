"""One candidate judged in another process or on another machine: its accuracy, or as text why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from edgenas.base.errors import EdgenasError, OutcomeError
from edgenas.search.problem import Accuracy, Candidate


@dataclass(frozen=True, slots=True)
class Failed:
    """What judging raised, as text that names the network: some exceptions do not survive the way between processes."""

    message: str


def judge_one(accuracy: Accuracy, candidate: Candidate) -> float | Failed:
    """Accuracy in percent. Whatever the judge raises is that candidate's failure."""
    try:
        [(_, answer)] = accuracy.evaluate([candidate])
    except OutcomeError as error:  # names the network
        return Failed(str(error))
    except Exception as error:
        why = (
            str(error) if isinstance(error, EdgenasError) else f"{type(error).__name__}: {' '.join(str(error).split())}"
        )
        return Failed(f"network {candidate.architecture.name} could not be judged: {why}")
    return answer


def accuracy_or_raise(answer: float | Failed) -> float:
    """OutcomeError for a failure."""
    if isinstance(answer, Failed):
        raise OutcomeError(answer.message)
    return answer
