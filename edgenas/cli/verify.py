"""The command ``edgenas verify``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.errors import InputError
from edgenas.cli.budget_type import BUDGET_MS
from edgenas.cli.completions import networks
from edgenas.cli.completions import tables as complete_tables
from edgenas.cli.delegate_options import delegate_options
from edgenas.cli.devices import device_option, force_option, inventory_option
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, mib, print_json, print_table
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.cli.verify_bundle import repeat_bundle
from edgenas.cli.verify_images import answer_files
from edgenas.cli.verify_summary import sum_up, tell_disturbed
from edgenas.cli.verify_sustained import sustain_files

if TYPE_CHECKING:
    from edgenas.profiler.verdict import Verdict

#: options that --sustained does not take: name of the parameter -> option
_NOT_SUSTAINED = {"network": "--network", "tables": "--table", "rounds": "--rounds", "processes": "--processes",
                  "most": "--most-processes", "delegate": "--delegate", "partial": "--partial",
                  "software": "--software"}  # fmt: skip
#: options that --images does not take, since it measures no latency: name of the parameter -> option
_NOT_ANSWERED = {**_NOT_SUSTAINED, "budget_ms": "--budget-ms", "statistic": "--statistic", "threads": "--threads",
                 "sustained": "--sustained", "out": "--output", "force": "--force"}  # fmt: skip


@click.command("verify")
@click.argument("files", nargs=-1, required=True, type=UserPath(path_type=Path))
@device_option
@inventory_option
@click.option("--budget-ms", type=BUDGET_MS, help="Latency budget in ms.")
@click.option("--network", shell_complete=networks, help="Network that the files hold, to predict it from --table.")
@click.option(
    "--table",
    "tables",
    multiple=True,
    type=UserPath(dir_okay=False, path_type=Path),
    shell_complete=complete_tables,
    help="Latency table that predicts the files of its runtime; repeat for several.",
)
@click.option(
    "--statistic",
    help="Statistic of the samples: min, median or p90  [default: that of the table's validation, or median]",
)
@click.option(
    "--threads", default=1, show_default=True, help="Threads of the runtime; with --table those of the table."
)
@delegate_options
@click.option("--rounds", default=20, show_default=True, help="Rounds in each process.")
@click.option("--processes", default=3, show_default=True, help="Processes that measure each file, each started anew.")
@click.option(
    "--most-processes",
    "most",
    default=12,
    show_default=True,
    help="Maximum number of processes, as long as a file is outside the budget.",
)
@click.option(
    "--sustained",
    metavar="TIME",
    help="Time to run each file without pause (90s, 10m, 1h); the result is then the latency of each minute.",
)
@click.option(
    "--images",
    type=UserPath(path_type=Path),
    metavar="FOLDER_OR_NPZ",
    help="Labelled images to run each file on, on the device; the result is then its accuracy.",
)
@click.option(
    "--mean",
    help="Mean of each channel, in levels 0..255, as the network was trained, with --images  [default: that of "
    "preprocessing.json beside the file]",
)
@click.option("--deviation", help="Standard deviation of each channel, with --images, like --mean.")
@click.option(
    "-o",
    "--output",
    "out",
    type=UserPath(dir_okay=False, path_type=Path),
    help="File to append the results of --sustained to  [default for a bundle: sustained.jsonl]",
)
@force_option
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
    delegate: str | None,
    partial: bool,
    software: bool,
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
    """Measure the latency of .tflite and .onnx files on a device. With a budget, exit code 1 unless each file is inside
    it: the upper end of the 95 % interval is compared with the budget, not the estimate.

    FILES may also be one bundle: its hashes are checked first (exit code 3 where a file was changed), then each file is
    measured again with the settings of its record. Exit code 1 unless both measurements agree within their intervals.

    With --sustained: single runs, temperature and clock of every minute, how much slower the last minutes are than the
    first, and with a budget exit code 1 unless the worst minute is inside it. A bundle is not changed.

    With --images: each file runs on the images, on the device and by its own runtime. Results are the accuracy with a
    95 % interval, and how often the file chooses the same class as on this machine. The accuracy that int8 files lose
    depends on the processor.

    \b
    Example:
      edgenas verify model/model.tflite model/model.onnx --budget-ms 2.5
      edgenas verify model/model.tflite --network search.json \\
        --table local-litert.jsonl
      edgenas verify model/model.tflite --device pi5 --delegate gpu --budget-ms 4
      edgenas verify bundle
      edgenas verify model/model.tflite --device pi4 --sustained 10m --budget-ms 8
      edgenas verify model/model-int8.onnx --device pi4 --images photos/val
    """
    from edgenas.api.verify import verify

    if images is not None:
        if given := _typed(_NOT_ANSWERED):
            raise InputError(f"--images measures no latency: leave out {given[0]}, or --images")
        answer_files(files, device, inventory, images, mean, deviation, as_json)
        return
    if mean is not None or deviation is not None:
        raise InputError("--mean and --deviation scale the images of --images: add --images, or leave them out")
    bundle = len(files) == 1 and files[0].is_dir()
    other = network is not None or tables or budget_ms is not None or statistic is not None or threads != 1
    if bundle and (other or delegate is not None):
        raise InputError(
            f"{files[0]} is a bundle, which is measured with the settings of its record: leave out --network, --table, "
            "--budget-ms, --statistic, --threads and --delegate"
        )
    if sustained is not None:
        if given := _typed(_NOT_SUSTAINED):
            raise InputError(f"--sustained makes no predictions and no repetitions: leave out {given[0]}")
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
        raise InputError(f"-o {out} is the file of --sustained: add --sustained 10m, or leave out -o")
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
        delegate=delegate,
        partial=partial,
        software=software,
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
    """Return which of some options (name of the parameter -> option) are on the command line."""
    source = click.get_current_context().get_parameter_source
    return [option for name, option in options.items() if source(name) is click.core.ParameterSource.COMMANDLINE]


def print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Print a table of measured and predicted latencies and whether each is inside its budget; then messages for files
    that are inside by the statistic that counts and not by the median."""
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
            "init ms",
            "peak MiB",
            "model MiB",
            "budget",
            "verdict",
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
                v.init_ms,
                mib(v.peak_kib),
                mib(v.model_kib),
                v.budget_ms,
                {True: "inside", False: "OUTSIDE", None: "no budget"}[v.within_budget],
            )
            for v in verdicts
        ],
    )
    tell_disturbed(verdicts)
