"""`edgenas profile --delegate` on the emulated phone: what each of both tools prints decides exit code and message."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgenas.devices.libraries import folder_sha256
from edgenas.latency_tables.store.journal import read_table
from tools.rig.adb import Adb
from tools.rig.phone import Phone
from tools.rig.phone_files import TWO_CORES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
pytest_plugins = ["tools.rig.fixtures"]

QUICK = ("--processes", "1", "--most-processes", "1", "--rounds", "2", "--cold-kib", "0", "--force")
BLOCKS = ("--block", "conv-8x3-o4-k3-s1-relu6", "--block", "ir-8x4-m8-o4-k5-s1-se8-hswish-res")


class Person:
    """Somebody whose phone is in an inventory, with ``extra`` lines in its section."""

    def __init__(self, phone: Phone, adb: Adb, tool: Path, folder: Path) -> None:
        self.phone, self.folder = phone, folder
        self.environment = {**os.environ, **adb.environment, "XDG_CONFIG_HOME": str(folder)}
        self.section = (
            f'[devices.pixel]\nkind = "adb"\nserial = "{phone.serial}"\nbenchmark_model = "{tool}"\n'
            f'benchmark_model_sha256 = "{hashlib.sha256(tool.read_bytes()).hexdigest()}"\n'
        )
        self.has("")

    def has(self, delegates: str, extra: str = "") -> None:
        """From now on the phone has these delegates: see benchmark_delegates.h."""
        self.phone.write("/rig/delegates", delegates + "\n")
        (self.folder / "devices.toml").write_text(self.section + extra)

    def profiles(self, *arguments: str, out: str = "t.jsonl") -> tuple[int, str]:
        """Exit code and stderr of a campaign."""
        words = ["profile", *BLOCKS, "--device", "pixel", *QUICK, "-o", out, *arguments]
        done = subprocess.run(
            [sys.executable, "-m", "edgenas", *words], cwd=self.folder, env=self.environment, capture_output=True,
            text=True, stdin=subprocess.DEVNULL, timeout=600,
        )  # fmt: skip
        return done.returncode, " ".join(done.stderr.split())


@pytest.fixture
def person(new_phone: Callable[..., Phone], adb: Adb, benchmark_model: Path, tmp_path: Path) -> Person:
    return Person(new_phone(clusters=TWO_CORES), adb, benchmark_model, tmp_path)


def test_each_dialect_complete_partial_none_and_failed(person: Person) -> None:
    """Refused before anything is measured, with exit code 1 and without a table."""
    for delegates, words, why in (
        ("", "gpu", "gpu computes nothing: GPU acceleration is unsupported on this platform."),
        ("gpu failed", "gpu", "gpu failed: Node number 5 (TfLiteGpuDelegateV2) failed to prepare."),
        ("gpu partial", "gpu", "takes 3 of 5 operators"),
        ("tool litert\ngpu none", "gpu", "gpu failed: Failed to compile model."),
        ("tool litert", "gpu", "gpu failed: Failed to compile model."),
        ("tool litert\ngpu partial", "gpu", "takes 3 of 5 operators"),
    ):
        person.has(delegates)
        code, said = person.profiles("--delegate", words)
        assert (code, why in said) == (1, True), (delegates, code, said)
        assert ("UNPACK: Operation is not supported." in said) == ("partial" in delegates)
        assert "Traceback" not in said and not (person.folder / "t.jsonl").exists()
    for kind, adapter in (("", "TfLiteGpuDelegateV2, OpenCL"), ("tool litert\nadapter Mali-G78\n", "Mali-G78")):
        person.has(f"{kind}gpu complete")
        code, said = person.profiles("--delegate", "gpu", out=f"{len(kind)}.jsonl")
        assert code == 0, said
        table = read_table(person.folder / f"{len(kind)}.jsonl")
        setting = table.setting
        assert (setting.delegate, setting.accelerator, setting.arithmetic) == ("gpu", adapter, "fp16")
        assert (setting.nodes_taken, setting.nodes_total) == (5, 5)
        assert all(m.init_ns > 40_000_000 for m in table.measurements)


def test_partial_beside_the_cpu_is_a_setting_of_its_own(person: Person) -> None:
    person.has("gpu partial")
    code, said = person.profiles("--delegate", "gpu", "--partial")
    assert code == 0, said
    assert read_table(person.folder / "t.jsonl").setting.delegate == "gpu+cpu"
    person.has("gpu complete")
    code, said = person.profiles("--delegate", "gpu")
    assert code == 2 and "gpu+cpu / gpu" in said


def test_a_block_that_is_left_to_the_cpu_is_named(person: Person) -> None:
    person.has("gpu partial 1500")  # the second block's file is larger
    code, said = person.profiles("--delegate", "gpu")
    assert code == 1 and "UNPACK: Operation is not supported." in said and "ir-8x4" in said
    assert "--only-delegated leaves the others out" in said
    assert len(read_table(person.folder / "t.jsonl").blocks) == 1
    code, said = person.profiles("--delegate", "gpu", "--only-delegated")  # nothing is tried again
    assert code == 0 and "left out: ir-8x4" in said and "UNPACK: Operation is not supported." in said
    assert [str(block) for block in read_table(person.folder / "t.jsonl").left_to_cpu] == [BLOCKS[3]]
    assert person.profiles("--delegate", "gpu", "--only-delegated", "--partial")[0] == 2


def test_the_libraries_of_a_delegate_are_pushed(person: Person) -> None:
    """They lie on the library path of the tool, and other libraries make another setting."""
    code, said = person.profiles("--delegate", "external:qnn")
    assert code == 2 and "libraries = { qnn =" in said
    vendor = person.folder / "qnn"
    vendor.mkdir()
    (vendor / "libQnn.so").write_bytes(b"one")
    digest = folder_sha256(vendor)
    extra = 'libraries = {{ qnn = "{}" }}\nlibraries_sha256 = {{ qnn = "{}" }}\nexternal = {{ qnn = "libQnn.so" }}\n'
    extra += 'external_options = {{ qnn = "backend_type:htp;" }}\n'
    person.has("external complete", extra.format(vendor, digest))
    code, said = person.profiles("--delegate", "external:qnn")
    assert code == 0, said
    first = read_table(person.folder / "t.jsonl").setting
    assert (first.delegate, first.accelerator) == ("external:qnn", "TfLiteQnnDelegate")
    (vendor / "libQnn.so").write_bytes(b"two")
    code, said = person.profiles("--delegate", "external:qnn")
    assert code == 2 and f"not '{digest}' as given" in said
    person.has("external complete", extra.format(vendor, folder_sha256(vendor)))
    code, said = person.profiles("--delegate", "external:qnn")
    assert code == 2 and "library_sha256" in said
