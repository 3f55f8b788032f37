"""Imports point one way between the rooms (see CONTRIBUTING.md), in no circle, and only inside functions for what is
heavy."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: room -> the rooms it may import, besides itself. All are folders at the top of the repository.
ARROWS: dict[str, set[str]] = {
    "base": set(),
    "blocks": {"base"},
    "devices": {"base"},
    "latency_tables": {"base", "blocks"},
    "training": {"base", "blocks"},
    "profiler": {"base", "blocks", "devices", "latency_tables"},
    "search": {"base", "blocks", "latency_tables", "training"},
    "edgenas": {"base", "blocks", "devices", "latency_tables", "profiler", "search", "training"},
}
ROOMS = sorted(ARROWS.keys() - {"edgenas"})

#: imported inside functions only, so that `edgenas --help` is quick and a table can be searched without torch
HEAVY = {
    "PIL", "adbutils", "ai_edge_litert", "ai_edge_quantizer", "datasets", "flatbuffers", "matplotlib", "onnx",
    "onnxruntime", "pandas",
    "paramiko", "pyarrow", "pymoo", "ray", "scipy", "sklearn", "tflite_runtime", "torch", "yaml",
}  # fmt: skip

TORCH_TRAINING = (
    "arithmetic",
    "augmentation",
    "distillation",
    "feed",
    "fine_tuning",
    "head_regression",
    "loop",
    "losses",
    "network",
    "target_training",
)
#: files that are themselves imported only inside functions, because they define torch modules
TORCH_FILES = {
    "blocks/torch_folded.py",
    "blocks/torch_modules.py",
    *(f"training/{name}.py" for name in TORCH_TRAINING),
    *(f"search/accuracy/{name}.py" for name in ("published_supernet", "shared_weights", "supernet_torch", "zero_cost")),
}

#: modules of edgenas/ whose imports are of one lower room only -> why they lie where they are
ABOVE_ONE_ROOM = {
    "edgenas/api/judge.py": "opens the judges of the Python API: a name, a function or an object",
    "edgenas/runs/forms.py": "JSON form of every record of a run: runs/ decides it, and a Setting is one field of many",
}


def sources() -> list[Path]:
    """Every module of the package, by its real path: ``edgenas/ROOM`` is a link to ``ROOM``."""
    return sorted(
        Path(folder, name)
        for room in ARROWS
        for folder, _, names in os.walk(ROOT / room)
        for name in names
        if name.endswith(".py")
    )


def room_of(module: str) -> str:
    """The room of a dotted name below ``edgenas``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS else "edgenas"


def dotted(path: Path) -> str:
    """The name by which the module at ``path`` is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts if parts[0] == "edgenas" else ("edgenas", *parts))
    return name.removesuffix(".__init__")


def imported(tree: ast.AST, *, hints: bool = True) -> Iterator[str]:
    """Dotted names that are imported, wherever it stands: ``from a import b`` is a.b. Without ``hints`` not those under
    ``if TYPE_CHECKING``, which never run."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if not hints and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo += node.orelse
            continue
        todo += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden(source: str, room: str) -> list[str]:
    """What ``source``, a file of ``room``, imports against the arrows: upper rooms, tests, tools, and rooms by their
    bare names, under which every class would exist twice."""
    wrong = []
    for name in imported(ast.parse(source)):
        top = name.split(".")[0]
        if top in {*ROOMS, "tests", "tools"}:
            wrong.append(top)
        elif top == "edgenas" and room_of(name) not in ARROWS[room] | {room}:
            wrong.append(room_of(name))
    return wrong


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
            yield from (name.split(".")[0] for name in imported(ast.Module([node], [])))
        todo += ast.iter_child_nodes(node)


def import_graph(files: Mapping[str, str]) -> dict[str, set[str]]:
    """Module -> the modules of ``files`` (dotted name -> source) that it imports, inside functions as well, but for
    type hints."""
    graph = {}
    for name, source in files.items():
        found = set()
        for target in imported(ast.parse(source), hints=False):
            if target in files:
                found.add(target)
            elif (parent := target.rpartition(".")[0]) in files:
                found.add(parent)
        graph[name] = found - {name}
    return graph


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or through others (Tarjan's strongly connected
    components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(graph[node]):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def single_room(source: str) -> str:
    """The one lower room, besides base and blocks, that ``source``, a module of edgenas/, imports; '' where there are
    more or none, or where it imports others of edgenas/ itself."""
    rooms = {room_of(name) for name in imported(ast.parse(source)) if name.split(".")[0] == "edgenas"}
    lower = rooms - {"base", "blocks"}
    return next(iter(lower)) if len(lower) == 1 and "edgenas" not in lower else ""


def public_classes(source: str) -> set[str]:
    """Names of the classes that ``source`` defines at any depth, private ones left out: they never leave their file."""
    names = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows(path: Path) -> None:
    assert forbidden(path.read_text(), room_of(dotted(path))) == []


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_imports_wait(path: Path) -> None:
    if str(path.relative_to(ROOT)) in TORCH_FILES:
        return
    assert HEAVY.isdisjoint(at_import_time(ast.parse(path.read_text())))


def test_no_import_circle() -> None:
    assert circles(ARROWS) == [], "the arrows themselves point downwards"
    assert circles(import_graph({dotted(path): path.read_text() for path in sources()})) == []


def test_no_class_name_has_two_meanings() -> None:
    where: dict[str, list[str]] = {}
    for path in sources():
        for name in public_classes(path.read_text()):
            where.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert {name: files for name, files in where.items() if len(files) > 1} == {}


def test_modules_lie_in_the_room_that_they_need() -> None:
    """A module of edgenas/ that one lower room could hold belongs there, unless ABOVE_ONE_ROOM says why not."""
    upper = [path for path in sources() if room_of(dotted(path)) == "edgenas" and path.name != "__init__.py"]
    alone = {str(path.relative_to(ROOT)) for path in upper if single_room(path.read_text())}
    assert alone == ABOVE_ONE_ROOM.keys()


def test_the_arrow_tests_can_fail() -> None:
    assert public_classes("class A:\n    class B: ...\nclass _C: ...") == {"A", "B"}
    assert single_room("import edgenas.base.files\ndef f():\n    from edgenas.search.space import Space") == "search"
    assert single_room("from edgenas.search.space import Space\nfrom edgenas.devices.base import Device") == ""
    assert single_room("from edgenas.search.space import Space\nfrom edgenas.runs.layout import RUN") == ""
    assert single_room("from edgenas.base.files import write_whole") == ""
    assert forbidden("from edgenas.search.space import Space", "profiler") == ["search"]
    assert forbidden("def f():\n    import edgenas.profiler.measure", "search") == ["profiler"]
    assert forbidden("from edgenas import blocks", "devices") == ["blocks"]
    assert forbidden("from edgenas.cli import cli", "search") == ["edgenas"]
    assert forbidden("import blocks.spec", "edgenas") == ["blocks"]
    assert list(at_import_time(ast.parse("try:\n    import torch\nexcept ImportError:\n    pass"))) == ["torch"]
    files = {
        "edgenas.a": "from edgenas.b import x",
        "edgenas.b": "def f():\n    from edgenas import c",
        "edgenas.c": "",
    }
    assert circles(import_graph(files)) == []
    assert circles(ARROWS | {"base": {"search"}}) == [["base", "blocks", "latency_tables", "search", "training"]]
    files["edgenas.c"] = "import edgenas.a"
    assert circles(import_graph(files)) == [["edgenas.a", "edgenas.b", "edgenas.c"]]


def test_no_file_is_two_ideas() -> None:
    files = [*sources(), *(path for room in ("tests", "tools") for path in (ROOT / room).rglob("*.py"))]
    long = {str(p.relative_to(ROOT)): n for p in files if (n := len(p.read_text().splitlines())) > 300}
    assert long == {}


def test_rooms_are_links_and_refuse_their_bare_names() -> None:
    for room in ROOMS:
        link = ROOT / "edgenas" / room
        assert link.is_symlink() and link.readlink() == Path("..", room)
        done = subprocess.run([sys.executable, "-c", f"import {room}"], cwd=ROOT, capture_output=True, text=True)
        assert f"ImportError: import edgenas.{room}, not {room}" in done.stderr


def test_installed_packages_are_listed_by_name() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert sorted(setuptools["packages"]) == sorted(dotted(p) for p in sources() if p.name == "__init__.py")
    assert setuptools["package-dir"] == {f"edgenas.{room}": room for room in ROOMS}


def test_search_over_a_table_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import edgenas.search.algorithms.by_name, edgenas.search.spaces, "
        "edgenas.latency_tables.store.journal, edgenas.cli.search, edgenas.cli.front"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
