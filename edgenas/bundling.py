"""A bundle: everything that ships of a run, in one folder that proves itself.

model.tflite, model.onnx, arch.json          the network
labels.txt, preprocessing.json, predict_*.py  how to use it, with one runtime, numpy and pillow
card.md, report.html                         what it is, how fast, how sure
verification.jsonl                           how its files were timed, each with the setting
table-*.jsonl, search.json, search.trials.jsonl, demo.json   what led to it
MANIFEST                                     sha256 of every file, as sha256sum writes and checks them
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from blocks.architecture import Architecture
from blocks.errors import InputError
from edgenas.report.files import DemoData, VerdictData
from edgenas.report.gather import gather
from edgenas.report.page import page
from edgenas.shipping import write_whole
from latency_tables.setting import Setting

MANIFEST = "MANIFEST"
#: of a run: what a bundle takes as it is
TAKEN = ("model.tflite", "model.onnx", "arch.json", "search.json", "search.trials.jsonl", "demo.json")
PREDICT = ("predict_litert.py", "predict_onnxruntime.py")
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]{0,200})")


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that is not what the manifest says: ``how`` is 'changed', 'missing' or 'not in the manifest'."""

    file: str
    how: str


def write_bundle(run: Path, out: Path) -> list[str]:
    """Write the bundle of a finished demo ``run`` into the new folder ``out``, whole or not at all; the names of its
    files. InputError where the run lacks something, or ``out`` exists."""
    if out.exists():
        raise InputError(f"{out} exists and is not overwritten; name another folder with -o, or remove it")
    missing = [name for name in (*TAKEN, "card.md") if not (run / name).is_file()]
    if missing:
        raise InputError(
            f"{run} has no {', '.join(missing)}: it is no finished demo; finish it: edgenas demo --run {run}"
        )
    material = gather([run])
    if not material.demos or not material.journals:
        raise InputError(f"{run} has no latency table beside demo.json; make a run: edgenas demo")
    demo = material.demos[0]
    architecture = Architecture.from_json(json.loads((run / "arch.json").read_text()))
    made = out.with_name(f".{out.name}.partial")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        for source in [run / name for name in TAKEN] + list(material.journals):
            shutil.copyfile(source, made / source.name)
        for name in PREDICT:
            (made / name).write_text((files("edgenas.report") / "static" / name).read_text(encoding="utf-8"))
        (made / "labels.txt").write_text("".join(f"{i}\n" for i in range(architecture.c_out)))
        (made / "preprocessing.json").write_text(json.dumps(preprocessing(architecture), indent=1) + "\n")
        settings = {journal.table.setting.runtime: journal.table.setting for journal in material.journals.values()}
        lines = [json.dumps({**v.model_dump(exclude_none=True), "setting": settings[v.runtime].as_dict()}) + "\n"
                 for v in demo.verdicts if v.runtime in settings]  # fmt: skip
        (made / "verification.jsonl").write_text("".join(lines))
        (made / "card.md").write_text(card(demo, settings, made, (run / "card.md").read_text(), architecture))
        (made / "report.html").write_bytes(page(material).encode())
        write_whole(made / MANIFEST, manifest(made))
        made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return sorted(path.name for path in out.iterdir())


def preprocessing(architecture: Architecture) -> dict[str, Any]:
    """From a picture to the network's input: of scikit-learn's digits, bright on dark, as they are trained on."""
    return {
        "mode": "L" if architecture.c_in == 1 else "RGB",
        "width": architecture.in_size,
        "height": architecture.in_size,
        "scale": "pixels / 255, then (pixels - mean) / std",
        "mean": 0.3,
        "std": 0.35,
    }


def manifest(folder: Path) -> str:
    """A line a file but itself, in order of name, as ``sha256sum`` writes them."""
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
    return "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def changed(bundle: Path) -> list[Changed]:
    """Every file that is not as the manifest says; hidden ones, which systems leave behind, do not count. InputError
    where there is no manifest, or one that is damaged."""
    path = bundle / MANIFEST
    try:
        lines = path.read_text().splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{bundle} is no bundle: it has no readable {MANIFEST}; make one: edgenas bundle") from error
    wanted: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        if found is None or found[2] in wanted:
            raise InputError(f"{path}, line {number}: {line[:80]!r} is no sha256 with a file of its own; get it again")
        wanted[found[2]] = found[1]
    problems = []
    for name, digest in wanted.items():
        file = bundle / name
        if file.is_symlink() or not file.is_file():
            problems.append(Changed(name, "missing"))
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            problems.append(Changed(name, "changed"))
    there = {p.name for p in bundle.iterdir() if not p.name.startswith(".") and p.name != MANIFEST}
    return problems + [Changed(name, "not in the manifest") for name in sorted(there - wanted.keys())]


def card(demo: DemoData, settings: dict[str, Setting], folder: Path, story: str, architecture: Architecture) -> str:
    """The run's card as a model card of Hugging Face: front matter, one table of what was measured, then the story."""
    rows = [_row(v, settings, folder, demo) for v in demo.verdicts if v.runtime in settings]
    title, _, rest = story.partition("\n")
    return f"""---
pipeline_tag: image-classification
tags: [tflite, litert, onnx, edge, latency, neural-architecture-search, edgenas]
metrics: [accuracy]
---
{title}

| Model | Precision | Device | Chipset | Runtime | p50 / p90 ms | 95 % interval, ms | Peak memory | Size | Accuracy | \
Budget, ms | Verified |
|---|---|---|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

Use it: `python {PREDICT[0]} PICTURE` or `python {PREDICT[1]} PICTURE`; each needs its runtime, numpy and pillow.
Repeat the measurement: `edgenas verify .`. Check the files: `sha256sum -c {MANIFEST}`. Look: `report.html`.
{rest}"""


def _row(verdict: VerdictData, settings: dict[str, Setting], folder: Path, demo: DemoData) -> str:
    setting = settings[verdict.runtime]
    facts = dict(setting.device)
    size = (folder / verdict.file).stat().st_size
    cells = [
        verdict.file, setting.precision, str(facts.get("model") or verdict.device),
        str(facts.get("soc") or facts.get("cpu") or "-"), setting.version,
        f"{_ms(verdict.median_ms)} / {_ms(verdict.p90_ms)}", f"{_ms(verdict.low_ms)} .. {_ms(verdict.high_ms)}",
        "not measured", f"{size / 1e3:.1f} kB", f"{demo.accuracy:.2f} %", _ms(verdict.budget_ms),
        {True: "inside", False: "OUTSIDE", None: "timed"}[verdict.within_budget],
    ]  # fmt: skip
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Text that Markdown and HTML take for nothing else."""
    return re.sub(r"([|\\`*_<>\[\]])", r"\\\1", text)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
