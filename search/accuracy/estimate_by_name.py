"""``--accuracy estimate:WHO``: some networks are judged by WHO, all others predicted from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError

if TYPE_CHECKING:
    from edgenas.search.problem import Accuracy
    from edgenas.search.space import Space

NAME = "estimate"


def estimate_options() -> dict[str, Any]:
    """What may be set of an estimate, with defaults."""
    return {"networks": 100, "model": "ridge"}


def fed_by(accuracy: str) -> str:
    """Who judges networks: WHO of 'estimate:WHO' ('supernet' where it is left out), else ``accuracy`` itself."""
    name, colon, who = accuracy.partition(":")
    if name != NAME:
        return accuracy
    if (colon and not who) or fed_by(who) != who:
        raise InputError(
            f"{accuracy!r} names nobody whose accuracies are learned: write estimate:supernet, estimate:train or "
            f"estimate:digits"
        )
    return who or "supernet"


def is_estimate(accuracy: str) -> bool:
    return accuracy.partition(":")[0] == NAME


@dataclass(frozen=True)
class EstimateRequest:
    """``settings`` of ``estimate_options``, and the file where what WHO judged is kept."""

    settings: Mapping[str, Any]
    journal: Path | None = None
    update: Callable[[int, int | None, str], None] = lambda done, total, note: None

    def of(self, space: Space, feeder: Accuracy, seed: int) -> Accuracy:
        """What ``feeder`` would say, predicted."""
        from edgenas.search.accuracy.estimate import EstimateAccuracy

        return EstimateAccuracy(
            space,
            feeder,
            seed=seed,
            journal=self.journal,
            **{**estimate_options(), **self.settings},
            progress=lambda done, total: self.update(done, total, "networks judged that the estimate is fitted to"),
        )


def estimate_facts(accuracy: Accuracy) -> tuple[str, dict[str, Any]] | None:
    """As text and as plain JSON values, how far predictions are off; None where ``accuracy`` is no estimate."""
    from edgenas.search.accuracy.estimate import EstimateAccuracy

    if not isinstance(accuracy, EstimateAccuracy):
        return None
    fitted = accuracy.fitted()
    return str(fitted), asdict(fitted)
