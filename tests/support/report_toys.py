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

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import network_random_weights
from edgenas.latency_tables.records import BlockFailure, Measurement, Piece, Purpose, VoidedRounds
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.profiler.export.network import export_network
from edgenas.profiler.export.quantize import Precision
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.cost import params_cost
from edgenas.search.explain import explain
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Limit, Problem
from edgenas.search.record import SearchRecord, front_points, run_searches
from edgenas.search.table_cost import PricedBudget, table_cost
from edgenas.ship.preprocessing import Preprocessing
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


def searched(folder: Path, *limits: tuple[str, float]) -> tuple[SearchRecord, PricedBudget]:
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
    assert record.values is not None
    front = [
        {"cost": c, "predicted_accuracy": a, "key": k} for c, a, k in front_points(SPACE, cost.cost, record.values)
    ]
    data = record.to_json(
        table="somewhere/table-litert.jsonl",
        statistic=cost.statistic,
        front=front,
        explanation=explain(record).as_dict(record),
        trust={"judge": tau(0.6, 0.2, 0.8), "macs": tau(0.4, -0.1, 0.7)},
    )
    (folder / "search.json").write_text(json.dumps(data))
    return str(data["winner"]["key"])


def tau(value: float, low: float, high: float) -> dict[str, float]:
    """Kendall's tau of 12 networks, as search.json has it."""
    return {"value": value, "low": low, "high": high, "members": 12}


def sustained(**more: Any) -> dict[str, Any]:
    """A line that ``edgenas verify --sustained`` appends."""
    minutes = [
        {
            "minute": m,
            "median_ms": 10 + m,
            "p90_ms": 12 + m,
            "temperature_c": 50 + m,
            "clock_mhz": 1500 - 100 * m,
            "throttled": ["soft limit"] if m == 4 else [],
        }
        for m in (1, 2, 3, 4)
    ]
    return {
        "format": "edgenas sustained load",
        "version": 1,
        "file": "a.tflite",
        "device": "pi",
        "minutes": minutes,
        "slower": {"ratio": 14 / 11, "low": 1.2, "high": 1.35, "minutes": 1},
        **more,
    }


def write_demo(folder: Path, winner: str) -> None:
    """run.json: model.tflite inside its budget, model.onnx without one, and a finalist."""
    verdict = {
        "file": "model.tflite", "device": HOSTILE, "runtime": "litert", "statistic": "min", "measured_ms": 1.4,
        "low_ms": 1.36, "high_ms": 1.44, "median_ms": 1.45, "p90_ms": 1.5, "budget_ms": 1.5, "predicted_ms": 1.41,
        "median_low_ms": 1.42, "median_high_ms": 1.48, "within_budget": True, "setting": SETTING.as_dict(),
    }  # fmt: skip
    elsewhere = replace(SETTING, runtime="onnxruntime", version="onnxruntime 1.31.1", delegate="cpu")
    other = {**verdict, "file": "model.onnx", "runtime": "onnxruntime", "budget_ms": None, "within_budget": None,
             "setting": elsewhere.as_dict()}  # fmt: skip
    file = {"precision": "fp32", "accuracy": 71.25, "pictures": 16}
    data = {
        "winner": winner,
        "accuracy": 71.25,
        "files": {"model.tflite": file, "model.onnx": file, "model-int8.tflite": {**file, "precision": "int8"}},
        "verdicts": [verdict, other],
        "finalists": [{**verdict, "key": winner, "file": winner, "judged_accuracy": 64.0}],
    }
    (folder / "run.json").write_text(json.dumps(data))


def write_finished_run(folder: Path, precisions: Sequence[Precision] = ("fp32", "int8")) -> Path:
    """The same, with all that a bundle takes: LABELS, and files of a network with random weights."""
    write_run(folder)
    network = Architecture.from_json(json.loads((folder / "search.json").read_text())["winner"]["network"])
    (folder / "arch.json").write_text(json.dumps(network.to_json()))
    (folder / "card.md").write_text("# toy\n\nThe story.\n")
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
    data = json.loads((folder / "run.json").read_text())
    told = data["files"] | {"model-int8.onnx": data["files"]["model-int8.tflite"]}
    data["files"] = {path.name: told[path.name] for path in files.values()}
    (folder / "run.json").write_text(json.dumps(data))
    return folder


def write_run(folder: Path) -> Path:
    """All of it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tables(folder)
    write_demo(folder, write_search(folder))
    (folder / "sustained.jsonl").write_text(json.dumps(sustained(device=HOSTILE)) + "\n")
    return folder
