"""The examples of docs/adding.md do what the page says, added as it tells."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.devices.inventory import KINDS, parse_inventory
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.python_runner import RUNNER
from edgenas.search.spaces import SPACES, space
from tests.conftest import ROOT
from tests.devices.test_devices import Conformance
from tests.support.docs_pages import Block, blocks_of

PAGE = "docs/adding.md"
BLOCKS = {block.file: block for block in blocks_of(PAGE) if block.file}


def line_after(name: str) -> str:
    """The line of a dictionary that the page shows after the file ``name``."""
    blocks = blocks_of(PAGE)
    return next(b.text for b in blocks[blocks.index(BLOCKS[name]) :] if b.language == "python" and not b.file)


def made(name: str, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The module that a block of the page is."""
    module = types.ModuleType("edgenas." + name.removesuffix(".py").replace("/", "."))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(BLOCKS[name].text, PAGE, "exec"), module.__dict__)
    return module


def test_the_space(monkeypatch: pytest.MonkeyPatch) -> None:
    module = made("search/spaces/mobilenet_v1.py", monkeypatch)
    for name, build in eval("{" + line_after("search/spaces/mobilenet_v1.py") + "}", module.__dict__).items():
        monkeypatch.setitem(SPACES, name, build)
    found = space("mobilenet_v1")
    full = found.architecture((0, *13 * (2,), 0))
    assert found.networks == 3**13
    assert (round(full.params / 1e6, 1), round(full.macs / 1e6)) == (4.2, 569)
    assert found.architecture((0, *13 * (0,), 0)).blocks[-1].c_in == 512


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = made("devices/transports/bare.py", monkeypatch)
    from edgenas.devices.inventory import DeviceKind

    for name, kind in eval(
        "{" + line_after("devices/transports/bare.py") + "}",
        {"Kind": DeviceKind, "BareSection": module.BareSection, "BareDevice": module.BareDevice},
    ).items():
        monkeypatch.setitem(KINDS, name, kind)
    return module


def test_the_device_is_in_the_inventory(bare: types.ModuleType) -> None:
    (section,) = [block.text for block in blocks_of(PAGE) if block.language == "toml"]
    entry = parse_inventory(section, Path("devices.toml"))["bench"]
    device = entry.open()
    assert (entry.kind, entry.cores, device.name) == ("bare", (1,), "bench")
    assert isinstance(device, bare.BareDevice) and isinstance(device, LocalDevice)
    assert device.run(["env"], timeout_s=20).stdout.startswith("PATH=")
    assert device.run(["env"], timeout_s=20).stdout.count("\n") == 1


@pytest.mark.slow
def test_the_device_keeps_every_promise(tmp_path: Path) -> None:
    """In a process of its own: the page's test is a file that pytest collects."""
    for name in ("devices/transports/bare.py", "tests/devices/test_bare.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(BLOCKS[name].text)
    code = (
        "import edgenas.devices.transports, sys, pytest; "
        f"edgenas.devices.transports.__path__.append({str(tmp_path / 'devices/transports')!r}); "
        f"sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--rootdir', {str(ROOT)!r}, '-c', "
        f"{str(ROOT / 'pyproject.toml')!r}, {str(tmp_path / 'tests/devices/test_bare.py')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=250)
    promises = sum(name.startswith("test_") for name in vars(Conformance))
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.search(r"^(\d+) passed in", done.stdout, re.MULTILINE)
    assert told and int(told[1]) >= promises, done.stdout


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The runtime, its program beside a copy of bench_runner.py; its name."""
    here = "profiler/runtimes/onnx_reference.py"
    module = made(here, monkeypatch)
    program = tmp_path / "runners" / "onnx_reference.py"
    program.parent.mkdir()
    program.write_text(BLOCKS["profiler/runners/onnx_reference.py"].text)
    names = {"OnnxReference": module.OnnxReference, "RUNNER": program.with_name(RUNNER.name)}
    ((name, runtime),) = eval("{" + line_after(here) + "}", names).items()
    monkeypatch.setitem(RUNTIMES, name, runtime)
    return str(name)


@pytest.mark.slow
def test_the_runtime_measures_blocks_and_computes_what_onnxruntime_does(reference: str, tmp_path: Path) -> None:
    from edgenas.devices.inventory import find
    from edgenas.profiler.campaign import profile
    from edgenas.profiler.export import WRITERS
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.stopping import StoppingRule

    blocks = [BlockSpec.parse(text) for text in ("conv-8x3-o4-k3-s1-relu6", "ir-8x4-m8-o4-k3-s1-se4-hswish-res")]
    entry = find(parse_inventory("", Path("devices.toml")), "local")
    tables = {}
    for runtime in (reference, "onnxruntime"):
        path = tmp_path / f"{runtime}.jsonl"
        campaign = profile(
            entry.open(),
            RUNTIMES[runtime],
            blocks,
            path,
            writer=WRITERS["onnx"],
            program=entry.python,
            plan=Plan(rounds=2, cold_kib=0),
            enough=StoppingRule(1, 1),
        )
        assert campaign.failures == ()
        tables[runtime] = read_table(path)
    assert (tables[reference].setting.runtime, tables[reference].setting.delegate) == (reference, "none")
    assert tables[reference].setting.version.startswith("onnx ")
    for block in blocks:
        sums = [next(m.checksum for m in t.measurements if m.piece == (block,)) for t in tables.values()]
        assert sums[0] == pytest.approx(sums[1], rel=1e-4)


@pytest.mark.parametrize("block", [b for b in BLOCKS.values() if "spaces" not in b.file], ids=lambda b: b.file)
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
