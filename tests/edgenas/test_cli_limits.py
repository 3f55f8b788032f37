"""``edgenas search`` under several limits, on two devices, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import ImportedTable, PublishedValue, TableSource, read_imported, write_imported
from edgenas.search.budgets import BudgetRequest
from edgenas.search.cost import peak_memory_cost, size_cost
from edgenas.search.spaces import space
from tests.edgenas.test_cli import JUDGE, edgenas
from tests.support.search_toys import noise

SPACE = space("nas_bench_macro", in_size=8)
MIDDLE = SPACE.architecture(SPACE.parse("1.1.1.1.1.1.1.1"))


def ms(device: str, block: BlockSpec) -> float:
    return 0.01 + block.macs / 1e6 * (0.5 + noise(f"{device}{block}"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "judge.py").write_text(JUDGE)
    for device in ("pi", "pixel"):
        values = {block: PublishedValue(ms(device, block)) for block in SPACE.blocks()}
        write_imported(
            tmp_path / f"{device}.jsonl",
            ImportedTable(TableSource("ofa", "f.yaml", "0" * 64, device), values, "0", "now"),
        )
    return tmp_path


@pytest.mark.slow
def test_limits_of_every_kind_at_once(folder: Path) -> None:
    most = {device: sum(ms(device, b) for b in MIDDLE.blocks if b.kind != "skip") for device in ("pi", "pixel")}
    size, peak = size_cost().total(MIDDLE), peak_memory_cost().total(MIDDLE)
    base = ("search", "nas_bench_macro", "--in-size", "8", "--accuracy", "judge:by_macs", "--unvalidated",
            "--table", "pi.jsonl", "--budget-macs", "1e9", "--algorithm", "mathnas")  # fmt: skip
    args = (
        *base,
        "--budget-ms",
        f"{most['pi']}",
        "--budget-ms",
        f"{2 * most['pi']}",
        "--also",
        f"pixel.jsonl={most['pixel']}",
        "--budget-mb",
        f"{size}",
        "--budget-memory-mb",
        f"{peak}",
        "--budget-params",
        "1e9",
    )
    record = json.loads(edgenas(*args, "--json", cwd=folder).stdout)
    assert [run["budget"] for run in record["runs"]] == [most["pi"], 2 * most["pi"]]
    for run in record["runs"]:
        network = SPACE.architecture(SPACE.parse(run["key"]))
        tables = {device: read_imported(folder / f"{device}.jsonl") for device in most}
        assert run["cost"] == pytest.approx(tables["pi"].total_ms(network))
        assert run["cost"] <= run["budget"]
        assert tables["pixel"].total_ms(network) <= most["pixel"] * (1 + 1e-12)
        assert size_cost().total(network) <= size and peak_memory_cost().total(network) <= peak
        kinds = [(limit["name"], limit["unit"]) for limit in run["limits"]]
        assert kinds == [
            ("pi", "ms"),
            ("", "MACs"),
            ("", "params"),
            ("weights", "MB"),
            ("peak activations", "MB"),
            ("pixel", "ms"),
        ]
        assert all(limit["slack"] >= 0 for limit in run["limits"])
    explained = record["explanation"]
    assert [limit["unit"] for limit in explained["limits"] if limit["active"]]
    assert (record["uncertainty"], len(explained["dearest_blocks"])) == ("mean", 5)
    shown = edgenas(*args, cwd=folder).stdout
    assert "which limit is active" in shown and "known before" in shown and "ms of pixel" in shown

    none = edgenas(*base, "--budget-ms", f"{most['pi']}", "--also", "pixel.jsonl=1e-5", cwd=folder, check=2).stderr
    assert "no network of nas_bench_macro fits 1e-05 ms of pixel: the smallest reachable is" in none
    front = edgenas("front", "search.json", "--unvalidated", cwd=folder)
    assert "other limits" in front.stderr


def test_the_first_of_several_budgets_comes_first() -> None:
    assert list(BudgetRequest(ms=(1.0,), macs=(2.0, 3.0)).kinds()) == ["--budget-macs", "--budget-ms"]
    assert list(BudgetRequest(mb=(1.0,), params=(2.0,)).kinds()) == ["--budget-params", "--budget-mb"]
