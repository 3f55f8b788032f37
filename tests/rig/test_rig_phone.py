"""The emulated phone is one, and comes back from whatever it suffers."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.rig_helpers import BOOT_ID, model_file, quick, sha256
from tools.rig import available
from tools.rig.adb import Adb
from tools.rig.phone import Phone
from tools.rig.phone_files import TWO_CORES
from tools.rig.process import wait_for

pytest_plugins = ["tools.rig.fixtures"]


@pytest.mark.slow
def test_phone_is_a_phone(phone: Phone, adb: Adb) -> None:
    adb.connect(phone.serial)

    def said(command: str) -> subprocess.CompletedProcess[str]:
        return adb.run("shell", command, serial=phone.serial)

    done = said("id -u; getprop ro.product.model; uname -m; ls -d /tmp; which python3; exit 42")
    assert (done.returncode, done.stdout) == (42, "2000\nPixel 6\naarch64\n")
    assert "No such file" in done.stderr
    assert said("cat /sys/devices/system/cpu/cpu*/cpu_capacity").stdout.split() == [
        *["160"] * 4,
        *["498"] * 2,
        *["1024"] * 2,
    ]
    assert "Permission denied" in said("echo performance >/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").stderr
    phone.set_battery(23, 41.5)
    phone.set_thermal(3)
    facts = said("dumpsys battery; dumpsys thermalservice; dumpsys nonsense").stdout
    assert "  level: 23\n" in facts
    assert "  temperature: 415\n" in facts
    assert "Thermal Status: 3\n" in facts
    assert "Can't find service: nonsense" in facts
    assert said("cmd power set-fixed-performance-mode-enabled true").returncode == 0
    assert phone.fixed_performance()


@pytest.mark.slow
def test_phone_survives_cable_power_and_adbd(phone: Phone, adb: Adb) -> None:
    adb.connect(phone.serial)
    first = adb.run("shell", f"{BOOT_ID}; echo kept >/data/local/tmp/file", serial=phone.serial)
    assert first.stdout.strip() == phone.boot_id()
    phone.unplug()
    with pytest.raises(subprocess.TimeoutExpired):
        adb.run("shell", "true", serial=phone.serial, timeout_s=1)
    phone.plug()
    adb.connect(phone.serial)
    phone.kill_adbd()
    wait_for(lambda: bool(phone.processes()), "adbd is back")
    adb.connect(phone.serial)
    phone.power_cut()
    adb.connect(phone.serial)
    second = adb.run("shell", f"{BOOT_ID}; cat /data/local/tmp/file", serial=phone.serial)
    assert second.stdout.splitlines() == [phone.boot_id(), "kept"]
    assert first.stdout.strip() != phone.boot_id()


@pytest.mark.slow
def test_phone_runs_benchmark_model_on_its_big_core(
    new_phone: Callable[..., Phone], adb: Adb, benchmark_model: Path, tmp_path: Path
) -> None:
    if not {0, 1} <= os.sched_getaffinity(0):
        pytest.skip("needs two cores")
    phone = new_phone(clusters=TWO_CORES)
    adb.connect(phone.serial)
    model = model_file(tmp_path / "m.tflite", 200_000)
    for path in (benchmark_model, model):
        assert adb.run("push", str(path), "/data/local/tmp/", serial=phone.serial).returncode == 0
    folder = "/data/local/tmp"
    hashes = adb.run("shell", f"cd {folder}; sha256sum benchmark_model m.tflite", serial=phone.serial).stdout.split()
    assert hashes[::2] == [sha256(benchmark_model), sha256(model)]
    command = " ".join(["taskset 2", f"{folder}/benchmark_model", *quick(f"{folder}/m.tflite")])
    done = adb.run("shell", command, serial=phone.serial)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^INFO: Inference timings in us: Init: \d+, First inference: \d+, Warmup", done.stdout, re.M)


@pytest.mark.slow
def test_phone_tells_its_name(phone: Phone, adb: Adb) -> None:
    if reason := available.properties_shim():
        pytest.skip(reason)
    adb.connect(phone.serial)
    assert "product:oriole model:Pixel_6 device:oriole" in adb.run("devices", "-l").stdout
    assert "PRELOAD" not in adb.run("shell", "env", serial=phone.serial).stdout
