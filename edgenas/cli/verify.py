"""``edgenas verify``"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.errors import InputError
from edgenas.cli.completions import networks
from edgenas.cli.completions import tables as complete_tables
from edgenas.cli.devices import device_option, inventory_option
from edgenas.cli.terminal import json_option, mib, print_json, print_table
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.cli.verify_bundle import repeat_bundle
from edgenas.cli.verify_images import answer_files
from edgenas.cli.verify_summary import sum_up, tell_disturbed
from edgenas.cli.verify_sustained import sustain_files

if TYPE_CHECKING:
    from edgenas.profiler.verdict import Verdict

#: what --sustained has no use for: name of the parameter -> its option
_NOT_SUSTAINED = {"network": "--network", "tables": "--table", "rounds": "--rounds", "processes": "--processes",
                  "most": "--most-processes"}  # fmt: skip
#: and --images, which times nothing
_NOT_ANSWERED = {**_NOT_SUSTAINED, "budget_ms": "--budget-ms", "statistic": "--statistic", "threads": "--threads",
                 "sustained": "--sustained", "out": "--output", "force": "--force"}  # fmt: skip


@click.command("verify")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@device_option
@inventory_option
@click.option("--budget-ms", type=click.FloatRange(min=0, min_open=True), help="The latency budget to hold.")
@click.option("--network", shell_complete=networks, help="The network the files are of, to predict it from --table.")
@click.option(
    "--table",
    "tables",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    shell_complete=complete_tables,
    help="Latency tables that predict; each for the files of its runtime.",
)
@click.option(
    "--statistic", help="Of the samples: min, median or p90  [default: that of the table's validation, or median]"
)
@click.option(
    "--threads", default=1, show_default=True, help="Threads of the runtime; with --table those of the table."
)
@click.option("--rounds", default=20, show_default=True, help="Rounds in each process.")
@click.option("--processes", default=3, show_default=True, help="Fresh processes.")
@click.option(
    "--most-processes",
    "most",
    default=12,
    show_default=True,
    help="Processes to go on to while a file is outside the budget.",
)
@click.option(
    "--sustained",
    metavar="TIME",
    help="Run each file without pause for so long (90s, 10m, 1h), and tell every minute instead.",
)
@click.option(
    "--images",
    type=click.Path(exists=True, path_type=Path),
    metavar="FOLDER_OR_NPZ",
    help="Run each file on labelled pictures on the device, and tell its accuracy instead.",
)
@click.option(
    "--mean",
    help="With --images: of levels 0..255, as the network was trained  [default: what "
    "preprocessing.json beside the file says].",
)
@click.option("--deviation", help="Likewise.")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append what --sustained finds  [default for a bundle: sustained.jsonl]",
)
@click.option("--force", is_flag=True, help="Measure also a device that is busy, warm or otherwise not ready.")
@json_option
def command(
    files: tuple[Path, ...],
    device: str,
    inventory: Path | None,
    budget_ms: float | None,
    network: str | None,
    tables: tuple[Path, ...],
    statistic: str | None,
    threads: int,
    rounds: int,
    processes: int,
    most: int,
    sustained: str | None,
    images: Path | None,
    mean: str | None,
    deviation: str | None,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Time .tflite and .onnx files on a device. With a budget, exit code 1 unless each is inside it: the upper end of
    the 95 % interval counts, not the estimate.

    FILES may also be one bundle: its hashes are checked first (exit code 3 where a file was changed), then each file is
    measured again as its record says, and both agree within their intervals or not (exit code 1).

    With --sustained: single runs, temperature and clock of every minute, how much slower the last minutes are than the
    first, and with a budget exit code 1 unless the worst minute is inside it. A bundle stays as it is.

    With --images: each file runs on the pictures there, by the device's own runtime: its accuracy with a 95 % interval,
    and how often it chooses the same class as when it is run here. What int8 files lose depends on the processor.

    \b
    Example:
      edgenas verify model/model.tflite model/model.onnx --budget-ms 2.5
      edgenas verify model/model.tflite --network search.json --table local-litert.jsonl
      edgenas verify bundle
      edgenas verify model/model.tflite --device pi4 --sustained 10m --budget-ms 8
      edgenas verify model/model-int8.onnx --device pi4 --images photos/val
    """
    from edgenas.api.verify import verify

    if images is not None:
        if given := _typed(_NOT_ANSWERED):
            raise InputError(f"--images times nothing: leave out {given[0]}, or verify it without images")
        answer_files(files, device, inventory, images, mean, deviation, as_json)
        return
    if mean is not None or deviation is not None:
        raise InputError("--mean and --deviation scale the pictures of --images; name some, or leave them out")
    bundle = len(files) == 1 and files[0].is_dir()
    if bundle and (network is not None or tables or budget_ms is not None or statistic is not None or threads != 1):
        raise InputError(f"{files[0]} is a bundle, which says itself how it is measured: leave out all but --device")
    if sustained is not None:
        if given := _typed(_NOT_SUSTAINED):
            raise InputError(f"--sustained neither predicts nor repeats: leave out {given[0]}")
        sustain_files(
            files,
            sustained,
            device=device,
            inventory=inventory,
            threads=threads,
            statistic=statistic,
            budget_ms=budget_ms,
            out=out,
            force=force,
            as_json=as_json,
        )
        return
    if out is not None:
        raise InputError(f"-o {out} keeps what --sustained finds; add --sustained 10m, or leave it out")
    if bundle:
        repeat_bundle(files[0], device, inventory, rounds, processes, most, force, as_json)
        return
    found = verify(
        *files,
        device=device,
        inventory=inventory,
        budget_ms=budget_ms,
        network=network,
        table=tables,
        statistic=statistic,
        threads=threads if _typed({"threads": "--threads"}) else None,
        rounds=rounds,
        processes=processes,
        most_processes=most,
        force=force,
        listener=TERMINAL,
    )
    if as_json:
        print_json(found.to_json())
    else:
        print_verdicts(found.verdicts)
    found.check()
    if not as_json:
        sum_up(files, device, found.verdicts)


def _typed(options: Mapping[str, str]) -> list[str]:
    """Which of some options (name of the parameter -> option) are on the command line."""
    source = click.get_current_context().get_parameter_source
    return [option for name, option in options.items() if source(name) is click.core.ParameterSource.COMMANDLINE]


def print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """The table that says what was measured, what was predicted, and whether it fits; then, aside, where a budget is
    kept by the statistic that counts and not by the median."""
    print_table(
        (
            "file",
            "device",
            "runtime",
            "of",
            "ms",
            "95 % interval",
            "median",
            "p90",
            "predicted",
            "error %",
            "peak MiB",
            "model MiB",
            "budget",
            "",
        ),
        [
            (
                v.file,
                v.device,
                v.runtime,
                v.statistic,
                v.measured_ms,
                f"{v.low_ms:.4g} .. {v.high_ms:.4g}",
                v.median_ms,
                v.p90_ms,
                v.predicted_ms,
                None if v.error is None else round(100 * v.error, 1),
                mib(v.peak_kib),
                mib(v.model_kib),
                v.budget_ms,
                {True: "inside", False: "OUTSIDE", None: "no budget"}[v.within_budget],
            )
            for v in verdicts
        ],
    )
    tell_disturbed(verdicts)
