"""Limits on costs of the user's own, such as energy: ``--limit FILE=MOST``, with the cost of every block in a file.

column    holds
block     a block as text, as ``edgenas blocks SPACE`` prints it
cost      cost of the block, a finite number of 0 or more
unit      unit of all costs of the file, such as mJ; the same in every row

The file is CSV or JSON (``edgenas.base.rows``). The cost of a network is the sum over its blocks; skips cost 0. The
cost has the name of the file without its ending.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgenas.base.amounts import check_budget
from edgenas.base.errors import InputError
from edgenas.base.reading import read_bytes
from edgenas.base.rows import Row, read_rows
from edgenas.blocks.spec import BlockSpec
from edgenas.search.problem import Cost, Limit
from edgenas.search.space import Space

COLUMNS = ("block", "cost", "unit")
_NAMED = ", ".join(COLUMNS)


def own_limits(texts: Sequence[str], space: Space) -> tuple[Limit, ...]:
    """Return the limits of texts FILE=MOST for the blocks of ``space``; InputError for a text of another form, a file
    that is given twice, a damaged file, and one that lacks blocks of the space."""
    limits: dict[Path, Limit] = {}
    for text in texts:
        name, equals, most = text.rpartition("=")
        if not (name and equals):
            raise InputError(f"--limit {text!r} is not FILE=MOST, such as energy.csv=12; FILE has the columns {_NAMED}")
        path = Path(name)
        if path in limits:
            raise InputError(f"--limit {text!r} names a file twice; each cost has one limit")
        cost = own_cost(path, space)
        limits[path] = Limit(cost, check_budget(most, cost.unit, f"--limit {name}="))
    return tuple(limits.values())


def own_cost(path: Path, space: Space) -> Cost:
    """Return the cost that a file has for the blocks of ``space``; InputError names the line of a wrong value."""
    try:
        columns, rows = read_rows(read_bytes(path, "costs").decode("utf-8-sig"), "block", "cost")
        costs, unit = _costs(columns, rows)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text in UTF-8 ({error.reason})") from error
    except InputError as error:
        raise error if str(error).startswith(str(path)) else InputError(f"{path}: {error}") from error
    lacking = [block for block in space.blocks() if block not in costs]
    if lacking:
        raise InputError(
            f"{path} lacks {len(lacking)} of the {len(space.blocks())} blocks of {space.name}, such as {lacking[0]}; "
            f"add them (edgenas blocks {space.name} prints all)"
        )

    def of(block: BlockSpec) -> float:
        return 0.0 if block.kind == "skip" else costs[block]

    return Cost(unit, of, name=path.stem)


def _costs(columns: Sequence[str], rows: Sequence[Row]) -> tuple[dict[BlockSpec, float], str]:
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise InputError(f"it has no column {missing[0]}; its columns must be {_NAMED}")
    costs: dict[BlockSpec, float] = {}
    units: dict[str, str] = {}
    for row in rows:
        try:
            block = BlockSpec.parse(row.text("block"))
        except InputError as error:
            raise InputError(f"{row.place}: {error}") from error
        cost, unit = row.number("cost"), row.text("unit")
        if cost is None or cost < 0:
            raise InputError(f"{row.place}: cost is {row.text('cost')!r}, not a number of 0 or more")
        if block in costs:
            raise InputError(f"{row.place}: {block} is given twice")
        if not unit or not unit.isprintable() or len(unit) > 20:
            raise InputError(f"{row.place}: unit is {unit[:40]!r}; give one such as mJ")
        costs[block] = cost
        units.setdefault(unit, row.place)
    if len(units) > 1:
        (one, _), (other, place), *_ = units.items()
        raise InputError(f"{place}: unit is {other}, but {one} before; one file has one unit")
    return costs, next(iter(units))
