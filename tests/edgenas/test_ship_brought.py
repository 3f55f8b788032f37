"""``ship`` with a table that the user brings: what is predicted by it is said to be predicted, what is measured is
measured."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

import edgenas
from edgenas.api.ship import ShippedRun
from edgenas.base.errors import InputError
from edgenas.latency_tables.imported import ImportedTable, TableSource, write_imported
from edgenas.latency_tables.published import PublishedValue
from edgenas.profiler.plan import Plan
from edgenas.report.card import proved
from edgenas.runs.run import BroughtTable
from edgenas.ship.finish import plan_for
from tests.edgenas.test_cli import edgenas as typed
from tests.profiler.test_plan import LOCAL
from tests.support.picture_toys import write_classes

pytest.importorskip("torch")
pytest.importorskip("PIL.Image")

SPACE = "nas_bench_macro:divided=8"
BUDGET_MS = 0.11
QUICK: dict[str, Any] = {
    "in_size": 8, "max_trials": 12, "train": 1, "workers": 0, "force": True,
    "options": {"winner": {"epochs": 1, "batch": 16}},
}  # fmt: skip


def brings(folder: Path) -> None:
    """Write images, an imported table, and accuracies of 40 networks."""
    write_classes(folder / "photos", 20)
    space, rng = edgenas.space(SPACE, in_size=8, classes=3), random.Random(1)
    values = {block: PublishedValue(0.01 + block.macs / 2e6) for block in space.blocks() if block.kind != "skip"}
    write_imported(folder / "mine.jsonl", ImportedTable(TableSource("plain", "mine.csv", "0" * 64, "my-phone"), values))
    with (folder / "accuracies.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("network", "accuracy"))
        for choice in sorted({space.sample(rng) for _ in range(40)}):
            writer.writerow((space.key(choice), 60 + 4 * (space.architecture(choice).macs / 1e5) ** 0.5))


def shipped(folder: Path, **more: Any) -> ShippedRun:
    judge = f"estimate:table:{folder / 'accuracies.csv'}"
    given = {"images": folder / "photos", "table": folder / "mine.jsonl", "accuracy": judge, "budget_ms": BUDGET_MS}
    return edgenas.ship(SPACE, **{**given, **QUICK, "out": folder / "run", **more})


@pytest.mark.slow
def test_an_imported_table_predicts_and_nothing_claims_a_measurement(tmp_path: Path) -> None:
    brings(tmp_path)
    done = shipped(tmp_path)
    done.check()
    assert done.within_budget is None and "predicted, not measured" in repr(done)
    bundle = done.bundle
    run = json.loads((bundle / "run.json").read_text())
    space = edgenas.space(SPACE, in_size=8, classes=3)
    network = space.architecture(space.parse(run["winner"]))
    predicted = sum(0.01 + block.macs / 2e6 for block in network.blocks if block.kind != "skip")
    assert run["predicted_ms"] == pytest.approx(predicted) and predicted <= BUDGET_MS
    assert run["brought"]["source"] == "mine.csv" and run["brought"]["device"] == "my-phone"
    assert run["tables"] == {} and run["verdicts"] == [] and run["finalists"] == []
    assert run["measured_ms"] is None and run["within_budget"] is None and run["validation"] is None
    assert (bundle / "verification.jsonl").read_bytes() == b""
    card = (bundle / "README.md").read_text()
    assert "**The latency was not measured.**" in card and "predicted, not measured |" in card
    assert "an imported table (mine.csv, times of my-phone)" in card and "Measured with" not in card
    assert "NOT MEASURED: predicted by an imported table" in (bundle / "report.html").read_text()
    search = json.loads((bundle / "search.json").read_text())
    assert search["table"] == "table-imported.jsonl" and search["validated"] is False
    assert search["estimate"]["networks"] == 40
    first = edgenas.verify_bundle(bundle, processes=1, rounds=2, most_processes=1, force=True)
    assert [each.recorded for each in first.files] == [None, None] and not first.changed
    assert first.files[0].repeated.predicted_ms == pytest.approx(predicted)
    assert first.files[0].repeated.budget_ms == BUDGET_MS and first.files[1].repeated.budget_ms is None
    assert first.to_json()["files"][0]["recorded"] is None and "none recorded" in repr(first)
    assert (bundle / "MANIFEST").is_file()
    with pytest.raises(InputError, match="this table is of images of 8 px"):
        shipped(tmp_path, in_size=16, out=tmp_path / "other")
    assert not (tmp_path / "other").exists()
    refused = ("ship", SPACE, "--in-size", "8", "--images", "photos", "--table", "mine.jsonl", "--budget-ms", "0.001")
    assert "the smallest reachable" in typed(*refused, cwd=tmp_path, check=2).stderr


@pytest.mark.slow
def test_a_device_that_is_named_is_measured(tmp_path: Path) -> None:
    brings(tmp_path)
    done = shipped(tmp_path, device="local", budget_ms=50)
    assert done.within_budget is True
    run = json.loads((done.bundle / "run.json").read_text())
    assert run["verdicts"][0]["within_budget"] is True and run["finalists"]
    assert run["measured_ms"] > 0 and run["brought"]["predicted_ms"] == run["predicted_ms"]
    assert "The latency was not measured" not in (done.bundle / "README.md").read_text()
    assert (done.bundle / "table-imported.jsonl").read_bytes() == (tmp_path / "mine.jsonl").read_bytes()


def test_what_is_known_of_a_table_from_elsewhere_is_said() -> None:
    fitted = BroughtTable(source="n.csv", format="whole networks", networks=30, error_share=0.04, predicted_ms=1.0)
    assert str(fitted) == "a table fitted to 30 whole networks (n.csv)"
    assert "fitted to 30 whole networks" in proved(None, None, fitted) and "4 %" in proved(None, None, fitted)
    plain = BroughtTable(source="m.csv", format="plain", device="pi4", predicted_ms=1.0)
    assert str(plain) == "an imported table (m.csv, times of pi4)"
    assert "nothing was measured" in proved(None, None, plain)
    assert plan_for(None, LOCAL, "fp16") == Plan(rounds=20, cores=LOCAL.cores, precision="fp32")
