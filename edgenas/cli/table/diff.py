"""The command ``edgenas table diff``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.cli.completions import STATISTICS, words
from edgenas.cli.completions import tables as complete_tables
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table

if TYPE_CHECKING:
    from edgenas.latency_tables.comparison import BlockPair, Comparison

_file = UserPath(dir_okay=False, path_type=Path)


@click.command("diff")
@click.argument("first", type=_file, shell_complete=complete_tables)
@click.argument("second", type=_file, shell_complete=complete_tables)
@click.option(
    "--statistic",
    default="median",
    show_default=True,
    shell_complete=words(*STATISTICS[:3]),
    help="Statistic of the samples: min, median or p90.",
)
@click.option("--across-settings", is_flag=True, help="Compare different settings: print ratios, without a verdict.")
@json_option
def command(first: Path, second: Path, statistic: str, across_settings: bool, as_json: bool) -> None:
    """Check whether two campaigns of one setting agree within their intervals, and list the blocks that do not.

    A factor common to all blocks is one finding, and blocks are compared after dividing by it. At most 4 % of the
    listed blocks are listed by chance. Exit code 0: the campaigns agree. 1: they do not.

    \b
    Example:
      edgenas table diff monday.jsonl tuesday.jsonl
      edgenas table diff pi4-litert.jsonl pi5-litert.jsonl --across-settings
    """
    from edgenas.api.tables import diff

    found = diff(first, second, statistic=statistic, across_settings=across_settings)
    if as_json:
        print_json(found.to_json())
    else:
        _print(found.comparison, found.agree, found.settings_differ, statistic, (first, second))
    found.check()


def _print(
    found: Comparison, verdict: bool | None, differences: tuple[str, ...], statistic: str, names: tuple[Path, Path]
) -> None:
    """Print the blocks that disagree, or across settings all blocks, ordered by ratio; then the summary."""
    cells = found.off if verdict is not None else tuple(sorted(found.cells, key=lambda cell: cell.ratio))
    if cells:
        print_table(
            ("block", f"{names[0].name} ms", f"{names[1].name} ms", "ratio", "95 % interval"),
            [(str(c.block), c.first_ms, c.second_ms, c.ratio, _interval(c)) for c in cells],
            f"{'off' if verdict is not None else 'all'}: {len(cells)} of {len(found.cells)} blocks, by {statistic}",
        )
    print_summary(
        {
            "blocks in both": len(found.cells),
            "without interval": len(found.cells) - found.judged,
            "in one only": len(found.only_first) + len(found.only_second),
            "common factor": f"{found.factor:.4g} ({found.low:.4g} .. {found.high:.4g})",
            "outside intervals": f"{found.outside}, by chance {0.05 * found.judged:.3g}",
            "settings differ": "; ".join(differences) or None,
            "agree": {None: "not judged", True: "yes", False: "no"}[verdict],
            "next": f"edgenas report {' '.join(shlex.quote(str(name)) for name in names)} -o report.html",
        },
        {None: "not judged, since the settings differ", True: "the campaigns agree", False: "the campaigns disagree"}[
            verdict
        ],
    )


def _interval(cell: BlockPair) -> str:
    return "-" if cell.low is None or cell.high is None else f"{cell.low:.4g} .. {cell.high:.4g}"
