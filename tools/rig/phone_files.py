"""Files and small programs of a phone that describe it: data for tools.rig.phone.

A Pixel 6 on Android 14, as far as a profiler asks. Commands that Android has and Debian has not are scripts of mksh,
which is Android's own shell.
"""

from __future__ import annotations

from dataclasses import dataclass

BATTERY = "/rig/dumpsys/battery"  # what `dumpsys battery` prints; the thermalservice likewise
THERMAL = "/rig/dumpsys/thermalservice"
#: `cmd power set-fixed-performance-mode-enabled` writes true or false here, so that a test sees what was left behind
FIXED_PERFORMANCE = "/rig/state/fixed_performance"
PROPERTIES = "/system/build.prop"

PIXEL6_PROPERTIES = {
    "ro.product.name": "oriole",
    "ro.product.model": "Pixel 6",
    "ro.product.device": "oriole",
    "ro.product.brand": "google",
    "ro.product.manufacturer": "Google",
    "ro.product.board": "oriole",
    "ro.board.platform": "gs101",
    "ro.soc.model": "GS101",
    "ro.soc.manufacturer": "Google",
    "ro.hardware": "oriole",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
    "ro.build.version.release": "14",
    "ro.build.version.sdk": "34",
    "ro.build.fingerprint": "google/oriole/oriole:14/UP1A.231005.007/10754064:user/release-keys",
    "ro.serialno": "RIG0001",
    "sys.boot_completed": "1",
    "ro.debuggable": "0",
    "service.adb.listen_addrs": "tcp:5555",
}


@dataclass(frozen=True)
class Cluster:
    """Cores of one kind, in the form of sysfs and cpuinfo."""

    cores: int
    capacity: int  # of 1024
    max_khz: int
    part: str  # of implementer 0x41, Arm


#: four Cortex-A55, two A76, two X1
PIXEL6_CLUSTERS = (
    Cluster(4, 160, 1803000, "0xd05"),
    Cluster(2, 498, 2253000, "0xd0b"),
    Cluster(2, 1024, 2802000, "0xd44"),
)
#: one little and one big core, which a machine of two cores can really pin to
TWO_CORES = (Cluster(1, 160, 1803000, "0xd05"), Cluster(1, 1024, 2802000, "0xd44"))

#: applets of toybox that Android 14 links, as far as Debian's toybox has them
_APPLETS = (
    "arch base64 basename cal cat chgrp chmod chown cksum clear cmp comm cp cpio cut date dd df dirname dmesg "
    "dos2unix du echo egrep env expand expr fallocate false fgrep file find flock free fsync getconf grep groups "
    "gunzip gzip head hostname id ionice kill killall ln log logname ls lsof md5sum microcom mkdir mkfifo mknod "
    "mktemp more mount mountpoint mv nc netcat netstat nice nl nohup nproc nsenter od paste patch pgrep pidof pkill "
    "pmap printenv printf prlimit ps pwd readelf readlink realpath renice rm rmdir sed seq setsid sha1sum sha256sum "
    "sleep sort split stat strings stty swapoff sync sysctl tac tail tar taskset tee time timeout top touch tr true "
    "truncate tty ulimit umount uname uniq unlink unshare uptime usleep uudecode uuencode uuidgen vmstat watch wc "
    "which whoami xargs xxd yes zcat "
)
APPLETS = tuple(_APPLETS.split())

COMMANDS = {
    "getprop": f"""#!/system/bin/sh
while IFS== read -r key value; do
    if [ -z "$1" ]; then echo "[$key]: [$value]"; elif [ "$key" = "$1" ]; then echo "$value"; exit 0; fi
done <{PROPERTIES}
[ -z "$1" ] || echo "$2"
""",
    "setprop": """#!/system/bin/sh
echo "Failed to set property '$1' to '$2'." >&2
exit 1
""",
    "dumpsys": """#!/system/bin/sh
if [ "$1" = -l ]; then echo "Currently running services:"; echo "  battery"; echo "  thermalservice"; exit 0; fi
[ -f "/rig/dumpsys/$1" ] && exec cat "/rig/dumpsys/$1"
echo "Can't find service: $1"
""",
    "cmd": f"""#!/system/bin/sh
case "$1 $2" in
"power set-fixed-performance-mode-enabled")
    case "$3" in true|false) echo "$3" >{FIXED_PERFORMANCE}; exit 0;; esac
    echo "Invalid boolean: $3" >&2; exit 255;;
"thermalservice override-status"|"thermalservice reset") exit 0;;
esac
echo "cmd: Can't find service: $1" >&2
exit 20
""",
    "svc": """#!/system/bin/sh
[ "$1 $2" = "power stayon" ] && exit 0
echo "Available commands: power"
exit 1
""",
    "settings": """#!/system/bin/sh
case "$1 $2 $3" in "get global airplane_mode_on") echo 0;; *) echo null;; esac
""",
    "input": "#!/system/bin/sh\n",
    "am": "#!/system/bin/sh\n",
}

PASSWD = "root:x:0:0:root:/:/system/bin/sh\nshell:x:2000:2000:shell:/:/system/bin/sh\n"
GROUP = "root:x:0:\nshell:x:2000:\ninput:x:1004:\nlog:x:1007:\nadb:x:1011:\n"


def battery(level_percent: int, temperature_c: float, status: int = 2) -> str:
    """Return the output of ``dumpsys battery``: the temperature is in tenths of a degree, status 2 is charging."""
    return (
        "Current Battery Service state:\n  AC powered: false\n  USB powered: true\n  Wireless powered: false\n"
        f"  Max charging current: 500000\n  status: {status}\n  health: 2\n  present: true\n  level: {level_percent}\n"
        f"  scale: 100\n  voltage: 4236\n  temperature: {round(temperature_c * 10)}\n  technology: Li-ion\n"
    )


def thermal(status: int, skin_c: float, cpu_c: float) -> str:
    """Return the output of ``dumpsys thermalservice``: status 0 none, 1 light, 2 moderate, 3 severe and up to 6."""
    return (
        "IsStatusOverride: false\nThermalEventListeners:\n\tcallbacks: 2\n\tkilled: false\n"
        f"Thermal Status: {status}\nCached temperatures:\n"
        f"\tTemperature{{mValue={skin_c}, mType=3, mName=VIRTUAL-SKIN, mStatus={status}}}\n"
        f"\tTemperature{{mValue={cpu_c}, mType=0, mName=BIG, mStatus=0}}\nHAL Ready: true\n"
        "Current temperatures from HAL:\n"
        f"\tTemperature{{mValue={skin_c}, mType=3, mName=VIRTUAL-SKIN, mStatus={status}}}\n"
        f"\tTemperature{{mValue={cpu_c}, mType=0, mName=BIG, mStatus=0}}\n"
        "Current cooling devices from HAL:\n\tCoolingDevice{mValue=0, mType=2, mName=tpu}\n"
    )


def cpuinfo(clusters: tuple[Cluster, ...]) -> str:
    features = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
    parts = [cluster.part for cluster in clusters for _ in range(cluster.cores)]
    return "".join(
        f"processor\t: {index}\nBogoMIPS\t: 49.15\nFeatures\t: {features}\nCPU implementer\t: 0x41\n"
        f"CPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: {part}\nCPU revision\t: 0\n\n"
        for index, part in enumerate(parts)
    )


def sysfs(clusters: tuple[Cluster, ...]) -> dict[str, str]:
    """Return path → text: capacities, clocks and clusters, and thermal zones."""
    total = sum(cluster.cores for cluster in clusters)
    cpu = "/sys/devices/system/cpu"
    files = {f"{cpu}/{file}": f"0-{total - 1}\n" for file in ("possible", "present", "online")}
    first = 0
    for cluster in clusters:
        cores = range(first, first + cluster.cores)
        clocks = {
            "scaling_governor": "sched_pixel",
            "scaling_available_governors": "sched_pixel conservative powersave performance schedutil",
            "scaling_cur_freq": str(cluster.max_khz // 2),
            "scaling_min_freq": "300000",
            "scaling_max_freq": str(cluster.max_khz),
            "cpuinfo_min_freq": "300000",
            "cpuinfo_max_freq": str(cluster.max_khz),
            "related_cpus": " ".join(map(str, cores)),
        }
        for core in cores:
            files[f"{cpu}/cpu{core}/cpu_capacity"] = f"{cluster.capacity}\n"
            files |= {f"{cpu}/cpu{core}/cpufreq/{file}": f"{value}\n" for file, value in clocks.items()}
        first += cluster.cores
    zones = {"BIG": 43000, "MID": 41000, "LITTLE": 40000, "VIRTUAL-SKIN": 38000}
    for zone, (kind, milli_c) in enumerate(zones.items()):
        files[f"/sys/class/thermal/thermal_zone{zone}/type"] = f"{kind}\n"
        files[f"/sys/class/thermal/thermal_zone{zone}/temp"] = f"{milli_c}\n"
    return files
