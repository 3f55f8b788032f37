"""A separate OpenSSH server for tests: its keys, its configuration and its port, in one folder. Works without root.

    with SshServer(tmp_path) as server:
        key = server.new_key()
        subprocess.run([*server.client(key), "uname"], check=True)

It serves the account that started it (as root: every account).
"""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tools.rig import available, process
from tools.rig.process import RigError, run, wait_for


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make a key pair ``path`` and ``path``.pub; return ``path``."""
    run("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "edgenas-rig", "-f", path)
    return path


class SshServer:
    """OpenSSH server; call ``start`` and ``stop``, or use it in a ``with`` statement.

    Args:
        folder: where its files go; made if absent.
        host, port: where it listens; a free port if None.
        chroot: what its sessions see as /; needs root, and every folder above it must be root's alone.
        namespace: network namespace (of ``ip netns``) to run in; needs root.
        shell: login shell of the account, such as /usr/bin/fish, in place of its own; its home is ``folder``/home then.
        environment: variables that its sessions get; HOME is an empty folder unless told otherwise, since what a
            person's shell does on login may take long, or a lock.
        extra: further lines of sshd_config.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        chroot: Path | None = None,
        namespace: str | None = None,
        shell: str | None = None,
        environment: Mapping[str, str] | None = None,
        extra: str = "",
    ) -> None:
        self.folder, self.host, self.port = folder, host, port or free_port(host)
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self._chroot, self._namespace = chroot, namespace
        self.home = folder / "home"
        folder.mkdir(parents=True, exist_ok=True)
        own_home = {} if chroot else {"HOME": str(self.home)}
        self.home.mkdir(exist_ok=True)
        self._variables = _account_with(shell, self.home, folder) if shell else {}
        self._environment, self._extra = {**own_home, **(environment or {})}, extra
        self._process: subprocess.Popen[bytes] | None = None
        self._host_key = folder / "host_key"
        if not self._host_key.exists():
            keygen(self._host_key)
        self._authorized = folder / "authorized_keys"
        self._authorized.touch()
        self.configure()

    def configure(self) -> None:
        """Write sshd_config; it applies from the next start."""
        variables = " ".join(f'"{name}={value}"' for name, value in self._environment.items())
        lines = [
            f"Port {self.port}",
            f"ListenAddress {self.host}",
            f"HostKey {self._host_key}",
            "PidFile none",
            f"AuthorizedKeysFile {self._authorized}",
            "StrictModes no",  # temporary folders lie below /tmp, which everybody may write
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "UseDNS no",
            "PrintMotd no",
            "PrintLastLog no",
            "LogLevel VERBOSE",
            "MaxStartups 100",
            "MaxSessions 100",
            "Subsystem sftp internal-sftp",
            *([f"ChrootDirectory {self._chroot}"] if self._chroot else []),
            *([f"SetEnv {variables}"] if variables else []),
            self._extra,
        ]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")

    def argv(self) -> list[str]:
        """Return the command line of the server in the foreground; OpenSSH requires an absolute path."""
        program = available.program("sshd")
        if program is None:
            raise RigError(available.sshd() or "sshd is not installed")
        return [program, "-D", "-E", str(self.folder / "sshd.log"), "-f", str(self.folder / "sshd_config")]

    def start(self, timeout_s: float = 10) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where a root sshd confines its unprivileged half
        inside = ["ip", "netns", "exec", self._namespace] if self._namespace else []
        (self.folder / "sshd.log").write_text("")
        self._process = subprocess.Popen(
            [*inside, *self.argv()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self._variables},
        )
        wait_for(self._listens, f"sshd on {self.host}:{self.port}", timeout_s)

    def _listens(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RigError(f"sshd ended: {self.log()}")
        return "Server listening" in self.log()

    def log(self) -> str:
        return (self.folder / "sshd.log").read_text(errors="replace")

    def sessions(self) -> list[int]:
        """Return the processes of open connections: for each a monitor and its unprivileged part."""
        if self._process is None:
            return []
        return session_processes(self._process.pid)

    def kill_sessions(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Break every connection; the commands in them continue. Return the number of killed processes."""
        pids = self.sessions()
        process.kill(pids, number)
        return len(pids)

    def stop(self) -> None:
        """End the server, its connections and the commands that are still attached to them."""
        if self._process is not None:
            process.kill([self._process.pid, *process.descendants(self._process.pid)])
            self._process.wait()
            self._process = None

    def allow(self, public_key: Path) -> None:
        """Allow login with a public key."""
        with self._authorized.open("a") as file:
            file.write(public_key.read_text())

    def new_key(self, name: str = "id") -> Path:
        """Make a key pair with which login is allowed; return the path of the private key."""
        key = keygen(self.folder / name)
        self.allow(self.folder / f"{name}.pub")
        return key

    def change_host_key(self) -> None:
        """Replace the host key, as after a reinstallation or in an attack; it applies from the next start."""
        self._host_key.unlink()
        keygen(self._host_key)

    def known_hosts_line(self) -> str:
        """Return the line of known_hosts, with its line end. Port 22 has no brackets, as OpenSSH writes it."""
        kind, key = self._host_key.with_suffix(".pub").read_text().split()[:2]
        where = self.host if self.port == 22 else f"[{self.host}]:{self.port}"
        return f"{where} {kind} {key}\n"

    def fingerprint(self) -> str:
        """Return the fingerprint of the host key in OpenSSH's form: SHA256:..."""
        return run("ssh-keygen", "-l", "-f", self._host_key.with_suffix(".pub")).stdout.split()[1]

    def client(self, key: Path, user: str | None = None) -> list[str]:
        """Return the arguments of OpenSSH's client up to the host; append the command."""
        known = self.folder / "known_hosts"
        known.write_text(self.known_hosts_line())
        options = ("BatchMode=yes", "IdentitiesOnly=yes", f"UserKnownHostsFile={known}", "ConnectTimeout=5")
        flags = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "none", "-i", str(key), *flags, "-p", str(self.port), f"{user or self.user}@{self.host}"]

    def __enter__(self) -> SshServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class DropbearServer(SshServer):
    """Dropbear server, as on routers and small boards, with the same account, keys and methods. Works without root."""

    def __init__(self, folder: Path, *, shell: str = "/bin/sh") -> None:
        super().__init__(folder, shell=shell)
        (self.home / ".ssh").mkdir(mode=0o700, exist_ok=True)
        self.home.chmod(0o700)
        self._authorized = self.home / ".ssh" / "authorized_keys"

    def argv(self) -> list[str]:
        """Return the command line of the server in the foreground, with OpenSSH's host key in dropbear's form."""
        key = self.folder / "dropbear_key"
        if not key.exists():
            run("dropbearconvert", "openssh", "dropbear", self._host_key, key)
        listens = ("-p", f"{self.host}:{self.port}", "-P", str(self.folder / "pid"), "-r", str(key))
        program = available.program("dropbear") or "dropbear"
        return ["sh", "-c", 'exec 2>>"$0"; exec "$@"', str(self.folder / "sshd.log"), program, "-F", "-E", *listens]

    def _listens(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RigError(f"dropbear ended: {self.log()}")
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0


def _account_with(shell: str, home: Path, folder: Path) -> dict[str, str]:
    """Return the environment variables that give this account another login shell and home (libnss-wrapper)."""
    reason = available.login_shell(shell)
    if reason:
        raise RigError(reason)
    me = pwd.getpwuid(os.geteuid())
    others = [entry for entry in pwd.getpwall() if entry.pw_uid != me.pw_uid and entry.pw_name != me.pw_name]
    lines = [":".join(map(str, entry)) for entry in others]
    lines.append(f"{me.pw_name}:x:{me.pw_uid}:{me.pw_gid}::{home}:{shell}")
    (folder / "passwd").write_text("\n".join(lines) + "\n")
    return {
        "LD_PRELOAD": str(available.nss_wrapper()),
        "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
        "NSS_WRAPPER_GROUP": "/etc/group",
    }


def session_processes(listener: int) -> list[int]:
    """Return sshd's own processes below its listener (sshd-session from OpenSSH 9.8), without the commands that they
    run.
    """
    return [pid for pid in process.descendants(listener) if process.name(pid).startswith("sshd")]
