"""The places where a verb reads a file, each with a good file to damage, and numbers that options must refuse."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

GOLDEN = Path(__file__).parents[2] / "tests" / "golden" / "run-0.2"
BAD = "{bad}"


@dataclass(frozen=True, slots=True)
class Slot:
    """A file that a verb reads: the command, with BAD in place of the file, and the good file, relative to the folder.

    every    damages are taken in steps of this number
    fixed    whether the file must keep its name: BAD is then not in the command
    allowed  exit codes for a bad file
    """

    verb: str
    command: str
    good: str
    every: int = 1
    fixed: bool = False
    allowed: frozenset[int] = frozenset({2})

    @property
    def json(self) -> bool:
        return self.good.endswith((".json", ".jsonl"))


JUDGED = "--accuracy judge.py:judge --budget-macs 60e6 --algorithm mathnas --max-trials 30"
CHANGED = frozenset({2, 3})
UNLOADED = frozenset({1, 2})  #: 1 where the runtime of the device refuses a model
SLOTS = (
    Slot("front", f"front {BAD}", "search.json", 2),
    Slot("front", f"front search.json --unvalidated --table {BAD}", "table.jsonl", 6),
    Slot("report", f"report {BAD}", "table.jsonl", 2),
    Slot("report", f"report {BAD}", "search.json", 4),
    Slot("report", f"report {BAD}", "search.trials.jsonl", 4),
    Slot("report", f"report {BAD}", "verification.jsonl", 6),
    Slot("report", f"report {BAD}", "sustained.jsonl", 6),
    Slot("report", f"report {BAD}", "run.json", 6),
    Slot("blocks", f"blocks {BAD}", "arch.json", 4),
    Slot("export", f"export {BAD} -o new", "arch.json", 4),
    Slot("export", f"export arch.json -o new --weights {BAD}", "images.npz", 4),
    Slot("export", f"export arch.json -o new --precision int8 --calibrate {BAD}", "images.npz", 6),
    Slot("export", f"export arch.json -o new --labels {BAD}", "labels.txt", 4),
    Slot("verify", f"verify {BAD}", "model.tflite", 4, allowed=UNLOADED),
    Slot("verify", f"verify {BAD}", "model.onnx", 6, allowed=UNLOADED),
    Slot("verify", f"verify model.tflite --network {BAD} --table table.jsonl", "arch.json", 6),
    Slot("verify", f"verify model.tflite --network arch.json --table {BAD}", "table.jsonl", 6),
    Slot("verify", f"verify model.tflite --images {BAD}", "images.npz", 6),
    Slot("verify", f"verify model.tflite --inventory {BAD}", "devices.toml", 6),
    Slot("verify of a bundle", "verify bundled", "bundled/MANIFEST", 2, True, CHANGED),
    Slot("verify of a bundle", "verify bundled", "bundled/bundle.json", 4, True, CHANGED),
    Slot("bundle", "bundle run -o new", "run/run.json", 4, True),
    Slot("bundle", "bundle run -o new", "run/search.json", 6, True),
    Slot("bundle", f"bundle run --search {BAD} -o new --test images.npz", "search.json", 6),
    Slot("table show", f"table show {BAD}", "table.jsonl", 2),
    Slot("table check", f"table check {BAD} --space nas_bench_macro", "table.jsonl", 6),
    Slot("table validate", f"table validate {BAD} --space nas_bench_macro", "table.jsonl", 6),
    Slot("table diff", f"table diff table.jsonl {BAD}", "table.jsonl", 6),
    Slot("table import", f"table import {BAD} --format tunas -o new.jsonl", "arch.json", 6),
    Slot("table import", f"table import {BAD} --format ofa -o new.jsonl", "arch.json", 6),
    Slot("table import", f"table import {BAD} --format fbnet -o new.jsonl", "labels.txt", 6),
    Slot("table import", f"table import {BAD} --format plain -o new.jsonl", "labels.txt", 6),
    Slot("table fit", f"table fit {BAD} --space nas_bench_macro -o new.jsonl", "labels.txt", 6),
    Slot("search", f"search nas_bench_macro --budget-macs 60e6 --accuracy table:{BAD}", "labels.txt", 6),
    Slot("profile", f"profile nas_bench_macro --from {BAD} --blocks 1 -o new.jsonl", "table.jsonl", 6),
    Slot("search", f"search nas_bench_macro {JUDGED} -o search.json", "search.trials.jsonl", 2, True),
    Slot("search", f"search nas_bench_macro --accuracy judge.py:judge --budget-ms 2 --table {BAD}", "table.jsonl", 6),
    Slot("search", f"search nas_bench_macro --budget-macs 60e6 --accuracy nas-bench-macro:{BAD}", "arch.json", 6),
    Slot("search", f"search nas_bench_macro --budget-macs 60e6 --accuracy train --images {BAD}", "images.npz", 6),
    Slot("search", f"search {BAD}:tiny --budget-macs 60e6 --accuracy judge.py:judge", "judge.py", 6),
    Slot("ship", f"ship nas_bench_macro --images {BAD} --budget-ms 2 -o new", "images.npz", 4),
    Slot("ship", f"ship nas_bench_macro --images images.npz --table {BAD} --budget-ms 2 -o new", "table.jsonl", 6),
    Slot("profile", f"profile nas_bench_macro -o {BAD}", "table.jsonl", 4),
    Slot("profile", f"profile {BAD} -o new.jsonl", "arch.json", 6),
    Slot("profile", f"profile nas_bench_macro --inventory {BAD} -o new.jsonl", "devices.toml", 6),
    Slot("devices", f"devices list --inventory {BAD}", "devices.toml", 2),
    Slot("devices", f"devices check --inventory {BAD}", "devices.toml", 6),
)
NUMBERLESS = frozenset({"NaN", "huge whole numbers", "infinite numbers", "negative numbers"})  #: a network has none
#: damages that are none: the verb creates the file, or reads folders as well
GOOD = {
    ("profile", "table.jsonl"): {"missing", "empty"},
    ("search", "search.trials.jsonl"): {"missing", "empty", "negative numbers", "only the head"},
    ("report", "search.trials.jsonl"): {"negative numbers", "only the head"},
    ("report", "verification.jsonl"): {"version of a text"},
    ("devices", "devices.toml"): {"empty"},
    ("blocks", "arch.json"): NUMBERLESS,
    ("export", "arch.json"): NUMBERLESS,
    ("profile", "arch.json"): NUMBERLESS,
    ("verify", "arch.json"): NUMBERLESS,
}
NUMBERS = (
    *(("search", f"search nas_bench_macro --accuracy judge.py:judge --budget-macs {n}") for n in ("nan", "inf", "-1")),
    *(("verify", f"verify model.tflite --budget-ms {n}") for n in ("nan", "inf", "0", "1e999")),
    *(("verify", f"verify model.tflite {o}") for o in ("--rounds 0", "--processes -1", "--sustained 1e99h")),
    *(("profile", f"profile nas_bench_macro -o new.jsonl {o}") for o in ("--within nan", "--rounds 99999999999999")),
    *(("profile", f"profile nas_bench_macro -o new.jsonl {o}") for o in ("--threads 0", "--core -1", "--cold-kib -5")),
    *(("ship", f"ship nas_bench_macro --images images.npz -o new --budget-ms {n}") for n in ("nan", "inf", "-0")),
    *(("watch", f"watch table.jsonl --port 0 --budget-ms {n}") for n in ("nan", "-5")),
    ("bundle", "bundle run -o new --budget-ms nan"),
    *(("watch", f"watch {path} --port 0") for path in ("absent.jsonl", "judge.py/absent", "absent*")),
    ("export", "export arch.json -o new --mean nan,nan,nan --deviation 1,1,1 --labels labels.txt"),
    ("export", "export nas_bench_macro/9.9.9 -o new"),
    ("blocks", "blocks nas_bench_macro --in-size 99999999999999999999"),
    ("devices", "devices exec local --timeout-s nan -- true"),
    ("devices", "devices exec local --timeout-s -1 -- true"),
)

JUDGE = "def judge(network):\n    return 50 + 40 * network.macs / (network.macs + 3e7)\n"


def material(folder: Path) -> None:
    """Write the good files of all slots into ``folder``."""
    import numpy as np

    from edgenas.latency_tables.records import Measurement
    from edgenas.latency_tables.setting import Setting
    from edgenas.latency_tables.store.journal import TableWriter
    from edgenas.runs.bundle import BUNDLE, BundleRecord, write_manifest
    from edgenas.search.spaces import space

    (folder / "judge.py").write_text(JUDGE, encoding="utf-8")
    for name in ("verification.jsonl", "sustained.jsonl", "labels.txt", "run.json"):
        shutil.copy(GOLDEN / name, folder)
    shutil.copytree(GOLDEN, folder / "run")
    setting = Setting((("model", "Pi"),), "litert", "ai_edge_litert 2.3.0", "0" * 64, "xnnpack", "fp32", 1, (), "fifo")
    with TableWriter(folder / "table.jsonl", setting, "0.3.0") as writer:
        for i, block in enumerate(space("nas_bench_macro").blocks()):
            times = (tuple(range(10**6 + 1000 * i, 10**6 + 1000 * i + 4)),)
            facts = {"device": "pi4", "time": "2026-11-22T06:17:17+00:00"}
            writer.append(Measurement((block,), n, times, 1, None, facts, facts, "table", f"b{n}") for n in range(3))
    rng = np.random.default_rng(0)
    np.savez(
        folder / "images.npz", images=rng.integers(0, 255, (12, 32, 32, 3), dtype=np.uint8), labels=np.arange(12) % 2
    )
    (folder / "bundled").mkdir()
    for command in (
        f"search nas_bench_macro {JUDGED} -o search.json",
        "export search.json -o model",
        "devices add pi4 --ssh pi@127.0.0.1:1 --inventory devices.toml",
    ):
        code, said = in_process(command.split())
        if code:
            raise RuntimeError(f"edgenas {command}: {said}")
    for name in ("model.tflite", "model.onnx", "arch.json"):
        shutil.copy(folder / "model" / name, folder)
        shutil.copy(folder / "model" / name, folder / "bundled")
    BUNDLE.write(folder / "bundled" / "bundle.json", BundleRecord("a network", ("model.tflite", "model.onnx")))
    write_manifest(folder / "bundled")


def in_process(arguments: list[str]) -> tuple[int, str]:
    """Run ``edgenas`` in this process and folder; return its exit code and stderr. Any exception but SystemExit is
    raised."""
    from edgenas.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as ended:
            return int(ended.code or 0), err.getvalue()
    return sys.maxsize, err.getvalue()
