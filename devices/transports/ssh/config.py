"""Reader of an OpenSSH configuration; a keyword that edgenas does not support and that changes the result is an error.

Supported: Host patterns with negation, Match all | host | originalhost, Include, and the keywords of ``Settings``; the
first value of each counts, as in ssh_config(5). Ignored: keywords that concern only OpenSSH itself, a terminal,
forwarding (edgenas forwards nothing), or checks less strict than those of edgenas. Every other keyword is an error that
names the line.
"""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgenas.base.errors import DeviceInputError

_READ = ("hostname", "user", "port", "identityfile", "identitiesonly", "proxyjump", "hostkeyalias")
_PASSED_OVER_WORDS = (
    "addkeystoagent batchmode canonicaldomains checkhostip clearallforwardings compression connectionattempts "
    "connecttimeout controlmaster controlpath controlpersist dynamicforward enableescapecommandline escapechar "
    "exitonforwardfailure fingerprinthash forwardagent forwardx11 forwardx11timeout forwardx11trusted gatewayports "
    "globalknownhostsfile hashknownhosts ignoreunknown ipqos kbdinteractiveauthentication localforward loglevel "
    "logverbose nohostauthenticationforlocalhost numberofpasswordprompts obscurekeystroketiming passwordauthentication "
    "permitlocalcommand permitremoteopen preferredauthentications pubkeyauthentication remoteforward requesttty "
    "revokedhostkeys sendenv serveralivecountmax serveraliveinterval setenv stdinnull streamlocalbindmask "
    "streamlocalbindunlink stricthostkeychecking syslogfacility tag tcpkeepalive updatehostkeys userknownhostsfile "
    "verifyhostkeydns visualhostkey xauthlocation gssapiauthentication gssapidelegatecredentials "
    "challengeresponseauthentication hostbasedauthentication rekeylimit forkafterauthentication"
)
_PASSED_OVER = frozenset(_PASSED_OVER_WORDS.split())
_HARMLESS_VALUES = {"proxycommand": "none", "canonicalizehostname": "no", "addressfamily": "any"}
_HARMLESS_VALUES |= {"remotecommand": "none", "identityagent": "ssh_auth_sock", "tunnel": "no", "proxyusefdpass": "no"}
_MOST_INCLUDES = 16
_REMEDY = "give host, user, port and key in devices.toml and set ssh_config = false there"


@dataclass(slots=True)
class Settings:
    """Settings of one host in a configuration; None where a keyword is missing. ``proxy_jump`` is [] for 'none'."""

    host_name: str
    user: str | None = None
    port: int | None = None
    identity_files: list[Path] = field(default_factory=list)
    identities_only: bool = False
    proxy_jump: list[str] | None = None
    host_key_alias: str | None = None


def read_config(path: Path, host: str, home: Path | None = None) -> Settings:
    """Return the settings for ``host`` in the file ``path``, empty where the file does not exist. DeviceInputError."""
    home = home or Path.home()
    values: dict[str, list[tuple[str, str]]] = {}
    if path.exists():
        for keyword, value, where in _applying(path, host, home, 0):
            _take(values, keyword, value, where)
    return _settings(values, host, home)


def _take(values: dict[str, list[tuple[str, str]]], keyword: str, value: str, where: str) -> None:
    if keyword in _READ:
        if keyword == "identityfile" or keyword not in values:
            values.setdefault(keyword, []).append((value, where))
    elif keyword not in _PASSED_OVER and _HARMLESS_VALUES.get(keyword) != value.lower():
        raise DeviceInputError(f"{where}: {keyword} is not supported; {_REMEDY}")


def _settings(values: dict[str, list[tuple[str, str]]], host: str, home: Path) -> Settings:
    def first(keyword: str) -> tuple[str, str]:
        return values.get(keyword, [("", "")])[0]

    settings = Settings(host)
    name, where = first("hostname")
    if name:
        settings.host_name = _expand(name, {"%h": host}, where)
    settings.user = first("user")[0] or None
    port, where = first("port")
    if port:
        if not re.fullmatch(r"\d{1,5}", port):
            raise DeviceInputError(f"{where}: {port[:80]!r} is not a port")
        settings.port = int(port)
    settings.identities_only = first("identitiesonly")[0].lower() == "yes"
    settings.host_key_alias = first("hostkeyalias")[0] or None
    jump, where = first("proxyjump")
    if jump:
        settings.proxy_jump = [] if jump.lower() == "none" else [_expand(j, {}, where) for j in jump.split(",")]
    tokens = {"%d": str(home), "%h": settings.host_name, "%n": host, "%r": settings.user or "%r"}
    for file, where in values.get("identityfile", []):
        if file.lower() != "none":
            settings.identity_files.append(_path(_expand(file, tokens, where), home))
    return settings


def _expand(text: str, tokens: dict[str, str], where: str) -> str:
    tokens = {**tokens, "%%": "%"}
    if unknown := [t for t in re.findall(r"%.?|\$\{", text) if t not in tokens or tokens[t] == t]:
        raise DeviceInputError(f"{where}: {unknown[0]} in {text[:80]!r} is not supported; {_REMEDY}")
    return re.sub("%.", lambda found: tokens[found[0]], text)


def _path(text: str, home: Path) -> Path:
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return Path(text) if text.startswith("/") else home / ".ssh" / text


def _applying(path: Path, host: str, home: Path, depth: int) -> Iterator[tuple[str, str, str]]:
    """Yield (keyword, value, place) of every line that applies to ``host``, with included files."""
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
            applies = _matches(host, words)
        elif keyword == "match":
            applies = _match(words, host, where)
        elif not applies:
            continue
        elif keyword == "include":
            for pattern in words:
                whole = _path(pattern, home)
                for included in sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))):
                    yield from _applying(included, host, home, depth + 1)
        else:
            yield keyword, " ".join(words), where


def _words(line: str, where: str) -> tuple[str, list[str]]:
    line = line.strip()
    if not line or line.startswith("#"):
        return "", []
    found = re.match(r"([A-Za-z0-9]+)(?:\s*=\s*|\s+)(\S.*)$", line)
    try:
        words = shlex.split(found[2], comments=True) if found else []
    except ValueError:
        words = []
    if not found or not words:
        raise DeviceInputError(f"{where}: not KEYWORD VALUE: {line[:80]!r}")
    return found[1].lower(), words


def _matches(host: str, patterns: list[str]) -> bool:
    """Return whether ``host`` matches a pattern list: at least one pattern matches, and no negated one."""
    matched = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if fnmatch.fnmatchcase(host, pattern.removeprefix("!").replace("[", "[[]")):
            if negated:
                return False
            matched = True
    return matched


def _match(words: list[str], host: str, where: str) -> bool:
    if [w.lower() for w in words] == ["all"]:
        return True
    if len(words) == 2 and words[0].lower() in ("host", "originalhost"):
        return _matches(host, words[1].split(","))
    raise DeviceInputError(f"{where}: Match {' '.join(words)[:80]} is not supported; {_REMEDY}")
