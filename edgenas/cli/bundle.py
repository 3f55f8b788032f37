"""``edgenas bundle``"""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("bundle")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("bundle"), show_default=True,
              help="The folder to make.")  # fmt: skip
@json_option
def command(run: Path, out: Path, as_json: bool) -> None:
    """Everything that ships of a finished RUN of demo or ship, in one folder that proves itself: models, labels,
    preprocessing, a small program that runs them, a card, the report, the measurements that led there, and sha256 of
    every file.

    \b
    Example:
      edgenas bundle runs/20270101-120000 -o digits-fast
      edgenas verify digits-fast
    """
    from edgenas.bundling import write_bundle

    names = write_bundle(run, out)
    if as_json:
        print_json({"written": str(out), "files": names})
    else:
        print_summary({"written": f"{out}/", "files": len(names), "next": f"edgenas verify {out}"})
