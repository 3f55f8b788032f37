"""``edgenas report``"""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The page to write.",
)
@json_option
def command(runs: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """One self-contained HTML page of what was measured and found: accuracy against latency, which limit binds and what
    more would buy, where the time goes, predicted against measured, every block in every setting, drift, the search's
    progress, provenance. What the files say nothing of is left out, and the page says what would show it.

    RUNS are folders, such as the one that `edgenas demo` writes, or latency tables, what `search` wrote, and what
    `verify --json` printed. The page asks no network for anything, and prints to PDF. Published networks stand beside
    those judged where their accuracy is known: NAS-Bench-Macro's by its table, ImageNet's where the judge is a function
    called imagenet_top1.

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
        print_summary({**done.summary(), "next": f"open {out} in a browser"})
