"""Checks of links to devices: inventory, ssh with its keys, adb. Only a running adb server is connected to."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from edgenas.api.inventory import INVENTORY, load_entries
from edgenas.cli.doctor.rows import DoctorRow

_CALL_S = 5.0
_AUTHORISE = "unlock the phone and allow USB debugging, then type: edgenas devices check"


def inventory_rows(inventory: Path | None) -> Iterator[DoctorRow]:
    """Yield rows of the devices in the inventory, and of the programs that it names for phones."""
    from edgenas.api.device_rows import tool_rows
    from edgenas.base.errors import DeviceInputError

    path = inventory or INVENTORY
    if inventory is None and not path.is_file():
        yield DoctorRow(
            "inventory",
            "ok",
            f"no {path} here: this machine alone; to add a board: edgenas devices add NAME --ssh HOST",
        )
        return
    try:
        entries = load_entries(inventory)
    except DeviceInputError as error:
        finding, _, remedy = str(error).partition("; ")
        yield DoctorRow("inventory", "broken", finding, remedy or f"edit {path}")
        return
    remote = [entry for entry in entries.values() if entry.kind != "local"]
    names = ", ".join(f"{entry.name} ({entry.kind})" for entry in remote) or "this machine alone"
    chosen = f" --inventory {inventory}" if inventory else ""
    remedy = f"to check that each can be measured now: edgenas devices check{chosen}" if remote else ""
    yield DoctorRow("inventory", "ok", f"{path}: {names}", remedy)
    for entry in remote:
        if entry.tools:
            for row in tool_rows(entry):
                what = f"{entry.name}: {row.what}"
                yield DoctorRow(what, "ok" if row.state == "ok" else "broken", row.reason, row.remedy)


def ssh_rows(loaded: Collection[str]) -> Iterator[DoctorRow]:
    """Yield rows of the ssh client (for commands that people type), the keys offered to boards, and trusted boards."""
    from edgenas.base.errors import DeviceError

    client = shutil.which("ssh")
    remedy = "for ssh-copy-id and ssh-keygen, type: sudo apt install openssh-client"
    yield (
        DoctorRow("ssh client", "ok", client)
        if client
        else DoctorRow("ssh client", "missing", "no ssh in PATH", remedy)
    )
    if "paramiko" not in loaded:
        yield DoctorRow("ssh keys", "broken", "paramiko cannot be loaded, see its row above")
        return
    from edgenas.devices.inventory import known_hosts_file
    from edgenas.devices.transports.ssh.keys import shown_keys
    from edgenas.devices.transports.ssh.known_hosts import load

    try:
        keys, notes = shown_keys()
    except DeviceError as error:
        finding, _, remedy = str(error).partition("; ")
        yield DoctorRow("ssh keys", "broken", finding, remedy)
    else:
        agent = "agent: yes" if os.environ.get("SSH_AUTH_SOCK") else "agent: none"
        if keys:
            yield DoctorRow("ssh keys", "ok", f"{', '.join(keys)}; {agent}", "; ".join(notes))
        else:
            finding = "; ".join((*notes, agent)) if notes else f"none in ~/.ssh; {agent}"
            yield DoctorRow("ssh keys", "missing", finding, "" if notes else "for boards, type: ssh-keygen -t ed25519")
    path = known_hosts_file()
    try:
        yield DoctorRow("enrolled boards", "ok", f"{len(load(path))} in {path}")
    except DeviceError as error:
        finding, _, remedy = str(error).partition("; ")
        yield DoctorRow("enrolled boards", "broken", finding, remedy)


def adb_rows(loaded: Collection[str]) -> Iterator[DoctorRow]:
    """Yield rows of the adb program, and of the adb server if one runs; none is started."""
    if "adbutils" not in loaded:
        yield DoctorRow("adb", "broken", "adbutils cannot be loaded, see its row above")
        return
    from edgenas.base.errors import DeviceError, DeviceInputError
    from edgenas.devices.transports.adb_server import NEW_FEATURE, OLDEST, find_program, user_server

    try:
        program = find_program()
        done = subprocess.run(
            [str(program), "version"], capture_output=True, encoding="utf-8", errors="replace", timeout=_CALL_S
        )
        version = re.search(r"^Version (\S+)", done.stdout, re.MULTILINE)
        yield DoctorRow("adb", "ok", f"{version[1] if version else ''} {program}".strip())
    except (DeviceInputError, OSError, subprocess.TimeoutExpired) as error:
        finding, _, remedy = str(error).partition("; ")
        yield DoctorRow(
            "adb", "missing", finding, f"for phones: {remedy or 'get platform-tools from developer.android.com'}"
        )
    server = user_server()
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    except OSError:
        yield DoctorRow("adb server", "ok", f"none runs on port {server.port}; edgenas starts one when a phone is used")
        return
    try:
        features, states = server.ask("host:host-features", _CALL_S), server.states()
    except DeviceError as error:
        yield DoctorRow("adb server", "broken", str(error), "type: adb kill-server")
        return
    if NEW_FEATURE not in features.split(","):
        finding = f"the server on port {server.port} is older than {OLDEST} and loses devices without an error"
        yield DoctorRow("adb server", "broken", finding, "type: adb kill-server; edgenas then starts its own newer one")
        return
    seen = ", ".join(f"{serial} ({state})" for serial, state in states.items()) or "no phone"
    closed = any(state != "device" for state in states.values())
    finding = f"runs on port {server.port}, sees {seen}"
    yield DoctorRow("adb server", "mark" if closed else "ok", finding, _AUTHORISE if closed else "")
