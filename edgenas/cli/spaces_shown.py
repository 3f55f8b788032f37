"""Output of ``edgenas spaces``: what one can choose by, and what reaches a latency budget."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgenas.base.counted import counted
from edgenas.blocks.size import size_json
from edgenas.cli.terminal import Cell, duration, print_summary, print_table

if TYPE_CHECKING:
    from edgenas.api.spaces import SpaceList
    from edgenas.api.spaces_fit import SpaceInside, SpacesInside
    from edgenas.search.spaces.published_accuracy import PublishedAccuracy

TYPICAL = "an estimate for a computer, 3 processes for each block; a board takes longer, as its blocks do"
_TITLE = "spaces at their own size of images; MACs and parameters of the smallest .. the largest network"


def print_spaces(listed: SpaceList) -> None:
    """Print a row for each space, and the sources of published accuracies."""
    rows = [
        (
            row.name,
            str(size_json(row.in_size)),
            count_text(row.networks),
            row.distinct_blocks,
            _range([each / 1e6 for each in row.macs]),
            _range([each / 1e6 for each in row.params]),
            None if row.published is None else f"{row.published.accuracy:g}{_other(row.published)}",
            f"~{duration(row.profile_s)}",
        )
        for row in listed
    ]
    heads = (
        "space",
        "pixels",
        "networks",
        "blocks",
        "million MACs",
        "million parameters",
        "published top-1 %",
        "profiling",
    )
    print_table(heads, rows, _TITLE)
    parameters = sorted({parameter for row in listed for parameter in row.parameters})
    print_summary(
        {
            "published": "ImageNet, of one member, by its paper; sources: edgenas spaces --json",
            "parameters": f"{', '.join(parameters)}: edgenas spaces NAME lists those of a space",
            "profiling": TYPICAL,
            "your own": "my_space.py:NAME, or package.module:NAME, wherever a space is named",
            "to choose": "edgenas spaces --fits 8ms --device DEVICE: what reaches a budget, and how long it takes",
            "next": "edgenas spaces NAME, or edgenas profile NAME",
        },
        f"{counted(len(listed), 'space')}, from {count_text(min(row.networks for row in listed))} networks to "
        f"{count_text(max(row.networks for row in listed))}",
    )


def print_inside(found: SpacesInside, device: str) -> None:
    """Print what each space reaches inside a budget, and the next command."""
    rows = [_inside_row(row) for row in found]
    heads = ("space", "all networks at px", "some at px", "ms at the largest such size", "published top-1 %",
             "profiling")  # fmt: skip
    print_table(heads, rows, f"estimated reach of {found.budget_ms:g} ms on {device}")
    model = found.model
    reached = [row for row in found if row.at("all", "some")]
    best = max(reached, key=_preference, default=None)
    summary: dict[str, Cell] = {
        "estimated from": f"{model.blocks} blocks in {found.table}; a block that is left out is missed by "
        f"{100 * model.error:.0f} % (median)",
        "profiling": "of all blocks, at the pace of this table, 3 processes each; up to 3 times as long where they "
        "disagree",
    }
    if best is not None:
        size = max(best.at("all", "some"))
        known = "" if str(found.table) == device else f" --device {shlex.quote(device)}"
        summary["next"] = f"edgenas profile {best.name} --in-size {size}{known}"
    print_summary(
        summary, f"{len(reached)} of {counted(len(found.rows), 'space')} have networks inside {found.budget_ms:g} ms"
    )


def count_text(networks: int) -> str:
    """Return a number of networks: 6,561, or 2.18e+19."""
    return f"{networks:,}" if networks < 10**9 else f"{networks:.2e}"


def _inside_row(row: SpaceInside) -> tuple[Cell, ...]:
    inside = row.at("all", "some")
    largest = next((each for each in reversed(row.sizes) if each.size in inside), None)
    unclear = row.at("unclear")
    return (
        row.name,
        ", ".join(map(str, row.at("all"))) or None,
        ", ".join(map(str, row.at("some"))) or (f"unclear: {', '.join(map(str, unclear))}" if unclear else None),
        None if largest is None else _range((largest.least_ms, largest.most_ms)),
        None if row.published is None else f"{row.published.accuracy:g}{_other(row.published)}",
        None if row.profile_s is None else duration(row.profile_s),
    )


def _preference(row: SpaceInside) -> tuple[float, int]:
    """The larger the images and the better the published member, the better."""
    accuracy = row.published.accuracy if row.published and row.published.data == "ImageNet" else 0.0
    return max(row.at("all", "some")), round(accuracy)


def _other(published: PublishedAccuracy) -> str:
    return "" if published.data == "ImageNet" else f" ({published.data})"


def _range(numbers: Sequence[float]) -> str:
    return " .. ".join(f"{number:.3g}" if number < 1000 else f"{number:.0f}" for number in numbers)
