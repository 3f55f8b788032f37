"""An emulated Android phone: Debian's real adbd (arm64) as user 2000, mksh and toybox, no Python, no /tmp. Runs only in
the lab.

    with Phone() as phone, Adb(tmp_path) as adb:        # tools.rig.adb
        adb.connect(phone.serial)
        adb.run("shell", "getprop ro.product.model", serial=phone.serial)

Only /data/local/tmp can be written by the shell's user, as on a phone. Times measured there mean nothing, and programs
can be pinned to this machine's cores only: use ``clusters=TWO_CORES`` to pin to a big core that exists. Debian's adbd
lets every key in; ``tools.rig.adbd`` can refuse.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from tools.rig import available, phone_files
from tools.rig.board_files import LOAD_IDLE
from tools.rig.machine import Machine
from tools.rig.network import Cable
from tools.rig.phone_files import PIXEL6_CLUSTERS, PIXEL6_PROPERTIES, Cluster
from tools.rig.process import RigError

SHELL_UID = 2000
SHELL_GROUPS = "2000,1004,1007,1011"  # shell, input, log, adb
PORT = 5555
ADBD = "/usr/sbin/adbd"
SHIM = "/system/adbd_props.so"
MEMINFO = "MemTotal:        7835792 kB\nMemFree:          312456 kB\nMemAvailable:    3914880 kB\n"


class Phone(Machine):
    """A phone whose adbd answers on ``serial``, an address for ``adb connect``.

    Args:
        name: for messages; the host name is localhost, as Android's.
        properties: besides a Pixel 6's, or instead of them.
        clusters: kinds of cores, in the order of their numbers.
        cable: see ``tools.rig.network``; a plain one if None.
        disk_mb: room for what is written, in MB of memory at most.
    """

    def __init__(
        self,
        name: str = "pixel6",
        *,
        properties: Mapping[str, str] | None = None,
        clusters: tuple[Cluster, ...] = PIXEL6_CLUSTERS,
        cable: Cable | None = None,
        disk_mb: int = 512,
    ) -> None:
        if reason := available.phone():
            raise RigError(reason)
        proc = {"cpuinfo": phone_files.cpuinfo(clusters), "meminfo": MEMINFO, "loadavg": LOAD_IDLE}
        super().__init__(name, [available.PHONE_IMAGE], cable=cable, disk_mb=disk_mb, proc=proc)
        self.host_name = "localhost"
        self.serial = f"{self.ip}:{PORT}"
        self.properties = {**PIXEL6_PROPERTIES, **(properties or {})}
        self._furnish(clusters)

    def _furnish(self, clusters: tuple[Cluster, ...]) -> None:
        programs = self.path("/system/bin")
        programs.mkdir(parents=True)
        for link, target in (("sh", "/usr/bin/mksh"), ("toybox", "/usr/bin/toybox"), ("linker64", "/usr/bin/toybox")):
            (programs / link).symlink_to(target)
        for applet in phone_files.APPLETS:
            (programs / applet).symlink_to("toybox")
        for command, text in phone_files.COMMANDS.items():
            self.write(f"/system/bin/{command}", text, mode=0o755)
        # Debian keeps bin, lib and sbin below usr, and its adbd starts /bin/sh.
        for folder in ("bin", "lib", "sbin"):
            if not self.path(folder).exists():
                self.path(folder).symlink_to(f"usr/{folder}")
        if not self.path("/usr/bin/sh").exists():
            self.path("/usr/bin/sh").symlink_to("mksh")
        shutil.rmtree(self.path("/tmp"), ignore_errors=True)
        self.write(phone_files.PROPERTIES, "".join(f"{name}={value}\n" for name, value in self.properties.items()))
        self.write("/etc/passwd", phone_files.PASSWD)
        self.write("/etc/group", phone_files.GROUP)
        self.write(phone_files.FIXED_PERFORMANCE, "false\n", owner=SHELL_UID)
        for path, text in phone_files.sysfs(clusters).items():
            self.write(path, text)
        self.set_battery(87, 28.1)
        self.set_thermal(0)
        for folder, mode in (("data", 0o771), ("data/local", 0o751), ("data/local/tmp", 0o771), ("sdcard", 0o770)):
            self.path(folder).mkdir(exist_ok=True)
            self.path(folder).chmod(mode)
        os.chown(self.path("/data/local/tmp"), SHELL_UID, SHELL_UID)
        if available.properties_shim() is None:
            shutil.copy(available.PROPERTIES_SHIM, self.path(SHIM))

    def service(self) -> list[str]:
        variables = {
            "PATH": "/system/bin:/vendor/bin",
            "HOME": "/",
            "TMPDIR": "/data/local/tmp",
            "ANDROID_DATA": "/data",
            "ANDROID_ROOT": "/system",
            "SHELL": "/system/bin/sh",
            "USER": "shell",
            "LOGNAME": "shell",
            "QEMU_CPU": "cortex-a76",
            "QEMU_UNAME": "5.10.157-android13-4-00001-g5b2a1b2c3d4e",
        }
        if available.properties_shim() is None:
            variables["QEMU_SET_ENV"] = f"LD_PRELOAD={SHIM}"  # for the arm64 side only
        settings = [f"{name}={value}" for name, value in variables.items()]
        user = [f"--userspec={SHELL_UID}:{SHELL_UID}", f"--groups={SHELL_GROUPS}"]
        return ["env", "-i", *settings, available.program("chroot") or "chroot", *user, str(self.root), ADBD]

    def ready(self) -> bool:
        return f"listening on tcp:{PORT}" in self.log()

    def kill_adbd(self) -> None:
        """Kill adbd with SIGKILL; it is started again, as by Android's init."""
        self.kill(ADBD)

    def set_battery(self, level_percent: int, temperature_c: float) -> None:
        self.write(phone_files.BATTERY, phone_files.battery(level_percent, temperature_c))

    def set_thermal(self, status: int, skin_c: float = 38.2, cpu_c: float = 44.0) -> None:
        self.write(phone_files.THERMAL, phone_files.thermal(status, skin_c, cpu_c))

    def set_load(self, one_minute: float) -> None:
        self.write_proc("loadavg", f"{one_minute:.2f} 0.03 0.01 1/137 1843\n")

    def fixed_performance(self) -> bool:
        """Return whether fixed performance mode is on."""
        return self.read(phone_files.FIXED_PERFORMANCE).strip() == "true"
