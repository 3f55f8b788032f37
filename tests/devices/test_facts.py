"""Reading what a device is, from text that real devices gave."""

from __future__ import annotations

import platform
from collections import Counter
from pathlib import Path

import pytest

from edgenas.devices.facts.android import MARK
from edgenas.devices.facts.cpuinfo import CpuInfo, parse_cpuinfo
from edgenas.devices.facts.facts import (
    FILE_MARK,
    Facts,
    clusters_of,
    fingerprint,
    parse_facts,
    read_facts,
    state,
)
from edgenas.devices.facts.int8_products import described, exact, int8_isa, named
from edgenas.devices.transports.local import LocalDevice
from tools.rig.phone_files import PIXEL6_CLUSTERS, PIXEL6_PROPERTIES, battery, cpuinfo, sysfs, thermal


def marked(files: dict[str, str]) -> str:
    return "".join(f"\n{FILE_MARK}{path}\n{content}" for path, content in files.items())


# Raspberry Pi OS on a Pi 4, in the order and with the quirks of the real files: no newline after device-tree texts
PI4 = {
    "/proc/cpuinfo": "processor\t: 0\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
    "CPU part\t: 0xd08\n\nprocessor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n\nHardware\t: BCM2835\n"
    "Revision\t: c03111\nModel\t\t: Raspberry Pi 4 Model B Rev 1.1\n",
    "/proc/meminfo": "MemTotal:        3884404 kB\nMemFree:          117704 kB\n",
    "/proc/loadavg": "0.52 0.30 0.12 1/163 2177\n",
    "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n',
    "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.1\0",
    "/proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
    "/sys/devices/system/cpu/present": "0-3\n",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "ondemand\n",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000\n",
    "/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1500000\n",
    "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "/sys/class/thermal/thermal_zone0/temp": "48686\n",
    "/sys/class/thermal/thermal_zone1/type": "battery\n",
    "/sys/class/thermal/thermal_zone1/temp": "99000\n",
    "uname": "Linux 6.1.21-v8+ aarch64\n",
}


def test_a_raspberry_pi() -> None:
    facts = parse_facts(marked(PI4))
    assert facts == Facts(
        model="Raspberry Pi 4 Model B Rev 1.1",
        soc="Broadcom BCM2711",
        cpu="Cortex-A72",
        cores=4,
        architecture="aarch64",
        memory_mib=4096,
        governor="ondemand",
        os="Debian GNU/Linux 12 (bookworm)",
        kernel="Linux 6.1.21-v8+",
        clock_mhz=1500.0,
        temperature_c=48.686,
        load_1min=0.52,
    )
    assert fingerprint(facts) == {
        "model": "Raspberry Pi 4 Model B Rev 1.1",
        "soc": "Broadcom BCM2711",
        "cpu": "Cortex-A72",
        "cores": 4,
        "architecture": "aarch64",
        "memory_mib": 4096,
        "governor": "ondemand",
    }
    assert state(facts) == {
        "os": "Debian GNU/Linux 12 (bookworm)",
        "kernel": "Linux 6.1.21-v8+",
        "clock_mhz": 1500.0,
        "temperature_c": 48.686,
        "load_1min": 0.52,
    }


def test_a_new_kernel_makes_no_other_machine_of_a_board() -> None:
    """Older kernels call every Pi's chip BCM2835, newer ones say nothing in cpuinfo."""
    files = {**PI4, "/proc/cpuinfo": PI4["/proc/cpuinfo"].replace("Hardware", "Hardcopy")}
    assert fingerprint(parse_facts(marked(files))) == fingerprint(parse_facts(marked(PI4)))


def test_a_board_that_no_table_knows_is_what_its_device_tree_says() -> None:
    tree = {"/proc/device-tree/model": "Acme One\0", "/proc/device-tree/compatible": "acme,one\0acme,x1\0"}
    facts = parse_facts(marked(tree))
    assert (facts.model, facts.soc) == ("Acme One", "acme,x1")


def test_a_pi_says_what_its_firmware_measures() -> None:
    said = f"\n{MARK}vcgencmd\nthrottled=0x50005\nfrequency(48)=1499000000\ntemp=52.1'C\n\n{MARK}facts\n"
    facts = parse_facts(said + marked(PI4))
    assert (facts.throttled, facts.clock_mhz, facts.temperature_c) == (0x50005, 1499.0, 52.1)
    assert fingerprint(facts) == fingerprint(parse_facts(marked(PI4)))


def test_a_phone() -> None:
    files = {
        "/proc/cpuinfo": cpuinfo(PIXEL6_CLUSTERS),
        "/proc/device-tree/model": "ORIOLE EVT 1.0 based on GS101\0",
        "/sys/devices/system/cpu/present": "0-7\n",
        **{path: text for path, text in sysfs(PIXEL6_CLUSTERS).items() if "/cpu/cpu" in path},
        "uname": "Linux 5.10.149-android13 aarch64\n",
    }
    said = {
        "getprop": "".join(f"[{key}]: [{value}]\n" for key, value in PIXEL6_PROPERTIES.items()),
        "dumpsys battery": battery(87, 31.5),
        "dumpsys thermalservice": thermal(2, 41.5, 77.0),
        "facts": "",
    }
    facts = parse_facts("".join(f"\n{MARK}{name}\n{text}" for name, text in said.items()) + marked(files))
    assert facts == Facts(
        model="Google Pixel 6",
        soc="Google Tensor (GS101)",
        cpu="Cortex-A55 + Cortex-A76 + Cortex-X1",
        cores=8,
        architecture="aarch64",
        governor="sched_pixel",
        os="Android 14",
        kernel="Linux 5.10.149-android13",
        clusters="0-3@1803 4-5@2253 6-7@2802",
        clock_mhz=facts.clock_mhz,
        temperature_c=77.0,
        battery_percent=87.0,
        thermal_status=2,
        int8_isa="asimd asimddp",
    )
    assert {"clusters", "battery_percent", "thermal_status", "os"} <= state(facts).keys()


def test_clusters_of_one_clock_are_one() -> None:
    alike = {f"/sys/devices/system/cpu/cpu{n}/cpufreq/cpuinfo_max_freq": "2400000\n" for n in range(4)}
    alone = {path.replace("cpuinfo_max_freq", "related_cpus"): path[27] for path in alike}
    assert parse_facts(marked({**alike, **alone})).clusters == "0-3@2400"
    assert parse_facts(marked(alone)).clusters is None


def test_the_cpus_of_clusters_are_read_back() -> None:
    assert clusters_of("0-3@1803 4-5@2253 7@2802") == ((0, 1, 2, 3), (4, 5), (7,))
    assert clusters_of("0,2-3@1800") == ((0, 2, 3),)
    assert clusters_of(None) == ()


def test_nothing_is_invented() -> None:
    assert parse_facts("") == Facts()
    assert fingerprint(Facts()) == {}
    odd = {
        "/proc/meminfo": "MemTotal: lots\n",
        "/proc/loadavg": "high\n",
        "/sys/devices/system/cpu/present": "all\n",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "<unknown>\n",
        "/sys/class/thermal/thermal_zone0/type": "cpu\n",
        "/sys/class/thermal/thermal_zone0/temp": "-274000\n",
        "uname": "Linux\n",
    }
    assert parse_facts(marked(odd)) == Facts()


def test_one_missing_file_costs_one_fact() -> None:
    whole = parse_facts(marked(PI4)).as_dict()
    without = parse_facts(marked({k: v for k, v in PI4.items() if k != "/proc/meminfo"})).as_dict()
    assert without == {**whole, "memory_mib": None}


def test_two_clusters_and_offline_processors() -> None:
    core = "processor\t: {}\nCPU implementer\t: 0x{}\nCPU part\t: 0x{}\n\n"
    text = core.format(0, "41", "d03") + core.format(4, "41", "d09") + core.format(5, "99", "1")
    assert parse_cpuinfo(text).cpu == "Cortex-A53 + Cortex-A73 + implementer 0x99 part 0x001"


def test_control_characters_never_reach_a_terminal() -> None:
    facts = parse_facts(marked({**PI4, "/proc/device-tree/model": "Pi\x1b[2J\x07 4\0", "/etc/os-release": ""}))
    assert facts.model == "Pi [2J  4"


def test_this_machine() -> None:
    facts = read_facts(LocalDevice())
    assert facts.architecture == platform.machine()
    assert facts.kernel == f"Linux {platform.release()}"
    assert facts.cores is not None
    assert facts.memory_mib is not None
    assert fingerprint(facts) == fingerprint(read_facts(LocalDevice()))
    flags = " ".join(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line[:5] in ("flags", "Featu"))
    assert ("avx512-vnni" in (facts.int8_isa or "").split()) == ("avx512_vnni" in flags.split())
    assert "int8_isa" in state(facts) and "int8_isa" not in fingerprint(facts), "tables of before stay comparable"


@pytest.mark.parametrize(
    ("file", "cpu", "processors", "soc"),
    [
        ("raspberrypi.log", "ARM1176", None, "BCM2708"),
        ("raspberrypi2.log", "Cortex-A7", 4, "BCM2709"),
        ("raspberrypi3.log", "Cortex-A53", 4, "BCM2709"),
        ("jetson-tx1.log", "Cortex-A57", 4, "jetson_tx1"),
        ("galaxy-s9-global.log", "Cortex-A55 + Samsung Exynos M3", 8, None),
        (
            "pixel-2-xl.log",
            "Qualcomm Kryo 2xx Gold + Qualcomm Kryo 2xx Silver",
            8,
            "Qualcomm Technologies, Inc MSM8998",
        ),
        ("huawei-mate-20.log", "Cortex-A55 + Cortex-A76", 8, None),
        ("scaleway.log", "Cavium ThunderX", 6, None),
        ("nexus4.log", "Qualcomm Krait", 4, "QCT APQ8064 MAKO"),
        ("alldocube-iwork8.log", "Intel(R) Atom(TM) x5-Z8350 CPU @ 1.44GHz", 4, None),
    ],
)
def test_real_cpuinfo(shared_data: Path, file: str, cpu: str, processors: int | None, soc: str | None) -> None:
    text = (shared_data / "traces/cpuinfo_getprop/test/cpuinfo" / file).read_text(errors="replace")
    found = parse_cpuinfo(text)
    assert (found.cpu, found.processors, found.soc) == (cpu, processors, soc)


def test_every_real_cpuinfo_is_read_and_nearly_all_cores_are_named(shared_data: Path) -> None:
    files = sorted((shared_data / "traces/cpuinfo_getprop/test/cpuinfo").glob("*.log"))
    found = [parse_cpuinfo(path.read_text(errors="replace")) for path in files]
    assert len(found) == 123
    assert CpuInfo() not in found
    named = [info for info in found if info.cpu is not None and "implementer" not in info.cpu]
    assert len(named) >= 120, "two of the 123 do not tell their part numbers"


HASWELL = "fpu sse4_1 avx fma avx2 bmi2"
SKYLAKE_X = f"{HASWELL} avx512f avx512dq avx512cd avx512bw avx512vl"


@pytest.mark.parametrize(
    ("flags", "isa", "known", "told"),
    [
        (f"{SKYLAKE_X} avx512_vnni", "sse4.1 avx2 avx512 avx512-vnni", True, "AVX512-VNNI (exact)"),
        (f"{HASWELL} avx_vnni", "sse4.1 avx2 avx-vnni", True, "AVX-VNNI (exact)"),
        # a virtual machine may hide one and show the other: ONNX Runtime then takes its kernel for plain AVX512
        (f"{SKYLAKE_X} avx_vnni", "sse4.1 avx2 avx512 avx-vnni", False, "AVX512 without VNNI: 16-bit sums saturate"),
        (f"{SKYLAKE_X} avx512_vnni amx_tile amx_int8", "sse4.1 avx2 avx512 avx512-vnni amx-int8", True, "AMX-INT8"),
        (HASWELL, "sse4.1 avx2", False, "AVX2 without VNNI: 16-bit sums saturate; int8 ONNX files are written with re"),
        (HASWELL.replace(" fma", ""), "sse4.1", True, "SSE4.1 (exact)"),
        ("fp asimd evtstrm crc32", "asimd", True, "Arm without dot product (exact)"),
        ("fp asimd asimdhp asimddp", "asimd asimddp", True, "Arm dot product (exact)"),
        ("fp asimd asimddp i8mm bf16", "asimd asimddp i8mm", True, "Arm i8mm (exact)"),
        ("half thumb neon vfpv4", "neon", None, "32-bit Arm NEON: whether sums are exact is not known; int8 ONNX"),
        ("rv64imafdc", None, None, "not known: "),
    ],
)
def test_which_8_bit_products_are_exact(flags: str, isa: str | None, known: bool | None, told: str) -> None:
    arm = "flags" if "fpu" in flags else "Features"
    assert parse_cpuinfo(f"processor\t: 0\n{arm}\t\t: {flags}\n").int8_isa == isa
    assert exact(isa) is known
    assert described(isa).startswith(told) and described(isa).startswith(named(isa))


def test_only_what_every_core_has_counts() -> None:
    """A big core with the dot product beside a small one without: Linux may run a thread on either."""
    text = "processor\t: 0\nFeatures\t: asimd\n\nprocessor\t: 1\nFeatures\t: asimd asimddp\n"
    assert parse_cpuinfo(text).int8_isa == "asimd"
    assert int8_isa([]) is None


def test_the_8_bit_products_of_real_processors(shared_data: Path) -> None:
    """They are of 2010 to 2018: none has VNNI or lists the dot product; Atoms end at SSE4.2."""
    files = sorted((shared_data / "traces/cpuinfo_getprop/test/cpuinfo").glob("*.log"))
    found = Counter(parse_cpuinfo(path.read_text(errors="replace")).int8_isa for path in files)
    assert found == {"neon": 62, "asimd": 41, "neon asimd": 12, "sse4.1": 4, None: 4}
    assert {isa: exact(isa) for isa in found} == {
        "neon": None,
        "asimd": True,
        "neon asimd": True,
        "sse4.1": True,
        None: None,
    }
