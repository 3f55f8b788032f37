"""A menu of small networks with random weights, as ``edgenas adapt`` writes it; made in milliseconds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgenas.adaptive.device.model import probe_input
from edgenas.adaptive.program import PROGRAM, program
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import network_random_weights
from edgenas.profiler.export import WRITERS
from edgenas.profiler.export.run import run_model
from edgenas.runs.bundle import write_manifest
from edgenas.runs.menu import MENU, MENU_FILE, MenuFile, MenuNetwork, SavedMenu

#: all of one shape: XNNPACK believes the cache of any of them for any other
BLOCKS = tuple(
    BlockSpec.parse(t) for t in ("conv-16x3-o16-k3-s2-relu", "ir-8x16-m64-o16-k3-s1-relu-res", "head-8x16-o5")
)
INPUT = (1, 16, 16, 3)


def write_toy_menu(
    folder: Path, ms: Sequence[float] = (1.0, 2.0, 3.0), budget_ms: float = 4.0, formats: Sequence[str] = ("tflite",)
) -> SavedMenu:
    """Write a menu of networks that take ``ms`` by its word; each is a little more accurate than the last."""
    folder.mkdir(parents=True)
    networks = []
    for number, time in enumerate(ms, 1):
        weights, files = network_random_weights(BLOCKS, number), {}
        for format in formats:
            content = WRITERS[format](BLOCKS, weights)
            (folder / f"net-{number}.{format}").write_bytes(content)
            files[format] = _file(f"net-{number}.{format}", content)
        networks.append(
            MenuNetwork(
                name=f"net-{number}",
                key=str(number),
                macs=1000 * number,
                params=100,
                ms=time,
                low_ms=0.98 * time,
                high_ms=1.02 * time,
                p90_ms=1.1 * time,
                predicted_ms=time,
                accuracy=80.0 + number,
                judged=80.0 + number,
                files=files,
            )
        )
    saved = SavedMenu(
        space="toy", data="noise", weights="alone", input=INPUT, classes=5, precision="fp32", threads=1,
        budget_ms=budget_ms, slowdown=3.0, device="local", runtime="litert", statistic="median",
        policy={"quantile": 0.9, "fast": 2, "slow": 30, "margin": 0.05}, front="judged", front_networks=len(ms),
        losses={str(len(ms)): 0.0}, networks=tuple(networks),
    )  # fmt: skip
    MENU.write(folder / MENU_FILE, saved)
    (folder / PROGRAM).write_text(program(), encoding="utf-8")
    write_manifest(folder)
    return saved


def _file(name: str, content: bytes) -> MenuFile:
    probe: Any = run_model(content, probe_input(INPUT)).ravel()
    return MenuFile(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        probe=tuple(map(float, probe)),
        tolerance=1e-3 * float(abs(probe).max()),
        accuracy=80.0,
    )
