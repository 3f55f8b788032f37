"""``import edgenas``: lazy, typed, and packages that are functions as well."""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import json
import multiprocessing
import os
import pickle
import pydoc
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import edgenas
from edgenas.api.lazy import PUBLIC, VERB_PACKAGES
from tests.conftest import ROOT
from tests.test_rooms import imported

#: a file of a user's, whose types mypy checks
USER = """
import edgenas
from edgenas.search.space import Space as RoomSpace


def judge(network: edgenas.Architecture) -> float:
    return 20 + 20 * float(network.macs**0.06)


table = edgenas.open_table("pi4-litert.jsonl")
space: RoomSpace = edgenas.space("mobilenet_v3_small", in_size=160)
found = edgenas.search(space, table=table, accuracy=judge, budget_ms=8, max_trials=200)
reveal_type(found)
reveal_type(found.best.ms)
reveal_type(edgenas.blocks(space))
reveal_type(edgenas.report("run").path)
edgenas.verify("model/model.tflite", device="pi4", budget_ms=8).check()
edgenas.search(space, accuracy=judge, budget="8")
edgenas.nothing
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a new process."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)


def test_import_loads_nothing_else() -> None:
    loaded = run("import sys, edgenas; print(' '.join(sys.modules))").stdout.split()
    rooms = {f"edgenas.{name}" for name in ("base", "blocks", "devices", "latency_tables", "profiler", "search", "cli")}
    assert not {"numpy", "click", "pandas", "importlib.metadata", "inspect", *rooms} & set(loaded)
    assert [name for name in loaded if name.startswith("edgenas.")] == ["edgenas.api", "edgenas.api.lazy"]


def test_every_name_is_there() -> None:
    assert sorted(edgenas.__all__) == sorted([*PUBLIC, "__version__"])
    assert set(edgenas.__all__) <= set(dir(edgenas))
    for name in edgenas.__all__:
        assert getattr(edgenas, name) is not None
    assert edgenas.InputError.__name__ == "InputError" and issubclass(edgenas.OutcomeError, edgenas.EdgenasError)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        edgenas.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_names_for_type_checkers_are_the_names_at_run_time() -> None:
    source = Path(edgenas.__file__).read_text()
    for name, module in PUBLIC.items():
        assert f"from {module} import" in source and name in source.split(f"from {module} import")[1].split("\n")[0]


def test_version() -> None:
    told = subprocess.run([sys.executable, "-m", "edgenas", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"edgenas {edgenas.__version__}\n"


@pytest.mark.parametrize("name", [name for name, module in PUBLIC.items() if name.islower()])
def test_functions_say_what_they_do(name: str) -> None:
    function = getattr(edgenas, name)
    first = inspect.getdoc(function)
    assert callable(function) and first and first[0].isupper()
    assert all(p.annotation is not p.empty for p in inspect.signature(function).parameters.values())


def test_both_profiles_take_the_same_campaign() -> None:
    """``profile_for_search`` documents its other arguments as those of ``profile``: same defaults, same types."""
    whole, lazily = (inspect.signature(getattr(edgenas, name)).parameters for name in ("profile", "profile_for_search"))
    shared = [name for name in whole if name in lazily]
    assert [str(whole[name]) for name in shared] == [str(lazily[name]) for name in shared]
    assert set(whole) - set(lazily) == {"what", "blocks", "only_delegated"}


@pytest.mark.parametrize("name", VERB_PACKAGES)
def test_a_package_is_its_function_too(name: str) -> None:
    package, function = getattr(edgenas, name), getattr(importlib.import_module(PUBLIC[name]), name)
    assert package is sys.modules[f"edgenas.{name}"] and list(package.__path__)
    assert package.__doc__ == function.__doc__
    assert inspect.signature(package) == inspect.signature(function)
    shown = pydoc.plain(pydoc.render_doc(package))
    assert f"    {name}(" in shown and function.__doc__.splitlines()[0] in shown
    assert repr(package) == f"<function and package edgenas.{name}>"
    assert pickle.loads(pickle.dumps(package)) is package and copy.deepcopy(package) is package
    with pytest.raises(AttributeError):
        package.nothing  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "import edgenas; from edgenas.search.space import Space",
        "from edgenas.search.space import Space; import edgenas",
        "import edgenas.search.spaces; from edgenas.search.space import Space; import edgenas",
        "from edgenas import search; from edgenas.search.space import Space; import edgenas; assert callable(search)",
        "import edgenas.blocks.spec, edgenas.devices.inventory; from edgenas.search.space import Space",
    ],
)
def test_whichever_is_imported_first(code: str) -> None:
    done = run(
        f"{code}\n"
        "assert Space is edgenas.Space and edgenas.search.space.Space is Space\n"
        "assert len(edgenas.blocks('digits')) == 41\n"
        "found = edgenas.search('digits', accuracy=lambda network: network.macs ** 0.1, budget_macs=1e6, "
        "algorithms='random', max_trials=3)\n"
        "print(found.best.macs <= 1e6)"
    )
    assert done.stdout == "True\n"


def blocks_of(name: str) -> int:
    """For another process."""
    return len(edgenas.blocks(name))


def test_in_worker_processes() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(blocks_of, "digits").result() == 41
        assert len(pool.submit(edgenas.blocks, "digits").result()) == 41


def test_reload_and_late_installation() -> None:
    done = run(
        "import edgenas.search.space, importlib, edgenas\n"
        "importlib.reload(edgenas.search); importlib.reload(edgenas)\n"
        "print(edgenas.search, edgenas.__version__ != '')"
    )
    assert done.stdout == "<function and package edgenas.search> True\n"


@pytest.mark.slow
def test_types_of_a_users_file(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--cache-dir",
        str(tmp_path / "cache"),
        "user.py",
    ]
    env = {**os.environ, "MYPYPATH": str(ROOT)}  # as if it were installed
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, env=env)
    told = done.stdout.splitlines()
    revealed = [line.split("Revealed type is ")[1] for line in told if "Revealed type" in line]
    assert [name.strip('"') for name in revealed] == [
        "edgenas.api.search_result.SearchResult",
        "float | None",
        "edgenas.api.blocks.BlockList",
        "pathlib.Path",
    ], done.stdout
    wrong = [line for line in told if line.startswith("user.py") and " error: " in line]
    assert len(wrong) == 2, done.stdout
    assert 'Unexpected keyword argument "budget"' in wrong[0] and 'has no attribute "nothing"' in wrong[1]


def test_json_of_the_spaces_is_json() -> None:
    assert json.loads(json.dumps(edgenas.spaces().to_json())) == edgenas.spaces().to_json()


def test_help_and_star() -> None:
    shown = pydoc.plain(pydoc.render_doc(edgenas))
    assert "Measure every block of a mobile network" in shown and "    verify(*files" in shown
    done = run("from edgenas import *; print(search, Space, __version__ != '')")
    assert done.stdout == "<function and package edgenas.search> <class 'edgenas.search.space.Space'> True\n"


def test_functions_know_nothing_of_the_command_line() -> None:
    for path in (ROOT / "edgenas" / "api").glob("*.py"):
        names = list(imported(ast.parse(path.read_text())))
        assert not [name for name in names if name.startswith(("edgenas.cli", "click", "rich"))], path.name
        assert "print(" not in path.read_text() or path.name == "listener.py"
