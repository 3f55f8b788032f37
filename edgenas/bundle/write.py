"""A bundle: everything that ships of a run, in one folder that proves itself.

model.tflite, model.onnx, model-int8.tflite ...   the network, in each format and precision that was asked for
arch.json                                         the network as text
labels.txt, preprocessing.json, predict.py        how to use it; TFLite files carry labels and scaling themselves too
card.md, report.html                              what it is, how fast, how sure
verification.jsonl                                how its files were timed, each with the setting
table-*.jsonl, search.json, search.trials.jsonl, run.json   what led to it
MANIFEST                                          sha256 of every file, as sha256sum writes and checks them
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.base.files import write_whole
from edgenas.latency_tables.setting import Setting
from edgenas.report.page import page
from edgenas.runs.files import FileData, RunRecord, VerdictData
from edgenas.runs.gather import gather
from edgenas.ship.preprocessing import LABELS, PREDICT, PREPROCESSING

MANIFEST = "MANIFEST"
#: of a run: what a bundle takes as it is, beside tables and models
TAKEN = ("arch.json", LABELS, PREPROCESSING, PREDICT, "search.json", "search.trials.jsonl", "run.json")
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]{0,200})")


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that is not what the manifest says: ``how`` is 'changed', 'missing' or 'not in the manifest'."""

    file: str
    how: str


def write_bundle(run: Path, out: Path, replace: bool = False) -> list[str]:
    """Write the bundle of a finished ``run`` into the folder ``out``, whole or not at all; the names of its files.
    InputError where the run lacks something, or ``out`` exists and is not a bundle to ``replace``."""
    check_out(out, replace)
    missing = [name for name in (*TAKEN, "card.md") if not (run / name).is_file()]
    if missing:
        raise InputError(
            f"{run} has no {', '.join(missing)}: it is no finished run; finish it with the command that began "
            f"it, edgenas demo --run {run} or edgenas ship"
        )
    material = gather([run])
    if not material.demos or not material.journals:
        raise InputError(f"{run} has no latency table beside run.json; make a run: edgenas demo")
    done = material.demos[0]
    for name in done.files:
        if Path(name).name != name or not (run / name).is_file():
            raise InputError(f"{run} has no {name}, of which run.json tells; make the run again: edgenas demo")
    made = out.with_name(f".{out.name}.partial")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        for source in [run / name for name in (*TAKEN, *done.files)] + list(material.journals):
            shutil.copyfile(source, made / source.name)
        lines = [json.dumps(v.model_dump(exclude_none=True)) + "\n" for v in done.verdicts]
        (made / "verification.jsonl").write_text("".join(lines))
        (made / "card.md").write_text(card(done, made, (run / "card.md").read_text()))
        (made / "report.html").write_bytes(page(material).encode())
        write_whole(made / MANIFEST, manifest(made))
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return sorted(path.name for path in out.iterdir())


def check_out(out: Path, replace: bool = False) -> None:
    """InputError where a bundle cannot be written to ``out``."""
    if out.exists() and not (replace and (out / MANIFEST).is_file()):
        raise InputError(f"{out} exists and is not overwritten; name another folder with -o, or remove it")


def manifest(folder: Path) -> str:
    """A line a file but itself, in order of name, as ``sha256sum`` writes them."""
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
    return "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def changed(bundle: Path) -> list[ChangedFile]:
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
            problems.append(ChangedFile(name, "missing"))
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            problems.append(ChangedFile(name, "changed"))
    there = {p.name for p in bundle.iterdir() if not p.name.startswith(".") and p.name != MANIFEST}
    return problems + [ChangedFile(name, "not in the manifest") for name in sorted(there - wanted.keys())]


def card(done: RunRecord, folder: Path, story: str) -> str:
    """The run's card as a model card of Hugging Face: front matter, one table of what was measured, then the story."""
    rows = "\n".join(_row(name, file, done, folder) for name, file in done.files.items())
    title, _, rest = story.partition("\n")
    return f"""---
pipeline_tag: image-classification
tags: [tflite, litert, onnx, edge, latency, neural-architecture-search, edgenas]
metrics: [accuracy]
---
{title}

| Model | Precision | Device | Chipset | Runtime | p50 / p90 ms | 95 % interval of p50, ms | Peak memory | Size | \
Accuracy | Budget, ms | Verified |
|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}

Use it: `python {PREDICT} PICTURE`, with `--model` another file; it needs the file's runtime, numpy and pillow.
Repeat the measurement: `edgenas verify .`. Check the files: `sha256sum -c {MANIFEST}`. Look: `report.html`.
{rest}"""


def _row(name: str, file: FileData, done: RunRecord, folder: Path) -> str:
    size = f"{(folder / name).stat().st_size / 1e3:.1f} kB"
    accuracy = f"{file.accuracy:.2f} %"
    verdict = next((v for v in done.verdicts if v.file == name), None)
    if verdict is None or verdict.setting is None:
        cells = [name, file.precision, "-", "-", "-", "-", "-", "-", size, accuracy, "-", "not timed"]
    else:
        setting = Setting.from_dict(verdict.setting.model_dump())
        facts = dict(setting.device)
        cells = [
            name,
            file.precision,
            str(facts.get("model") or verdict.device),
            str(facts.get("soc") or facts.get("cpu") or "-"),
            setting.version,
            f"{_ms(verdict.median_ms)} / {_ms(verdict.p90_ms)}",
            _between(verdict.median_low_ms, verdict.median_high_ms),
            _memory(verdict),
            size,
            accuracy,
            _ms(verdict.budget_ms),
            _verified(verdict),
        ]
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _verified(verdict: VerdictData) -> str:
    """By which statistic, since it is that one's interval which is held against the budget."""
    state = {True: "inside", False: "OUTSIDE", None: "timed"}[verdict.within_budget]
    return f"{state}, {verdict.statistic} {_ms(verdict.measured_ms)} ({_between(verdict.low_ms, verdict.high_ms)})"


def _memory(verdict: VerdictData) -> str:
    """Of a process with nothing but the file, and what of it the model is."""
    peak, model = (None if kib is None else f"{kib / 1024:.1f}" for kib in (verdict.peak_kib, verdict.model_kib))
    if peak is None:
        return "not told"
    return f"{peak} MiB" if model is None else f"{peak} MiB, the model {model}"


def _plain(text: str) -> str:
    """Text that Markdown and HTML take for nothing else."""
    return re.sub(r"([|\\`*_<>\[\]])", r"\\\1", text)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _between(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:.4g} .. {high:.4g}"
