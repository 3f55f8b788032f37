"""What ``edgenas watch`` says in sum: of several campaigns, of a search, and of a campaign that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edgenas.latency_tables.store.journal import TableWriter, read_journal
from edgenas.report.html import h, render
from edgenas.report.sections.arrivals import arrivals_section
from edgenas.report.sections.live import live_section
from edgenas.report.series import all_series
from edgenas.runs.gather import gather
from edgenas.watch.best_so_far import best_so_far
from edgenas.watch.progress import BestSoFar, DeviceShare, JournalProgress, active_s, table_progress, writing
from edgenas.watch.server import WatchedRuns
from tests.conftest import ROOT
from tests.edgenas.test_report import Page
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import SPACE
from tests.support.report_toys import START, Pi, by_macs, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("totals") / "run")


def campaign(name: str, done: int, ends: datetime | None, *devices: str, failures: int = 0) -> JournalProgress:
    shares = tuple(DeviceShare(device, done, 50.0, START.isoformat()) for device in devices)
    return JournalProgress(
        Path(name),
        "litert, fp32",
        "running" if ends else "stopped",
        done,
        90,
        shares,
        done // 3,
        30,
        60.0,
        ends,
        failures,
    )


def told(*found: JournalProgress) -> str:
    return Page(render(live_section(found, now=START))).text


def test_campaigns_are_summed() -> None:
    text = told(
        campaign("pi.jsonl", 30, START + timedelta(minutes=10), "pi-a", "pi-b", failures=2),
        campaign("pixel.jsonl", 60, START + timedelta(minutes=75), "pixel"),
    )
    assert "all tables" in text and "90 of 180" in text and "30 of 60" in text and "3 devices" in text
    assert "13:15, in 1 h 15 min" in text and "12:10, in 10 min" in text
    assert "2 running. 2 blocks failed" in text
    assert "all tables" not in told(campaign("pi.jsonl", 30, None, "pi"))


def test_an_end_on_another_day_says_which() -> None:
    assert "Mon 02 Nov 14:00" in told(campaign("pi.jsonl", 30, START + timedelta(hours=26), "pi"))


def test_pauses_are_not_of_the_pace() -> None:
    assert active_s([]) == active_s([5.0]) == 0
    assert active_s([0, 10, 20, 30]) == 30
    assert active_s([0, 10, 20, 20 + 36_000, 30 + 36_000]) == 30  # stopped over night
    assert active_s([0, 600, 1200]) == 1200  # a slow device


def test_the_best_within_each_budget_of_what_was_judged(run: Path) -> None:
    material = gather([run])
    series, (trials,) = all_series(material), material.trials
    cheap, middle, dear = best_so_far(trials, series, (0.001, 1.5, 1e6))
    assert cheap == BestSoFar(0.001, "", 0.0, 0.0)
    assert dear.accuracy == max(accuracy for _, accuracy in trials.judged)
    within = {key: series[0].total_ms(SPACE.architecture(SPACE.parse(key))) or 0.0 for key, _ in trials.judged}
    assert middle.accuracy == max(a for key, a in trials.judged if within[key] <= 1.5)
    assert middle.cost_ms == within[middle.network] <= 1.5
    assert middle.accuracy == pytest.approx(by_macs(SPACE.architecture(SPACE.parse(middle.network))))
    assert best_so_far(trials, [], (1.5,)) == ()


@pytest.mark.slow
def test_a_search_that_ended_is_finished_and_one_that_died_is_not(run: Path, tmp_path: Path) -> None:
    for name in ("search.trials.jsonl", "table-litert.jsonl"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    text = Page(WatchedRuns([tmp_path], budgets_ms=(1.5,)).page()).text
    assert "1 stopped, 1 finished" in text and "best so far" in text and "1.50" in text
    (tmp_path / "search.json").write_bytes((run / "search.json").read_bytes())
    text = Page(WatchedRuns([tmp_path]).page()).text
    assert "2 finished" in text and "2.50" in text  # the budgets are those of the result
    data = json.loads((run / "search.json").read_text()) | {"accuracy": "another judge"}
    (tmp_path / "search.json").write_text(json.dumps(data))
    assert "1 stopped, 1 finished" in Page(WatchedRuns([tmp_path]).page()).text


@pytest.mark.slow
@pytest.mark.skipif(writing() is None, reason="this system does not tell who holds a file")
def test_a_campaign_that_is_killed_is_stopped(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    path = tmp_path / "local.jsonl"
    argv = [sys.executable, "-m", "edgenas", "profile", "digits", "--in-size", "32", "--rounds", "2", "--processes",
            "500", "--most-processes", "500", "--force", "-o", str(path)]  # fmt: skip
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    with (tmp_path / "said.txt").open("w") as said:
        process = subprocess.Popen(argv, cwd=ROOT, stdout=said, stderr=said, env=env)
        try:
            found = _until(path, lambda p: p.running and p.done > 0, tmp_path)
            assert [s.device for s in found.devices] == ["local"] and found.blocks > 10
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=60)
            found = _until(path, lambda p: not p.running, tmp_path)
            assert found.state in ("stopped", "finished") and found.ends is None
            more = (*SPACE.blocks(), *read_journal(path).table.blocks)  # with blocks that it never reached
            assert table_progress(path, read_journal(path), more, writing()).state == "stopped"
        finally:
            process.kill()


def _until(path: Path, wanted: object, folder: Path) -> JournalProgress:
    """The first progress that is ``wanted``."""
    for _ in range(600):
        if path.exists() and path.stat().st_size:
            found = table_progress(path, read_journal(path), (), writing())
            if wanted(found):  # type: ignore[operator]
                return found
        time.sleep(0.2)
    raise AssertionError((folder / "said.txt").read_text())


def test_blocks_and_judged_networks_are_listed_as_they_arrive(run: Path, tmp_path: Path) -> None:
    path, device, blocks = tmp_path / "t.jsonl", Pi(), SPACE.blocks()[:14]
    with TableWriter(path, SETTING, "0") as writer:
        writer.append([device.measure((b,), 0, "table", "a") for b in blocks])
        writer.append([device.measure((blocks[0],), 1, "table", "h")])  # as late as the others, and written last
    trials = gather([run / "search.trials.jsonl"]).trials
    shown = Page(render(arrivals_section({path: read_journal(path)}, trials) or h("p")))
    assert f"15 measurements and {len(trials[0].judged)} judged networks so far" in shown.text
    measured, judged = shown.text.split("Last judged networks of")
    assert measured.index(str(blocks[0])) < measured.index(str(blocks[13])) and str(blocks[1]) not in measured
    newest = [key for key, _ in trials[0].judged[-12:]]
    places = [judged.index(f" {key} ") for key in reversed(newest)]
    assert places == sorted(places) and trials[0].judged[0][0] not in newest
    assert arrivals_section({}, []) is None
    served = WatchedRuns([run]).page()
    assert 'id="arrivals"' in served and served.index('id="now"') < served.index('id="arrivals"')
