"""The table of the card's files: precision, device, latency, size, accuracy and verdict of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgenas.report.markdown import escaped, interval_text, number_text
from edgenas.report.states import budget_state

if TYPE_CHECKING:
    from edgenas.latency_tables.setting import Setting
    from edgenas.profiler.verdict import Verdict
    from edgenas.runs.run import FileRecord, RunRecord


def files_table(run: RunRecord) -> str:
    """Return the Markdown table of files: precision, device, latency, size, accuracy and budget verdict of each."""
    rows = "\n".join(_row(name, file, run) for name, file in run.files.items())
    return f"""| Model | Precision | Device | Chipset | Runtime | p50 / p90 ms | 95 % interval of p50, ms | \
First run, ms | Peak memory | Size | Accuracy | Same class as torch | Predicted, ms | Budget, ms | Verified |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}"""


def _row(name: str, file: FileRecord, run: RunRecord) -> str:
    size = "-" if file.bytes is None else f"{file.bytes / 1e3:.1f} kB"
    same = "-" if file.agreement is None else f"{100 * file.agreement:.2f} %"
    precision = f"{file.precision}, 7-bit weights" if file.weight_bits == 7 else file.precision
    known = [size, f"{file.accuracy:.2f} %", same]
    verdict = next((v for v in run.verdicts if v.file == name), None)
    if verdict is None or verdict.setting is None:
        cells = [name, precision, *["-"] * 7, *known]
        if not run.verdicts and run.brought is not None and name == next(iter(run.files)):
            cells += [number_text(run.predicted_ms), number_text(run.budget_ms), "predicted, not measured"]
        else:
            cells += ["-", "-", "not timed"]
    else:
        facts = dict(verdict.setting.device)
        cells = [
            name,
            precision,
            str(facts.get("model") or verdict.device),
            str(facts.get("soc") or facts.get("cpu") or "-"),
            _computed_by(verdict.setting),
            f"{number_text(verdict.median_ms)} / {number_text(verdict.p90_ms)}",
            interval_text(verdict.median_low_ms, verdict.median_high_ms),
            number_text(verdict.init_ms),
            _memory(verdict),
            *known,
            number_text(verdict.predicted_ms),
            number_text(verdict.budget_ms),
            _verified(verdict),
        ]
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"


def _computed_by(setting: Setting) -> str:
    """Return the runtime with its version, and the delegate where one was requested."""
    if not setting.nodes_total:
        return setting.version
    return f"{setting.version}, {setting.delegate} ({setting.accelerator or 'CPU'}) in {setting.arithmetic}"


def _verified(verdict: Verdict) -> str:
    """Return the verdict with its statistic and interval, whose upper end is compared with the budget."""
    state = {"inside": "inside", "partly": "inside", "outside": "OUTSIDE", "": "timed"}[budget_state(verdict)]
    between = interval_text(verdict.low_ms, verdict.high_ms)
    text = f"{state}, {verdict.statistic} {number_text(verdict.measured_ms)} ({between})"
    if budget_state(verdict) == "partly":
        text += f"; NOT INSIDE by the median, {number_text(verdict.median_ms)}"
    return text


def _memory(verdict: Verdict) -> str:
    """Return the peak memory of a process that runs the file alone, and the share that the model takes, in MiB."""
    peak, model = (None if kib is None else f"{kib / 1024:.1f}" for kib in (verdict.peak_kib, verdict.model_kib))
    if peak is None:
        return "not known"
    return f"{peak} MiB" if model is None else f"{peak} MiB, the model {model}"
