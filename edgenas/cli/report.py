"""``edgenas report``"""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.terminal import Cell, json_option, print_json, print_summary


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
    from edgenas.base.files import write_whole
    from edgenas.report.page import page
    from edgenas.runs.gather import gather

    material = gather(runs)
    write_whole(out, page(material))
    told: dict[str, Cell] = {
        "tables": len(material.journals) + len(material.imported),
        "searches": len(material.searches),
        "verified files": len(material.verdicts) + sum(len(run.verdicts) for run in material.runs),
        "written": str(out),
    }
    if as_json:
        print_json({**told, "files": [str(source.path) for source in material.sources]})
    else:
        print_summary({**told, "next": f"open {out} in a browser"})
