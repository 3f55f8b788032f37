"""The section "The model file": operators and tensors of the shipped file, activation memory over its operators, time
to load it and to run it first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from edgenas.base.errors import EdgenasError
from edgenas.profiler.verdict import Verdict
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, colour, figure, numbers, section, table
from edgenas.report.plot import Axis, Plot

if TYPE_CHECKING:
    from edgenas.profiler.export.layout import ModelLayout

MOST_OPERATORS = 600  #: operators and tensors of a file on the page, at most
_LINE = 7  #: index of the colour of the memory line


def model_section(models: Mapping[Path, bytes], verdicts: Sequence[Verdict]) -> Element | None:
    """Return the section; None without a readable file. ``models`` holds the content of each file, the shipped one
    first."""
    read = [(path, data, layout) for path, data in models.items() if (layout := _layout(data)) is not None]
    if not read:
        return None
    rows = [_row(path, data, layout, verdicts) for path, data, layout in read]
    heads = ("file", "operators", "size, kB", "weights, kB", "activations at most, kB", "load, ms", "first run, ms")
    path, _, layout = read[0]
    return section(
        "model",
        "The model file",
        _finding(path, layout, verdicts),
        table(heads, rows, "Files of the network"),
        _memory(path, layout),
        numbers(f"Operators of {path.name}: {_kinds(layout)}", _operators(path, layout)),
        numbers(f"Tensors of {path.name}: {len(layout.tensors):,}", _tensors(path, layout)),
    )


def _layout(data: bytes) -> ModelLayout | None:
    from edgenas.profiler.export.layout import read_layout

    try:
        return read_layout(data)
    except (EdgenasError, ImportError):  # a package of the file's format is not installed
        return None


def _row(path: Path, data: bytes, layout: ModelLayout, verdicts: Sequence[Verdict]) -> list[Cell]:
    verdict = _verdict(path, verdicts)
    times = (None, None) if verdict is None else (verdict.load_ms, verdict.first_ms)
    sizes = (_kb(len(data)), _kb(layout.weights), _kb(layout.peak))
    return [path.name, len(layout.operators), *sizes, *times]


def _verdict(path: Path, verdicts: Sequence[Verdict]) -> Verdict | None:
    return next((v for v in verdicts if v.file == path.name), None)


def _finding(path: Path, layout: ModelLayout, verdicts: Sequence[Verdict]) -> str:
    top = max(range(len(layout.operators)), key=lambda i: layout.operators[i].live, default=0)
    kind = layout.operators[top].kind if layout.operators else "–"
    text = (
        f"{path.name} has {len(layout.operators)} operators and {_kb(layout.weights)} kB of weights. Activations need "
        f"at most {_kb(layout.peak)} kB, at operator {top + 1}, {kind}."
    )
    verdict = _verdict(path, verdicts)
    if verdict is not None and verdict.load_ms is not None and verdict.first_ms is not None:
        text += (
            f" On {verdict.device}, a new process loads it in {number(verdict.load_ms)} ms and runs it first in "
            f"{number(verdict.first_ms)} ms; later runs take {number(verdict.median_ms)} ms."
        )
    return text


def _kinds(layout: ModelLayout) -> str:
    counts = Counter(operator.kind for operator in layout.operators)
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common())


def _memory(path: Path, layout: ModelLayout) -> Element:
    points = [(float(i), operator.live / 1e3) for i, operator in enumerate(layout.operators, 1)]
    plot = Plot(
        Axis(0.5, len(points) + 0.5),
        Axis.around([value for _, value in points], log=False, zero=True),
        "operator, in the order of running",
        "activations, kB",
        f"Activation memory of {path.name} at each operator",
        180,
        x_ticks=[t for t in Axis(1, max(2, len(points))).ticks(8) if t == int(t)],
    )
    corners = [*points, (len(points) + 0.5, points[-1][1])] if points else []
    plot.step([(x - 0.5, y) for x, y in points] + corners[-1:], colour(_LINE))
    for (x, y), operator in zip(points, layout.operators, strict=True):
        plot.mark((x, y), f"small {colour(_LINE)}", title=f"operator {x:.0f}, {operator.kind}: {number(y)} kB")
    caption = "Memory of the activations while each operator runs, in kB (1,000 bytes); a delegate may need more."
    return figure(caption, plot.element())


def _operators(path: Path, layout: ModelLayout) -> Element:
    rows: list[list[Cell]] = []
    for i, operator in enumerate(layout.operators[:MOST_OPERATORS], 1):
        shapes = [layout.tensors[t] for t in operator.reads]
        weights = sum(t.size for t in shapes if t.constant)
        given = " + ".join(_shape(t.shape) for t in shapes if not t.constant)
        made = layout.tensors[operator.writes[0]] if operator.writes else None
        rows.append(
            [
                f"{i}. {operator.kind}",
                given or "–",
                "–" if made is None else f"{_shape(made.shape)} {made.dtype}",
                f"{operator.macs / 1e6:.3g}" if operator.macs else "–",
                _kb(weights) if weights else "–",
                _kb(operator.live),
            ]
        )
    heads = ("operator", "input", "output", "M MACs", "weights, kB", "activations, kB")
    return table(heads, rows, f"Operators of {path.name}", left=(0, 1, 2))


def _tensors(path: Path, layout: ModelLayout) -> Element:
    rows: list[list[Cell]] = [
        [h("code", t.name), _shape(t.shape), t.dtype, _kb(t.size), "weights" if t.constant else "activation"]
        for t in layout.tensors[:MOST_OPERATORS]
    ]
    return table(("tensor", "shape", "type", "kB", "holds"), rows, f"Tensors of {path.name}", left=(0, 1, 2, 4))


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "scalar"


def _kb(size: float) -> str:
    return number(size / 1e3)
