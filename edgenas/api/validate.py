"""``edgenas.validate``: measure on the device how well sums of blocks predict whole networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.inventory import load_entry
from edgenas.api.shown import FilePath, html_table
from edgenas.api.spaces import space as space_of
from edgenas.api.table import Table, open_table
from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.size import SizesLike
from edgenas.search.space import Space

if TYPE_CHECKING:
    from edgenas.latency_tables.validation import Validation


@dataclass(frozen=True, repr=False)
class TableValidation:
    """A validation, appended to the table at ``path``."""

    path: Path
    space: Space
    validation: Validation

    @property
    def error_share(self) -> float:
        """Half-width of the 95 % interval of a prediction, as a share of the prediction."""
        return self.validation.error_share()

    @property
    def table(self) -> Table:
        """The table with its validation, opened."""
        return open_table(self.path)

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas table validate --json`` prints."""
        return self.validation.as_dict()

    def __repr__(self) -> str:
        found = self.validation
        return (
            f"<Validation of {self.path}: {counted(len(found.networks), 'network')} of {found.held_out.space}, 95 % "
            f"prediction interval {found.interval_text}>"
        )

    def _repr_html_(self) -> str:
        rows = [
            {"block": sums.way, "sums": how, "MAPE %": 100 * a.mape, "within 5 %": 100 * a.within_5}
            for sums in self.validation.sums
            for how, a in (("raw", sums.raw), ("calibrated", sums.calibrated))
        ]
        return html_table(repr(self)[1:-1], rows)


def validate(
    table: FilePath | Table,
    *,
    space: str | Space | Callable[..., Space] | None = None,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    device: str = "local",
    inventory: FilePath | None = None,
    networks: int = 24,
    processes: int = 4,
    rounds: int = 10,
    chains: bool = True,
    seed: int = 0,
    force: bool = False,
    listener: Listener = SILENT,
) -> TableValidation:
    """Validate a table with held-out networks, timed whole beside their blocks, as ``edgenas table validate`` does.

    The validation is appended to the table. A validation that was interrupted continues.

    space        space from which networks are drawn (default: the largest built-in space whose blocks the table has)
    device       device of the inventory on which the table was measured
    networks     number of held-out networks to time whole, at least 8
    processes    fresh processes that time every network
    rounds       interleaved rounds in each process
    chains       time blocks also inside chains
    seed         random seed that chooses the networks
    force        measure a device even if it is busy, warm or not ready

    InputError where the table has another setting than the device; OutcomeError or DeviceError where measuring fails.

        edgenas.validate("pi4-litert.jsonl", device="pi4").error_share
    """
    from edgenas.tables.validate import ValidationRequest
    from edgenas.tables.validate import validate as measure

    path = Path(table.path if isinstance(table, Table) else table)
    chosen = find_space(path) if space is None else space_of(space, in_size, classes, channels)
    request = ValidationRequest(chosen, networks, processes, chains, seed, rounds)
    with listener.task("validate", [str(path)]) as task:
        found = measure(
            load_entry(inventory, device),
            path,
            request,
            force=force,
            listener=task.named(str(path)),
        )
    return TableValidation(path, chosen, found)


def find_space(path: Path) -> Space:
    """Return the largest built-in space all of whose blocks the table has or predicts from its prior, at the sizes of
    its stems and heads."""
    from edgenas.latency_tables.store.journal import read_table
    from edgenas.search.spaces import PUBLISHED_WIDTHS, SPACES, space

    table = read_table(path)
    stems = {(b.in_size, b.c_in) for b in table.blocks if b.kind == "conv" and (b.kernel > 1 or b.c_in == 3)}
    classes = {b.c_out for b in table.blocks if b.kind == "head"}
    candidates = [
        space(name, size, count, channels)
        for name in (*SPACES, *PUBLISHED_WIDTHS)
        for size, channels in stems
        for count in classes
    ]
    predicted = {} if table.prior is None else table.prior.ms
    known = predicted.keys() | set(table.left_to_cpu)
    fitting = [candidate for candidate in candidates if set(table.missing(candidate.blocks())) <= known]
    if not fitting:
        raise InputError(f"{path} does not have all blocks of any built-in space; name its space: --space")
    return max(fitting, key=lambda candidate: len(candidate.blocks()))
