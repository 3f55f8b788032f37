"""What a shell completes: names of spaces, devices, algorithms and the like, and tables.

Pressing Tab must answer at once, so nothing here loads what it names; a test holds the names to what there is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgenas.api.inventory import INVENTORY

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list["CompletionItem"]]

ALGORITHMS = ("layernas", "mathnas", "hybrid", "random", "regularized_evolution", "ofa_evolution", "reinforce", "nsga2")
FORMATS = ("proxylessnas", "ofa", "single-path", "tunas", "fbnet")  #: of tables that others published
INSTALLABLE = ("litert", "onnxruntime")  #: on boards
JUDGES = ("digits", "train", "supernet")
MEASURED = ("fp32", "int8")  #: precisions of tables
PRECISIONS = ("fp32", "fp16", "int8")  #: of files
RUNTIMES = (*INSTALLABLE, "benchmark_model", "onnxruntime_perf_test")
STATISTICS = ("min", "median", "p90", "mean")


def words(*names: str) -> Complete:
    """Completes one of ``names``."""
    return lambda ctx, param, incomplete: _items(names, incomplete)


def words_or_own(*names: str) -> Complete:
    """Completes one of ``names``, or a Python file with code of the user's own."""
    return lambda ctx, param, incomplete: _items(names, incomplete) + own_code(incomplete)


def own_code(incomplete: str) -> list[CompletionItem]:
    """Completes FILE.py:NAME: the files, and after the colon what a file defines, which is read and not run."""
    from click.shell_completion import CompletionItem

    from edgenas.base.plugins import defined_in

    place, colon, start = incomplete.rpartition(":")
    if colon and place.endswith(".py"):
        try:
            names = defined_in(Path(place).expanduser().read_bytes())
        except OSError:
            return []
        return [CompletionItem(f"{place}:{name}") for name in names if name.startswith(start)]
    found = _files(incomplete, ".py")
    return [] if found and found[0].type == "file" else found


def spaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Spaces by name, and files with one of the user's own."""
    from edgenas.search.spaces import known_spaces

    return _items(known_spaces(), incomplete) + own_code(incomplete)


def networks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Published networks and network files."""
    from edgenas.blocks.reference import REFERENCE

    return _items(REFERENCE, incomplete) + _files(incomplete, ".json")


def spaces_and_networks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Either."""
    found = {item.value: item for item in spaces(ctx, param, incomplete) + networks(ctx, param, incomplete)}
    return list(found.values())


def tables(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Latency tables, and folders that may hold some."""
    return _files(incomplete, ".jsonl")


def devices(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Devices of the inventory; of one that is broken none, since a shell has no place for errors."""
    return _items(("local", *_sections(ctx)), incomplete)


def pools(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Pools of the inventory."""
    named = [section.get("pool") for section in _sections(ctx).values() if isinstance(section, dict)]
    return _items([pool for pool in dict.fromkeys(named) if isinstance(pool, str)], incomplete)


def _sections(ctx: click.Context) -> dict[str, Any]:
    """The sections as they are written, by name: the reader that checks them takes too long to load."""
    import tomllib

    path = next((p for c in (ctx, ctx.parent) if c and (p := c.params.get("inventory"))), INVENTORY)
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("devices")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _items(names: Any, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _files(incomplete: str, suffix: str) -> list[CompletionItem]:
    """Files with this ending and folders beside them; where there is no such file, whatever the shell itself knows."""
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
