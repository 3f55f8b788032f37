"""A run as a report finds it, of a device whose times are computed: tables, a search, a demo's answer.

Names that come from files are hostile on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import network_random_weights
from edgenas.latency_tables.records import BlockFailure, Measurement, Piece, Purpose, VoidedRounds
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.profiler.export.network import export_network
from edgenas.profiler.export.quantize import Precision
from edgenas.profiler.sustained_load import MinuteReading, SustainedLoad
from edgenas.profiler.verdict import Verdict
from edgenas.runs.finalists import Finalist
from edgenas.runs.from_search import saved_explanation, saved_front, saved_search
from edgenas.runs.layout import ARCH, RUN, SEARCH
from edgenas.runs.network import NETWORK
from edgenas.runs.run import RUN as RUN_KIND
from edgenas.runs.run import FileRecord, RunRecord
from edgenas.runs.search import SEARCH as SEARCH_KIND
from edgenas.runs.search import read_network
from edgenas.runs.sustained import SUSTAINED
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.accuracy.trust import Tau, Trust
from edgenas.search.budgets import Budgets
from edgenas.search.cost import params_cost
from edgenas.search.explain import explain
from edgenas.search.journal import TrialCache
from edgenas.search.predicted_front import front_of_record
from edgenas.search.problem import Limit, Problem
from edgenas.search.record import SearchRecord, run_searches
from edgenas.search.table_cost import PricedCost, table_cost
from edgenas.ship.preprocessing import Preprocessing
from edgenas.training.data import TrainRecipe
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import SPACE, Device, validated

LABELS = tuple(f"sort {number}" for number in range(10))
HOSTILE = "<script>alert('pi')</script>"
MESSAGE = '</script><img src="https://example.org/x" onerror=alert(1)>'
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Pi(Device):
    """Notes time, temperature and clock, a minute a process, and grows warm."""

    minutes = 0
    name = HOSTILE

    def measure(self, piece: Piece, process: int, purpose: Purpose, batch: str, speed: float = 1.0) -> Measurement:
        known = super().measure(piece, process, purpose, batch, speed)
        number = sum(map(ord, batch)) % 7
        facts = [
            {
                "device": self.name,
                "time": (START + timedelta(minutes=m)).isoformat(),
                "temperature_c": 40.0 + m,
                "clock_mhz": 1500.0,
            }
            for m in (number, number + 1)
        ]
        return replace(known, before=facts[0], after=facts[1])


def by_macs(network: object) -> float:
    """An accuracy in percent that grows with MACs."""
    return 60 + 10 * (network.macs / 1e8) ** 0.5  # type: ignore[attr-defined]


def write_tables(folder: Path) -> None:
    """table-litert.jsonl, validated, and table-onnxruntime.jsonl, which nothing proves, with drift and a failure."""
    table, held_out = validated(Pi(), chains=False, count=10)
    with TableWriter(folder / "table-litert.jsonl", SETTING, "0.2.0") as writer:
        writer.append([*table.measurements, held_out])
    other = replace(SETTING, runtime="onnxruntime", version="onnxruntime 1.31.1", delegate="cpu")
    blocks, slower = SPACE.blocks(), Pi(noise=0.02)
    records = [slower.measure((b,), n, "table", f"p{n}", 1.4) for b in blocks for n in range(3)]
    failure = BlockFailure((BlockSpec.parse("conv-8x3-o4-k3-s1-relu6"),), 0, "load", MESSAGE)
    with TableWriter(folder / "table-onnxruntime.jsonl", other, "0.2.0") as writer:
        writer.append([*records, failure, VoidedRounds("p1", 2, 4, 0.07)])


def searched(folder: Path, *limits: tuple[str, float]) -> tuple[SearchRecord, PricedCost]:
    """A search over table-litert.jsonl, which keeps a journal of judged networks; ``limits`` beside its budgets."""
    cost = table_cost(SPACE, folder / "table-litert.jsonl", None, False)
    judge = CallableAccuracy(by_macs, f"by_macs {HOSTILE}")
    kinds = {"params": params_cost()}
    beside = tuple(Limit(kinds[name], most) for name, most in limits)
    with TrialCache(SPACE, judge, folder / "search.trials.jsonl") as cache:
        record = run_searches(
            lambda budget: Problem(SPACE, cost.cost, judge, budget, 0, beside),
            (1.5, 2.5),
            {"mathnas": {}, "layernas": {"buckets": 3}},
            cache,
            error_share=cost.error_share,
        )
    return record, cost


def write_search(folder: Path) -> str:
    """search.json over table-litert.jsonl and its journal of judged networks; the winner's key."""
    record, cost = searched(folder)
    saved = saved_search(
        record,
        table="somewhere/table-litert.jsonl",
        **Budgets(cost, ()).facts(),
        **saved_front(front_of_record(record, cost.cost)),
        explanation=saved_explanation(record, explain(record)),
        trust=Trust(Tau(**tau(0.6, 0.2, 0.8)), Tau(**tau(0.4, -0.1, 0.7))),
    )
    SEARCH_KIND.write(folder / SEARCH, saved)
    return saved.winner.key


def tau(value: float, low: float, high: float) -> dict[str, Any]:
    """Kendall's tau of 12 networks, as search.json has it."""
    return {"value": value, "low": low, "high": high, "members": 12}


def sustained(**more: Any) -> dict[str, Any]:
    """A line that ``edgenas verify --sustained`` appends: the device grows warm and slow."""
    return SUSTAINED.to_json(under_load()) | more


def under_load(
    file: str = "a.tflite", device: str = "pi", growth: int = 1, budget_ms: float | None = None
) -> SustainedLoad:
    """Four minutes, of 11 ms in the first and ``growth`` ms more in each that follows."""
    minutes = tuple(
        MinuteReading(
            m,
            60.0,
            1000,
            10.0 + _more(m, growth),
            12.0 + _more(m, growth),
            50.0 + m,
            1500.0 - 100 * m,
            ("soft limit",) if m == 4 else (),
            (1,) * 11,
            _parts(10.0 + _more(m, growth)),
        )
        for m in (1, 2, 3, 4)
    )
    return SustainedLoad(
        file,
        "0" * 64,
        device,
        "litert",
        SETTING,
        START.isoformat(),
        240.0,
        60.0,
        "run",
        "",
        minutes,
        "median",
        budget_ms,
    )


def _more(minute: int, growth: int) -> float:
    return float(1 + growth * (minute - 1))


def _parts(ms: float) -> tuple[int, ...]:
    """Medians of six parts of a minute, that differ by a few percent."""
    return tuple(round(ms * 1e6 * share) for share in (0.96, 0.98, 1.0, 1.0, 1.02, 1.04))


def write_demo(folder: Path, winner: str) -> None:
    """run.json: model.tflite inside its budget, model.onnx without one, and a finalist."""
    verdict = Verdict(
        "model.tflite",
        HOSTILE,
        "litert",
        "min",
        1.4,
        1.36,
        1.44,
        1.45,
        1.5,
        1.5,
        1.41,
        True,
        SETTING,
        median_low_ms=1.42,
        median_high_ms=1.48,
    )
    elsewhere = replace(SETTING, runtime="onnxruntime", version="onnxruntime 1.31.1", delegate="cpu")
    other = replace(
        verdict, file="model.onnx", runtime="onnxruntime", budget_ms=None, within_budget=None, setting=elsewhere
    )
    file = FileRecord(precision="fp32", accuracy=71.25, pictures=16)
    files = {"model.tflite": file, "model.onnx": file, "model-int8.tflite": replace(file, precision="int8")}
    write_record(
        folder,
        RunRecord(
            winner=winner,
            budget_ms=1.5,
            files=files,
            verdicts=(verdict, other),
            finalists=(Finalist(winner, 64.0, replace(verdict, file=winner)),),
        ),
    )


def write_record(folder: Path, run: RunRecord) -> None:
    """run.json."""
    RUN_KIND.write(folder / RUN, run)


def write_finished_run(folder: Path, precisions: Sequence[Precision] = ("fp32", "int8")) -> Path:
    """The same, with all that a bundle takes: LABELS, and files of a network with random weights."""
    write_run(folder)
    network = read_network(folder / SEARCH)
    NETWORK.write(folder / ARCH, network)
    pixels = np.random.default_rng(0).standard_normal((16, 32, 32, 3), dtype=np.float32)
    preprocessing = Preprocessing(32, LABELS, (120.0, 110.0, 100.0), (60.0, 55.0, 50.0))
    files = export_network(
        network,
        network_random_weights(network.blocks, 0),
        folder,
        precisions=precisions,
        images=pixels,
        about=preprocessing.about("toy", "A toy."),
    )
    preprocessing.write(folder, files)
    run = RUN_KIND.read(folder / RUN)
    told = run.files | {"model-int8.onnx": run.files["model-int8.tflite"]}
    sized = {path.name: replace(told[path.name], bytes=path.stat().st_size) for path in files.values()}
    write_record(folder, replace(run, files=sized, data="toys-32", recipe=str(TrainRecipe(3))))
    return folder


def write_run(folder: Path) -> Path:
    """All of it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tables(folder)
    write_demo(folder, write_search(folder))
    (folder / "sustained.jsonl").write_text(json.dumps(sustained(device=HOSTILE)) + "\n")
    return folder
