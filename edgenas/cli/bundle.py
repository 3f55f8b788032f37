"""``edgenas bundle``"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from edgenas.base.errors import InputError, OutcomeError
from edgenas.cli.completions import tables
from edgenas.cli.devices import device_option, inventory_option, load_entry
from edgenas.cli.terminal import json_option, print_json, print_summary, progress, talk
from edgenas.cli.verify import print_verdicts

#: what only a folder of export needs: name of the parameter -> its option
_ASSEMBLED = {"search": "--search", "test": "--test", "table": "--table", "budget_ms": "--budget-ms",
              "device": "--device", "inventory": "--inventory", "force": "--force"}  # fmt: skip


@click.command("bundle")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--search",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The search that found what was exported.",
)
@click.option(
    "--test",
    type=click.Path(exists=True, path_type=Path),
    metavar="FOLDER_OR_NPZ",
    help="Labelled pictures: each file is run on them for its accuracy.",
)
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    shell_complete=tables,
    help="The latency table that predicts the network  [default: the search's]",
)
@click.option(
    "--budget-ms",
    type=click.FloatRange(min=0, min_open=True),
    help="The latency budget to hold  [default: the search's]",
)
@device_option
@inventory_option
@click.option("--force", is_flag=True, help="Measure also a device that is busy, warm or otherwise not ready.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("bundle"),
    show_default=True,
    help="The folder to make.",
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
    out: Path,
    as_json: bool,
) -> None:
    """Everything that ships of a RUN, in one folder that proves itself: models, labels, preprocessing, a small program
    that runs them, a card, the report, the measurements that led there, and sha256 of every file.

    RUN is a finished run of demo or ship; or a folder that export --labels wrote, with the --search that found its
    network: each file is then run on the pictures of --test and timed on --device first, and exit code 1 says that the
    first is outside the budget.

    \b
    Example:
      edgenas bundle runs/20270101-120000 -o digits-fast
      edgenas bundle model --search search.json --test photos/val --device pi4 -o photos-fast
      edgenas verify digits-fast
    """
    from edgenas.bundle.write import check_out, write_bundle
    from edgenas.runs.layout import RUN

    if (run / RUN).is_file():
        context = click.get_current_context()
        given = [n for n in _ASSEMBLED if context.get_parameter_source(n) is click.core.ParameterSource.COMMANDLINE]
        if given:
            raise InputError(f"{run} is a finished run, which has all that it needs: leave out {_ASSEMBLED[given[0]]}")
        outside = ""
        names = write_bundle(run, out)
    else:
        check_out(out)
        made = out.with_name(f".{out.name}.run")
        shutil.rmtree(made, ignore_errors=True)
        try:
            outside = _assemble(run, search, test, table, budget_ms, device, inventory, force, made, as_json)
            names = write_bundle(made, out)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    if as_json:
        print_json({"written": str(out), "files": names})
    else:
        print_summary({"written": f"{out}/", "files": len(names), "next": f"edgenas verify {out}"})
    if outside:
        raise OutcomeError(outside)


def _assemble(
    model: Path,
    search: Path | None,
    test: Path | None,
    table: Path | None,
    budget_ms: float | None,
    device: str,
    inventory: Path | None,
    force: bool,
    made: Path,
    as_json: bool,
) -> str:
    """Make a finished run of what export wrote; why its first file is outside the budget, or ''."""
    from edgenas.bundle.assemble import BundleParts, read_parts, shipped_of

    if search is None or test is None:
        raise InputError(
            f"{model} has no run.json, so that it is no finished run of demo or ship; for what export wrote, add "
            f"--search search.json --test PICTURES"
        )
    parts = read_parts(BundleParts(model, search, test, table, budget_ms))
    for note in parts.pictures.notes:
        talk(note)
    with progress(f"bundle on {device}") as update:
        files = parts.run(load_entry(inventory, device), made, force=force, say=talk, update=update)
    if not as_json:
        print_verdicts([file.verdict for file in files if file.verdict is not None])
    shipped = shipped_of(files)
    if shipped.within_budget:
        return ""
    return (
        f"{shipped.file} is not inside {shipped.budget_ms:g} ms on {shipped.device}: upper end {shipped.high_ms:.4g} "
        "ms; the bundle says so; search again with a smaller budget"
    )
