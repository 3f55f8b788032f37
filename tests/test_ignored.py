"""No function takes an argument and ignores it: whoever gives it believes that it counts."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.test_rooms import ROOT, sources

#: file -> function.parameter that is ignored on purpose, and why
IMPORTER = "importers share one signature; import_table refuses a column where a format has none"
DIALECT = "dialects of command-line tools share one signature"
CLICK = "click calls it with these"
LISTENER = "computations call a Listener with these"
RUNTIME = "the runtimes of adaptive.py share one signature"
STEP = "the steps of trainings share one signature"
JUSTIFIED: dict[str, dict[str, str]] = {
    "base/listener.py": {"Listener.warning.topic": LISTENER},
    "edgenas/adaptive/device/runtimes.py": dict.fromkeys(("_interpreter.plain", "_onnx.plain", "build.cache"), RUNTIME),
    "edgenas/adaptive/members.py": {"SupernetMembers.members.space": "protocol MemberSource; others need the space"},
    "edgenas/adaptive/policies.py": dict.fromkeys(("Fixed.frame.ms", "Fixed.remove.network"), "protocol FramePolicy"),
    "edgenas/adaptive/traces.py": dict.fromkeys(("stairs.rng", "step.rng"), "drawn traces share one signature"),
    "search/accuracy/published_supernet.py": {"step.labels": STEP},
    "training/distillation.py": {"step.labels": STEP, "step.number": STEP},
    "base/forms.py": {
        f"Parsed.__get_pydantic_core_schema__.{given}": "pydantic's own call" for given in ("source", "handler")
    },
    "blocks/pretrained/layouts.py": {"inside.block": "the parts of layouts share one signature"},
    "edgenas/cli/budget_type.py": {"Budget.convert.ctx": CLICK},
    "edgenas/cli/size_type.py": {"Size.convert.ctx": CLICK},
    "edgenas/cli/completions.py": {
        **{f"{name}.{given}": CLICK for name in ("spaces", "networks", "tables") for given in ("ctx", "param")},
        **{f"{name}.param": CLICK for name in ("devices", "pools")},
    },
    "edgenas/cli/live_campaign.py": {f"LiveTable.progress.{given}": LISTENER for given in ("done", "total", "note")},
    "edgenas/cli/terminal_listener.py": {"_Task.progress.detail": LISTENER},
    "edgenas/cli/verbs.py": {
        f"Verbs.{name}.ctx": CLICK for name in ("list_commands", "get_command", "format_commands")
    },
    "edgenas/watch/server.py": {
        f"Server.handle_error.{given}": "socketserver calls it with these" for given in ("request", "client_address")
    },
    "search/accuracy/image_task.py": {"ImageTask.arrived.index": "TrialCache.judge calls it with the index"},
    "latency_tables/importers/ofa.py": {"read.places": IMPORTER, "read.column": IMPORTER},
    "latency_tables/importers/plain.py": {"read.places": IMPORTER, "read.column": IMPORTER},
    "latency_tables/importers/proxylessnas.py": {"read.places": IMPORTER, "read.column": IMPORTER},
    "latency_tables/importers/single_path.py": {"read.column": IMPORTER},
    "latency_tables/importers/tunas.py": {"read.column": IMPORTER},
    "profiler/runtimes/python_runner.py": {"PythonRunner.parse_alone.task": "protocol Runtime; tools need the task"},
    "profiler/runtimes/tool_dialects.py": {
        f"_perf_test_{name}.{given}": DIALECT for name in ("read", "burst") for given in ("plan", "graph", "stderr")
    },
    "training/network.py": {"step.number": "the step of a training; that of a supernet reads it"},
    "training/target_training.py": {"step.number": "the step of a training; that of a supernet reads it"},
    "search/accuracy/zero_cost.py": {
        "naswot.labels": "estimators share one signature",
        "synflow.labels": "estimators share one signature",
        "count.module": "torch calls its hooks with these",
        "count.inputs": "torch calls its hooks with these",
    },
    "search/algorithms/baselines/nsga2.py": {
        "AnyOption._do.problem": "pymoo calls it with these",
        "ToMembers._do.problem": "pymoo calls it with these",
    },
}


def ignored(source: str) -> Iterator[str]:
    """'function.parameter', or 'Class.function.parameter', of everything that no line of the function reads.

    Bodies that only document or refuse (a protocol's ``...``, ``raise NotImplementedError``) read nothing and are left
    out, and so are ``__exit__`` and names that begin with an underscore, which say themselves that they are not read.
    """
    yield from _ignored(ast.parse(source), "")


def _ignored(node: ast.AST, owner: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _ignored(child, f"{owner}{child.name}.")
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not _exempt(child):
            given = child.args
            names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            names += [a.arg for a in (given.vararg, given.kwarg) if a is not None]
            read = {n.id for line in child.body for n in ast.walk(line) if isinstance(n, ast.Name)}
            for name in names:
                if name not in read and name not in ("self", "cls") and not name.startswith("_"):
                    yield f"{owner}{child.name}.{name}"
        yield from _ignored(child, owner)


def _exempt(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether its body is a docstring, ``...`` or a refusal, or Python itself says what it is given."""
    return function.name == "__exit__" or all(
        isinstance(line, ast.Pass | ast.Raise) or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        for line in function.body
    )


FOUND = {str(path.relative_to(ROOT)): list(ignored(path.read_text())) for path in sources()}


def test_no_argument_is_ignored() -> None:
    unjustified = {
        path: rest for path, names in FOUND.items() if (rest := [n for n in names if n not in JUSTIFIED.get(path, {})])
    }
    assert unjustified == {}


def test_every_exception_is_still_one() -> None:
    stale = {path: [n for n in names if n not in FOUND.get(path, [])] for path, names in JUSTIFIED.items()}
    assert {path: names for path, names in stale.items() if names} == {}
    assert all(reason for names in JUSTIFIED.values() for reason in names.values())


@pytest.mark.parametrize(("source", "expected"), [
    ("def f(a, b): return a", ["f.b"]),
    ("class C:\n def ms(self, block, statistic='min'): return self.of[block]", ["C.ms.statistic"]),
    ("def f(a):\n def g(b): return a\n return g", ["f.b"]),
    ("def f(a, *, b=1, **c): print(a)", ["f.b", "f.c"]),
    ("def f(a, _b): return a", []),
    ("class P:\n def f(self, a): ...", []),
    ("def f(a): raise NotImplementedError", []),
    ("def f(a):\n async def g(b): return b\n return g(a)", []),
])  # fmt: skip
def test_the_test_finds_what_is_ignored(source: str, expected: list[str]) -> None:
    assert [name.replace("f.g.", "f.").replace("g.", "f.") for name in ignored(source)] == expected
