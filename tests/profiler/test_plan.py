"""A plan made from a setting measures in that setting again, for every runtime and precision; and every user of it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest

from edgenas.base.errors import InputError
from edgenas.devices.facts.facts import fingerprint, read_facts
from edgenas.devices.inventory import Entry
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.setting import Setting, device_pairs
from edgenas.latency_tables.store.journal import read_journal, read_table
from edgenas.profiler.campaign import profile
from edgenas.profiler.device_session import make_setting
from edgenas.profiler.export.quantize import MEASURED, table_writer
from edgenas.profiler.measure import describe
from edgenas.profiler.plan import HELD, Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.stopping import StoppingRule
from edgenas.profiler.verify import machine, plan_in
from edgenas.tables.remeasure import measure_again
from edgenas.tables.validate import ValidationRequest, validate
from tests.conftest import ROOT
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import SPACE
from tests.profiler.test_runner import DESCRIPTION

LOCAL = Entry("local", "local", sys.executable)
RAN = [(name, precision) for name in ("litert", "onnxruntime") for precision in MEASURED]


@pytest.mark.parametrize("precision", MEASURED)
@pytest.mark.parametrize(("threads", "cores"), [(1, ()), (1, (3,)), (2, (2, 3)), (2, ()), (1, (0, 2))])
@pytest.mark.parametrize(("scheduler", "cold_kib"), [("fifo", 0), ("normal", 4096)])
def test_a_plan_of_a_setting_settles_on_that_setting(
    precision: str, threads: int, cores: tuple[int, ...], scheduler: str, cold_kib: int
) -> None:
    setting = replace(
        SETTING, precision=precision, threads=threads, cores=cores, scheduler=scheduler, cold_kib=cold_kib
    )
    plan = Plan.of(setting, rounds=3)
    assert plan.rounds == 3 and plan.on(replace(DESCRIPTION, cold=True)) == plan
    assert {name: getattr(plan, name) for name in HELD} == {name: getattr(setting, name) for name in HELD}


def test_a_plan_holds_all_that_it_shares_with_a_setting() -> None:
    """A field that is added to both is to be in HELD, or tables of it could not be continued."""
    shared = {field.name for field in fields(Plan)} & {field.name for field in fields(Setting)}
    assert shared == set(HELD)


def test_settings_that_cannot_be_measured_are_refused() -> None:
    with pytest.raises(InputError, match="plan: precision 'fp16' is not one of fp32, int8"):
        Plan.of(replace(SETTING, precision="fp16"))
    assert Plan.of(SETTING, cores=None).cores is None


def test_cores_of_a_setting_are_those_of_its_machine_only() -> None:
    facts = fingerprint(read_facts(LocalDevice()))
    here = replace(SETTING, device=device_pairs({**facts, "governor": "performance"}), threads=1, cores=(0,))
    assert machine(here) == {name: value for name, value in facts.items() if name != "governor"}
    assert plan_in(here, LOCAL, rounds=7) == Plan.of(here, rounds=7)
    elsewhere = replace(here, device=device_pairs({**facts, "cores": 97}))
    assert plan_in(elsewhere, LOCAL).cores is None
    assert plan_in(here, replace(LOCAL, cores=(1,))).cores == (1,), "the inventory says what to pin to"


@pytest.mark.parametrize(("name", "precision"), RAN)
@pytest.mark.parametrize(("threads", "cores"), [(1, (0,)), (1, ()), (2, ())])
def test_on_a_real_runtime_the_setting_is_the_same_again(
    tmp_path: Path, name: str, precision: str, threads: int, cores: tuple[int, ...]
) -> None:
    device, runtime = LocalDevice(base=tmp_path), RUNTIMES[name]
    facts, description = read_facts(device), describe(device, runtime, sys.executable)
    first = Plan(threads=threads, cores=cores, precision=precision).on(description)
    setting = make_setting(facts, description, first)
    assert setting.precision == precision
    assert make_setting(facts, description, Plan.of(setting).on(description)).differences(setting) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "precision"), RAN)
def test_tables_of_every_precision_are_measured_again_and_validated(tmp_path: Path, name: str, precision: str) -> None:
    """Core, scheduler and caches are none that a default would give."""
    if precision == "int8":
        pytest.importorskip("ai_edge_quantizer")
    runtime, path = RUNTIMES[name], tmp_path / "table.jsonl"
    plan = Plan(rounds=2, samples=2, warmup_ms=1, cores=(0,), scheduler="normal", cold_kib=256, precision=precision)
    blocks = SPACE.blocks()
    profile(
        LocalDevice(base=tmp_path),
        runtime,
        blocks,
        path,
        writer=table_writer(runtime.format, precision),
        program=sys.executable,
        plan=plan,
        enough=StoppingRule.exactly(1),
    )
    before = read_table(path)
    measure_again(LOCAL, path, blocks[:2], "alone", processes=1, force=True)
    after = read_table(path)
    assert [len(after.processes(block)) - len(before.processes(block)) for block in blocks[:3]] == [1, 1, 0]
    validate(LOCAL, path, ValidationRequest(SPACE, 8, processes=1, chains=False, rounds=2), force=True)
    assert len(read_journal(path).validations) == 1
    assert read_table(path).setting == before.setting
    assert (before.setting.precision, before.setting.cold_kib) == (precision, 256)


def _plans_by_hand(source: str) -> list[int]:
    """Lines where ``Plan(...)`` is given a field of a setting as it stands there."""
    found = []
    for node in ast.walk(ast.parse(source)):
        called = isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("Plan", "replace")
        if called and any(
            isinstance(word.value, ast.Attribute)
            and word.arg in HELD
            and ast.unparse(word.value.value).endswith("setting")
            for word in node.keywords
        ):
            found.append(node.lineno)
    return found


def test_no_plan_is_made_from_a_setting_by_hand() -> None:
    rooms: Sequence[str] = ("profiler", "edgenas", "tools")
    paths = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    assert {str(path): lines for path in paths if (lines := _plans_by_hand(path.read_text()))} == {}
    assert _plans_by_hand("Plan(threads=setting.threads)") == _plans_by_hand("replace(p, cores=t.setting.cores)") == [1]
