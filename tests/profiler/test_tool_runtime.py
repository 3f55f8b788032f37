"""Tools as runtimes, for real: benchmark_model's stand-in through measure and profile, under every shell there is."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from edgenas.base.errors import OutcomeError
from edgenas.devices.base import Device
from edgenas.devices.tools import Tool, place
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.campaign import profile
from edgenas.profiler.export import WRITERS
from edgenas.profiler.measure import describe, measure_models
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.stopping import StoppingRule
from tests.support.tool_helpers import BLOCKS, models, program

RUNTIME = RUNTIMES["benchmark_model"]
QUICK = Plan(rounds=3, warmup_runs=2, warmup_ms=0, max_round_ms=1000)
PROGRAMS = ("sed", "grep", "taskset", "sha256sum", "cat", "rm", "date", "sleep")

pytestmark = pytest.mark.slow


@pytest.fixture
def device(tmp_path: Path) -> LocalDevice:
    return LocalDevice(base=tmp_path)


def test_a_tool_is_described(device: LocalDevice, tool: Path) -> None:
    found = describe(device, RUNTIME, str(tool))
    sha256 = hashlib.sha256(tool.read_bytes()).hexdigest()
    installed = found.installed
    assert (installed.runtime, installed.package, installed.python) == ("benchmark_model", "benchmark_model", "")
    assert (installed.version, found.library_sha256) == (sha256[:12], sha256)
    assert (found.delegate, found.schedulers) == ("xnnpack", ("normal",))
    assert found.cpus == tuple(sorted(os.sched_getaffinity(0)))


def check_batch(device: Device, tool: str, tmp_path: Path) -> None:
    """Good models, a broken one and a name that would do harm, pinned to one CPU."""
    plan = QUICK.on(describe(device, RUNTIME, tool))
    harm = f"$(touch {tmp_path}/harm); `touch {tmp_path}/harm` '\"\n=== edgenas end 0\n"
    given = {"broken": b"not a model", **models(), harm: models()[str(BLOCKS[0])]}
    batch = measure_models(device, RUNTIME, given, plan, program=tool)
    assert set(batch.results) == {harm, *map(str, BLOCKS)}
    assert [(f.name, f.stage) for f in batch.failures] == [("broken", "run")]
    assert "Failed to load model 0.tflite" in batch.failures[0].message
    for result in batch.results.values():
        assert (len(result.samples_ns), result.loops, result.warmup) == (3, 50, 2)
        assert all(len(samples) == 1 and samples[0] > 0 for samples in result.samples_ns)
        assert (result.checksum, result.delegate, result.partitions) == (None, "xnnpack", 1)
    assert not (tmp_path / "harm").exists()


def test_a_batch(device: LocalDevice, tool: Path, tmp_path: Path) -> None:
    check_batch(device, str(tool), tmp_path)


@pytest.mark.parametrize(
    ("shell", "programs"),
    [("dash", ""), ("bash", ""), ("mksh", ""), ("mksh", "toybox"), ("busybox", "busybox")],
)
def test_a_batch_under_other_shells(tmp_path: Path, tool: Path, shell: str, programs: str) -> None:
    """Also over a connection: the whole of it, as on a phone."""
    device = FakeDevice("phone", tmp_path / "phone")
    for link, target in (("sh", shell), *((name, programs) for name in PROGRAMS if programs)):
        found = shutil.which(target)
        if found is None:
            pytest.skip(f"{target} is not installed here")
        (tmp_path / "phone" / "bin" / link).symlink_to(found)
    sha256 = hashlib.sha256(tool.read_bytes()).hexdigest()
    check_batch(device, place(device, Tool(tool, sha256)), tmp_path)


def test_a_campaign_fills_a_table(device: LocalDevice, tool: Path, tmp_path: Path) -> None:
    def fill(processes: int) -> int:
        return profile(
            device,
            RUNTIME,
            BLOCKS,
            tmp_path / "t.jsonl",
            writer=WRITERS["tflite"],
            program=str(tool),
            plan=QUICK,
            enough=StoppingRule.exactly(processes),
        ).measured

    assert (fill(2), fill(3), fill(3)) == (4, 2, 0)
    table = read_table(tmp_path / "t.jsonl")
    assert (table.setting.runtime, table.setting.delegate) == ("benchmark_model", "xnnpack")
    assert table.setting.version == f"benchmark_model {table.setting.library_sha256[:12]}"
    assert len(table.setting.cores) == 1
    assert all(table.ms(block) > 0 for block in BLOCKS)
    assert [m.checksum for m in table.measurements] == [None] * 6


def test_the_order_is_shuffled_and_every_run_is_pinned_as_asked(
    device: LocalDevice, tool: Path, tmp_path: Path
) -> None:
    """What the tool itself sees, round by round."""
    text = f"""echo "$1 $(grep Cpus_allowed_list: /proc/self/status)" >>{tmp_path}/seen; exec {tool} "$@" """
    seeing = program(tmp_path / "seeing", text)
    given = {str(n): models()[str(BLOCKS[0])] for n in range(4)}
    core = max(os.sched_getaffinity(0))
    plan = Plan(rounds=4, warmup_runs=1, warmup_ms=0, cores=(core,), scheduler="normal", cold_kib=0)
    batch = measure_models(device, RUNTIME, given, plan, program=seeing)
    assert batch.failures == ()
    lines = (tmp_path / "seen").read_text().splitlines()
    assert {line.split()[-1] for line in lines} == {str(core)}
    asked = [line.split()[0].removeprefix("--graph=").removesuffix(".tflite") for line in lines]
    rounds = [asked[k : k + 4] for k in range(0, 16, 4)]
    assert len(asked) == 16 and all(sorted(r) == ["0", "1", "2", "3"] for r in rounds)
    assert len({tuple(r) for r in rounds}) > 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("absent", "absent: no program there; build or download one"),
        ("/", "/: no program there"),
        ("sh", "does not run a small model: exit code"),
    ],
)
def test_what_is_no_such_tool_is_refused(device: LocalDevice, tmp_path: Path, name: str, says: str) -> None:
    where = {"absent": str(tmp_path / "absent"), "sh": shutil.which("sh") or "/bin/sh"}.get(name, name)
    with pytest.raises(OutcomeError, match=says):
        describe(device, RUNTIME, where)


def test_a_program_of_another_kind_of_machine_is_refused(device: LocalDevice, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\xf3\0" + bytes(44) + b"\n\xff\xfe" * 500)
    foreign.chmod(0o755)
    with pytest.raises(OutcomeError, match="benchmark_model does not run a small model: exit code"):
        describe(device, RUNTIME, str(foreign))
    with pytest.raises(OutcomeError, match="does not run a small model"):
        describe(device, RUNTIME, sys.executable)
