"""The command ``edgenas bundle``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.base.counted import counted
from edgenas.cli.budget_type import BUDGET_MS
from edgenas.cli.completions import tables
from edgenas.cli.devices import device_option, force_option, inventory_option
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.cli.verify import print_verdicts

#: options that only a folder of export takes: name of the parameter -> option
_ASSEMBLED = {"search": "--search", "test": "--test", "table": "--table", "budget_ms": "--budget-ms",
              "device": "--device", "inventory": "--inventory", "force": "--force"}  # fmt: skip


@click.command("bundle")
@click.argument("run", type=UserPath(file_okay=False, path_type=Path))
@click.option(
    "--search",
    type=UserPath(dir_okay=False, path_type=Path),
    help="Search result that holds the exported network.",
)
@click.option(
    "--test",
    type=UserPath(path_type=Path),
    metavar="FOLDER_OR_NPZ",
    help="Labelled images: each file is run on them to measure its accuracy.",
)
@click.option(
    "--table",
    type=UserPath(dir_okay=False, path_type=Path),
    shell_complete=tables,
    help="Latency table that predicts the network  [default: the search's]",
)
@click.option(
    "--budget-ms",
    type=BUDGET_MS,
    help="Latency budget in ms  [default: the search's]",
)
@device_option
@inventory_option
@force_option
@click.option("--license", "license_", default="", help="Licence that the card states, such as apache-2.0.")
@click.option(
    "--try-html",
    type=UserPath(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder of onnxruntime-web (npm install onnxruntime-web): adds try.html, a page that classifies images in a "
    "browser without a network.",
)
@click.option(
    "-o",
    "--out",
    type=UserPath(path_type=Path),
    default=Path("bundle"),
    show_default=True,
    help="Folder to create.",
)
@json_option
def command(
    run: Path,
    search: Path | None,
    test: Path | None,
    table: Path | None,
    budget_ms: float | None,
    device: str,
    inventory: Path | None,
    force: bool,
    license_: str,
    try_html: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Collect everything of a RUN that ships in one folder that edgenas verify can check: models, labels,
    preprocessing, a small program that runs them, a card, the report, the measurements, and the sha256 of every file.

    RUN is a finished run of demo or ship; or a folder that export --labels wrote, with the --search that found its
    network: each file is then first run on the images of --test and measured on --device. Exit code 1 if the first
    file is outside the budget.

    \b
    Example:
      edgenas bundle runs/20270101-120000 -o digits-fast
      edgenas bundle model --search search.json --test photos/val \\
        --device pi4 -o photos-fast
      edgenas verify digits-fast
    """
    from edgenas.api.bundle import bundle, refuse_options
    from edgenas.runs.layout import RUN

    if (run / RUN).is_file():
        context = click.get_current_context()
        given = [n for n in _ASSEMBLED if context.get_parameter_source(n) is click.core.ParameterSource.COMMANDLINE]
        refuse_options(run, [_ASSEMBLED[name] for name in given])
    done = bundle(
        run,
        out,
        search=search,
        test=test,
        table=table,
        budget_ms=budget_ms,
        device=device,
        inventory=inventory,
        force=force,
        license=license_,
        try_html=try_html,
        listener=TERMINAL,
    )
    if done.verdicts and not as_json:
        print_verdicts(done.verdicts)
    if as_json:
        print_json(done.to_json())
    else:
        print_summary(
            {"next": f"edgenas verify {out}"},
            f"{out}/ holds {counted(len(done.files), 'file')}, with the sha256 of each",
        )
    done.check()
