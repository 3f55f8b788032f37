"""Files of a Raspberry Pi that describe it: data for tools.rig.board.

Values as Raspberry Pi OS bookworm (64-bit) shows them on the boards named.
"""

from __future__ import annotations

from dataclasses import dataclass

THROTTLED = "/var/lib/rig/throttled"  # what the firmware would say, in hexadecimal
TEMPERATURE = "/sys/class/thermal/thermal_zone0/temp"  # in thousandths of a degree Celsius
LOAD_IDLE = "0.05 0.03 0.01 1/137 1843\n"  # /proc/loadavg: the emulating machine's own load would be shown instead

# Only built-ins of the shell: every further program costs some 30 ms under emulation.
VCGENCMD = f"""#!/bin/sh
case "$1" in
get_throttled) read -r bits <{THROTTLED}; echo "throttled=$bits" ;;
measure_temp) read -r milli <{TEMPERATURE}; echo "temp=$((milli / 1000)).$((milli % 1000 / 100))'C" ;;
measure_clock) read -r khz </sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq; echo "frequency(48)=${{khz}}000" ;;
measure_volts) echo "volt=0.8600V" ;;
*) echo 'error=1 error_msg="Command not registered"'; exit 255 ;;
esac
"""

PASSWD = """root:x:0:0:root:/root:/bin/bash
pi:x:1000:1000::/home/pi:/bin/bash
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\ntty:x:5:\nvideo:x:44:pi\npi:x:1000:\nnogroup:x:65534:\n"


@dataclass(frozen=True)
class Personality:
    """Model of a board. ``qemu_cpu`` is the processor that qemu emulates for it."""

    model: str
    revision: str  # Raspberry Pi's own code, in hexadecimal
    qemu_cpu: str
    variant: str
    part: str  # with implementer 0x41, Arm: 0xd08 Cortex-A72, 0xd0b Cortex-A76
    cpu_revision: int
    features: str
    khz: tuple[int, ...]  # available clocks, rising
    memory_kb: int
    cores: int = 4
    governor: str = "ondemand"

    def cpuinfo(self) -> str:
        core = (
            f"BogoMIPS\t: 108.00\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
            f"CPU variant\t: {self.variant}\nCPU part\t: {self.part}\nCPU revision\t: {self.cpu_revision}\n\n"
        )
        cores = "".join(f"processor\t: {index}\n{core}" for index in range(self.cores))
        serial = "10000000" + self.revision.rjust(8, "0")
        return f"{cores}Revision\t: {self.revision}\nSerial\t\t: {serial}\nModel\t\t: {self.model}\n"

    def meminfo(self) -> str:
        rows = {
            "MemTotal": self.memory_kb,
            "MemFree": self.memory_kb * 7 // 8,
            "MemAvailable": self.memory_kb * 15 // 16,
            "Buffers": 20480,
            "Cached": self.memory_kb // 20,
            "SwapTotal": 204796,
            "SwapFree": 204796,
        }
        return "".join(f"{name + ':':<16}{value:>8} kB\n" for name, value in rows.items())

    def files(self) -> dict[str, str]:
        """Return path → text; all files are owned by root."""
        span = f"0-{self.cores - 1}\n"
        cpu = "/sys/devices/system/cpu"
        files = {
            "/etc/passwd": PASSWD,
            "/etc/group": GROUP,
            "/sys/firmware/devicetree/base/model": self.model + "\0",
            "/sys/firmware/devicetree/base/serial-number": "10000000" + self.revision.rjust(8, "0") + "\0",
            "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            TEMPERATURE: "48686\n",
            THROTTLED: "0x0\n",
            **{f"{cpu}/{file}": span for file in ("possible", "present", "online")},
        }
        clocks = {
            "scaling_governor": self.governor,
            "scaling_available_governors": "conservative ondemand userspace powersave performance schedutil",
            "scaling_available_frequencies": " ".join(map(str, self.khz)),
            "scaling_cur_freq": str(self.khz[-1]),
            "scaling_min_freq": str(self.khz[0]),
            "scaling_max_freq": str(self.khz[-1]),
            "cpuinfo_min_freq": str(self.khz[0]),
            "cpuinfo_max_freq": str(self.khz[-1]),
            "related_cpus": " ".join(map(str, range(self.cores))),
            "affected_cpus": " ".join(map(str, range(self.cores))),
        }
        for core in range(self.cores):
            files |= {f"{cpu}/cpu{core}/cpufreq/{file}": f"{value}\n" for file, value in clocks.items()}
        return files


PI4 = Personality(
    model="Raspberry Pi 4 Model B Rev 1.4",
    revision="c03114",
    qemu_cpu="cortex-a72",
    variant="0x0",
    part="0xd08",
    cpu_revision=3,
    features="fp asimd evtstrm crc32 cpuid",
    khz=(600000, 700000, 800000, 900000, 1000000, 1100000, 1200000, 1300000, 1400000, 1500000),
    memory_kb=3885396,
)
PI5 = Personality(
    model="Raspberry Pi 5 Model B Rev 1.0",
    revision="c04170",
    qemu_cpu="cortex-a76",
    variant="0x4",
    part="0xd0b",
    cpu_revision=1,
    features="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    khz=(1500000, 1600000, 1700000, 1800000, 1900000, 2000000, 2100000, 2200000, 2300000, 2400000),
    memory_kb=4131248,
)
PERSONALITIES = {"pi4": PI4, "pi5": PI5}
