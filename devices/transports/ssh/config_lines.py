"""Lines of an OpenSSH configuration that apply to a host: Host and Match blocks, Include, quoting.

Host patterns with negation, and Match with all, host, originalhost, user, localuser, tagged, canonical and exec. As in
ssh, the criteria of Match are tested in order and use the values read so far, and the command of exec runs only where
the criteria before it are met.
"""

from __future__ import annotations

import fnmatch
import getpass
import os
import re
import shlex
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgenas.base.errors import DeviceInputError

REMEDY = "give host, user, port and key in devices.toml and set ssh_config = false there"
_MOST_INCLUDES = 16
_EXEC_S = 20.0
_RAW = ("proxycommand", "localcommand", "remotecommand", "knownhostscommand")  # not split into words
_TOKEN = re.compile(r"%.?")
_TOKEN_OR_VARIABLE = re.compile(r"%.?|\$\{[^}]*\}?")


@dataclass(slots=True)
class Asked:
    """The host that was asked for, and the values found so far: keyword -> (value, place) in the order of the file.

    ``user`` and ``port`` of the inventory replace those of the configuration.
    """

    host: str
    home: Path
    user: str | None = None
    port: int | None = None
    values: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def first(self, keyword: str) -> tuple[str, str]:
        """Return the first value of a keyword and its place; '' and '' where there is none."""
        return self.values.get(keyword, [("", "")])[0]

    def host_name(self) -> str:
        """Return the name or address to connect to, by the values found so far."""
        name, where = self.first("hostname")
        return expand(name, {"%h": self.host}, where) if name else self.host

    def user_name(self) -> str:
        """Return the user to log in as, by the values found so far."""
        return self.user or self.first("user")[0] or getpass.getuser()

    def tokens(self) -> dict[str, str]:
        """Return the tokens of ssh_config(5) that file names and commands may contain, with their values."""
        local = socket.gethostname()
        return {
            "%d": str(self.home),
            "%h": self.host_name(),
            "%i": str(os.getuid()),
            "%k": self.first("hostkeyalias")[0] or self.host,
            "%L": local.partition(".")[0],
            "%l": local,
            "%n": self.host,
            "%p": str(self.port or self.first("port")[0] or 22),
            "%r": self.user_name(),
            "%u": getpass.getuser(),
        }


def applying(path: Path, asked: Asked, depth: int = 0) -> Iterator[tuple[str, str, str]]:
    """Yield (keyword, value, place) of every line that applies to ``asked``, with included files. The caller adds each
    to ``asked.values`` before it takes the next. Raises DeviceInputError.
    """
    if depth > _MOST_INCLUDES:
        raise DeviceInputError(f"{path}: more than {_MOST_INCLUDES} files include each other; undo the loop")
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")  # where ssh ends a line, and nowhere else
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceInputError(f"{path}: cannot be read: {error}") from error
    applies = True
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        keyword, words = _words(line, where)
        if not keyword:
            continue
        if keyword == "host":
            applies = matches(asked.host, words)
        elif keyword == "match":
            applies = _match(words, asked, where)
        elif not applies:
            continue
        elif keyword == "include":
            for pattern in words:
                whole = expand_path(pattern, asked.home)
                for included in sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))):
                    yield from applying(included, asked, depth + 1)
        else:
            yield keyword, " ".join(words), where


def expand(text: str, tokens: dict[str, str], where: str, *, variables: bool = False) -> str:
    """Replace the tokens in ``text``, and with ``variables`` the ${VARIABLES} of the environment. DeviceInputError for
    unknown ones."""

    known = {**tokens, "%%": "%"}

    def value(found: re.Match[str]) -> str:
        token = found[0]
        if token in known:
            return known[token]
        if token.startswith("${") and token[2:-1] in os.environ:
            return os.environ[token[2:-1]]
        raise DeviceInputError(f"{where}: {token} in {text[:80]!r} is not supported; {REMEDY}")

    return (_TOKEN_OR_VARIABLE if variables else _TOKEN).sub(value, text)


def expand_path(text: str, home: Path) -> Path:
    """Return the path of a file that a configuration names; relative ones begin in ~/.ssh."""
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return Path(text) if text.startswith("/") else home / ".ssh" / text


def matches(name: str, patterns: list[str]) -> bool:
    """Return whether ``name`` matches a pattern list: at least one pattern matches, and no negated one."""
    matched = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if fnmatch.fnmatchcase(name, pattern.removeprefix("!").replace("[", "[[]")):
            if negated:
                return False
            matched = True
    return matched


def _words(line: str, where: str) -> tuple[str, list[str]]:
    line = line.strip()
    if not line or line.startswith("#"):
        return "", []
    found = re.match(r"([A-Za-z0-9]+)(?:\s*=\s*|\s+)(\S.*)$", line)
    if found and found[1].lower() in _RAW:
        return found[1].lower(), [found[2]]
    try:
        words = shlex.split(found[2], comments=True) if found else []
    except ValueError:
        words = []
    if not found or not words:
        raise DeviceInputError(f"{where}: not KEYWORD VALUE: {line[:80]!r}")
    return found[1].lower(), words


def _match(words: list[str], asked: Asked, where: str) -> bool:
    """Return whether all criteria of a Match line are met; the first that is not ends the test, as in ssh."""
    rest = list(words)
    while rest:
        criterion, equals, value = rest.pop(0).partition("=")
        name = criterion.removeprefix("!").lower()
        if name in ("all", "canonical"):
            met = name == "all"
        elif name in _CRITERIA and (equals or rest):
            met = _CRITERIA[name](asked, value if equals else rest.pop(0), where)
        else:
            raise DeviceInputError(f"{where}: Match {' '.join(words)[:80]} is not supported; {REMEDY}")
        if met == criterion.startswith("!"):
            return False
    return True


def _exec(asked: Asked, command: str, where: str) -> bool:
    argv = [os.environ.get("SHELL") or "/bin/sh", "-c", expand(command, asked.tokens(), where)]
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_EXEC_S).returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceInputError(f"{where}: Match exec {command[:80]!r} failed: {error}; {REMEDY}") from error


_CRITERIA: dict[str, Callable[[Asked, str, str], bool]] = {
    "host": lambda asked, value, where: matches(asked.host_name(), value.split(",")),
    "originalhost": lambda asked, value, where: matches(asked.host, value.split(",")),
    "user": lambda asked, value, where: matches(asked.user_name(), value.split(",")),
    "localuser": lambda asked, value, where: matches(getpass.getuser(), value.split(",")),
    "tagged": lambda asked, value, where: matches(asked.first("tag")[0], value.split(",")),
    "exec": _exec,
}
