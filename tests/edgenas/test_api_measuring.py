"""Functions of ``edgenas`` that measure, ship and draw give what their verbs print with ``--json``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import edgenas
from edgenas.cli import main
from edgenas.latency_tables.store.journal import read_journal
from edgenas.profiler.fill import TableJob
from edgenas.ship.pipeline import ShipPipeline
from tests.edgenas.test_api_verbs import Verb, by_macs, made, plain, verb

__all__ = ["made", "verb"]  # fixtures


def test_devices(verb: Verb) -> None:
    moving = ("clock_mhz", "temperature_c", "load_1min", "free_mib", "uptime_s", "memory_free_mib")

    def still(rows: Any) -> Any:
        rows = rows if isinstance(rows, list) else [rows]
        return [{k: v for k, v in row.items() if k not in moving} for row in rows]

    assert still(plain(edgenas.devices())) == still(verb("devices"))
    assert still(plain(edgenas.device_facts())) == still(verb("devices", "facts", "local"))
    checks = edgenas.check_devices("local")
    told = verb("devices", "check", "local", check=1 if checks.refused else 0)
    kept = [(row["device"], row["what"]) for row in plain(checks)]
    assert kept == [(row["device"], row["what"]) for row in told] and kept


def test_profile_on_a_table_that_is_complete(verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    """Campaigns are not run: the journal that is there stands for what they measured."""
    from edgenas.profiler.campaign import Campaign

    asked: list[Any] = []

    def stored(
        jobs: dict[str, TableJob], blocks: Any, enough: Any, force: bool, *rest: Any, chains: bool, **others: Any
    ) -> Any:
        asked.append((jobs, list(blocks), enough, force, chains))
        return {label: Campaign(read_journal(job.path).table, (), 0, 0, 0.0, ()) for label, job in jobs.items()}

    monkeypatch.setattr("edgenas.profiler.fill.fill", stored)
    done = edgenas.profile("nas_bench_macro", out="table-litert.jsonl", rounds=3, threads=2, within=1.0, force=True)
    told = verb("profile", "nas_bench_macro", "-o", "table-litert.jsonl", "--rounds", "3", "--threads", "2", "--within",
                "1", "--force")  # fmt: skip
    assert plain(done) == told and asked[0] == asked[1] and told["missing"] == 0
    assert done.table.validated and done.check() is None  # type: ignore[func-returns-value]
    few = edgenas.profile("digits", out="table-litert.jsonl", blocks=["conv-8x3-o4-k3-s1-relu6"])
    told = verb("profile", "digits", "-o", "table-litert.jsonl", "--block", "conv-8x3-o4-k3-s1-relu6", check=1)
    assert plain(few) == told and asked[2] == asked[3]
    with pytest.raises(edgenas.OutcomeError, match="42 blocks are not measured"):
        few.check()
    front = edgenas.profile_for_search("nas_bench_macro", out="table-litert.jsonl", budget_ms=2)
    told = verb("profile", "nas_bench_macro", "--for-search", "--budget-ms", "2", "-o", "table-litert.jsonl")
    assert plain(front) == told and len(front.to_frame()) == told["networks"]


def test_validate_on_the_same_measurement(verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    proof = edgenas.open_table("table-litert.jsonl").validation
    asked: list[Any] = []

    def stored(entry: Any, path: Path, request: Any, **how: Any) -> Any:
        asked.append((entry, path, request, how["force"]))
        return proof

    monkeypatch.setattr("edgenas.tables.validate.validate", stored)
    done = edgenas.validate("table-litert.jsonl", space="nas_bench_macro", networks=9, chains=False, seed=4)
    told = verb("table", "validate", "table-litert.jsonl", "--space", "nas_bench_macro", "--networks", "9",
                "--no-chains", "--seed", "4")  # fmt: skip
    assert plain(done) == told and asked[0] == asked[1] and done.error_share == proof.error_share()  # type: ignore[union-attr]


def test_ship_and_demo_order_the_same_run(verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline is stopped where it would begin: both have ordered the same."""
    pytest.importorskip("PIL")
    from tests.support.picture_toys import write_classes

    write_classes(tmp_path / "photos", 12)
    ordered: list[Any] = []

    def stop(self: ShipPipeline) -> None:
        image: Any = self.order.images
        if image is not None:
            image = replace(image, source=image.source.class_names)
        ordered.append((self.folder, self.entry, replace(self.order, images=image), self.seed, self.workers))
        raise edgenas.OutcomeError("stopped here")

    monkeypatch.setattr(ShipPipeline, "run", stop)
    calls: list[Callable[[], Any]] = [
        lambda: edgenas.demo(tmp_path / "d", seed=5, workers=1),
        lambda: edgenas.ship("nas_bench_macro", images=tmp_path / "photos", budget_ms=4, in_size=8, max_trials=9,
                             train=2, options={"winner": {"epochs": 3}}, out=tmp_path / "s"),
    ]  # fmt: skip
    verbs = [
        ("demo", "--run", tmp_path / "d", "--seed", "5", "--workers", "1"),
        ("ship", "nas_bench_macro", "--images", tmp_path / "photos", "--budget-ms", "4", "--in-size", "8",
         "--max-trials", "9", "--train", "2", "--set", "winner.epochs=3", "-o", tmp_path / "s"),
    ]  # fmt: skip
    for call, words in zip(calls, verbs, strict=True):
        ordered.clear()
        with pytest.raises(edgenas.OutcomeError, match="stopped here"):
            call()
        with pytest.raises(SystemExit) as end:
            main([*map(str, words)])
        assert end.value.code == 1 and len(ordered) == 2
        assert ordered[0] == ordered[1]


def test_pictures_and_html(verb: Verb) -> None:
    table = edgenas.open_table("table-litert.jsonl")
    found = edgenas.search("nas_bench_macro", table=table, accuracy=by_macs, budget_ms=2.5, max_trials=20)
    for shown in (table, found, found.front()):
        assert shown.plot().title
    results = (table, found, found.front(), found.best, edgenas.spaces(), edgenas.blocks("digits"), edgenas.devices())
    for result in results:
        html = result._repr_html_()
        assert re.match("<p>.*</p><table>", html) and "<script" not in html
    assert edgenas.open_table("table-litert.jsonl")._repr_html_().count("<tr>") <= 22
