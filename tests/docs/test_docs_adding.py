"""The examples of docs/adding.md do what the page says, from files beside which nothing is set up."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.devices.inventory import load_inventory
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.runtimes import RUNTIMES, find_runtime
from edgenas.search.spaces import space
from tests.conftest import ROOT
from tests.devices.test_devices import Conformance
from tests.support.docs_pages import Block, blocks_of

PAGE = "docs/adding.md"
BLOCKS = {block.file: block for block in blocks_of(PAGE) if block.file}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that holds the page's files, and in which commands are typed."""
    for name, block in BLOCKS.items():
        (tmp_path / name).write_text(block.text)
    (section,) = [b.text for b in blocks_of(PAGE) if b.language == "toml" and "[devices." in b.text]
    (tmp_path / "devices.toml").write_text(section)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_the_space() -> None:
    found = space("my_space.py:mobilenet_v1")
    full = found.architecture((0, *13 * (2,), 0))
    assert found.networks == 3**13
    assert (round(full.params / 1e6, 1), round(full.macs / 1e6)) == (4.2, 569)
    assert found.architecture((0, *13 * (0,), 0)).blocks[-1].c_in == 512
    assert space("my_space.py:mobilenet_v1", 96, 10).in_size == 96


def test_the_device_is_in_the_inventory(here: Path) -> None:
    entry = load_inventory(here / "devices.toml")["bench"]
    device = entry.open()
    assert (entry.kind, entry.cores, device.name, entry.is_local) == ("my_kind.py:bare", (1,), "bench", True)
    assert isinstance(device, LocalDevice)
    assert device.run(["env"], timeout_s=20).stdout.startswith("PATH=")
    assert device.run(["env"], timeout_s=20).stdout.count("\n") == 1


@pytest.mark.slow
def test_the_device_keeps_every_promise(here: Path) -> None:
    """In a process of its own: the page's test is a file that pytest collects."""
    code = (
        "import sys, pytest; "
        f"sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--rootdir', {str(ROOT)!r}, '-c', "
        f"{str(ROOT / 'pyproject.toml')!r}, {str(here / 'test_my_kind.py')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=250)
    promises = sum(name.startswith("test_") for name in vars(Conformance))
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.search(r"^(\d+) passed in", done.stdout, re.MULTILINE)
    assert told and int(told[1]) >= promises, done.stdout


@pytest.mark.slow
def test_the_runtime_measures_blocks_and_computes_what_onnxruntime_does(here: Path) -> None:
    from edgenas.profiler.campaign import profile
    from edgenas.profiler.export import WRITERS
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.stopping import StoppingRule

    blocks = [BlockSpec.parse(text) for text in ("conv-8x3-o4-k3-s1-relu6", "ir-8x4-m8-o4-k3-s1-se4-hswish-res")]
    entry = load_inventory(None)["local"]
    reference = "my_runtime.py:reference"
    tables = {}
    for name in (reference, "onnxruntime"):
        path = here / f"{name}.jsonl"
        campaign = profile(
            entry.open(),
            find_runtime(name),
            blocks,
            path,
            writer=WRITERS["onnx"],
            program=entry.python,
            plan=Plan(rounds=2, cold_kib=0),
            enough=StoppingRule(1, 1),
        )
        assert campaign.failures == ()
        tables[name] = read_table(path)
    assert reference not in RUNTIMES
    assert (tables[reference].setting.runtime, tables[reference].setting.delegate) == (reference, "none")
    assert re.fullmatch(r"onnx [0-9.]+ code [0-9a-f]{12}", tables[reference].setting.version)
    for block in blocks:
        sums = [next(m.checksum for m in t.measurements if m.piece == (block,)) for t in tables.values()]
        assert sums[0] == pytest.approx(sums[1], rel=1e-4)


@pytest.mark.parametrize("block", list(BLOCKS.values()), ids=lambda b: b.file)
def test_what_is_shown_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec", dont_inherit=True)


@pytest.mark.slow
def test_what_is_shown_is_clean(tmp_path: Path) -> None:
    """Lint, format and types of every file shown, each where it belongs."""
    for block in BLOCKS.values():
        path = tmp_path / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    for command in (["ruff", "check", *settings, "."], ["ruff", "format", *settings, "--diff", "."]):
        done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
