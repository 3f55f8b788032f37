"""Measure the time that a campaign needs in addition to the measurements, by transport, and the gain from several
boards of one kind.

    python -m tools.bench.campaign [--json [FILE]] [--blocks 64] [--seconds 1] [--boards 4]

The runtime sleeps a known time a block instead of measuring, so that everything else is overhead: connecting, holding
the device, writing models, carrying, waiting, collecting, journaling. Batches are of 16 blocks, a quarter of what a
campaign takes; 'naive' asks for one block at a time. A pool of N boards of one kind does the same work; its share is
the time of one board over N times the time of the pool. Real sshd and real adb (to an adbd in Python) on this machine;
a transport that is not installed is named with the reason. Exit code 1 where a bar is not met: at most 10 % overhead
over ssh and over adb, at least 0.9 N for a pool of N boards.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from edgenas.blocks.spec import BlockSpec
from edgenas.devices.base import Device
from edgenas.devices.transports.adb import AdbDevice
from edgenas.devices.transports.adb_server import AdbServer
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, make_target
from edgenas.profiler.campaign import profile_pool
from edgenas.profiler.device_session import Worker
from edgenas.profiler.export import WRITERS
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import StoppingRule
from tools.bench.command import Bar, bars_table, options, run, show
from tools.rig import available
from tools.rig.adb import Adb
from tools.rig.adbd import Adbd
from tools.rig.sleeping import Sleeping
from tools.rig.sshd import SshServer

TRANSPORTS = ("local", "ssh", "adb")
MOST_OVERHEAD_PERCENT = 10.0  #: of a campaign in batches over ssh and over adb
LEAST_SHARE = 0.9  #: of N times the throughput of one board, by a pool of N


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one campaign. ``measuring_s`` is the time that all devices slept; ``overhead`` is the additional time,
    as a share.
    """

    transport: str
    way: str
    boards: int
    blocks: int
    measuring_s: float
    wall_s: float

    @property
    def overhead(self) -> float:
        return self.wall_s * self.boards / self.measuring_s - 1


@contextmanager
def boards(transport: str, count: int, folder: Path) -> Iterator[list[Device]]:
    """Yield ``count`` devices of one kind, each with its own folder."""
    with ExitStack() as stack:
        bases = [folder / f"base{number}" for number in range(count)]
        for base in bases:
            base.mkdir()
        if transport == "local":
            yield [LocalDevice(f"local{number}", base) for number, base in enumerate(bases)]
        elif transport == "ssh":
            server = stack.enter_context(SshServer(folder / "sshd"))
            known = folder / "known_hosts"
            known.write_text(server.known_hosts_line())
            key = server.new_key()
            target = make_target(server.host, known, user=server.user, port=server.port, key=key)
            made = [SshDevice(f"ssh{number}", target, base=str(base)) for number, base in enumerate(bases)]
            for device in made:
                stack.callback(device.close)
            yield list(made)
        else:
            adb = stack.enter_context(Adb(folder / "adb"))
            phones = [stack.enter_context(Adbd(folder / f"phone{number}")) for number in range(count)]
            adb_server = AdbServer(port=adb.port, environment=adb.environment)
            yield [AdbDevice(f"adb{number}", phone.serial, server=adb_server) for number, phone in enumerate(phones)]


def measure(transport: str, way: str, count: int, blocks: Sequence[BlockSpec], seconds: float) -> Row:
    """Run one campaign over ``blocks`` on ``count`` devices."""
    with tempfile.TemporaryDirectory(prefix="edgenas-bench-") as folder, boards(transport, count, Path(folder)) as made:
        begin = time.monotonic()
        profile_pool(
            [Worker(device, "sh") for device in made],
            Sleeping(seconds),
            blocks,
            Path(folder) / "table.jsonl",
            writer=WRITERS["onnx"],
            plan=Plan(),
            enough=StoppingRule.exactly(1),
            batch_blocks=1 if way == "naive" else 16,
        )
        wall_s = time.monotonic() - begin
    return Row(transport, way, count, len(blocks), seconds * len(blocks), wall_s)


def measured(blocks: int, seconds: float, most_boards: int) -> tuple[list[Row], dict[str, str]]:
    """Return a row for every campaign, and the reason for each transport that this machine lacks."""
    specs = [BlockSpec.parse(f"conv-16x8-o{8 + number}-k3-s1-relu6") for number in range(blocks)]
    absent = {name: why for name, why in (("ssh", available.sshd()), ("adb", available.adb())) if why}
    rows = []
    for transport in (name for name in TRANSPORTS if name not in absent):
        rows.append(measure(transport, "naive", 1, specs[: max(4, blocks // 4)], seconds))
        rows.append(measure(transport, "batches", 1, specs, seconds))
    for count in (n for n in (2, 4, 8) if n <= most_boards and "ssh" not in absent):
        rows.append(measure("ssh", "pool", count, specs, seconds))
    return rows, absent


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--blocks", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=1.0, help="that a block sleeps")
    parser.add_argument("--boards", type=int, default=4, help="most boards in a pool")
    given = parser.parse_args(argv)
    rows, absent = measured(given.blocks, given.seconds, given.boards)
    one = next((row.wall_s for row in rows if (row.transport, row.way) == ("ssh", "batches")), None)
    share = {row.boards: one / (row.boards * row.wall_s) for row in rows if row.way == "pool" and one}
    table = Table("transport", "way", "devices", "blocks", "measuring s", "wall s", "overhead %", "of N boards")
    for row in rows:
        part = f"{share[row.boards]:.2f}" if row.way == "pool" else ""
        cells = (
            row.transport,
            row.way,
            row.boards,
            row.blocks,
            f"{row.measuring_s:.1f}",
            f"{row.wall_s:.1f}",
            f"{100 * row.overhead:.1f}",
            part,
        )
        table.add_row(*map(str, cells))
    found = [{**asdict(row), "overhead": row.overhead} for row in rows]
    bars = [
        *(
            Bar(f"overhead over {row.transport}, %", 100 * row.overhead, MOST_OVERHEAD_PERCENT)
            for row in rows
            if row.way == "batches" and row.transport != "local"
        ),
        *(Bar(f"{boards} boards, share of {boards} x one", part, LEAST_SHARE, True) for boards, part in share.items()),
    ]
    numbers = {"campaigns": found, "throughput_share": share, "bars": [bar.as_dict() for bar in bars], "absent": absent}
    show(numbers, [table, bars_table(bars)], given.json, absent)
    return 0 if all(bar.met for bar in bars) else 1


if __name__ == "__main__":
    run(main)
