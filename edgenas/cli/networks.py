"""How a person names a network or a space on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.reference import REFERENCE, reference

if TYPE_CHECKING:
    from edgenas.search.space import Space

in_size_option = click.option(
    "--in-size", type=click.IntRange(1, 4096), help="Input height and width in pixels [default: the space's own]."
)
classes_option = click.option(
    "--classes", type=click.IntRange(1, 100_000), help="Number of classes [default: the space's own]."
)

NETWORK_HELP = (
    "NETWORK is a JSON file (a network, or what `search` wrote), a published network "
    f"({', '.join(REFERENCE)}), or SPACE/KEY such as nas_bench_macro/2.2.2.1.2.2.1.0."
)


def sizes(in_size: int | None, classes: int | None) -> str:
    """The options as they were typed, for what to type next."""
    given = {"in-size": in_size, "classes": classes}
    return "".join(f" --{option} {value}" for option, value in given.items() if value is not None)


def load_network(text: str, in_size: int | None = None, classes: int | None = None) -> Architecture:
    """The network that ``text`` names; InputError says what it could have been."""
    if text.endswith(".json") or Path(text).is_file():
        if in_size or classes:
            raise InputError("--in-size and --classes do not apply to a network read from a file: it has its own")
        return network_from_json(Path(text))
    name, slash, key = text.partition("/")
    if slash:
        chosen = load_space(name, in_size, classes)
        return chosen.architecture(chosen.parse(key))
    if text in REFERENCE:
        return reference(text, in_size or 224, classes or 1000)
    raise InputError(f"{text!r} names no network. {NETWORK_HELP}")


def load_space(name: str, in_size: int | None, classes: int | None) -> Space:
    """A space by name; InputError lists the names."""
    from edgenas.search.spaces import space

    return space(name, in_size, classes)


def read_json(path: Path) -> Any:
    """A JSON file, or one clear InputError."""
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error


def network_from_json(path: Path) -> Architecture:
    """A network file, or the winner of what ``edgenas search`` wrote."""
    data = read_json(path)
    if isinstance(data, dict) and "winner" in data:
        if not isinstance(data["winner"], dict):
            raise InputError(f"{path} is a search without a winner; run the search again")
        data = data["winner"].get("network")
    return Architecture.from_json(data)
