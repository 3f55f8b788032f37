"""Lists of algorithms in the form of ssh_config(5)."""

from __future__ import annotations

from collections.abc import Sequence

from edgenas.base.errors import DeviceInputError
from edgenas.devices.transports.ssh.config_lines import matches


def chosen(spec: str, offered: Sequence[str]) -> list[str]:
    """Return the algorithms to offer, best first: ``offered`` are those that edgenas offers without ``spec``.

    As in ssh_config(5): +LIST adds, -LIST removes, ^LIST puts first, LIST replaces. Those that edgenas has not are left
    out; DeviceInputError where none is left.

    >>> chosen("+ssh-rsa", ["ssh-ed25519"]), chosen("-ssh-*", ["ssh-ed25519", "rsa-sha2-512"]), chosen("^b", ["a", "b"])
    (['ssh-ed25519'], ['rsa-sha2-512'], ['b', 'a'])
    """
    sign, names = (spec[:1], spec[1:]) if spec[:1] in ("+", "-", "^") else ("", spec)
    patterns = names.split(",")
    named = [name for pattern in patterns for name in offered if matches(name, [pattern])]
    others = [name for name in offered if name not in named]
    left = {"+": list(offered), "-": others, "^": [*named, *others], "": named}[sign]
    if not left:
        raise DeviceInputError(
            f"{spec[:200]!r} in the ssh configuration leaves no algorithm that edgenas has; name one of: "
            f"{', '.join(offered)}"
        )
    return list(dict.fromkeys(left))
