"""The command ``edgenas devices exec``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.api.inventory import load_entry, opened
from edgenas.base.errors import InputError, OutcomeError
from edgenas.cli.completions import devices
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.terminal import json_option, print_json


@click.command("exec")
@click.argument("name", shell_complete=devices)
@click.argument("argv", nargs=-1, required=True)
@click.option("--timeout-s", default=60.0, show_default=True, help="Seconds after which the command is stopped.")
@inventory_option
@json_option
def command(name: str, argv: tuple[str, ...], timeout_s: float, inventory: Path | None, as_json: bool) -> None:
    """Run a command on a device, without a shell, and print its output without control characters.

    Options go before the --. Exit code 0 if the command's is 0, else 1.

    \b
    Example:
      edgenas devices exec pi4 -- uname -a
      edgenas devices exec pi4 --timeout-s 300 -- sh -c 'df -h | head'
    """
    if not 0 < timeout_s <= 86_400:
        raise InputError(f"--timeout-s {timeout_s:g} is not between 0 and 86400, as in --timeout-s 300")
    from edgenas.base.errors import TimeLimitError

    with opened(load_entry(inventory, name)) as device:
        try:
            done = device.run(argv, timeout_s=timeout_s)
        except TimeLimitError as error:
            if not as_json:
                _show(error.stdout, error.stderr)
            raise
    if as_json:
        print_json(
            {"device": name, "argv": argv, "returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
        )
    else:
        _show(done.stdout, done.stderr)
    if done.returncode != 0:
        raise OutcomeError(f"{name}: {_plain(argv[0])} ended with exit code {done.returncode}")


def _show(stdout: str, stderr: str) -> None:
    click.echo(_plain(stdout), nl=False)
    click.echo(_plain(stderr), nl=False, err=True)


def _plain(text: str) -> str:
    """Return ``text`` without control characters that a terminal would execute."""
    return "".join(c for c in text.replace("\r\n", "\n") if c.isprintable() or c in "\n\t")
