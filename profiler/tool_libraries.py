"""Libraries of a delegate for a tool on a phone: from the folder in the inventory to the tool's library path."""

from __future__ import annotations

from edgenas.base.errors import InputError
from edgenas.devices.base import Device
from edgenas.devices.inventory import Entry
from edgenas.devices.launcher import place_launcher
from edgenas.devices.libraries import place_libraries
from edgenas.profiler.runtimes.delegates import Delegate, parse_delegate
from edgenas.profiler.runtimes.tool_accelerators import NPUS, library_flags


def _key(delegate: Delegate) -> str:
    """Return the name of a delegate's libraries in devices.toml."""
    return delegate.what if delegate.name == "external" else delegate.name


def check_libraries(entry: Entry, runtime: str, requested: str) -> None:
    """Raise InputError where the inventory does not name the libraries that a tool's delegate needs."""
    if not requested:
        return
    delegate = parse_delegate(requested, runtime)
    external = delegate.name == "external"
    if delegate.name not in NPUS and not external:
        return
    key = _key(delegate)
    if key not in entry.libraries or (external and key not in entry.external):
        file = f', and external = {{ {key} = "FILE.so" }}, the delegate in it' if external else ""
        raise InputError(
            f"--delegate {delegate} needs the vendor's libraries: name their folder below [devices.{entry.name}]: "
            f'libraries = {{ {key} = "PATH" }}, libraries_sha256 = {{ {key} = "..." }}{file}'
        )
    if external and not (entry.libraries[key].path / entry.external[key][0]).is_file():
        raise InputError(
            f"{entry.libraries[key].path} has no {entry.external[key][0]}; correct external in devices.toml"
        )


def launched(entry: Entry, runtime: str, requested: str, device: Device, tool: str) -> str:
    """Return the program that runs the tool with the libraries of its delegate, which are pushed; the tool itself where
    there are none."""
    delegate = parse_delegate(requested, runtime) if requested else None
    if delegate is None or (key := _key(delegate)) not in entry.libraries:
        return tool
    folder = place_libraries(device, key, entry.libraries[key])
    return place_launcher(device, tool, folder, library_flags(delegate, folder, *entry.external.get(key, ("", ""))))
