"""The command ``edgenas report``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=UserPath(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=UserPath(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="HTML page to write.",
)
@json_option
def command(runs: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Write one self-contained HTML page of measurements and search results: accuracy against latency, the active limit
    and the gain of raising it, where the time goes, predicted against measured latency, every block in every setting,
    drift, progress of the search, provenance. A section without data is left out, and the page names the command that
    would fill it.

    RUNS are folders, such as the one that `edgenas demo` writes, latency tables, files that `search` wrote, and the
    output of `verify --json`. The page loads nothing from the internet, and prints to PDF. Published networks stand
    beside the judged ones where their accuracy is known: NAS-Bench-Macro's by its table, ImageNet's where the judge is
    a function called imagenet_top1.

    \b
    Example:
      edgenas report runs/20270101-120000 -o report.html
      edgenas report pi4-litert.jsonl pixel-litert.jsonl search.json
    """
    from edgenas.api.report import report

    done = report(*runs, out=out)
    if as_json:
        print_json(done.to_json())
    else:
        print_summary({**done.summary(), "next": f"open {out} in a browser"}, f"the page is {out}")
