"""Find the convolutions of torch that write past the end of their memory on processors with AVX2 and no newer
instructions.

    python -m tools.bench.convolution_trap                 # up to 30 minutes on two cores; exit code 1 for a bad one
    python -m tools.bench.convolution_trap --sample --json # half a minute

Every distinct convolution of every space, of the spaces' supernets (slices of a larger weight) and of the published
networks is run forward and backward, in both orders in memory, with 1 and 8 images and the recipe's batch; then a grid
of layers narrower than those of any space. The processes are held to AVX2 (``tools/processor.py``), and their C library
looks at the edges of every piece of memory when it is given back (``MALLOC_CHECK_``): it sees most writes past an end,
though not each one in each run, so that small layers run several times.

Layers are those that training makes ("trained", "slice"), and torch's own ("plain"), which training takes in NCHW
memory only: there none may be bad. What is bad in NHWC memory shows why training does not take it.

Large inputs are halved (``convolution_shapes.COSTLY``), and equal convolutions run once. x86 and glibc only.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgenas.blocks.ops import INPUT, Op
from tools.bench.command import options, run, show
from tools.bench.convolution_case import Case
from tools.bench.convolution_shapes import convolutions, everything, sample
from tools.processor import OLDER, here

ROOT = Path(__file__).resolve().parents[2]
CHECKED = {"LD_PRELOAD": "libc_malloc_debug.so.0", "MALLOC_CHECK_": "3"}  #: glibc before 2.34 needs no preload
SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
#: dies wherever the trap works
OVERRUN = Case(Op("conv", "conv", (INPUT,), 8, 2, 4, bn=True), "overrun", "NHWC", 8)
#: died of torch 2.13 with oneDNN 3.12
KNOWN = Case(Op("conv", "conv", (INPUT,), 16, 4, 8, 1, 2, True), "plain", "NHWC", 8)


@dataclass(frozen=True, slots=True)
class Death:
    """Case that killed its process. ``status`` is the signal (6 or 11 for a damaged heap) or the exit code; ``alone``
    is True where the case also kills a process in which no other case ran before it.
    """

    case: Case
    status: int
    alone: bool

    @property
    def expected(self) -> bool:
        """Return True for a layer that no training uses: torch's own convolution in NHWC memory."""
        return (self.case.layer, self.case.order) == ("plain", "NHWC")

    def __str__(self) -> str:
        return f"{self.case}: status {self.status}{'' if self.alone else ', not when it runs alone'}"


def deaths(
    run: Sequence[Case], jobs: int = 1, progress: Callable[[int], None] = lambda done: None
) -> tuple[Death, ...]:
    """Return the cases that killed their process, in ``jobs`` parallel processes. RuntimeError where a process cannot
    start; ``progress`` receives the number of finished cases, from any thread.
    """
    done = [0] * jobs

    def part(number: int) -> list[Death]:
        mine, found = run[number::jobs], []
        for line in _lines(mine):
            if "died" in line:
                found.append(Death(mine[line["died"]], line["status"], bool(line["alone"])))
            else:
                done[number] = line["done"]
                progress(sum(done))
        if done[number] != len(mine):
            raise RuntimeError(f"the process that runs convolutions ended after {done[number]} of {len(mine)}")
        return found

    with ThreadPoolExecutor(jobs) as pool:
        return tuple(death for found in pool.map(part, range(jobs)) for death in found)


def _lines(run: Sequence[Case]) -> Iterable[dict[str, int]]:
    preload = " ".join(filter(None, (os.environ.get("LD_PRELOAD"), CHECKED["LD_PRELOAD"])))
    environment = {**os.environ, **OLDER, **SINGLE, **CHECKED, "LD_PRELOAD": preload}
    command = [sys.executable, "-m", "tools.bench.convolution_case"]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaints:
        pickle.dump(list(run), given)
        given.seek(0)
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=given, stdout=subprocess.PIPE, stderr=complaints, text=True
        )
        assert child.stdout is not None
        try:
            yield from map(json.loads, child.stdout)
        finally:
            child.stdout.close()
            status = child.wait()
        if status:
            complaints.seek(0)
            raise RuntimeError(complaints.read()[-2000:].decode(errors="replace"))


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--sample", action="store_true", help="only the cases that the tests run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side")
    asked = parser.parse_args(argv)
    if platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        parser.error("this is about kernels for x86, and glibc looks for what they write: neither is here")
    say = Console(stderr=True).print
    if not deaths([OVERRUN]):
        parser.error("a write past the end of memory went unseen: is libc_malloc_debug.so.0 (Debian: libc6) there?")
    known = bool(deaths([KNOWN]))
    by_source = convolutions()
    todo = sample() if asked.sample else everything()
    begun, told = time.monotonic(), [0.0]

    def progress(done: int) -> None:
        if time.monotonic() > told[0] + 10:
            told[0] = time.monotonic()
            say(f"{done:,} of {len(todo):,} cases, {told[0] - begun:.0f} s", highlight=False)

    died = deaths(todo, max(1, asked.jobs), progress)
    seconds = time.monotonic() - begun
    rows = [{"from": name, "convolutions": len(ops), **span(ops)} for name, ops in by_source.items()]
    numbers = {
        "processor": here(),
        "variables": {**OLDER, **CHECKED},
        "torch": torch.__version__,
        "known_case_dies": known,
        "cases": len(todo),
        "cases_by_layer": dict(Counter(f"{case.layer} {case.order}{' bf16' * case.bf16}" for case in todo)),
        "batches": sorted({case.batch for case in todo}),
        "seconds": seconds,
        "sources": rows,
        "died": [{**asdict(d.case), "status": d.status, "alone": d.alone, "expected": d.expected} for d in died],
    }
    bad = [death for death in died if not death.expected]
    table = Table("from", "convolutions", "channels in", "out", "kernels", "strides", "input", title=here())
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    variables = " ".join(f"{name}={value}" for name, value in {**OLDER, **CHECKED}.items())
    lines = [
        f"torch {torch.__version__}, {variables}",
        f"{len(todo):,} cases in {seconds:.0f} s: {numbers['cases_by_layer']}",
        f"torch's own 1x1 of stride 2, 4 -> 8 channels, NHWC: {'dies' if known else 'does not die (mended?)'}",
        *(f"bad in NHWC memory, and not trained with: {death}" for death in died if death.expected),
        *(f"BAD, and trained with: {death}" for death in bad),
    ]
    show(numbers, [table, *map(Text, lines)], asked.json)
    return 1 if bad else 0


def span(ops: Iterable[Op]) -> dict[str, str]:
    """Return the ranges of convolutions for the table: channels, input pixels, kernels, strides."""
    some = list(ops)

    def ends(values: Iterable[int]) -> str:
        ordered = sorted(values)
        return f"{ordered[0]}..{ordered[-1]}"

    return {
        "c_in": ends(op.c_in for op in some),
        "c_out": ends(op.c_out for op in some),
        "kernels": " ".join(map(str, sorted({op.kernel for op in some}))),
        "strides": " ".join(map(str, sorted({op.stride for op in some}))),
        "in_size": ends(op.in_size for op in some),
    }


if __name__ == "__main__":
    run(main)
