"""The command ``edgenas devices prepare``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.api.inventory import INVENTORY, load_entry, next_command, opened
from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.cli.completions import INSTALLABLE, devices, words
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary
from edgenas.cli.terminal_listener import TERMINAL


@click.command("prepare")
@click.argument("name", shell_complete=devices)
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    metavar="RUNTIME",
    shell_complete=words(*INSTALLABLE),
    help="Runtime for a board: litert or onnxruntime; repeat for both, in one environment  [default: litert]",
)
@click.option(
    "--delegate",
    metavar="NAME[:WHAT]",
    shell_complete=words("gpu", "openvino:cpu", "openvino:gpu", "openvino:npu", "cuda"),
    help="Delegate whose packages a board gets, in an environment of their own: gpu, openvino:npu, cuda, ...",
)
@click.option(
    "--wheels",
    type=UserPath(file_okay=False, path_type=Path),
    help="Folder with wheels for the board; with it, this command downloads nothing.",
)
@click.option("--write", is_flag=True, help="Write the Python of the board into devices.toml.")
@click.option(
    "--governor",
    is_flag=True,
    help="Only print a script for a board; after root has run it once, governors can be set.",
)
@inventory_option
@json_option
def command(
    name: str,
    runtimes: tuple[str, ...],
    delegate: str | None,
    wheels: Path | None,
    write: bool,
    governor: bool,
    inventory: Path | None,
    as_json: bool,
) -> None:
    """Install a runtime on a board, or copy the tools of the inventory to a phone.

    A board needs no internet: wheels for its Python, processor and C library are downloaded on this machine, copied to
    the board and installed in a separate folder below ~/.edgenas. Then a small model must compute the same values on
    the board as on this machine.

    \b
    Example:
      edgenas devices prepare pi4 --write
      edgenas devices prepare pi4 --runtime litert --runtime onnxruntime --write
      edgenas devices prepare pi5 --delegate gpu --write
      edgenas devices prepare pixel
      edgenas devices prepare pi4 --governor | ssh pi@pi4.local sudo sh
    """
    from edgenas.cli.devices.preparation import prepare_board, prepare_delegate, prepare_phone

    entry = load_entry(inventory, name)
    if governor:
        from edgenas.devices.session.clock import helper_installer

        if entry.target is None:
            raise InputError(f"--governor is for boards (kind ssh), and {name} is of kind {entry.kind}: leave it out")
        script = helper_installer(entry.target.user)
        if as_json:
            print_json({"device": name, "script": script})
        else:
            click.echo(script, nl=False)
        return
    if entry.phone is not None:
        if runtimes or wheels or write or delegate:
            options = "--runtime, --delegate, --wheels and --write"
            raise InputError(f"{name} is a phone, which has no Python: {options} are for boards")
        with opened(entry) as device:
            placed = prepare_phone(entry, device, TERMINAL)
        if as_json:
            print_json({"device": name, "tools": placed})
        else:
            then = next_command(inventory, "check", name)
            print_summary({**placed, "next": then}, f"{name} has {counted(len(placed), 'tool')} of the inventory")
        return
    if write and name == "local":
        raise InputError(
            "local is no section of devices.toml, so --write has no place for the Python: leave out --write, or add "
            "a section of kind local with another name"
        )
    if delegate is not None and runtimes:
        raise InputError("--delegate has an environment of its own: leave out --runtime, or --delegate")
    field: str | dict[str, str]
    names = [f"what {delegate} needs"] if delegate is not None else list(dict.fromkeys(runtimes)) or ["litert"]
    with opened(entry) as device:
        if delegate is not None:
            python = prepare_delegate(entry, device, delegate, wheels, TERMINAL)
            key, field = "pythons", {**entry.pythons, delegate.partition(":")[0]: python}
        else:
            python = prepare_board(entry, device, names, wheels, TERMINAL)
            key, field = "python", python
    path = inventory or INVENTORY
    if write:
        from edgenas.devices.inventory_file import set_field

        set_field(path, name, key, field)
    if as_json:
        print_json({"device": name, "python": python, "written": str(path) if write else None})
        return
    name_of = "" if delegate is None else delegate.partition(":")[0]
    click.echo(f'pythons = {{ {name_of} = "{python}" }}' if name_of else f'python = "{python}"')
    where = f"{path}, below [devices.{name}]"
    print_summary(
        {"written" if write else "write it into": where, "next": next_command(inventory, "check", name)},
        f"{name} has {', '.join(names)}, and computes what this machine computes",
    )
