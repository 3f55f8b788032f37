"""``menu.json``: the networks of a menu, with their files, times and accuracies, for the program on the device.

Versions:
    1 (edgenas 0.3)  the first
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.reading import check_exists
from edgenas.latency_tables.setting import SettingField
from edgenas.profiler.target import Target
from edgenas.runs.documents import DocumentKind

MENU_FILE = "menu.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuFile:
    """A file of a network.

    name        name of the file; in a packed menu, its name in ``pack.json``
    probe       outputs for the input of the probe, whose element i is (i * 2654435761 mod 2^32) / 2^31 - 1
    tolerance   largest difference from ``probe`` with which the file is believed
    stored      how an 8-bit input and output store real numbers; None for other files
    accuracy    accuracy of running the file on the images that judged the network, in percent
    accuracy_on processor that ran it
    """

    name: str
    sha256: str
    bytes: int
    probe: tuple[float, ...]
    tolerance: float
    stored: dict[str, Any] | None = None
    accuracy: float
    accuracy_on: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuNetwork:
    """A network of the menu.

    name           name in events and traces
    key            key in the space
    ms             time of the whole network on the device, with its 95 % interval ``low_ms`` .. ``high_ms``
    predicted_ms   sum of its blocks in the latency table
    judged         accuracy by the judge (torch, validation images), in percent
    test_accuracy  accuracy of the first file on the test images, in percent
    files          'tflite', 'onnx' -> the file
    """

    name: str
    key: str
    macs: int
    params: int
    ms: float
    low_ms: float
    high_ms: float
    p90_ms: float
    predicted_ms: float
    accuracy: float
    judged: float
    test_accuracy: float | None = None
    files: dict[str, MenuFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMenu:
    """Content of ``menu.json``.

    input      shape of the input: 1, height, width, channels
    budget_ms  budget of a frame, ms
    slowdown   largest slowdown that the menu was chosen for
    device     device that timed the networks, in ``setting``, by ``statistic``, with ``runtime``
    policy     settings of the policy
    front      the front that the networks were chosen from: 'predicted' or 'judged', and number of its networks
    losses     number of networks -> accuracy that a menu of that size loses against the front, percentage points
    networks   in order of time and of accuracy
    pack       names of the files of a packed menu
    """

    space: str
    data: str
    weights: str
    input: tuple[int, ...]
    classes: int
    precision: str
    threads: int
    budget_ms: float
    slowdown: float
    device: str
    runtime: str
    statistic: str
    setting: SettingField | None = None
    policy: dict[str, float | int] = field(default_factory=dict)
    front: str
    front_networks: int
    losses: dict[str, float] = field(default_factory=dict)
    networks: tuple[MenuNetwork, ...]
    pack: dict[str, str] | None = None


MENU = DocumentKind(SavedMenu, "edgenas menu", 1, "make the menu again: edgenas adapt")


def read_menu(folder: Path) -> SavedMenu:
    """Return the menu in a folder; InputError where there is none, or it is damaged."""
    check_exists(folder, "menu")
    path = folder / MENU_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} has no {MENU_FILE}, so it is no menu; make one: edgenas adapt SEARCH --budget-ms MS"
        )
    found = MENU.read(path)
    times = [network.ms for network in found.networks]
    if not times or min(times) <= 0 or times != sorted(times):
        raise InputError(f"{path}: networks must be one or more, with times above 0 in ascending order; {MENU.remedy}")
    return found
