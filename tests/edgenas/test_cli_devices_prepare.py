"""``edgenas devices prepare``: real wheels, carried to a board behind a real sshd, installed, and tried."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgenas.devices.prepare import choose, download_command, read_board
from edgenas.devices.transports.local import LocalDevice
from tests.edgenas.test_cli_devices import Edgenas, checked, edgenas
from tools.rig import available
from tools.rig.fixtures import need
from tools.rig.sshd import SshServer

__all__ = ["edgenas"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LiteRT's wheels for this machine, as they would be fetched for a board like it."""
    folder = tmp_path_factory.mktemp("fetched") / "wheels"
    command = download_command(choose(read_board(LocalDevice(), sys.executable), "litert"), folder)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        pytest.skip("pip takes too long to fetch ai-edge-litert here")
    if done.returncode != 0:
        pytest.skip(f"pip cannot fetch ai-edge-litert here: {done.stderr.strip().splitlines()[-1:]}")
    return folder


@pytest.fixture
def board(edgenas: Edgenas, tmp_path: Path, one_board: None) -> Iterator[Path]:
    """An enrolled board; its home folder."""
    need(available.sshd())
    home = tmp_path / "board"
    home.mkdir()
    with SshServer(tmp_path / "sshd", environment={"HOME": str(home)}) as server:
        where = f"{server.user}@{server.host}:{server.port}"
        edgenas("add", "pi4", "--ssh", where, "--key", server.new_key(), "--python", sys.executable)
        edgenas("enroll", "pi4", "--yes")
        yield home


def test_a_board_gets_a_runtime_and_must_compute_the_same(
    edgenas: Edgenas, board: Path, wheels: Path, tmp_path: Path
) -> None:
    done = edgenas("prepare", "pi4", "--wheels", wheels, "--write")
    python = json.loads(edgenas("prepare", "pi4", "--wheels", wheels, "--json").stdout)["python"]
    assert python.startswith(f"{board}/.edgenas/litert-")
    assert f'python = "{python}"\n' in done.stdout
    assert f'python = "{python}"\n' in (tmp_path / "devices.toml").read_text()
    assert "self-test of litert" in done.stderr
    found = checked(edgenas, "pi4")
    assert found["litert"] == ("ok", "ai_edge_litert 2.3.0; ")
    state, told = found["onnxruntime"]
    assert state == "mark" and "edgenas devices prepare pi4 --runtime litert --runtime onnxruntime --write" in told

    # the same environment, but something in it changes what is computed
    wrong = (
        "import builtins, json\nsay = builtins.print\n"
        "builtins.print = lambda text: say(json.dumps([2 * x for x in json.loads(text)]))\n"
    )
    installed = Path(python)
    site = installed.parent / "wrong"
    site.mkdir()
    (site / "sitecustomize.py").write_text(wrong)
    installed.write_text(installed.read_text().replace("exec ", f"PYTHONPATH='{site}' exec ", 1))
    assert (
        "computes other values than this machine with litert"
        in edgenas("prepare", "pi4", "--wheels", wheels, check=1).stderr
    )


def test_no_wheels_says_what_to_type(edgenas: Edgenas, board: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    told = edgenas("prepare", "pi4", "--wheels", tmp_path / "none", check=2).stderr
    assert "holds no wheels; fetch them first" in told and "-m pip download" in told
    assert not (board / ".edgenas").exists()
