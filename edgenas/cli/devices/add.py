"""The command ``edgenas devices add``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from edgenas.api.inventory import INVENTORY, next_command, sha256_of
from edgenas.base.errors import InputError
from edgenas.base.reading import check_exists
from edgenas.cli.completions import pools
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary, talk

_FILE = UserPath(path_type=Path)
_ANY = "any"  # value of --adb without a serial; no phone has this serial


@click.command("add")
@click.argument("name")
@click.option("--ssh", metavar="[USER@]HOST[:PORT]", help="Board to add; other settings are read from ~/.ssh/config.")
@click.option(
    "--adb",
    metavar="[SERIAL]",
    is_flag=False,
    flag_value=_ANY,
    help="Phone to add: its serial in `adb devices`, or HOST:PORT; without SERIAL, the only connected phone.",
)
@click.option(
    "--adb-pair",
    metavar="HOST:PORT",
    help="Phone to pair and add: the address under Wireless debugging, Pair device with pairing code.",
)
@click.option("--adb-code", metavar="DIGITS", help="Pairing code of --adb-pair  [default: asked]")
@click.option("--key", type=_FILE, help="Private key to log in to a board.")
@click.option("--jump", metavar="[USER@]HOST[:PORT]", help="Jump host of a board; several with commas.")
@click.option("--python", help="Python of a board  [default: python3]")
@click.option("--hardware-serial", help="Serial number that getprop ro.serialno must print on the phone.")
@click.option(
    "--benchmark-model", type=_FILE, help="benchmark_model of TensorFlow Lite or LiteRT 2, built for the phone."
)
@click.option("--onnxruntime-perf-test", type=_FILE, help="ONNX Runtime's onnxruntime_perf_test, built for the phone.")
@click.option("--core", "cores", type=int, multiple=True, help="CPU to pin measurements to; repeat for more.")
@click.option("--pool", shell_complete=pools, help="Pool of identical devices that share the work of one table.")
@inventory_option
@json_option
def command(
    name: str,
    ssh: str | None,
    adb: str | None,
    adb_pair: str | None,
    adb_code: str | None,
    key: Path | None,
    jump: str | None,
    python: str | None,
    hardware_serial: str | None,
    benchmark_model: Path | None,
    onnxruntime_perf_test: Path | None,
    cores: tuple[int, ...],
    pool: str | None,
    inventory: Path | None,
    as_json: bool,
) -> None:
    """Write a board (--ssh) or a phone (--adb, --adb-pair) into devices.toml. Existing sections are not changed.

    \b
    Example:
      edgenas devices add pi4 --ssh pi@pi4.local --pool pi4
      edgenas devices add pixel --adb 192.168.1.30:5555 \\
        --benchmark-model ~/benchmark_model
    """
    from edgenas.devices.inventory_file import Value, append_section, check_new
    from edgenas.devices.phone_tools import describe_tool

    if [ssh, adb, adb_pair].count(None) != 2:
        raise InputError(
            "give one of --ssh [USER@]HOST[:PORT] for a board, --adb [SERIAL] for a phone, and --adb-pair HOST:PORT "
            "for a phone with wireless debugging"
        )
    if adb_code is not None and adb_pair is None:
        raise InputError("--adb-code is for a phone with wireless debugging, with --adb-pair HOST:PORT")
    tools = {"--benchmark-model": benchmark_model, "--onnxruntime-perf-test": onnxruntime_perf_test}
    phones = {"--hardware-serial": hardware_serial, **tools}
    where = inventory or INVENTORY
    for option, value in ({"--key": key, "--jump": jump, "--python": python} if ssh is None else phones).items():
        if value is not None:
            raise InputError(f"{option} is for {'boards, with --ssh' if ssh is None else 'phones, with --adb'}")
    if key is not None:
        check_exists(key, "file")
    fields: dict[str, Value | None]
    found: dict[str, str] = {}
    if ssh is not None:
        user, host, port = _address(ssh)
        fields = {
            "kind": "ssh",
            "host": host,
            "user": user,
            "port": port,
            "key": str(key.absolute()) if key else None,
            "jump": jump,
            "python": python,
        }
    else:
        serial = None if adb == _ANY else adb
        if adb_pair is not None:
            check_new(where, name)
            serial = _paired(adb_pair, adb_code or click.prompt("pairing code on the phone", err=True))
        fields = {"kind": "adb", "serial": serial, "hardware_serial": hardware_serial}
        for option, path in tools.items():
            if path is not None:
                field = option.removeprefix("--").replace("-", "_")
                found[field] = describe_tool(field, path)
                fields |= {field: str(path.absolute()), f"{field}_sha256": sha256_of(path)}
    fields |= {"cores": cores or None, "pool": pool}
    section = append_section(where, name, {key: value for key, value in fields.items() if value is not None})
    then = next_command(inventory, "enroll" if ssh is not None else "check", name)
    if as_json:
        print_json({"device": name, "inventory": str(where), "section": section, "tools": found, "next": then})
        return
    talk(section.rstrip("\n"))
    print_summary({**found, "written": str(where), "next": then}, f"{name} is in {where}")


def _paired(address: str, code: str) -> str:
    """Pair with a phone, and return its serial."""
    from edgenas.devices.transports.adb_server import user_server
    from edgenas.devices.transports.remote import check_serial

    if ":" not in check_serial(address) or not re.fullmatch(r"\d{6}", code):
        raise InputError(
            f"--adb-pair {address[:80]!r} and code {code[:20]!r} are not HOST:PORT and six digits; the phone shows "
            "both under Wireless debugging, Pair device with pairing code"
        )
    server = user_server()
    server.start()
    return server.pair(address, code)


def _address(text: str) -> tuple[str | None, str, int | None]:
    """Return (user, host, port) of [USER@]HOST[:PORT]; an IPv6 address with a port stands in brackets."""
    user, at, rest = text.rpartition("@")
    inside = re.fullmatch(r"\[(.*)\](?::(.*))?", rest)
    host, port = (inside[1], inside[2]) if inside else rest.split(":") if rest.count(":") == 1 else (rest, None)
    if (at and not user) or not host or (port is not None and not re.fullmatch("[0-9]{1,5}", port)):
        raise InputError(f"--ssh {text[:80]!r} is not [USER@]HOST[:PORT], as in --ssh pi@pi4.local:22")
    return user or None, host, None if port is None else int(port)
