"""How the project reads text: UTF-8 whatever the locale is, and lines that end at a line feed and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_rooms import sources

#: ``str.splitlines`` also splits at U+0085, U+2028, form feeds and more, which names may hold. Where it stays, and why:
SPLIT = {
    "devices/transports/adb_server.py": "serials and states, printed by adb",
    "devices/facts/cpuinfo.py": "/proc/cpuinfo, through shells that may add carriage returns",
    "devices/facts/android.py": "dumpsys and df, likewise",
    "devices/transports/home.py": "output of our own script, likewise",
    "devices/transports/reattach.py": "names of our own folders, matched whole",
    "devices/facts/soc.py": "getprop and the device tree, likewise",
    "devices/session/clock.py": "output of our own script, likewise",
    "devices/facts/throttle.py": "vcgencmd, likewise",
    "edgenas/bundle/write.py": "MANIFEST, whose lines must match a pattern of plain letters whole",
    "edgenas/cli/doctor/loading.py": "messages, shown and not understood",
    "edgenas/cli/doctor/trial.py": "messages, shown and not understood",
    "profiler/runners/sustained_runner.py": "/proc/self/status",
    "search/accuracy/cluster.py": "messages, shown and not understood",
}
TEXT_MODES = {mode + plus + kind for mode in "rwax" for plus in ("", "+") for kind in ("", "t")}
#: JSON that ``json.dumps`` wrote is ASCII in every encoding
ASCII = {
    "edgenas/bundle/assemble.py",
    "edgenas/bundle/write.py",
    "edgenas/cli/networks.py",
    "edgenas/ship/finalists.py",
}


def by_locale(tree: ast.AST) -> Iterator[int]:
    """Lines that read or write text in the encoding of the locale."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        builtin = isinstance(node.func, ast.Name)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = {word.arg: word.value for word in node.keywords}
        modes = [a.value for a in (*node.args, words.get("mode")) if isinstance(a, ast.Constant)]
        text = name == "open" and ((builtin and not modes) or any(mode in TEXT_MODES for mode in modes))
        text |= name == "read_text" and not node.args
        text |= name == "write_text" and len(node.args) < 2
        text |= "text" in words or "universal_newlines" in words
        if text and "encoding" not in words and not ast.unparse(node.func).startswith(("tarfile.", "zipfile.")):
            yield node.lineno


def splitting(tree: ast.AST) -> Iterator[int]:
    """Lines that call ``splitlines``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "splitlines":
            yield node.lineno


@pytest.mark.parametrize(
    "path", [*sources(), ROOT / "edgenas/report/static/predict.py"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_text_is_utf_8_and_lines_end_at_line_feeds(path: Path) -> None:
    tree, name = ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(ROOT))
    assert name in ASCII or list(by_locale(tree)) == [], "name the encoding"
    assert name in SPLIT or list(splitting(tree)) == [], "split at '\\n', or give the reason in SPLIT"


def test_the_text_test_can_fail() -> None:
    code = (
        "p.read_text()\np.write_text(x)\nopen(p)\nopen(p, 'w')\np.open('x')\nrun(a, text=True)\n"
        "p.open('rb')\np.read_text(encoding='utf-8')\nx.splitlines()"
    )
    assert list(by_locale(ast.parse(code))) == [1, 2, 3, 4, 5, 6]
    assert list(splitting(ast.parse(code))) == [9]
