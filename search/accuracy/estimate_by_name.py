"""The judge ``--accuracy estimate:JUDGE`` by its text: JUDGE judges some networks, and a model predicts all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener

if TYPE_CHECKING:
    from edgenas.search.problem import Accuracy
    from edgenas.search.space import Space

NAME = "estimate"


def estimate_options() -> dict[str, Any]:
    """Return the options of an estimate and their defaults. Of a table, all networks are taken by default."""
    return {"networks": 100, "model": "factors"}


def fed_by(accuracy: str) -> str:
    """Return the judge of the networks: JUDGE of 'estimate:JUDGE' ('supernet' where JUDGE is left out), else
    ``accuracy`` itself. InputError for an empty JUDGE, and for an estimate of an estimate."""
    name, colon, who = accuracy.partition(":")
    if name != NAME:
        return accuracy
    if (colon and not who) or fed_by(who) != who:
        raise InputError(
            f"{accuracy!r} names no judge that the estimate can be fitted to: write estimate:supernet, estimate:train "
            f"or estimate:digits"
        )
    return who or "supernet"


def is_estimate(accuracy: str) -> bool:
    return accuracy.partition(":")[0] == NAME


@dataclass(frozen=True)
class EstimateRequest:
    """Request for an estimate: ``settings`` of ``estimate_options``, and the ``journal`` of the networks that JUDGE
    judged."""

    settings: Mapping[str, Any]
    journal: Path | None = None

    def of(self, space: Space, feeder: Accuracy, seed: int, listener: Listener = SILENT) -> Accuracy:
        """Return the judge that predicts the accuracies that ``feeder`` would give."""
        from edgenas.search.accuracy.estimate import EstimateAccuracy

        return EstimateAccuracy(
            space,
            feeder,
            seed=seed,
            journal=self.journal,
            **{**estimate_options(), "networks": None, **self.settings},
            listener=listener,
        )


def estimate_facts(accuracy: Accuracy) -> tuple[str, dict[str, Any]] | None:
    """Return the error of an estimate's predictions as text and as plain JSON values; None for other judges."""
    from edgenas.search.accuracy.estimate import EstimateAccuracy

    if not isinstance(accuracy, EstimateAccuracy):
        return None
    fitted = accuracy.fitted()
    return str(fitted), asdict(fitted)
