"""``edgenas verify``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.errors import InputError, OutcomeError
from edgenas.cli.completions import networks
from edgenas.cli.completions import tables as complete_tables
from edgenas.cli.devices import device_option, inventory_option, load_entry
from edgenas.cli.networks import load_network
from edgenas.cli.terminal import json_option, mib, print_json, print_table, progress, talk
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
    from edgenas.latency_tables.gate import prediction
    from edgenas.latency_tables.statistics.estimates import DEFAULT
    from edgenas.profiler.export.integer import computed_in
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.verify import plan_in, runtime_of, verify_files
    from edgenas.runs.verification import VERIFICATION

    if images is not None:
        context = click.get_current_context()
        given = [n for n in _NOT_ANSWERED if context.get_parameter_source(n) is click.core.ParameterSource.COMMANDLINE]
        if given:
            raise InputError(
                f"--images times nothing: leave out {_NOT_ANSWERED[given[0]]}, or verify it without images"
            )
        folder = next((path for path in files if path.is_dir()), None)
        if folder is not None:
            raise InputError(f"{folder} is a folder; name the files in it to run on pictures: {folder}/model-int8.onnx")
        answer_files(files, load_entry(inventory, device), images, mean, deviation, as_json)
        return
    if mean is not None or deviation is not None:
        raise InputError("--mean and --deviation scale the pictures of --images; name some, or leave them out")
    bundle = len(files) == 1 and files[0].is_dir()
    if bundle and (network is not None or tables or budget_ms is not None or statistic is not None or threads != 1):
        raise InputError(f"{files[0]} is a bundle, which says itself how it is measured: leave out all but --device")
    context = click.get_current_context()
    if sustained is not None:
        given = [n for n in _NOT_SUSTAINED if context.get_parameter_source(n) is click.core.ParameterSource.COMMANDLINE]
        if given:
            raise InputError(f"--sustained neither predicts nor repeats: leave out {_NOT_SUSTAINED[given[0]]}")
        sustain_files(
            files,
            load_entry(inventory, device),
            sustained,
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
        repeat_bundle(files[0], load_entry(inventory, device), rounds, processes, most, force, as_json)
        return
    if (network is None) != (not tables):
        raise InputError("a prediction needs both --network and --table")
    if processes < 1:
        raise InputError(f"--processes {processes} is below 1")
    entry = load_entry(inventory, device)
    by_runtime: dict[tuple[str, str], dict[str, bytes]] = {}  # runtime and, where it is to be predicted, precision
    for path in files:
        try:
            model = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from error
        key = runtime_of(path, entry), computed_in(model) if tables else ""
        by_runtime.setdefault(key, {})[str(path)] = model
    predicted: dict[tuple[str, str], float] = {}
    used: dict[tuple[str, str], str] = {}
    threads_given = context.get_parameter_source("threads") is click.core.ParameterSource.COMMANDLINE
    plans = {key: Plan(rounds=rounds, threads=threads, cores=entry.cores) for key in by_runtime}
    if network is not None:
        architecture = load_network(network)
        for path in tables:
            setting, name, predicted_ms = prediction(path, architecture, statistic)
            key = setting.runtime, setting.precision
            used[key], predicted[key] = name, predicted_ms
            if key in plans:
                if threads_given and threads != setting.threads:
                    raise InputError(
                        f"{path} was measured with --threads {setting.threads}, so its sums say nothing about files "
                        f"that run with --threads {threads}: leave out --threads, or name a table of {threads}"
                    )
                plans[key] = plan_in(setting, entry, rounds=rounds)
        for runtime, precision in by_runtime:
            of = [other for name, other in predicted if name == runtime]
            if of and precision not in of:
                raise InputError(
                    f"{', '.join(by_runtime[runtime, precision])} computes in {precision}, but the table for {runtime} "
                    f"is of {' and '.join(of)} blocks, which say nothing about it; measure one: edgenas profile "
                    f"--precision {precision}"
                )
    verdicts: list[Verdict] = []
    with progress(f"verify on {device}") as update:
        for key, models in by_runtime.items():
            verdicts += verify_files(
                entry,
                models,
                key[0],
                plan=plans[key],
                processes=processes,
                most=most,
                budget_ms=budget_ms,
                predicted_ms=predicted.get(key),
                statistic=statistic or used.get(key, DEFAULT),
                force=force,
                say=talk,
                progress=lambda d, n: update(d, n, ""),
            )
    if as_json:
        print_json([VERIFICATION.to_json(verdict) for verdict in verdicts])
    else:
        print_verdicts(verdicts)
    outside = [v for v in verdicts if v.within_budget is False]
    if outside:
        worst = max(outside, key=lambda v: v.high_ms)
        raise OutcomeError(
            f"{worst.file} is not inside {worst.budget_ms:g} ms on {device}: {worst.statistic} {worst.measured_ms:.4g} "
            f"ms, upper end {worst.high_ms:.4g} ms; search again with a smaller budget"
        )
    if not as_json:
        sum_up(files, device, verdicts)


def print_verdicts(verdicts: list[Verdict]) -> None:
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
