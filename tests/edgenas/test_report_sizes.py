"""A report of very much stays small: what is drawn is sampled with what stands out kept, tables are cut and say so."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import BlockFailure
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.report.judged import MOST_POINTS, MOST_ROWS, shown_keys
from edgenas.report.page import page
from edgenas.report.parts import MOST_ROWS as MOST_OF_A_TABLE
from edgenas.report.sampling import evenly, sampled
from edgenas.runs.gather import gather
from edgenas.runs.search import SEARCH
from edgenas.search.spaces import space
from tests.edgenas.test_report import Page
from tests.latency_tables.test_journal import SETTING
from tests.support.report_toys import Pi

MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def search() -> dict[str, object]:
    """5,000 networks of NAS-Bench-Macro, by no real judge."""
    rng, macro = random.Random(0), space("nas_bench_macro")
    keys = [".".join(map(str, choice)) for choice in itertools.product(range(3), repeat=8)][:5000]
    costs = [rng.uniform(1, 9) for _ in keys]
    trials = [
        {"key": k, "accuracy": 55 + 3 * c + rng.uniform(0, 3), "cost": c} for k, c in zip(keys, costs, strict=True)
    ]
    best = max((t for t in trials if t["cost"] <= 4), key=lambda t: t["accuracy"])
    run = {"algorithm": "nsga2", "budget": 4.0, **best, "judged": 5000, "newly_judged": 5000,
           "network": macro.architecture(macro.parse(str(best["key"]))).to_json()}  # fmt: skip
    front = [{"cost": c / 1000, "predicted_accuracy": 60 + c / 400, "key": keys[0]} for c in range(1000, 9000)]
    return {
        "format": "edgenas search",
        "version": 1,
        "space": {"name": "nas_bench_macro"},
        "accuracy": "dice",
        "unit": "ms",
        "winner": run,
        "runs": [{**run, "trials": trials}],
        "front": front,
    }


@pytest.mark.slow
def test_a_search_of_thousands_keeps_what_stands_out(search: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "search.json").write_text(json.dumps(search))
    text = page(gather([tmp_path]))
    shown = Page(text)
    points = [a for a in shown.all("svg") if a.get("role") == "option"]
    assert MOST_ROWS < len(points) <= MOST_POINTS and len(text.encode()) < MOST_BYTES
    assert f"{len(points):,} of 5,000 are drawn" in shown.text
    assert f"the {MOST_ROWS} most accurate of 5,000 networks; search.json has all" in shown.text
    trials = SEARCH.of_json(search, "search.json").runs[0].trials
    kept = shown_keys(SEARCH.of_json(search, "search.json"), [trials[7].key], MOST_POINTS)
    assert len(kept) == len(set(kept)) == MOST_POINTS
    ends = [min(trials, key=lambda t: t.cost), max(trials, key=lambda t: t.cost)]
    ends += [min(trials, key=lambda t: t.accuracy), max(trials, key=lambda t: t.accuracy)]
    undominated = [t for t in trials if not any(o.cost <= t.cost and o.accuracy > t.accuracy for o in trials)]
    assert {t.key for t in (*ends, *undominated, trials[7])} <= set(kept)
    assert {t.key for t in sorted(trials, key=lambda t: -t.accuracy)[:MOST_ROWS]} <= set(kept)


@pytest.mark.slow
def test_a_table_of_many_blocks_and_failures_is_cut_and_says_so(tmp_path: Path) -> None:
    blocks = [BlockSpec.parse(f"conv-8x3-o{width}-k3-s1-relu6") for width in range(1, 901)]
    device = Pi()
    records = [device.measure((b,), 0, "table", f"p{i // 9}") for i, b in enumerate(blocks)]
    failures = [BlockFailure((b,), n, "load", f"failure {n}") for b in blocks[:300] for n in (1, 2, 3)]
    with TableWriter(tmp_path / "many.jsonl", replace(SETTING), "0") as writer:
        writer.append([*records, *failures])
    text = page(gather([tmp_path]))
    shown = Page(text)
    assert len(text.encode()) < MOST_BYTES
    assert f"{900 - MOST_OF_A_TABLE} faster blocks are not shown; all are in many.jsonl" in shown.text
    assert str(max(blocks, key=lambda b: b.macs)) in shown.text
    assert f"The last {MOST_OF_A_TABLE} are shown" in shown.text
    assert "60 of 100 processes are drawn" in shown.text


def test_a_journal_of_thousands_keeps_each_step(tmp_path: Path) -> None:
    head = {"format": "edgenas-trials", "version": 1, "space": "nas_bench_macro", "in_size": 32, "accuracy": "dice"}
    judged = [{"network": str(i), "blocks": "", "accuracy": i % 50 + i / 100} for i in range(3000)]
    (tmp_path / "search.trials.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (head, *judged)))
    text = page(gather([tmp_path]))
    shown = Page(text)
    assert "3,000 networks of nas_bench_macro judged so far" in shown.text and len(text.encode()) < 500_000
    assert len([a for a in shown.all("path") if "dot" in str(a.get("class"))]) == 500


@given(st.lists(st.integers(), max_size=300), st.integers(0, 50))
def test_even_samples_keep_the_ends(items: list[int], most: int) -> None:
    kept = evenly(items, most)
    assert len(kept) == min(len(items), most)
    if most >= 2 and items:
        assert (kept[0], kept[-1]) == (items[0], items[-1])


@given(st.lists(st.integers(0, 10**6), max_size=300, unique=True), st.integers(4, 50))
def test_samples_keep_their_order_and_extremes(items: list[int], most: int) -> None:
    kept = sampled(items, most, float, lambda n: n % 7 == 0)
    assert [n for n in items if n in set(kept)] == kept
    assert len(kept) <= max(most + 2, 0)
    if items:
        assert {min(items), max(items)} <= set(kept)
    wanted = [n for n in items if n % 7 == 0]
    if len(wanted) <= most:
        assert set(wanted) <= set(kept)
