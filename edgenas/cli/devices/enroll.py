"""The command ``edgenas devices enroll``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.api.inventory import load_entry, next_command
from edgenas.base.errors import InputError, OutcomeError
from edgenas.cli.completions import devices
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.terminal import json_option, print_json, print_summary, talk

if TYPE_CHECKING:
    from edgenas.devices.transports.ssh.known_hosts import HostKey
    from edgenas.devices.transports.ssh.paramiko_link import SshTarget


@click.command("enroll")
@click.argument("name", shell_complete=devices)
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    help="Fingerprint (SHA256:...) of the only key to trust; repeat for jump hosts.",
)
@click.option("--yes", is_flag=True, help="Trust any key without asking; use it only on your own network.")
@inventory_option
@json_option
def command(name: str, fingerprints: tuple[str, ...], yes: bool, inventory: Path | None, as_json: bool) -> None:
    """Show a board's host key and, if you agree, trust it from now on; its jump hosts come first.

    Compare the fingerprint with the one on the board itself: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub

    \b
    Example:
      edgenas devices enroll pi4
      edgenas devices enroll pi4 --fingerprint SHA256:X5QnA5...
    """
    from edgenas.devices.transports.ssh import known_hosts, paramiko_link

    entry = load_entry(inventory, name)
    if entry.target is None:
        raise InputError(f"{name} is of kind {entry.kind}: only a device of kind ssh has a host key")
    seen = []
    for target in _chain(entry.target):
        key = paramiko_link.offered_key(target)
        known = bool(known_hosts.load(target.known_hosts).get(target.entry))
        if known:
            known_hosts.check(target.known_hosts, target.entry, key)
        else:
            _agree(target, key, fingerprints, yes)
            paramiko_link.enroll(target, key)
        seen.append(
            {
                "host": target.entry,
                "type": key.type,
                "fingerprint": key.fingerprint,
                "state": "was enrolled" if known else "enrolled",
            }
        )
    if as_json:
        print_json({"device": name, "hosts": seen, "known_hosts": str(entry.target.known_hosts)})
        return
    for host in seen:
        click.echo(f"{host['host']} {host['fingerprint']} ({host['type']}): {host['state']}")
    trusted = " and ".join(str(host["host"]) for host in seen)
    print_summary({"next": next_command(inventory, "check", name)}, f"{name} is trusted: the key of {trusted} is known")


def _chain(target: SshTarget) -> Iterator[SshTarget]:
    """Yield the jump hosts of a board, the nearest first, then the board."""
    if target.jump is not None:
        yield from _chain(target.jump)
    yield target


def _agree(target: SshTarget, key: HostKey, fingerprints: tuple[str, ...], yes: bool) -> None:
    """Ask the user to trust the key, unless options answer. OutcomeError where it is not trusted."""
    shown = f"{target.entry} shows {key.fingerprint} ({key.type})"
    if fingerprints:
        if key.fingerprint not in fingerprints:
            raise OutcomeError(
                f"{shown}, not {' or '.join(fingerprints)}: it was not enrolled; another host may have answered"
            )
        return
    talk(shown)
    if yes:
        return
    if not sys.stdin.isatty():
        raise OutcomeError(
            f"{target.entry} was not enrolled: stdin is not a terminal; compare the fingerprint, then type again with "
            f"--fingerprint {key.fingerprint}"
        )
    if not click.confirm("Trust it from now on?", default=False, err=True):
        raise OutcomeError(f"{target.entry} was not enrolled")
