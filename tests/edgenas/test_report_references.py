"""Published networks on the front: as their papers have them, and only where their accuracy is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.reference import REFERENCE
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.report.page import page
from edgenas.report.references import drawn, fbnet_c, mnasnet, proxylessnas_mobile
from edgenas.report.series import all_series
from edgenas.runs.gather import gather
from edgenas.runs.search import SEARCH
from edgenas.search.spaces import space
from tests.edgenas.test_report import Page
from tests.latency_tables.test_journal import SETTING
from tests.support.report_toys import Pi


def searched(name: str, accuracy: str, unit: str = "ms", **sizes: int) -> dict[str, Any]:
    """A search that judged one network."""
    known = space(name, sizes.get("in_size"), sizes.get("classes"))
    key = known.key((0,) * len(known.layers))
    network = known.architecture((0,) * len(known.layers))
    cost = 5.0 if unit == "ms" else float(network.macs)
    run = {"algorithm": "random", "budget": 2 * cost, "key": key, "accuracy": 70.0, "cost": cost, "judged": 1,
           "newly_judged": 1, "network": network.to_json()}  # fmt: skip
    trials = [{"key": key, "accuracy": 70.0, "cost": cost}]
    return {
        "format": "edgenas search",
        "version": 1,
        "space": {"name": name, **sizes},
        "accuracy": accuracy,
        "unit": unit,
        "winner": run,
        "runs": [{**run, "trials": trials}],
    }


def references(data: dict[str, Any]) -> tuple[list[str], str]:
    found, why = drawn(SEARCH.of_json(data, "search.json"), ())
    return [reference.name for reference in found], why


@pytest.mark.parametrize(
    ("network", "million_macs", "million_params"),
    [
        (mnasnet(), 317, 4.2),  # arXiv 1807.11626v1, table 1
        (proxylessnas_mobile(), 320, 4.1),  # arXiv 1812.00332; parameters as its authors publish them
        (fbnet_c(), 375, 5.5),  # arXiv 1812.03443, table 3
        (REFERENCE["mobilenet_v2"](), 300, 3.4),  # arXiv 1801.04381, table 4
    ],
)
def test_networks_are_as_large_as_published(network: Architecture, million_macs: float, million_params: float) -> None:
    assert network.macs / 1e6 == pytest.approx(million_macs, rel=0.03)
    assert network.params / 1e6 == pytest.approx(million_params, rel=0.06)


def test_imagenet_networks_are_drawn_for_imagenet_top1_alone() -> None:
    names, why = references(searched("mobilenet_v2", "callable:mine:imagenet_top1", "MACs"))
    assert {"MobileNetV2", "MobileNetV3-Small", "FBNet-C"} <= set(names) and not why
    for judge in ("training:imagenet_top1:abc", "supernet:imagenet_top1", "callable:mine:imagenet_top1_error"):
        names, why = references(searched("mobilenet_v2", judge, "MACs"))
        assert names == [] and "not known" in why
    assert references(searched("mobilenet_v2", "callable:mine:imagenet_top1", "MACs", classes=10))[0] == []


def test_the_best_of_a_benchmark_is_drawn_for_it(tmp_path: Path) -> None:
    assert references(searched("nas_bench_macro", "nas-bench-macro-0123456789ab-mean", "MACs"))[0] == [
        "best of NAS-Bench-Macro"
    ]
    names, why = references(searched("nas_bench_macro", "nas-bench-macro-0123456789ab-mean"))
    assert names == [] and "no table holds all blocks" in why


def test_a_reference_stands_where_its_table_puts_it(tmp_path: Path) -> None:
    known = REFERENCE["mobilenet_v2"]()
    blocks = tuple(dict.fromkeys((*known.blocks, *space("mobilenet_v2").architecture((0,) * 20).blocks)))
    with TableWriter(tmp_path / "pi.jsonl", SETTING, "0") as writer:
        writer.append([Pi().measure((b,), 0, "table", "a") for b in blocks])
    data = searched("mobilenet_v2", "callable:mine:imagenet_top1") | {"table": "pi.jsonl"}
    (tmp_path / "search.json").write_text(json.dumps(data))
    material = gather([tmp_path])
    (reference,), why = drawn(next(iter(material.searches.values())), all_series(material))
    assert (reference.name, reference.accuracy, why) == ("MobileNetV2", 72.0, "")
    assert reference.costs[0] == pytest.approx(all_series(material)[0].total_ms(known))
    shown = Page(page(material))
    assert "MobileNetV2, published: 72.0 % (arXiv 1801.04381, table 4)" in shown.text
    assert "Triangles are published networks" in shown.text


def test_the_caption_says_why_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "search.json").write_text(json.dumps(searched("digits", "training:digits-48")))
    assert (
        "No published network is drawn: their accuracy on these data is not known"
        in Page(page(gather([tmp_path]))).text
    )
