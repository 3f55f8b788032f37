"""A run of the demo from end to end, made small: what it writes says what shipped, and is taken up from there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgenas.api.inventory import load_entry
from edgenas.bundle.write import write_bundle
from edgenas.cli import main
from edgenas.profiler.stopping import StoppingRule
from edgenas.report.run import write_run
from edgenas.runs.bundle import changed
from edgenas.runs.finalists import FINALISTS
from edgenas.runs.network import NETWORK
from edgenas.runs.run import RUN
from edgenas.runs.search import read_network, read_search
from edgenas.runs.verification import VERIFICATION
from edgenas.ship.demo import demo_order
from edgenas.ship.pipeline import ShipPipeline

pytest.importorskip("torch")
pytest.importorskip("sklearn")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_demo_says_what_it_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    order = demo_order()
    order = replace(
        order,
        runtimes=("litert",),
        algorithms={"mathnas": {"power": 0.0}},
        enough=StoppingRule(3, 3),
        recipe=replace(order.recipe, epochs=1),
        force=True,
    )
    folder = tmp_path / "run"
    making = ShipPipeline(folder, load_entry(None, "local"), order, workers=1)
    data = write_run(making.run(), making.seconds, folder)
    run, search = RUN.read(folder / "run.json"), read_search(folder / "search.json")
    assert RUN.to_json(run) == data == json.loads((folder / "run.json").read_text())
    assert search.shipped is not None and search.explanation is not None
    assert (search.shipped.key, search.shipped.budget) == (run.winner, run.budget_ms) == (run.winner, run.budgets_ms[1])
    assert search.explanation.key == run.winner and search.explanation.limits[0].most == run.budget_ms
    assert FINALISTS.read(folder / "finalists.json").finalists == run.finalists
    for argv in (("export", "run/search.json", "-o", "model"), ("front", "run/search.json")):
        with pytest.raises(SystemExit) as ended:
            main(list(argv))
        assert ended.value.code in (0, None), capsys.readouterr().err
    assert read_network(tmp_path / "model" / "arch.json") == NETWORK.read(folder / "arch.json")
    assert run.recipe is not None and run.recipe.startswith("1 epoch of ")
    card = (folder / "card.md").read_text()
    assert f"Recipe: {run.recipe}." in card and "datasets:\n- digits\n" in card
    write_bundle(folder, tmp_path / "bundle")
    assert changed(tmp_path / "bundle") == []
    assert tuple(VERIFICATION.read_lines(tmp_path / "bundle" / "verification.jsonl")) == run.verdicts
    assert (tmp_path / "bundle" / "README.md").read_text() == (folder / "card.md").read_text()
    assert f"{run.winner} ships: " in (folder / "report.html").read_text()
