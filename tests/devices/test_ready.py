"""Readiness: throttle bits, what is refused and what is marked, and cooling down."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.base.errors import DeviceError
from edgenas.devices.facts import throttle
from edgenas.devices.facts.android import MARK
from edgenas.devices.facts.throttle import Firmware, happened, holding, parse_firmware, since_boot
from edgenas.devices.session.readiness import DeviceReading, Limits, cool_down, judge, parse, read
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.local import LocalDevice
from tests.support.listeners import Recorder
from tools.rig.board_files import LOAD_IDLE, PI4
from tools.rig.phone_files import battery, thermal

GOOD = DeviceReading(
    identity={"model": "Raspberry Pi 4 Model B Rev 1.4", "cores": 4, "governor": "performance"},
    free_mib=9000.0,
    load_1min=0.05,
    cores=4,
    governor="performance",
    temperature_c=48.7,
    throttled=0,
    pi=True,
)
PHONE = replace(GOOD, pi=False, throttled=None, phone=True, battery_percent=80.0, thermal_status=0)


def said(reading: DeviceReading, **expected: str | int) -> list[tuple[str, str]]:
    return [(f.what, f.level) for f in judge(reading, Limits(), expected)]


def test_a_good_device_is_ready() -> None:
    assert judge(GOOD, Limits(), GOOD.identity) == ()
    assert judge(PHONE, Limits(), {**PHONE.identity, "governor": "schedutil", "soc": "never read here"}) == ()


@pytest.mark.parametrize(
    ("reading", "finding"),
    [
        (replace(GOOD, free_mib=199.0), ("free space", "refuse")),
        (replace(GOOD, load_1min=1.2), ("load", "mark")),
        (replace(GOOD, load_1min=4.0), ("load", "refuse")),
        (replace(GOOD, governor="ondemand"), ("governor", "mark")),
        (replace(GOOD, governor="performance+powersave"), ("governor", "mark")),
        (replace(GOOD, temperature_c=60.5), ("temperature", "wait")),
        (replace(GOOD, temperature_c=None), ("temperature", "mark")),
        (replace(GOOD, throttled=0x1), ("throttle bits", "refuse")),
        (replace(GOOD, throttled=0x50000), ("throttle bits", "mark")),
        (replace(GOOD, throttled=None), ("throttle bits", "mark")),
        (replace(PHONE, battery_percent=29.9), ("battery", "refuse")),
        (replace(PHONE, battery_percent=None), ("battery", "mark")),
        (replace(PHONE, thermal_status=1), ("thermal status", "wait")),
        (replace(PHONE, thermal_status=None), ("thermal status", "mark")),
    ],
)
def test_each_rule(reading: DeviceReading, finding: tuple[str, str]) -> None:
    found = said(reading)
    assert set(found) == {finding}
    assert all(re.search(r"\w; \w", str(f)) for f in judge(reading, Limits()))  # a reason and a remedy


def test_limits_are_where_they_say() -> None:
    edge = replace(GOOD, load_1min=1.19, free_mib=200.0, temperature_c=60.0)
    assert judge(edge, Limits()) == ()
    assert judge(replace(PHONE, battery_percent=30.0), Limits()) == ()


def test_another_machine_is_refused_first() -> None:
    found = judge(replace(GOOD, governor="ondemand"), Limits(), {"model": "Raspberry Pi 5 Model B Rev 1.0"})
    assert [(f.what, f.level) for f in found] == [("identity", "refuse"), ("governor", "mark")]
    assert "'Raspberry Pi 4 Model B Rev 1.4', not 'Raspberry Pi 5 Model B Rev 1.0'" in found[0].reason


def board_text(throttled: str = "0x0") -> str:
    files = {
        "/proc/cpuinfo": PI4.cpuinfo(),
        "/proc/meminfo": PI4.meminfo(),
        "/proc/loadavg": LOAD_IDLE,
        "/proc/device-tree/model": PI4.model + "\0",
        "/sys/devices/system/cpu/present": "0-3\n",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "/sys/class/thermal/thermal_zone0/temp": "48686\n",
    }
    df = "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/root 30000000 1 20480000 1% /\n"
    firmware = f"throttled={throttled}\nfrequency(48)=1500398464\ntemp=49.1'C\n"
    head = f"{MARK}df\n{df}{MARK}vcgencmd\n{firmware}\n{MARK}facts\n"
    return (
        head
        + "".join(f"\n=== edgenas file {k}\n{v}" for k, v in files.items())
        + "\n=== edgenas file uname\nLinux 6.6 aarch64\n"
    )


def test_what_a_pi_says() -> None:
    reading = parse(board_text("0x50005"))
    assert reading == DeviceReading(
        identity=reading.identity,
        state=reading.state,
        free_mib=20000.0,
        load_1min=0.05,
        cores=4,
        governor="ondemand",
        temperature_c=49.1,
        throttled=0x50005,
        pi=True,
    )
    assert reading.identity["model"] == PI4.model
    assert said(reading)[0] == ("throttle bits", "refuse")


def test_what_a_phone_says() -> None:
    text = board_text().replace("Raspberry Pi 4 Model B Rev 1.4", "MT6785").replace("throttled=0x0\n", "")
    parts = f"{MARK}dumpsys battery\n{battery(20, 31)}\n{MARK}dumpsys thermalservice\n{thermal(1, 42.0, 70.0)}\n"
    reading = parse(text.replace(f"{MARK}facts", f"{parts}{MARK}facts"))
    assert (reading.phone, reading.pi, reading.throttled) == (True, False, None)
    assert (reading.battery_percent, reading.thermal_status, reading.temperature_c) == (20.0, 1, 70.0)
    assert [what for what, _ in said(reading)] == ["battery", "temperature", "thermal status", "governor"]


class Scripted:
    """A Device that only answers."""

    name = "scripted"

    def __init__(self, stdout: str, returncode: int = 0) -> None:
        self._result = subprocess.CompletedProcess(["sh"], returncode, stdout, "sh: not found\n")

    def run(self, argv: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        return self._result


def test_this_machine_tells_its_state(tmp_path: Path) -> None:
    reading = read(LocalDevice(), str(tmp_path))
    assert reading.free_mib is not None and reading.free_mib > 0
    assert reading.load_1min is not None and reading.cores
    with pytest.raises(DeviceError, match="cannot read the free space"):
        read(LocalDevice(), "relative'; rm -rf /")
    with pytest.raises(DeviceError, match="must be able to run"):
        read(Scripted("", 127), "/tmp")  # type: ignore[arg-type]  # only run() is asked


def test_cool_down_waits_for_a_temperature_not_for_a_time() -> None:
    now = [0.0]
    recorder = Recorder()

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def waits(heats: Sequence[float | None], limit_s: float) -> tuple[float | None, list[str], float]:
        now[0], left = 0.0, iter(heats)
        reading, waiting = cool_down(
            lambda: DeviceReading({}, temperature_c=next(left)),
            Limits(),
            limit_s=limit_s,
            listener=recorder,
            name="pi4",
            sleep=sleep,
            clock=lambda: now[0],
        )
        return reading.temperature_c, [f.what for f in waiting], now[0]

    assert waits([80.0, 70.0, 60.5, 59.0], 100.0) == (59.0, [], 15.0)
    (message,) = recorder.messages
    assert message.startswith("pi4: waiting: ") and "80.0 °C" in message
    assert waits([75.0] * 4, 12.0) == (75.0, ["temperature"], 12.0)
    assert waits([None], 12.0) == (None, [], 0.0)


@pytest.mark.parametrize(("load", "limit"), [(1.2, "0.3"), (4.0, "1")])
def test_a_load_is_compared_with_the_limit_that_it_exceeds(load: float, limit: str) -> None:
    finding = judge(replace(GOOD, load_1min=load), Limits())[0]
    assert finding.reason == f"its load is {load:g} on 4 cores, not below {limit} a core"


@pytest.mark.parametrize(
    ("groups", "refused"), [("pi adm dialout", "pi"), ("pi video", ""), ("root", "")], ids=lambda text: text or "nobody"
)
def test_a_user_without_the_group_video_is_told_the_command(tmp_path: Path, groups: str, refused: str) -> None:
    device = FakeDevice("pi", tmp_path)
    device.program("vcgencmd", 'echo "Can\'t open device file: /dev/vcio" >&2; exit 255')
    device.program("id", f'case $1 in -nG) echo "{groups}";; -un) echo pi;; *) exec /usr/bin/id "$@";; esac')
    assert throttle.read_firmware(device) == Firmware(refused=refused)
    finding = judge(replace(GOOD, throttled=None, refused=refused), Limits())[0]
    assert ("type there: sudo usermod -aG video pi;" in str(finding)) == bool(refused)
    reading = parse(f"\n{MARK}vcgencmd\nrefused={refused}\n")
    assert reading.refused == refused


def test_vcgencmd() -> None:
    assert parse_firmware("throttled=0x50005\nfrequency(45)=1400000000 \ntemp=62.3'C \n") == Firmware(
        0x50005, 1400.0, 62.3
    )
    assert parse_firmware("VCHI initialization failed\nfrequency(48)=0\n") == Firmware()
    assert holding(0x50005) == ("under-voltage", "throttled")
    assert since_boot(0x50005) == ("under-voltage", "throttled")
    assert since_boot(0x80008) == holding(0x80008) == ("soft temperature limit",)


@given(st.integers(0, 0xFFFFF), st.integers(0, 0xFFFFF))
def test_what_happened_between_two_readings(before: int, after: int) -> None:
    found = happened(before, after)
    assert set(holding(before)) | set(holding(after)) <= set(found)
    assert set(found) - set(holding(before)) - set(holding(after)) == (
        set(since_boot(after)) - set(since_boot(before)) - set(holding(before)) - set(holding(after))
    )
    assert all(throttle.remedy(name) for name in found)
    assert happened(None, after) == ()


@given(st.text().filter(lambda text: "===" not in text))
def test_of_a_text_that_says_nothing_all_is_marked(text: str) -> None:
    reading = parse(text)
    assert reading == DeviceReading(identity={})
    assert said(reading) == [(what, "mark") for what in ("free space", "load", "governor", "temperature")]


@given(st.text(), st.integers(0, 0xFFFFFFFF), st.integers(-999, 999), st.integers(0, 10**11 - 1))
def test_firmware_is_read_among_any_lines(text: str, bits: int, degrees: int, hz: int) -> None:
    """What is not one of its three lines changes nothing."""
    noise = "".join(f"{line} .\n" for line in text.splitlines())
    spoken = f"throttled=0x{bits:x}\n{noise}frequency(48)={hz}\n{noise}temp={degrees}.5'C\n"
    assert parse_firmware(noise) == Firmware()
    assert parse_firmware(noise + spoken + noise) == Firmware(bits, hz / 1e6 or None, float(f"{degrees}.5"))


@given(st.text(st.characters(exclude_characters="=\r\n")))
def test_a_broken_part_costs_its_own_findings(text: str) -> None:
    """Every value that is not read is marked; what other parts said stays."""
    whole = board_text()
    before, after = whole.index(f"{MARK}df"), whole.index(f"{MARK}vcgencmd")
    reading = parse(f"{whole[:before]}{MARK}df\n{text}\n{whole[after:]}")
    assert reading == replace(parse(whole), free_mib=None)
    assert set(said(reading)) - set(said(parse(whole))) == {("free space", "mark")}


def test_real_reports(shared_data: Path) -> None:
    """Real excerpts of vcgencmd, and the bits that sbc-bench decoded in its own way."""
    traces = shared_data / "traces"
    bits = [parse_firmware(p.read_text()).throttled for p in sorted((traces / "excerpts").glob("vcgencmd*"))]
    assert bits == [0x0, 0x50000, 0x50005, 0x80000, 0x80008]
    checked = 0
    for path in (traces / "raspberrypi_sbc_bench" / "results").glob("*.txt"):
        text = path.read_text(encoding="utf-8", errors="replace")
        match = re.search(r"^([01]{16,20})\n((?:\|.*\n)+)", text, re.MULTILINE)
        if match is None:
            continue
        number, checked = int(match[1], 2), checked + 1
        # the picture hangs names on columns of the number, old releases have two of them swapped; count what is set
        assert len(holding(number)) + len(since_boot(number)) == match[1].count("1"), path
    assert checked >= 3
