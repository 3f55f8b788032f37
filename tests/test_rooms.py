"""Imports point one way between the rooms (see CONTRIBUTING.md), and only inside functions for what is heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: room -> the rooms it may import, besides itself
ARROWS: dict[str, set[str]] = {
    "blocks": set(),
    "devices": set(),
    "latency_tables": {"blocks"},
    "profiler": {"blocks", "devices", "latency_tables"},
    "search": {"blocks", "latency_tables"},
    "edgenas": {"blocks", "devices", "latency_tables", "profiler", "search"},
}

#: imported inside functions only, so that `edgenas --help` is quick and a table can be searched without torch
HEAVY = {
    "PIL", "adbutils", "ai_edge_litert", "ai_edge_quantizer", "datasets", "flatbuffers", "matplotlib", "onnx",
    "onnxruntime", "pandas",
    "paramiko", "pyarrow", "pymoo", "ray", "scipy", "sklearn", "tflite_runtime", "torch", "yaml",
}  # fmt: skip

#: files that are themselves imported only inside functions, because they define torch modules
TORCH_FILES = {
    "blocks/torch_folded.py",
    "blocks/torch_modules.py",
    *(
        f"search/accuracy/{name}.py"
        for name in (
            "arithmetic",
            "feeding",
            "fitting",
            "shared_weights",
            "supernet_torch",
            "training_torch",
            "zero_cost",
        )
    ),
}


def sources() -> list[Path]:
    return sorted(path for room in ARROWS for path in (ROOT / room).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    """(top-level package, statement) of every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield (node.module or "").split(".")[0], node


def forbidden(source: str, room: str) -> list[str]:
    """Rooms that ``source``, a file of ``room``, imports against the arrows."""
    allowed = ARROWS[room] | {room}
    return [name for name, _ in imported(ast.parse(source)) if name in (ARROWS.keys() | {"tests", "tools"}) - allowed]


def at_import_time(tree: ast.AST) -> Iterator[str]:
    """Packages imported when the file is: imports outside functions and outside ``if TYPE_CHECKING``."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo += node.orelse
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name for name, _ in imported(ast.Module([node], [])))
        todo += ast.iter_child_nodes(node)


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert forbidden(path.read_text(), room) == []


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_imports_wait(path: Path) -> None:
    if str(path.relative_to(ROOT)) in TORCH_FILES:
        return
    assert HEAVY.isdisjoint(at_import_time(ast.parse(path.read_text())))


def test_the_arrow_test_can_fail() -> None:
    assert forbidden("from edgenas.search.space import Space", "profiler") == ["search"]
    assert forbidden("def f():\n    import edgenas.profiler.measure", "search") == ["profiler"]
    assert forbidden("import edgenas.blocks.spec", "devices") == ["blocks"]
    assert list(at_import_time(ast.parse("try:\n    import torch\nexcept ImportError:\n    pass"))) == ["torch"]


def test_no_file_is_two_ideas() -> None:
    long = {str(p.relative_to(ROOT)): n for p in sources() if (n := len(p.read_text().splitlines())) > 300}
    assert long == {}


def test_installed_packages_are_listed_by_name() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {".".join(p.parent.relative_to(ROOT).parts) for p in sources() if p.name == "__init__.py"}
    assert sorted(listed) == sorted(found)
    assert {name.split(".")[0] for name in listed} == set(ARROWS)


def test_search_over_a_table_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import edgenas.search.algorithms.by_name, edgenas.search.spaces, edgenas.latency_tables.store.journal, "
        "edgenas.cli.search, edgenas.cli.front"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
