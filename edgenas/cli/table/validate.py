"""The command ``edgenas table validate``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgenas.base.counted import counted
from edgenas.cli.completions import spaces
from edgenas.cli.devices import device_option, force_option, inventory_option
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.table.options import next_search, space_at, table_argument
from edgenas.cli.terminal import Cell, json_option, print_json, print_pairs, print_summary, print_table
from edgenas.cli.terminal_listener import TERMINAL

if TYPE_CHECKING:
    from edgenas.blocks.size import ImageSize
    from edgenas.latency_tables.validation import Validation


@click.command("validate")
@table_argument
@click.option(
    "--space",
    "name",
    shell_complete=spaces,
    help="Space that held-out networks are drawn from  [default: the space that the table was measured for]",
)
@in_size_option
@classes_option
@channels_option
@device_option
@inventory_option
@click.option("--networks", default=24, show_default=True, help="Held-out networks to measure whole.")
@click.option(
    "--processes", default=4, show_default=True, help="Processes that measure each network, each started anew."
)
@click.option("--rounds", default=10, show_default=True, help="Interleaved rounds in each process.")
@click.option("--chains/--no-chains", default=True, show_default=True, help="Also measure blocks inside chains.")
@click.option("--seed", default=0, show_default=True, help="Random seed for choosing held-out networks.")
@force_option
@json_option
def command(
    table: Path,
    name: str | None,
    in_size: ImageSize | None,
    classes: int | None,
    channels: int | None,
    device: str,
    inventory: Path | None,
    networks: int,
    processes: int,
    rounds: int,
    chains: bool,
    seed: int,
    force: bool,
    as_json: bool,
) -> None:
    """Check on the device how well sums of blocks predict whole networks.

    Held-out networks, spread over latency, are measured in turn with their blocks. The result is appended to the table:
    the error of sums, raw and calibrated, the best estimate of a block, and the error that measuring noise alone would
    leave. The same command continues a validation that was stopped.

    \b
    Example:
      edgenas table validate local-litert.jsonl
      edgenas table validate pi4-litert.jsonl --device pi4 \\
        --space mobilenet_v3_small
    """
    from edgenas.api.validate import validate

    found = validate(
        table,
        space=name,
        in_size=in_size,
        classes=classes,
        channels=channels,
        device=device,
        inventory=inventory,
        networks=networks,
        processes=processes,
        rounds=rounds,
        chains=chains,
        seed=seed,
        force=force,
        listener=TERMINAL,
    )
    if as_json:
        print_json(found.to_json())
        return
    print_validation(found.validation)
    then = next_search(space_at(found.space.name, found.space.in_size, found.space.c_in), table, imported=False)
    held_out = counted(len(found.validation.networks), "held-out network")
    print_summary(
        {"written": str(table), "next": then},
        f"{table} is validated on {held_out}: 95 % of predictions are within {found.validation.interval_text}",
    )


def print_validation(found: Validation) -> None:
    """Print the errors of a validation, raw and calibrated, and its summary."""
    rows = []
    for sums in found.sums:
        shown = (("raw", sums.raw), ("calibrated", sums.calibrated), ("the table's", sums.table))
        for how, a in ((how, a) for how, a in shown if a is not None):
            rows.append(
                (
                    f"{sums.way}{' *' if sums is found.chosen else ''}",
                    how,
                    100 * a.mape,
                    100 * a.within_5,
                    100 * a.within_10,
                    a.rmse_ms,
                    _ranked(a.spearman),
                    _ranked(a.kendall),
                )
            )
    print_table(
        ("block", "sums", "MAPE %", "within 5 %", "within 10 %", "RMSE ms", "Spearman", "Kendall"),
        rows,
        f"{found.statistic} of {counted(len(found.networks), 'network')} of {found.held_out.space}; * is used",
    )
    print_pairs(summary(found))


def summary(found: Validation) -> dict[str, Cell]:
    """Return the summary of a validation: label -> value."""
    c = found.chosen.calibration
    extra = {
        "fixed ms": c.fixed_ms,
        "ms a block": c.block_ms,
        "ms a million elements": c.element_ms,
        "ms a million weights": c.weight_ms,
    }
    terms = ", ".join(f"{value:+.4g} {name}" for name, value in extra.items() if value)
    since: Any = None
    if found.since is not None:
        times, high, low = (1 / each for each in found.since)
        since = f"{times:.3f} times as long as in the table ({low:.3f} .. {high:.3f})"
    return {
        "validated": f"{found.held_out.created} on {counted(len(found.networks), 'network')} of {found.held_out.space}",
        "prediction": f"{c.scale:.4f} x sum of {found.statistic}, {found.way} {terms}".rstrip(),
        "95 % prediction interval": found.interval_text,
        "noise of measuring": None if math.isnan(found.noise) else f"{100 * found.noise:.2f} %",
        "blocks took when validated": since,
    }


def _ranked(estimate: tuple[float, float, float]) -> str:
    return "{:.4f} ({:.3f} .. {:.3f})".format(*estimate)
