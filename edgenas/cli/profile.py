"""``edgenas profile``"""

from __future__ import annotations

from pathlib import Path

import click

from blocks.errors import InputError, OutcomeError
from edgenas.cli.devices import device_option, inventory_option, load_entry
from edgenas.cli.networks import NETWORK_HELP, classes_option, in_size_option, load_network, load_space
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, progress, talk


@click.command("profile", epilog=NETWORK_HELP)
@click.argument("space_or_network", required=False)
@click.option("--block", "texts", multiple=True, help="A block by its text, such as ir-56x24-m72-o40-k5-s2-relu6.")
@in_size_option
@classes_option
@device_option
@inventory_option
@click.option("--runtime", default="litert", show_default=True, help="litert or onnxruntime.")
@click.option("--threads", default=1, show_default=True, help="Threads of the runtime.")
@click.option("--core", "cores", type=int, multiple=True, help="A CPU to pin to; repeat for more threads.")
@click.option("--rounds", default=10, show_default=True, help="Interleaved rounds in each process.")
@click.option("--processes", default=3, show_default=True, help="Fresh processes that measure every block.")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path),
              help="The table [default: DEVICE-RUNTIME.jsonl].")  # fmt: skip
@json_option
def command(
    space_or_network: str | None,
    texts: tuple[str, ...],
    in_size: int | None,
    classes: int | None,
    device: str,
    inventory: Path | None,
    runtime: str,
    threads: int,
    cores: tuple[int, ...],
    rounds: int,
    processes: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure every block of a space (or of one network) on a device, and append what is new to a latency table.

    Blocks the table holds are not measured again, so that the same command continues after Ctrl-C or a crash.

    \b
    Example:
      edgenas profile mobilenet_v3_small --in-size 160 --runtime litert -o table.jsonl
      edgenas profile nas_bench_macro --runtime onnxruntime --threads 2
    """
    from blocks.spec import BlockSpec
    from profiler.campaign import profile
    from profiler.export import WRITERS
    from profiler.plan import Plan
    from profiler.runtimes import RUNTIMES
    from profiler.work import Progress
    from search.spaces import SPACES

    if runtime not in RUNTIMES:
        raise InputError(f"no runtime {runtime!r}; there are {', '.join(RUNTIMES)}")
    if processes < 1:
        raise InputError(f"--processes {processes} is below 1")
    blocks = [BlockSpec.parse(text) for text in texts]
    if space_or_network in SPACES:
        blocks += load_space(space_or_network, in_size, classes).blocks()
    elif space_or_network is not None:
        blocks += load_network(space_or_network, in_size, classes).blocks
    if not blocks:
        raise InputError("nothing to measure: name a space (edgenas spaces lists them), a network, or --block TEXT")
    entry = load_entry(inventory, device)
    path = out or Path(f"{device}-{runtime}.jsonl")
    plan = Plan(rounds=rounds, threads=threads, cores=tuple(cores) or entry.cores)
    with progress(f"{device} {runtime}") as update:

        def told(p: Progress) -> None:
            update(p.done + p.failed, p.total, f"{p.failed} failed" if p.failed else "")

        campaign = profile(
            entry.open(), RUNTIMES[runtime], blocks, path, writer=WRITERS[RUNTIMES[runtime].format],
            program=entry.python, plan=plan, processes=processes, progress=told,
        )  # fmt: skip
    if campaign.dropped_bytes:
        talk(f"{path}: left out a last line of {campaign.dropped_bytes} bytes, cut when its writer was killed")
    for failure in campaign.failures:
        talk(f"failed: {failure.block} in process {failure.process} ({failure.stage}): {failure.message}")
    missing = campaign.table.missing(blocks)
    summary: dict[str, Cell] = {
        "table": str(path),
        "blocks": len(campaign.table.blocks),
        "measured_now": campaign.measured,
        "failed": len(campaign.failures),
        "missing": len(missing),
        "seconds": round(campaign.seconds, 1),
    }
    if as_json:
        setting = campaign.table.setting.as_dict()
        print_json({**summary, "setting": setting, "missing_blocks": [str(b) for b in missing]})
    else:
        print_summary({**summary, "next": f"edgenas table show {path}"})
    if missing or campaign.failures:
        raise OutcomeError(f"{len(missing)} blocks are not measured; the same command tries them again")
