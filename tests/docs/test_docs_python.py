"""docs/python.md and docs/edgenas.ipynb: their code runs on this machine, and the page names what there is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgenas.api.lazy import PUBLIC
from tests.conftest import ROOT
from tests.edgenas.test_cli import edgenas
from tests.support.docs_pages import blocks_of, text_of
from tests.support.notebooks import executed

PAGE = "docs/python.md"
NOTEBOOK = ROOT / "docs" / "edgenas.ipynb"
MEASURES = ("edgenas.profile(", "edgenas.validate(")


def cells() -> list[dict[str, Any]]:
    """Cells of code, with their source as one text."""
    read = json.loads(NOTEBOOK.read_text())
    return [{**c, "source": "".join(c["source"])} for c in read["cells"] if c["cell_type"] == "code"]


def test_every_function_is_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)\(", text_of(PAGE)))
    assert {name for name in PUBLIC if name.islower()} <= named
    assert {name for name in named if name not in PUBLIC} <= {"help", "check", "to_json", "to_frame", "plot"}
    assert f"]({NOTEBOOK.name})" in text_of(PAGE)


@pytest.mark.slow
def test_the_code_of_the_page_runs(tmp_path: Path) -> None:
    """As one program, in a folder of its own."""
    code = "\n".join(block.text for block in blocks_of(PAGE) if block.language == "python")
    (tmp_path / "page.py").write_text(f"{code}\nprint(repr(found), repr(verified), found.notes, sep='\\n')\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-W", "error", "page.py"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=280, env=env)
    assert done.returncode == 0, done.stderr
    assert "model/model.tflite is not inside 1e-06 ms on local" in done.stdout
    assert "<Search of mine within " in done.stdout and "<Verified on local: model/model.tflite " in done.stdout
    shown = edgenas("table", "show", "mine.jsonl", "--json", cwd=tmp_path).stdout
    assert json.loads(shown)["validation"]["space"] == "mine"


def test_the_notebook_is_twelve_lines_and_shows_what_it_found() -> None:
    shown = cells()
    chain = [c["source"] for c in shown if len(c["source"].splitlines()) > 1 and not c["source"].startswith(MEASURES)]
    lines = [line for source in chain for line in source.splitlines() if line.strip()]
    assert len(lines) <= 12 and all(len(line) <= 120 for line in lines)
    text = "\n".join(lines)
    order = [text.index(f"edgenas.{name}(") for name in ("space", "open_table", "search", "front", "verify")]
    assert order == sorted(order) and ".export(" in text and "accuracy=lambda" in text
    told = json.dumps([c["outputs"] for c in shown])
    for name in ("Verified on local", "Search of mine", "Network mine/", "Front of mine", "image/svg+xml"):
        assert name in told
    assert not any(output["output_type"] == "error" for c in shown for output in c["outputs"])


@pytest.mark.slow
def test_the_notebook_is_executed_and_its_results_are_those_of_the_verbs(tmp_path: Path) -> None:
    """In a kernel, with one more cell, that writes the JSON of its results."""
    for package in ("nbclient", "ipykernel"):
        pytest.importorskip(package)
    read = json.loads(NOTEBOOK.read_text())
    more = (
        "import json\n"
        "for name, result in {'table': table, 'found': found, 'files': files}.items():\n"
        "    open(name + '.json', 'w').write(json.dumps(result.to_json()))\n"
        "found.save()"
    )
    read["cells"].append({**read["cells"][-1], "id": "more", "source": more, "outputs": []})
    (tmp_path / "asked.ipynb").write_text(json.dumps(read))
    executed(tmp_path / "asked.ipynb", tmp_path / "out.ipynb", tmp_path)
    done = json.loads((tmp_path / "out.ipynb").read_text())
    told = json.dumps([c["outputs"] for c in done["cells"] if c["cell_type"] == "code"])
    assert "Verified on local" in told and "Search of mine" in told and '"error"' not in told

    def kept(name: str) -> Any:
        return json.loads((tmp_path / f"{name}.json").read_text())

    assert kept("table") == json.loads(edgenas("table", "show", "mine.jsonl", "--json", cwd=tmp_path).stdout)
    assert kept("found") == kept("search")
    again = json.loads(edgenas("export", "search.json", "-o", "model", "--json", cwd=tmp_path).stdout)
    assert kept("files") == again
