"""Shell completions: names of spaces, devices, algorithms and the like, and files of tables.

Tab must answer at once, so this module names things without loading them; a test compares the names with the code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgenas.api.inventory import INVENTORY
from edgenas.base.errors import InputError
from edgenas.base.reading import read_bytes

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list["CompletionItem"]]

ALGORITHMS = ("hybrid", "layernas", "mathnas", "random", "regularized_evolution", "ofa_evolution", "reinforce", "nsga2")
FORMATS = ("proxylessnas", "ofa", "single-path", "tunas", "fbnet", "plain")  #: formats of imported latency tables
INSTALLABLE = ("litert", "onnxruntime")  #: runtimes that edgenas installs on boards
JUDGES = ("digits", "train", "supernet")
LOSSES = ("mse", "l1", "huber", "multi-label", "cross-entropy")
MEASURED = ("fp32", "int8")  #: precisions of tables
PRECISIONS = ("fp32", "fp16", "int8")  #: precisions of exported files
RUNTIMES = (*INSTALLABLE, "benchmark_model", "onnxruntime_perf_test")
DELEGATES = ("gpu", "gpu:fp32", "openvino:cpu", "openvino:gpu", "openvino:npu", "qualcomm", "mediatek", "google_tensor",
             "xnnpack", "cuda", "tensorrt", "qnn", "nnapi", "acl", "hexagon")  # fmt: skip
STATISTICS = ("min", "median", "p90", "mean")


def words(*names: str) -> Complete:
    """Return a completion of one of ``names``."""
    return lambda ctx, param, incomplete: _items(names, incomplete)


def words_or_own(*names: str) -> Complete:
    """Return a completion of one of ``names``, or of a Python file with the user's own code."""
    return lambda ctx, param, incomplete: _items(names, incomplete) + own_code(incomplete)


def own_code(incomplete: str) -> list[CompletionItem]:
    """Complete FILE.py:NAME: files, and after the colon the names that a file defines. The file is read, not run."""
    from click.shell_completion import CompletionItem

    from edgenas.base.plugins import defined_in

    place, colon, start = incomplete.rpartition(":")
    if colon and place.endswith(".py"):
        try:
            names = defined_in(read_bytes(Path(place).expanduser()))
        except InputError:
            return []
        return [CompletionItem(f"{place}:{name}") for name in names if name.startswith(start)]
    found = _files(incomplete, ".py")
    return [] if found and found[0].type == "file" else found


def spaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete names of spaces, and files with a space of the user's own."""
    from edgenas.search.spaces import known_spaces

    return _items(known_spaces(), incomplete) + own_code(incomplete)


def networks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete published networks and network files."""
    from edgenas.blocks.reference import REFERENCE

    return _items(REFERENCE, incomplete) + _files(incomplete, ".json")


def spaces_and_networks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete spaces, published networks and network files, without duplicates."""
    found = {item.value: item for item in spaces(ctx, param, incomplete) + networks(ctx, param, incomplete)}
    return list(found.values())


def tables(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete files of latency tables, and folders that may hold some."""
    return _files(incomplete, ".jsonl")


def devices(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete devices of the inventory; none of a broken inventory, since a shell has no place for errors."""
    return _items(("local", *_sections(ctx)), incomplete)


def pools(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete pools of the inventory."""
    named = [section.get("pool") for section in _sections(ctx).values() if isinstance(section, dict)]
    return _items([pool for pool in dict.fromkeys(named) if isinstance(pool, str)], incomplete)


def _sections(ctx: click.Context) -> dict[str, Any]:
    """Return name -> section of the inventory, unchecked: the reader that checks them takes too long to load."""
    import tomllib

    path = next((p for c in (ctx, ctx.parent) if c and (p := c.params.get("inventory"))), INVENTORY)
    try:
        found = tomllib.loads(read_bytes(path).decode()).get("devices")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _items(names: Any, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _files(incomplete: str, suffix: str) -> list[CompletionItem]:
    """Complete files with this suffix and folders beside them; without such a file, leave completion to the shell."""
    from click.shell_completion import CompletionItem

    folder, slash, start = incomplete.rpartition("/")
    try:
        there = sorted(Path(folder + slash or ".").expanduser().iterdir())
        names = [p.name for p in there if p.name.startswith(start) and (start or not p.name.startswith("."))]
        found = [name for name in names if name.endswith(suffix)]
        inner = [f"{p.name}/" for p in there if p.name in names and p.is_dir()]
    except OSError:
        found, inner = [], []
    if not found:
        return [CompletionItem(incomplete, type="file")]
    return [CompletionItem(folder + slash + name) for name in (*found, *inner)]
