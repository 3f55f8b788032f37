"""What phones say: getprop, battery, thermal service, clusters; real texts, changed texts, any text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.devices.facts.android import (
    Battery,
    CoreCluster,
    Thermal,
    free_mib,
    parse_battery,
    parse_clusters,
    parse_getprop,
    parse_thermal,
    split_parts,
)
from tools.rig.phone_files import PIXEL6_CLUSTERS, battery, sysfs, thermal


def test_getprop_in_both_forms() -> None:
    assert parse_getprop("[ro.product.model]: [Pixel 6]\r\n[a.b]: []\n[x]: [1\x1b]\n") == {
        "ro.product.model": "Pixel 6",
        "x": "1",
    }
    assert parse_getprop("# comment\nro.product.model=SM-G930F\nro.product.model=other\n bad\n") == {
        "ro.product.model": "SM-G930F"
    }


def test_battery_of_the_test_phone() -> None:
    assert parse_battery(battery(87, 31.5)) == Battery(87.0, 31.5, True)
    assert parse_battery(battery(5, -3.0).replace("USB powered: true", "USB powered: false")) == Battery(
        5.0, -3.0, False
    )
    assert parse_battery(battery(50, 30).replace("scale: 100", "scale: 200")).level == 25.0
    assert parse_battery(battery(50, 30).replace("present: true", "present: false")) == Battery(None, None, True)
    assert parse_battery("Can't find service: battery") == Battery(None, None, None)


def test_thermal_of_the_test_phone() -> None:
    assert parse_thermal(thermal(2, 41.5, 77.0)) == Thermal(2, 77.0, 41.5)
    assert parse_thermal("Can't find service: thermalservice") == Thermal(None, None, None)
    current = thermal(0, 30.0, 40.0).replace("mValue=40.0, mType=0", "mValue=99.0, mType=0", 1)
    assert parse_thermal(current).cpu_c == 40.0  # the cached one came first and is older


def test_clusters_of_the_test_phone() -> None:
    found = parse_clusters({k: v for k, v in sysfs(PIXEL6_CLUSTERS).items() if "/cpu/cpu" in k})
    assert found == (
        CoreCluster((0, 1, 2, 3), 160, 1803.0),
        CoreCluster((4, 5), 498, 2253.0),
        CoreCluster((6, 7), 1024, 2802.0),
    )


def test_clusters_without_related_cpus() -> None:
    root = "/sys/devices/system/cpu/cpu"
    files = {f"{root}{n}/cpufreq/cpuinfo_max_freq": f"{1200000 if n < 2 else 2000000}\n" for n in range(4)}
    assert [c.cpus for c in parse_clusters(files)] == [(0, 1), (2, 3)]
    assert parse_clusters({}) == ()


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/block/dm-5 1000 10 204800 1% /data\n", 200.0),
        ("Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/a-very-long-name\n 9 8 1024 99% /\n", 1.0),
        ("df: /nowhere: No such file or directory\n", None),
    ],
)
def test_free_space(text: str, mib: float | None) -> None:
    assert free_mib(text) == mib


def test_parts() -> None:
    text = "noise\n=== edgenas part dumpsys battery\n level: 1\n\n=== edgenas part df\nx\n"
    assert split_parts(text) == {"dumpsys battery": " level: 1\n", "df": "x\n"}


@given(st.text())
def test_any_text(text: str) -> None:
    parse_getprop(text)
    assert parse_battery(text) == Battery(None, None, None) or ":" in text
    parse_thermal(text)
    free_mib(text)
    split_parts(text)
    parse_clusters({"/sys/devices/system/cpu/cpu0/cpufreq/related_cpus": text})


def test_real_excerpts(shared_data: Path) -> None:
    folder = shared_data / "traces" / "excerpts"

    def read(start: str) -> str:
        return next(folder.glob(start + "*")).read_text(encoding="utf-8", errors="replace")

    assert parse_battery(read("dumpsys_battery__appium")) == Battery(89.0, None, True)  # an emulator: no sensors
    assert parse_battery(read("dumpsys_battery__syzkaller")) == Battery(19.0, 27.5, True)
    assert parse_battery(read("dumpsys_battery__zebrunner")) == Battery(100.0, 30.9, True)
    assert parse_thermal(read("dumpsys_thermalservice")) == Thermal(0, 37.0, None)
